// What every device does with an Operation: how long it is, whether it fits, how it ends at once.
#pragma once

#include "lun_backends/block_device.hpp"

#include <boost/system/errc.hpp>
#include <boost/system/error_code.hpp>

#include <cstdint>

namespace faultlun::lun_backends {

/// Bytes of the device that `operation` concerns; 0 for a flush, which concerns no range.
inline std::uint64_t length_of(const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::read:
      return operation.into.size();
    case Operation::Kind::write:
      return operation.from.size();
    case Operation::Kind::discard:
      return operation.length_bytes;
    case Operation::Kind::flush:
      return 0;
  }
  return 0;
}

inline bool changes_content(const Operation& operation) {
  return operation.kind == Operation::Kind::write || operation.kind == Operation::Kind::discard;
}

inline bool within(std::uint64_t size_bytes, std::uint64_t offset_bytes,
                   std::uint64_t length_bytes) {
  return offset_bytes <= size_bytes && length_bytes <= size_bytes - offset_bytes;
}

/// The caller promises that ranges fit; a device that believes it without looking is one bug away
/// from someone else's memory.
inline bool fits(const Operation& operation, std::uint64_t size_bytes) {
  return operation.kind == Operation::Kind::flush ||
         within(size_bytes, operation.offset_bytes, length_of(operation));
}

inline Progress finish_well(Operation& operation) {
  operation.error.clear();
  return Progress::done;
}

inline Progress finish_badly(Operation& operation, boost::system::error_code error,
                             std::uint64_t error_offset_bytes) {
  operation.error = error;
  operation.error_offset_bytes = error_offset_bytes;
  return Progress::done;
}

inline Progress finish_badly(Operation& operation, boost::system::errc::errc_t error,
                             std::uint64_t error_offset_bytes) {
  return finish_badly(operation, boost::system::errc::make_error_code(error), error_offset_bytes);
}

}  // namespace faultlun::lun_backends
