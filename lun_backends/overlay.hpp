// A medium that lies.  It wraps a device, the pristine store, which holds the truth: every write
// reaches it in its place.  Corruptions are overlays over it, each with an id, listed and
// removable; once an overlay is removed the truth shows again.  It knows no SCSI, and decides
// nothing: ids, places and bytes are the caller's.
//
// What shows at a byte: the pristine store (at the cell's last address under a wrap), then the
// patches over it in the order in which they were added.  A later write or discard takes away the
// patches over what it changes, as a rewrite repairs, but for sticky ones.
//
// How the faults of the data family are written.  "shown" is what an ordinary read gets; W is the
// write, [a, n) its range, and "lie" stands for start_lying(W, overlay, patches).
//
//   flip          show  patch_flipping(a, n, mask)
//   flip, stuck   show  patch_setting or patch_clearing(a, n, mask), the overlay sticky
//   flip of W     lie   patch_showing(a, the bytes of W with bits inverted)
//   byte          show  patch_filling(at, 1, {value}) or patch_flipping(at, 1, {mask})
//   zero          show  patch_filling(a, n)
//   pattern       show  patch_filling(a, n, unit)
//   swap          read shown A and B;  show  patch_showing(A, bytes of B), patch_showing(B, … of A)
//   stale         keep_history() when the rule is made;  show  version(a, n, k)
//   lost_write    read shown [a, n);  lie  patch_showing(a, old)
//   misdirect     read shown [a, n);  lie  patch_showing(a, old), patch_showing(b, bytes of W); to
//                 another device: show the second part there, under the same id
//   torn          read shown [a, n);  lie  patch_showing(part, old of part) for each part that is
//                 not to arrive
//   dup_write     lie   patch_showing(b, bytes of W)
//   unmap_lie     W is the discard.  old: read shown (what allocation() says is there), lie
//                 patch_showing(part, old);  random: lie patch_filling(a, n, unit).  Zeros over a
//                 discard that is ignored: show patch_filling(a, n)
//   wrap          wrap(overlay, capacity)
//
// Faults that leave no mark on the medium (a flip in one answer, flush_lie, fua_lie,
// caw_not_atomic) are not made here.
//
// Order.  A lie and its write take effect at once: a read started before sees what was, a read
// started after sees the lie.  A write that overlaps a lying one in time may be lost with it: old
// bytes read before it are shown after it, so whoever must exclude that takes turns.  The pristine
// store must be instant, or take operations that overlap in the order in which they were started,
// as the file device does; else a read beside a write may show the truth before that write.
//
// Cost.  With nothing to show, remember or expect, every call is one atomic load and forwarded.
// What was forwarded so may still be under way when the first overlay comes; arm() beforehand
// (when a rule is made that may lie) and nothing is.
#pragma once

#include "lun_backends/block_device.hpp"
#include "lun_backends/crowd_lock.hpp"
#include "lun_backends/overlay_history.hpp"
#include "lun_backends/overlay_layers.hpp"
#include "lun_backends/overlay_patch.hpp"
#include "lun_backends/overlay_wrap.hpp"

#include <boost/system/result.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::lun_backends {

/// One corruption: all that goes by one id.
struct Overlay {
  std::uint64_t id = 0;  ///< given by the caller
  std::string rule;
  std::string fault;
  std::uint64_t offset_bytes = 0;  ///< in list(): the first byte that it changes
  std::uint64_t length_bytes = 0;  ///< in list(): how many bytes of its patches are left
  bool sticky = false;             ///< survives writes
  std::string note;
};

/// Why an overlay was not made.  Nothing has changed then.
enum class Refusal : std::uint8_t {
  bad_range,
  id_in_use,
  already_wrapped,
  too_many_overlays,
  too_many_bytes,
  too_many_pieces,
  too_deep,
  too_many_ranges,
  too_many_versions,
};

/// The reason and the remedy.
std::string_view describe(Refusal refusal);
std::ostream& operator<<(std::ostream& out, Refusal refusal);

class OverlayDevice final : public BlockDevice {
 public:
  static constexpr std::size_t kMaxOverlays = std::size_t{1} << 16;
  /// Of all patches, and the words of the listing.
  static constexpr std::uint64_t kMaxOverlayBytes = 256u << 20;

  struct Limits {
    std::size_t overlays = kMaxOverlays;
    std::uint64_t overlay_bytes = kMaxOverlayBytes;
    std::size_t pieces = Layers::kMaxPieces;
    std::uint64_t history_bytes = History::kMaxBytes;
  };

