#include "daemon/data_patches.hpp"

#include "faults/draw.hpp"
#include "faults/reach.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace faultlun::daemon {
namespace {

using faults::DataFault;
using lun_backends::Patch;
using Wide = unsigned __int128;

/// Bytes that differ and lie nearer than this share a patch.
constexpr std::uint64_t kPatchGapBytes = 32;
constexpr std::size_t kRandomOctets = 4096;
constexpr std::uint64_t kOverlayIdBits = 48;

std::uint64_t id_of(const std::string& name) {
  const auto hash = faults::siphash_2_4(0, 0, name) & ((std::uint64_t{1} << kOverlayIdBits) - 1);
  return hash != 0 ? hash : 1;
}

std::uint64_t bytes_of(const std::vector<ByteRange>& area) {
  std::uint64_t sum = 0;
  for (const auto& range : area)
    sum += range.length_bytes;
  return sum;
}

/// Lengths of runs of bits that stay right, when each is wrong with probability p: q^n >= n bits
/// stay right.  In units of 2^-64, by squares of q: whole numbers, the same on every machine.
class Gaps {
 public:
  explicit Gaps(const faults::Ratio& p) {
    const auto wrong = (Wide{p.numerator} << 64) / p.denominator;
    always_ = wrong >> 64 != 0;
    never_ = wrong == 0;
    if (always_ || never_) return;
    powers_[0] = static_cast<std::uint64_t>((Wide{1} << 64) - wrong);
    for (std::size_t i = 1; i < kPowers; ++i)
      powers_[i] = times(powers_[i - 1], powers_[i - 1]);
  }

  /// UINT64_MAX: to the end.
  std::uint64_t next(std::uint64_t draw) const {
    if (always_) return 0;
    if (never_) return UINT64_MAX;
    std::uint64_t gap = 0, chance = 0;  // 0 stands for 2^64 while gap is 0
    for (std::size_t i = kPowers; i-- > 0;) {
      const auto longer = gap == 0 ? powers_[i] : times(chance, powers_[i]);
      if (draw >= longer) continue;
      chance = longer;
      gap += std::uint64_t{1} << i;
    }
    return gap;
  }

 private:
  static constexpr std::size_t kPowers = 48;
  static std::uint64_t times(std::uint64_t a, std::uint64_t b) {
    return static_cast<std::uint64_t>(Wide{a} * b >> 64);
  }
  std::uint64_t powers_[kPowers] = {};
  bool always_ = false, never_ = false;
};

/// Bits of the area, counted from its first, ascending.
std::vector<std::uint64_t> bits_to_flip(const DataFault& fault, const Chance& chance,
                                        std::uint64_t total) {
  std::vector<std::uint64_t> bits;
  if (total == 0) return bits;
  if (fault.per_bit) {
    const Gaps gaps(*fault.per_bit);
    std::uint64_t n = 0;
    for (std::uint64_t next = 0; bits.size() < kMaxFlippedBits; ++next) {
      const auto gap = gaps.next(chance.number(n++));
      if (gap >= total - next) break;
      next += gap;
      bits.push_back(next);
      if (next == total - 1) break;
    }
    return bits;
  }
  const auto wanted = std::min<std::uint64_t>({fault.bits, total, kMaxFlippedBits});
  // More than half of all: every number is drawn again and again; the others are drawn then.
  const bool others = wanted > total / 2;
  std::set<std::uint64_t> drawn;
  for (std::uint64_t n = 0; drawn.size() < (others ? total - wanted : wanted); ++n)
    drawn.insert(faults::uniform_up_to(faults::quantile(chance.number(n)), total - 1));
  if (!others) return {drawn.begin(), drawn.end()};
  for (std::uint64_t bit = 0; bit < total; ++bit)
    if (!drawn.contains(bit)) bits.push_back(bit);
  return bits;
}

/// Masks of octets to be inverted as patches, neighbours together.
class Masks {
 public:
  void add(std::uint64_t at, std::uint8_t mask) {
    if (mask == 0) return;
    if (patches_.empty() || at >= patches_.back().end_bytes() + kPatchGapBytes) {
      patches_.push_back(lun_backends::patch_flipping(at, 1, {mask}));
      return;
    }
    auto& last = patches_.back();
    if (at >= last.end_bytes()) {
      last.length_bytes = at - last.offset_bytes + 1;
      last.flip.resize(last.length_bytes);
    }
    last.flip[at - last.offset_bytes] ^= mask;
  }
  Patches take() { return std::move(patches_); }

