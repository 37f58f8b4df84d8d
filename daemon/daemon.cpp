#include "daemon/daemon.hpp"

#include "config/dump.hpp"
#include "config/rules.hpp"
#include "daemon/control/api.hpp"
#include "daemon/control/explain_routes.hpp"
#include "daemon/control/fault_schemas.hpp"
#include "daemon/control/journal_routes.hpp"
#include "daemon/control/lab_routes.hpp"
#include "daemon/control/lun_routes.hpp"
#include "daemon/control/rule_routes.hpp"
#include "daemon/control/scenario_routes.hpp"
#include "daemon/control/task_routes.hpp"
#include "daemon/log.hpp"
#include "daemon/reports.hpp"
#include "daemon/rule_metrics.hpp"
#include "daemon/session_views.hpp"
#include "daemon/unit_changes.hpp"
#include "protocol/scsi/sense_codes.hpp"

#include <boost/asio/ip/address.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <stdexcept>
#include <unistd.h>

namespace faultlun::daemon {
namespace {

using boost::asio::ip::tcp;

constexpr auto kReportedLunsChanged = scsi::sense("reported_luns_data_has_changed");

ConnectionLimits limits_of(const config::Limits& limits) {
  ConnectionLimits out;
  out.login_timeout = limits.login_timeout;
  out.nop_interval = limits.nop_interval;
  out.nop_timeout = limits.nop_timeout;
  out.command_window = limits.command_window;
  out.max_connections_per_portal = limits.max_connections_per_portal;
  return out;
}

std::string text_of(const tcp::endpoint& endpoint) {
  return config::to_text({endpoint.address().to_string(), endpoint.port()});
}

}  // namespace

Daemon::Daemon(config::Config config, config::Secrets secrets, unsigned threads, Duration spin)
    : world_(config.seed.value_or(0), config.limits.max_sessions, clock_.now()),
      book_(world_.seed, world_.started_at, publisher_),
      started_at_(world_.started_at) {
  auto units = open_units(config);
  for (unsigned i = 0; i < threads; ++i) {
    auto worker = std::make_unique<Worker>(clock_, spin);
    auto connections = std::make_unique<ConnectionSet>(*worker, world_);
    homes_.push_back({std::move(worker), std::move(connections)});
  }
  WorkerPublisher::Homes publish_to;
  for (auto& home : homes_)
    publish_to.emplace_back(home.worker.get(), home.connections.get());
  publisher_.set_homes(std::move(publish_to));
  config_ = config;
  open_portals();
  adopt(std::move(config), std::move(secrets), std::move(units));
  open_control();
}

Daemon::~Daemon() {
  stop();
}

// ---- building
// -----------------------------------------------------------------------------------------------

/// Opens what is new; keeps what is open and has not changed.
Daemon::Units Daemon::open_units(const config::Config& config) const {
  Units units;
  for (const auto& target : config.targets) {
    for (const auto& lun : target.luns) {
      const UnitKey key{target.name, lun.lun};
      const auto open = units_.find(key);
      const bool keep = open != units_.end() && open->second.settings == lun;
      units.emplace(key, keep ? open->second : OpenUnit{lun, open_unit(lun)});
    }
  }
  return units;
}

std::vector<std::shared_ptr<TargetHost>> Daemon::make_targets(const config::Config& config,
                                                              const Units& units) const {
  std::vector<std::shared_ptr<TargetHost>> targets;
  for (std::size_t i = 0; i < config.targets.size(); ++i) {
    const auto& target = config.targets[i];
    std::vector<std::shared_ptr<LunHost>> hosts;
    for (const auto& lun : target.luns)
      hosts.push_back(units.at({target.name, lun.lun}).host);
    auto map = LunMap::of(std::move(hosts));
    auto host = world_.find_target(target.name);
    if (!host) {
      host = std::make_shared<TargetHost>(target.name, static_cast<std::uint16_t>(i),
                                          target.power_on_unit_attention, std::move(map));
    } else if (host->configured_luns()->by_number != map->by_number) {
      host->set_luns(map);
      for (const auto& unit : map->by_number)
        if (unit) unit->with_unit([](auto& each) { each.raise(kReportedLunsChanged); });
    }
    targets.push_back(std::move(host));
  }
  return targets;
}

void Daemon::adopt(config::Config config, config::Secrets secrets, Units units) {
  const auto outcome =
      book_.replace_source(kConfigSource, config.rules, clock_.now(), [](const Barrier&) {});
  if (const auto* error = std::get_if<RuleError>(&outcome))
    throw std::runtime_error("rules: " + error->path + ": " + error->message);
  for (const auto& [key, unit] : units_) {
    const auto kept = units.find(key);
    if (kept == units.end() || kept->second.host != unit.host) unit.host->retire();
  }
  auto targets = make_targets(config, units);
  publisher_.prepare(*book_.rules(), targets);
  world_.set_targets(std::move(targets));
  world_.set_limits(limits_of(config.limits));
  world_.sessions.set_limit(config.limits.max_sessions);
  units_ = std::move(units);
  const std::lock_guard lock(mutex_);
  config_ = std::move(config);
  secrets_ = std::move(secrets);
  world_.set_directory(
      std::make_shared<iscsi::Directory>(directory_of(config_, secrets_, portals_)));
}

void Daemon::open_portals() {
  std::uint16_t index = 0;
  for (const auto& portal : config_.portals) {
    const tcp::endpoint endpoint(boost::asio::ip::make_address(portal.listen.host),
                                 portal.listen.port);
    auto listener = std::make_unique<Listener>(
        *homes_.front().worker, world_, Listener::Portal{endpoint, index++, portal.group},
        [this](const auto& where, const auto& local, const auto& peer) {
          return describe(where, local, peer);
        });
    portals_.push_back({portal, listener->endpoint().port()});
    listeners_.push_back(std::move(listener));
  }
}

void Daemon::open_control() {
  control::ApiContext context;
  context.version = FAULTLUN_VERSION;
  context.seed = world_.seed;
  context.uptime = [this] {
    return std::chrono::duration_cast<std::chrono::microseconds>(clock_.now() - started_at_);
  };
  context.metrics = [this] {
    std::vector<const Counters*> sets;
    for (auto& home : homes_)
      sets.push_back(&home.worker->counters());
    return exposition(sets) + gauges(world_) + rule_exposition(book_.list());
  };
  context.sessions = [this] { return control::sessions_answer(publisher_); };
  context.targets = [this] { return report_targets(world_); };
  context.config = [this] {
    const std::lock_guard lock(mutex_);
    return config::dump(config_);
  };
  control::Route logout{
      .method = "POST",
      .pattern = "/v1/sessions/{tsih}/logout",
      .summary =
          "ask the initiator to log out (asynchronous event 1); the connection is closed if "
          "it does not in time",
      .handler = [this](const control::Request& request) { return ask_for_logout(request); },
      .parameters = {{"tsih", "of the session, as GET /v1/sessions lists it",
                      control::Parameter::In::path, control::Parameter::Type::integer}},
      .replies = {{202, "it was asked", "LogoutAsked"}}};
  auto routes = fault_routes();
  routes.push_back(std::move(logout));
  context.schemas = [] {
    auto schemas = control::fault_schemas();
    schemas.update(control::scenario_schemas());
    return schemas;
  };
  router_ =
      std::make_unique<control::Router>(control::api_routes(std::move(context), std::move(routes)));
  control::ServerOptions options;
  options.listen = config_.control.unix_path.empty() ? config::to_text(config_.control.listen)
                                                     : "unix:" + config_.control.unix_path;
  options.token = secrets_.of(config_.control.token_file);
  control_ = std::make_unique<control::Server>(std::move(options), *router_);
  control_url_ = control_->url();
}

JournalSources Daemon::journal_sources() const {
  JournalSources sources;
  for (const auto& home : homes_)
    sources.rings.push_back(&home.worker->journal());
  sources.rings.push_back(&world_.shared_journal.ring());
  sources.aliases = &world_.aliases;
  sources.rules = &rule_names_;
  sources.marks = &marks_;
  sources.logins = &world_.refused_logins;
  sources.lab = &lab_names_;
  return sources;
}

std::vector<control::Route> Daemon::journal_routes() {
  control::JournalContext journal;
  journal.sources = journal_sources();
  journal.seed = world_.seed;
  journal.rule_to_json = [](const faults::Rule& rule) { return config::rule_to_json(rule); };
  journal.ask_sessions = [this](auto done) {
    struct Gathering {
      std::mutex mutex;
      std::vector<AliasTable::Record> records;
    };
    auto gathering = std::make_shared<Gathering>();
    publisher_.for_each(
        [gathering](Connection& connection) {
          const auto* runner = connection.runner();
          if (runner == nullptr) return;
          const auto& state = runner->rule_state();
          const std::lock_guard lock(gathering->mutex);
          gathering->records.push_back(
              {runner->facts().alias(), runner->facts().target, state.commands, state.hash});
        },
        [gathering, done] { done(std::move(gathering->records)); });
  };
  auto routes = control::journal_routes(std::move(journal));
  control::ExplainContext explain;
  explain.seed = world_.seed;
  explain.now = [this] { return world_.since_start(clock_.now()); };
  explain.rules = [this] { return book_.rules(); };
  explain.with_session = [this](const std::string& alias, auto look) {
    look_at_session(publisher_, alias, std::move(look));
  };
  for (auto& route : control::explain_routes(std::move(explain)))
    routes.push_back(std::move(route));
  return routes;
}

std::vector<control::Route> Daemon::fault_routes() {
  control::RuleContext context;
  context.book = &book_;
  context.seed = world_.seed;
  context.version = FAULTLUN_VERSION;
  context.now = [this] { return clock_.now(); };
  context.drain = [this](std::uint64_t epoch, std::function<void()> done) {
    publisher_.drain(epoch, std::move(done));
  };
  context.heal = [this](bool data) { heal(data); };
  auto routes = control::rule_routes(std::move(context));
  for (auto& route : control::lun_routes({&world_}))
    routes.push_back(std::move(route));
  for (auto& route : control::lab_routes(
           {&world_, &publisher_, [this] { return world_.since_start(clock_.now()); }}))
    routes.push_back(std::move(route));
  for (auto& route : journal_routes())
    routes.push_back(std::move(route));
  for (auto& route : replayer_.routes())
    routes.push_back(std::move(route));
  for (auto& route : control::task_routes(publisher_))
    routes.push_back(std::move(route));
  for (auto& route : scenario_routes())
    routes.push_back(std::move(route));
  return routes;
}

std::vector<control::Route> Daemon::scenario_routes() {
  scenarios_ = std::make_unique<ScenarioService>(ScenarioSurroundings{
      .world = world_,
      .book = book_,
      .publisher = publisher_,
      .sources = journal_sources(),
      .journal = world_.shared_journal,
      .marks = marks_,
      .names = lab_names_,
      .now = [this] { return clock_.now(); },
      .post = [this](auto job) { control_->post(std::move(job)); },
      .set_alarm = [this](auto time, auto job) { control_->set_alarm(time, std::move(job)); }});
  return control::scenario_routes(
      {&scenarios_->runner(), [this] { return scenarios_->since_start(); }});
}

void Daemon::heal(bool data) {
  scenarios_->abandon_all("everything was reset");
  world_.marks.clear();
  replayer_.install(nullptr, [] {});
  heal_units(world_, world_.since_start(clock_.now()));
  heal_media(world_, book_.rules()->epoch(), data);
  publisher_.for_each(
      [](Connection& connection) {
        if (connection.runner()) connection.runner()->release({});
      },
      [] {});
}

control::Response Daemon::ask_for_logout(const control::Request& request) {
  const auto& tsih = request.parameters.at("tsih");
  for (auto& connection : world_.sessions.all()) {
    const auto& summary = connection->summary();
    if (std::to_string(summary.tsih) != tsih || summary.discovery) continue;
    connection->loop().post([connection] { connection->request_logout(kLogoutSeconds); });
    return control::json_response({{"tsih", summary.tsih}, {"seconds", kLogoutSeconds}}, 202);
  }
  return control::problem(
      404, "there is no session with TSIH " + tsih + "; GET /v1/sessions lists those there are");
}

// ---- running
// ------------------------------------------------------------------------------------------------

void Daemon::start() {
  std::vector<std::pair<Worker*, ConnectionSet*>> homes;
  for (auto& home : homes_)
    homes.emplace_back(home.worker.get(), home.connections.get());
  started_ = true;
  control_->start();
  for (auto& home : homes_)
    home.worker->start();
  for (auto& listener : listeners_)
    listener->start(homes);
  book_keeper_.set_on_exhausted([this](std::string_view rule, const Exhaustion& exhaustion) {
    scenarios_->exhausted(rule, exhaustion);
  });
  house_keeper_.start();
}

std::string Daemon::ready_line() const {
  std::string portals;
  for (const auto& listener : listeners_)
    portals += (portals.empty() ? "" : ",") + text_of(listener->endpoint());
  char seed[32];
  std::snprintf(seed, sizeof seed, "0x%llx", static_cast<unsigned long long>(world_.seed));
  return "ready iscsi=" + portals + " control=" + control_url_ + " seed=" + seed +
         " pid=" + std::to_string(::getpid());
}

Arrival Daemon::describe(const Listener::Portal& portal, const tcp::endpoint& local,
                         const tcp::endpoint& peer) {
  Arrival arrival;
  arrival.portal_index = portal.index;
  arrival.portal_group_tag = portal.group_tag;
  arrival.peer_address = text_of(peer);
  arrival.local_address = text_of(local);
  arrival.directory = world_.directory();
  return arrival;
}

// ---- change and end
// -----------------------------------------------------------------------------------------

std::string Daemon::reload(config::Config next, config::Secrets secrets) {
  Units units;
  try {
    units = open_units(next);
  } catch (const std::exception& failure) {
    return failure.what();
  }
  for (std::size_t i = 0; i < portals_.size() && i < next.portals.size(); ++i) {
    portals_[i].portal =
        next.portals[i];  // advertised address and group; the caller has checked `listen`
  }
  adopt(std::move(next), std::move(secrets), std::move(units));
  refresh_directories();
  end_sessions_of_removed_targets();
  return "";
}

void Daemon::refresh_directories() {
  for (auto& home : homes_) {
    home.worker->post([connections = home.connections.get(), directory = world_.directory()] {
      connections->for_each(
          [&](Connection& connection) { connection.replace_directory(directory); });
    });
  }
}

void Daemon::end_sessions_of_removed_targets() {
  for (auto& connection : world_.sessions.all()) {
    const auto& summary = connection->summary();
    if (summary.discovery || world_.find_target(summary.target)) continue;
    connection->loop().post([connection] { connection->request_logout(kLogoutSeconds); });
  }
}

/// Waits until nothing of the worker threads' doing is left, kDrainTime at most.
template <typename Done>
bool Daemon::wait_for(Done done) const {
  const auto until = clock_.now() + kDrainTime;
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  while (!done()) {
    if (clock_.now() >= until) return false;
    never.wait_for(lock, std::chrono::milliseconds(2));
  }
  return true;
}

bool Daemon::stop() {
  if (homes_.empty()) return true;
  bool clean = true;
  const auto ran = std::make_shared<std::atomic<bool>>(true);  // a scenario, until one knows better
  const auto last_words = clock_.now() + kLastWords;
  if (started_) {
    control_->post([this, ran] {
      *ran = scenarios_->runner().is_running();
      scenarios_->abandon_all("the daemon ended");
    });
    homes_.front().worker->post([this] {
      for (auto& listener : listeners_)
        listener->stop();
    });
    const auto nobody = [this] {
      return std::ranges::all_of(homes_,
                                 [](const Home& home) { return home.connections->size() == 0; });
    };
    const auto everybody = [this](auto part) {
      for (auto& home : homes_)
        home.worker->post([part, connections = home.connections.get()] { part(*connections); });
    };
    everybody([](ConnectionSet& set) {
      set.for_each([](Connection& connection) { connection.shut_down(); });
    });
    wait_for(nobody);
    everybody([](ConnectionSet& set) { set.close_all(); });
    clean = wait_for([&] { return nobody() && world_.busy.use_count() == 1; });
  }
  if (started_) wait_for([&] { return !*ran || clock_.now() >= last_words; });
  control_->stop();
  house_keeper_.stop_and_join();
  replayer_.stop();
  for (auto& home : homes_)
    home.worker->stop_and_join();
  publisher_.stop();
  if (!clean) return false;  // a device is still at work on memory of ours: nothing may be freed
  listeners_.clear();
  homes_.clear();
  return true;
}

}  // namespace faultlun::daemon
