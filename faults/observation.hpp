// What a scenario sees of the world, as plain values in the order in which they happened.  The
// daemon makes them of journal entries, with names for numbers.
#pragma once

#include "faults/facts.hpp"
#include "faults/scenario.hpp"
#include "faults/time.hpp"

#include <cstdint>
#include <string>
#include <variant>

namespace faultlun::faults {

/// Of one command.  `session` is a number of the run, `tag` the initiator task tag.
struct CommandBegan {
  std::uint32_t session = 0;
  std::uint32_t tag = 0;
  std::uint16_t lun = 0;
  OperationClass operation = OperationClass::other;
  std::uint64_t lba = 0, blocks = 0;
};
struct CommandEnded {
  enum class How : std::uint8_t { answered, aborted, silent };
  std::uint32_t session = 0;
  std::uint32_t tag = 0;
  How how = How::answered;
  scsi::Status status = scsi::Status::good;
  Time took{};
  OperationClass operation = OperationClass::other;
};
/// A task management function.
struct FunctionSent {
  std::uint32_t session = 0;
  std::uint8_t function = 0;  ///< RFC 7143 §11.5.1
};
struct SessionUp {
  std::uint32_t session = 0;
  std::string initiator;  ///< iSCSI name
};
struct SessionDown {
  std::uint32_t session = 0;
  bool orderly = false;  ///< the initiator logged out
};
struct LoginRefused {
  std::string initiator;
};
struct MarkSet {
  std::string name;
};
struct EventRaised {
  std::string name;
};
/// With effect, or as an observing rule.
struct RuleFired {
  std::string rule;
  std::uint32_t session = 0;
};
struct OtherEntered {
  std::string scenario, state;  ///< state empty: the scenario is over
};
/// A fault of the data family struck; `poison` names its overlay, if it left one.
struct DataStruck {
  std::string fault, rule, poison;
};
/// The overlay is gone: healed, rewritten, removed.
struct DataHealed {
  std::string poison;
};
/// Entries of the journal were overwritten before anybody read them.
struct EntriesLost {
  std::uint64_t count = 0;
};

using Observation = std::variant<CommandBegan, CommandEnded, FunctionSent, SessionUp, SessionDown,
                                 LoginRefused, MarkSet, EventRaised, RuleFired, OtherEntered,
                                 DataStruck, DataHealed, EntriesLost>;

}  // namespace faultlun::faults
