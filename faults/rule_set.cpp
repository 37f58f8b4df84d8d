#include "faults/rule_set.hpp"

#include "faults/gate.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace faultlun::faults {
namespace {

template <typename T>
bool has_action(const Rule& rule) {
  return std::ranges::any_of(
      rule.effects, [](const Effect& each) { return std::holds_alternative<T>(each.action); });
}

bool refuses_logins(const Rule& rule) {
  return std::ranges::any_of(rule.effects, [](const Effect& each) {
    const auto* drop = std::get_if<Drop>(&each.action);
    return drop != nullptr && drop->then != Drop::Then::nothing;
  });
}

/// A rule about some commands only, or some blocks, takes nothing away: the unit still answers.
bool takes_units_away(const InstalledRule& rule) {
  const auto& operations = rule.rule.match.operations;
  const bool any = std::ranges::any_of(
      operations, [](const auto& each) { return each.kind == OperationMatch::Kind::any; });
  const bool whole = std::ranges::all_of(rule.clauses, [&](const ClauseRow* row) {
    return row->name == "lun" || (row->name == "op" && any);
  });
  return whole && !rule.rule.observe &&
         std::ranges::any_of(rule.rule.effects, [](const Effect& each) {
           const auto* absent = std::get_if<Absent>(&each.action);
           return absent != nullptr && !absent->listed;
         });
}

bool swallows_task_management(const Rule& rule) {
  return std::ranges::any_of(rule.effects, [](const Effect& each) {
    const auto* silence = std::get_if<Silence>(&each.action);
    return silence != nullptr && silence->task_management;
  });
}

bool delays(const Rule& rule) {
  return has_action<Delay>(rule) || has_action<Pace>(rule) || has_action<Pause>(rule) ||
         has_action<Throttle>(rule) || has_action<Slowdown>(rule) || has_action<Shuffle>(rule);
}

bool looks_at_attempts(const Rule& rule) {
  return rule.gate.key == Key::content || rule.gate.key == Key::attempt ||
         any_part(rule.match, [](const Match& match) { return match.attempt.has_value(); });
}

bool matches_by_writes(const Rule& rule) {
  return any_part(rule.match,
                  [](const Match& match) { return match.first_touch || match.rewrites; });
}

bool looks_at_writes(const Rule& rule) {
  const bool heals = std::ranges::any_of(rule.effects, [](const Effect& each) {
    const auto* error = std::get_if<MediumError>(&each.action);
    return error != nullptr && error->heal == MediumError::Heal::on_write;
  });
  return heals || rule.gate.key == Key::lba || matches_by_writes(rule);
}

/// A command with this opcode, known to the table or not, is of the class.
bool has_class(std::uint8_t opcode, OperationClass operation) {
  scsi::Cdb cdb;
  cdb.raw[0] = opcode;
  if (class_of(cdb, nullptr) == operation) return true;
  return std::ranges::any_of(scsi::find_opcode(opcode), [&](const scsi::CommandRow& row) {
    return class_of(cdb, &row) == operation;
  });
}

/// What the command's opcode must be for the rule to have a chance; nothing: anything.
std::optional<std::vector<std::uint8_t>> opcodes_of(const Match& match) {
  std::vector<std::uint8_t> out;
  for (const auto& operation : match.operations) {
    switch (operation.kind) {
      case OperationMatch::Kind::any:
        return std::nullopt;
      case OperationMatch::Kind::opcode:
        out.push_back(operation.opcode);
        break;
      case OperationMatch::Kind::command:
        out.push_back(operation.row->opcode);
        break;
      case OperationMatch::Kind::operation_class:
        if (operation.operation == OperationClass::other) return std::nullopt;
        for (unsigned opcode = 0; opcode < 256; ++opcode)
          if (has_class(static_cast<std::uint8_t>(opcode), operation.operation))
            out.push_back(static_cast<std::uint8_t>(opcode));
        break;
      case OperationMatch::Kind::task_management:
        break;
    }
  }
  if (match.operations.empty()) return std::nullopt;
  return out;
}

/// Something uses it up as a whole; once_per lba does so block by block.
bool can_end(const Rule& rule) {
  const auto& gate = rule.gate;
  const auto once = rule.life.once_per;
  return gate.times || gate.nth || gate.repeat || (gate.burst && !gate.every) ||
         once == OncePer::session || once == OncePer::run;
}

std::shared_ptr<InstalledRule> install(RuleSet::Entry entry, std::uint64_t run_seed) {
  const std::uint64_t seed = entry.rule.seed.value_or(run_seed);
  const std::string id = entry.rule.id;
  const Time armed_at = entry.armed_at.value_or(entry.lifetime->armed_at);
  auto installed =
      std::make_shared<InstalledRule>(InstalledRule{.rule = std::move(entry.rule),
                                                    .lifetime = std::move(entry.lifetime),
                                                    .counter_drawer = Drawer(seed, id, "*"),
                                                    .clauses = {},
                                                    .session_clauses = {},
                                                    .armed_at = armed_at});
  const Rule& rule = installed->rule;
  for (const auto& clause : clause_table())
    if (clause.given(rule.match))
      (clause.of_session ? installed->session_clauses : installed->clauses).push_back(&clause);
  if (rule.gate.run_gate) installed->runs = rule.gate.run_gate->fires(run_gate_draw(rule, seed));
  installed->on_payload =
      any_part(rule.match, [](const Match& match) { return !match.payloads.empty(); });
  installed->looks_at_writes = matches_by_writes(rule);
  installed->timed = is_timed(rule);
  installed->order_dependent = is_order_dependent(rule);
  installed->can_end = can_end(rule);
  using enum OnExhaust;
  const auto on_exhaust = rule.life.on_exhaust;
  installed->ends_itself =
      installed->can_end && (on_exhaust == disarm || on_exhaust == remove || on_exhaust == go_to);
  installed->site = decided_at(rule);
  installed->name_hash = siphash_2_4(0, 0, rule.id);
  return installed;
}

}  // namespace

