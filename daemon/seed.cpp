#include "daemon/seed.hpp"

#include <cerrno>
#include <cstdlib>
#include <sys/random.h>

namespace faultlun::daemon {

void entropy(bytes::Span out) {
  while (!out.empty()) {
    const auto got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) std::abort();  // no kernel since 3.17 refuses it
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t entropy_seed() {
  std::uint8_t octets[8];
  entropy(octets);
  return bytes::be64(octets);
}

}  // namespace faultlun::daemon
