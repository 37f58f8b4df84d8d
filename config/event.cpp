#include "config/event.hpp"

#include "config/octets.hpp"
#include "config/units.hpp"
#include "protocol/scsi/commands.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace faultlun::config {
namespace {

constexpr bool kOptional = false;
constexpr std::size_t kMaxEventNameBytes = 255, kMaxAliasBytes = 512;
constexpr std::uint16_t kMaxLunNumber = 16383;
constexpr std::uint8_t kFua = 0x08, kDpo = 0x10;

// clang-format off
constexpr Key kKeys[] = {
  {"initiator", kOptional, "string", "\"\"", "iSCSI name."},
  {"isid", kOptional, "string", "\"000000000000\"", "12 hexadecimal digits."},
  {"login", kOptional, "number", "1", "Number of the login of this initiator and ISID."},
  {"session", kOptional, "string", "(of the three above)", "Alias: initiator name, ISID and login with commas between, instead of the three."},
  {"target", kOptional, "string", "\"\"", "iSCSI name."},
  {"source", kOptional, "string", "\"\"", "IP address of the initiator."},
  {"portal", kOptional, "number", "0", "Place in the configuration."},
  {"tpg", kOptional, "number", "1", "Portal group tag."},
  {"lun", kOptional, "number 0 to 16383", "0", "Logical unit."},
  {"op", kOptional, "string", "(none)", "A command by its name (\"READ(10)\") or opcode (\"0x28\"), or read, write, flush, unmap, identify for the usual one of the class."},
  {"lba", kOptional, "number", "0", "First block."},
  {"blocks", kOptional, "number", "1", "Length; 1 where `lba` is given."},
  {"sa", kOptional, "number 0 to 31", "(of the command)", "Service action."},
  {"fua", kOptional, "boolean", "false", "FUA."},
  {"dpo", kOptional, "boolean", "false", "DPO."},
  {"group", kOptional, "number 0 to 31", "0", "GROUP NUMBER."},
  {"control", kOptional, "number 0 to 3", "0", "The vendor specific bits of CONTROL."},
  {"vpd", kOptional, "number 0 to 255", "(none)", "Page of an INQUIRY with EVPD."},
  {"mode_page", kOptional, "number 0 to 63", "(none)", "Page of a MODE SENSE."},
  {"cdb", kOptional, "hexadecimal digits", "(none)", "The whole command, instead of op and what goes with it."},
  {"task_attr", kOptional, "string", "\"simple\"", "untagged, simple, ordered, head_of_queue or aca."},
  {"immediate", kOptional, "boolean", "false", "Immediate."},
  {"outstanding", kOptional, "number", "1", "Commands of the session in progress, this included."},
  {"payload", kOptional, "hexadecimal digits", "(not known)", "Data-Out."},
  {"tmf", kOptional, "string or number", "(none)", "A task management function by its name (\"ABORT TASK\") or number."},
  {"attempt", kOptional, "number from 1", "1", "Which try it is."},
  {"rewrites", kOptional, "number", "0", "How often the first block was written."},
};
constexpr Shape kShape = {"event", "(body of /v1/explain)", kKeys};
constexpr std::string_view kCdbKeys[] = {"op", "lba", "blocks", "sa", "fua", "dpo", "group", "control", "vpd", "mode_page"};
constexpr std::string_view kAttributes[] = {"untagged", "simple", "ordered", "head_of_queue", "aca"};
struct Usual { std::string_view name; std::uint8_t opcode; };
constexpr Usual kUsual[] = {{"READ", 0x28}, {"WRITE", 0x2a}, {"FLUSH", 0x35}, {"UNMAP", 0x42}, {"IDENTIFY", 0x12}};
// clang-format on

/// Upper case, no spaces and underscores.
std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '_')
      out.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  return out;
}

void put_big_endian(scsi::Cdb& cdb, std::size_t at, std::size_t octets, std::uint64_t value) {
  for (std::size_t i = 0; i < octets; ++i)
    cdb.raw[at + i] = static_cast<std::uint8_t>(value >> 8 * (octets - 1 - i));
}

/// Where scsi::range_of() looks.  False: it does not fit.
bool put_range(scsi::Cdb& cdb, std::uint64_t lba, std::uint64_t blocks) {
  struct Layout {
    std::uint8_t length, lba_at, lba_octets, blocks_at, blocks_octets;
    std::uint64_t most_lba, most_blocks;
  };
  constexpr Layout kLayouts[] = {{6, 1, 3, 4, 1, 0x1fffff, 256},
                                 {10, 2, 4, 7, 2, UINT32_MAX, UINT16_MAX},
                                 {12, 2, 4, 6, 4, UINT32_MAX, UINT32_MAX},
                                 {16, 2, 8, 10, 4, UINT64_MAX, UINT32_MAX}};
  const auto* layout =
      std::ranges::find(kLayouts, scsi::group_length(cdb.opcode()), &Layout::length);
  if (layout == std::end(kLayouts)) return false;
  if (lba > layout->most_lba || blocks > layout->most_blocks) return false;
  const auto kept = cdb.raw[1];
  put_big_endian(cdb, layout->lba_at, layout->lba_octets, lba);
  if (layout->length != 6) cdb.raw[1] = kept;
  put_big_endian(cdb, layout->blocks_at, layout->blocks_octets, blocks);
  return true;
}

