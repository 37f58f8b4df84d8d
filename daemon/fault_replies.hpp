#pragma once
#include "faults/action.hpp"
#include "faults/facts.hpp"
#include "protocol/scsi/logical_unit.hpp"
namespace faultlun::daemon {
inline scsi::Reply as_reply(const faults::Answer& answer, const faults::Facts&, bool) {
  scsi::Reply reply;
  reply.status = answer.status;
  if (answer.sense) {
    scsi::Sense s;
    s.code = answer.sense->code;
    reply.sense = s;
  }
  return reply;
}
inline scsi::Reply as_reply(const faults::MediumError& error, std::uint64_t lba, bool) {
  scsi::Sense s;
  s.code = error.code;
  s.information = lba;
  return scsi::check_condition(s);
}
inline scsi::Reply as_reply(const faults::Absent&, const scsi::Command& c,
                            const scsi::Surroundings& a) {
  return scsi::answer_absent_unit(c, a);
}
inline void apply(const faults::Patch&, const scsi::Cdb&, scsi::Reply&) {}
}  // namespace faultlun::daemon
