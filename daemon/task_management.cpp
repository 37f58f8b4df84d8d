#include "daemon/task_management.hpp"

#include "daemon/connection.hpp"
#include "daemon/log.hpp"
#include "protocol/iscsi/task_management_codes.hpp"
#include "protocol/scsi/sense_codes.hpp"

#include <atomic>

namespace faultlun::daemon {
namespace {

namespace task_function = iscsi::task_function;
namespace task_response = iscsi::task_response;

constexpr auto kClearedByAnotherInitiator = scsi::sense("commands_cleared_by_another_initiator");
constexpr auto kDeviceReset = scsi::sense("bus_device_reset_function_occurred");

/// Counts the sessions that still have to do their part; the last one finishes the function and has
/// it answered.
struct Rendezvous {
  std::shared_ptr<Connection> issuer;
  std::uint32_t initiator_task_tag = 0;
  std::function<void()> finish;      ///< on the thread of whoever comes last
  std::function<void()> afterwards;  ///< on the issuer's loop, after the answer
  std::atomic<std::size_t> waiting{1};

  void arrive() {
    if (waiting.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (finish) finish();
    issuer->loop().post([issuer = issuer, itt = initiator_task_tag, then = afterwards] {
      issuer->respond(itt, task_response::kComplete);
      if (then) then();
    });
  }
};

std::vector<std::shared_ptr<Connection>> sessions_of(World& world, const TargetHost& target) {
  auto sessions = world.sessions.all();
  std::erase_if(sessions, [&](const auto& each) {
    return each->summary().discovery || each->summary().target != target.name();
  });
  return sessions;
}

/// `part` runs on every session of the target: at once on those of the issuer's loop (its own next
/// command comes after the function), on the loop of each other one otherwise; then `rendezvous` is
/// over.
template <typename Part>
void on_every_session(World& world, const TargetHost& target,
                      const std::shared_ptr<Rendezvous>& rendezvous, Part part) {
  for (auto& connection : sessions_of(world, target)) {
    if (&connection->loop() == &rendezvous->issuer->loop()) {
      part(*connection);
      continue;
    }
    rendezvous->waiting.fetch_add(1, std::memory_order_relaxed);
    connection->loop().post([connection, rendezvous, part] {
      part(*connection);
      rendezvous->arrive();
    });
  }
  rendezvous->arrive();
}

std::shared_ptr<Rendezvous> rendezvous_for(Connection& issuer,
                                           const iscsi::effect::ManageTasks& request) {
  auto rendezvous = std::make_shared<Rendezvous>();
  rendezvous->issuer = issuer.shared_from_this();
  rendezvous->initiator_task_tag = request.initiator_task_tag;
  return rendezvous;
}

iscsi::AbortedBy aborted_by(const Connection& each, const Connection* issuer) {
  return &each == issuer ? iscsi::AbortedBy::own_function : iscsi::AbortedBy::another_nexus;
}

/// A unit attention for the nexus of `connection` on each of `units`.
void tell(Connection& connection, const std::set<std::uint16_t>& units, scsi::SenseCode condition) {
  if (!connection.runner()) return;
  const auto nexus = connection.runner()->nexus();
  const auto luns = connection.runner()->target().luns();
  for (const auto lun : units)
    if (const auto host = luns->find(lun))
      host->with_unit([&](auto& unit) { unit.raise_for(nexus, condition); });
}

/// What a reset does to one session: its tasks go, and its next command there learns of it
/// (A10.09).  This comes before the reset of the unit itself, so that no answer of an old task can
/// follow the unit attention.
/// What a fault leaves of a reset, beside the tasks.
struct ResetManners {
  bool attention = true;
  faults::Time busy_for{}, now{};
  void reset(LunHost& host, scsi::ResetKind kind) const {
    host.with_unit([&](auto& unit) { unit.reset(kind, attention); });
    host.busy_for(busy_for, now);
  }
};

void lose_tasks(Connection& each, const Connection* issuer, std::optional<std::uint16_t> lun,
                const ResetManners& manners) {
  const auto units = each.abort_tasks(lun, false, aborted_by(each, issuer));
  if (manners.attention) tell(each, units, kDeviceReset);
}

void clear_task_set(Connection& issuer, World& world, const std::shared_ptr<LunHost>& host,
                    const iscsi::effect::ManageTasks& request) {
  const bool own_only =
      host->look_at_unit([](const auto& unit) { return unit.one_task_set_per_nexus(); });
  const bool with_status =
      host->look_at_unit([](const auto& unit) { return unit.task_aborted_status(); });
  const auto* self = &issuer;
  on_every_session(world, issuer.runner()->target(), rendezvous_for(issuer, request),
                   [host, own_only, with_status, self](Connection& each) {
                     const bool own = &each == self;
                     if (own_only && !own) return;
                     const auto units = each.abort_tasks(host->number(), with_status && !own,
                                                         aborted_by(each, self));
                     if (!own && !with_status) tell(each, units, kClearedByAnotherInitiator);
                   });
}

void reset_unit(Connection& issuer, World& world, const std::shared_ptr<LunHost>& host,
                const iscsi::effect::ManageTasks& request, const ResetManners& manners) {
  auto rendezvous = rendezvous_for(issuer, request);
  rendezvous->finish = [host, manners] { manners.reset(*host, scsi::ResetKind::logical_unit); };
  on_every_session(world, issuer.runner()->target(), rendezvous,
                   [lun = host->number(), self = &issuer, manners](Connection& each) {
                     lose_tasks(each, self, lun, manners);
                   });
}

void reset_target(Connection& issuer, World& world, const iscsi::effect::ManageTasks& request,
                  bool cold, const ResetManners& manners) {
  auto rendezvous = rendezvous_for(issuer, request);
  auto& target = issuer.runner()->target();
  const auto kind = cold ? scsi::ResetKind::target_cold : scsi::ResetKind::target_warm;
  rendezvous->finish = [kind, manners, luns = target.luns()] {
    for (const auto& host : luns->by_number)
      if (host) manners.reset(*host, kind);
  };
  if (cold) {
    target.forget_ports();
    // Answer first, then every connection of every initiator goes (RFC 7143 §11.5.1).
    rendezvous->afterwards = [sessions = sessions_of(world, target)] {
      for (const auto& each : sessions)
        each->loop().post([each] { each->close_after_flush("target cold reset"); });
    };
  }
  on_every_session(world, target, rendezvous, [self = &issuer, manners](Connection& each) {
    lose_tasks(each, self, std::nullopt, manners);
  });
}

}  // namespace

void lose_other_tasks(Connection& issuer, World& world, std::optional<std::uint16_t> lun,
                      const faults::TaskManagementFault& fault) {
  const auto part = [lun, with_status = fault.collateral_status,
                     attention = fault.collateral_attention](Connection& each) {
    const auto units = each.abort_tasks(lun, with_status, iscsi::AbortedBy::another_nexus);
    if (attention) tell(each, units, kClearedByAnotherInitiator);
  };
  for (const auto& each : sessions_of(world, issuer.runner()->target())) {
    if (each.get() == &issuer) continue;
    if (&each->loop() == &issuer.loop())
      part(*each);
    else
      each->loop().post([each, part] { part(*each); });
  }
}

void manage_tasks(Connection& issuer, World& world, const iscsi::effect::ManageTasks& request,
                  const faults::TaskManagementFault* fault, faults::Time now) {
  ResetManners manners;
  if (fault != nullptr) manners = {!fault->no_attention, fault->busy_after, now};
  issuer.loop().counters().add(Metric::task_management_requests);
  auto& runner = *issuer.runner();
  const auto host = request.lun ? runner.target().luns()->find(*request.lun) : nullptr;
  const auto itt = request.initiator_task_tag;
  log::scsi().info("task management function={} lun={} initiator={}", request.function,
                   request.lun ? std::to_string(*request.lun) : "?", issuer.summary().initiator);
  switch (request.function) {
    case task_function::kTargetWarmReset:
      return reset_target(issuer, world, request, false, manners);
    case task_function::kTargetColdReset:
      return reset_target(issuer, world, request, true, manners);
    case task_function::kItNexusReset:
      issuer.abort_tasks(std::nullopt, false, iscsi::AbortedBy::own_function);
      runner.renew_nexus();
      return issuer.respond(itt, task_response::kComplete);
    default:
      break;
  }
  if (!host) return issuer.respond(itt, task_response::kNoSuchLun);
  switch (request.function) {
    case task_function::kAbortTaskSet:
      return issuer.respond(itt, task_response::kComplete);  // the session has done it
    case task_function::kClearTaskSet:
      return clear_task_set(issuer, world, host, request);
    case task_function::kLogicalUnitReset:
      return reset_unit(issuer, world, host, request, manners);
    case task_function::kQueryAsyncEvent: {
      const auto pending = host->look_at_unit(
          [&](const auto& unit) { return unit.pending_attention(runner.nexus()); });
      if (!pending) return issuer.respond(itt, task_response::kComplete);
      // Additional response information, SAM-5 §7.11: UADE, sense key, ASC, ASCQ.
      const auto additional = 0x01000000U << 0 | static_cast<std::uint32_t>(pending->key) << 16 |
                              static_cast<std::uint32_t>(pending->asc) << 8 | pending->ascq;
      return issuer.respond(itt, task_response::kSucceeded, additional);
    }
    default:
      return issuer.respond(itt, task_response::kNotSupported);
  }
}

}  // namespace faultlun::daemon
