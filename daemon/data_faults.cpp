#include "daemon/data_faults.hpp"

#include "daemon/data_patches.hpp"
#include "daemon/data_trial.hpp"
#include "daemon/log.hpp"
#include "daemon/medium_steps.hpp"
#include "lun_backends/overlay.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace faultlun::daemon {
namespace {

using faults::DataFault;
using faults::Strike;
using Kind = DataFault::Kind;
using Lasting = DataFault::Lasting;
using lun_backends::Operation;
using lun_backends::Overlay;
using lun_backends::OverlayDevice;
using lun_backends::Refusal;

constexpr auto kGapStep = std::chrono::milliseconds(20);  ///< how soon a gap sees that it is alone

// ---- reads -------------------------------------------------------------------------------------

/// The fault needs what is at another place: where.
std::optional<Place> wanted_for_read(Trial& trial, Struck& struck, ByteRange range) {
  if (struck.is(Kind::misdirect)) return trial.elsewhere(struck, range);
  if (!struck.is(Kind::swap)) return std::nullopt;
  const auto here = within(struck.area, range);
  if (here.empty()) return std::nullopt;
  return trial.elsewhere(struck, here.front());
}

/// `octets` were read at `range.offset_bytes`; `other` at `place`.
void strike_read(Trial& trial, Struck& struck, ByteRange range, bytes::Span octets,
                 const std::optional<Place>& place, bytes::Buffer other) {
  const auto& fault = *struck.fault;
  if (fault.kind == Kind::misdirect) {
    if (place) std::ranges::copy(other, octets.begin());
    return;
  }
  const auto area = within(struck.area, range);
  Patches patches;
  if (fault.kind == Kind::swap) {
    if (!place) return;
    const auto here = area.front();
    const auto mine = octets.subspan(here.offset_bytes - range.offset_bytes, here.length_bytes);
    auto moved = lun_backends::patch_showing(place->offset_bytes, {mine.begin(), mine.end()});
    patches.push_back(lun_backends::patch_showing(here.offset_bytes, std::move(other)));
    patches.push_back(std::move(moved));
  } else if (fault.kind == Kind::stale) {
    for (const auto& each : area)
      for (auto& patch :
           trial.device().version(each.offset_bytes, each.length_bytes, fault.versions))
        patches.push_back(std::move(patch));
  } else {
    patches = patches_in_place(fault, struck.chance, area, range.offset_bytes, octets);
  }
  if (patches.empty()) {
    if (fault.kind != Kind::wrap && !fault.per_bit) trial.unmet(struck, Refusal::bad_range);
    return;
  }
  bytes::Buffer bent(octets.begin(), octets.end());
  apply(patches, range.offset_bytes, bent);
  if (std::ranges::equal(bent, octets)) return;  // reads so already: nothing to be laid again
  if (struck.lasts() && !trial.lay(struck, std::move(patches))) return;
  std::ranges::copy(bent, octets.begin());
}

Detached read(OperationPtr operation, Loop& loop) {
  Trial trial(operation, loop);
  const auto plan = std::get<scsi::ReadMedium>(operation->plan);
  const ByteRange range{plan.offset_bytes, plan.length_bytes};
  trial.wrap();
  auto data = std::make_unique_for_overwrite<std::uint8_t[]>(plan.length_bytes);
  const bytes::Span octets(data.get(), plan.length_bytes);
  DeviceStep step(trial.device(), loop, read_into(plan.offset_bytes, octets));
  note(*operation, co_await step);
  for (auto& struck : trial.struck()) {
    if (!ok(operation->result) || !wanted(*operation)) break;
    const auto place = wanted_for_read(trial, struck, range);
    bytes::Buffer other;
    if (place) {
      other.resize(struck.is(Kind::swap) ? within(struck.area, range).front().length_bytes
                                         : range.length_bytes);
      DeviceStep look(place->host->device(), loop, read_into(place->offset_bytes, other));
      note(*operation, co_await look);
      if (!ok(operation->result)) break;
    }
    strike_read(trial, struck, range, octets, place, std::move(other));
  }
  if (!ok(operation->result) || !operation->runner) {
    settle(*operation);
    co_return;
  }
  operation->running = false;
  operation->runner->send_read_data(*operation, std::move(data), plan.length_bytes);
}

// ---- writes ------------------------------------------------------------------------------------

/// A write of any kind: what goes to the medium, and what is checked around it.
struct Writing {
  ByteRange range;
  bytes::Buffer data;
  bytes::Buffer expected;  ///< COMPARE AND WRITE: what has to be there
  bool fua = false;
  bool compare_after = false;
};

/// Nothing: too much to be lied about.
std::optional<Writing> writing_of(TaskOperation& operation) {
  Writing out;
  const auto block = operation.host->profile().block_size;
  const bytes::View data(operation.data);
  const auto take = [&](const auto& plan, bytes::View from) {
    const auto length = std::min<std::uint64_t>(from.size(), plan.length_bytes) / block * block;
    out.range = {plan.offset_bytes, length};
    out.data.assign(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(length));
  };
  if (const auto* write = std::get_if<scsi::WriteMedium>(&operation.plan)) {
    take(*write, data);
    out.fua = write->fua;
    out.compare_after = write->verify && write->compare;
  } else if (const auto* exchange = std::get_if<scsi::CompareAndWrite>(&operation.plan)) {
    take(*exchange, data.subspan(exchange->length_bytes));
    const auto expected = data.first(exchange->length_bytes);
    out.expected.assign(expected.begin(), expected.end());
    out.fua = exchange->fua;
  } else {
    const auto& same = std::get<scsi::WriteSame>(operation.plan);
    if (same.length_bytes > kMaxLyingWriteSameBytes) return std::nullopt;
    out.range = {same.offset_bytes, same.length_bytes};
    out.data.resize(same.length_bytes);
    for (std::size_t at = 0; at < out.data.size(); at += same.block.size())
      std::memcpy(out.data.data() + at, same.block.data(),
                  std::min(same.block.size(), out.data.size() - at));
    out.fua =
        !operation.host->look_at_unit([](const auto& unit) { return unit.write_cache_enabled(); });
  }
  return out;
}

bool needs_old(const Struck& struck) {
  return struck.is(Kind::lost_write) || struck.is(Kind::torn) || struck.is(Kind::misdirect);
}

/// What is shown of `octets`, which are at `at`, in these ranges.
Patches showing(const std::vector<ByteRange>& ranges, std::uint64_t at, bytes::View octets) {
  Patches out;
  for (const auto& each : ranges) {
    const auto piece = octets.subspan(each.offset_bytes - at, each.length_bytes);
    out.push_back(
        lun_backends::patch_showing(each.offset_bytes, bytes::Buffer(piece.begin(), piece.end())));
  }
  return out;
}

/// `shows` is what would show of the range by the faults before this one; it goes on with what this
/// one makes of it.
class WriteStrike {
 public:
  WriteStrike(Trial& trial, ByteRange range, bytes::Buffer& shows, const bytes::Buffer& old)
      : trial_(trial), range_(range), shows_(shows), old_(old) {}

