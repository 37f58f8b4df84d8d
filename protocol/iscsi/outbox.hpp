// PDUs on their way out: a run of octets made of blocks we own and of pinned views of a device's
// memory, sent with gather writes.  A value: whoever owns the socket calls gather() and consume().
//
// Blocks come from a per-thread cache and go back when sent, so a busy connection allocates nothing
// in the steady state and an idle one holds no memory.
#pragma once

#include "protocol/bytes/bytes.hpp"

#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace faultlun::iscsi {

class Outbox {
 public:
  /// Room for one Data-In PDU of kMaxDataInSegment with its header, padding and digests.
  static constexpr std::size_t kBlockBytes = 64 * 1024 + 256;

  Outbox() = default;
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// `count` octets at the end of the run (1 to kBlockBytes at once), contiguous, not zeroed.  The
  /// pointer stays good until they are consumed.
  std::uint8_t* append(std::size_t count) {
    assert(count > 0);
    assert(count <= kBlockBytes);
    if (!block_ || count > kBlockBytes - block_used_) next_block();
    std::uint8_t* const at = block_.get() + block_used_;
    block_used_ += count;
    size_ += count;
    if (growing_)
      pieces_.back().length += count;
    else
      begin_piece(at, count);
    return at;
  }
  void append(bytes::View octets);  ///< copies; any length

  /// Octets that someone else keeps until `release(pin)` is called, after they are sent or the
  /// outbox dies.
  void append_pinned(bytes::View octets, void* pin, void (*release)(void*) noexcept);

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }  ///< octets not yet consumed

  /// A place to come back to with rewind(): everything appended since is dropped (pins are
  /// released).  Nothing may be consumed in between.
  struct Mark {
    std::size_t size = 0;
  };
  Mark mark() const { return {size_}; }
  void rewind(Mark mark);

  /// The first pieces in order, at most pieces.size(); returns how many were filled.
  std::size_t gather(std::span<bytes::View> pieces) const;
  void consume(std::size_t count);
  void clear();

 private:
  using Block = std::unique_ptr<std::uint8_t[]>;
  struct Piece {
    const std::uint8_t* data = nullptr;
    std::size_t length = 0;
    Block block;  ///< full block whose last octets come no later than this piece; goes back with it
    void* pin = nullptr;
    void (*release)(void*) noexcept = nullptr;
  };

  void next_block();
  void begin_piece(const std::uint8_t* data, std::size_t length);
  void add_piece(Piece piece);
  void drop(Piece& piece) noexcept;
  void became_empty();

  std::vector<Piece> pieces_;
  std::size_t first_ = 0;  ///< index of the first piece not consumed
  Block block_;            ///< block being filled
  std::size_t block_used_ = 0;
  std::size_t size_ = 0;
  bool growing_ = false;  ///< the last piece ends where the block's free room begins
};

}  // namespace faultlun::iscsi
