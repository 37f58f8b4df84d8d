#include "config/arguments.hpp"

#include "config/lun_range.hpp"
#include "config/model.hpp"
#include "config/scsi_names.hpp"
#include "config/units.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <iterator>

namespace faultlun::config {

namespace {

using faults::Argument;
using faults::Arguments;
using faults::Kind;
using faults::Parameter;
using faults::Ratio;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

template <typename T>
Argument given(std::optional<T> value) {
  return value ? Argument(std::move(*value)) : Argument();
}

std::size_t at_most(const Parameter& parameter, std::size_t limit) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(parameter.most, limit));
}

std::optional<nanoseconds> read_time(const Value& value) {
  const auto time = value.duration(microseconds(0), kMostTime);
  return time ? std::optional<nanoseconds>(*time) : std::nullopt;
}

/// A string, or a number of microseconds.
std::optional<nanoseconds> read_element_time(const Value& value) {
  if (value.is_text()) return read_time(value);
  const auto count = value.whole<std::uint64_t>(0, static_cast<std::uint64_t>(kMostTime.count()));
  return count ? std::optional<nanoseconds>(microseconds(static_cast<std::int64_t>(*count)))
               : std::nullopt;
}

std::optional<Ratio> read_decimal(const Value& value, const Parameter& parameter) {
  const auto ratio = value.decimal();
  if (!ratio) return std::nullopt;
  faults::Complaints complaints;
  require_range(complaints, "", *ratio, {parameter.least, 1}, {parameter.most, 1});
  if (complaints.empty()) return ratio;
  value.fail(complaints.front().message);
  return std::nullopt;
}

std::optional<std::uint64_t> read_size(const Value& value, const Parameter& parameter) {
  const auto size = value.size_bytes();
  if (!size || (*size >= parameter.least && *size <= parameter.most)) return size;
  value.fail("is " + size_text(*size) + "; write a size from " + size_text(parameter.least) +
             " to " + size_text(parameter.most));
  return std::nullopt;
}

/// Every element that could be read; the length is checked against the parameter's row.
template <typename Read>
auto read_list(const Value& value, const Parameter& parameter, Read read) {
  using Element = typename decltype(read(value))::value_type;
  std::optional<std::vector<Element>> out;
  const auto most = at_most(parameter, kMaxArgumentElements);
  const auto items = value.items(most);
  if (value.is_array() && items.size() < parameter.least && value.items(SIZE_MAX).size() <= most)
    value.fail("has " + std::to_string(items.size()) + " elements; write at least " +
               std::to_string(parameter.least));
  out.emplace();
  for (const Value& item : items)
    if (auto element = read(item)) out->push_back(std::move(*element));
  return out;
}

template <typename T, typename Write>
Json write_list(const Argument& argument, Write write) {
  Json out = Json::array();
  for (const auto& element : *std::get_if<std::vector<T>>(&argument))
    out.push_back(write(element));
  return out;
}

template <typename T>
const T& held(const Argument& argument) {
  return *std::get_if<T>(&argument);
}

std::string sense_key_text(std::uint64_t key) {
  return std::string(kSenseKeyNames[key & 15]);
}

struct KindRow {
  Kind kind;
  std::string_view words;
  Argument (*read)(const Value&, const Parameter&);
  Json (*write)(const Argument&);
};

