#include "daemon/rule_book.hpp"

#include "daemon/rule_host.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace faultlun::daemon {
namespace {
constexpr std::string_view kScenarioPrefix = "scenario:";

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

RuleError not_found(std::string_view id) {
  return {RuleError::Kind::not_found, "id",
          "there is no rule " + quoted(id) + ": GET /v1/rules lists those that there are"};
}

/// "the loaded file", for sentences about who owns a rule.
std::string owner_text(std::string_view source) {
  if (source == kConfigSource) return "the loaded file";
  if (source == kApiSource) return "the control API";
  if (source.starts_with(kScenarioPrefix))
    return "scenario " + quoted(source.substr(kScenarioPrefix.size()));
  return quoted(source);
}

}  // namespace

std::string scenario_source(std::string_view scenario) {
  return std::string(kScenarioPrefix) + std::string(scenario);
}

void Change::join_replaced() {
  std::ranges::sort(removed);
  std::erase_if(created, [&](const std::string& id) {
    if (!std::ranges::binary_search(removed, id)) return false;
    replaced.push_back(id);
    return true;
  });
  std::ranges::sort(replaced);
  std::erase_if(removed,
                [&](const std::string& id) { return std::ranges::binary_search(replaced, id); });
}

class RuleBook::Draft {
 public:
  using Rules = std::vector<faults::Rule>;

  Draft(const RuleBook& book, TimePoint now)
      : sources(book.sources_),
        last_revision(book.last_revision_),
        last_serial(book.last_serial_),
        leases_(book.leases_),
        now_(now),
        start_(book.start_),
        first_epoch_(book.epoch_ + 1) {
    find_places();
  }

  Held* find(std::string_view id) {
    const auto found = places_.find(id);
    if (found == places_.end()) return nullptr;
    return &sources[found->second.source].rules[found->second.rule];
  }
  std::optional<RuleError> check(const Precondition& precondition, std::string_view id);

  /// Adds rules or puts them in the place of old ones.  `set`: paths begin with a rule's number.
  std::optional<RuleError> put(std::string_view source, const Rules& rules, bool set);
  /// The sources `emptied` become empty, then `source`, one of them, has these rules.
  std::optional<RuleError> replace(std::span<const std::string_view> emptied,
                                   std::string_view source, const Rules& rules);
  void set_armed(Held& held, bool armed);
  void restart(Held& held);
  template <typename Predicate>
  void remove_if(Predicate goes);

  std::vector<Source> sources;
  Change change;
  std::uint64_t last_revision, last_serial;

 private:
  struct Place {
    std::size_t source = 0, rule = 0;
  };
  void find_places();
  std::size_t source_index(std::string_view name);
  std::optional<RuleError> check_given(std::string_view source, const Rules& rules, bool set);
  std::optional<RuleError> check_result(const Rules& rules, bool set);
  Held merge(const Held* old, const faults::Rule& rule);
  void renew(Held& held);
  void rearm(Held& held);

  const std::vector<Lease>& leases_;
  const TimePoint now_, start_;
  const std::uint64_t first_epoch_;
  /// By ID.  The book still has the old rules, so their IDs outlive the draft.
  std::unordered_map<std::string_view, Place> places_;
};

std::optional<RuleError> RuleBook::Draft::check(const Precondition& precondition,
                                                std::string_view id) {
  using Kind = Precondition::Kind;
  const Held* held = find(id);
  const auto failed = [](std::string message) {
    return RuleError{RuleError::Kind::precondition_failed, "id", std::move(message)};
  };
  if (precondition.kind == Kind::nothing) return std::nullopt;
  if (precondition.kind == Kind::absent) {
    if (held == nullptr) return std::nullopt;
    return failed("rule " + quoted(id) +
                  " is there, and the request asks that it is not: leave out If-None-Match to "
                  "replace it");
  }
  if (held == nullptr)
    return failed("there is no rule " + quoted(id) +
                  ", and the request asks that there is: leave out If-Match to add it");
  if (precondition.kind == Kind::revision && held->revision != precondition.revision)
    return failed("rule " + quoted(id) + " is at revision " + std::to_string(held->revision) +
                  ", not " + std::to_string(precondition.revision) +
                  ": somebody changed it; read it again and repeat the change");
  return std::nullopt;
}

