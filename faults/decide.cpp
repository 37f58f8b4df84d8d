#include "faults/decide.hpp"

#include "faults/reach.hpp"

#include <algorithm>
#include <string>

namespace faultlun::faults {
namespace {

/// Key lba draws for each block; those beyond this many of one command are not looked at.
constexpr std::uint64_t kMaxBlocksDrawn = 65536;
/// The slots of a rule's first effect; each further one has the next four.
constexpr unsigned kSlotsPerEffect = 4;

/// Takes one of what is limited to `most`, whatever other threads do; false: none was left.
template <typename Number>
bool claim(std::atomic<Number>& taken, std::uint64_t most) {
  auto now = taken.load(std::memory_order_relaxed);
  while (now < most)
    if (taken.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) return true;
  return false;
}

class Decider {
 public:
  Decider(const RuleSet& rules, RuleState& state, std::uint64_t seed, const Facts& facts,
          const Surroundings& around, Decision& out)
      : rules_(rules), state_(state), seed_(seed), facts_(facts), around_(around), out_(out) {}

  void begin_try() {
    content_ = content_of(facts_);
    try_ = state_.attempts.begin(content_);
  }
  /// The Data-Out of a command that was decided before; of equal ones under way, of the last.
  void resume_try() {
    content_ = content_of(facts_);
    try_ = state_.attempts.look(content_);
  }
  void end_try() {
    if (out_.terminal() != nullptr) state_.attempts.failed(content_);
  }
  void consider(std::uint32_t order, bool payload_now);
  void consider_function(std::uint32_t order);

 private:
  Past past_of(const InstalledRule& rule) const;
  bool matches(const InstalledRule& rule) const;
  Outcome gate(const InstalledRule& rule, const RuleCounter& counter, Verdict& verdict);
  Outcome chance(const InstalledRule& rule, const RuleCounter& counter, Verdict& verdict);
  Outcome chance_by_block(const InstalledRule& rule, const RuleCounter& counter, Verdict& verdict);
  bool was_once(const InstalledRule& rule, const RuleCounter& counter) const;
  std::optional<Stretch> bad_blocks(const InstalledRule& rule, const RuleCounter& counter,
                                    const MediumError& error, const Verdict& verdict) const;
  bool resolve_ladder(RuleCounter& counter, const TaskManagementLadder& ladder, std::size_t place,
                      Strike& strike) const;
  void resolve(const InstalledRule& rule, RuleCounter& counter, const Verdict& verdict,
               std::size_t place, Strike& strike) const;
  Outcome strike(const InstalledRule& rule, RuleCounter& counter, const Verdict& verdict);
  Outcome use_up(const InstalledRule& rule, RuleCounter& counter);
  Outcome suppress(const InstalledRule& rule, bool ended);
  bool is_spent(const InstalledRule& rule, const RuleCounter& counter) const;
  void record(const InstalledRule& rule, RuleCounter& counter, Verdict verdict);
  void swallow_function(const InstalledRule& rule);
  std::uint64_t draw_for(const InstalledRule& rule, const Verdict& verdict, unsigned slot) const;
  bool is_plain_counter(const Verdict& verdict) const {
    return verdict.key == Key::counter && !facts_.immediate && facts_.site == Site::cmd_enqueue;
  }

