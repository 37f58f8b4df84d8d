// The composition root: configuration → units → listeners; reload; ordered shutdown.
#pragma once

#include "config/model.hpp"
#include "config/secrets.hpp"
#include "daemon/book_keeper.hpp"
#include "daemon/build.hpp"
#include "daemon/clock.hpp"
#include "daemon/control/http.hpp"
#include "daemon/journal_view.hpp"
#include "daemon/listener.hpp"
#include "daemon/publisher.hpp"
#include "daemon/replayer.hpp"
#include "daemon/rule_book.hpp"
#include "daemon/scenario_service.hpp"
#include "daemon/worker.hpp"
#include "daemon/world.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace faultlun::daemon {

class Daemon {
 public:
  static constexpr std::uint16_t kLogoutSeconds =
      3;  ///< Parameter3 of asynchronous event 1 (RFC 7143 §11.9)
  static constexpr auto kDrainTime =
      std::chrono::milliseconds(1500);  ///< at shutdown, for last words to leave

  static constexpr auto kLastWords = std::chrono::milliseconds(
      150);  ///< at shutdown, for those to hear of it who wait for a scenario

  /// Opens every device and every socket; throws std::runtime_error (one clear line) when something
  /// cannot be had.
  Daemon(config::Config config, config::Secrets secrets, unsigned threads, Duration spin);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Logins are accepted from now on.
  void start();
  /// "ready iscsi=… control=… seed=0x… pid=…" (contract).
  std::string ready_line() const;
  /// Takes what a new configuration changes; "" or why nothing of it was taken.
  std::string reload(config::Config next, config::Secrets secrets);
  /// Tells every initiator, waits twice kDrainTime at most, stops.  False: a device did not finish
  /// in that time, and the process should end without destroying anything.
  bool stop();

 private:
  struct Home {
    std::unique_ptr<Worker> worker;
    std::unique_ptr<ConnectionSet> connections;
  };
  struct UnitKey {
    std::string target;
    std::uint16_t lun = 0;
    friend auto operator<=>(const UnitKey&, const UnitKey&) = default;
  };
  struct OpenUnit {
    config::Lun settings;
    std::shared_ptr<LunHost> host;
  };
  using Units = std::map<UnitKey, OpenUnit>;

  Units open_units(const config::Config& config) const;
  std::vector<std::shared_ptr<TargetHost>> make_targets(const config::Config& config,
                                                        const Units& units) const;
  void adopt(config::Config config, config::Secrets secrets, Units units);
  void open_portals();
  void open_control();
  std::vector<control::Route> fault_routes();
  std::vector<control::Route> journal_routes();
  std::vector<control::Route> scenario_routes();
  void heal(bool data);
  JournalSources journal_sources() const;
  Arrival describe(const Listener::Portal& portal, const boost::asio::ip::tcp::endpoint& local,
                   const boost::asio::ip::tcp::endpoint& peer);
  control::Response ask_for_logout(const control::Request& request);
  void refresh_directories();
  void end_sessions_of_removed_targets();
  template <typename Done>
  bool wait_for(Done done) const;

  SystemClock clock_;
  config::Config config_;
  config::Secrets secrets_;
  World world_;
  Units units_;
  RuleNames rule_names_;
  NameTable marks_, lab_names_;
  WorkerPublisher publisher_{world_, rule_names_};
  Replayer replayer_{world_, publisher_, clock_};
  RuleBook book_;
  std::vector<Home> homes_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<OpenPortal> portals_;
  mutable std::mutex mutex_;  ///< config_ and secrets_: the control thread reads them
  std::unique_ptr<ScenarioService> scenarios_;
  std::unique_ptr<control::Router> router_;
  std::unique_ptr<control::Server> control_;
  std::string control_url_;
  TimePoint started_at_;
  Worker house_keeper_{clock_, Duration::zero()};  ///< no connection lives there
  BookKeeper book_keeper_{house_keeper_, book_, world_.used_up_rules};
  bool started_ = false;
};

}  // namespace faultlun::daemon
