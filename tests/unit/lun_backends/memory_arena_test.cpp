#include "lun_backends/memory_arena.hpp"

#include "device_bench.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <span>
#include <vector>

namespace memory_arena_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

constexpr std::size_t kPiece = 4 * kPageBytes;

bool all_zeros(const std::uint8_t* piece) {
  return std::ranges::all_of(std::span(piece, kPiece), [](auto octet) { return octet == 0; });
}

}  // namespace

TEST_CASE("an arena hands out different pieces of zeros") {
  Arena arena(kPiece);
  std::set<std::uint8_t*> pieces;
  for (int i = 0; i < 1000; ++i) {
    std::uint8_t* piece = arena.take();
    REQUIRE(piece != nullptr);
    CHECK(all_zeros(piece));
    std::memset(piece, 0xaa, kPiece);
    pieces.insert(piece);
  }
  CHECK(pieces.size() == 1000);
  const bool apart = std::ranges::adjacent_find(pieces, [](auto* a, auto* b) {
                       return b - a < static_cast<std::ptrdiff_t>(kPiece);
                     }) == pieces.end();
  CHECK(apart);
}

TEST_CASE("a piece that was given back comes again as zeros") {
  Arena arena(kPiece);
  std::uint8_t* piece = arena.take();
  std::memset(piece, 0xaa, kPiece);
  arena.give_back(piece);
  CHECK(arena.take() == piece);
  CHECK(all_zeros(piece));
}

TEST_CASE("an arena gives memory back to the system when pieces come back, not when it ends") {
  if (!kMemoryIsMeasurable) {
    MESSAGE("skipped: shadow memory of the sanitizer counts as resident");
    return;
  }
  Arena arena(kPiece);
  std::vector<std::uint8_t*> pieces;
  const std::uint64_t before = resident_bytes();
  for (std::size_t i = 0; i < (32u << 20) / kPiece; ++i) {
    pieces.push_back(arena.take());
    std::memset(pieces.back(), 0xaa, kPiece);
  }
  CHECK(resident_bytes() - before > (30u << 20));
  for (auto* piece : pieces)
    arena.give_back(piece);
  CHECK(resident_bytes() < before + (2u << 20));
}

}  // namespace memory_arena_test