void RuleBook::Draft::find_places() {
  places_.clear();
  for (std::size_t source = 0; source < sources.size(); ++source)
    for (std::size_t rule = 0; rule < sources[source].rules.size(); ++rule)
      places_[sources[source].rules[rule].rule->id] = {source, rule};
}

std::size_t RuleBook::Draft::source_index(std::string_view name) {
  const auto found = std::ranges::find(sources, name, &Source::name);
  if (found != sources.end()) return static_cast<std::size_t>(found - sources.begin());
  sources.push_back({std::string(name), {}});
  return sources.size() - 1;
}

/// A lifetime of its own, from now.
void RuleBook::Draft::renew(Held& held) {
  held.lifetime = std::make_shared<faults::RuleLifetime>();
  held.lifetime->host = make_rule_host(*held.rule);
  held.lifetime->serial = ++last_serial;
  held.lifetime->first_epoch = first_epoch_;
  held.armed_at = now_;
  held.lifetime->armed_at = held.armed_at - start_;
  held.exhausted = false;
  held.revision = ++last_revision;
}

void RuleBook::Draft::set_armed(Held& held, bool armed) {
  auto rule = std::make_shared<faults::Rule>(*held.rule);
  rule->life.armed = armed;
  held.rule = std::move(rule);
  rearm(held);
}

void RuleBook::Draft::rearm(Held& held) {
  if (held.rule->life.armed) held.armed_at = now_;
  held.revision = ++last_revision;
  change.changed.push_back(held.rule->id);
}

void RuleBook::Draft::restart(Held& held) {
  renew(held);
  change.replaced.push_back(held.rule->id);
}

template <typename Predicate>
void RuleBook::Draft::remove_if(Predicate goes) {
  for (auto& source : sources)
    std::erase_if(source.rules, [&](const Held& held) {
      if (!goes(source, held)) return false;
      change.removed.push_back(held.rule->id);
      return true;
    });
  find_places();
}

RuleBook::Held RuleBook::Draft::merge(const Held* old, const faults::Rule& rule) {
  if (old != nullptr) {
    if (*old->rule == rule) return *old;
    auto other = *old->rule;
    other.life.armed = rule.life.armed;
    if (other == rule) {
      Held held = *old;
      held.rule = std::make_shared<const faults::Rule>(rule);
      rearm(held);
      return held;
    }
  }
  (old != nullptr ? change.replaced : change.created).push_back(rule.id);
  Held held;
  if (rule.life.ttl) held.expires_at = now_ + *rule.life.ttl;
  held.rule = std::make_shared<const faults::Rule>(rule);
  held.installed_at = now_;
  renew(held);
  return held;
}

std::optional<RuleError> RuleBook::Draft::check_given(std::string_view source, const Rules& rules,
                                                      bool set) {
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& rule = rules[i];
    const auto prefix = set ? "rules[" + std::to_string(i) + "]." : std::string();
    if (auto error = check_rule(rule, prefix)) return error;
    if (!ids.insert(rule.id).second)
      return RuleError{RuleError::Kind::invalid, prefix + "id",
                       quoted(rule.id) + " is in this set twice: give each rule its own ID"};
    if (rule.life.on_exhaust == faults::OnExhaust::go_to && !source.starts_with(kScenarioPrefix))
      return RuleError{RuleError::Kind::invalid, prefix + "life.on_exhaust",
                       "only rules of a scenario have a state to go to: put the rule into a "
                       "scenario, or choose another way to end"};
    if (!rule.life.lease.empty() && source == kConfigSource)
      return RuleError{RuleError::Kind::invalid, prefix + "life.lease",
                       "nobody keeps up a lease for the loaded file: leave it out, or put the rule "
                       "through the control API"};
    if (!rule.life.lease.empty() &&
        std::ranges::find(leases_, rule.life.lease, &Lease::name) == leases_.end())
      return RuleError{RuleError::Kind::invalid, prefix + "life.lease",
                       "there is no lease " + quoted(rule.life.lease) + ": PUT /v1/leases/" +
                           rule.life.lease + " first"};
    const auto found = places_.find(rule.id);
    if (found != places_.end() && sources[found->second.source].name != source)
      return RuleError{RuleError::Kind::conflict, prefix + "id",
                       quoted(rule.id) + " is a rule of " +
                           owner_text(sources[found->second.source].name) +
                           ": remove it there first, or choose another ID"};
  }
  return std::nullopt;
}

