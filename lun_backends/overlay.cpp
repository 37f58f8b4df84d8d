#include "lun_backends/overlay.hpp"

#include "lun_backends/operation.hpp"
#include "lun_backends/overlay_flight.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace faultlun::lun_backends {
namespace {

std::uint64_t bytes_of(const Patch& patch) {
  return patch.keep.size() + patch.flip.size();
}

std::uint64_t bytes_of(const Overlay& overlay) {
  return overlay.rule.size() + overlay.fault.size() + overlay.note.size();
}

Refusal refusal_of(NoRoom reason) {
  return reason == NoRoom::too_deep ? Refusal::too_deep : Refusal::too_many_pieces;
}

/// A read that is made up of pieces of the pristine store and of what lay over them when it began.
class ReadFlight final : public Flight {
 public:
  ReadFlight(Operation& caller, std::vector<Layers::Run> over)
      : Flight(caller), over_(std::move(over)) {}

  /// The next bytes come from there.
  void add_source(std::uint64_t from_bytes, std::uint64_t length_bytes) {
    if (!parts_.empty() && parts_.back().offset_bytes + parts_.back().into.size() == from_bytes) {
      parts_.back().into = {parts_.back().into.data(), parts_.back().into.size() + length_bytes};
    } else {
      Operation part;
      part.offset_bytes = from_bytes;
      part.into = caller_.into.subspan(filled_, length_bytes);
      parts_.push_back(part);
    }
    filled_ += length_bytes;
  }

 private:
  void settle() noexcept override {
    caller_.error.clear();
    for (const auto& part : parts_) {
      if (!part.error) continue;
      const auto begin = static_cast<std::uint64_t>(part.into.data() - caller_.into.data());
      caller_.error = part.error;
      caller_.error_offset_bytes =
          caller_.offset_bytes + begin + (part.error_offset_bytes - part.offset_bytes);
      break;
    }
    Layers::apply(over_, caller_.offset_bytes, caller_.into);
  }

  std::vector<Layers::Run> over_;
  std::size_t filled_ = 0;
};

/// A change before which the blocks it changes are read and saved.
class RememberingFlight final : public Flight {
 public:
  RememberingFlight(Operation& caller, History& history, const std::vector<ByteRange>& saves)
      : Flight(caller), history_(history) {
    std::uint64_t length = 0;
    for (const auto& save : saves)
      length += save.length_bytes;
    before_.resize(length);
    std::span<std::uint8_t> rest = before_;
    for (const auto& save : saves) {
      Operation part;
      part.offset_bytes = save.offset_bytes;
      part.into = rest.first(save.length_bytes);
      rest = rest.subspan(save.length_bytes);
      parts_.push_back(part);
    }
    parts_.push_back(caller);
  }

 private:
  void settle() noexcept override {
    const Operation& change = parts_.back();
    caller_.error = change.error;
    caller_.error_offset_bytes = change.error_offset_bytes;
    if (change.error) return;
    for (const auto& part : parts_)
      if (part.kind == Operation::Kind::read && !part.error)
        history_.save(part.offset_bytes, part.into);
  }

  History& history_;
  std::vector<std::uint8_t> before_;
};

/// How much of a range of `length_bytes` a change that is done has changed.
std::uint64_t changed_by(const Operation& operation, std::uint64_t length_bytes) {
  if (!operation.error) return length_bytes;
  if (operation.error_offset_bytes < operation.offset_bytes) return 0;
  return std::min(length_bytes, operation.error_offset_bytes - operation.offset_bytes);
}

}  // namespace

