#include "lun_backends/memory.hpp"

#include "lun_backends/operation.hpp"
#include "lun_backends/zero_area.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace faultlun::lun_backends {
namespace {

static_assert(kZeroAreaBytes >= kChunkBytes, "a view of a chunk that is not there shows zeros");

std::uint64_t chunks_in(std::uint64_t size_bytes) {
  return size_bytes / kChunkBytes + (size_bytes % kChunkBytes != 0 ? 1 : 0);
}

/// The first page from `page` on, before `end`, that is written if `written` says so or unwritten
/// if not.
std::size_t run_end(PageMask mask, std::size_t page, std::size_t end, bool written) {
  while (page < end && (((mask >> page) & 1u) != 0) == written)
    ++page;
  return page;
}

/// Calls f(begin, end) for each run of pages in `mask`, in bytes of the chunk.
template <typename F>
void for_each_run(PageMask mask, F f) {
  for (std::size_t page = 0; page < kPagesPerChunk;) {
    const std::size_t begin = run_end(mask, page, kPagesPerChunk, false);
    page = run_end(mask, begin, kPagesPerChunk, true);
    if (begin < page) f(begin * kPageBytes, page * kPageBytes);
  }
}

}  // namespace

/// Everybody else is outside the tree while this exists.
class MemoryDevice::AllStripes {
 public:
  explicit AllStripes(MemoryDevice& device) : device_(device) {
    for (auto& stripe : device_.stripes_)
      stripe.mutex.lock();
  }
  ~AllStripes() {
    for (auto& stripe : device_.stripes_)
      stripe.mutex.unlock();
  }
  AllStripes(const AllStripes&) = delete;
  AllStripes& operator=(const AllStripes&) = delete;

 private:
  MemoryDevice& device_;
};

MemoryDevice::MemoryDevice(std::uint64_t size_bytes, std::uint64_t limit_bytes)
    : size_bytes_(size_bytes),
      limit_bytes_(limit_bytes),
      zeros_(zero_area().data()),
      store_(new ChunkStore),
      tree_(chunks_in(size_bytes)) {}

MemoryDevice::~MemoryDevice() {
  const std::uint64_t chunks = chunks_in(size_bytes_);
  for (std::uint64_t next = 0; next < chunks;) {
    const auto found = tree_.first_in(next, chunks - 1);
    if (!found) break;
    ChunkStore::release(chunk_in(tree_.find(*found)));
    next = *found + 1;
  }
  store_->close();
}

Progress MemoryDevice::start(Operation& operation) {
  if (!fits(operation, size_bytes_))
    return finish_badly(operation, boost::system::errc::invalid_argument, size_bytes_);
  switch (operation.kind) {
    case Operation::Kind::read:
      read(operation);
      break;
    case Operation::Kind::write:
      return write(operation);
    case Operation::Kind::discard:
      return discard(operation);
    case Operation::Kind::flush:
      break;
  }
  return finish_well(operation);
}

MemoryDevice::Piece MemoryDevice::piece_at(std::uint64_t offset_bytes, std::uint64_t length_bytes) {
  const std::size_t begin = offset_bytes % kChunkBytes;
  const auto length =
      static_cast<std::size_t>(std::min<std::uint64_t>(length_bytes, kChunkBytes - begin));
  return {offset_bytes / kChunkBytes, begin, begin + length};
}

/// Neighbours never share a stripe; strides of a power of two seldom do.
std::mutex& MemoryDevice::stripe_of(std::uint64_t chunk) {
  return stripes_[(chunk ^ (chunk >> 5) ^ (chunk >> 14)) % kStripes].mutex;
}

Chunk* MemoryDevice::chunk_in(const ChunkTree::Slot* slot) const {
  if (slot == nullptr) return nullptr;
  return static_cast<Chunk*>(slot->load(std::memory_order_acquire));
}

void MemoryDevice::read(Operation& operation) {
  std::uint64_t offset = operation.offset_bytes;
  for (auto rest = operation.into; !rest.empty();) {
    const Piece piece = piece_at(offset, rest.size());
    read_piece(piece, rest.data());
    offset += piece.end - piece.begin;
    rest = rest.subspan(piece.end - piece.begin);
  }
}

void MemoryDevice::read_piece(const Piece& piece, std::uint8_t* into) {
  const std::lock_guard lock(stripe_of(piece.chunk));
  const Chunk* chunk = chunk_in(tree_.find(piece.chunk));
  const PageMask wanted = pages_touched(piece.begin, piece.end);
  const PageMask written = chunk != nullptr ? chunk->written : PageMask{0};
  if ((written & wanted) == 0) {
    std::memset(into, 0, piece.end - piece.begin);
  } else if ((written & wanted) == wanted) {
    std::memcpy(into, chunk->octets + piece.begin, piece.end - piece.begin);
  } else {  // page by page: reading an unwritten page would make the kernel map one
    for (std::size_t at = piece.begin; at < piece.end;) {
      const std::size_t end = std::min((at / kPageBytes + 1) * kPageBytes, piece.end);
      if ((written >> (at / kPageBytes)) & 1u)
        std::memcpy(into, chunk->octets + at, end - at);
      else
        std::memset(into, 0, end - at);
      into += end - at;
      at = end;
    }
  }
}