/// What must hold once the rules are in their places.
std::optional<RuleError> RuleBook::Draft::check_result(const Rules& rules, bool set) {
  if (places_.size() > faults::kMaxRules)
    return RuleError{RuleError::Kind::limit, set ? "rules" : "",
                     "these would be " + std::to_string(places_.size()) +
                         " rules with those of all sources, and " +
                         std::to_string(faults::kMaxRules) + " is the most: remove some"};
  if (sources.size() > kMaxSources)
    return RuleError{RuleError::Kind::limit, "",
                     "rules come from " + std::to_string(kMaxSources) +
                         " sources already, which is the most: stop a scenario"};
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto* after = faults::after_fault_of(rules[i].match);
    if (after == nullptr || places_.contains(after->rule)) continue;
    const auto prefix = set ? "rules[" + std::to_string(i) + "]." : std::string();
    return RuleError{
        RuleError::Kind::invalid, prefix + "match.after_fault.rule",
        "there is no rule " + quoted(after->rule) + ": add it first, or both in one set"};
  }
  return std::nullopt;
}

std::optional<RuleError> RuleBook::Draft::put(std::string_view source, const Rules& rules,
                                              bool set) {
  if (auto error = check_given(source, rules, set)) return error;
  const auto index = source_index(source);
  for (const auto& rule : rules) {
    if (Held* old = find(rule.id))
      *old = merge(old, rule);
    else
      sources[index].rules.push_back(merge(nullptr, rule));
  }
  find_places();
  return check_result(rules, set);
}

std::optional<RuleError> RuleBook::Draft::replace(std::span<const std::string_view> emptied,
                                                  std::string_view source, const Rules& rules) {
  std::unordered_map<std::string_view, Held> old;
  for (auto& each : sources) {
    if (std::ranges::find(emptied, each.name) == emptied.end()) continue;
    for (auto& held : each.rules)
      old.emplace(held.rule->id, held);
    each.rules.clear();
  }
  find_places();
  if (auto error = check_given(source, rules, true)) return error;
  std::vector<Held> made;
  for (const auto& rule : rules) {
    const auto found = old.find(rule.id);
    made.push_back(merge(found != old.end() ? &found->second : nullptr, rule));
    if (found != old.end()) old.erase(found);
  }
  for (const auto& [id, held] : old)
    change.removed.emplace_back(id);
  std::ranges::sort(change.removed);
  sources[source_index(source)].rules = std::move(made);
  find_places();
  return check_result(rules, true);
}

RuleBook::RuleBook(std::uint64_t seed, TimePoint start, Publisher& publisher)
    : seed_(seed), start_(start), publisher_(publisher) {
  sources_.push_back({std::string(kConfigSource), {}});
  sources_.push_back({std::string(kApiSource), {}});
  rules_ = std::make_shared<const faults::RuleSet>();
}

/// The draft becomes the book.  Without a change the set stays, and only the barrier is asked for.
Change RuleBook::commit(Draft& draft, Done done) {
  if (draft.change.anything()) {
    // A scenario without rules is no source; file and API have their places always.
    std::erase_if(draft.sources, [](const Source& each) {
      return each.rules.empty() && each.name != kConfigSource && each.name != kApiSource;
    });
    sources_ = std::move(draft.sources);
    last_revision_ = draft.last_revision;
    last_serial_ = draft.last_serial;
    std::vector<faults::RuleSet::Entry> entries;
    for (const auto& source : sources_)
      for (const auto& held : source.rules)
        entries.push_back({*held.rule, held.lifetime, held.armed_at - start_});
    rules_ = std::make_shared<const faults::RuleSet>(std::move(entries), ++epoch_, seed_);
  }
  if (draft.change.anything() || done)
    publications_.push_back({rules_, done ? std::move(done) : [](const Barrier&) {}});
  draft.change.epoch = epoch_;
  return std::move(draft.change);
}