std::string_view describe(Refusal refusal) {
  switch (refusal) {
    case Refusal::bad_range:
      return "a range is empty, beyond the end, or not whole blocks; correct the range";
    case Refusal::id_in_use:
      return "the id belongs to an overlay of another kind; use another id, or remove that one";
    case Refusal::already_wrapped:
      return "the medium wraps already; remove that overlay first";
    case Refusal::too_many_overlays:
      return "there are too many overlays; remove some";
    case Refusal::too_many_bytes:
      return "the overlays hold too many bytes; remove some, or corrupt less at a time";
    case Refusal::too_many_pieces:
      return "the overlays lie in too many pieces; remove some";
    case Refusal::too_deep:
      return "too many overlays lie over the same byte; remove some, or rewrite the block";
    case Refusal::too_many_ranges:
      return "too many rules keep history; remove one";
    case Refusal::too_many_versions:
      return "that many versions are not kept; ask for fewer";
  }
  return "";
}

std::ostream& operator<<(std::ostream& out, Refusal refusal) {
  return out << describe(refusal);
}

OverlayDevice::OverlayDevice(std::unique_ptr<BlockDevice> pristine, std::uint32_t block_size)
    : OverlayDevice(std::move(pristine), block_size, Limits()) {}

OverlayDevice::OverlayDevice(std::unique_ptr<BlockDevice> pristine, std::uint32_t block_size,
                             Limits limits)
    : block_size_(block_size),
      limits_(limits),
      layers_(limits.pieces),
      history_(block_size, limits.history_bytes),
      pristine_(std::move(pristine)) {}

Progress OverlayDevice::start(Operation& operation) {
  if (!active() || !fits(operation, size_bytes())) return pristine_->start(operation);
  if (operation.kind == Operation::Kind::read) return read(operation);
  if (changes_content(operation)) return change(operation);
  return pristine_->start(operation);
}

bool OverlayDevice::is_redirected(std::uint64_t offset_bytes, std::uint64_t length_bytes) const {
  return wrap_ && wrap_->redirects(offset_bytes, length_bytes);
}

bool OverlayDevice::lies_in(std::uint64_t offset_bytes, std::uint64_t length_bytes) const {
  return layers_.touches(offset_bytes, length_bytes) || is_redirected(offset_bytes, length_bytes);
}

Progress OverlayDevice::read(Operation& operation) {
  const auto guard = lock_.shared();
  const std::uint64_t offset = operation.offset_bytes, length = operation.into.size();
  if (!lies_in(offset, length)) return pristine_->start(operation);
  const bool redirected = is_redirected(offset, length);
  if (pristine_->instant() && !redirected) {
    pristine_->start(operation);
    layers_.apply(offset, operation.into);
    return Progress::done;
  }
  auto flight = std::make_unique<ReadFlight>(operation, layers_.runs_in(offset, length));
  if (redirected)
    wrap_->for_each_source(offset, length, [&](std::uint64_t from, std::uint64_t piece) {
      flight->add_source(from, piece);
    });
  else
    flight->add_source(offset, length);
  return Flight::launch(std::move(flight), *pristine_);
}

PinnedView OverlayDevice::view(std::uint64_t offset_bytes, std::uint64_t length_bytes) {
  if (!active() || !within(size_bytes(), offset_bytes, length_bytes))
    return pristine_->view(offset_bytes, length_bytes);
  const auto guard = lock_.shared();
  if (lies_in(offset_bytes, length_bytes)) return {};
  return pristine_->view(offset_bytes, length_bytes);
}

Progress OverlayDevice::change(Operation& operation) {
  {
    const auto guard = lock_.shared();
    const std::uint64_t offset = operation.offset_bytes, length = length_of(operation);
    if (!wrap_ && history_.empty() && !layers_.can_heal(offset, length))
      return pristine_->start(operation);
  }
  const auto guard = lock_.exclusive();
  return change_alone(operation, next_order_);
}

/// Under the exclusive lock: no read is between the pristine store and what lies over it.
Progress OverlayDevice::change_alone(Operation& operation, std::uint64_t heals_before) {
  const std::uint64_t offset = operation.offset_bytes, length = length_of(operation);
  const auto saves = history_.to_save(offset, length);
  const Progress progress =
      saves.empty() ? pristine_->start(operation) : start_remembering(operation, saves);
  // When pending, the operation is no longer ours to look at.
  const std::uint64_t changed = progress == Progress::done ? changed_by(operation, length) : length;
  bury(layers_.heal(offset, changed, heals_before));
  if (wrap_) wrap_->note(offset, changed);
  refresh_active();
  return progress;
}

