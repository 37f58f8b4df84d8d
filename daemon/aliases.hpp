// The names that sessions keep over machines and times: initiator name, ISID and login ordinal
// (D3); and what their rules decided, also after they have gone.
#pragma once

#include "faults/rule_state.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace faultlun::daemon {

class AliasTable {
 public:
  /// Initiator ports whose logins are counted; then all counts begin anew.
  static constexpr std::size_t kMaxPorts = 65536;
  /// Sessions that are still reported after they have gone; then the oldest is forgotten.
  static constexpr std::size_t kMaxRecords = 16384;

  struct Record {
    std::string alias, target;
    std::uint64_t commands = 0;
    faults::DecisionHash hash;
  };

  /// Sets the ordinal of a session that begins, and returns the number that the journal knows it
  /// by.
  std::uint32_t enter(faults::SessionFacts& session);
  /// Name and target of a session by its number; empty when it was forgotten.
  Record find(std::uint32_t number) const;
  void leave(const faults::SessionFacts& session, const faults::RuleState& state,
             std::uint32_t number = 0);
  /// Initiators of the sessions that live, by the session's number.
  std::map<std::uint32_t, std::string> living() const;
  /// Sessions that have gone, in the order of their end.
  std::vector<Record> records() const;
  /// Ordinals begin at 1 again and nothing is remembered: a run that is to be like the first one.
  void clear();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint32_t> logins_;
  std::uint32_t next_number_ = 1;
  std::map<std::uint32_t, Record> names_;  ///< the youngest kMaxRecords
  std::map<std::uint32_t, std::string> living_;
  std::deque<Record> records_;
};

/// One number for many sessions, whatever their order.
faults::DecisionHash combined(std::vector<AliasTable::Record> records);

}  // namespace faultlun::daemon