AllocationRun MemoryDevice::allocation(std::uint64_t offset_bytes, std::uint64_t length_bytes) {
  const std::uint64_t end = offset_bytes + length_bytes, last = (end - 1) / kChunkBytes;
  std::optional<bool> state;
  const auto run_to = [&](std::uint64_t at) { return AllocationRun{at - offset_bytes, *state}; };
  std::uint64_t at = offset_bytes;
  for (std::size_t looked = 0; at < end && looked < kMostChunksPerRun; ++looked) {
    const std::uint64_t here = at / kChunkBytes;
    const std::lock_guard lock(stripe_of(here));
    const auto found = tree_.first_in(here, last);
    if (!found || *found > here) {  // nothing up to there
      if (state == true) return run_to(at);
      state = false;
      at = found ? *found * kChunkBytes : end;
      continue;
    }
    const Chunk* chunk = chunk_in(tree_.find(here));
    const PageMask written = chunk != nullptr ? chunk->written : PageMask{0};
    const std::size_t page = at % kChunkBytes / kPageBytes;
    const bool first = ((written >> page) & 1u) != 0;
    if (state && *state != first) return run_to(at);
    state = first;
    const std::size_t stop = run_end(written, page, kPagesPerChunk, first);
    at = std::min(end, here * kChunkBytes + stop * kPageBytes);
    if (stop != kPagesPerChunk) return run_to(at);
  }
  return run_to(at);
}

Progress MemoryDevice::write(Operation& operation) {
  std::uint64_t offset = operation.offset_bytes;
  for (auto rest = operation.from; !rest.empty();) {
    const Piece piece = piece_at(offset, rest.size());
    if (!write_piece(piece, rest.data()))
      return finish_badly(operation, boost::system::errc::no_space_on_device, offset);
    offset += piece.end - piece.begin;
    rest = rest.subspan(piece.end - piece.begin);
  }
  return finish_well(operation);
}

/// False when there is no room: nothing of the piece is written then.
bool MemoryDevice::write_piece(const Piece& piece, const std::uint8_t* from) {
  const std::lock_guard lock(stripe_of(piece.chunk));
  ChunkTree::Slot* slot = tree_.find(piece.chunk);
  Chunk* chunk = chunk_in(slot);
  const PageMask wanted = pages_touched(piece.begin, piece.end);
  const auto fresh = static_cast<PageMask>(chunk != nullptr ? wanted & ~chunk->written : wanted);
  if (fresh != 0 && !reserve(bytes_in(fresh))) return false;
  if (chunk == nullptr)
    chunk = put_new_chunk(piece.chunk);
  else if (chunk->is_pinned(wanted))
    chunk = copy_on_write(
        *slot, *chunk,
        chunk->written & static_cast<PageMask>(~pages_covered(piece.begin, piece.end)));
  if (chunk == nullptr) {
    unreserve(bytes_in(fresh));
    return false;
  }
  chunk->written = static_cast<PageMask>(chunk->written | wanted);
  std::memcpy(chunk->octets + piece.begin, from, piece.end - piece.begin);
  return true;
}

Progress MemoryDevice::discard(Operation& operation) {
  std::uint64_t offset = operation.offset_bytes;
  const std::uint64_t end = offset + operation.length_bytes;  // fits, so it cannot wrap
  std::uint64_t leaf = 0;  // the leaf to look at when the walk has left it
  bool emptied = false;
  while (offset < end) {
    const std::uint64_t here = offset / kChunkBytes;
    std::unique_lock looking(stripe_of(here));
    const auto found = tree_.first_in(here, (end - 1) / kChunkBytes);
    looking.unlock();
    if (!found) break;
    if (emptied && *found / ChunkTree::kWays != leaf / ChunkTree::kWays) {
      prune_near(leaf);
      emptied = false;
    }
    offset = std::max(offset, *found * kChunkBytes);
    Piece piece = piece_at(offset, end - offset);
    const std::uint64_t next = offset + (piece.end - piece.begin);
    // Behind the last block nothing is worth a page.
    if (next == size_bytes_) piece.end = (piece.end + kPageBytes - 1) / kPageBytes * kPageBytes;
    if (!discard_piece(piece)) {
      if (emptied) prune_near(leaf);
      return finish_badly(operation, boost::system::errc::no_space_on_device, offset);
    }
    leaf = piece.chunk;
    emptied = true;
    offset = next;
  }
  if (emptied) prune_near(leaf);
  return finish_well(operation);
}

