#include "faults/decide.hpp"

#include <algorithm>
#include <string>

namespace faultlun::faults {
namespace {

/// Key lba draws for each block; those beyond this many of one command are not looked at.
constexpr std::uint64_t kMaxBlocksDrawn = 65536;
/// The slots of a rule's first effect; each further one has the next four.
constexpr unsigned kSlotsPerEffect = 4;

bool reads_medium(const Facts& facts) {
  return facts.row != nullptr && facts.row->is(scsi::reads);
}
bool writes_medium(const Facts& facts) {
  return facts.row != nullptr && facts.row->is(scsi::writes);
}

bool patch_applies(const Patch& patch, const Facts& facts) {
  const auto& cdb = *facts.cdb;
  const auto code_fits = [&](std::uint8_t code) { return !patch.code || *patch.code == code; };
  switch (patch.page) {
    case Patch::Page::inquiry:
      return cdb.opcode() == 0x12 && (cdb[1] & 0x01) == 0;
    case Patch::Page::vpd:
      return cdb.opcode() == 0x12 && (cdb[1] & 0x01) != 0 && code_fits(cdb[2]);
    case Patch::Page::mode:
      return cdb.opcode() == 0x1a || cdb.opcode() == 0x5a;
    case Patch::Page::capacity:
      return (cdb.opcode() == 0x25 && !patch.only_16) ||
             (cdb.opcode() == 0x9e && (cdb[1] & 0x1f) == 0x10 && !patch.only_10);
    case Patch::Page::luns:
      return cdb.opcode() == 0xa0;
  }
  return false;
}

bool data_fault_applies(const DataFault& fault, const Facts& facts) {
  using Kind = DataFault::Kind;
  const auto name = facts.row != nullptr ? facts.row->name : std::string_view();
  switch (fault.kind) {
    case Kind::flush_lie:
      return name.starts_with("SYNCHRONIZE CACHE");
    case Kind::fua_lie:
      return writes_medium(facts) && ((*facts.cdb)[1] & 0x08) != 0 && facts.cdb->opcode() >= 0x20;
    case Kind::caw_not_atomic:
      return name == "COMPARE AND WRITE";
    case Kind::unmap_lie:
      return name == "UNMAP" || name.starts_with("WRITE SAME");
    case Kind::lost_write:
    case Kind::torn:
    case Kind::dup_write:
      return writes_medium(facts) && facts.blocks != 0;
    case Kind::stale:
    case Kind::wire_flip:
      return reads_medium(facts) && facts.blocks != 0;
    default:
      return facts.blocks != 0 && (reads_medium(facts) || writes_medium(facts));
  }
}

}  // namespace

bool applies(const Rule& rule, const Effect& effect, const Facts& facts) {
  if (const auto* error = std::get_if<MediumError>(&effect.action)) {
    if (facts.blocks == 0) return false;
    if (!rule.match.operations.empty()) return true;
    return error->of_writes ? writes_medium(facts) : reads_medium(facts) && !writes_medium(facts);
  }
  if (const auto* silence = std::get_if<Silence>(&effect.action))
    return !silence->data_only ||
           (facts.row != nullptr && facts.row->data != scsi::DataDirection::none);
  if (const auto* patch = std::get_if<Patch>(&effect.action)) return patch_applies(*patch, facts);
  if (const auto* data = std::get_if<DataFault>(&effect.action))
    return data_fault_applies(*data, facts);
  return true;
}

namespace {

struct Stretch {
  std::uint64_t first = 0, last = 0;
};

/// Where the command meets the rule's LBA match: ascending, disjoint.
std::vector<Stretch> common_blocks(const Match& match, const Facts& facts) {
  std::vector<Stretch> out;
  if (facts.blocks == 0) return out;
  const Stretch command{facts.lba, facts.last_lba()};
  if (match.lbas.empty()) return {command};
  for (const auto& range : match.lbas) {
    if (range.length == 0) continue;
    const Stretch both{std::max(command.first, range.start),
                       std::min(command.last, range.start + (range.length - 1))};
    if (both.first <= both.last) out.push_back(both);
  }
  std::ranges::sort(out, {}, &Stretch::first);
  return out;
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
  void end_try() {
    if (out_.terminal() != nullptr) state_.attempts.failed(content_);
  }
  void consider(std::uint32_t order, bool payload_now);
  void consider_function(std::uint32_t order);

 private:
  Past past_of(const InstalledRule& rule) const;
  bool matches(const InstalledRule& rule) const;
  Outcome gate(const InstalledRule& rule, RuleCounter& counter, Verdict& verdict);
  Outcome chance(const InstalledRule& rule, RuleCounter& counter, Verdict& verdict);
  Outcome chance_by_block(const InstalledRule& rule, Verdict& verdict);
  Outcome once(const InstalledRule& rule, RuleCounter& counter);
  std::optional<Stretch> bad_blocks(const InstalledRule& rule, RuleCounter& counter,
                                    const MediumError& error, const Verdict& verdict) const;
  void strike(const InstalledRule& rule, RuleCounter& counter, Verdict& verdict);
  void resolve(const InstalledRule& rule, RuleCounter& counter, const Verdict& verdict,
               std::size_t place, Strike& strike) const;
  void record(const InstalledRule& rule, RuleCounter& counter, Verdict verdict);
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
  if (around_.writes != nullptr && facts_.blocks != 0 &&
      (rule.rule.match.first_touch || rule.rule.match.rewrites)) {
    past.rewrites = around_.writes->at(facts_.lba).writes;
    const auto untouched = around_.writes->first_unwritten(facts_.lba, facts_.last_lba(), 0);
    past.touched = untouched != facts_.lba || past.rewrites != 0;
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
  return draw(seed_, rule.rule.id, key_text(verdict.key, verdict.key_number, facts_), index, slot);
}

/// The first block that fires becomes the verdict's.
Outcome Decider::chance_by_block(const InstalledRule& rule, Verdict& verdict) {
  const auto& gate = rule.rule.gate;
  std::uint64_t looked_at = 0;
  bool any = false;
  for (const auto& stretch : common_blocks(rule.rule.match, facts_)) {
    for (auto lba = stretch.first;; ++lba) {
      if (looked_at++ == kMaxBlocksDrawn) return any ? Outcome::chance : Outcome::impossible;
      any = true;
      verdict.key_number = lba;
      verdict.index = around_.writes != nullptr ? around_.writes->at(lba).writes : 0;
      if (gate.probability) {
        verdict.draw = draw_for(rule, verdict, kSlotDecide);
        verdict.drawn = true;
      }
      if (!gate.probability || gate.probability->fires(verdict.draw)) return Outcome::fired;
      if (lba == stretch.last) break;
    }
  }
  return any ? Outcome::chance : Outcome::impossible;
}

Outcome Decider::chance(const InstalledRule& rule, RuleCounter&, Verdict& verdict) {
  if (verdict.key == Key::lba) return chance_by_block(rule, verdict);
  if (!rule.rule.gate.probability) return Outcome::fired;
  verdict.draw = draw_for(rule, verdict, kSlotDecide);
  verdict.drawn = true;
  return rule.rule.gate.probability->fires(verdict.draw) ? Outcome::fired : Outcome::chance;
}

Outcome Decider::once(const InstalledRule& rule, RuleCounter& counter) {
  switch (rule.rule.life.once_per) {
    case OncePer::never:
      return Outcome::fired;
    case OncePer::session:
      return counter.fired == 0 ? Outcome::fired : Outcome::exhausted;
    case OncePer::run:
      return rule.lifetime->used_up.exchange(true) ? Outcome::exhausted : Outcome::fired;
    case OncePer::lba:
      break;
  }
  if (facts_.blocks == 0) return Outcome::fired;
  const auto at = std::ranges::lower_bound(counter.once_lbas, facts_.lba);
  if (at != counter.once_lbas.end() && *at == facts_.lba) return Outcome::exhausted;
  if (counter.once_lbas.size() >= RuleState::kMaxOnceLbas) return Outcome::exhausted;
  counter.once_lbas.insert(at, facts_.lba);
  return Outcome::fired;
}

Outcome Decider::gate(const InstalledRule& rule, RuleCounter& counter, Verdict& verdict) {
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
  const Time armed_for = facts_.now - rule.lifetime->armed_at;
  if (gate.window) {
    auto since = std::optional<Time>(rule.lifetime->armed_at);
    if (gate.window->since != Window::Since::arm)
      since =
          around_.since != nullptr ? around_.since(around_.context, *gate.window) : std::nullopt;
    if (!since || !window_open(gate, facts_.now - *since)) return Outcome::closed;
  }
  if (!cycle_up(gate, armed_for)) return Outcome::closed;
  if (const auto drawn = chance(rule, counter, verdict); drawn != Outcome::fired) return drawn;
  return once(rule, counter);
}

/// The first run of bad blocks of the command; nothing when all have healed.
std::optional<Stretch> Decider::bad_blocks(const InstalledRule& rule, RuleCounter& counter,
                                           const MediumError& error, const Verdict& verdict) const {
  using Heal = MediumError::Heal;
  for (auto stretch : common_blocks(rule.rule.match, facts_)) {
    if (verdict.key == Key::lba) {
      if (verdict.key_number < stretch.first || verdict.key_number > stretch.last) continue;
      stretch = {verdict.key_number, verdict.key_number};
    }
    if (error.heal == Heal::on_write && around_.writes != nullptr) {
      const auto since = rule.lifetime->first_epoch;
      stretch.first = around_.writes->first_unwritten(stretch.first, stretch.last, since);
      if (stretch.first > stretch.last || stretch.first == 0) {
        if (stretch.first != facts_.lba) continue;
      }
    }
    if (error.heal == Heal::after) {
      const auto healed = [&](std::uint64_t lba) {
        const auto found = counter.errors_at.find(lba);
        return found != counter.errors_at.end() && found->second >= error.heal_after;
      };
      while (stretch.first < stretch.last && healed(stretch.first))
        ++stretch.first;
      if (healed(stretch.first)) continue;
    }
    return stretch;
  }
  return std::nullopt;
}

void Decider::resolve(const InstalledRule& rule, RuleCounter& counter, const Verdict& verdict,
                      std::size_t place, Strike& strike) const {
  const auto slot = [&](unsigned base) {
    return draw_for(rule, verdict, base + static_cast<unsigned>(place) * kSlotsPerEffect);
  };
  const auto& action = strike.effect->action;
  const auto nanoseconds = [](Time time) { return static_cast<std::uint64_t>(time.count()); };
  if (const auto* delay = std::get_if<Delay>(&action)) {
    if (counter.times.size() <= place) counter.times.resize(place + 1);
    strike.resolved[0] =
        nanoseconds(sample(delay->time, slot(kSlotLatency), slot(kSlotSize), counter.times[place]));
  } else if (const auto* pace = std::get_if<Pace>(&action)) {
    strike.resolved[0] = nanoseconds(sample(pace->gap, slot(kSlotLatency), slot(kSlotSize)));
  } else if (std::holds_alternative<DataFault>(action)) {
    strike.resolved = {slot(kSlotSize), slot(kSlotPattern)};
  } else if (std::holds_alternative<Reorder>(action)) {
    strike.resolved[0] = slot(kSlotPattern);
  }
}

/// Lets every effect of a rule that fired strike, as far as the list goes on.
void Decider::strike(const InstalledRule& rule, RuleCounter& counter, Verdict& verdict) {
  const auto verdict_index = static_cast<std::uint32_t>(out_.verdicts.size());
  bool any = false, healed = false;
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
          counter.errors_at.size() < RuleState::kMaxBlocksCounted)
        ++counter.errors_at[bad->first];
    } else {
      resolve(rule, counter, verdict, i, strike);
    }
    any = true;
    if (verdict.outcome == Outcome::observed) continue;
    out_.strikes.push_back(strike);
    if (is_terminal(effect.action)) break;
  }
  if (!any) verdict.outcome = healed ? Outcome::healed : Outcome::impossible;
}