class Reader {
 public:
  Reader(const Value& value, Event& event) : value_(value), in_(value, kShape), event_(event) {}
  void read();

 private:
  void read_session();
  void read_cdb(const Value& cdb);
  void read_operation(const Value& op);
  bool choose_command(const Value& op);
  void read_range();
  void read_details();
  void read_function(const Value& function);
  void describe();

  const Value& value_;
  Object in_;
  Event& event_;
};

void Reader::read() {
  event_.facts.session = &event_.session;
  read_session();
  event_.facts.has_lun = true;
  take(in_.optional("lun").whole<std::uint16_t>(0, kMaxLunNumber), event_.facts.lun);
  const auto cdb = in_.optional("cdb"), op = in_.optional("op"), function = in_.optional("tmf");
  const int kinds = cdb.present() + op.present() + function.present();
  if (kinds == 0) value_.fail("names nothing that happens; write \"op\", \"cdb\" or \"tmf\"");
  if (kinds > 1) value_.fail("op, cdb and tmf exclude each other; write one of them");
  read_operation(op);
  if (cdb.present()) read_cdb(cdb);
  if (function.present()) read_function(function);
  if (const auto attribute = in_.optional("task_attr").one_of(kAttributes))
    event_.facts.attribute = static_cast<scsi::TaskAttribute>(*attribute);
  take(in_.optional("immediate").boolean(), event_.facts.immediate);
  event_.facts.outstanding = 1;
  take(in_.optional("outstanding").whole<std::uint32_t>(1, UINT32_MAX), event_.facts.outstanding);
  if (const auto payload = in_.optional("payload"); payload.present())
    if (auto octets = read_octets(payload, 1, kMaxEventPayload)) {
      event_.payload = std::move(*octets);
      event_.facts.payload = event_.payload;
      event_.facts.payload_known = true;
    }
  take(in_.optional("attempt").whole<std::uint32_t>(1, UINT32_MAX), event_.past.attempt);
  take(in_.optional("rewrites").whole<std::uint64_t>(0, UINT64_MAX), event_.past.rewrites);
  event_.past.touched = event_.past.rewrites != 0;
  in_.finish();
  describe();
}

void Reader::read_session() {
  auto& session = event_.session;
  session.isid = "000000000000";
  session.ordinal = 1;
  session.portal_group_tag = 1;
  take(in_.optional("initiator").text(0, kMaxEventNameBytes), session.initiator);
  take(in_.optional("isid").text(12, 12), session.isid);
  take(in_.optional("login").whole<std::uint32_t>(1, UINT32_MAX), session.ordinal);
  const auto alias = in_.optional("session");
  if (const auto text = alias.text(1, kMaxAliasBytes)) {
    const auto last = text->rfind(',');
    const auto middle = last == 0 || last == std::string::npos ? last : text->rfind(',', last - 1);
    const auto ordinal = last == std::string::npos
                             ? std::nullopt
                             : parse_decimal(std::string_view(*text).substr(last + 1));
    if (middle == std::string::npos || middle == last || !ordinal || *ordinal > UINT32_MAX) {
      alias.fail(in_quotes(*text) +
                 " is no alias; write initiator name, ISID and number of the "
                 "login, with commas between");
    } else {
      session.initiator = text->substr(0, middle);
      session.isid = text->substr(middle + 1, last - middle - 1);
      session.ordinal = static_cast<std::uint32_t>(*ordinal);
    }
  }
  take(in_.optional("target").text(0, kMaxEventNameBytes), session.target);
  take(in_.optional("source").text(0, kMaxEventNameBytes), session.source);
  take(in_.optional("portal").whole<std::uint16_t>(0, UINT16_MAX), session.portal);
  take(in_.optional("tpg").whole<std::uint16_t>(0, UINT16_MAX), session.portal_group_tag);
}

void Reader::read_cdb(const Value& cdb) {
  const auto octets = read_octets(cdb, 1, scsi::kCdbBytes);
  if (!octets) return;
  event_.cdb = scsi::Cdb(*octets);
  event_.cdb.length = std::max<std::uint8_t>(event_.cdb.length, 16);  // padded on the wire
}

bool Reader::choose_command(const Value& op) {
  const auto text = op.text(1, kMaxEventNameBytes);
  if (!text) return false;
  const auto name = folded(*text);
  if (const auto* usual = std::ranges::find(kUsual, name, &Usual::name);
      usual != std::end(kUsual)) {
    event_.cdb.raw[0] = usual->opcode;
    return true;
  }
  if (name.starts_with("0X")) {
    const auto octet = parse_octets(std::string_view(name).substr(2));
    if (octet && octet->size() == 1) {
      event_.cdb.raw[0] = octet->front();
      return true;
    }
  }
  const auto table = scsi::command_table();
  const auto found =
      std::ranges::find_if(table, [&](const auto& row) { return folded(row.name) == name; });
  if (found != table.end()) {
    event_.cdb.raw[0] = found->opcode;
    if (found->has_action()) event_.cdb.raw[1] = static_cast<std::uint8_t>(found->action);
    return true;
  }
  std::vector<std::string_view> names;
  for (const auto& row : table)
    names.push_back(row.name);
  op.fail("unknown operation " + in_quotes(*text) + did_you_mean(*text, names) +
          "; write a command like \"READ(10)\", an opcode like \"0x28\", or read, write, flush, "
          "unmap or identify");
  return false;
}