 private:
  Patches patches_;
};

/// Calls use(offset_bytes) for the bytes [begin, begin + count) of the area, while there are any.
template <typename Use>
void for_bytes(const std::vector<ByteRange>& area, std::uint64_t begin, std::uint64_t count,
               Use use) {
  for (const auto& range : area) {
    if (begin >= range.length_bytes) {
      begin -= range.length_bytes;
      continue;
    }
    for (; begin < range.length_bytes && count != 0; ++begin, --count)
      use(range.offset_bytes + begin);
    begin = 0;
    if (count == 0) return;
  }
}

Patches flips(const DataFault& fault, const Chance& chance, const std::vector<ByteRange>& area) {
  Masks masks;
  std::size_t at = 0;
  std::uint64_t begin = 0;
  for (const auto bit : bits_to_flip(fault, chance, bytes_of(area) * 8)) {
    while (bit / 8 >= begin + area[at].length_bytes)
      begin += area[at++].length_bytes;
    masks.add(area[at].offset_bytes + (bit / 8 - begin),
              static_cast<std::uint8_t>(1U << (bit % 8)));
  }
  return masks.take();
}

Patches set_bytes(const DataFault& fault, const std::vector<ByteRange>& area) {
  Patches out;
  Masks masks;
  std::size_t n = 0;
  for_bytes(area, fault.offset, fault.octets.size(), [&](std::uint64_t at) {
    const auto octet = fault.octets[n++];
    if (fault.exclusive_or) return masks.add(at, octet);
    if (!out.empty() && out.back().end_bytes() == at) {
      ++out.back().length_bytes;
      out.back().flip.push_back(octet);
    } else {
      out.push_back(lun_backends::patch_showing(at, {octet}));
    }
  });
  return fault.exclusive_or ? masks.take() : out;
}

/// Bits that would be inverted become stuck at what they are not now.
void make_stuck(Patches& patches, std::uint64_t shown_at, bytes::View shown) {
  for (auto& patch : patches) {
    if (patch.is_opaque()) continue;
    bytes::Buffer keep(patch.length_bytes), stuck(patch.length_bytes);
    for (std::uint64_t i = 0; i < patch.length_bytes; ++i) {
      const auto mask = patch.flip[i % patch.flip.size()];
      const auto now = shown[patch.offset_bytes + i - shown_at];
      keep[i] = static_cast<std::uint8_t>(~mask);
      stuck[i] = static_cast<std::uint8_t>(mask & ~now);
    }
    patch.keep = std::move(keep);
    patch.flip = std::move(stuck);
  }
}

}  // namespace

std::uint64_t Chance::place(std::uint64_t most) const {
  return faults::uniform_up_to(faults::quantile(where_), most);
}

std::uint64_t Chance::number(std::uint64_t n) const {
  return faults::siphash_2_4(where_, bytes_, std::to_string(n));
}

std::vector<ByteRange> area_of(const faults::Strike& strike, const faults::Verdict& verdict,
                               const faults::Facts& facts) {
  std::vector<ByteRange> area;
  for (auto stretch : faults::common_blocks(strike.rule->rule.match, facts)) {
    if (verdict.key == faults::Key::lba) {
      if (verdict.key_number < stretch.first || verdict.key_number > stretch.last) continue;
      stretch = {verdict.key_number, verdict.key_number};
    }
    area.push_back(
        {stretch.first * facts.block_size, (stretch.last - stretch.first + 1) * facts.block_size});
  }
  return area;
}

std::vector<ByteRange> within(const std::vector<ByteRange>& area, ByteRange range) {
  std::vector<ByteRange> out;
  for (const auto& each : area) {
    const auto begin = std::max(each.offset_bytes, range.offset_bytes);
    const auto end =
        std::min(each.offset_bytes + each.length_bytes, range.offset_bytes + range.length_bytes);
    if (begin < end) out.push_back({begin, end - begin});
  }
  return out;
}

std::uint64_t overlay_id(const faults::Strike& strike, const faults::Verdict& verdict,
                         const faults::Facts& facts) {
  const auto& rule = strike.rule->rule;
  std::size_t place = 0;
  while (place < rule.effects.size() && &rule.effects[place] != strike.effect)
    ++place;
  return id_of(rule.id + "\n" + faults::key_text(verdict.key, verdict.key_number, facts) + "\n" +
               std::to_string(verdict.index) + "\n" + std::to_string(place) + "\n" +
               facts.session->alias() + "\n" + std::to_string(facts.lun));
}