void Decider::record(const InstalledRule& rule, RuleCounter& counter, Verdict verdict) {
  auto& lifetime = *rule.lifetime;
  if (verdict.outcome == Outcome::fired) {
    const bool ended = out_.terminal() != nullptr;
    const bool crowded =
        rule.rule.gate.max_active &&
        lifetime.active.load(std::memory_order_relaxed) >= *rule.rule.gate.max_active;
    if (ended)
      verdict.outcome = Outcome::masked;
    else if (crowded)
      verdict.outcome = Outcome::crowded;
    else if (rule.rule.observe)
      verdict.outcome = Outcome::observed;
  }
  if (verdict.outcome == Outcome::fired || verdict.outcome == Outcome::observed)
    strike(rule, counter, verdict);
  if (counts_as_fired(verdict.outcome)) {
    ++counter.fired;
    lifetime.global_fired.fetch_add(1, std::memory_order_relaxed);
    counter.last_fired = facts_.now;
    counter.last_fired_command = state_.commands;
  }
  lifetime.matched.fetch_add(1, std::memory_order_relaxed);
  if (verdict.outcome == Outcome::fired) {
    lifetime.fired.fetch_add(1, std::memory_order_relaxed);
    if (rule.rule.gate.max_active) lifetime.active.fetch_add(1, std::memory_order_relaxed);
  } else if (counts_as_fired(verdict.outcome)) {
    lifetime.suppressed.fetch_add(1, std::memory_order_relaxed);
  }
  out_.timed = out_.timed || rule.timed;
  out_.order_dependent = out_.order_dependent || rule.order_dependent;
  add_to_hash(state_.hash, facts_, verdict, out_.strikes, out_.verdicts.size());
  out_.verdicts.push_back(verdict);
}

