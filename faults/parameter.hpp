// Parameters of a fault: what may be said of it in a rule, one row each, and the values that a rule
// gives.  The configuration reader, the JSON Schema of /v1/capabilities and docs/faults/ all read
// the same rows, so a parameter that is not here cannot be given, and one that is here is
// explained.
#pragma once

#include "faults/complaint.hpp"
#include "faults/ratio.hpp"
#include "protocol/bytes/bytes.hpp"
#include "protocol/scsi/sense.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace faultlun::faults {

enum class Kind : std::uint8_t {
  flag,    ///< JSON boolean                                                   → bool
  number,  ///< whole number, or "0x…"                                         → std::uint64_t
  difference,  ///< whole number with a sign                                       → std::int64_t
  decimal,     ///< 0.25, 1e-8 or "1/3"                                            → Ratio
  choice,      ///< one of `choices`                                               → std::string
  text,        ///< string of at most `most` octets                                → std::string
  octets,      ///< hexadecimal digits, spaces between                             → bytes::Buffer
  duration,    ///< "250ms", or key_ms, key_us, key_s with a whole number          → Time
  size,        ///< "64KiB" or a number of bytes                                   → std::uint64_t
  sense_key,   ///< "ABORTED_COMMAND", or 0x0b                                     → std::uint64_t
  sense_code,  ///< "11/00": ASC/ASCQ; "03/11/00": with key; or a name             → SenseRef
  lun,         ///< 0 to 16383                                                     → std::uint64_t
  numbers,  ///< array of whole numbers                                         → vector<uint64_t>
  decimals,   ///< array of decimals                                              → vector<Ratio>
  durations,  ///< array of durations (strings, or numbers of microseconds)       → vector<Time>
  codes,    ///< array of sense codes                                           → vector<SenseRef>
  objects,  ///< array of objects with `members`                                → vector<Arguments>
  object,   ///< one object with `members`                                      → Arguments in a
            ///< vector
};

/// A sense code of which the key may have been left out.
struct SenseRef {
  std::optional<std::uint8_t> key;
  std::uint8_t asc = 0, ascq = 0;
  friend bool operator==(const SenseRef&, const SenseRef&) = default;
};

struct Parameter {
  std::string_view name;
  Kind kind = Kind::flag;
  bool required = false;
  std::string_view fallback = "";  ///< as JSON, or words in round brackets; empty when required
  std::uint64_t least = 0,
                most = UINT64_MAX;  ///< number; octets of text or octets; elements of arrays
  std::span<const std::string_view> choices = {};
  std::span<const Parameter> members = {};
  std::string_view meaning = "";
};

class Arguments;
using Argument =
    std::variant<std::monostate, bool, std::uint64_t, std::int64_t, Ratio, std::string,
                 bytes::Buffer, std::chrono::nanoseconds, SenseRef, std::vector<std::uint64_t>,
                 std::vector<Ratio>, std::vector<std::chrono::nanoseconds>, std::vector<SenseRef>,
                 std::vector<Arguments>>;

/// The values given for a list of parameters.  What was left out is std::monostate.
class Arguments {
 public:
  Arguments() = default;
  explicit Arguments(std::span<const Parameter> parameters)
      : parameters_(parameters), values_(parameters.size()) {}

  std::span<const Parameter> parameters() const { return parameters_; }
  const Argument& at(std::size_t index) const { return values_[index]; }
  void set(std::size_t index, Argument value) { values_[index] = std::move(value); }
  /// Asserts that there is such a parameter.
  void set(std::string_view name, Argument value) { values_[index_of(name)] = std::move(value); }

  bool has(std::string_view name) const { return values_[index_of(name)].index() != 0; }
  /// The value, or `fallback` when it was left out.  T is the type that the parameter's kind names.
  template <typename T>
  T value(std::string_view name, T fallback = {}) const {
    const auto* given = std::get_if<T>(&values_[index_of(name)]);
    return given ? *given : fallback;
  }
  template <typename T>
  std::optional<T> maybe(std::string_view name) const {
    const auto* given = std::get_if<T>(&values_[index_of(name)]);
    return given ? std::optional<T>(*given) : std::nullopt;
  }
  bool flag(std::string_view name, bool fallback = false) const {
    return value<bool>(name, fallback);
  }
  std::uint64_t number(std::string_view name, std::uint64_t fallback = 0) const {
    return value<std::uint64_t>(name, fallback);
  }
  std::string text(std::string_view name, std::string_view fallback = "") const {
    return value<std::string>(name, std::string(fallback));
  }
  /// Index of the chosen word among the parameter's choices; `fallback` when it was left out.
  std::size_t choice(std::string_view name, std::size_t fallback = 0) const;

  friend bool operator==(const Arguments&, const Arguments&);

 private:
  std::size_t index_of(std::string_view name) const;

  std::span<const Parameter> parameters_;
  std::vector<Argument> values_;
};

}  // namespace faultlun::faults
