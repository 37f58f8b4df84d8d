#include "daemon/rule_host.hpp"

#include <algorithm>

namespace faultlun::daemon {
namespace {

using faults::Time;
using faults::When;

std::size_t place_of(const faults::Strike& strike) {
  return static_cast<std::size_t>(strike.effect - strike.rule->rule.effects.data());
}

bool delays(const faults::Action& action) {
  return std::holds_alternative<faults::Delay>(action) ||
         std::holds_alternative<faults::Pause>(action) ||
         std::holds_alternative<faults::Throttle>(action) ||
         std::holds_alternative<faults::Slowdown>(action);
}

/// Adds up the waits of one command.  Times are since the start of the daemon.
class Sum {
 public:
  Sum(const faults::Facts& facts, Time now, Time arrived, std::uint64_t seed)
      : facts_(facts), now_(now), arrived_(arrived), seed_(seed), until_(now) {}

  void add(const faults::Delay& delay, const faults::Strike& strike, RuleHost& host) {
    const Time armed = strike.rule->armed_at;
    const Time drawn(static_cast<std::int64_t>(strike.resolved[0]));
    const Time from = delay.at_least ? arrived_ : now_;
    const auto served = host.with(place_of(strike), [&](RuleHost::Shapers& shapers) {
      return faults::serve_command(delay.time, shapers.service, now_ - armed, from - armed, drawn,
                                   facts_.lba * facts_.block_size, bytes(), true);
    });
    add(served.asked, delay.at_least);
  }
  void add(const faults::Pause& pause, const faults::Strike& strike) {
    const Time armed = strike.rule->armed_at;
    const auto drawer = faults::stall_drawer(seed_, strike.rule->rule.id);
    if (const auto end = faults::stall_end(pause.pattern, drawer, now_ - armed))
      until(armed + *end);
  }
  void add(const faults::Throttle& throttle, const faults::Strike& strike, RuleHost& host) {
    const Time armed = strike.rule->armed_at;
    const auto tokens = throttle.bytes ? std::max<std::uint64_t>(bytes(), 1) : 1;
    until(armed + host.with(place_of(strike), [&](RuleHost::Shapers& shapers) {
      return faults::admit(throttle.bucket, shapers.bucket, now_ - armed, tokens);
    }));
  }
  void add(const faults::Slowdown& slowdown, const faults::Strike& strike, RuleHost& host) {
    const Time armed = strike.rule->armed_at;
    add(host.with(place_of(strike),
                  [&](RuleHost::Shapers& shapers) {
                    return faults::cliff_service(slowdown.pattern, shapers.cliff, now_ - armed,
                                                 bytes(), Time{});
                  }),
        true);
  }
  Wait result() const {
    const Time by_delays = std::max(now_, arrived_ + inclusive_) + on_top_;
    const Time end = std::max(by_delays, until_);
    return {end, std::max(inclusive_ + on_top_, until_ - arrived_)};
  }

 private:
  std::uint64_t bytes() const { return facts_.blocks * facts_.block_size; }
  void add(Time time, bool is_inclusive) { (is_inclusive ? inclusive_ : on_top_) += time; }
  void until(Time at) { until_ = std::max(until_, at); }

  const faults::Facts& facts_;
  Time now_, arrived_;
  std::uint64_t seed_;
  Time inclusive_{}, on_top_{}, until_;
};

}  // namespace

RuleHost* host_of(const faults::RuleLifetime& lifetime) {
  return static_cast<RuleHost*>(lifetime.host.get());
}

std::shared_ptr<void> make_rule_host(const faults::Rule& rule) {
  const bool any = std::ranges::any_of(
      rule.effects, [](const faults::Effect& each) { return delays(each.action); });
  return any ? std::make_shared<RuleHost>() : nullptr;
}

Wait due(Ordeal& ordeal, std::optional<When> when, Time now, Time arrived, std::uint64_t seed) {
  Sum sum(ordeal.facts, now, arrived, seed);
  bool any = false;
  for (const auto& strike : ordeal.decision.strikes) {
    const auto& action = strike.effect->action;
    if (!delays(action)) continue;
    const auto* delay = std::get_if<faults::Delay>(&action);
    const When its = delay != nullptr ? delay->when : When::before;
    RuleHost* host = host_of(*strike.rule->lifetime);
    if ((when && its != *when) || host == nullptr) continue;
    any = true;
    if (delay != nullptr) sum.add(*delay, strike, *host);
    if (const auto* pause = std::get_if<faults::Pause>(&action)) sum.add(*pause, strike);
    if (const auto* throttle = std::get_if<faults::Throttle>(&action))
      sum.add(*throttle, strike, *host);
    if (const auto* slowdown = std::get_if<faults::Slowdown>(&action))
      sum.add(*slowdown, strike, *host);
  }
  return any ? sum.result() : Wait{now, Time{}};
}

void note_achieved(const Ordeal& ordeal, Duration took) {
  if (ordeal.asked == Time{}) return;
  for (const auto& strike : ordeal.decision.strikes)
    if (RuleHost* host = host_of(*strike.rule->lifetime);
        host != nullptr && delays(strike.effect->action))
      host->add_error(took - ordeal.asked);
}

}  // namespace faultlun::daemon
