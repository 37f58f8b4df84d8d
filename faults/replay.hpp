// Replay (determinism contract D6): what a journal recorded strikes again, exactly as it was
// resolved then, without gates and draws.  A command takes the place of the recorded one with the
// same content, met as often before; failing that, of the one with its CmdSN that is the same
// operation on the same unit.  The first command of a session that is another than the recorded
// one is kept as its divergence.  Pure.
//
// CmdSNs count from the first one of a session that was recorded from its beginning, so it does not
// matter where an initiator starts; of other sessions they are taken as they are.
#pragma once

#include "faults/decide.hpp"

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace faultlun::faults {

/// A journal as far as a replay needs it; config/replay_file.hpp reads one.
struct Recording {
  static constexpr std::size_t kMaxSessions = 16384;
  static constexpr std::size_t kMaxEvents = 1'000'000;

  struct Strike {
    std::uint32_t effect = 0;  ///< place in the rule
    std::array<std::uint64_t, 2> resolved{};
  };
  /// A rule that fired.
  struct Fired {
    std::uint32_t rule = 0;  ///< index of `rules`
    Key key = Key::counter;
    std::uint64_t key_number = 0, index = 0, draw = 0;
    bool drawn = false;
    std::vector<Strike> strikes;
  };
  /// Those of one lane come in one order; how lanes lie between each other is the host's affair.
  enum class Lane : std::uint8_t { command, immediate, function };
  static constexpr std::size_t kLanes = 3;
  struct Event {
    Lane lane = Lane::command;
    bool has_lun = false;
    std::uint8_t function = 0;
    std::uint16_t lun = 0;
    std::uint32_t cmd_sn = 0;
    scsi::Cdb cdb;
    std::vector<Fired> fired;
  };
  struct Session {
    std::string alias, target;
    bool whole = false;         ///< recorded from its login on
    std::vector<Event> events;  ///< in the order in which they were decided
    /// Events before the first gap: behind it there is no order to compare with.
    std::size_t in_order = SIZE_MAX;
  };
  std::uint64_t seed = 0;
  std::vector<Rule> rules;
  std::vector<Session> sessions;
};

/// Epochs of replays lie above those of all other sets.
inline constexpr std::uint64_t kReplayEpochs = std::uint64_t{1} << 63;
inline bool is_replay(const RuleSet& rules) {
  return rules.epoch() >= kReplayEpochs;
}

/// What one session under replay came to.  Written by its thread, read by any.
struct ReplayProgress {
  std::atomic<std::uint64_t> events{0};      ///< that came
  std::atomic<std::uint64_t> by_content{0};  ///< took the place of a recorded one
  std::atomic<std::uint64_t> by_cmd_sn{0};
  std::atomic<std::uint64_t> unknown{0};  ///< took nobody's place
  std::atomic<std::uint64_t> struck{0};   ///< of the recorded ones with effects
  std::atomic<bool> diverged{false};      ///< `expected` and `got` are there, and stay
  /// Place among the events of its lane; expected: index in Recording::Session::events.
  std::uint64_t place = 0;
  std::size_t expected = 0;
  Recording::Event got;
  std::atomic<bool> claimed{false};  ///< somebody writes, or has written, the divergence
};

/// A recording, made ready.  Immutable but for the progress.
class ReplaySet {
 public:
  /// Serials of its rules have the uppermost bit set and, below it, `generation`: another one for
  /// each set that is made; so has the epoch.  Strikes must name effects that their rules have, and
  /// rules that there are.
  ReplaySet(Recording recording, std::uint32_t generation);

  struct Session {
    Recording::Session recorded;
    std::size_t with_effects = 0;  ///< events that something struck
    /// Events by content, in order; by lane and CmdSN.
    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_content;
    std::unordered_map<std::uint64_t, std::uint32_t> by_cmd_sn;
    std::array<std::vector<std::uint32_t>, Recording::kLanes> lanes;
    std::uint32_t first_cmd_sn = 0;
    mutable ReplayProgress progress;
  };
  const std::deque<Session>& sessions() const { return sessions_; }
  const Session* find(const SessionFacts& session) const;
  std::uint64_t seed() const { return seed_; }
  /// The recorded rules without their gates.  Not to be decided by: decisions point into it.
  const std::shared_ptr<const RuleSet>& rules() const { return rules_; }
  const InstalledRule& rule(std::uint32_t index) const { return *by_index_[index]; }

  /// Commands of sessions that the recording does not know.
  std::atomic<std::uint64_t>& strangers() const { return strangers_; }

 private:
  std::uint64_t seed_ = 0;
  std::deque<Session> sessions_;
  std::unordered_map<std::string, const Session*> by_name_;
  std::shared_ptr<const RuleSet> rules_;
  std::vector<const InstalledRule*> by_index_;
  mutable std::atomic<std::uint64_t> strangers_{0};
};

/// A session under replay, on its thread.  Its functions stand in for decide() and the others of
/// decide.hpp, and are called at the same moments.
class ReplayState {
 public:
  static constexpr std::size_t kMaxPayloads = 4096;  ///< that are waited for; then the oldest go

  ReplayState(std::shared_ptr<const ReplaySet> set, const SessionFacts& session);

  const ReplaySet& set() const { return *set_; }
  /// Null: the recording does not know the session, and nothing strikes it.
  const ReplaySet::Session* session() const { return session_; }

  void decide(const Facts& facts, RuleState& state, Decision& out);
  void decide_payload(const Facts& facts, RuleState& state, Decision& out);
  void decide_task_management(const Facts& facts, RuleState& state, Decision& out);

 private:
  std::optional<std::uint32_t> place_of(const Facts& facts, Recording::Lane lane);
  void compare(const Facts& facts, Recording::Lane lane);
  void strike(std::uint32_t event, bool payload, const Facts& facts, RuleState& state,
              Decision& out);

  std::shared_ptr<const ReplaySet> set_;
  const ReplaySet::Session* session_;
  std::unordered_map<std::uint64_t, std::uint32_t> met_;  ///< contents that were recorded
  std::vector<bool> taken_;
  std::array<std::size_t, Recording::kLanes> next_{};
  bool in_step_ = false;                ///< the order is compared: from the first recorded one on
  std::optional<std::uint32_t> first_;  ///< CmdSN that came first
  std::deque<std::pair<std::uint64_t, std::uint32_t>> payloads_;  ///< CmdSN and lane, event
};

/// The event as a recording would have it.
Recording::Event event_of(const Facts& facts);
/// What makes two events the same: lane, unit, and what decide() calls content, or the function.
std::uint64_t content_of(const Recording::Event& event);

}  // namespace faultlun::faults
