// A device that holds bytes at offsets.  It knows no SCSI.  Offsets and lengths are bytes; the
// caller has checked them against size_bytes().
//
// Every operation is an Operation that the caller owns and keeps until it is done.  start() either
// finishes it at once (Progress::done: `error` is set, `on_done` is NOT called) or keeps it
// (Progress::pending: the device calls `on_done` exactly once, later, on some thread of its own;
// the caller hops to where it belongs). No allocation per operation on the memory, pattern and null
// devices.
//
// Concurrency: start() may be called from several threads.  Two operations that overlap may take
// effect in either order, but each logical block (block_size of the spec) is read or written whole.
#pragma once

#include <boost/system/error_code.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace faultlun::lun_backends {

struct Operation {
  enum class Kind : std::uint8_t {
    read,     ///< offset, into
    write,    ///< offset, from; `fua`: on the medium before it is done
    flush,    ///< everything acknowledged so far is on the medium
    discard,  ///< offset, length: reads as zeros from now on, memory or blocks are given back
  };

  Kind kind = Kind::read;
  bool fua = false;
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;      ///< discard only
  std::span<std::uint8_t> into;        ///< read only
  std::span<const std::uint8_t> from;  ///< write only
  /// The outcome.  no_space_on_device: the store is full.  read_only_file_system: opened read-only.
  /// invalid_argument: beyond the end.  illegal_byte_sequence: a written block differs from its
  /// pattern.  Else the system's own word.
  boost::system::error_code error;
  void (*on_done)(Operation&) noexcept = nullptr;
  void* owner = nullptr;  ///< for the caller's use
  /// With `error`: where on the device it went wrong.  The bytes before it were done (or compared
  /// equal).
  std::uint64_t error_offset_bytes = 0;

  /// For the device's own use while the operation is pending; start() sets it afresh.
  struct InFlight {
    Operation* next = nullptr;     ///< the line it waits in
    std::uint64_t done_bytes = 0;  ///< how far short reads and writes have come
    std::uint32_t place = 0;       ///< in the table of what is running
    std::uint8_t step = 0;         ///< which system call comes next
  } in_flight;
};

enum class Progress : std::uint8_t { done, pending };

/// A piece of a device's memory that stays as it is until released: writes and discards made
/// meanwhile go elsewhere.
struct PinnedView {
  std::span<const std::uint8_t> octets;
  void* pin = nullptr;                                ///< hand to release()
  void (*release_pin)(void* pin) noexcept = nullptr;  ///< null: nothing to release
  void release() noexcept {
    if (release_pin) release_pin(pin);
    release_pin = nullptr;
  }
};

/// A run of a device that is all of one kind.
struct AllocationRun {
  std::uint64_t length_bytes = 0;
  bool allocated = true;  ///< false: reads as zeros and takes no room
};

class BlockDevice {
 public:
  virtual ~BlockDevice() = default;

  virtual std::uint64_t size_bytes() const = 0;
  virtual Progress start(Operation& operation) = 0;

  /// True when start() never answers `pending`.
  virtual bool instant() const { return false; }

  /// A view of the longest run from `offset_bytes`, at most `length_bytes`, that can be had without
  /// a copy; empty when there is none, and the caller reads instead.
  virtual PinnedView view(std::uint64_t offset_bytes, std::uint64_t length_bytes) {
    (void)offset_bytes;
    (void)length_bytes;
    return {};
  }

  /// The run that begins at `offset_bytes`, at least one byte and at most `length_bytes` (not 0)
  /// long.  It may end before the state changes.  A device that does not know says that everything
  /// is allocated.
  virtual AllocationRun allocation(std::uint64_t offset_bytes, std::uint64_t length_bytes) {
    (void)offset_bytes;
    return {length_bytes, true};
  }

  /// "memory", "file (io_uring)", … for logs and the control API.
  virtual std::string description() const = 0;
};

}  // namespace faultlun::lun_backends