  /// The other place whose contents swap needs.
  std::optional<Place> wanted(Struck& struck) {
    if (!struck.is(Kind::swap)) return std::nullopt;
    const auto here = within(struck.area, range_);
    if (here.empty()) return std::nullopt;
    return trial_.elsewhere(struck, here.front());
  }

  /// Nothing: there is nothing to be laid.
  std::optional<Lie> make(Struck& struck, const std::optional<Place>& place, bytes::Buffer other) {
    Lie lie;
    lie.struck = &struck;
    const auto area = within(struck.area, range_);
    switch (struck.fault->kind) {
      case Kind::flip:
      case Kind::set_bytes:
      case Kind::zero:
      case Kind::pattern:
        lie.own = patches_in_place(*struck.fault, struck.chance, area, range_.offset_bytes, shows_);
        break;
      case Kind::lost_write:
        lie.own = showing(area, range_.offset_bytes, old_);
        break;
      case Kind::torn:
        lie.own = showing(
            torn_away(*struck.fault, struck.chance, range_, trial_.host().profile().block_size),
            range_.offset_bytes, old_);
        break;
      case Kind::swap:
        if (place) swap(lie, area.front(), *place, std::move(other));
        break;
      case Kind::misdirect:
      case Kind::dup_write:
        if (!land_elsewhere(lie)) return std::nullopt;
        break;
      default:
        return std::nullopt;  // strikes elsewhere
    }
    if (lie.own.empty() && !lie.other) {
      // Nothing of the write was struck: its end did not come, or no bit was drawn.
      if (!struck.fault->per_bit && !struck.is(Kind::torn))
        trial_.unmet(struck, Refusal::bad_range);
      return std::nullopt;
    }
    apply(lie.own, range_.offset_bytes, shows_);
    return lie;
  }

