// Sizes ("512MiB"), durations ("250ms") and seeds ("0x5eed") as text and back.  The same readers
// serve the configuration, the command line and the control API.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faultlun::config {

/// A value, or the reason and the remedy why there is none.
template <typename T>
struct Parsed {
  std::optional<T> value;
  std::string error;  ///< empty exactly when there is a value
};

/// Bytes: digits with B, KiB … EiB (powers of 1024), kB … EB (powers of 1000), or no unit.
Parsed<std::uint64_t> parse_size(std::string_view text);
/// The largest unit of 1024 that divides it: "1GiB", "1536B".
std::string size_text(std::uint64_t bytes);

/// Digits with us, ms, s, min or h; at most 10,000 hours.
Parsed<std::chrono::microseconds> parse_duration(std::string_view text);
/// The largest unit that divides it: "15s", "1500ms"; zero is "0s".
std::string duration_text(std::chrono::microseconds duration);

/// Decimal or 0x-hexadecimal, 64 bits.
Parsed<std::uint64_t> parse_seed(std::string_view text);
std::string seed_text(std::uint64_t seed);  ///< "0x5eed"

/// Decimal digits only, no sign, no space; nothing when it does not fit.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace faultlun::config
