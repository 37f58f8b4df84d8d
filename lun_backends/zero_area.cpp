#include "lun_backends/zero_area.hpp"

#include <new>
#include <sys/mman.h>

namespace faultlun::lun_backends {

std::span<const std::uint8_t> zero_area() {
  static const std::uint8_t* const area = [] {
    void* mapped = mmap(nullptr, kZeroAreaBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    return static_cast<const std::uint8_t*>(mapped);
  }();
  return {area, kZeroAreaBytes};
}

}  // namespace faultlun::lun_backends
