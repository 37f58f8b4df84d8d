// What all connections share: targets with their units, live sessions, the rules in force.
// Connections live on several threads; everything here is locked, atomic or immutable.
#pragma once

#include "daemon/aliases.hpp"
#include "daemon/clock.hpp"
#include "daemon/journal.hpp"
#include "daemon/lun_host.hpp"
#include "daemon/mark_times.hpp"
#include "daemon/name_table.hpp"
#include "daemon/used_up.hpp"
#include "faults/replay.hpp"
#include "protocol/iscsi/directory.hpp"
#include "protocol/iscsi/login.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace faultlun::daemon {

class Connection;

/// The units of a target by number.  Immutable; replaced whole when the configuration changes.
struct LunMap {
  std::vector<std::uint16_t> numbers;               ///< ascending
  std::vector<std::shared_ptr<LunHost>> by_number;  ///< index: LUN; null: no unit

  static std::shared_ptr<const LunMap> of(std::vector<std::shared_ptr<LunHost>> units);
  /// `all` without its unplugged units; `all` itself when it has none.
  static std::shared_ptr<const LunMap> plugged_in(std::shared_ptr<const LunMap> all);
  std::shared_ptr<LunHost> find(std::uint16_t lun) const {
    return lun < by_number.size() ? by_number[lun] : nullptr;
  }
};

class TargetHost {
 public:
  static constexpr std::size_t kMaxKnownPorts = 65536;  ///< then all are forgotten at once

  TargetHost(std::string name, std::uint16_t index, bool power_on_unit_attention,
             std::shared_ptr<const LunMap> luns);

  const std::string& name() const { return name_; }
  std::uint16_t index() const { return index_; }
  /// The units that are there: those configured but the unplugged ones.
  std::shared_ptr<const LunMap> luns() const;
  /// All of them.
  std::shared_ptr<const LunMap> configured_luns() const;
  void set_luns(std::shared_ptr<const LunMap> luns);
  /// A unit has been unplugged or plugged in: luns() is made anew.  False: it has not changed.
  bool refresh_luns();

  /// The unit attention that a session of this initiator port starts with on every unit: 29/00 at
  /// its first login, 29/07 (I_T nexus loss) later; nothing when configured so.
  std::optional<scsi::SenseCode> first_attention(const std::string& initiator_port);
  /// After a target cold reset every port is new again.
  void forget_ports();

 private:
  std::string name_;
  std::uint16_t index_;
  bool power_on_unit_attention_;
  mutable std::mutex mutex_;
  std::shared_ptr<const LunMap> luns_, configured_;
  std::set<std::string> known_ports_;
};

/// Identity of a session (RFC 7143 §4.4.3): at most one lives per key.
struct SessionKey {
  std::string initiator;
  iscsi::Isid isid{};
  std::string target;  ///< or "discovery@<portal>" for unnamed discovery sessions (§7.4.2.1)
  std::uint16_t portal_group_tag = 0;
  friend auto operator<=>(const SessionKey&, const SessionKey&) = default;
};

class SessionTable final : public iscsi::SessionIndex {
 public:
  explicit SessionTable(std::size_t limit) : limit_(limit) {}

  bool exists(std::string_view initiator, const iscsi::Isid& isid, std::uint16_t tsih,
              std::string_view target, std::uint16_t portal_group_tag) const override;
  std::optional<iscsi::LiveSession> live(std::uint16_t tsih) const override;
  bool room() const override;
  std::uint16_t new_tsih() override;

  /// Makes `connection` the holder of `key`; the former holder, if any, has to end (the caller sees
  /// to it).
  std::shared_ptr<Connection> enter(const SessionKey& key, std::uint16_t tsih,
                                    iscsi::LiveSession facts,
                                    std::shared_ptr<Connection> connection);
  /// Frees `key` if `connection` still holds it.
  void leave(const SessionKey& key, const Connection* connection);

  std::vector<std::shared_ptr<Connection>> all() const;
  std::size_t size() const;
  void set_limit(std::size_t limit);

 private:
  struct Entry {
    std::uint16_t tsih = 0;
    iscsi::LiveSession facts;
    std::shared_ptr<Connection> connection;
  };
  mutable std::mutex mutex_;
  std::size_t limit_;
  std::map<SessionKey, Entry> entries_;
  std::map<std::uint16_t, std::size_t> tsihs_;  ///< in use, how often
  std::uint16_t last_tsih_ = 0;
};

/// Limits and timers of connections, from the configuration.
struct ConnectionLimits {
  Duration login_timeout = std::chrono::seconds(15);
  Duration nop_interval{};  ///< zero: no keep-alive
  Duration nop_timeout = std::chrono::seconds(10);
  std::uint32_t command_window = iscsi::kCommandWindow;
  std::size_t max_connections_per_portal = 8192;  ///< one more is closed at once
};

class World {
 public:
  World(std::uint64_t run_seed, std::size_t max_sessions, TimePoint start = {})
      : seed(run_seed), started_at(start), sessions(max_sessions) {}

  const std::uint64_t seed;
  const TimePoint started_at;  ///< where the time of the rules begins
  SessionTable sessions;
  AliasTable aliases;
  UsedUpRules used_up_rules;
  SharedJournal shared_journal;  ///< what no loop does by itself
  NameTable refused_logins;      ///< of JournalEntry::login_refused
  MarkTimes marks;
  /// Held by every operation that a device may still be busy with; its use_count() tells when none
  /// is left.
  const std::shared_ptr<const int> busy = std::make_shared<int>(0);

  std::shared_ptr<TargetHost> find_target(std::string_view name) const;
  std::vector<std::shared_ptr<TargetHost>> targets() const;
  void set_targets(std::vector<std::shared_ptr<TargetHost>> targets);

  /// The set that sessions begin with; those that live have to adopt() a new one.
  std::shared_ptr<const faults::RuleSet> rules() const;
  void set_rules(std::shared_ptr<const faults::RuleSet> rules);
  /// A recording that is in force instead of the rules; null: none.
  std::shared_ptr<const faults::ReplaySet> replay() const;
  void set_replay(std::shared_ptr<const faults::ReplaySet> replay);
  /// Everything was healed: commands decided up to this epoch damage no medium any more.
  std::atomic<std::uint64_t> healed_epoch{0};
  faults::Time since_start(TimePoint at) const { return at - started_at; }

  std::shared_ptr<const iscsi::Directory> directory() const;
  void set_directory(std::shared_ptr<const iscsi::Directory> directory);

  ConnectionLimits limits() const;
  void set_limits(ConnectionLimits limits);

  scsi::NexusId new_nexus() { return next_nexus_.fetch_add(1, std::memory_order_relaxed); }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<TargetHost>> targets_;
  std::shared_ptr<const faults::RuleSet> rules_ = std::make_shared<faults::RuleSet>();
  std::shared_ptr<const faults::ReplaySet> replay_;
  std::shared_ptr<const iscsi::Directory> directory_ = std::make_shared<iscsi::Directory>();
  ConnectionLimits limits_;
  std::atomic<scsi::NexusId> next_nexus_{1};
};

}  // namespace faultlun::daemon
