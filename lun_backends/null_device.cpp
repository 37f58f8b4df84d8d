#include "lun_backends/null_device.hpp"

#include "lun_backends/operation.hpp"
#include "lun_backends/zero_area.hpp"

#include <algorithm>
#include <cstring>

namespace faultlun::lun_backends {

NullDevice::NullDevice(std::uint64_t size_bytes)
    : size_bytes_(size_bytes), zeros_(zero_area().data()) {}

Progress NullDevice::start(Operation& operation) {
  if (!fits(operation, size_bytes_))
    return finish_badly(operation, boost::system::errc::invalid_argument, size_bytes_);
  if (operation.kind == Operation::Kind::read && !operation.into.empty())
    std::memset(operation.into.data(), 0, operation.into.size());
  return finish_well(operation);
}

PinnedView NullDevice::view(std::uint64_t offset_bytes, std::uint64_t length_bytes) {
  if (!within(size_bytes_, offset_bytes, length_bytes)) return {};
  PinnedView view;
  view.octets = {zeros_,
                 static_cast<std::size_t>(std::min<std::uint64_t>(length_bytes, kZeroAreaBytes))};
  return view;
}

}  // namespace faultlun::lun_backends
