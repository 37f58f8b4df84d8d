// What a logical unit asks its host to do for one command.  The logical unit decides; the host
// (daemon/) touches the medium, moves data, and brings the result back to LogicalUnit::finish().
// All offsets and lengths are bytes; all ranges have been checked against the capacity.
#pragma once

#include "protocol/scsi/command.hpp"

#include <variant>
#include <vector>

namespace faultlun::scsi {

/// The command needs its parameter list (`bytes` long) before anything can be decided; then call
/// LogicalUnit::plan_with_data().
struct NeedData {
  std::uint64_t bytes = 0;
};

struct ReadMedium {
  std::uint64_t offset_bytes = 0, length_bytes = 0;
  bool fua = false;
};

/// Data-Out goes to the medium.  A host may write each piece as it arrives.
struct WriteMedium {
  std::uint64_t offset_bytes = 0, length_bytes = 0;
  bool fua = false;
  bool verify = false;  ///< WRITE AND VERIFY: read back (and compare when `compare`) after writing
  bool compare = false;
};

/// VERIFY.  With `compare` the Data-Out (data_out_length bytes) is compared with the medium;
/// `one_block` repeats a single block over the range (BYTCHK=11b).
struct VerifyMedium {
  std::uint64_t offset_bytes = 0, length_bytes = 0;
  bool compare = false, one_block = false;
  std::uint64_t data_out_length = 0;
};

/// COMPARE AND WRITE: atomic; Data-Out is the expected data, then the new data, `length_bytes`
/// each.
struct CompareAndWrite {
  std::uint64_t offset_bytes = 0, length_bytes = 0;
  bool fua = false;
};

/// WRITE SAME: `block` repeated over the range.
struct WriteSame {
  std::uint64_t offset_bytes = 0, length_bytes = 0;
  bytes::Buffer block;  ///< one logical block
};

struct Extent {
  std::uint64_t offset_bytes = 0, length_bytes = 0;
  friend bool operator==(const Extent&, const Extent&) = default;
};

/// Deallocates; the range reads as zeros afterwards (LBPRZ=1).
struct UnmapMedium {
  std::vector<Extent> extents;
};

struct FlushMedium {
  std::uint64_t offset_bytes = 0, length_bytes = 0;  ///< length 0: all
  bool immediate = false;                            ///< answer first, flush in the background
};

/// GET LBA STATUS: the host asks the device run by run from `offset_bytes`, at most `most_runs`,
/// and makes the answer with lba_status() (logical_unit.hpp).
struct QueryAllocation {
  std::uint64_t offset_bytes = 0, length_bytes = 0;  ///< to the end of the medium
  std::uint32_t most_runs = 0;
  std::uint32_t allocation_length = 0;
};

using Plan = std::variant<Reply, NeedData, ReadMedium, WriteMedium, VerifyMedium, CompareAndWrite,
                          WriteSame, UnmapMedium, FlushMedium, QueryAllocation>;

/// Bytes the device wants from the host for a plan that is not yet a Reply (SPDTL of Data-Out).
std::uint64_t data_out_length(const Plan& plan);

/// How the medium took it.
struct MediumResult {
  enum class Outcome : std::uint8_t {
    ok,
    read_error,
    write_error,
    miscompare,
    no_space,
    flush_error
  };
  Outcome outcome = Outcome::ok;
  std::uint64_t offset_bytes =
      0;  ///< errors: first bad byte of the medium; miscompare: offset into the Data-Out
};

}  // namespace faultlun::scsi
