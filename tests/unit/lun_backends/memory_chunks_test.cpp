#include "lun_backends/memory_chunks.hpp"

#include <doctest/doctest.h>

namespace memory_chunks_test {

using namespace faultlun::lun_backends;

TEST_CASE("the pages that a range touches and those that it covers") {
  CHECK(pages_touched(0, 1) == 0x0001);
  CHECK(pages_touched(4095, 4097) == 0x0003);
  CHECK(pages_touched(0, kChunkBytes) == 0xffff);
  CHECK(pages_touched(kChunkBytes - 1, kChunkBytes) == 0x8000);
  CHECK(pages_covered(0, 4095) == 0);
  CHECK(pages_covered(0, 4096) == 0x0001);
  CHECK(pages_covered(1, 8192) == 0x0002);
  CHECK(pages_covered(100, 200) == 0);
  CHECK(pages_covered(4000, 4200) == 0);
  CHECK(pages_covered(0, kChunkBytes) == 0xffff);
  CHECK(bytes_in(0x8001) == 2 * kPageBytes);
}

TEST_CASE("a chunk lives as long as its last reference, even after the store is closed") {
  auto* store = new ChunkStore;  // deletes itself
  Chunk* chunk = store->make();
  REQUIRE(chunk != nullptr);
  chunk->references.fetch_add(1);
  chunk->octets[17] = 0x5a;
  ChunkStore::release(chunk);
  store->close();
  CHECK(chunk->octets[17] == 0x5a);
  ChunkStore::release(chunk);  // the sanitizer's run shows that nothing is left
}

TEST_CASE("pages count as pinned only while somebody holds the chunk") {
  auto* store = new ChunkStore;
  Chunk* chunk = store->make();
  REQUIRE(chunk != nullptr);
  chunk->pinned = 0x0003;
  CHECK_FALSE(chunk->is_pinned(0x0001));
  chunk->references.fetch_add(1);
  CHECK(chunk->is_pinned(0x0001));
  CHECK_FALSE(chunk->is_pinned(0x0004));
  ChunkStore::release(chunk);
  CHECK_FALSE(chunk->is_pinned(0x0001));
  ChunkStore::release(chunk);
  store->close();
}

}  // namespace memory_chunks_test
