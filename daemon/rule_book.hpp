// The rules in force, all of them, wherever they came from: the one place where rules are added,
// changed, armed and removed.  Every change makes a new immutable set (faults/rule_set.hpp) and
// hands it to the workers.  Knows no JSON and no HTTP; time is an argument.  Safe for all threads.
//
// Rules come from sources: the loaded file ("config"), the control API ("api"), and scenarios
// ("scenario:<id>").  Each source is an ordered list; the lists follow each other in the order in
// which the sources came first, "config" and "api" before all others.  An ID is in one source only.
#pragma once

#include "daemon/clock.hpp"
#include "daemon/rule_check.hpp"
#include "daemon/used_up.hpp"
#include "faults/rule_set.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace faultlun::daemon {

inline constexpr std::size_t kMaxLeases = 1024;
inline constexpr std::size_t kMaxSources = 1024;
inline constexpr std::string_view kConfigSource = "config";
inline constexpr std::string_view kApiSource = "api";
std::string scenario_source(std::string_view scenario);

/// The first command that a session evaluates under a new set.
struct SessionMark {
  std::string alias;
  std::uint16_t tsih = 0;
  std::uint32_t cmd_sn = 0, stat_sn = 0;
  friend bool operator==(const SessionMark&, const SessionMark&) = default;
};
struct Barrier {
  std::uint64_t epoch = 0;
  std::vector<SessionMark> sessions;
};
/// Told the barrier when every worker has the set; on any thread, perhaps before the call that
/// takes it returns.  May be empty.
using Done = std::function<void(Barrier)>;

/// Hands sets to the workers.
class Publisher {
 public:
  virtual ~Publisher() = default;
  /// Called for one set at a time, in the order of their epochs; the same set may come again, for
  /// its barrier.  `done` is never empty and must be called once.
  virtual void publish(std::shared_ptr<const faults::RuleSet> rules, Done done) = 0;
};

/// What must hold for a rule before it is changed: If-Match and If-None-Match.
struct Precondition {
  enum class Kind : std::uint8_t { nothing, exists, absent, revision };
  Kind kind = Kind::nothing;
  std::uint64_t revision = 0;
  static Precondition none_match_any() { return {Kind::absent, 0}; }
  static Precondition match_any() { return {Kind::exists, 0}; }
  static Precondition match(std::uint64_t revision) { return {Kind::revision, revision}; }
};

/// What a change came to.  It is in force in every worker when `Done` is called.
struct Change {
  std::uint64_t epoch = 0;
  std::uint64_t revision = 0;  ///< of the rule, when one was named and it is still there
  /// IDs.  Replaced rules start with new counters; changed ones (armed, disarmed) keep theirs.
  std::vector<std::string> created, replaced, changed, removed;
  bool anything() const {
    return !created.empty() || !replaced.empty() || !changed.empty() || !removed.empty();
  }
  /// What was removed and created again counts as replaced.
  void join_replaced();
};
using ChangeOrError = std::variant<Change, RuleError>;

/// One rule as a listing shows it.
struct RuleStatus {
  std::shared_ptr<const faults::Rule> rule;  ///< life.armed says whether it is armed now
  std::string source;
  std::uint64_t revision = 0;  ///< never reused for another state of any rule
  std::uint64_t serial = 0;    ///< of the lifetime: counters began with it
  bool exhausted = false;
  std::uint64_t matched = 0, fired = 0, suppressed = 0, observed = 0;
  std::uint32_t active = 0;
  TimePoint installed_at{}, armed_at{};                  ///< this rule, and when it was armed last
  std::optional<TimePoint> expires_at;                   ///< ttl
  std::shared_ptr<const faults::RuleLifetime> lifetime;  ///< its histogram, and what it injected
};
struct RuleFilter {
  std::optional<std::string> owner, tag, source;
};

struct LeaseStatus {
  std::string name;
  TimePoint expires_at{};
  std::size_t rules = 0;
};

/// What expire() found over.
struct Expired {
  std::vector<std::string> leases, rules;
};

/// What the exhaustion of a rule asks for beside what the book did itself.
struct Exhaustion {
  std::string event, go_to;  ///< empty: nothing
  bool noted = false;        ///< the rule is there, and this is the end of its lifetime
};

class RuleBook {
 public:
  /// `start` is the zero of faults::Time.  The publisher outlives the book; it has the empty set
  /// until the first change.
  RuleBook(std::uint64_t seed, TimePoint start, Publisher& publisher);
  RuleBook(const RuleBook&) = delete;
  RuleBook& operator=(const RuleBook&) = delete;

