// What the rules have in store for one command, from its decision to its answer.  An ordinary
// command has none.
#pragma once

#include "daemon/clock.hpp"
#include "faults/decide.hpp"
#include "protocol/scsi/command.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace faultlun::daemon {

/// Commands under a rule's effects are counted (gate.max_active): one of which nothing is left no
/// longer is.
void give_back_active(const faults::Decision& decision);

struct Ordeal {
  Ordeal(std::shared_ptr<const faults::RuleSet> set, faults::Decision made, faults::Facts seen,
         TimePoint arrival);
  ~Ordeal();  ///< gives back what gate.max_active counts
  Ordeal(const Ordeal&) = delete;
  Ordeal& operator=(const Ordeal&) = delete;

  template <typename Action>
  const faults::Strike* find() const {
    for (const auto& strike : decision.strikes)
      if (std::holds_alternative<Action>(strike.effect->action)) return &strike;
    return nullptr;
  }
  /// The terminal effect when it keeps the command from the logical unit.
  const faults::Strike* instead_of_unit() const;
  /// The terminal effect when it changes the answer of a command that is carried out.
  const faults::Strike* after_unit() const;
  /// What was decided when the Data-Out came.
  void add(faults::Decision more);

  /// Looked at again when the Data-Out is here.
  bool payload_decided = false;
  std::shared_ptr<const faults::RuleSet> rules;  ///< keeps what the decision points to
  faults::Decision decision;
  faults::Facts facts;                ///< `cdb` and `payload` are set anew by whoever looks
  TimePoint arrived;                  ///< last octet of the command, then of its Data-Out
  TimePoint due{};                    ///< of the wait it is in, or was in last
  faults::Time asked{};               ///< sum of what was asked for
  std::vector<std::uint16_t> hidden;  ///< REPORT LUNS: units that it leaves out
};

}  // namespace faultlun::daemon