// clang-format off
constexpr KindRow kKinds[] = {  // in the order of the enumeration
  {Kind::flag, "boolean",
   [](const Value& v, const Parameter&) { return given(v.boolean()); },
   [](const Argument& a) { return Json(held<bool>(a)); }},
  {Kind::number, "number",
   [](const Value& v, const Parameter& p) { return given(v.number(p.least, p.most)); },
   [](const Argument& a) { return Json(held<std::uint64_t>(a)); }},
  {Kind::difference, "number with a sign",
   [](const Value& v, const Parameter&) { return given(v.difference()); },
   [](const Argument& a) { return Json(held<std::int64_t>(a)); }},
  {Kind::decimal, "decimal",
   [](const Value& v, const Parameter& p) { return given(read_decimal(v, p)); },
   [](const Argument& a) { return ratio_to_json(held<Ratio>(a)); }},
  {Kind::choice, "choice",
   [](const Value& v, const Parameter& p) { const auto at = v.one_of(p.choices); return at ? Argument(std::string(p.choices[*at])) : Argument(); },
   [](const Argument& a) { return Json(held<std::string>(a)); }},
  {Kind::text, "string",
   [](const Value& v, const Parameter& p) { return given(v.text(p.least, at_most(p, kMaxArgumentTextBytes))); },
   [](const Argument& a) { return Json(held<std::string>(a)); }},
  {Kind::octets, "hexadecimal digits",
   [](const Value& v, const Parameter& p) { return given(v.octets(p.least, at_most(p, kMaxArgumentOctets))); },
   [](const Argument& a) { return Json(octets_text(held<bytes::Buffer>(a))); }},
  {Kind::duration, "duration",
   [](const Value& v, const Parameter&) { return given(read_time(v)); },
   [](const Argument& a) { return Json(time_text(held<nanoseconds>(a))); }},
  {Kind::size, "size",
   [](const Value& v, const Parameter& p) { return given(read_size(v, p)); },
   [](const Argument& a) { return Json(size_text(held<std::uint64_t>(a))); }},
  {Kind::sense_key, "sense key",
   [](const Value& v, const Parameter&) { return given(read_sense_key(v)); },
   [](const Argument& a) { return Json(sense_key_text(held<std::uint64_t>(a))); }},
  {Kind::sense_code, "sense code",
   [](const Value& v, const Parameter&) { return given(read_sense_code(v)); },
   [](const Argument& a) { return Json(sense_code_text(held<faults::SenseRef>(a))); }},
  {Kind::lun, "LUN",
   [](const Value& v, const Parameter&) { return given(v.number(0, kMaxLun)); },
   [](const Argument& a) { return Json(held<std::uint64_t>(a)); }},
  {Kind::numbers, "array of number",
   [](const Value& v, const Parameter& p) { return given(read_list(v, p, [](const Value& item) { return item.number(0, UINT64_MAX); })); },
   [](const Argument& a) { return write_list<std::uint64_t>(a, [](std::uint64_t each) { return Json(each); }); }},
  {Kind::decimals, "array of decimal",
   [](const Value& v, const Parameter& p) { return given(read_list(v, p, [](const Value& item) { return item.decimal(); })); },
   [](const Argument& a) { return write_list<Ratio>(a, [](const Ratio& each) { return ratio_to_json(each); }); }},
  {Kind::durations, "array of duration",
   [](const Value& v, const Parameter& p) { return given(read_list(v, p, read_element_time)); },
   [](const Argument& a) { return write_list<nanoseconds>(a, [](nanoseconds each) { return Json(time_text(each)); }); }},
  {Kind::codes, "array of sense code",
   [](const Value& v, const Parameter& p) { return given(read_list(v, p, read_sense_code)); },
   [](const Argument& a) { return write_list<faults::SenseRef>(a, [](const faults::SenseRef& each) { return Json(sense_code_text(each)); }); }},
  {Kind::objects, "array of object",
   [](const Value& v, const Parameter& p) { return given(read_list(v, p, [&](const Value& item) { return std::optional<Arguments>(read_arguments(item, p.members)); })); },
   [](const Argument& a) { return write_list<Arguments>(a, [](const Arguments& each) { return arguments_to_json(each); }); }},
  {Kind::object, "object",
   [](const Value& v, const Parameter& p) { return Argument(std::vector<Arguments>{read_arguments(v, p.members)}); },
   [](const Argument& a) { return arguments_to_json(held<std::vector<Arguments>>(a).front()); }},
};
// clang-format on

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < std::size(kKinds); ++i)
    if (static_cast<std::size_t>(kKinds[i].kind) != i) return false;
  return std::size(kKinds) == static_cast<std::size_t>(Kind::object) + 1;
}
static_assert(rows_are_in_order(), "one row for each kind");

const KindRow& row_of(Kind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

/// Index of the only parameter that must be given.
std::optional<std::size_t> only_required(std::span<const Parameter> parameters) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].required) continue;
    if (found) return std::nullopt;
    found = i;
  }
  return found;
}

}  // namespace

Arguments read_arguments(const Value& value, std::span<const Parameter> parameters,
                         std::span<const std::string_view> besides) {
  Arguments out(parameters);
  if (!value.is_object()) {
    if (const auto only = only_required(parameters)) {
      const Parameter& parameter = parameters[*only];
      out.set(*only, row_of(parameter.kind).read(value, parameter));
      return out;
    }
  }
  std::vector<Key> keys;
  for (const Parameter& each : parameters)
    keys.push_back({each.name, each.required, kind_text(each.kind), each.fallback, each.meaning});
  for (const std::string_view each : besides)
    if (std::ranges::find(keys, each, &Key::name) == keys.end())
      keys.push_back({each, false, "", "", ""});
  const Shape shape{"parameters", "", keys};
  Object in(value, shape);
  for (const std::string_view each : besides)
    in.optional(each);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& each = parameters[i];
    if (each.kind == Kind::duration) {
      if (const auto time = in.duration(each.name, microseconds(0), kMostTime, each.required))
        out.set(i, nanoseconds(*time));
      continue;
    }
    const Value argument = each.required ? in.required(each.name) : in.optional(each.name);
    if (argument.present()) out.set(i, row_of(each.kind).read(argument, each));
  }
  in.finish();
  return out;
}

Json arguments_to_json(const Arguments& arguments) {
  Json out = Json::object();
  const auto parameters = arguments.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (arguments.at(i).index() != 0)
      out[std::string(parameters[i].name)] = row_of(parameters[i].kind).write(arguments.at(i));
  return out;
}

Json ratio_to_json(const Ratio& ratio) {
  const std::string text = faults::ratio_text(ratio);
  if (text.find('/') != std::string::npos) return text;
  if (ratio.denominator != 0 && ratio.numerator % ratio.denominator == 0)
    return ratio.numerator / ratio.denominator;
  Problems problems;
  Json number = std::strtod(text.c_str(), nullptr);
  const auto back = Value(&number, "", problems).decimal();
  if (back && compare(*back, ratio) == 0) return number;
  return text;
}

std::string octets_text(bytes::View octets) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t octet : octets) {
    out.push_back(kDigits[octet >> 4]);
    out.push_back(kDigits[octet & 15]);
  }
  return out;
}

std::string time_text(nanoseconds time) {
  return duration_text(std::chrono::duration_cast<microseconds>(time));
}

std::string_view kind_text(Kind kind) {
  return row_of(kind).words;
}

}  // namespace faultlun::config
