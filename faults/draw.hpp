// Chance.  Determinism contract D1: a draw is a pure function of (run seed, rule, key, index,
// slot), so adding a rule, or jitter to a rule, changes no other draw.
#pragma once

#include "faults/siphash.hpp"

#include <cstdint>
#include <string_view>

namespace faultlun::faults {

/// What a draw of one decision is used for.
enum Slot : unsigned {
  kSlotDecide = 0,   ///< does the rule fire
  kSlotLatency = 1,  ///< how long
  kSlotSize = 2,     ///< how much, or where
  kSlotPattern = 3,  ///< which bytes
};

/// SipHash-2-4 under k0 = seed, k1 = seed XOR 9E3779B97F4A7C15h of
/// "<rule>\n<key>\n<index>\n<slot>", numbers in decimal.  A rule's or key's name has no line feed
/// in it: two names could else be one.
std::uint64_t draw(std::uint64_t seed, std::string_view rule, std::string_view key,
                   std::uint64_t index, unsigned slot);

/// The draws of one rule and key, with all the work done that does not depend on index and slot.
class Drawer {
 public:
  Drawer(std::uint64_t seed, std::string_view rule, std::string_view key);

  /// Equals draw(seed, rule, key, index, slot).
  std::uint64_t at(std::uint64_t index, unsigned slot) const;

 private:
  SipHash prefix_;
};

/// Draws and probabilities are compared as whole multiples of 2^-53: u = quantile(draw) * 2^-53.
inline constexpr int kQuantileBits = 53;
inline constexpr std::uint64_t kQuantiles = std::uint64_t{1} << kQuantileBits;
constexpr std::uint64_t quantile(std::uint64_t draw) {
  return draw >> (64 - kQuantileBits);
}

/// A whole number in 0..`max`; every one equally likely but for 2^-53 * (`max` + 1) of itself.
std::uint64_t uniform_up_to(std::uint64_t quantile, std::uint64_t max);

}  // namespace faultlun::faults
