#include "protocol/bytes/crc32c.hpp"

#include <isa-l/crc.h>

namespace faultlun::bytes {
namespace {

constexpr std::size_t kLongestIsalRun = 1U << 30;  // crc32_iscsi counts octets in an int

}  // namespace

std::uint32_t crc32c(View octets) {
  return crc32c_append(0, octets);
}

std::uint32_t crc32c_append(std::uint32_t digest, View octets) {
  std::uint32_t state = ~digest;
  while (!octets.empty()) {
    const auto run = octets.first(std::min(octets.size(), kLongestIsalRun));
    // The library's prototype lacks const; it only reads.
    state =
        crc32_iscsi(const_cast<unsigned char*>(run.data()), static_cast<int>(run.size()), state);
    octets = octets.subspan(run.size());
  }
  return ~state;
}

}  // namespace faultlun::bytes
