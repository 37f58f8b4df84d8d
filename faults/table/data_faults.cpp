// The data family of the fault table: what is read is not what was written.  Fault model 8.8. Every
// one of them ends in GOOD status: the medium says that all is well.
#include "faults/fault_table.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace faultlun::faults {
namespace {

using DataKind = DataFault::Kind;
using Lasting = DataFault::Lasting;

constexpr std::uint64_t kMaxBits = 65536;  ///< of one command
constexpr std::uint64_t kMaxPatternBytes = 4096;
constexpr std::uint64_t kMaxParts = 4096;
constexpr std::uint64_t kMaxVersions = 64;  ///< as many as the medium keeps
constexpr std::uint64_t kMaxPoisonBytes = 64;
constexpr std::chrono::nanoseconds kDefaultGap = std::chrono::milliseconds(10);
constexpr std::chrono::nanoseconds kMaxGap = std::chrono::seconds(60);

constexpr std::string_view kLastingWords[] = {"transient", "stuck", "until_rewrite"};
constexpr std::string_view kShortLastingWords[] = {"transient", "until_rewrite"};
constexpr std::string_view kShownWords[] = {"old", "zero", "random"};
constexpr std::string_view kAckWords[] = {"good", "write_error"};

// Parameters that several faults share.
constexpr Parameter kLasting{
    .name = "lasting",
    .kind = Kind::choice,
    .fallback = R"("until_rewrite")",
    .choices = kLastingWords,
    .meaning =
        "transient: a read is wrong once, in this answer (of a write it is the same as "
        "until_rewrite); until_rewrite: the blocks read so until they are written again; "
        "stuck: after that as well, for as long as the rule is armed"};
constexpr Parameter kShortLasting{
    .name = "lasting",
    .kind = Kind::choice,
    .fallback = R"("until_rewrite")",
    .choices = kShortLastingWords,
    .meaning =
        "transient: a read is wrong once, in this answer; until_rewrite: the blocks read so "
        "until they are written again"};
constexpr Parameter kPoison{
    .name = "poison",
    .kind = Kind::text,
    .fallback = "(none)",
    .least = 1,
    .most = kMaxPoisonBytes,
    .meaning = "a name for the damage: listings of overlays have it beside the id"};
constexpr Parameter kBits{.name = "bits",
                          .kind = Kind::number,
                          .fallback = "1",
                          .least = 1,
                          .most = kMaxBits,
                          .meaning = "how many bits, drawn among all of the blocks"};
constexpr Parameter kPerBit{
    .name = "p",
    .kind = Kind::decimal,
    .fallback = "(bits)",
    .meaning =
        "each bit by itself with this probability, instead of a number of bits; 65536 bits "
        "of one command at most"};
constexpr Parameter kOtherLba{.name = "lba",
                              .kind = Kind::number,
                              .fallback = "(drawn)",
                              .meaning = "first block of the other place"};
constexpr Parameter kDelta{.name = "delta",
                           .kind = Kind::difference,
                           .fallback = "(drawn)",
                           .meaning = "the other place, in blocks from the right one"};

constexpr Parameter kFlipParameters[] = {kBits, kPerBit, kLasting, kPoison};
constexpr Parameter kWireFlipParameters[] = {kBits, kPerBit};
constexpr Parameter kByteParameters[] = {
    {.name = "offset",
     .kind = Kind::number,
     .fallback = "0",
     .most = UINT32_MAX,
     .meaning = "first byte that is changed, counted from the first byte of the blocks struck"},
    {.name = "set",
     .kind = Kind::octets,
     .fallback = "(xor)",
     .least = 1,
     .most = kMaxPatternBytes,
     .meaning = "these octets instead; give set or xor"},
    {.name = "xor",
     .kind = Kind::octets,
     .fallback = "(set)",
     .least = 1,
     .most = kMaxPatternBytes,
     .meaning = "these bits inverted"},
    kLasting,
    kPoison,
};
constexpr Parameter kSwapParameters[] = {kOtherLba, kDelta, kShortLasting, kPoison};
constexpr Parameter kZeroParameters[] = {kLasting, kPoison};
constexpr Parameter kStaleParameters[] = {
    {.name = "versions",
     .kind = Kind::number,
     .fallback = "1",
     .least = 1,
     .most = kMaxVersions,
     .meaning =
         "how many writes ago; history is kept while the rule is armed, and a block that was "
         "not written as often reads as it is"},
    kShortLasting,
    kPoison,
};
constexpr Parameter kPatternParameters[] = {
    {.name = "hex",
     .kind = Kind::octets,
     .required = true,
     .least = 1,
     .most = kMaxPatternBytes,
     .meaning = "octets that repeat from the first byte of the blocks struck"},
    kLasting,
    kPoison,
};
constexpr Parameter kLostParameters[] = {
    {.name = "ack",
     .kind = Kind::choice,
     .fallback = R"("good")",
     .choices = kAckWords,
     .meaning = "good: the write is answered as if all were well; write_error: it is answered with "
                "03/0C/00, an honest loss"},
    kPoison,
};
constexpr Parameter kMisdirectParameters[] = {
    kOtherLba,
    kDelta,
    {.name = "lun",
     .kind = Kind::lun,
     .fallback = "(the unit of the command)",
     .meaning = "the other place is on this unit of the target, at the same block unless lba or "
                "delta say otherwise"},
    kPoison,
};
constexpr Parameter kTornParameters[] = {
    {.name = "blocks",
     .kind = Kind::number,
     .fallback = "(drawn)",
     .most = UINT32_MAX,
     .meaning = "so many blocks persist, from the beginning of the write"},
    {.name = "fraction",
     .kind = Kind::decimal,
     .fallback = "(drawn)",
     .meaning = "this part of the write persists, in whole blocks, from its beginning"},
    {.name = "parts",
     .kind = Kind::numbers,
     .fallback = "(drawn)",
     .most = kMaxParts,
     .meaning = "blocks of the write, from 0, that persist; an empty list: none"},
    kPoison,
};
constexpr Parameter kDupParameters[] = {kOtherLba, kDelta, kPoison};
constexpr Parameter kAtomicParameters[] = {
    {.name = "gap",
     .kind = Kind::duration,
     .fallback = R"("10ms")",
     .meaning = "time between comparing and writing, in which other commands go on; 60 s at most"}};
constexpr Parameter kUnmapParameters[] = {
    {.name = "shows",
     .kind = Kind::choice,
     .fallback = R"("old")",
     .choices = kShownWords,
     .meaning =
         "old: the blocks read as before; random: as drawn octets; zero: they read as zeros, "
         "but nothing is given back, and GET LBA STATUS says so"},
    kPoison,
};
constexpr Parameter kWrapParameters[] = {
    {.name = "capacity",
     .kind = Kind::size,
     .required = true,
     .least = 512,
     .meaning = "what there is in truth, in whole blocks and less than the unit says"},
    kPoison,
};

DataFault fault_of(DataKind kind, const Arguments& arguments) {
  DataFault fault;
  fault.kind = kind;
  const auto has = [&](std::string_view name) {
    return std::ranges::find(arguments.parameters(), name, &Parameter::name) !=
           arguments.parameters().end();
  };
  if (has("poison")) fault.poison = arguments.text("poison");
  return fault;
}

std::optional<Complaint> read_bits(const Arguments& arguments, DataFault& fault) {
  fault.bits = static_cast<std::uint32_t>(arguments.number("bits", 1));
  fault.per_bit = arguments.maybe<Ratio>("p");
  if (!fault.per_bit) return std::nullopt;
  if (arguments.has("bits")) return Complaint{"p", "says how many, as bits does; give one of them"};
  Complaints complaints;
  require_probability(complaints, "p", *fault.per_bit);
  if (!complaints.empty()) return complaints.front();
  return std::nullopt;
}

/// At most one of `lba` and `delta`.
std::optional<Complaint> read_other_end(const Arguments& arguments, DataFault& fault) {
  fault.lba = arguments.maybe<std::uint64_t>("lba");
  fault.delta_blocks = arguments.value<std::int64_t>("delta");
  if (!arguments.has("delta")) return std::nullopt;
  if (fault.lba) return Complaint{"delta", "says where, as lba does; give one of them"};
  if (fault.delta_blocks == 0)
    return Complaint{"delta", "is the right place; give another number of blocks"};
  return std::nullopt;
}

Lasting short_lasting(const Arguments& arguments) {
  return arguments.choice("lasting", 1) == 0 ? Lasting::transient : Lasting::until_rewrite;
}
Lasting lasting(const Arguments& arguments) {
  return static_cast<Lasting>(
      arguments.choice("lasting", static_cast<std::size_t>(Lasting::until_rewrite)));
}

Built build_flip(const Arguments& arguments) {
  auto fault = fault_of(DataKind::flip, arguments);
  if (auto wrong = read_bits(arguments, fault)) return *wrong;
  fault.lasting = lasting(arguments);
  return Action(std::move(fault));
}

Built build_wire_flip(const Arguments& arguments) {
  auto fault = fault_of(DataKind::wire_flip, arguments);
  if (auto wrong = read_bits(arguments, fault)) return *wrong;
  fault.lasting = Lasting::transient;
  return Action(std::move(fault));
}

Built build_byte(const Arguments& arguments) {
  auto fault = fault_of(DataKind::set_bytes, arguments);
  fault.offset = arguments.number("offset");
  fault.exclusive_or = arguments.has("xor");
  if (fault.exclusive_or == arguments.has("set"))
    return Complaint{"", "set says which octets, xor which bits are inverted; give one of them"};
  fault.octets = arguments.value<bytes::Buffer>(fault.exclusive_or ? "xor" : "set");
  if (fault.exclusive_or && std::ranges::all_of(fault.octets, [](auto each) { return each == 0; }))
    return Complaint{"xor", "inverts nothing; set a bit"};
  fault.lasting = lasting(arguments);
  return Action(std::move(fault));
}

Built build_swap(const Arguments& arguments) {
  auto fault = fault_of(DataKind::swap, arguments);
  if (auto wrong = read_other_end(arguments, fault)) return *wrong;
  fault.lasting = short_lasting(arguments);
  return Action(std::move(fault));
}

Built build_zero(const Arguments& arguments) {
  auto fault = fault_of(DataKind::zero, arguments);
  fault.lasting = lasting(arguments);
  return Action(std::move(fault));
}

Built build_stale(const Arguments& arguments) {
  auto fault = fault_of(DataKind::stale, arguments);
  fault.versions = static_cast<std::uint32_t>(arguments.number("versions", 1));
  fault.lasting = short_lasting(arguments);
  return Action(std::move(fault));
}

Built build_pattern(const Arguments& arguments) {
  auto fault = fault_of(DataKind::pattern, arguments);
  fault.octets = arguments.value<bytes::Buffer>("hex");
  fault.lasting = lasting(arguments);
  return Action(std::move(fault));
}

Built build_lost_write(const Arguments& arguments) {
  auto fault = fault_of(DataKind::lost_write, arguments);
  fault.acknowledged = arguments.choice("ack") == 0;
  return Action(std::move(fault));
}

Built build_misdirect(const Arguments& arguments) {
  auto fault = fault_of(DataKind::misdirect, arguments);
  if (auto wrong = read_other_end(arguments, fault)) return *wrong;
  if (arguments.has("lun")) fault.lun = static_cast<std::uint16_t>(arguments.number("lun"));
  return Action(std::move(fault));
}

Built build_torn(const Arguments& arguments) {
  auto fault = fault_of(DataKind::torn, arguments);
  const int given =
      int{arguments.has("blocks")} + int{arguments.has("fraction")} + int{arguments.has("parts")};
  if (given > 1)
    return Complaint{"", "blocks, fraction and parts each say what persists; give one of them"};
  fault.blocks = arguments.maybe<std::uint64_t>("blocks");
  fault.fraction = arguments.maybe<Ratio>("fraction");
  if (fault.fraction && compare(*fault.fraction, Ratio{1, 1}) >= 0)
    return Complaint{"fraction", "is the whole write, which is not torn; write less than 1"};
  if (!arguments.has("parts")) return Action(std::move(fault));
  for (const auto part : arguments.value<std::vector<std::uint64_t>>("parts")) {
    if (part > UINT32_MAX)
      return Complaint{"parts", "are numbers of blocks in the write; no write has more than 2^32"};
    fault.parts.push_back(static_cast<std::uint32_t>(part));
  }
  std::ranges::sort(fault.parts);
  if (fault.parts.empty()) fault.blocks = 0;
  return Action(std::move(fault));
}

Built build_dup_write(const Arguments& arguments) {
  auto fault = fault_of(DataKind::dup_write, arguments);
  if (auto wrong = read_other_end(arguments, fault)) return *wrong;
  return Action(std::move(fault));
}

Built build_flush_lie(const Arguments& arguments) {
  return Action(fault_of(DataKind::flush_lie, arguments));
}
Built build_fua_lie(const Arguments& arguments) {
  return Action(fault_of(DataKind::fua_lie, arguments));
}

Built build_not_atomic(const Arguments& arguments) {
  auto fault = fault_of(DataKind::caw_not_atomic, arguments);
  fault.gap = arguments.value<Time>("gap", kDefaultGap);
  Complaints complaints;
  require_range(complaints, "gap", fault.gap, Time(0), kMaxGap);
  if (!complaints.empty()) return complaints.front();
  return Action(std::move(fault));
}

Built build_unmap_lie(const Arguments& arguments) {
  auto fault = fault_of(DataKind::unmap_lie, arguments);
  fault.shown = static_cast<DataFault::Shown>(arguments.choice("shows"));
  return Action(std::move(fault));
}

Built build_wrap(const Arguments& arguments) {
  auto fault = fault_of(DataKind::wrap, arguments);
  fault.capacity_bytes = arguments.number("capacity");
  if (fault.capacity_bytes % 512 != 0)
    return Complaint{"capacity", "is not whole blocks; write a multiple of the block size"};
  fault.lasting = Lasting::stuck;
  return Action(std::move(fault));
}

constexpr FaultRow kDataRows[] = {
    {.id = "data.flip",
     .site = Site::media_read,
     .parameters = kFlipParameters,
     .build = build_flip,
     .summary = "Bits of the medium are inverted: bit rot, once or for good.",
     .wire =
         "Good status, a good data digest, and Data-In in which drawn bits are wrong; struck on "
         "a write, the blocks read so afterwards.",
     .host = "NTFS and ext4 hand wrong file data on without a word, and notice wrong metadata "
             "(chkdsk at boot, EFSBADCRC, EBADMSG); ReFS with integrity streams logs event 133, "
             "ZFS and btrfs count checksum errors and repair from a copy.",
     .example =
         R"({"id": "bit-rot", "match": {"op": "read"}, "gate": {"p": 1e-4, "key": "lba"}, "effect": {"data.flip": {"bits": 1}}})"},
    {.id = "data.byte",
     .site = Site::media_read,
     .parameters = kByteParameters,
     .build = build_byte,
     .summary = "Octets at one place are set, or bits of them inverted.",
     .wire = "Good status; Data-In with these octets in the place of its own.",
     .host = "As data.flip: aimed at a checksum, a magic number or a length it shows what the file "
             "system checks.",
     .example =
         R"({"id": "bad-magic", "match": {"op": "read", "lba": {"start": 2, "len": 1}}, "effect": {"data.byte": {"offset": 56, "set": "0000"}}})"},
    {.id = "data.swap",
     .site = Site::media_read,
     .parameters = kSwapParameters,
     .build = build_swap,
     .summary = "Two places of the medium have each other's contents.",
     .wire = "Good status; Data-In holds what was written to the other place.",
     .host = "Checksums that do not include the block's address find nothing wrong; those of ZFS, "
             "btrfs, XFS and ext4 metadata do.",
     .example =
         R"({"id": "swapped", "match": {"lba": {"start": 4096, "len": 8}}, "gate": {"times": 1}, "effect": {"data.swap": {"delta": 8}}})"},
    {.id = "data.zero",
     .site = Site::media_read,
     .parameters = kZeroParameters,
     .build = build_zero,
     .summary = "Blocks read as zeros although something was written.",
     .wire = "Good status; Data-In of zeros.",
     .host =
         "Zeros pass for a hole or a free record more often than noise does: journals end early, "
         "and NTFS takes a zeroed MFT record for an unused one.",
     .example =
         R"({"id": "zeroed", "match": {"op": "read", "lba": {"start": 2048, "len": 64}}, "effect": {"data.zero": {"lasting": "transient"}}})"},
    {.id = "data.stale",
     .site = Site::media_read,
     .parameters = kStaleParameters,
     .build = build_stale,
     .summary = "A read gets what was there some writes ago.",
     .wire = "Good status; Data-In of an earlier version of the blocks.",
     .host = "Every checksum inside of the block is right: only generation numbers kept elsewhere "
             "(ZFS, btrfs, a database's log sequence numbers) tell.",
     .example =
         R"({"id": "stale", "match": {"op": "read"}, "gate": {"p": 0.001}, "effect": {"data.stale": {"versions": 1, "lasting": "transient"}}})"},
    {.id = "data.pattern",
     .site = Site::media_read,
     .parameters = kPatternParameters,
     .build = build_pattern,
     .summary = "Blocks read as octets that repeat.",
     .wire = "Good status; Data-In of the pattern.",
     .host = "As data.zero, and easy to find in a dump of the host.",
     .example =
         R"({"id": "dead-beef", "match": {"op": "write"}, "gate": {"nth": 100}, "effect": {"data.pattern": {"hex": "deadbeef", "poison": "p1"}}})"},
    {.id = "data.lost_write",
     .site = Site::media_write,
     .parameters = kLostParameters,
     .build = build_lost_write,
     .summary = "A write is answered and never reaches the medium.",
     .wire = "GOOD status to the write; later reads bring what was there before.",
     .host = "Nothing fails at the time.  File systems find an older, consistent block, often only "
             "at the next mount; databases find a page older than their log.",
     .example =
         R"({"id": "lost", "match": {"op": "write", "lba": {"start": 0, "len": 1048576}}, "gate": {"nth": 500}, "effect": {"data.lost_write": {"ack": "good", "poison": "p1"}}})"},
    {.id = "data.misdirect",
     .site = Site::media_write,
     .parameters = kMisdirectParameters,
     .build = build_misdirect,
     .summary = "A write lands, or a read is taken, somewhere else.",
     .wire = "GOOD status; of a write the right place keeps what it had and the other one has the "
             "data; of a read Data-In comes from the other place.",
     .host = "Two blocks are wrong, each with checksums of its own that are right; only addresses "
             "inside of blocks tell.",
     .example =
         R"({"id": "misdirected", "match": {"op": "write"}, "gate": {"nth": 1000}, "effect": {"data.misdirect": {"delta": 128}}})"},
    {.id = "data.torn",
     .site = Site::media_write,
     .parameters = kTornParameters,
     .build = build_torn,
     .summary = "Only a part of a write reaches the medium.",
     .wire = "GOOD status to the write; the blocks that did not arrive read as before.",
     .host = "What a power failure leaves behind, without the power failure: journals with "
             "checksums stop before the torn record, databases find a torn page.",
     .example =
         R"({"id": "torn-page", "match": {"op": "write", "blocks": {"min": 16}}, "gate": {"nth": 50}, "effect": {"data.torn": {"blocks": 8}}})"},
    {.id = "data.dup_write",
     .site = Site::media_write,
     .parameters = kDupParameters,
     .build = build_dup_write,
     .summary = "A write lands where it belongs and in a second place as well.",
     .wire = "GOOD status; the second place reads as the data of the write.",
     .host = "Damage to something that nobody touched; found by whoever reads it next.",
     .example =
         R"({"id": "double", "match": {"op": "write"}, "gate": {"nth": 200}, "effect": {"data.dup_write": {"delta": -64}}})"},
    {.id = "data.flush_lie",
     .site = Site::media_flush,
     .parameters = {},
     .build = build_flush_lie,
     .summary = "SYNCHRONIZE CACHE is answered without flushing anything.",
     .wire = "GOOD status to SYNCHRONIZE CACHE.",
     .host = "None until power is lost; then a journal's commit may be there without what it "
             "commits.",
     .example =
         R"({"id": "no-flush", "match": {"op": "flush"}, "effect": {"data.flush_lie": {}}})"},
    {.id = "data.fua_lie",
     .site = Site::media_write,
     .parameters = {},
     .build = build_fua_lie,
     .summary = "Writes with FUA go to the cache like any other.",
     .wire = "GOOD status to the write.",
     .host = "As data.flush_lie; Windows uses FUA for NTFS's log, Linux for journal commits.",
     .example = R"({"id": "no-fua", "match": {"fua": true}, "effect": {"data.fua_lie": {}}})"},
    {.id = "data.caw_not_atomic",
     .site = Site::media_write,
     .parameters = kAtomicParameters,
     .build = build_not_atomic,
     .summary = "COMPARE AND WRITE lets others write between comparing and writing.",
     .wire = "Two initiators that compare with the same data both get GOOD status.",
     .host = "VMFS and clustered file systems use it as a lock: two hosts own it at a time.",
     .example =
         R"({"id": "split-lock", "match": {"op": "COMPARE AND WRITE"}, "effect": {"data.caw_not_atomic": {"gap": "50ms"}}})"},
    {.id = "data.unmap_lie",
     .site = Site::media_write,
     .parameters = kUnmapParameters,
     .build = build_unmap_lie,
     .summary = "Unmapped blocks do not read as zeros, or are never given back.",
     .wire = "GOOD status to UNMAP or WRITE SAME with UNMAP; reads bring old or drawn octets "
             "although LBPRZ promises zeros.",
     .host = "Hosts that rely on zeros after UNMAP (Linux BLKZEROOUT, thin clones, RAID parity) "
             "get files with old contents in them.",
     .example =
         R"({"id": "unmap-keeps", "match": {"op": "unmap"}, "effect": {"data.unmap_lie": {"shows": "old"}}})"},
    {.id = "data.wrap",
     .site = Site::media_read,
     .parameters = kWrapParameters,
     .build = build_wrap,
     .summary = "A counterfeit disk: addresses beyond what there is in truth start again at the "
                "beginning.",
     .wire =
         "GOOD status and the capacity as announced; a block reads as whatever was last written "
         "to any address that is the same modulo the capacity.  Begins with the first command "
         "that the rule strikes, ends with the rule.",
     .host = "All goes well until the disk fills; then the partition table and the file system's "
             "first blocks are overwritten.",
     .example =
         R"({"id": "counterfeit", "match": {"lun": 0}, "effect": {"data.wrap": {"capacity": "32MiB"}}})"},
    {.id = "data.wire_flip",
     .site = Site::cmd_datain,
     .parameters = kWireFlipParameters,
     .build = build_wire_flip,
     .summary = "Bits of Data-In are inverted behind the medium: corruption that digests miss.",
     .wire = "Good status, a good data digest over wrong data; the medium is as it was, and a "
             "second read is right.",
     .host = "As a data.flip that cannot be found again: only checksums of the application or the "
             "file system tell, and reading again helps.",
     .example =
         R"({"id": "bad-path", "match": {"op": "read"}, "gate": {"p": 1e-5}, "effect": {"data.wire_flip": {"bits": 2}}})"},
};

}  // namespace

std::span<const FaultRow> data_faults() {
  return kDataRows;
}

}  // namespace faultlun::faults