Progress OverlayDevice::start_remembering(Operation& operation,
                                          const std::vector<ByteRange>& saves) {
  return Flight::launch(std::make_unique<RememberingFlight>(operation, history_, saves),
                        *pristine_);
}

std::optional<Refusal> OverlayDevice::may_add(const Overlay& overlay,
                                              std::uint64_t patch_bytes) const {
  std::uint64_t cost = patch_bytes;
  if (const auto there = entries_.find(overlay.id); there == entries_.end()) {
    if (entries_.size() >= limits_.overlays) return Refusal::too_many_overlays;
    cost += bytes_of(overlay);
  } else if (there->second.layers.empty()) {
    return Refusal::id_in_use;
  }
  if (cost > limits_.overlay_bytes - bytes_) return Refusal::too_many_bytes;
  return std::nullopt;
}

/// All of the patches or none.
std::optional<Refusal> OverlayDevice::put(const Overlay& overlay, std::vector<Patch> patches) {
  std::uint64_t cost = 0;
  if (patches.empty()) return std::nullopt;
  for (const auto& patch : patches) {
    if (patch.length_bytes == 0 || !within(size_bytes(), patch.offset_bytes, patch.length_bytes))
      return Refusal::bad_range;
    cost += bytes_of(patch);
  }
  if (const auto refusal = may_add(overlay, cost)) return refusal;
  const auto there = entries_.find(overlay.id);
  const bool is_new = there == entries_.end();
  const bool sticky = is_new ? overlay.sticky : there->second.overlay.sticky;
  std::vector<LayerPtr> added;
  added.reserve(patches.size());
  for (auto& patch : patches) {
    auto layer = std::make_shared<Layer>(std::move(patch), overlay.id, next_order_++, sticky);
    if (const auto no_room = layers_.add(layer)) {
      for (const auto& undone : added)
        layers_.remove(undone);
      return refusal_of(*no_room);
    }
    added.push_back(std::move(layer));
  }
  auto& entry = is_new ? entries_[overlay.id] : there->second;
  if (is_new) {
    entry.overlay = overlay;
    cost += bytes_of(overlay);
  }
  entry.layers.insert(entry.layers.end(), std::make_move_iterator(added.begin()),
                      std::make_move_iterator(added.end()));
  bytes_ += cost;
  refresh_active();
  return std::nullopt;
}

boost::system::result<void, Refusal> OverlayDevice::show(const Overlay& overlay,
                                                         std::vector<Patch> patches) {
  const auto guard = lock_.exclusive();
  if (const auto refusal = put(overlay, std::move(patches))) return *refusal;
  return {};
}

boost::system::result<Progress, Refusal> OverlayDevice::start_lying(Operation& change,
                                                                    const Overlay& overlay,
                                                                    std::vector<Patch> patches) {
  assert(changes_content(change));
  if (!fits(change, size_bytes())) return pristine_->start(change);
  const auto guard = lock_.exclusive();
  const auto heals_before = next_order_;
  if (const auto refusal = put(overlay, std::move(patches))) return *refusal;
  return change_alone(change, heals_before);
}

boost::system::result<void, Refusal> OverlayDevice::wrap(const Overlay& overlay,
                                                         std::uint64_t capacity_bytes) {
  if (capacity_bytes == 0 || capacity_bytes % block_size_ != 0 || capacity_bytes >= size_bytes())
    return Refusal::bad_range;
  const auto guard = lock_.exclusive();
  if (wrap_) return Refusal::already_wrapped;
  if (entries_.contains(overlay.id)) return Refusal::id_in_use;
  if (const auto refusal = may_add(overlay, 0)) return *refusal;
  auto& entry = entries_[overlay.id];
  entry.overlay = overlay;
  bytes_ += bytes_of(overlay);
  wrap_.emplace(capacity_bytes);
  wrap_id_ = overlay.id;
  refresh_active();
  return {};
}

