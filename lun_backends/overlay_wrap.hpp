// A counterfeit capacity: addresses that are the same modulo the capacity are one cell, and all of
// them show what was last written to any of them.  Cells not written since show the truth at each
// address.  Not thread-safe: the overlay device guards it.
//
// It keeps for each cell the address last written, as runs.  Their number is bounded: beyond it the
// shortest of the runs around the newest is forgotten, and its cells tell the truth again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

namespace faultlun::lun_backends {

class WrapMap {
 public:
  static constexpr std::size_t kMaxRuns = std::size_t{1} << 16;

  explicit WrapMap(std::uint64_t capacity_bytes, std::size_t max_runs = kMaxRuns)
      : capacity_(capacity_bytes), max_runs_(max_runs) {}

  std::uint64_t capacity_bytes() const { return capacity_; }
  std::size_t runs() const { return runs_.size(); }

  /// The range was written, or discarded.
  void note(std::uint64_t offset_bytes, std::uint64_t length_bytes);

  /// Calls f(from, length_bytes) piece by piece in order: where the bytes of the range are to be
  /// read.
  template <typename F>
  void for_each_source(std::uint64_t offset_bytes, std::uint64_t length_bytes, F f) const;

  /// Some of the range is to be read elsewhere.
  bool redirects(std::uint64_t offset_bytes, std::uint64_t length_bytes) const;

 private:
  struct Run {
    std::uint64_t end = 0;
    std::uint64_t base = 0;  ///< address of the cell's content, less the cell
  };
  using Map = std::map<std::uint64_t, Run>;  ///< by first cell

  Map::const_iterator first_over(std::uint64_t cell) const;
  void carve(std::uint64_t begin, std::uint64_t end);
  void put(std::uint64_t begin, std::uint64_t end, std::uint64_t base);
  Map::iterator forget_one_near(Map::iterator run);

  std::uint64_t capacity_;
  std::size_t max_runs_;
  Map runs_;
};

template <typename F>
void WrapMap::for_each_source(std::uint64_t offset_bytes, std::uint64_t length_bytes, F f) const {
  while (length_bytes != 0) {
    const std::uint64_t cell = offset_bytes % capacity_;
    std::uint64_t length = std::min(length_bytes, capacity_ - cell);
    std::uint64_t from = offset_bytes;
    if (const auto run = first_over(cell); run != runs_.end()) {
      if (run->first > cell) {
        length = std::min(length, run->first - cell);
      } else {
        length = std::min(length, run->second.end - cell);
        from = run->second.base + cell;
      }
    }
    f(from, length);
    offset_bytes += length;
    length_bytes -= length;
  }
}

}  // namespace faultlun::lun_backends