 private:
  void swap(Lie& lie, ByteRange here, const Place& place, bytes::Buffer other) {
    auto moved = showing({here}, range_.offset_bytes, shows_);
    moved.front().offset_bytes = place.offset_bytes;
    lie.own.push_back(lun_backends::patch_showing(here.offset_bytes, std::move(other)));
    lie.own.push_back(std::move(moved.front()));
  }

  bool land_elsewhere(Lie& lie) {
    const auto place = trial_.elsewhere(*lie.struck, range_);
    if (!place) return false;
    auto landed = lun_backends::patch_showing(place->offset_bytes, shows_);
    if (lie.struck->is(Kind::misdirect)) lie.own = showing({range_}, range_.offset_bytes, old_);
    if (place->host.get() == &trial_.host()) {
      lie.own.push_back(std::move(landed));
    } else {
      lie.other = place->host;
      lie.others.push_back(std::move(landed));
    }
    return true;
  }

  Trial& trial_;
  ByteRange range_;
  bytes::Buffer& shows_;
  const bytes::Buffer& old_;
};

/// co_await a write or discard with the lies over its outcome; resumes on the loop's thread.
class LyingStep {
 public:
  LyingStep(Trial& trial, Loop& loop, Operation operation, std::vector<Lie> lies)
      : trial_(trial), loop_(loop), operation_(operation), lies_(std::move(lies)) {}
  LyingStep(const LyingStep&) = delete;
  LyingStep& operator=(const LyingStep&) = delete;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    operation_.owner = this;
    operation_.on_done = [](Operation& operation) noexcept {
      auto* self = static_cast<LyingStep*>(operation.owner);
      self->loop_.post([waiting = self->waiting_] { waiting.resume(); });
    };
    // The loop's thread is here: nothing resumes before this returns.
    using lun_backends::Progress;
    std::optional<Progress> started;
    for (auto& lie : lies_) {
      if (started) {
        trial_.lay(lie, false);
        continue;
      }
      const auto begun =
          trial_.device().start_lying(operation_, lie.struck->overlay, std::move(lie.own));
      if (!begun) {
        trial_.unmet(*lie.struck, begun.error());
        continue;
      }
      started = *begun;
      trial_.lay(lie, true);
    }
    if (!started) started = trial_.device().start(operation_);
    return *started == Progress::pending;
  }
  const Operation& await_resume() const noexcept { return operation_; }

 private:
  Trial& trial_;
  Loop& loop_;
  Operation operation_;
  std::vector<Lie> lies_;
  std::coroutine_handle<> waiting_;
};