/// Without the lock: `done` may ask the book, or change it.  Whoever comes second leaves his set to
/// the thread that is at it, so sets are published in order.
void RuleBook::hand_over() {
  std::unique_lock lock(mutex_);
  if (handing_over_) return;
  handing_over_ = true;
  while (!publications_.empty()) {
    auto next = std::move(publications_.front());
    publications_.pop_front();
    lock.unlock();
    publisher_.publish(std::move(next.rules), std::move(next.done));
    lock.lock();
  }
  handing_over_ = false;
}

template <typename Edit>
ChangeOrError RuleBook::edit(TimePoint now, Done done, Edit edit) {
  ChangeOrError result;
  std::function<void()> tell_sooner;
  {
    const std::lock_guard lock(mutex_);
    Draft draft(*this, now);
    if (std::optional<RuleError> error = edit(draft)) return *std::move(error);
    result = commit(draft, std::move(done));
    tell_sooner = if_sooner();
  }
  hand_over();
  if (tell_sooner) tell_sooner();
  return result;
}

template <typename Edit>
ChangeOrError RuleBook::edit_one(std::string_view id, const Precondition& precondition,
                                 TimePoint now, Done done, Edit edit_held) {
  return edit(now, std::move(done), [&](Draft& draft) -> std::optional<RuleError> {
    if (auto error = draft.check(precondition, id)) return error;
    Held* held = draft.find(id);
    if (held == nullptr) return not_found(id);
    edit_held(draft, *held);
    if (const Held* still = draft.find(id)) draft.change.revision = still->revision;
    return std::nullopt;
  });
}

ChangeOrError RuleBook::put(std::string_view source, faults::Rule rule,
                            const Precondition& precondition, TimePoint now, Done done) {
  const std::vector<faults::Rule> rules{std::move(rule)};
  return edit(now, std::move(done), [&](Draft& draft) -> std::optional<RuleError> {
    if (auto error = draft.check(precondition, rules[0].id)) return error;
    if (auto error = draft.put(source, rules, false)) return error;
    draft.change.revision = draft.find(rules[0].id)->revision;
    return std::nullopt;
  });
}

ChangeOrError RuleBook::populate(std::string_view source, std::vector<faults::Rule> rules,
                                 TimePoint now, Done done) {
  return edit(now, std::move(done), [&](Draft& draft) { return draft.put(source, rules, true); });
}

ChangeOrError RuleBook::replace_source(std::string_view source, std::vector<faults::Rule> rules,
                                       TimePoint now, Done done) {
  return edit(now, std::move(done), [&](Draft& draft) {
    const std::string_view emptied[] = {source};
    auto error = draft.replace(emptied, source, rules);
    if (!error && source == kConfigSource) loaded_ = std::move(rules);
    return error;
  });
}

ChangeOrError RuleBook::replace_all(std::vector<faults::Rule> rules, TimePoint now, Done done) {
  return edit(now, std::move(done), [&](Draft& draft) {
    const std::string_view emptied[] = {kConfigSource, kApiSource};
    return draft.replace(emptied, kApiSource, rules);
  });
}

ChangeOrError RuleBook::remove(std::string_view id, const Precondition& precondition, TimePoint now,
                               Done done) {
  return edit_one(id, precondition, now, std::move(done), [&](Draft& draft, const Held&) {
    draft.remove_if([&](const Source&, const Held& held) { return held.rule->id == id; });
  });
}

ChangeOrError RuleBook::arm(std::string_view id, const Precondition& precondition, TimePoint now,
                            Done done) {
  return edit_one(id, precondition, now, std::move(done),
                  [](Draft& draft, Held& held) { draft.set_armed(held, true); });
}

ChangeOrError RuleBook::disarm(std::string_view id, const Precondition& precondition, TimePoint now,
                               Done done) {
  return edit_one(id, precondition, now, std::move(done), [](Draft& draft, Held& held) {
    if (held.rule->life.armed) draft.set_armed(held, false);
  });
}

ChangeOrError RuleBook::reset(std::string_view id, const Precondition& precondition, TimePoint now,
                              Done done) {
  return edit_one(id, precondition, now, std::move(done),
                  [](Draft& draft, Held& held) { draft.restart(held); });
}

Change RuleBook::clear(TimePoint now, Done done) {
  return std::get<Change>(edit(now, std::move(done), [](Draft& draft) -> std::optional<RuleError> {
    draft.remove_if([](const Source&, const Held&) { return true; });
    return std::nullopt;
  }));
}

