#include "protocol/iscsi/outbox.hpp"

#include "protocol/iscsi/parameters.hpp"
#include "protocol/iscsi/pdu.hpp"
#include "protocol/iscsi/session_cache.hpp"

#include <algorithm>

namespace faultlun::iscsi {
namespace {

constexpr std::size_t kSpareBlocks = 64;      // per thread: at most 4 MiB
constexpr std::size_t kSparePieceLists = 16;  // per thread
constexpr std::size_t kFirstPieces = 16;
constexpr std::size_t kLongestSpareList = 1024;  // longer lists are freed

static_assert(Outbox::kBlockBytes >= kBhsBytes + kMaxDataInSegment + 2 * kDigestBytes);

using BlockCache = ThreadCache<std::unique_ptr<std::uint8_t[]>, kSpareBlocks>;

}  // namespace

Outbox::~Outbox() {
  clear();
}

void Outbox::append(bytes::View octets) {
  while (!octets.empty()) {
    const std::size_t free = block_ ? kBlockBytes - block_used_ : 0;
    const auto part = octets.first(std::min(octets.size(), free == 0 ? kBlockBytes : free));
    std::memcpy(append(part.size()), part.data(), part.size());
    octets = octets.subspan(part.size());
  }
}

void Outbox::append_pinned(bytes::View octets, void* pin, void (*release)(void*) noexcept) {
  if (octets.empty()) {
    if (release != nullptr) release(pin);
    return;
  }
  Piece piece;
  piece.data = octets.data();
  piece.length = octets.size();
  piece.pin = pin;
  piece.release = release;
  add_piece(std::move(piece));
  growing_ = false;
  size_ += octets.size();
}

void Outbox::rewind(Mark mark) {
  assert(mark.size <= size_);
  std::size_t surplus = size_ - mark.size;
  size_ = mark.size;
  while (surplus > 0) {
    Piece& last = pieces_.back();
    const bool pinned = last.release != nullptr || last.pin != nullptr;
    if (surplus < last.length) {
      last.length -= surplus;
      if (growing_) block_used_ -= surplus;
      break;
    }
    surplus -= last.length;
    if (last.block) {  // the block that was full before: earlier pieces may lie in it, so it
                       // becomes the current one
      if (block_) BlockCache::give(std::move(block_));
      block_ = std::move(last.block);
      block_used_ = kBlockBytes;
    } else if (growing_ && !pinned) {
      block_used_ -= last.length;
    }
    drop(last);
    pieces_.pop_back();
    growing_ = false;
  }
  if (size_ == 0) became_empty();
}

std::size_t Outbox::gather(std::span<bytes::View> pieces) const {
  const std::size_t count = std::min(pieces.size(), pieces_.size() - first_);
  for (std::size_t i = 0; i < count; ++i)
    pieces[i] = {pieces_[first_ + i].data, pieces_[first_ + i].length};
  return count;
}

void Outbox::consume(std::size_t count) {
  assert(count <= size_);
  size_ -= count;
  while (count > 0) {
    Piece& piece = pieces_[first_];
    if (count < piece.length) {
      piece.data += count;
      piece.length -= count;
      break;
    }
    count -= piece.length;
    drop(piece);
    ++first_;
  }
  if (size_ == 0) {
    became_empty();
  } else if (first_ >= 64 && first_ * 2 >= pieces_.size()) {  // never empty: do not grow for ever
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void Outbox::clear() {
  for (std::size_t i = first_; i < pieces_.size(); ++i)
    drop(pieces_[i]);
  size_ = 0;
  became_empty();
}

void Outbox::next_block() {
  if (block_) {
    if (first_ < pieces_.size() && !pieces_.back().block)
      pieces_.back().block = std::move(block_);
    else
      BlockCache::give(std::move(block_));  // nothing refers to it any more
  }
  block_ = BlockCache::take();
  if (!block_) block_ = std::make_unique_for_overwrite<std::uint8_t[]>(kBlockBytes);
  block_used_ = 0;
  growing_ = false;
}

void Outbox::begin_piece(const std::uint8_t* data, std::size_t length) {
  Piece piece;
  piece.data = data;
  piece.length = length;
  add_piece(std::move(piece));
  growing_ = true;
}

void Outbox::add_piece(Piece piece) {
  if (pieces_.capacity() == 0) {
    pieces_ = ThreadCache<std::vector<Piece>, kSparePieceLists>::take();
    if (pieces_.capacity() == 0) pieces_.reserve(kFirstPieces);
  }
  pieces_.push_back(std::move(piece));
}

void Outbox::drop(Piece& piece) noexcept {
  if (piece.release != nullptr) piece.release(piece.pin);
  piece.release = nullptr;
  piece.pin = nullptr;
  if (piece.block) BlockCache::give(std::move(piece.block));
}

void Outbox::became_empty() {
  pieces_.clear();
  first_ = 0;
  growing_ = false;
  if (block_) BlockCache::give(std::move(block_));
  block_used_ = 0;
  if (pieces_.capacity() == 0) return;
  if (pieces_.capacity() <= kLongestSpareList)
    ThreadCache<std::vector<Piece>, kSparePieceLists>::give(std::move(pieces_));
  pieces_ = std::vector<Piece>();
}

}  // namespace faultlun::iscsi
