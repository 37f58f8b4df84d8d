// The text of a draw and its hash.
#include "faults/draw.hpp"

#include <charconv>
#include <cstddef>
#include <iterator>

namespace faultlun::faults {
namespace {

constexpr std::uint64_t kSecondKey = 0x9E3779B97F4A7C15;

}  // namespace

Drawer::Drawer(std::uint64_t seed, std::string_view rule, std::string_view key)
    : prefix_(seed, seed ^ kSecondKey) {
  prefix_.update(rule);
  prefix_.update("\n");
  prefix_.update(key);
  prefix_.update("\n");
}

std::uint64_t Drawer::at(std::uint64_t index, unsigned slot) const {
  char text[20 + 1 + 10];  // the longest index, a line feed, the longest slot
  char* end = std::to_chars(std::begin(text), std::end(text), index).ptr;
  *end++ = '\n';
  end = std::to_chars(end, std::end(text), slot).ptr;
  SipHash hash = prefix_;
  hash.update({text, static_cast<std::size_t>(end - text)});
  return hash.finish();
}

std::uint64_t draw(std::uint64_t seed, std::string_view rule, std::string_view key,
                   std::uint64_t index, unsigned slot) {
  return Drawer(seed, rule, key).at(index, slot);
}

std::uint64_t uniform_up_to(std::uint64_t quantile, std::uint64_t max) {
  using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(max) + 1) * quantile >> kQuantileBits);
}

}  // namespace faultlun::faults
