#include "lun_backends/memory_arena.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <sys/mman.h>

namespace faultlun::lun_backends {

void drop_pages(std::span<std::uint8_t> pages) noexcept {
  // Refused for locked memory (mlockall) and where the system's pages are larger than ours.
  if (madvise(pages.data(), pages.size(), MADV_DONTNEED) != 0)
    std::memset(pages.data(), 0, pages.size());
}

Arena::~Arena() {
  for (const auto mapping : mappings_)
    munmap(mapping.data(), mapping.size());
}

std::uint8_t* Arena::take() noexcept {
  const std::lock_guard lock(mutex_);
  if (free_.empty() && !grow()) return nullptr;
  std::uint8_t* piece = free_.back();
  free_.pop_back();
  return piece;
}

void Arena::give_back(std::uint8_t* piece) noexcept {
  drop_pages({piece, piece_bytes_});
  const std::lock_guard lock(mutex_);
  free_.push_back(piece);
}

bool Arena::grow() noexcept {
  const std::size_t pieces = std::max<std::size_t>(next_mapping_bytes_ / piece_bytes_, 1);
  const std::size_t bytes = pieces * piece_bytes_;
  std::size_t all = pieces;
  for (const auto mapping : mappings_)
    all += mapping.size() / piece_bytes_;
  try {
    mappings_.reserve(mappings_.size() + 1);
    if (all > free_.capacity()) free_.reserve(std::max(all, 2 * free_.capacity()));
  } catch (const std::bad_alloc&) {
    return false;
  }
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return false;
  // A huge page would make one written sector cost 2 MiB.  Kernels without huge pages refuse: all
  // the better.
  (void)madvise(mapped, bytes, MADV_NOHUGEPAGE);
  auto* const begin = static_cast<std::uint8_t*>(mapped);
  mappings_.push_back({begin, bytes});
  for (std::size_t piece = pieces; piece-- > 0;)  // handed out in ascending order
    free_.push_back(begin + piece * piece_bytes_);
  next_mapping_bytes_ = std::min(2 * next_mapping_bytes_, kLargestMappingBytes);
  return true;
}

}  // namespace faultlun::lun_backends
