// One operation of a caller that takes several on another device: all are started at once, and the
// last that ends settles the caller's.
#pragma once

#include "lun_backends/block_device.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

namespace faultlun::lun_backends {

class Flight {
 public:
  explicit Flight(Operation& caller) : caller_(caller) {}
  virtual ~Flight() = default;
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  /// Starts the parts in order.  done: the caller's operation is settled; pending: it will be, and
  /// its on_done is called then, perhaps before this returns.
  static Progress launch(std::unique_ptr<Flight> flight, BlockDevice& device);

 protected:
  /// All parts are done: give the caller its outcome.  On the thread that ended the last part.
  virtual void settle() noexcept = 0;

  Operation& caller_;
  std::vector<Operation> parts_;  ///< filled before the launch

 private:
  static void arrive(Operation& part) noexcept;

  std::atomic<std::size_t> left_{0};
};

}  // namespace faultlun::lun_backends
