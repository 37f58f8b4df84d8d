// An immutable set of rules, compiled for speed and swapped whole: an epoch.  Rules that a command
// cannot match cost it next to nothing: they are found by opcode, LUN and LBA.
#pragma once

#include "faults/draw.hpp"
#include "faults/rule.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace faultlun::faults {

/// What a rule keeps beside its counters per session: it lives as long as the rule, over epochs and
/// for all sessions.  Numbers for listings and metrics, and what rules of global scope count.
struct RuleLifetime {
  std::uint64_t serial = 0;       ///< never reused: a rule that is replaced gets another
  std::uint64_t first_epoch = 0;  ///< writes decided in earlier epochs do not count for it
  Time armed_at{};                ///< first armed; InstalledRule has the last time
  std::atomic<std::uint64_t> matched{0}, fired{0}, suppressed{0};
  std::atomic<std::uint64_t> observed{0};  ///< of the suppressed ones: by a rule that only observes
  /// Answers that each effect gave, bent or withheld; counted by whoever answers.
  std::array<std::atomic<std::uint64_t>, kMaxEffectsPerRule> injected{};
  std::atomic<std::uint64_t> global_matches{0}, global_fired{0};
  std::atomic<std::uint32_t> active{0};     ///< commands under its effects now
  std::atomic<bool> used_up{false};         ///< once_per run
  std::atomic<bool> told_exhausted{false};  ///< whoever notices it first tells (Verdict::last)
  std::shared_ptr<void> host;               ///< the daemon's: state of shapers, histogram
};

/// A rule of an epoch.
struct InstalledRule {
  Rule rule;
  std::shared_ptr<RuleLifetime> lifetime;
  Drawer counter_drawer;                  ///< for key "*"
  std::vector<const ClauseRow*> clauses;  ///< those that are given, session clauses left out
  std::vector<const ClauseRow*> session_clauses;
  std::uint64_t name_hash = 0;    ///< of the ID, for the decision hash
  std::uint32_t order = 0;        ///< place in the order of evaluation
  std::int32_t after_fault = -1;  ///< order of the rule that match.after_fault names
  bool on_payload = false;        ///< decided when the Data-Out is here
  bool runs = true;               ///< run_gate's verdict
  bool timed = false, order_dependent = false;
  bool can_end = false;  ///< something limits how often it fires
  /// Once it is used up in a session, it takes no part there any more, without waiting for the set
  /// in which it is disarmed or gone: when that comes is a matter of time.
  bool ends_itself = false;
  Site site = Site::cmd_enqueue;  ///< where it is decided
  Time armed_at{};
  bool looks_at_writes = false;  ///< its match needs Past::touched or Past::rewrites
};

/// Disjoint stretches of LBAs, each with the rules that it concerns.
class LbaIndex {
 public:
  struct Range {
    std::uint64_t first = 0, last = 0;
    std::uint32_t rule = 0;
  };
  /// Ranges that would make the index too large come back: they are to be looked at always.
  std::vector<Range> build(std::vector<Range> ranges);
  /// Appends the rules of every stretch that [first, last] touches; may name a rule twice.
  void collect(std::uint64_t first, std::uint64_t last, std::vector<std::uint32_t>& rules) const;
  bool empty() const { return starts_.empty(); }

 private:
  bool coarse_miss(std::uint64_t first, std::uint64_t last) const;

  std::vector<std::uint64_t> starts_;      ///< ascending; a stretch ends where the next begins
  std::vector<std::uint32_t> first_rule_;  ///< per stretch into rules_, one more at the end
  std::vector<std::uint32_t> rules_;
  std::uint64_t lowest_ = 0, highest_ = 0;
  unsigned coarse_shift_ = 0;
  std::vector<std::uint64_t> coarse_;  ///< a bit for each so many blocks: a range touches them
};

class RuleSet {
 public:
  static constexpr std::size_t kMaxLunsIndexed = 16384;

  /// The empty set, epoch 0.
  RuleSet() = default;
  struct Entry {
    Rule rule;
    std::shared_ptr<RuleLifetime> lifetime;
    std::optional<Time> armed_at = std::nullopt;  ///< nothing: when its lifetime began
  };
  /// Entries in order of installation; those that are not armed take part in nothing.
  RuleSet(std::vector<Entry> entries, std::uint64_t epoch, std::uint64_t seed);
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;

  std::uint64_t epoch() const { return epoch_; }
  /// No rule can have a say in what becomes of commands.
  bool ignores_commands() const { return ignores_commands_; }
  bool ignores_logins() const { return logins_.empty(); }
  /// A rule may take units away from REPORT LUNS (Absent, unless `listed`).
  bool hides_units() const { return !absences_.empty(); }
  /// A rule looks at what was tried (attempt, key content or attempt), or written before.
  bool needs_attempts() const { return needs_attempts_; }
  bool needs_write_history() const { return needs_write_history_; }
  bool has_payload_rules() const { return has_payload_rules_; }
  /// A rule may make commands wait for a moment to come.
  bool has_delays() const { return has_delays_; }
  /// A rule may make the medium lie.
  bool has_data_faults() const { return has_data_faults_; }

  /// In order of evaluation.
  std::span<const std::shared_ptr<const InstalledRule>> rules() const { return rules_; }
  const InstalledRule& at(std::uint32_t order) const { return *rules_[order]; }
  const InstalledRule* find(std::string_view id) const;
  /// A rule of the set, armed or not, has a lifetime of this number.
  bool has_serial(std::uint64_t serial) const;

  /// Rules that may match a command, ascending, each once.  `out` is cleared first.
  void candidates(const Facts& facts, std::vector<std::uint32_t>& out) const;
  std::span<const std::uint32_t> task_management() const { return task_management_; }
  std::span<const std::uint32_t> logins() const { return logins_; }
  std::span<const std::uint32_t> absences() const { return absences_; }

 private:
  /// Of one class of opcodes, and of one LUN or of all that are not named.
  struct Cell {
    std::vector<std::uint32_t> everywhere;  ///< rules without an LBA clause
    LbaIndex by_lba;
  };
  struct OpcodeClass {
    std::int32_t any_lun = -1;         ///< index of cells_
    std::vector<std::int32_t> by_lun;  ///< by dense LUN number; empty: none
  };
  void build_index();
  std::int32_t make_cell(const std::vector<std::uint32_t>& rules);

  std::uint64_t epoch_ = 0;
  bool ignores_commands_ = true, needs_attempts_ = false, needs_write_history_ = false;
  bool has_payload_rules_ = false, has_data_faults_ = false, has_delays_ = false;
  std::vector<std::shared_ptr<const InstalledRule>> rules_;
  std::vector<std::uint64_t> serials_;  ///< ascending
  std::vector<std::uint32_t> commands_, task_management_, logins_, absences_;
  std::vector<Cell> cells_;
  std::vector<OpcodeClass> classes_;
  std::array<std::uint16_t, 256> class_of_opcode_{};
  std::vector<std::uint16_t> dense_lun_;  ///< by LUN: 1 + number among the LUNs named, 0: not named
};

}  // namespace faultlun::faults