Change RuleBook::reset_all(TimePoint now, Done done) {
  return std::get<Change>(edit(now, std::move(done), [&](Draft& draft) -> std::optional<RuleError> {
    draft.remove_if([](const Source&, const Held&) { return true; });
    auto error = draft.put(kConfigSource, loaded_, true);
    draft.change.join_replaced();
    return error;
  }));
}

std::optional<RuleError> RuleBook::keep_lease(std::string_view name, Duration ttl, TimePoint now) {
  if (auto error = check_name(name, "lease")) return error;
  if (ttl <= Duration::zero() || ttl > faults::kMaxDelay)
    return RuleError{RuleError::Kind::invalid, "ttl",
                     "is " + faults::duration_text(ttl) + ": give a duration from 1ns to " +
                         faults::duration_text(faults::kMaxDelay)};
  std::function<void()> tell_sooner;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(leases_, name, &Lease::name);
    if (found == leases_.end() && leases_.size() >= kMaxLeases)
      return RuleError{RuleError::Kind::limit, "",
                       "there are " + std::to_string(kMaxLeases) +
                           " leases, which is the most: drop one, or let one run out"};
    if (found != leases_.end())
      found->expires_at = now + ttl;
    else
      leases_.push_back({std::string(name), now + ttl});
    tell_sooner = if_sooner();
  }
  if (tell_sooner) tell_sooner();
  return std::nullopt;
}

ChangeOrError RuleBook::drop_lease(std::string_view name, TimePoint now, Done done) {
  return edit(now, std::move(done), [&](Draft& draft) -> std::optional<RuleError> {
    if (std::erase_if(leases_, [&](const Lease& each) { return each.name == name; }) == 0)
      return RuleError{RuleError::Kind::not_found, "lease",
                       "there is no lease " + quoted(name) + ": GET /v1/leases lists them"};
    draft.remove_if([&](const Source&, const Held& held) { return held.rule->life.lease == name; });
    return std::nullopt;
  });
}

Expired RuleBook::expire(TimePoint now, Done done) {
  Expired expired;
  const auto result = edit(now, std::move(done), [&](Draft& draft) -> std::optional<RuleError> {
    std::erase_if(leases_, [&](const Lease& each) {
      if (each.expires_at > now) return false;
      expired.leases.push_back(each.name);
      return true;
    });
    draft.remove_if([&](const Source&, const Held& held) {
      const auto& lease = held.rule->life.lease;
      const bool lease_over =
          !lease.empty() && std::ranges::find(expired.leases, lease) != expired.leases.end();
      return lease_over || (held.expires_at && *held.expires_at <= now);
    });
    return std::nullopt;
  });
  expired.rules = std::get<Change>(result).removed;
  return expired;
}

/// The flag is the book's at once: without a change there is no new set to carry it.
Exhaustion RuleBook::exhaust(Draft& draft, const UsedUp& over) {
  using faults::OnExhaust;
  Exhaustion asked;
  Held* held = draft.find(over.rule);
  if (held == nullptr || held->lifetime->serial != over.serial || held->exhausted) return asked;
  for (auto& source : sources_)
    for (auto& each : source.rules)
      if (each.lifetime == held->lifetime) each.exhausted = true;
  held->exhausted = true;
  asked.noted = true;
  const auto& life = held->rule->life;
  switch (life.on_exhaust) {
    case OnExhaust::nothing:
      break;
    case OnExhaust::disarm:
      if (life.armed) draft.set_armed(*held, false);
      break;
    case OnExhaust::remove:
      draft.remove_if(
          [&](const Source&, const Held& other) { return other.rule->id == over.rule; });
      break;
    case OnExhaust::go_to:
      asked.go_to = life.on_exhaust_name;
      break;
    case OnExhaust::emit:
      asked.event = life.on_exhaust_name;
      break;
  }
  return asked;
}

std::vector<Exhaustion> RuleBook::exhausted(std::span<const UsedUp> rules, TimePoint now,
                                            Done done) {
  std::vector<Exhaustion> asked;
  edit(now, std::move(done), [&](Draft& draft) -> std::optional<RuleError> {
    for (const auto& each : rules)
      asked.push_back(exhaust(draft, each));
    return std::nullopt;
  });
  return asked;
}

}  // namespace faultlun::daemon