/// Takes out of the books what lies nowhere any more.
void OverlayDevice::bury(const Layers::Gone& gone) {
  std::vector<std::uint64_t> ids;
  for (const auto& layer : gone) {
    bytes_ -= bytes_of(layer->patch);
    ids.push_back(layer->overlay_id);
  }
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  for (const auto id : ids) {
    const auto entry = entries_.find(id);
    assert(entry != entries_.end());
    std::erase_if(entry->second.layers, [](const LayerPtr& layer) { return layer->pieces == 0; });
    if (!entry->second.layers.empty()) continue;
    bytes_ -= bytes_of(entry->second.overlay);
    entries_.erase(entry);
  }
}

OverlayDevice::Entries::iterator OverlayDevice::erase(Entries::iterator entry) {
  for (const auto& layer : entry->second.layers) {
    layers_.remove(layer);
    bytes_ -= bytes_of(layer->patch);
  }
  if (wrap_ && wrap_id_ == entry->first) wrap_.reset();
  bytes_ -= bytes_of(entry->second.overlay);
  return entries_.erase(entry);
}

bool OverlayDevice::remove(std::uint64_t id) {
  const auto guard = lock_.exclusive();
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) return false;
  erase(entry);
  refresh_active();
  return true;
}

std::size_t OverlayDevice::remove_rule(std::string_view rule) {
  const auto guard = lock_.exclusive();
  const auto before = entries_.size();
  for (auto entry = entries_.begin(); entry != entries_.end();)
    entry = entry->second.overlay.rule == rule ? erase(entry) : std::next(entry);
  refresh_active();
  return before - entries_.size();
}

void OverlayDevice::clear() {
  const auto guard = lock_.exclusive();
  entries_.clear();
  layers_.clear();
  wrap_.reset();
  bytes_ = 0;
  history_.clear();
  refresh_active();
}

std::optional<std::uint64_t> OverlayDevice::wrapped_by() const {
  const auto guard = lock_.shared();
  return wrap_ ? std::optional(wrap_id_) : std::nullopt;
}

std::size_t OverlayDevice::count() const {
  const auto guard = lock_.shared();
  return entries_.size();
}

std::vector<Overlay> OverlayDevice::list() const {
  const auto guard = lock_.shared();
  std::vector<Overlay> overlays;
  overlays.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) {
    auto& overlay = overlays.emplace_back(entry.overlay);
    overlay.offset_bytes = entry.layers.empty() ? 0 : size_bytes();
    overlay.length_bytes = entry.layers.empty() ? size_bytes() : 0;
    for (const auto& layer : entry.layers) {
      overlay.offset_bytes = std::min(overlay.offset_bytes, layers_.first_byte_of(*layer));
      overlay.length_bytes += layer->shown_bytes;
    }
  }
  return overlays;
}

boost::system::result<void, Refusal> OverlayDevice::keep_history(const std::string& rule,
                                                                 ByteRange range,
                                                                 std::size_t depth) {
  if (range.length_bytes == 0 || !within(size_bytes(), range.offset_bytes, range.length_bytes))
    return Refusal::bad_range;
  if (depth == 0 || depth > History::kMaxVersions) return Refusal::too_many_versions;
  const auto guard = lock_.exclusive();
  if (!history_.keep(rule, range, depth)) return Refusal::too_many_ranges;
  refresh_active();
  return {};
}

void OverlayDevice::forget_history(const std::string& rule) {
  const auto guard = lock_.exclusive();
  history_.forget(rule);
  refresh_active();
}

void OverlayDevice::arm(bool armed) {
  const auto guard = lock_.exclusive();
  armed_ = armed;
  refresh_active();
}

void OverlayDevice::refresh_active() {
  active_.store(armed_ || !entries_.empty() || !history_.empty(), std::memory_order_release);
}

}  // namespace faultlun::lun_backends
