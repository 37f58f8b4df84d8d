#include "config/object.hpp"

#include "config/octets.hpp"
#include "config/units.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <iterator>

namespace faultlun::config {

namespace {

/// "a string", "-3", "1.5": what was found, for a message.
std::string found(const Json& json) {
  if (json.is_null()) return "null";
  if (json.is_boolean()) return json == true ? "true" : "false";
  if (json.is_number()) return json.dump();
  if (json.is_string()) return "the string " + in_quotes(*json.get_ptr<const std::string*>());
  return json.is_array() ? "an array" : "an object";
}

std::string text_of(double number) {
  char text[32];
  const auto [end, ignored] = std::to_chars(std::begin(text), std::end(text), number);
  return {text, end};
}

/// "0x28": nothing unless all of it is one to sixteen hexadecimal digits behind 0x.
std::optional<std::uint64_t> hexadecimal(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return std::nullopt;
  text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// With or without 0x before them.
std::optional<bytes::Buffer> octets_in(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  return parse_octets(text);
}

struct DurationKey {
  std::string_view suffix;
  std::chrono::microseconds unit;
};
constexpr DurationKey kDurationKeys[] = {{"_us", std::chrono::microseconds(1)},
                                         {"_ms", std::chrono::milliseconds(1)},
                                         {"_s", std::chrono::seconds(1)}};

std::vector<std::string_view> names_of(std::span<const Key> keys) {
  std::vector<std::string_view> names;
  for (const Key& key : keys)
    names.push_back(key.name);
  return names;
}

}  // namespace

bool Value::is_text() const {
  return json_ && json_->is_string();
}
bool Value::is_array() const {
  return json_ && json_->is_array();
}
bool Value::is_object() const {
  return json_ && json_->is_object();
}

void Value::wrong_type(std::string_view wanted) const {
  fail("is " + found(*json_) + "; write " + std::string(wanted));
}

std::optional<std::string> Value::text(std::size_t least, std::size_t most) const {
  if (!json_) return std::nullopt;
  const auto* string = json_->get_ptr<const std::string*>();
  if (!string) {
    wrong_type("a string");
    return std::nullopt;
  }
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (string->size() < least) {
    fail(string->empty() ? "is empty; write something or leave the key out"
                         : "is too short; write at least " + std::to_string(least) + " bytes");
  } else if (string->size() > most) {
    fail("has " + std::to_string(string->size()) + " bytes; the most is " + std::to_string(most));
  } else if (std::any_of(string->begin(), string->end(), control)) {
    fail("has a control character in it: " + in_quotes(*string) + "; remove it");
  } else {
    return *string;
  }
  return std::nullopt;
}

std::optional<bool> Value::boolean() const {
  if (!json_) return std::nullopt;
  if (const auto* flag = json_->get_ptr<const bool*>()) return *flag;
  wrong_type("true or false");
  return std::nullopt;
}

std::optional<std::uint64_t> Value::whole_number(std::uint64_t least, std::uint64_t most) const {
  if (!json_) return std::nullopt;
  const std::string range =
      "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  const auto* number =
      json_->is_number_unsigned() ? json_->get_ptr<const Json::number_unsigned_t*>() : nullptr;
  if (number && *number >= least && *number <= most) return *number;
  wrong_type(range);
  return std::nullopt;
}

std::optional<std::uint64_t> Value::number(std::uint64_t least, std::uint64_t most) const {
  if (!json_ || !json_->is_string()) return whole_number(least, most);
  const auto value = hexadecimal(*json_->get_ptr<const std::string*>());
  if (value && *value >= least && *value <= most) return value;
  wrong_type("a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
             ", or \"0x…\" with hexadecimal digits");
  return std::nullopt;
}

std::optional<std::int64_t> Value::difference() const {
  if (!json_) return std::nullopt;
  if (json_->is_number_integer() && !json_->is_number_unsigned())
    return *json_->get_ptr<const Json::number_integer_t*>();
  std::optional<std::uint64_t> size;
  bool negative = false;
  if (json_->is_number_unsigned()) {
    size = *json_->get_ptr<const Json::number_unsigned_t*>();
  } else if (json_->is_string()) {
    std::string_view text = *json_->get_ptr<const std::string*>();
    negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    size = hexadecimal(text);
  }
  if (size && *size <= static_cast<std::uint64_t>(INT64_MAX)) {
    const auto value = static_cast<std::int64_t>(*size);
    return negative ? -value : value;
  }
  wrong_type("a whole number, with - in front or not, of less than 64 bits");
  return std::nullopt;
}

std::optional<faults::Ratio> Value::decimal() const {
  if (!json_) return std::nullopt;
  std::string text;
  if (json_->is_string())
    text = *json_->get_ptr<const std::string*>();
  else if (json_->is_number_float())
    text = text_of(*json_->get_ptr<const Json::number_float_t*>());
  else if (json_->is_number())
    text = json_->dump();
  else
    wrong_type("a number like 0.25, or a string like \"1/3\"");
  if (text.empty() && !json_->is_string()) return std::nullopt;
  auto parsed = faults::parse_ratio(text);
  if (!parsed.ratio)  // it quotes 60 octets of the text, as they are
    fail(in_quotes(text) + parsed.problem.substr(std::min<std::size_t>(text.size(), 60) + 2));
  return parsed.ratio;
}

std::optional<bytes::Buffer> Value::octets(std::size_t least, std::size_t most) const {
  if (!json_) return std::nullopt;
  const auto* string = json_->get_ptr<const std::string*>();
  const auto parsed = string ? octets_in(*string) : std::nullopt;
  if (parsed && parsed->size() >= least && parsed->size() <= most) return parsed;
  if (parsed)
    fail("has " + std::to_string(parsed->size()) + " octets; write " + std::to_string(least) +
         " to " + std::to_string(most) + " of them");
  else
    wrong_type("hexadecimal digits in a string, two for each octet, like \"4649 4c45\"");
  return std::nullopt;
}

std::optional<std::uint64_t> Value::size_bytes() const {
  if (!json_) return std::nullopt;
  if (json_->is_number_unsigned()) return *json_->get_ptr<const Json::number_unsigned_t*>();
  if (!json_->is_string()) {
    wrong_type("a size like \"512MiB\" or a whole number of bytes below 16 EiB");
    return std::nullopt;
  }
  auto parsed = parse_size(*json_->get_ptr<const std::string*>());
  if (!parsed.value) fail(parsed.error);
  return parsed.value;
}

std::optional<std::uint64_t> Value::seed() const {
  if (!json_) return std::nullopt;
  if (json_->is_number_unsigned()) return *json_->get_ptr<const Json::number_unsigned_t*>();
  if (!json_->is_string()) {
    wrong_type("a whole number from 0 to 18446744073709551615 or a string like \"0x5eed\"");
    return std::nullopt;
  }
  auto parsed = parse_seed(*json_->get_ptr<const std::string*>());
  if (!parsed.value) fail(parsed.error);
  return parsed.value;
}

std::optional<std::chrono::microseconds> Value::duration(std::chrono::microseconds least,
                                                         std::chrono::microseconds most) const {
  if (!json_) return std::nullopt;
  if (!json_->is_string()) {
    wrong_type("a duration with its unit, like \"250ms\" or \"15s\"");
    return std::nullopt;
  }
  auto parsed = parse_duration(*json_->get_ptr<const std::string*>());
  if (!parsed.value) {
    fail(parsed.error);
  } else if (*parsed.value < least || *parsed.value > most) {
    fail("is " + duration_text(*parsed.value) + "; write a duration from " + duration_text(least) +
         " to " + duration_text(most));
    return std::nullopt;
  }
  return parsed.value;
}

std::optional<std::size_t> Value::one_of(std::span<const std::string_view> names) const {
  if (!json_) return std::nullopt;
  const auto* string = json_->get_ptr<const std::string*>();
  if (!string) {
    wrong_type("one of " + listed(names) + ", in quotes");
    return std::nullopt;
  }
  const auto at = std::find(names.begin(), names.end(), *string);
  if (at == names.end()) {
    fail("unknown value " + in_quotes(*string) + did_you_mean(*string, names) +
         "; known: " + listed(names));
    return std::nullopt;
  }
  return static_cast<std::size_t>(at - names.begin());
}

std::vector<Value> Value::items(std::size_t most) const {
  std::vector<Value> out;
  if (!json_) return out;
  if (!json_->is_array()) {
    wrong_type("an array in [ ]");
    return out;
  }
  if (json_->size() > most) {
    fail("has " + std::to_string(json_->size()) + " elements; the most is " + std::to_string(most));
    return out;
  }
  out.reserve(json_->size());
  for (std::size_t i = 0; i < json_->size(); ++i)
    out.emplace_back(&(*json_)[i], path_ + "[" + std::to_string(i) + "]", *problems_);
  return out;
}

std::vector<Member> Value::members() const {
  std::vector<Member> out;
  if (!json_) return out;
  if (!json_->is_object()) {
    wrong_type("an object in { }");
    return out;
  }
  for (const auto& [key, json] : json_->items())
    out.push_back({key, Value(&json, path_.empty() ? key : path_ + "." + key, *problems_)});
  return out;
}

Object::Object(const Value& value, const Shape& shape) : value_(value), shape_(shape) {
  assert(value.present());
  if (!value_.is_object()) value_.wrong_type("an object in { }");
}

const Key& Object::row(std::string_view key) const {
  const auto found = std::find_if(shape_.keys.begin(), shape_.keys.end(),
                                  [&](const Key& each) { return each.name == key; });
  assert(found != shape_.keys.end());  // otherwise finish() would refuse what we read
  return *found;
}

Value Object::child(std::string_view key) const {
  const Json* json = nullptr;
  if (value_.is_object()) {
    const auto at = value_.json_->find(std::string(key));
    if (at != value_.json_->end()) json = &*at;
  }
  std::string path =
      value_.path_.empty() ? std::string(key) : value_.path_ + "." + std::string(key);
  return {json, std::move(path), *value_.problems_};
}

Value Object::find(std::string_view key) {
  asked_.push_back(row(key).name);
  return child(key);
}

Value Object::required(std::string_view key) {
  Value value = find(key);
  if (!value.present() && value_.is_object())
    value.fail("missing; add " + in_quotes(key) + " (" + std::string(row(key).type) + ")");
  return value;
}

bool Object::has(std::string_view key) const {
  return child(key).present();
}

std::optional<std::chrono::microseconds> Object::duration(std::string_view key,
                                                          std::chrono::microseconds least,
                                                          std::chrono::microseconds most,
                                                          bool required) {
  const Value plain = find(key);
  durations_.push_back(asked_.back());
  std::optional<Value> given;
  std::string given_key;
  if (plain.present()) {
    given = plain;
    given_key = key;
  }
  std::optional<std::chrono::microseconds> out = plain.duration(least, most);
  for (const DurationKey& each : kDurationKeys) {
    const std::string name = std::string(key) + std::string(each.suffix);
    const Value value = child(name);
    if (!value.present()) continue;
    if (given) {
      value.fail("says the same as " + in_quotes(given_key) + "; keep one of them");
      continue;
    }
    given = value;
    given_key = name;
    const auto round_up = (least + each.unit - std::chrono::microseconds(1)) / each.unit;
    const auto count = value.number(static_cast<std::uint64_t>(round_up),
                                    static_cast<std::uint64_t>(most / each.unit));
    if (count) out = each.unit * static_cast<std::int64_t>(*count);
  }
  if (!given && required && value_.is_object())
    plain.fail("missing; add " + in_quotes(key) + " (" + std::string(row(key).type) + ")");
  return out;
}

bool Object::is_unit_of_duration(std::string_view key) const {
  return std::any_of(durations_.begin(), durations_.end(), [&](std::string_view plain) {
    return key.starts_with(plain) && std::any_of(std::begin(kDurationKeys), std::end(kDurationKeys),
                                                 [&](const DurationKey& each) {
                                                   return key.substr(plain.size()) == each.suffix;
                                                 });
  });
}

Value Object::optional(std::string_view key) {
  return find(key);
}

void Object::finish() {
  const auto names = names_of(shape_.keys);
  for ([[maybe_unused]] const std::string_view name : names)
    assert(std::find(asked_.begin(), asked_.end(), name) != asked_.end());
  if (!value_.is_object()) return;
  for (const auto& [key, ignored] : value_.json_->items()) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    if (is_unit_of_duration(key)) continue;
    const std::string hint = value_.problems_->full() ? std::string{} : did_you_mean(key, names);
    const std::string path = value_.path_.empty() ? key : value_.path_ + "." + key;
    value_.problems_->add(
        path, hint.empty() ? "unknown key; known here: " + listed(names) : "unknown key" + hint);
  }
}

}  // namespace faultlun::config
