#include "daemon/medium_steps.hpp"

#include "daemon/data_faults.hpp"

#include <algorithm>
#include <cstring>

namespace faultlun::daemon {
namespace {

using lun_backends::Operation;
using scsi::MediumResult;

constexpr std::uint64_t kStepBytes =
    1 << 20;  // VERIFY and WRITE SAME walk through the medium in pieces of this size

}  // namespace

bool ok(const MediumResult& result) {
  return result.outcome == MediumResult::Outcome::ok;
}

bool wanted(const TaskOperation& operation) {
  return !operation.aborted && operation.runner != nullptr;
}

void note(TaskOperation& operation, const Operation& step) {
  if (step.error && ok(operation.result)) operation.result = medium_result(step);
}

Operation read_into(std::uint64_t offset_bytes, bytes::Span into) {
  Operation step;
  step.kind = Operation::Kind::read;
  step.offset_bytes = offset_bytes;
  step.into = into;
  return step;
}

Operation write_from(std::uint64_t offset_bytes, bytes::View from, bool fua) {
  Operation step;
  step.kind = Operation::Kind::write;
  step.offset_bytes = offset_bytes;
  step.from = from;
  step.fua = fua;
  return step;
}

void settle(TaskOperation& operation) {
  operation.running = false;
  if (operation.runner) operation.runner->settle(operation);
}

void compare(TaskOperation& operation, bytes::View octets, bytes::View sent, std::uint64_t at,
             bool repeats) {
  if (!ok(operation.result) || sent.empty()) return;
  for (std::uint64_t done = 0; done < octets.size();) {
    const auto from = repeats ? (at + done) % sent.size() : at + done;
    if (from >= sent.size()) return;  // the host sent less than the range
    const auto run = std::min<std::uint64_t>(octets.size() - done, sent.size() - from);
    const auto mismatch = std::mismatch(octets.begin() + static_cast<std::ptrdiff_t>(done),
                                        octets.begin() + static_cast<std::ptrdiff_t>(done + run),
                                        sent.begin() + static_cast<std::ptrdiff_t>(from));
    if (mismatch.second != sent.begin() + static_cast<std::ptrdiff_t>(from + run)) {
      operation.result = {MediumResult::Outcome::miscompare,
                          static_cast<std::uint64_t>(mismatch.second - sent.begin())};
      return;
    }
    done += run;
  }
}

namespace {

Operation flush_all() {
  Operation step;
  step.kind = Operation::Kind::flush;
  return step;
}

Detached read(OperationPtr operation, Loop& loop) {
  const auto plan = std::get<scsi::ReadMedium>(operation->plan);
  auto data = std::make_unique_for_overwrite<std::uint8_t[]>(plan.length_bytes);
  const bytes::Span into(data.get(), plan.length_bytes);
  DeviceStep step(operation->host->device(), loop, read_into(plan.offset_bytes, into));
  note(*operation, co_await step);
  if (!ok(operation->result) || !operation->runner) {
    settle(*operation);
    co_return;
  }
  operation->running = false;
  operation->runner->send_read_data(*operation, std::move(data), plan.length_bytes);
}

Detached write(OperationPtr operation, Loop& loop) {
  const auto plan = std::get<scsi::WriteMedium>(operation->plan);
  auto& device = operation->host->device();
  // Only whole blocks reach the medium when the host sent less than the command asked for.
  const auto block = operation->host->profile().block_size;
  const auto length =
      std::min<std::uint64_t>(operation->data.size(), plan.length_bytes) / block * block;
  if (!operation->streaming && length != 0) {
    DeviceStep step(
        device, loop,
        write_from(plan.offset_bytes, bytes::View(operation->data).first(length), plan.fua));
    note(*operation, co_await step);
  }
  if (plan.verify && plan.compare && ok(operation->result) && length != 0) {
    bytes::Buffer written(length);
    DeviceStep step(device, loop, read_into(plan.offset_bytes, written));
    note(*operation, co_await step);
    compare(*operation, written, operation->data, 0, false);
  }
  settle(*operation);
}

Detached verify(OperationPtr operation, Loop& loop) {
  const auto plan = std::get<scsi::VerifyMedium>(operation->plan);
  bytes::Buffer medium(std::min(plan.length_bytes, kStepBytes));
  Pause pause(loop);
  for (std::uint64_t done = 0; done < plan.length_bytes && ok(operation->result);) {
    const auto length = std::min(plan.length_bytes - done, kStepBytes);
    const auto piece = bytes::Span(medium).first(length);
    DeviceStep step(operation->host->device(), loop, read_into(plan.offset_bytes + done, piece));
    note(*operation, co_await step);
    if (plan.compare) compare(*operation, piece, operation->data, done, plan.one_block);
    done += length;
    if (done < plan.length_bytes) co_await pause;
    if (!wanted(*operation)) break;
  }
  settle(*operation);
}

Detached compare_and_write(OperationPtr operation, Loop& loop) {
  const auto plan = std::get<scsi::CompareAndWrite>(operation->plan);
  auto& host = *operation->host;
  const auto expected = bytes::View(operation->data).first(plan.length_bytes);
  const auto replacement = bytes::View(operation->data).subspan(plan.length_bytes);
  Turn turn(host, loop);
  co_await turn;
  bytes::Buffer medium(plan.length_bytes);
  DeviceStep look(host.device(), loop, read_into(plan.offset_bytes, medium));
  note(*operation, co_await look);
  compare(*operation, medium, expected, 0, false);
  if (ok(operation->result) && wanted(*operation)) {
    DeviceStep change(host.device(), loop, write_from(plan.offset_bytes, replacement, plan.fua));
    note(*operation, co_await change);
  }
  host.end_turn();
  settle(*operation);
}

Detached write_same(OperationPtr operation, Loop& loop) {
  const auto& plan = std::get<scsi::WriteSame>(operation->plan);
  const auto offset = plan.offset_bytes, total = plan.length_bytes;
  bytes::Buffer pattern(std::min(total, std::max<std::uint64_t>(kStepBytes, plan.block.size())));
  for (std::size_t at = 0; at < pattern.size(); at += plan.block.size())
    std::memcpy(pattern.data() + at, plan.block.data(),
                std::min(plan.block.size(), pattern.size() - at));
  const bool through =
      !operation->host->look_at_unit([](const auto& unit) { return unit.write_cache_enabled(); });
  Pause pause(loop);
  for (std::uint64_t done = 0; done < total && ok(operation->result);) {
    const auto length = std::min<std::uint64_t>(total - done, pattern.size());
    DeviceStep step(operation->host->device(), loop,
                    write_from(offset + done, bytes::View(pattern).first(length), through));
    note(*operation, co_await step);
    done += length;
    if (done < total) co_await pause;
    if (!wanted(*operation)) break;
  }
  settle(*operation);
}

Detached unmap(OperationPtr operation, Loop& loop) {
  const auto extents = std::get<scsi::UnmapMedium>(operation->plan).extents;
  Pause pause(loop);
  std::uint64_t since_pause = 0;
  for (const auto& extent : extents) {
    for (std::uint64_t done = 0;
         done < extent.length_bytes && ok(operation->result) && wanted(*operation);) {
      Operation discard;
      discard.kind = Operation::Kind::discard;
      discard.offset_bytes = extent.offset_bytes + done;
      discard.length_bytes = std::min(extent.length_bytes - done, kDiscardBytes);
      done += discard.length_bytes;
      since_pause += discard.length_bytes;
      DeviceStep step(operation->host->device(), loop, discard);
      note(*operation, co_await step);
      if (since_pause < kDiscardBytes) continue;
      since_pause = 0;
      co_await pause;
    }
  }
  settle(*operation);
}

Detached flush(OperationPtr operation, Loop& loop) {
  const bool immediate = std::get<scsi::FlushMedium>(operation->plan).immediate;
  const auto host =
      operation->host;  // keeps the device while a flush goes on behind an answered command
  if (immediate) settle(*operation);
  DeviceStep step(host->device(), loop, flush_all());
  const auto& done = co_await step;
  if (immediate) co_return;
  note(*operation, done);
  settle(*operation);
}

}  // namespace

bool DeviceStep::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  operation_.owner = this;
  operation_.on_done = [](Operation& operation) noexcept {
    auto* self = static_cast<DeviceStep*>(operation.owner);
    self->loop_.post([waiting = self->waiting_] { waiting.resume(); });
  };
  return device_.start(operation_) == lun_backends::Progress::pending;
}