std::uint64_t wrap_id(std::string_view rule, std::uint16_t lun) {
  return id_of(std::string(rule) + "\nwrap\n" + std::to_string(lun));
}

Patches patches_in_place(const DataFault& fault, const Chance& chance,
                         const std::vector<ByteRange>& area, std::uint64_t shown_at,
                         bytes::View shown) {
  using Kind = DataFault::Kind;
  Patches out;
  switch (fault.kind) {
    case Kind::flip:
    case Kind::wire_flip:
      out = flips(fault, chance, area);
      break;
    case Kind::set_bytes:
      out = set_bytes(fault, area);
      break;
    case Kind::zero:
    case Kind::pattern: {
      std::uint64_t done = 0;  // the pattern goes on from one range to the next
      for (const auto& range : area) {
        auto unit = fault.octets;
        if (!unit.empty())
          std::ranges::rotate(unit, unit.begin() + static_cast<std::ptrdiff_t>(done % unit.size()));
        out.push_back(
            lun_backends::patch_filling(range.offset_bytes, range.length_bytes, std::move(unit)));
        done += range.length_bytes;
      }
      break;
    }
    default:
      break;
  }
  if (fault.lasting == DataFault::Lasting::stuck) make_stuck(out, shown_at, shown);
  return out;
}

std::optional<std::uint64_t> other_end(const DataFault& fault, const Chance& chance,
                                       std::uint64_t lba, std::uint64_t blocks,
                                       std::uint64_t capacity_blocks, bool same_unit) {
  if (blocks == 0 || blocks > capacity_blocks) return std::nullopt;
  const auto last = capacity_blocks - blocks;  // where it may begin
  std::optional<std::uint64_t> found;
  if (fault.lba) {
    found = *fault.lba;
  } else if (fault.delta_blocks > 0) {
    const auto delta = static_cast<std::uint64_t>(fault.delta_blocks);
    if (lba > last || delta > last - lba) return std::nullopt;
    found = lba + delta;
  } else if (fault.delta_blocks < 0) {
    const auto delta = std::uint64_t{0} - static_cast<std::uint64_t>(fault.delta_blocks);
    if (delta > lba) return std::nullopt;
    found = lba - delta;
  } else if (fault.lun) {
    found = lba;
  } else if (same_unit && lba <= last) {
    if (last == 0) return std::nullopt;
    const auto drawn = chance.place(last - 1);
    found = drawn >= lba ? drawn + 1 : drawn;
  } else {
    found = chance.place(last);
  }
  return *found <= last ? found : std::nullopt;
}

std::vector<ByteRange> torn_away(const DataFault& fault, const Chance& chance, ByteRange write,
                                 std::uint32_t block_size) {
  const auto blocks = write.length_bytes / block_size;
  std::vector<ByteRange> away;
  const auto lose = [&](std::uint64_t first, std::uint64_t end) {
    if (first < end)
      away.push_back({write.offset_bytes + first * block_size, (end - first) * block_size});
  };
  if (!fault.parts.empty()) {
    std::uint64_t next = 0;
    for (const auto part : fault.parts) {  // ascending
      if (part >= blocks) break;
      lose(next, part);
      next = std::uint64_t{part} + 1;
    }
    lose(next, blocks);
    return away;
  }
  if (blocks == 0) return away;
  std::uint64_t kept = 0;
  if (fault.blocks)
    kept = *fault.blocks;
  else if (fault.fraction)
    kept = static_cast<std::uint64_t>(Wide{blocks} * fault.fraction->numerator /
                                      fault.fraction->denominator);
  else
    kept = chance.place(blocks - 1);
  lose(kept, blocks);
  return away;
}

bytes::Buffer random_octets(const Chance& chance) {
  bytes::Buffer out;
  out.reserve(kRandomOctets);
  for (std::uint64_t n = 0; out.size() < kRandomOctets; ++n) {
    const auto number = chance.number(n);
    for (unsigned shift = 0; shift < 64; shift += 8)
      out.push_back(static_cast<std::uint8_t>(number >> shift));
  }
  return out;
}

void apply(const Patches& patches, std::uint64_t offset_bytes, bytes::Span octets) {
  for (const auto& patch : patches) {
    const auto begin = std::max(patch.offset_bytes, offset_bytes);
    const auto end = std::min(patch.end_bytes(), offset_bytes + octets.size());
    if (begin < end)
      lun_backends::apply(patch, begin, octets.subspan(begin - offset_bytes, end - begin));
  }
}

}  // namespace faultlun::daemon
