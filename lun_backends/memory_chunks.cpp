#include "lun_backends/memory_chunks.hpp"

#include <new>

namespace faultlun::lun_backends {

Chunk* ChunkStore::make() noexcept {
  Chunk* chunk = new (std::nothrow) Chunk;
  if (chunk == nullptr) return nullptr;
  chunk->store = this;
  chunk->octets = arena_.take();
  if (chunk->octets == nullptr) {
    delete chunk;
    return nullptr;
  }
  residents_.fetch_add(1, std::memory_order_relaxed);
  return chunk;
}

void ChunkStore::release(Chunk* chunk) noexcept {
  if (chunk->references.fetch_sub(1, std::memory_order_acq_rel) == 1) chunk->store->destroy(chunk);
}

void ChunkStore::destroy(Chunk* chunk) noexcept {
  arena_.give_back(chunk->octets);
  delete chunk;
  leave();
}

void ChunkStore::close() noexcept {
  leave();
}

void ChunkStore::leave() noexcept {
  if (residents_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

}  // namespace faultlun::lun_backends
