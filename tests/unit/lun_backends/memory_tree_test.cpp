#include "lun_backends/memory_tree.hpp"

#include "device_bench.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <set>

namespace memory_tree_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

// The tree never looks at chunks: any address will do.
Chunk some_chunk;

void put(ChunkTree& tree, std::uint64_t index) {
  auto* slot = tree.make(index);
  REQUIRE(slot != nullptr);
  slot->store(&some_chunk);
}

}  // namespace

TEST_CASE("a tree of one chunk has no nodes at all") {
  ChunkTree tree(1);
  REQUIRE(tree.find(0) != nullptr);
  CHECK(tree.find(0)->load() == nullptr);
  put(tree, 0);
  CHECK(tree.first_in(0, 0) == 0);
}

TEST_CASE("what was never made is not found, near or far") {
  ChunkTree tree(std::uint64_t{1} << 48);
  put(tree, 12345);
  CHECK(tree.find(12345)->load() == &some_chunk);
  CHECK(tree.find(12346)->load() == nullptr);
  CHECK(tree.find((std::uint64_t{1} << 48) - 1) == nullptr);
}

TEST_CASE("the first chunk in a range is found across any distance") {
  for (const std::uint64_t chunks : {std::uint64_t{1}, std::uint64_t{512}, std::uint64_t{513},
                                     std::uint64_t{1} << 20, std::uint64_t{1} << 48}) {
    CAPTURE(chunks);
    ChunkTree tree(chunks);
    Dice dice(chunks);
    std::set<std::uint64_t> there;
    for (int i = 0; i < 40; ++i) {
      const std::uint64_t index = dice.below(chunks) >> dice.below(40);
      there.insert(index);
      put(tree, index);
    }
    for (int i = 0; i < 400; ++i) {
      const std::uint64_t first = dice.below(chunks) >> dice.below(40);
      const std::uint64_t last = first + dice.below(chunks - first);
      const auto expected = there.lower_bound(first);
      const bool none = expected == there.end() || *expected > last;
      CHECK(tree.first_in(first, last) ==
            (none ? std::nullopt : std::optional<std::uint64_t>(*expected)));
    }
  }
}

TEST_CASE("pruning takes the nodes above a chunk that is gone and leaves those that are needed") {
  ChunkTree tree(std::uint64_t{1} << 40);
  put(tree, 5);
  put(tree, 5 + 512);
  CHECK_FALSE(tree.is_bare(5));
  tree.find(5)->store(nullptr);
  CHECK(tree.is_bare(5));
  tree.prune(5);
  CHECK(tree.find(5) == nullptr);
  CHECK_FALSE(tree.is_bare(5));
  REQUIRE(tree.find(5 + 512) != nullptr);
  CHECK(tree.find(5 + 512)->load() == &some_chunk);
}

TEST_CASE("pruning where chunks remain takes nothing") {
  ChunkTree tree(std::uint64_t{1} << 40);
  put(tree, 5);
  put(tree, 6);
  tree.find(5)->store(nullptr);
  tree.prune(5);
  CHECK(tree.find(6)->load() == &some_chunk);
  CHECK(tree.find(5)->load() == nullptr);
}

}  // namespace memory_tree_test
