#include "config/scsi_names.hpp"

#include "protocol/scsi/commands.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace faultlun::config {

namespace {

using faults::OperationMatch;

constexpr std::size_t kMaxScsiNameBytes = 100;
constexpr std::uint64_t kMostFunction = 0x7f;  // seven bits, RFC 7143 §11.5.1
constexpr std::size_t kOctetDigits = 2;

/// Upper case, no spaces, underscores or dashes.
std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '_' && c != '-')
      out.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  return out;
}

template <typename Rows>
const auto* find_row(const Rows& rows, std::string_view name) {
  const std::string wanted = folded(name);
  const auto found =
      std::ranges::find_if(rows, [&](const auto& row) { return folded(row.name) == wanted; });
  return found == rows.end() ? nullptr : &*found;
}

template <typename Rows>
void add_names(const Rows& rows, std::vector<std::string_view>& names) {
  for (const auto& row : rows)
    names.push_back(row.name);
}

/// The number of "0x28"; nothing when the text is no such number or too large.
std::optional<std::uint8_t> octet(std::string_view text, std::size_t digits = kOctetDigits) {
  std::uint8_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty() || text.size() > digits || error != std::errc() ||
      end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<OperationMatch> operation_class(std::string_view text) {
  using Kind = OperationMatch::Kind;
  using faults::OperationClass;
  constexpr OperationClass kClasses[] = {OperationClass::read,    OperationClass::write,
                                         OperationClass::flush,   OperationClass::unmap,
                                         OperationClass::reserve, OperationClass::identify};
  const std::string wanted = folded(text);
  const auto found = std::ranges::find_if(
      kOperationClassNames, [&](std::string_view name) { return folded(name) == wanted; });
  if (found == std::end(kOperationClassNames)) return std::nullopt;
  OperationMatch out;
  out.text = *found;
  const auto index = static_cast<std::size_t>(found - std::begin(kOperationClassNames));
  if (index < std::size(kClasses)) {
    out.kind = Kind::operation_class;
    out.operation = kClasses[index];
  } else {
    out.kind = *found == "tmf" ? Kind::task_management : Kind::any;
  }
  return out;
}

void append_octet(std::string& out, std::uint8_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  out.push_back(kDigits[value >> 4]);
  out.push_back(kDigits[value & 15]);
}

}  // namespace

std::optional<OperationMatch> read_operation(const Value& value) {
  if (!value.present()) return std::nullopt;
  const auto text = value.text(1, kMaxScsiNameBytes);
  if (!text) return std::nullopt;
  OperationMatch out;
  if (text->starts_with("0x") || text->starts_with("0X")) {
    const auto opcode = octet(std::string_view(*text).substr(2));
    if (!opcode) {
      value.fail(in_quotes(*text) + " is no opcode; write \"0x00\" to \"0xff\"");
      return std::nullopt;
    }
    out.kind = OperationMatch::Kind::opcode;
    out.opcode = *opcode;
    out.text = "0x";
    append_octet(out.text, *opcode);
    return out;
  }
  const auto* row = scsi::find_command(*text);  // UNMAP; "unmap" is the class
  if (row == nullptr) {
    if (auto known = operation_class(*text)) return known;
    row = find_row(scsi::command_table(), *text);
  }
  if (row != nullptr) {
    out.kind = OperationMatch::Kind::command;
    out.row = row;
    out.text = row->name;
    return out;
  }
  if (value.problems().full()) {
    value.fail("unknown operation");
    return std::nullopt;
  }
  std::vector<std::string_view> names;
  add_names(scsi::command_table(), names);
  names.insert(names.end(), std::begin(kOperationClassNames), std::end(kOperationClassNames));
  value.fail("unknown operation " + in_quotes(*text) + did_you_mean(*text, names) +
             "; write a command like \"READ(10)\", an opcode like \"0x28\", or one of " +
             listed(kOperationClassNames));
  return std::nullopt;
}

std::optional<std::uint64_t> read_task_management_function(const Value& value) {
  if (!value.is_text()) return value.number(1, kMostFunction);
  const auto text = value.text(1, kMaxScsiNameBytes);
  if (!text) return std::nullopt;
  if (text->starts_with("0x")) return value.number(1, kMostFunction);
  if (const auto* row = find_row(scsi::task_management_table(), *text)) return row->function;
  std::vector<std::string_view> names;
  add_names(scsi::task_management_table(), names);
  value.fail("unknown task management function " + in_quotes(*text) + did_you_mean(*text, names) +
             "; known: " + listed(names) + ", or their numbers");
  return std::nullopt;
}

std::optional<std::uint64_t> read_sense_key(const Value& value) {
  if (!value.is_text()) return value.number(0, 15);
  const auto text = value.text(1, kMaxScsiNameBytes);
  if (!text) return std::nullopt;
  if (text->starts_with("0x")) return value.number(0, 15);
  const std::string wanted = folded(*text);
  const auto found = std::ranges::find_if(
      kSenseKeyNames, [&](std::string_view name) { return folded(name) == wanted; });
  if (found != kSenseKeyNames.end())
    return static_cast<std::uint64_t>(found - kSenseKeyNames.begin());
  value.fail("unknown sense key " + in_quotes(*text) + did_you_mean(*text, kSenseKeyNames) +
             "; known: " + listed(kSenseKeyNames) + ", or 0 to 15");
  return std::nullopt;
}

std::optional<faults::SenseRef> read_sense_code(const Value& value) {
  if (!value.present()) return std::nullopt;
  const auto text = value.text(1, kMaxScsiNameBytes);
  if (!text) return std::nullopt;
  if (const auto* row = find_row(scsi::sense_table(), *text))
    return faults::SenseRef{row->code.key, row->code.asc, row->code.ascq};
  std::vector<std::optional<std::uint8_t>> parts;
  for (std::size_t at = 0; at <= text->size();) {
    const std::size_t slash = std::min(text->find('/', at), text->size());
    parts.push_back(octet(std::string_view(*text).substr(at, slash - at)));
    at = slash + 1;
  }
  const bool read = std::ranges::all_of(parts, [](const auto& part) { return part.has_value(); });
  if (read && parts.size() == 2) return faults::SenseRef{std::nullopt, *parts[0], *parts[1]};
  if (read && parts.size() == 3 && *parts[0] <= 15)
    return faults::SenseRef{*parts[0], *parts[1], *parts[2]};
  std::string hint;
  if (!value.problems().full() && text->find('/') == std::string::npos) {
    std::vector<std::string_view> names;
    add_names(scsi::sense_table(), names);
    hint = did_you_mean(*text, names);
  }
  value.fail(in_quotes(*text) + " is no sense code" + hint +
             "; write ASC and ASCQ in hexadecimal like \"11/00\", with the sense key in front "
             "like \"03/11/00\", or a name like \"unrecovered_read_error\"");
  return std::nullopt;
}

std::string task_management_text(std::uint64_t function) {
  const auto table = scsi::task_management_table();
  const auto found = std::ranges::find(table, function, &scsi::TaskManagementRow::function);
  if (found != table.end()) return std::string(found->name);
  std::string out = "0x";
  append_octet(out, static_cast<std::uint8_t>(function));
  return out;
}

std::string sense_code_text(const faults::SenseRef& code) {
  std::string out;
  if (code.key) {
    append_octet(out, *code.key);
    out += '/';
  }
  append_octet(out, code.asc);
  out += '/';
  append_octet(out, code.ascq);
  return out;
}

}  // namespace faultlun::config
