// One SCSI command as a logical unit sees it, and the answer it gives.  SAM-5 §5.1.
#pragma once

#include "protocol/scsi/cdb.hpp"
#include "protocol/scsi/sense.hpp"
#include "protocol/scsi/status.hpp"

#include <optional>

namespace faultlun::scsi {

/// Names one I_T nexus while its session lives.  Given out by the daemon; never reused while
/// anything still refers to it.
using NexusId = std::uint32_t;

struct Command {
  Cdb cdb;
  TaskAttribute attribute = TaskAttribute::simple;
  /// EXPECTED DATA TRANSFER LENGTH of a command with the W bit (0 without it): WRITE SAME and
  /// COMPARE AND WRITE refuse a Data-Out that cannot be what their CDB means.  Nothing: unknown,
  /// not checked.
  std::optional<std::uint64_t> data_out_offered = std::nullopt;
};

/// What goes back to the initiator.  Data read from the medium is not in here: it goes from the
/// device to the transport; `data_in` holds parameter data (INQUIRY, MODE SENSE, …), already cut to
/// the ALLOCATION LENGTH.
struct Reply {
  Status status = Status::good;
  std::optional<Sense> sense;     ///< with CHECK CONDITION, unless a fault says otherwise
  bool descriptor_sense = false;  ///< D_SENSE of the Control mode page when the sense was made
  /// These octets instead of what `sense` says; empty: CHECK CONDITION without any sense data.
  std::optional<bytes::Buffer> raw_sense;
  std::uint16_t status_qualifier = 0;  ///< SAM-5 §5.3.2; sent from iSCSIProtocolLevel 2 on
  bytes::Buffer data_in;
  std::uint64_t data_in_length = 0;   ///< bytes the device has to transfer to the host (SPDTL in)
  std::uint64_t data_out_length = 0;  ///< bytes the device wanted from the host (SPDTL out)
};

/// GOOD and nothing more: the last Data-In PDU can carry it.
inline bool is_plain_good(const Reply& reply) {
  return reply.status == Status::good && !reply.sense && !reply.raw_sense &&
         reply.status_qualifier == 0;
}

inline Reply check_condition(Sense sense) {
  Reply reply;
  reply.status = Status::check_condition;
  reply.sense = std::move(sense);
  return reply;
}

inline Reply with_status(Status status) {
  Reply reply;
  reply.status = status;
  return reply;
}

}  // namespace faultlun::scsi