/// co_await some time to pass.
class Nap final : public Timed {
 public:
  explicit Nap(Loop& loop) : loop_(loop) {}
  void set(Duration length) { length_ = length; }
  bool await_ready() const noexcept { return length_ <= Duration::zero(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    loop_.arm(*this, loop_.now() + length_);
  }
  void await_resume() const noexcept {}
  void on_time(TimePoint) override { waiting_.resume(); }

 private:
  Loop& loop_;
  Duration length_{};
  std::coroutine_handle<> waiting_;
};

Detached write(OperationPtr operation, Loop& loop) {
  Trial trial(operation, loop);
  auto& host = trial.host();
  auto& device = trial.device();
  auto writing = writing_of(*operation);
  if (!writing) {
    trial.unmet_all(Refusal::too_many_bytes);
    perform_honestly(std::move(operation), loop);
    co_return;
  }
  const auto range = writing->range;
  const auto* apart = trial.find(Kind::caw_not_atomic);
  trial.wrap();
  Turn turn(host, loop);
  if (apart == nullptr) co_await turn;
  if (!writing->expected.empty()) {
    bytes::Buffer medium(writing->expected.size());
    DeviceStep look(device, loop, read_into(range.offset_bytes, medium));
    note(*operation, co_await look);
    compare(*operation, medium, writing->expected, 0, false);
    Nap nap(loop);
    for (auto left = apart != nullptr ? apart->fault->gap : Duration::zero();
         left > Duration::zero() && ok(operation->result) && wanted(*operation); left -= kGapStep) {
      nap.set(std::min<Duration>(left, kGapStep));
      co_await nap;
    }
  }
  bytes::Buffer old, shows = writing->data;
  if (std::ranges::any_of(trial.struck(), needs_old) && ok(operation->result)) {
    old.resize(range.length_bytes);
    DeviceStep look(device, loop, read_into(range.offset_bytes, old));
    note(*operation, co_await look);
  }
  std::vector<Lie> lies;
  WriteStrike strike(trial, range, shows, old);
  for (auto& struck : trial.struck()) {
    if (!ok(operation->result) || !wanted(*operation) || range.length_bytes == 0) break;
    const auto place = strike.wanted(struck);
    bytes::Buffer other;
    if (place) {
      other.resize(within(struck.area, range).front().length_bytes);
      DeviceStep look(place->host->device(), loop, read_into(place->offset_bytes, other));
      note(*operation, co_await look);
      if (!ok(operation->result)) break;
    }
    auto lie = strike.make(struck, place, std::move(other));
    if (lie) lies.push_back(std::move(*lie));
  }
  if (ok(operation->result) && wanted(*operation) && range.length_bytes != 0) {
    const bool through = writing->fua && trial.find(Kind::fua_lie) == nullptr;
    const auto change = write_from(range.offset_bytes, writing->data, through);
    LyingStep step(trial, loop, change, std::move(lies));
    note(*operation, co_await step);
  }
  if (apart == nullptr) host.end_turn();
  if (writing->compare_after && ok(operation->result) && range.length_bytes != 0) {
    bytes::Buffer written(range.length_bytes);
    DeviceStep look(device, loop, read_into(range.offset_bytes, written));
    note(*operation, co_await look);
    compare(*operation, written, operation->data, 0, false);
  }
  const auto* lost = trial.find(Kind::lost_write);
  if (lost != nullptr && !lost->unmet && !lost->fault->acknowledged && ok(operation->result))
    operation->result = {scsi::MediumResult::Outcome::write_error,
                         lost->area.empty() ? range.offset_bytes : lost->area.front().offset_bytes};
  settle(*operation);
}

// ---- the rest ----------------------------------------------------------------------------------

/// The pieces of `octets` that are not zeros: what is still to be seen after a discard.
Patches showing_what_was(std::uint64_t offset_bytes, bytes::View octets, std::uint32_t block_size) {
  std::vector<ByteRange> runs;
  for (std::uint64_t at = 0; at < octets.size(); at += block_size) {
    const auto block = octets.subspan(at, std::min<std::uint64_t>(block_size, octets.size() - at));
    if (std::ranges::all_of(block, [](auto octet) { return octet == 0; })) continue;
    if (!runs.empty() && runs.back().offset_bytes + runs.back().length_bytes == offset_bytes + at)
      runs.back().length_bytes += block.size();
    else
      runs.push_back({offset_bytes + at, block.size()});
  }
  return showing(runs, offset_bytes, octets);
}

Detached unmap(OperationPtr operation, Loop& loop) {
  using Shown = DataFault::Shown;
  Trial trial(operation, loop);
  auto& host = trial.host();
  const auto extents = std::get<scsi::UnmapMedium>(operation->plan).extents;
  auto* struck = trial.find(Kind::unmap_lie);
  trial.wrap();
  for (auto& each : trial.struck())
    if (!each.is(Kind::wrap) && &each != struck) trial.unmet(each, Refusal::bad_range);
  const auto unit = struck != nullptr && struck->fault->shown == Shown::random
                        ? random_octets(struck->chance)
                        : bytes::Buffer();
  Turn turn(host, loop);
  co_await turn;
  Pause pause(loop);
  for (const auto& extent : extents) {
    for (std::uint64_t done = 0;
         done < extent.length_bytes && ok(operation->result) && wanted(*operation);) {
      Operation discard;
      discard.kind = Operation::Kind::discard;
      discard.offset_bytes = extent.offset_bytes + done;
      discard.length_bytes = std::min(extent.length_bytes - done, kDiscardBytes);
      done += discard.length_bytes;
      std::vector<Lie> lies;
      if (struck != nullptr && !struck->unmet) {
        Lie lie;
        lie.struck = struck;
        if (struck->fault->shown == Shown::old) {
          bytes::Buffer old(discard.length_bytes);
          DeviceStep look(host.device(), loop, read_into(discard.offset_bytes, old));
          note(*operation, co_await look);
          if (!ok(operation->result)) break;
          lie.own = showing_what_was(discard.offset_bytes, old, host.profile().block_size);
        } else {
          lie.own.push_back(
              lun_backends::patch_filling(discard.offset_bytes, discard.length_bytes, unit));
        }
        if (struck->fault->shown == Shown::zero && trial.lay(lie, false)) {
          co_await pause;
          continue;
        }
        if (struck->fault->shown != Shown::zero && !lie.own.empty()) lies.push_back(std::move(lie));
      }
      LyingStep step(trial, loop, discard, std::move(lies));
      note(*operation, co_await step);
      co_await pause;
    }
  }
  host.end_turn();
  settle(*operation);
}

}  // namespace

void perform_lying(OperationPtr operation, Loop& loop) {
  struct Steps {
    OperationPtr operation;
    Loop& loop;
    void operator()(const scsi::Reply&) const {}
    void operator()(const scsi::NeedData&) const {}
    void operator()(const scsi::QueryAllocation&) const {}
    void operator()(const scsi::ReadMedium&) const { read(operation, loop); }
    void operator()(const scsi::WriteMedium&) const { write(operation, loop); }
    void operator()(const scsi::CompareAndWrite&) const { write(operation, loop); }
    void operator()(const scsi::WriteSame&) const { write(operation, loop); }
    void operator()(const scsi::UnmapMedium&) const { unmap(operation, loop); }
    void operator()(const scsi::VerifyMedium&) const {
      Trial(operation, loop).wrap();
      perform_honestly(operation, loop);
    }
    void operator()(const scsi::FlushMedium&) const {
      if (Trial(operation, loop).find(Kind::flush_lie) == nullptr)
        return perform_honestly(operation, loop);
      settle(*operation);
    }
  };
  const auto& plan = operation->plan;
  std::visit(Steps{operation, loop}, plan);
}

}  // namespace faultlun::daemon
