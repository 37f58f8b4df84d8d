#include "lun_backends/overlay_flight.hpp"

namespace faultlun::lun_backends {

Progress Flight::launch(std::unique_ptr<Flight> flight, BlockDevice& device) {
  auto* self = flight.release();
  // One more than there are parts: nobody settles before all are started.
  self->left_.store(self->parts_.size() + 1, std::memory_order_relaxed);
  std::size_t at_once = 1;
  for (auto& part : self->parts_) {
    part.owner = self;
    part.on_done = arrive;
    if (device.start(part) == Progress::done) ++at_once;
  }
  if (self->left_.fetch_sub(at_once, std::memory_order_acq_rel) != at_once)
    return Progress::pending;
  self->settle();
  delete self;
  return Progress::done;
}

void Flight::arrive(Operation& part) noexcept {
  auto* self = static_cast<Flight*>(part.owner);
  if (self->left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  self->settle();
  Operation& caller = self->caller_;
  delete self;
  caller.on_done(caller);
}

}  // namespace faultlun::lun_backends
