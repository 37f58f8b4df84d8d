// Zeros to look at: one read-only area for the whole process, for views of what was never written
// and for writing zeros where a file cannot punch holes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace faultlun::lun_backends {

inline constexpr std::size_t kZeroAreaBytes = 1u << 20;

/// kZeroAreaBytes zeros.  They cost address space, not memory: every page of it is the kernel's one
/// zero page. Throws std::bad_alloc when the first call finds no address space.
std::span<const std::uint8_t> zero_area();

}  // namespace faultlun::lun_backends