bool MemoryDevice::discard_piece(const Piece& piece) {
  const std::lock_guard lock(stripe_of(piece.chunk));
  ChunkTree::Slot* slot = tree_.find(piece.chunk);
  return chunk_in(slot) == nullptr || discard_in(*slot, piece);
}

/// False when a pinned chunk would have to be copied and there is no memory for it.
bool MemoryDevice::discard_in(ChunkTree::Slot& slot, const Piece& piece) {
  Chunk* chunk = chunk_in(&slot);
  const PageMask covered = pages_covered(piece.begin, piece.end);
  const PageMask touched = pages_touched(piece.begin, piece.end);
  const auto gone = static_cast<PageMask>(chunk->written & covered);
  const auto kept = static_cast<PageMask>(chunk->written & ~covered);
  if ((chunk->written & touched) == 0) return true;
  if (kept == 0) {  // nothing left to keep the chunk for
    slot.store(nullptr, std::memory_order_release);
    ChunkStore::release(chunk);
    unreserve(bytes_in(gone));
    return true;
  }
  if (chunk->is_pinned(touched)) {
    chunk = copy_on_write(slot, *chunk, kept);
    if (chunk == nullptr) return false;
  } else {
    for_each_run(gone, [&](std::size_t begin, std::size_t end) {
      drop_pages({chunk->octets + begin, end - begin});
    });
    chunk->written = kept;
  }
  unreserve(bytes_in(gone));
  for_each_run(static_cast<PageMask>(kept & touched), [&](std::size_t begin, std::size_t end) {
    const std::size_t from = std::max(begin, piece.begin);
    std::memset(chunk->octets + from, 0, std::min(end, piece.end) - from);
  });
  return true;
}

/// Nodes of the tree go back too, or a disk once written all over would stay expensive for ever.
void MemoryDevice::prune_near(std::uint64_t chunk) {
  {
    const std::lock_guard lock(stripe_of(chunk));
    if (!tree_.is_bare(chunk)) return;
  }
  const AllStripes all(*this);
  tree_.prune(chunk);
}

PinnedView MemoryDevice::view(std::uint64_t offset_bytes, std::uint64_t length_bytes) {
  if (!within(size_bytes_, offset_bytes, length_bytes) || length_bytes == 0) return {};
  const Piece piece = piece_at(offset_bytes, length_bytes);
  const std::lock_guard lock(stripe_of(piece.chunk));
  Chunk* chunk = chunk_in(tree_.find(piece.chunk));
  const PageMask written = chunk != nullptr ? chunk->written : PageMask{0};
  const std::size_t page = piece.begin / kPageBytes;
  const bool there = ((written >> page) & 1u) != 0;
  const std::size_t end =
      std::min(run_end(written, page, kPagesPerChunk, there) * kPageBytes, piece.end);
  PinnedView view;
  if (!there) {
    view.octets = {zeros_, end - piece.begin};
    return view;
  }
  if (chunk->references.load(std::memory_order_acquire) == 1) chunk->pinned = 0;
  chunk->references.fetch_add(1, std::memory_order_relaxed);
  chunk->pinned = static_cast<PageMask>(chunk->pinned | pages_touched(piece.begin, end));
  view.octets = {chunk->octets + piece.begin, end - piece.begin};
  view.pin = chunk;
  view.release_pin = [](void* pin) noexcept { ChunkStore::release(static_cast<Chunk*>(pin)); };
  return view;
}

bool MemoryDevice::reserve(std::uint64_t bytes) {
  if (bytes > limit_bytes_) return false;
  if (content_bytes_.fetch_add(bytes, std::memory_order_relaxed) <= limit_bytes_ - bytes)
    return true;
  unreserve(bytes);
  return false;
}

void MemoryDevice::unreserve(std::uint64_t bytes) {
  content_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

Chunk* MemoryDevice::put_new_chunk(std::uint64_t index) {
  ChunkTree::Slot* slot = tree_.make(index);
  if (slot == nullptr) return nullptr;
  Chunk* chunk = store_->make();
  if (chunk != nullptr) slot->store(chunk, std::memory_order_release);
  return chunk;
}

/// Leaves `old` to those who pinned it and puts a chunk with its pages `keep` in its place.
Chunk* MemoryDevice::copy_on_write(ChunkTree::Slot& slot, Chunk& old, PageMask keep) {
  Chunk* copy = store_->make();
  if (copy == nullptr) return nullptr;
  for_each_run(keep, [&](std::size_t begin, std::size_t end) {
    std::memcpy(copy->octets + begin, old.octets + begin, end - begin);
  });
  copy->written = keep;
  slot.store(copy, std::memory_order_release);
  ChunkStore::release(&old);
  return copy;
}

}  // namespace faultlun::lun_backends