RuleSet::RuleSet(std::vector<Entry> entries, std::uint64_t epoch, std::uint64_t seed)
    : epoch_(epoch) {
  std::ranges::stable_sort(entries, std::ranges::greater{},
                           [](const Entry& each) { return each.rule.life.priority; });
  std::vector<std::shared_ptr<InstalledRule>> rules;
  rules.reserve(entries.size());
  for (auto& entry : entries)
    rules.push_back(install(std::move(entry), seed));
  std::map<std::string_view, std::uint32_t> order_of;
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    rules[i]->order = i;
    order_of[rules[i]->rule.id] = i;
    serials_.push_back(rules[i]->lifetime->serial);
  }
  std::ranges::sort(serials_);
  for (auto& each : rules) {
    const Rule& rule = each->rule;
    if (const auto* after = after_fault_of(rule.match)) {
      const auto found = order_of.find(after->rule);
      if (found != order_of.end()) each->after_fault = static_cast<std::int32_t>(found->second);
    }
    if (!rule.life.armed) continue;
    if (each->site == Site::tmf_rx || swallows_task_management(rule))
      task_management_.push_back(each->order);
    if (refuses_logins(rule)) logins_.push_back(each->order);
    if (each->site != Site::cmd_enqueue) continue;
    commands_.push_back(each->order);
    if (takes_units_away(*each)) absences_.push_back(each->order);
    needs_attempts_ = needs_attempts_ || looks_at_attempts(rule);
    needs_write_history_ = needs_write_history_ || looks_at_writes(rule);
    has_payload_rules_ = has_payload_rules_ || each->on_payload;
    has_data_faults_ = has_data_faults_ || has_action<DataFault>(rule);
    has_delays_ = has_delays_ || delays(rule);
  }
  ignores_commands_ = commands_.empty();
  rules_.assign(rules.begin(), rules.end());
  build_index();
}

const InstalledRule* RuleSet::find(std::string_view id) const {
  const auto found = std::ranges::find(
      rules_, id, [](const auto& each) { return std::string_view(each->rule.id); });
  return found == rules_.end() ? nullptr : found->get();
}

bool RuleSet::has_serial(std::uint64_t serial) const {
  return std::ranges::binary_search(serials_, serial);
}

