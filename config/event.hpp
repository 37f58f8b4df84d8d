// An event as somebody describes it, to ask which rules would match (POST /v1/explain): a command
// by its CDB or by operation, LBA and length, or a task management function, and the session it
// comes from.
#pragma once

#include "config/object.hpp"
#include "faults/facts.hpp"
#include "faults/match.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace faultlun::config {

inline constexpr std::size_t kMaxEventPayload = 64 * 1024;

/// Owns what its facts point to.
struct Event {
  faults::Facts facts;
  faults::Past past;
  faults::SessionFacts session;
  scsi::Cdb cdb;
  std::vector<std::uint8_t> payload;
};

/// Nothing when anything was wrong, which the value's problems tell.
std::unique_ptr<Event> read_event(const Value& value);

}  // namespace faultlun::config