  const RuleSet& rules_;
  RuleState& state_;
  std::uint64_t seed_;
  const Facts& facts_;
  const Surroundings& around_;
  Decision& out_;
  std::uint64_t content_ = 0;
  Attempts::Try try_;
};

Past Decider::past_of(const InstalledRule& rule) const {
  Past past;
  past.attempt = try_.attempt;
  if (rule.after_fault >= 0) {
    const auto* other = state_.look(rules_, static_cast<std::uint32_t>(rule.after_fault));
    if (other != nullptr && other->last_fired) {
      past.since_fault = facts_.now - *other->last_fired;
      past.commands_since_fault = state_.commands - other->last_fired_command;
    }
  }
  if (rule.looks_at_writes && around_.writes != nullptr && facts_.blocks != 0) {
    const auto since = rule.lifetime->first_epoch;
    const auto first = around_.writes->at(facts_.lba);
    past.rewrites = first.last_epoch >= since ? first.writes : 0;
    past.touched = around_.writes->first_written(facts_.lba, facts_.last_lba(), since).has_value();
  }
  return past;
}

bool Decider::matches(const InstalledRule& rule) const {
  const auto holds = [&](const Past& past) {
    const auto all = [&](const std::vector<const ClauseRow*>& clauses) {
      return std::ranges::all_of(
          clauses, [&](const ClauseRow* row) { return row->holds(rule.rule.match, facts_, past); });
    };
    return all(rule.clauses) && all(rule.session_clauses);
  };
  return holds(past_of(rule));
}

std::uint64_t Decider::draw_for(const InstalledRule& rule, const Verdict& verdict,
                                unsigned slot) const {
  const auto index =
      verdict.key == Key::counter ? draw_index(rule.rule.gate, verdict.index) : verdict.index;
  if (is_plain_counter(verdict)) return rule.counter_drawer.at(index, slot);
  return draw(rule.rule.seed.value_or(seed_), rule.rule.id,
              key_text(verdict.key, verdict.key_number, facts_), index, slot);
}

/// The first block that fires, and has not healed, becomes the verdict's.
Outcome Decider::chance_by_block(const InstalledRule& rule, const RuleCounter& counter,
                                 Verdict& verdict) {
  const auto& gate = rule.rule.gate;
  const auto* error = self_healing(rule.rule);
  std::uint64_t looked_at = 0;
  auto outcome = Outcome::impossible;
  for (const auto& stretch : common_blocks(rule.rule.match, facts_)) {
    for (auto lba = stretch.first;; ++lba) {
      if (looked_at++ == kMaxBlocksDrawn) return outcome;
      verdict.key_number = lba;
      verdict.index = around_.writes != nullptr ? around_.writes->at(lba).writes : 0;
      if (gate.probability) {
        verdict.draw = draw_for(rule, verdict, kSlotDecide);
        verdict.drawn = true;
      }
      const bool chosen = !gate.probability || gate.probability->fires(verdict.draw);
      if (chosen && (error == nullptr || !has_healed(counter, *error, lba))) return Outcome::fired;
      if (chosen || outcome != Outcome::healed)
        outcome = chosen ? Outcome::healed : Outcome::chance;
      if (lba == stretch.last) break;
    }
  }
  return outcome;
}

Outcome Decider::chance(const InstalledRule& rule, const RuleCounter& counter, Verdict& verdict) {
  if (verdict.key == Key::lba) return chance_by_block(rule, counter, verdict);
  if (!rule.rule.gate.probability) return Outcome::fired;
  verdict.draw = draw_for(rule, verdict, kSlotDecide);
  verdict.drawn = true;
  return rule.rule.gate.probability->fires(verdict.draw) ? Outcome::fired : Outcome::chance;
}

bool Decider::was_once(const InstalledRule& rule, const RuleCounter& counter) const {
  switch (rule.rule.life.once_per) {
    case OncePer::never:
      return false;
    case OncePer::session:
      return counter.fired != 0;
    case OncePer::run:
      return rule.lifetime->used_up.load(std::memory_order_relaxed);
    case OncePer::lba:
      break;
  }
  if (facts_.blocks == 0) return false;
  return std::ranges::binary_search(counter.once_lbas, facts_.lba) ||
         counter.once_lbas.size() >= RuleState::kMaxOnceLbas;
}

Outcome Decider::gate(const InstalledRule& rule, const RuleCounter& counter, Verdict& verdict) {
  const auto& gate = rule.rule.gate;
  if (!rule.runs) return Outcome::run_gate;
  if (verdict.key != Key::lba) {
    if (const auto counted = count_gate(gate, verdict.index); counted != Outcome::fired)
      return counted;
  }
  const std::uint64_t fired = rule.rule.life.global
                                  ? rule.lifetime->global_fired.load(std::memory_order_relaxed)
                                  : counter.fired;
  if (gate.times && fired >= *gate.times) return Outcome::exhausted;
  if (gate.budget_bytes && counter.bytes < *gate.budget_bytes) return Outcome::budget;
  if (!is_open(rule, facts_.now, around_)) return Outcome::closed;
  if (const auto drawn = chance(rule, counter, verdict); drawn != Outcome::fired) return drawn;
  return was_once(rule, counter) ? Outcome::exhausted : Outcome::fired;
}

/// The first run of bad blocks of the command; nothing when all have healed.
std::optional<Stretch> Decider::bad_blocks(const InstalledRule& rule, const RuleCounter& counter,
                                           const MediumError& error, const Verdict& verdict) const {
  using Heal = MediumError::Heal;
  for (auto stretch : common_blocks(rule.rule.match, facts_)) {
    if (verdict.key == Key::lba) {
      if (verdict.key_number < stretch.first || verdict.key_number > stretch.last) continue;
      stretch = {verdict.key_number, verdict.key_number};
    }
    auto bad = std::optional<Stretch>(stretch);
    if (error.heal == Heal::on_write && around_.writes != nullptr)
      bad = before_rewritten(stretch, *around_.writes, rule.lifetime->first_epoch);
    else if (error.heal == Heal::after)
      bad = before_healing(stretch, counter, error);
    if (bad) return bad;
  }
  return std::nullopt;
}

/// The step that a function takes, which is then used once more; false: none fits.  `place` of the
/// effect says where the counters of its ladder begin.
bool Decider::resolve_ladder(RuleCounter& counter, const TaskManagementLadder& ladder,
                             std::size_t place, Strike& strike) const {
  const auto first = place * TaskManagementLadder::kMaxSteps;
  auto& used = counter.ladder;
  if (used.size() < first + ladder.steps.size()) used.resize(first + ladder.steps.size());
  for (std::size_t i = 0; i < ladder.steps.size(); ++i) {
    const auto& step = ladder.steps[i];
    auto& count = used[first + i];
    if (!step.is_about(facts_.function) || count == step.times) continue;
    if (step.times != TaskManagementLadder::kForEver) ++count;
    strike.resolved[0] = i;
    return true;
  }
  return false;
}

void Decider::resolve(const InstalledRule& rule, RuleCounter& counter, const Verdict& verdict,
                      std::size_t place, Strike& strike) const {
  const auto slot = [&](unsigned base) {
    return draw_for(rule, verdict, base + static_cast<unsigned>(place) * kSlotsPerEffect);
  };
  const auto& action = strike.effect->action;
  const auto nanoseconds = [](Time time) { return static_cast<std::uint64_t>(time.count()); };
  const auto drawn = [&](const Distribution& distribution) {
    if (counter.times.size() <= place) counter.times.resize(place + 1);
    auto& memory = counter.times[place].distribution;
    const auto sampled = sample(distribution, memory, slot(kSlotLatency), verdict.index);
    memory = sampled.state;
    return nanoseconds(sampled.delay);
  };
  if (const auto* delay = std::get_if<Delay>(&action)) {
    if (counter.times.size() <= place) counter.times.resize(place + 1);
    const auto bytes = facts_.blocks * facts_.block_size;
    strike.resolved[0] =
        nanoseconds(draw_service_time(delay->time, counter.times[place], slot(kSlotLatency),
                                      verdict.index, delay->time.burst ? slot(kSlotSize) : 0,
                                      delay->time.burst ? slot(kSlotPattern) : 0, bytes));
  } else if (const auto* pace = std::get_if<Pace>(&action)) {
    strike.resolved[0] = drawn(pace->gap);
  } else if (const auto* function = std::get_if<TaskManagementFault>(&action)) {
    strike.resolved[0] = drawn(function->delay);
  } else if (const auto* ladder = std::get_if<TaskManagementLadder>(&action)) {
    strike.resolved[1] = drawn(ladder->steps[strike.resolved[0]].fault.delay);
  } else if (std::holds_alternative<DataFault>(action)) {
    strike.resolved = {slot(kSlotSize), slot(kSlotPattern)};
  } else if (std::holds_alternative<Shuffle>(action)) {
    strike.resolved[0] = slot(kSlotPattern);
  }
}

/// Lets every effect of a rule that fired strike, as far as its own list goes on.  What the effects
/// remember (errors until a block heals, steps of a ladder, correlated times) advances even if they
/// are suppressed afterwards: another rule must not change what this one does next.
Outcome Decider::strike(const InstalledRule& rule, RuleCounter& counter, const Verdict& verdict) {
  const auto verdict_index = static_cast<std::uint32_t>(out_.verdicts.size());
  bool any = rule.rule.effects.empty(), healed = false;
  for (std::size_t i = 0; i < rule.rule.effects.size(); ++i) {
    const Effect& effect = rule.rule.effects[i];
    if (!applies(rule.rule, effect, facts_)) continue;
    Strike strike{&rule, &effect, verdict_index, {}};
    if (const auto* error = std::get_if<MediumError>(&effect.action)) {
      const auto bad = bad_blocks(rule, counter, *error, verdict);
      healed = healed || !bad;
      if (!bad) continue;
      strike.resolved = {bad->first, bad->last};
      if (error->heal == MediumError::Heal::after &&
          (counter.errors_at.size() < RuleState::kMaxBlocksCounted ||
           counter.errors_at.contains(bad->first)))
        ++counter.errors_at[bad->first];
    } else {
      if (const auto* ladder = std::get_if<TaskManagementLadder>(&effect.action);
          ladder != nullptr && !resolve_ladder(counter, *ladder, i, strike))
        continue;
      resolve(rule, counter, verdict, i, strike);
    }
    any = true;
    out_.strikes.push_back(strike);
    if (is_terminal(effect.action)) break;
  }
  if (any) return Outcome::fired;
  return healed ? Outcome::healed : Outcome::impossible;
}

/// Takes one firing from what the rule is limited to.
Outcome Decider::use_up(const InstalledRule& rule, RuleCounter& counter) {
  auto& lifetime = *rule.lifetime;
  switch (rule.rule.life.once_per) {
    case OncePer::never:
    case OncePer::session:
      break;
    case OncePer::run:
      if (lifetime.used_up.exchange(true)) return Outcome::exhausted;
      break;
    case OncePer::lba:
      if (facts_.blocks != 0)
        counter.once_lbas.insert(std::ranges::lower_bound(counter.once_lbas, facts_.lba),
                                 facts_.lba);
      break;
  }
  const auto most = rule.rule.life.global ? rule.rule.gate.times : std::nullopt;
  if (!claim(lifetime.global_fired, most.value_or(UINT64_MAX))) return Outcome::exhausted;
  ++counter.fired;
  counter.last_fired = facts_.now;
  counter.last_fired_command = state_.commands;
  return Outcome::fired;
}

Outcome Decider::suppress(const InstalledRule& rule, bool ended) {
  if (ended) return Outcome::masked;
  auto& active = rule.lifetime->active;
  const auto most = rule.rule.gate.max_active;
  if (rule.rule.observe) {
    const bool crowded = most && active.load(std::memory_order_relaxed) >= *most;
    return crowded ? Outcome::crowded : Outcome::observed;
  }
  return most && !claim(active, *most) ? Outcome::crowded : Outcome::fired;
}

/// The rule cannot fire any more: in this session, or in any when it counts for all.
bool Decider::is_spent(const InstalledRule& rule, const RuleCounter& counter) const {
  const auto& gate = rule.rule.gate;
  const auto& life = rule.rule.life;
  const auto& lifetime = *rule.lifetime;
  const auto read = [](const auto& number) { return number.load(std::memory_order_relaxed); };
  if (gate.times && (life.global ? read(lifetime.global_fired) : counter.fired) >= *gate.times)
    return true;
  if (life.once_per == OncePer::session && counter.fired != 0) return true;
  if (life.once_per == OncePer::run && read(lifetime.used_up)) return true;
  if (gate.key != Key::counter) return false;  // its indexes are no counts
  // Commands with a CmdSN of their own: immediate ones count apart, and are few.
  const auto next = life.global                   ? read(lifetime.global_matches)
                    : facts_.site == Site::tmf_rx ? counter.function_matches
                                                  : counter.matches;
  return count_gate(gate, next) == Outcome::exhausted;
}

void Decider::record(const InstalledRule& rule, RuleCounter& counter, Verdict verdict) {
  auto& lifetime = *rule.lifetime;
  const bool ended = out_.terminal() != nullptr;
  const auto strikes = static_cast<std::ptrdiff_t>(out_.strikes.size());
  if (verdict.outcome == Outcome::fired) verdict.outcome = strike(rule, counter, verdict);
  // Functions that a rule about commands swallows are none of the firings that it counts.
  const bool counted = rule.site == facts_.site;
  if (verdict.outcome == Outcome::fired && counted) verdict.outcome = use_up(rule, counter);
  if (verdict.outcome == Outcome::fired && counted) verdict.outcome = suppress(rule, ended);
  if (verdict.outcome != Outcome::fired)
    out_.strikes.erase(out_.strikes.begin() + strikes, out_.strikes.end());
  lifetime.matched.fetch_add(1, std::memory_order_relaxed);
  if (verdict.outcome == Outcome::fired)
    lifetime.fired.fetch_add(1, std::memory_order_relaxed);
  else if (counts_as_fired(verdict.outcome))
    lifetime.suppressed.fetch_add(1, std::memory_order_relaxed);
  if (verdict.outcome == Outcome::observed)
    lifetime.observed.fetch_add(1, std::memory_order_relaxed);
  out_.timed = out_.timed || rule.timed;
  out_.order_dependent = out_.order_dependent || rule.order_dependent;
  add_to_hash(state_.hash, facts_, verdict, out_.strikes, out_.verdicts.size());
  if (counted && rule.can_end && counter.spent != rule.armed_at && is_spent(rule, counter)) {
    counter.spent = rule.armed_at;
    verdict.last = out_.any_last = true;
  }
  out_.verdicts.push_back(verdict);
}

void Decider::consider(std::uint32_t order, bool payload_now) {
  const InstalledRule& rule = rules_.at(order);
  if (rule.on_payload != payload_now) return;
  const auto& effects = rule.rule.effects;
  if (!effects.empty() && std::ranges::none_of(effects, [&](const Effect& each) {
        return applies(rule.rule, each, facts_);
      }))
    return;
  if (!matches(rule)) return;
  RuleCounter& counter = state_.counter(rules_, order);
  if (rule.ends_itself && counter.spent == rule.armed_at) return;
  Verdict verdict;
  verdict.rule = &rule;
  verdict.key = rule.rule.gate.key;
  if (verdict.key == Key::content || verdict.key == Key::attempt) {
    verdict.key_number = content_;
    verdict.index =
        verdict.key == Key::content ? try_.fresh : (try_.fresh << 16) + (try_.attempt - 1);
  }
  auto& number = facts_.immediate ? counter.immediate_matches : counter.matches;
  const std::uint64_t match =
      rule.rule.life.global ? rule.lifetime->global_matches.fetch_add(1, std::memory_order_relaxed)
                            : number;
  if (verdict.key == Key::counter || verdict.key == Key::event) verdict.index = match;
  ++number;
  verdict.outcome = gate(rule, counter, verdict);
  counter.bytes += facts_.blocks * facts_.block_size;
  record(rule, counter, verdict);
}

void Decider::consider_function(std::uint32_t order) {
  const InstalledRule& rule = rules_.at(order);
  if (rule.site != Site::tmf_rx) return swallow_function(rule);
  if (!matches(rule)) return;
  RuleCounter& counter = state_.counter(rules_, order);
  if (rule.ends_itself && counter.spent == rule.armed_at) return;
  Verdict verdict;
  verdict.rule = &rule;
  verdict.index = counter.function_matches++;
  verdict.outcome = gate(rule, counter, verdict);
  record(rule, counter, verdict);
}

/// A rule that swallows functions beside commands does so once it has struck in this session.  Of
/// its match, what is about the session and the unit counts: a function has no opcode and no LBA.
void Decider::swallow_function(const InstalledRule& rule) {
  const auto* struck = state_.look(rules_, rule.order);
  if (struck == nullptr || struck->fired == 0) return;
  const auto& match = rule.rule.match;
  if (!match.luns.empty() &&
      (!facts_.has_lun || std::ranges::find(match.luns, facts_.lun) == match.luns.end()))
    return;
  if (!std::ranges::all_of(rule.session_clauses,
                           [&](const ClauseRow* row) { return row->holds(match, facts_, Past{}); }))
    return;
  RuleCounter& counter = state_.counter(rules_, rule.order);
  Verdict verdict;
  verdict.rule = &rule;
  verdict.index = counter.function_matches++;
  if (!is_open(rule, facts_.now, around_)) verdict.outcome = Outcome::closed;
  record(rule, counter, verdict);
}

/// Apart from decide(), so that a command without rules pays for no stack frame.
[[gnu::noinline]] void decide_among(const RuleSet& rules, RuleState& state, std::uint64_t seed,
                                    const Facts& facts, const Surroundings& around, Decision& out) {
  Decider decider(rules, state, seed, facts, around, out);
  if (rules.needs_attempts()) decider.begin_try();
  rules.candidates(facts, state.candidates);
  for (const auto order : state.candidates)
    decider.consider(order, false);
  if (rules.needs_attempts()) decider.end_try();
  if (around.writes == nullptr || !writes_medium(facts) || facts.blocks == 0) return;
  // A write that never reaches the medium heals nothing.
  const auto* end = out.terminal();
  const auto* answer = end != nullptr ? std::get_if<Answer>(&end->effect->action) : nullptr;
  if (end == nullptr || (answer != nullptr && answer->when == When::after))
    around.writes->note_write(facts.lba, facts.blocks, rules.epoch());
}

}  // namespace

const Strike* Decision::terminal() const {
  if (strikes.empty() || !is_terminal(strikes.back().effect->action)) return nullptr;
  return &strikes.back();
}

void add_to_hash(DecisionHash& hash, const Facts& facts, const Verdict& verdict,
                 std::span<const Strike> strikes, std::size_t place) {
  ++hash.count;
  const std::uint32_t place_in_session = facts.cmd_sn - facts.session->first_cmd_sn;
  hash.add(place_in_session | std::uint64_t{facts.immediate} << 32);
  hash.add(verdict.rule->name_hash);
  hash.add(static_cast<std::uint64_t>(verdict.key) << 8 |
           static_cast<std::uint64_t>(verdict.outcome));
  hash.add(verdict.key_number);
  hash.add(verdict.index);
  hash.add(verdict.draw);
  for (const auto& each : strikes) {
    if (each.verdict != place) continue;
    hash.add(each.resolved[0]);
    hash.add(each.resolved[1]);
  }
}

std::uint64_t content_of(const Facts& facts) {
  DecisionHash hash;
  hash.add(static_cast<std::uint64_t>(class_of(*facts.cdb, facts.row)));
  // Commands without a range differ by their CDB.
  if (facts.blocks == 0)
    for (std::size_t i = 0; i < scsi::kCdbBytes; i += 8)
      hash.add(facts.cdb->be64(i));
  hash.add(facts.lun);
  hash.add(facts.lba);
  hash.add(facts.blocks);
  return hash.value;
}

std::string key_text(Key key, std::uint64_t key_number, const Facts& facts) {
  switch (key) {
    case Key::lba:
      return "lba:" + std::to_string(key_number);
    case Key::content:
      return "content:" + std::to_string(key_number);
    case Key::attempt:
      return "attempt:" + std::to_string(key_number);
    case Key::event:
      return "event";
    case Key::counter:
      break;
  }
  if (facts.site == Site::tmf_rx) return "tmf";
  return facts.immediate ? "immediate" : "*";
}

void decide(const RuleSet& rules, RuleState& state, std::uint64_t seed, const Facts& facts,
            const Surroundings& around, Decision& out) {
  out.clear();
  ++state.commands;
  if (!rules.ignores_commands()) decide_among(rules, state, seed, facts, around, out);
}

void decide_payload(const RuleSet& rules, RuleState& state, std::uint64_t seed, const Facts& facts,
                    const Surroundings& around, Decision& out) {
  out.clear();
  if (!rules.has_payload_rules()) return;
  Decider decider(rules, state, seed, facts, around, out);
  if (rules.needs_attempts()) decider.resume_try();
  rules.candidates(facts, state.candidates);
  for (const auto order : state.candidates)
    decider.consider(order, true);
  if (rules.needs_attempts()) decider.end_try();
}

void decide_task_management(const RuleSet& rules, RuleState& state, std::uint64_t seed,
                            const Facts& facts, const Surroundings& around, Decision& out) {
  out.clear();
  Decider decider(rules, state, seed, facts, around, out);
  for (const auto order : rules.task_management())
    decider.consider_function(order);
}

}  // namespace faultlun::faults