  /// Adds or replaces one rule.  The same rule again changes nothing, one that differs only in
  /// life.armed is armed or disarmed; any other starts with a new lifetime in the old one's place.
  ChangeOrError put(std::string_view source, faults::Rule rule, const Precondition& precondition,
                    TimePoint now, Done done);
  /// put() of several, all or none; other rules stay.
  ChangeOrError populate(std::string_view source, std::vector<faults::Rule> rules, TimePoint now,
                         Done done);
  /// The rules of one source become these, in this order; all or none.
  ChangeOrError replace_source(std::string_view source, std::vector<faults::Rule> rules,
                               TimePoint now, Done done);
  /// The rules of file and API together become these, as rules of the API; all or none.
  ChangeOrError replace_all(std::vector<faults::Rule> rules, TimePoint now, Done done);
  ChangeOrError remove(std::string_view id, const Precondition& precondition, TimePoint now,
                       Done done);
  /// A disarmed rule stays, with its counters, and takes part in nothing.  Arming an armed rule
  /// starts its window and cycle again.
  ChangeOrError arm(std::string_view id, const Precondition& precondition, TimePoint now,
                    Done done);
  ChangeOrError disarm(std::string_view id, const Precondition& precondition, TimePoint now,
                       Done done);
  /// The same rule with a new lifetime: counters from zero, blocks that healed are bad again.  Its
  /// ttl goes on.
  ChangeOrError reset(std::string_view id, const Precondition& precondition, TimePoint now,
                      Done done);
  /// No rules at all.
  Change clear(TimePoint now, Done done);
  /// As after the start: the rules of the file, as last given to replace_source(kConfigSource),
  /// with new lifetimes, and no others.  Leases stay.
  Change reset_all(TimePoint now, Done done);

  std::optional<RuleStatus> get(std::string_view id) const;
  /// In the order of evaluation but for priorities.
  std::vector<RuleStatus> list(const RuleFilter& filter = {}) const;
  std::shared_ptr<const faults::RuleSet> rules() const;

  /// Starts a lease, or keeps it up: rules with its name in life.lease go `ttl` after the last
  /// call.
  std::optional<RuleError> keep_lease(std::string_view name, Duration ttl, TimePoint now);
  ChangeOrError drop_lease(std::string_view name, TimePoint now, Done done);
  std::vector<LeaseStatus> leases() const;

  /// When expire() has something to do next.
  std::optional<TimePoint> next_deadline() const;
  /// Removes the rules whose ttl or lease is over.
  Expired expire(TimePoint now, Done done);

  /// Called without the lock, on any thread, when next_deadline() has come nearer.
  void set_on_sooner(std::function<void()> on_sooner);

  /// The rules of these lifetimes are used up.  Does what life.on_exhaust says, once in a lifetime;
  /// of a rule that is gone or was replaced nothing.  An answer for each; one new set for all.
  std::vector<Exhaustion> exhausted(std::span<const UsedUp> rules, TimePoint now, Done done);

 private:
  struct Held {
    std::shared_ptr<const faults::Rule> rule;
    std::shared_ptr<faults::RuleLifetime> lifetime;
    std::uint64_t revision = 0;
    bool exhausted = false;
    TimePoint installed_at{}, armed_at{};
    std::optional<TimePoint> expires_at;
  };
  struct Source {
    std::string name;
    std::vector<Held> rules;
  };
  struct Lease {
    std::string name;
    TimePoint expires_at{};
  };
  struct Publication {
    std::shared_ptr<const faults::RuleSet> rules;
    Done done;
  };
  class Draft;  ///< a change under way: a copy of the sources, which becomes the book or is thrown
                ///< away

  Change commit(Draft& draft, Done done);
  template <typename Edit>
  ChangeOrError edit(TimePoint now, Done done, Edit edit);
  template <typename Edit>
  ChangeOrError edit_one(std::string_view id, const Precondition& precondition, TimePoint now,
                         Done done, Edit edit_held);
  void hand_over();
  std::optional<TimePoint> first_deadline() const;
  std::function<void()> if_sooner();
  Exhaustion exhaust(Draft& draft, const UsedUp& over);
  static RuleStatus status_of(const Source& source, const Held& held);

  const std::uint64_t seed_;
  const TimePoint start_;
  Publisher& publisher_;

  mutable std::mutex mutex_;
  std::vector<Source> sources_;
  std::vector<faults::Rule> loaded_;  ///< of the file, for reset_all()
  std::vector<Lease> leases_;
  std::shared_ptr<const faults::RuleSet> rules_;
  std::uint64_t epoch_ = 0, last_revision_ = 0, last_serial_ = 0;
  std::deque<Publication> publications_;  ///< not yet handed to the publisher, in order
  std::function<void()> on_sooner_;
  std::optional<TimePoint> told_deadline_;  ///< that on_sooner_ was called for
  bool handing_over_ = false;               ///< a thread is at it and takes what is added meanwhile
};

}  // namespace faultlun::daemon