  /// `block_size`: writes are whole blocks of that many bytes, and history goes by blocks.
  OverlayDevice(std::unique_ptr<BlockDevice> pristine, std::uint32_t block_size);
  OverlayDevice(std::unique_ptr<BlockDevice> pristine, std::uint32_t block_size, Limits limits);

  // What the initiator sees.  view() answers nothing where something lies, so that the caller
  // reads; allocation() is the truth.
  std::uint64_t size_bytes() const override { return pristine_->size_bytes(); }
  Progress start(Operation& operation) override;
  bool instant() const override { return pristine_->instant(); }
  PinnedView view(std::uint64_t offset_bytes, std::uint64_t length_bytes) override;
  AllocationRun allocation(std::uint64_t offset_bytes, std::uint64_t length_bytes) override {
    return pristine_->allocation(offset_bytes, length_bytes);
  }
  std::string description() const override { return pristine_->description(); }

  /// The truth, to be read.  What is written here goes unnoticed: neither heals nor is remembered.
  BlockDevice& pristine() { return *pristine_; }

  /// Lays the patches over the medium.  With the id of an overlay that exists they become part of
  /// it (its other words stay as they are).
  boost::system::result<void, Refusal> show(const Overlay& overlay, std::vector<Patch> patches);

  /// Starts a write or discard, which heals what it changes as always, with the patches over its
  /// outcome from the first.  They show even if it fails.  When refused, it is not started.
  boost::system::result<Progress, Refusal> start_lying(Operation& change, const Overlay& overlay,
                                                       std::vector<Patch> patches);

  /// From now on address y shows what is last written to any address that is the same modulo
  /// `capacity_bytes`, which is whole blocks and less than the size.  One at a time.
  boost::system::result<void, Refusal> wrap(const Overlay& overlay, std::uint64_t capacity_bytes);

  /// The overlay that is the wrap.
  std::optional<std::uint64_t> wrapped_by() const;

  /// False: there is none of that id.
  bool remove(std::uint64_t id);
  /// Answers how many there were.  The rule's history stays.
  std::size_t remove_rule(std::string_view rule);
  /// All overlays and all history.
  void clear();

  /// Ordered by id.
  std::vector<Overlay> list() const;
  std::size_t count() const;

  /// From now on changes in the range save what was there in truth, at most `depth` versions of a
  /// block.  In place of what the same rule kept before.
  boost::system::result<void, Refusal> keep_history(const std::string& rule, ByteRange range,
                                                    std::size_t depth);
  void forget_history(const std::string& rule);
  /// See History::version().
  std::vector<Patch> version(std::uint64_t offset_bytes, std::uint64_t length_bytes,
                             std::size_t versions_ago) const {
    return history_.version(offset_bytes, length_bytes, versions_ago);
  }

  /// While armed, every operation is ready for a lie.
  void arm(bool armed);

  /// True when calls are not merely forwarded.
  bool active() const { return active_.load(std::memory_order_acquire); }

 private:
  struct Entry {
    Overlay overlay;
    std::vector<LayerPtr> layers;  ///< none: this is the wrap
  };
  using Entries = std::map<std::uint64_t, Entry>;

  Progress read(Operation& operation);
  Progress change(Operation& operation);
  Progress change_alone(Operation& operation, std::uint64_t heals_before);
  Progress start_remembering(Operation& operation, const std::vector<ByteRange>& saves);
  bool lies_in(std::uint64_t offset_bytes, std::uint64_t length_bytes) const;
  bool is_redirected(std::uint64_t offset_bytes, std::uint64_t length_bytes) const;

  std::optional<Refusal> may_add(const Overlay& overlay, std::uint64_t patch_bytes) const;
  std::optional<Refusal> put(const Overlay& overlay, std::vector<Patch> patches);
  void bury(const Layers::Gone& gone);
  Entries::iterator erase(Entries::iterator entry);
  void refresh_active();

  const std::uint32_t block_size_;
  const Limits limits_;
  std::atomic<bool> active_{false};
  mutable CrowdLock lock_;  ///< guards what follows
  bool armed_ = false;
  Entries entries_;
  Layers layers_;
  std::optional<WrapMap> wrap_;
  std::uint64_t wrap_id_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t next_order_ = 0;
  History history_;
  // The last member: what is under way in it when it goes still uses the others.
  std::unique_ptr<BlockDevice> pristine_;
};

}  // namespace faultlun::lun_backends