void Decider::consider(std::uint32_t order, bool payload_now) {
  const InstalledRule& rule = rules_.at(order);
  if (rule.on_payload != payload_now) return;
  if (std::ranges::none_of(rule.rule.effects,
                           [&](const Effect& each) { return applies(rule.rule, each, facts_); }))
    return;
  if (!matches(rule)) return;
  RuleCounter& counter = state_.counter(rules_, order);
  Verdict verdict;
  verdict.rule = &rule;
  verdict.key = rule.rule.gate.key;
  if (verdict.key == Key::content || verdict.key == Key::attempt) {
    verdict.key_number = content_;
    verdict.index =
        verdict.key == Key::content ? try_.fresh : try_.fresh << 16 | (try_.attempt - 1);
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

/// A rule that swallows functions beside commands does so once it has struck in this session.
void Decider::consider_function(std::uint32_t order) {
  const InstalledRule& rule = rules_.at(order);
  if (!matches(rule)) return;
  RuleCounter& counter = state_.counter(rules_, order);
  Verdict verdict;
  verdict.rule = &rule;
  verdict.index = counter.function_matches++;
  if (rule.site == Site::tmf_rx)
    verdict.outcome = gate(rule, counter, verdict);
  else if (counter.matches + counter.immediate_matches == 0 || counter.fired == 0)
    return;
  record(rule, counter, verdict);
}

}  // namespace

const Strike* Decision::terminal() const {
  if (strikes.empty() || !is_terminal(strikes.back().effect->action)) return nullptr;
  return &strikes.back();
}

void add_to_hash(DecisionHash& hash, const Facts& facts, const Verdict& verdict,
                 std::span<const Strike> strikes, std::size_t place) {
  ++hash.count;
  hash.add(facts.cmd_sn | std::uint64_t{facts.immediate} << 32);
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
  if (rules.ignores_commands()) return;
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

void decide_payload(const RuleSet& rules, RuleState& state, std::uint64_t seed, const Facts& facts,
                    const Surroundings& around, Decision& out) {
  out.clear();
  if (!rules.has_payload_rules()) return;
  Decider decider(rules, state, seed, facts, around, out);
  rules.candidates(facts, state.candidates);
  for (const auto order : state.candidates)
    decider.consider(order, true);
}

void decide_task_management(const RuleSet& rules, RuleState& state, std::uint64_t seed,
                            const Facts& facts, const Surroundings& around, Decision& out) {
  out.clear();
  Decider decider(rules, state, seed, facts, around, out);
  for (const auto order : rules.task_management())
    decider.consider_function(order);
}

Drop::Then decide_login(const RuleSet& rules, const Facts& facts, const InstalledRule*& why) {
  for (const auto order : rules.logins()) {
    const InstalledRule& rule = rules.at(order);
    const bool all = std::ranges::all_of(rule.session_clauses, [&](const ClauseRow* row) {
      return row->holds(rule.rule.match, facts, Past{});
    });
    if (!all) continue;
    why = &rule;
    for (const auto& effect : rule.rule.effects)
      if (const auto* drop = std::get_if<Drop>(&effect.action);
          drop != nullptr && drop->then != Drop::Then::nothing)
        return drop->then;
  }
  return Drop::Then::nothing;
}

}  // namespace faultlun::faults
