// A device of any size that reads as zeros and forgets writes: what the rest of the target costs
// without a medium.
#pragma once

#include "lun_backends/block_device.hpp"

#include <cstdint>
#include <string>

namespace faultlun::lun_backends {

class NullDevice final : public BlockDevice {
 public:
  explicit NullDevice(std::uint64_t size_bytes);

  std::uint64_t size_bytes() const override { return size_bytes_; }
  Progress start(Operation& operation) override;
  bool instant() const override { return true; }
  PinnedView view(std::uint64_t offset_bytes, std::uint64_t length_bytes) override;
  std::string description() const override { return "null"; }

 private:
  std::uint64_t size_bytes_;
  const std::uint8_t* zeros_;
};

}  // namespace faultlun::lun_backends
