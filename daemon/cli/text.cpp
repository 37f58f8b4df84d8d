#include "daemon/cli/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace faultlun::daemon::cli {
namespace {

using config::Json;

std::size_t width_of(std::string_view text) {  // UTF-8: continuation octets are 10xxxxxx
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

/// What an initiator calls itself must not move somebody's cursor.
std::string printable(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet != 0x7f)
      out += c;
    else
      out.append({'\\', 'x', kDigits[octet >> 4], kDigits[octet & 15]});
  }
  return out;
}

bool is_number(std::string_view text) {
  return !text.empty() && (text == "-" || std::all_of(text.begin(), text.end(),
                                                      [](char c) { return c >= '0' && c <= '9'; }));
}

bool is_list_of_objects(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const Json& each) { return each.is_object(); });
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c == '_' ? ' ' : c;
  return out;
}

/// Every member that some object has, in the order of their first appearance.
std::string table_of_all(const Json& list) {
  std::vector<std::string> keys;
  for (const auto& each : list)
    for (const auto& [key, value] : each.items())
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  Row headings;
  for (const auto& key : keys)
    headings.push_back(upper(key));
  std::vector<Row> rows;
  for (const auto& each : list) {
    Row& row = rows.emplace_back();
    for (const auto& key : keys)
      row.push_back(each.contains(key) ? cell(each[key]) : "-");
  }
  return table(headings, rows);
}

void describe(const Json& value, const std::string& name, std::vector<Row>& lines,
              std::string& below) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, each] : value.items())
      describe(each, name.empty() ? key : name + "." + key, lines, below);
  } else if (is_list_of_objects(value)) {
    below += "\n" + (name.empty() ? std::string{} : printable(name) + ":\n") + table_of_all(value);
  } else {
    lines.push_back({printable(name), cell(value)});
  }
}

}  // namespace

const Json& at(const Json& value, std::string_view pointer) {
  static const Json nothing;
  const Json* here = &value;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const auto slash = std::min(pointer.find('/'), pointer.size());
    const std::string key(pointer.substr(0, slash));
    pointer.remove_prefix(slash);
    if (!here->is_object()) return nothing;
    const auto found = here->find(key);
    if (found == here->end()) return nothing;
    here = &*found;
  }
  return *here;
}

std::string cell(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value == true ? "yes" : "no";
  if (value.is_string()) {
    auto text = printable(value.get_ref<const std::string&>());
    return text.empty() ? "-" : text;
  }
  if (value.is_array()) {
    std::string out;
    for (const auto& each : value)
      out += (out.empty() ? "" : ", ") + cell(each);
    return out.empty() ? "-" : out;
  }
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string cell(const Json& value, std::string_view pointer) {
  return cell(at(value, pointer));
}

std::string table(const Row& headings, const std::vector<Row>& rows) {
  const std::size_t columns = headings.size();
  std::vector<std::size_t> widths(columns);
  std::vector<bool> is_right(columns, !rows.empty());
  for (std::size_t i = 0; i < columns; ++i) {
    widths[i] = width_of(headings[i]);
    for (const auto& row : rows) {
      widths[i] = std::max(widths[i], width_of(row[i]));
      if (!is_number(row[i])) is_right[i] = false;
    }
  }
  std::string out;
  const auto add = [&](const Row& row) {
    std::string line;
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string pad(widths[i] - width_of(row[i]), ' ');
      line += (i == 0 ? "" : "  ") + (is_right[i] ? pad + row[i] : row[i] + pad);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  const bool has_headings =
      std::any_of(headings.begin(), headings.end(), [](const auto& each) { return !each.empty(); });
  if (has_headings) add(headings);
  for (const auto& row : rows)
    add(row);
  return out;
}

std::string description(const Json& value) {
  std::vector<Row> lines;
  std::string below;
  if (value.is_array() && value.empty()) return "none\n";
  describe(value, "", lines, below);
  if (lines.size() == 1 && lines.front().front().empty()) return lines.front().back() + "\n";
  std::string out;
  if (!lines.empty()) {
    std::size_t width = 0;
    for (const auto& line : lines)
      width = std::max(width, width_of(line.front()));
    for (const auto& line : lines)
      out +=
          line.front() + std::string(width - width_of(line.front()) + 2, ' ') + line.back() + "\n";
  }
  return out.empty() && below.starts_with("\n") ? below.substr(1) : out + below;
}

std::string shown(const View& view, const Json& value) {
  if (view.text) return view.text(value);
  if (view.columns.empty()) return description(value);
  const auto& list = at(value, view.list);
  if (!list.is_array()) return description(value);
  if (list.empty() && !view.none.empty()) return std::string(view.none) + "\n";
  Row headings;
  for (const auto& column : view.columns)
    headings.emplace_back(column.heading);
  std::vector<Row> rows;
  for (const auto& each : list) {
    Row& row = rows.emplace_back();
    for (const auto& column : view.columns)
      row.push_back(cell(each, column.pointer));
  }
  return table(headings, rows);
}

std::string wrapped(std::string_view words, std::size_t width, std::string_view indent) {
  std::string out, line;
  while (!words.empty()) {
    const auto space = std::min(words.find(' '), words.size());
    const auto word = words.substr(0, space);
    words.remove_prefix(std::min(space + 1, words.size()));
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width) {
      out += line + "\n" + std::string(indent);
      line.clear();
    }
    line.append(line.empty() ? "" : " ").append(word);
  }
  return out + line;
}

}  // namespace faultlun::daemon::cli