void Reader::read_operation(const Value& op) {
  const bool chosen = op.present() && choose_command(op);
  if (chosen) {
    read_range();
    read_details();
    return;
  }
  for (const auto key : kCdbKeys) {
    if (key == "op") continue;
    const auto value = in_.optional(key);
    if (value.present() && !op.present())
      value.fail("goes with op; write it into the cdb, or write op");
  }
}

void Reader::read_range() {
  const auto* row = scsi::find_command(event_.cdb);
  const auto lba = in_.optional("lba"), blocks = in_.optional("blocks");
  const auto first = lba.whole<std::uint64_t>(0, UINT64_MAX);
  const auto length = blocks.whole<std::uint64_t>(0, UINT64_MAX);
  if (row == nullptr || !row->is(scsi::has_range)) {
    for (const auto* value : {&lba, &blocks})
      if (value->present()) value->fail("is of no use: the command has no range; leave it out");
    return;
  }
  if (put_range(event_.cdb, first.value_or(0), length.value_or(1))) return;
  (lba.present() ? lba : blocks)
      .fail("does not fit into the command; name one with a longer CDB, like READ(16)");
}

void Reader::read_details() {
  auto& raw = event_.cdb.raw;
  const auto* row = scsi::find_command(event_.cdb);
  const auto length = row != nullptr ? row->cdb_length : std::uint8_t{0};
  const auto or_in = [&](std::size_t at, std::optional<std::uint8_t> bits, unsigned shift) {
    if (bits) raw[at] = static_cast<std::uint8_t>(raw[at] | *bits << shift);
  };
  or_in(1, in_.optional("sa").whole<std::uint8_t>(0, 31), 0);
  if (in_.optional("fua").boolean().value_or(false)) raw[1] |= kFua;
  if (in_.optional("dpo").boolean().value_or(false)) raw[1] |= kDpo;
  const auto group = in_.optional("group"), control = in_.optional("control");
  const auto group_number = group.whole<std::uint8_t>(0, 31);
  if (length == 10 || length == 12 || length == 16)
    or_in(length == 10 ? 6 : length - std::size_t{2}, group_number, 0);
  else if (group_number.value_or(0) != 0)
    group.fail("is of no use: the command has no GROUP NUMBER; leave it out");
  const auto bits = control.whole<std::uint8_t>(0, 3);
  if (length != 0) or_in(length - std::size_t{1}, bits, 6);
  const auto vpd = in_.optional("vpd"), mode_page = in_.optional("mode_page");
  if (const auto page = vpd.whole<std::uint8_t>(0, 255)) {
    if (raw[0] != 0x12) vpd.fail("goes with INQUIRY; name that as op");
    raw[1] |= 0x01;
    raw[2] = *page;
  }
  if (const auto page = mode_page.whole<std::uint8_t>(0, 63)) {
    if (raw[0] != 0x1a && raw[0] != 0x5a) mode_page.fail("goes with MODE SENSE; name that as op");
    raw[2] = *page;
  }
}

void Reader::read_function(const Value& function) {
  event_.facts.site = faults::Site::tmf_rx;
  if (!function.is_text()) {
    take(function.whole<std::uint8_t>(1, 0x7f), event_.facts.function);
    return;
  }
  const auto text = function.text(1, kMaxEventNameBytes);
  if (!text) return;
  const auto table = scsi::task_management_table();
  const auto found = std::ranges::find_if(
      table, [&](const auto& row) { return folded(row.name) == folded(*text); });
  if (found != table.end()) {
    event_.facts.function = found->function;
    return;
  }
  std::vector<std::string_view> names;
  for (const auto& row : table)
    names.push_back(row.name);
  function.fail("unknown task management function " + in_quotes(*text) +
                did_you_mean(*text, names) + "; known: " + listed(names) + ", or their numbers");
}

/// What the daemon would say of the command.
void Reader::describe() {
  auto& facts = event_.facts;
  if (facts.site == faults::Site::tmf_rx) return;
  facts.cdb = &event_.cdb;
  facts.row = scsi::find_command(event_.cdb);
  if (facts.row == nullptr || !facts.row->is(scsi::has_range)) return;
  const auto range = scsi::range_of(event_.cdb);
  facts.lba = range.lba;
  facts.blocks = range.blocks;
}

}  // namespace

std::unique_ptr<Event> read_event(const Value& value) {
  const auto before = value.problems().list().size() + value.problems().left_out();
  auto event = std::make_unique<Event>();
  Reader(value, *event).read();
  const auto after = value.problems().list().size() + value.problems().left_out();
  return before == after ? std::move(event) : nullptr;
}

}  // namespace faultlun::config
