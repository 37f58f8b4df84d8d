// What scenarios need of the daemon.  All of it is called on the control thread, and must not block
// it.
#pragma once

#include "daemon/rule_book.hpp"
#include "faults/observation.hpp"
#include "faults/scenario.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::daemon {

class ScenarioHost {
 public:
  struct BorrowedRule {
    bool armed = true;
    bool must_fire = true;
  };

  virtual ~ScenarioHost() = default;

  // ---- rules.  Each answers "" or why it could not be done.

  /// The rules of the scenario become these, all or none.
  virtual std::string put_rules(std::string_view scenario, std::vector<faults::Rule> rules) = 0;
  /// A rule that is there already; nothing: it is not.
  virtual std::optional<BorrowedRule> find_rule(std::string_view id) const = 0;
  virtual std::string change_rule(const faults::ChangeRule& change) = 0;

  // ---- units and commands

  /// Carries the action out at each unit that it names; "" or why it could not be done.
  virtual std::string change_unit(const faults::ChangeUnit& change, faults::Time now) = 0;
  virtual void release_held(const std::string& tag) = 0;

  // ---- what happens

  /// Something is about to happen, a run may begin: what happened until now is observed first.
  virtual void catch_up(faults::Time now) = 0;

  // ---- what is written down.  Scenarios have heard of it already: it must not come back to them.

  virtual void note_mark(const std::string& name, faults::Time now) = 0;
  virtual void note_event(const std::string& name, faults::Time now) = 0;
  virtual void note_state(const std::string& scenario, const std::string& state,
                          faults::Time now) = 0;

  /// Those that are logged in now, discovery sessions left out.
  virtual std::vector<faults::SessionUp> sessions() const = 0;
};

/// The part of a host that the rule book can do.
class RuleBookHost : public ScenarioHost {
 public:
  /// `book` outlives the host.
  RuleBookHost(RuleBook& book, std::function<TimePoint()> now)
      : book_(book), now_(std::move(now)) {}

  std::string put_rules(std::string_view scenario, std::vector<faults::Rule> rules) override;
  std::optional<BorrowedRule> find_rule(std::string_view id) const override;
  std::string change_rule(const faults::ChangeRule& change) override;

 private:
  RuleBook& book_;
  std::function<TimePoint()> now_;
};

}  // namespace faultlun::daemon