std::int32_t RuleSet::make_cell(const std::vector<std::uint32_t>& rules) {
  Cell cell;
  std::vector<LbaIndex::Range> ranges;
  for (const auto order : rules) {
    const auto& lbas = rules_[order]->rule.match.lbas;
    if (lbas.empty()) cell.everywhere.push_back(order);
    for (const auto& range : lbas)
      if (range.length != 0) ranges.push_back({range.start, range.last(), order});
  }
  for (const auto& range : cell.by_lba.build(std::move(ranges)))
    cell.everywhere.push_back(range.rule);
  std::ranges::sort(cell.everywhere);
  const auto twice = std::unique(cell.everywhere.begin(), cell.everywhere.end());
  cell.everywhere.erase(twice, cell.everywhere.end());
  cells_.push_back(std::move(cell));
  return static_cast<std::int32_t>(cells_.size() - 1);
}

void RuleSet::build_index() {
  // LUNs that any rule names get small numbers; opcodes that the same rules care for are one class.
  std::uint16_t named = 0;
  std::map<std::uint8_t, std::vector<std::uint32_t>> by_opcode;
  std::vector<std::uint32_t> by_any_opcode;
  for (const auto order : commands_) {
    const Match& match = rules_[order]->rule.match;
    for (const auto lun : match.luns) {
      if (dense_lun_.size() <= lun) dense_lun_.resize(lun + std::size_t{1});
      if (dense_lun_[lun] == 0) dense_lun_[lun] = ++named;
    }
    if (const auto opcodes = opcodes_of(match))
      for (const auto opcode : *opcodes) {
        auto& list = by_opcode[opcode];
        if (list.empty() || list.back() != order) list.push_back(order);
      }
    else
      by_any_opcode.push_back(order);
  }
  std::map<std::vector<std::uint32_t>, std::uint16_t> seen;
  const auto class_for = [&](const std::vector<std::uint32_t>& rules) {
    const auto [at, fresh] = seen.emplace(rules, static_cast<std::uint16_t>(classes_.size()));
    if (!fresh) return at->second;
    OpcodeClass made;
    std::vector<std::uint32_t> any_lun;
    std::map<std::uint16_t, std::vector<std::uint32_t>> by_lun;
    for (const auto order : rules) {
      const auto& luns = rules_[order]->rule.match.luns;
      if (luns.empty()) any_lun.push_back(order);
      for (const auto lun : luns)
        by_lun[dense_lun_[lun]].push_back(order);
    }
    if (!any_lun.empty()) made.any_lun = make_cell(any_lun);
    if (!by_lun.empty()) made.by_lun.assign(named + std::size_t{1}, -1);
    for (const auto& [dense, list] : by_lun)
      made.by_lun[dense] = make_cell(list);
    classes_.push_back(std::move(made));
    return at->second;
  };
  const auto rest = class_for(by_any_opcode);
  class_of_opcode_.fill(rest);
  for (const auto& [opcode, own] : by_opcode) {
    std::vector<std::uint32_t> all;
    std::ranges::set_union(own, by_any_opcode, std::back_inserter(all));
    class_of_opcode_[opcode] = class_for(all);
  }
}

void RuleSet::candidates(const Facts& facts, std::vector<std::uint32_t>& out) const {
  out.clear();
  if (ignores_commands_) return;
  const auto& of_opcode = classes_[class_of_opcode_[facts.cdb->opcode()]];
  unsigned sources = 0;
  const auto take = [&](std::int32_t index) {
    if (index < 0) return;
    const Cell& cell = cells_[static_cast<std::size_t>(index)];
    const auto before = out.size();
    out.insert(out.end(), cell.everywhere.begin(), cell.everywhere.end());
    sources += out.size() != before ? 1 : 0;
    if (facts.blocks == 0) return;
    const auto between = out.size();
    cell.by_lba.collect(facts.lba, facts.last_lba(), out);
    sources += out.size() != between ? 2 : 0;
  };
  take(of_opcode.any_lun);
  if (!of_opcode.by_lun.empty() && facts.has_lun && facts.lun < dense_lun_.size() &&
      dense_lun_[facts.lun] != 0)
    take(of_opcode.by_lun[dense_lun_[facts.lun]]);
  if (sources <= 1) return;  // one list: ascending, each once
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
}

}  // namespace faultlun::faults