void perform(OperationPtr operation, Loop& loop) {
  if (operation->ordeal && operation->ordeal->find<faults::DataFault>() != nullptr)
    return perform_lying(std::move(operation), loop);
  perform_honestly(std::move(operation), loop);
}

void perform_honestly(OperationPtr operation, Loop& loop) {
  struct Steps {
    OperationPtr operation;
    Loop& loop;
    void operator()(const scsi::Reply&) const {}
    void operator()(const scsi::NeedData&) const {}
    void operator()(const scsi::QueryAllocation&) const {}
    void operator()(const scsi::ReadMedium&) const { read(operation, loop); }
    void operator()(const scsi::WriteMedium&) const { write(operation, loop); }
    void operator()(const scsi::VerifyMedium&) const { verify(operation, loop); }
    void operator()(const scsi::CompareAndWrite&) const { compare_and_write(operation, loop); }
    void operator()(const scsi::WriteSame&) const { write_same(operation, loop); }
    void operator()(const scsi::UnmapMedium&) const { unmap(operation, loop); }
    void operator()(const scsi::FlushMedium&) const { flush(operation, loop); }
  };
  const auto& plan = operation->plan;
  std::visit(Steps{operation, loop}, plan);
}

MediumResult medium_result(const Operation& operation) {
  namespace errc = boost::system::errc;
  using Outcome = MediumResult::Outcome;
  const auto outcome = [&] {
    if (!operation.error) return Outcome::ok;
    if (operation.error == errc::no_space_on_device) return Outcome::no_space;
    if (operation.error == errc::illegal_byte_sequence) return Outcome::miscompare;
    switch (operation.kind) {
      case Operation::Kind::read:
        return Outcome::read_error;
      case Operation::Kind::flush:
        return Outcome::flush_error;
      case Operation::Kind::write:
      case Operation::Kind::discard:
        break;
    }
    return Outcome::write_error;
  }();
  return {outcome, outcome == Outcome::miscompare
                       ? operation.error_offset_bytes - operation.offset_bytes
                       : operation.error_offset_bytes};
}

}  // namespace faultlun::daemon
