// One JSON object, read with care: every key it has must be known, every value is checked for its
// type and range, and every error is collected with its path.  File and HTTP bodies go through
// here; nothing else asks nlohmann for a number (its get<T>() turns -1 into 4294967295 without a
// word).
//
//   Object in(value, shape("portal"));
//   take(in.optional("group").whole<std::uint16_t>(1, 65535), portal.group);
//   in.finish();                                          // complains about keys that are not in
//   the shape
#pragma once

#include "config/json.hpp"
#include "config/keys.hpp"
#include "config/problems.hpp"
#include "faults/parameter.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faultlun::config {

struct Member;

/// A value that may be absent.  Each reader gives nothing when it is absent, and complains and
/// gives nothing when it is wrong.
class Value {
 public:
  Value(const Json* json, std::string path, Problems& problems)
      : json_(json), path_(std::move(path)), problems_(&problems) {}

  bool present() const { return json_ != nullptr; }
  const std::string& path() const { return path_; }
  Problems& problems() const { return *problems_; }
  bool is_text() const;
  bool is_object() const;
  bool is_array() const;

  /// A string of `least` to `most` bytes without control characters.
  std::optional<std::string> text(std::size_t least, std::size_t most) const;
  std::optional<bool> boolean() const;
  template <std::unsigned_integral T>
  std::optional<T> whole(T least, T most) const {
    const auto number = whole_number(least, most);
    return number ? std::optional<T>(static_cast<T>(*number)) : std::nullopt;
  }
  /// A whole number, or hexadecimal digits in a string: 40, "0x28".
  std::optional<std::uint64_t> number(std::uint64_t least, std::uint64_t most) const;
  /// The same with a sign: -8, "-0x8".
  std::optional<std::int64_t> difference() const;
  /// 0.25, 1e-8, "1e-8" or "1/3", exactly.  A number that is no string means the shortest decimal
  /// that stands for the same double.
  std::optional<faults::Ratio> decimal() const;
  /// Hexadecimal digits, two for an octet, spaces between octets as you like: "4649 4c45".
  std::optional<bytes::Buffer> octets(std::size_t least, std::size_t most) const;
  std::optional<std::uint64_t> size_bytes() const;  ///< "512MiB" or a number of bytes
  std::optional<std::uint64_t> seed() const;        ///< "0x5eed" or a number
  std::optional<std::chrono::microseconds> duration(std::chrono::microseconds least,
                                                    std::chrono::microseconds most) const;
  /// Index of the string among `names`.
  std::optional<std::size_t> one_of(std::span<const std::string_view> names) const;
  /// The elements of an array of at most `most`; none when it is absent or wrong.
  std::vector<Value> items(std::size_t most) const;
  /// The members of an object whose keys are no shape's; none when it is absent or wrong.
  std::vector<Member> members() const;

  /// "is 3; write …"
  void wrong_type(std::string_view wanted) const;
  void fail(std::string message) const { problems_->add(path_, std::move(message)); }

 private:
  friend class Object;
  std::optional<std::uint64_t> whole_number(std::uint64_t least, std::uint64_t most) const;

  const Json* json_;
  std::string path_;
  Problems* problems_;
};

struct Member {
  std::string key;
  Value value;
};

class Object {
 public:
  /// `value` must be present; when it is no object that is a problem, and then every key is absent.
  Object(const Value& value, const Shape& shape);

  Value required(std::string_view key);
  Value optional(std::string_view key);
  bool has(std::string_view key) const;
  /// A duration in the language of rules: "250ms" under the key itself, or a whole number under
  /// key_us, key_ms or key_s.
  std::optional<std::chrono::microseconds> duration(std::string_view key,
                                                    std::chrono::microseconds least,
                                                    std::chrono::microseconds most,
                                                    bool required = false);

  /// Every key of the object must be of the shape.  Asserts that every key of the shape was asked
  /// for.
  void finish();

 private:
  Value find(std::string_view key);
  Value child(std::string_view key) const;
  const Key& row(std::string_view key) const;
  bool is_unit_of_duration(std::string_view key) const;

  Value value_;
  const Shape& shape_;
  std::vector<std::string_view> asked_, durations_;
};

/// Stores what was read; keeps the default when nothing was.
template <typename From, typename To>
bool take(std::optional<From> from, To& to) {
  if (!from) return false;
  to = std::move(*from);
  return true;
}

}  // namespace faultlun::config
