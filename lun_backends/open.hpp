// From a spec to a device.  An explicit list, no registry.
#pragma once

#include "lun_backends/block_device.hpp"
#include "lun_backends/spec.hpp"

#include <memory>
#include <stdexcept>
#include <string>

namespace faultlun::lun_backends {

/// What is wrong and what to do about it, in one line: "disk1.img: cannot open: Permission denied;
/// …".
struct OpenError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Finds what can be found without side effects: an error text, or "".
std::string check(const BackendSpec& spec);

/// Opens (and for a file creates sparse at its size).  Throws OpenError.
std::unique_ptr<BlockDevice> open(const BackendSpec& spec);

}  // namespace faultlun::lun_backends
