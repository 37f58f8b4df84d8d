// What a run has shown so far, gathered from its observations, and what its expectations make of
// it.  Only what some expectation asks for is kept; everything kept has a limit, and what went
// beyond it counts as not seen: a claim that something never happened then fails.
#pragma once

#include "faults/observation.hpp"
#include "faults/scenario.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace faultlun::faults {

/// One expectation that was judged.
struct Finding {
  That that = That::must_fire;
  bool passed = false;
  std::string why;  ///< one sentence
  friend bool operator==(const Finding&, const Finding&) = default;
};

class Evidence {
 public:
  static constexpr std::size_t kMaxFollowed = 65536;  ///< commands in progress
  static constexpr std::size_t kMaxRetried = 65536;   ///< reads and writes that failed
  static constexpr std::size_t kMaxFunctions = 65536;
  static constexpr std::size_t kMaxLosses = 4096;    ///< sessions that were lost
  static constexpr std::size_t kMaxStays = 4096;     ///< in states that `recovered` is about
  static constexpr std::size_t kMaxPoisons = 65536;  ///< data faults that are not healed
  static constexpr std::size_t kMaxInitiators = 4096;

  /// `may_idle`: borrowed rules that need not fire.  The scenario outlives the evidence.
  Evidence(const Scenario& scenario, std::vector<std::string> may_idle);

  /// A session that was there when the scenario began.
  void know(const SessionUp& session);
  void observe(const Observation& observation, Time at);
  void entered(std::size_t state, Time at);
  void left(std::size_t state, Time at);

  /// Some expectation waits for something that may yet come, until then at the latest.
  std::optional<Time> open_until(Time now) const;
  /// Every expectation, and must_fire behind them unless it is one.
  std::vector<Finding> judge(std::size_t final_state, Time now) const;
  /// Observations of commands are of use.
  bool needs_commands() const { return follows_ || needs_ends_; }

 private:
  friend struct Judge;

  /// What makes a command the same one when it is tried again.
  struct Content {
    std::uint32_t initiator = 0;
    std::uint16_t lun = 0;
    OperationClass operation = OperationClass::other;
    std::uint64_t lba = 0, blocks = 0;
    friend auto operator<=>(const Content&, const Content&) = default;
  };
  struct Flight {
    Time began{};
    Content content;
  };
  struct Chain {
    std::uint64_t retries = 0;
    bool failed = false;  ///< the last try did, and the next has not begun
  };
  struct Loss {
    std::uint32_t initiator = 0;
    Time at{};
    std::optional<Time> back;
  };
  struct Stay {
    std::size_t state = 0;
    std::optional<Time> left;
    std::map<std::uint32_t, std::optional<Time>> users;  ///< initiators, and when they had GOOD
  };
  struct Gap {
    Time gap{};
    std::uint32_t initiator = 0;
  };

  void on(const CommandBegan& began, Time at);
  void on(const CommandEnded& ended, Time at);
  void on(const FunctionSent& sent, Time at);
  void on(const SessionUp& up, Time at);
  void on(const SessionDown& down, Time at);
  void on(const LoginRefused& refused, Time at);
  void on(const RuleFired& fired, Time at);
  void on(const DataStruck& struck, Time at);
  void on(const DataHealed& healed, Time at);
  void on(const EntriesLost& lost, Time at);
  template <typename Other>
  void on(const Other&, Time) {}

  std::uint32_t initiator(const std::string& name);
  std::uint32_t initiator_of(std::uint32_t session);
  void uses_the_target(std::uint32_t initiator);
  void came_back(std::uint32_t initiator, Time at);
  void end_of(const Content& content, bool good);

  const Scenario& scenario_;
  std::vector<std::string> may_idle_;
  bool follows_ = false;     ///< commands one by one
  bool needs_ends_ = false;  ///< their status alone
  bool follows_retries_ = false;
  std::vector<bool> recovers_from_;  ///< by state: `recovered` is about it

  std::vector<std::string> initiators_;
  std::map<std::string, std::uint32_t> initiator_numbers_;
  std::unordered_map<std::uint32_t, std::uint32_t> sessions_;  ///< to initiators
  std::unordered_map<std::uint32_t, std::unordered_map<std::uint32_t, Flight>> flights_;
  std::size_t in_flight_ = 0;
  std::map<Content, Chain> chains_;
  std::uint64_t most_retries_ = 0;
  std::uint64_t failed_ = 0;                          ///< reads and writes
  std::vector<std::vector<std::uint8_t>> functions_;  ///< by initiator, in order
  std::size_t functions_seen_ = 0;
  std::vector<Loss> losses_;
  std::vector<std::optional<Time>> last_gone_;  ///< by initiator: lost or refused
  std::optional<Gap> shortest_gap_;
  std::vector<Stay> stays_;
  std::vector<std::size_t> recovering_;  ///< of stays_: left, and somebody has not had GOOD
  std::map<std::string, std::uint64_t, std::less<>> fired_;
  std::set<std::size_t> reached_;
  std::uint64_t swallowed_ = 0, died_ = 0;
  std::optional<CommandEnded> slowest_;
  std::uint64_t struck_ = 0, incurable_ = 0;
  std::map<std::string, DataStruck> poisons_;
  std::uint64_t unseen_ = 0;  ///< what was lost or went beyond a limit
};

}  // namespace faultlun::faults
