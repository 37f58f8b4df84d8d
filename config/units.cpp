#include "config/units.hpp"

#include "config/problems.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace faultlun::config {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// clang-format off
constexpr Unit kSizeUnits[] = {
  {"EiB", 1ull << 60}, {"PiB", 1ull << 50}, {"TiB", 1ull << 40}, {"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10},
  {"EB", 1'000'000'000'000'000'000}, {"PB", 1'000'000'000'000'000}, {"TB", 1'000'000'000'000}, {"GB", 1'000'000'000},
  {"MB", 1'000'000}, {"kB", 1'000}, {"B", 1}, {"", 1},
};
constexpr Unit kTimeUnits[] = {  // microseconds
  {"h", 3'600'000'000}, {"min", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}, {"us", 1},
};
// clang-format on
constexpr std::uint64_t kMostMicroseconds = 10'000ull * 3'600'000'000;

struct Split {
  std::string_view digits, unit;
};

Split split(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9')
    ++end;
  return {text.substr(0, end), text.substr(end)};
}

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  const auto found =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
  return found == units.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> scaled(std::string_view digits, std::uint64_t factor,
                                    std::uint64_t most) {
  const auto number = parse_decimal(digits);
  if (!number || *number > most / factor) return std::nullopt;
  return *number * factor;
}

}  // namespace

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || problem != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  const auto [digits, name] = split(text);
  if (digits.empty())
    return {{},
            in_quotes(text) +
                " is not a size; write it like \"512MiB\", \"10GB\" or as a number of bytes"};
  if (name.starts_with('.') || name.starts_with(','))
    return {{},
            in_quotes(text) +
                " has a fraction; use a smaller unit, like \"1536MiB\" for one and a half GiB"};
  const Unit* unit = find_unit(kSizeUnits, name);
  if (!unit)
    return {{},
            in_quotes(text) + " has the unknown unit " + in_quotes(name) +
                "; use KiB, MiB, GiB, TiB, PiB, EiB (1024) or kB, MB, GB, TB, PB, EB (1000), "
                "without a space"};
  const auto bytes = scaled(digits, unit->factor, UINT64_MAX);
  if (!bytes)
    return {{}, in_quotes(text) + " does not fit into 64 bits; the most is 16 EiB less one block"};
  return {bytes, {}};
}

std::string size_text(std::uint64_t bytes) {
  for (const Unit& unit : kSizeUnits)
    if (unit.name.ends_with("iB") && bytes != 0 && bytes % unit.factor == 0)
      return std::to_string(bytes / unit.factor) + std::string(unit.name);
  return std::to_string(bytes) + "B";
}

Parsed<std::chrono::microseconds> parse_duration(std::string_view text) {
  const auto [digits, name] = split(text);
  if (digits.empty())
    return {{},
            in_quotes(text) + " is not a duration; write it like \"250ms\", \"15s\" or \"2min\""};
  if (name.empty())
    return {{},
            in_quotes(text) + " has no unit; add us, ms, s, min or h, like \"" +
                std::string(digits) + "s\""};
  if (name.starts_with('.') || name.starts_with(','))
    return {{},
            in_quotes(text) +
                " has a fraction; use a smaller unit, like \"1500ms\" for one and a half seconds"};
  const Unit* unit = find_unit(kTimeUnits, name);
  if (!unit)
    return {{},
            in_quotes(text) + " has the unknown unit " + in_quotes(name) +
                "; use us, ms, s, min or h, without a space"};
  const auto time = scaled(digits, unit->factor, kMostMicroseconds);
  if (!time) return {{}, in_quotes(text) + " is too long; the most is \"10000h\""};
  return {std::chrono::microseconds(static_cast<std::int64_t>(*time)), {}};
}

std::string duration_text(std::chrono::microseconds duration) {
  const auto time = static_cast<std::uint64_t>(duration.count());
  if (time == 0) return "0s";
  for (const Unit& unit : kTimeUnits)
    if (time % unit.factor == 0) return std::to_string(time / unit.factor) + std::string(unit.name);
  return std::to_string(time) + "us";
}

Parsed<std::uint64_t> parse_seed(std::string_view text) {
  std::optional<std::uint64_t> value;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    std::uint64_t number = 0;
    const char* last = text.data() + text.size();
    const auto [end, problem] = std::from_chars(text.data() + 2, last, number, 16);
    if (problem == std::errc{} && end == last) value = number;
  } else {
    value = parse_decimal(text);
  }
  if (!value)
    return {{},
            in_quotes(text) +
                " is not a seed; write a number of up to 64 bits, like \"0x5eed\" or 24301"};
  return {value, {}};
}

std::string seed_text(std::uint64_t seed) {
  char digits[16];
  const auto [end, problem] = std::to_chars(digits, digits + sizeof digits, seed, 16);
  (void)problem;  // sixteen digits hold any 64-bit number
  return "0x" + std::string(digits, end);
}

}  // namespace faultlun::config
