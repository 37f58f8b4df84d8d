// What each part of a rule allows and all of them together do not: one row for each impossible
// combination, so that no rule waits for something that cannot come.
#include "config/rules_parts.hpp"
#include "protocol/scsi/commands.hpp"

#include <algorithm>
#include <array>
#include <variant>

namespace faultlun::config::parts {

namespace {

using faults::Action;
using faults::Effect;
using faults::Key;
using faults::Match;
using faults::OncePer;
using faults::OperationMatch;
using faults::Rule;
using faults::Site;
using faults::Window;

enum Part : unsigned { kMatch = 1, kGate = 2, kEffects = 4, kLife = 8 };

Site decided_at(Site site) {
  return faults::site_table()[static_cast<std::size_t>(site)].decided_at;
}

bool is_of_functions(const Rule& rule) {
  return faults::decided_at(rule) == Site::tmf_rx;
}

using Holds = bool (*)(const scsi::CommandRow&);

/// Whether a word of `op` may stand for a command that `holds` is true of.  Opcodes that are not in
/// the command table may be anything.
bool may_be(const OperationMatch& operation, Holds holds) {
  using Kind = OperationMatch::Kind;
  const auto any_row = [&](auto&& of_the_word) {
    return std::ranges::any_of(scsi::command_table(), [&](const scsi::CommandRow& row) {
      return of_the_word(row) && holds(row);
    });
  };
  switch (operation.kind) {
    case Kind::any:
      return true;
    case Kind::opcode:
      return scsi::find_opcode(operation.opcode).empty() ||
             any_row([&](const auto& row) { return row.opcode == operation.opcode; });
    case Kind::command:
      return holds(*operation.row);
    case Kind::operation_class:
      return any_row([&](const auto& row) {
        scsi::Cdb cdb;
        cdb.raw[0] = row.opcode;
        return faults::class_of(cdb, &row) == operation.operation;
      });
    case Kind::task_management:
      break;
  }
  return false;
}

/// No command that `op` names is one that `holds` is true of.
bool never(const Match& match, Holds holds) {
  return !match.operations.empty() && std::ranges::none_of(match.operations, [&](const auto& each) {
    return may_be(each, holds);
  });
}

bool has_range(const scsi::CommandRow& row) {
  return row.is(scsi::has_range);
}
bool has_data_out(const scsi::CommandRow& row) {
  return row.data == scsi::DataDirection::out;
}
bool has_access_bits(const scsi::CommandRow& row) {
  return row.cdb_length >= 10 && (row.usage[1] & 0x18) != 0;
}
bool is_inquiry(const scsi::CommandRow& row) {
  return row.opcode == 0x12;
}
bool is_mode_sense(const scsi::CommandRow& row) {
  return row.opcode == 0x1a || row.opcode == 0x5a;
}

/// The first clause that only a command can meet; "" when there is none.
std::string_view clause_of_commands(const Match& match) {
  constexpr std::array kNames = {"sa",        "cdb",     "lba",     "blocks",      "fua",
                                 "dpo",       "group",   "control", "task_attr",   "vpd",
                                 "mode_page", "payload", "attempt", "first_touch", "rewrites"};
  for (const auto& row : faults::clause_table())
    if (row.given(match) && std::ranges::find(kNames, row.name) != kNames.end()) return row.name;
  return {};
}

/// Nothing behind it in the same rule can ever strike.
bool always_ends(const Action& action) {
  if (const auto* silence = std::get_if<faults::Silence>(&action)) return !silence->data_only;
  return std::holds_alternative<faults::Answer>(action) ||
         std::holds_alternative<faults::Drop>(action) ||
         std::holds_alternative<faults::Absent>(action);
}

bool swallows_functions(const Rule& rule) {
  return std::ranges::any_of(rule.effects, [](const Effect& each) {
    const auto* silence = std::get_if<faults::Silence>(&each.action);
    return silence != nullptr && silence->task_management;
  });
}

bool names_functions(const OperationMatch& operation) {
  return operation.kind == OperationMatch::Kind::task_management;
}
bool names_commands(const OperationMatch& operation) {
  return operation.kind != OperationMatch::Kind::task_management &&
         operation.kind != OperationMatch::Kind::any;
}

bool counts(const faults::Gate& gate) {
  return gate.skip != 0 || gate.every || gate.burst || gate.repeat || gate.nth;
}

bool can_exhaust(const Rule& rule) {
  const auto& gate = rule.gate;
  return gate.times || gate.nth || gate.repeat || (gate.burst && !gate.every) ||
         rule.life.once_per != OncePer::never;
}

struct Check {
  std::string_view path;  ///< below the rule's
  unsigned parts;         ///< that it looks at
  bool (*wrong)(const Rule&);
  std::string_view message;
};

// clang-format off
constexpr Check kChecks[] = {
  {".gate.burst", kGate, [](const Rule& r) { return r.gate.nth && r.gate.burst; },
   "makes no sense with nth, which picks a single match; keep one of them"},
  {".gate.every", kGate, [](const Rule& r) { return r.gate.nth && r.gate.every; },
   "makes no sense with nth, which picks a single match; keep one of them"},
  {".gate.skip", kGate, [](const Rule& r) { return r.gate.nth && r.gate.skip != 0; },
   "makes no sense with nth, which counts from the first match; add the two up in nth"},
  {".gate.p", kGate, [](const Rule& r) { return r.gate.nth && r.gate.probability; },
   "makes no sense with nth, which picks a single match; keep one of them, or use run_gate for a chance per run"},
  {".gate.burst", kGate, [](const Rule& r) { return r.gate.every && r.gate.burst && *r.gate.burst > *r.gate.every; },
   "is more than every, which is from the start of one burst to the next; write at most as much"},
  {".gate.repeat", kGate, [](const Rule& r) { return r.gate.repeat && !r.gate.burst; },
   "says how many bursts, and there is no burst; add burst, or write times"},
  {".gate.key", kGate, [](const Rule& r) { return r.gate.key == Key::lba && counts(r.gate); },
   "lba draws for each block and counts nothing; remove skip, every, burst, repeat and nth, or use another key"},
  {".gate.key", kGate, [](const Rule& r) { return r.gate.key == Key::attempt && counts(r.gate); },
   "attempt draws anew for each try, and its numbers are no counts; remove skip, every, burst, repeat and nth, or use key content"},
  {".gate.key", kGate, [](const Rule& r) { return r.gate.key == Key::event; },
   "event counts PDUs or octets of a connection, and nothing is decided there in this version; use counter"},
  {".gate.window", kGate, [](const Rule& r) { return r.gate.window && r.gate.window->after.count() == 0 && !r.gate.window->length && r.gate.window->since == Window::Since::arm; },
   "is always open; write \"after\", \"for\" or both"},
  {".gate.window.mark", kGate, [](const Rule& r) { return r.gate.window && r.gate.window->since == Window::Since::mark && r.gate.window->mark.empty(); },
   "missing; since mark needs the name of the mark"},
  {".gate.window.mark", kGate, [](const Rule& r) { return r.gate.window && r.gate.window->since != Window::Since::mark && !r.gate.window->mark.empty(); },
   "is only looked at with since mark; write \"since\": \"mark\", or remove it"},
  {".life.on_exhaust", kGate | kLife, [](const Rule& r) { return r.life.on_exhaust != faults::OnExhaust::nothing && !can_exhaust(r); },
   "can never happen: nothing limits how often the rule fires; add times, nth, repeat or once_per"},
  {".match.after_fault.rule", kMatch, [](const Rule& r) { return r.match.after_fault && r.match.after_fault->rule == r.id; },
   "is the rule itself, which could then never begin; name another one"},

  // Commands that `op` names against what the other clauses look at.
  {".match.lba", kMatch, [](const Rule& r) { return !r.match.lbas.empty() && never(r.match, has_range); },
   "cannot match: no command in op has a range of blocks in its CDB; change op or remove it"},
  {".match.first_touch", kMatch, [](const Rule& r) { return r.match.first_touch && never(r.match, has_range); },
   "cannot match: no command in op has a range of blocks in its CDB; change op or remove it"},
  {".match.rewrites", kMatch, [](const Rule& r) { return r.match.rewrites && never(r.match, has_range); },
   "cannot match: no command in op has a range of blocks in its CDB; change op or remove it"},
  {".match.blocks", kMatch, [](const Rule& r) { return r.match.blocks && r.match.blocks->least > 0 && never(r.match, has_range); },
   "cannot match: no command in op has a range of blocks in its CDB; change op or remove it"},
  {".match.payload", kMatch, [](const Rule& r) { return !r.match.payloads.empty() && never(r.match, has_data_out); },
   "cannot match: no command in op sends data to the target; change op to one that writes, or remove it"},
  {".match.fua", kMatch, [](const Rule& r) { return r.match.fua && never(r.match, has_access_bits); },
   "cannot match: no command in op has the bit; change op to a READ or WRITE of 10, 12 or 16 octets, or remove it"},
  {".match.dpo", kMatch, [](const Rule& r) { return r.match.dpo && never(r.match, has_access_bits); },
   "cannot match: no command in op has the bit; change op to a READ or WRITE of 10, 12 or 16 octets, or remove it"},
  {".match.vpd", kMatch, [](const Rule& r) { return !r.match.vpd_pages.empty() && never(r.match, is_inquiry); },
   "cannot match: only INQUIRY asks for these pages; write \"op\": \"INQUIRY\", or remove op"},
  {".match.mode_page", kMatch, [](const Rule& r) { return !r.match.mode_pages.empty() && never(r.match, is_mode_sense); },
   "cannot match: only MODE SENSE asks for these pages; write \"op\": [\"MODE SENSE(6)\", \"MODE SENSE(10)\"], or remove op"},
  {".gate.key", kMatch | kGate, [](const Rule& r) { return r.gate.key == Key::lba && never(r.match, has_range); },
   "lba needs blocks to draw for, and no command in op has a range of them; change op or use another key"},
  {".life.once_per", kMatch | kLife, [](const Rule& r) { return r.life.once_per == OncePer::lba && never(r.match, has_range); },
   "lba needs blocks to tell apart, and no command in op has a range of them; change op or use another"},
  {".effect", kMatch | kEffects, [](const Rule& r) { return never(r.match, has_range) && std::ranges::any_of(r.effects, [](const Effect& e) { return std::holds_alternative<faults::MediumError>(e.action); }); },
   "is a medium error, and no command in op has a range of blocks; change op, or use scsi.sense"},

  // Commands against task management functions.
  {".match.tmf", kMatch | kEffects, [](const Rule& r) { return !r.match.functions.empty() && !is_of_functions(r); },
   "cannot match: the effect is decided for commands, not for task management functions; remove it, or use a fault of the tmf family"},
  {".match.op", kMatch | kEffects, [](const Rule& r) { return !is_of_functions(r) && !swallows_functions(r) && std::ranges::any_of(r.match.operations, names_functions); },
   "names tmf, and the effect is decided for commands; name commands, or use a fault of the tmf family"},
  {".match.op", kMatch | kEffects, [](const Rule& r) { return swallows_functions(r) && !r.match.operations.empty() && std::ranges::all_of(r.match.operations, names_functions); },
   "names tmf alone, and the effect begins with a command; add the commands"},
  {".match.op", kMatch | kEffects, [](const Rule& r) { return is_of_functions(r) && std::ranges::any_of(r.match.operations, names_commands); },
   "names commands, and the effect is decided for task management functions; remove it, and use tmf to name functions"},
  {".gate.key", kGate | kEffects, [](const Rule& r) { return is_of_functions(r) && (r.gate.key == Key::lba || r.gate.key == Key::content || r.gate.key == Key::attempt); },
   "looks at commands, and the effect is decided for task management functions; use counter"},
  {".gate.budget_bytes", kGate | kEffects, [](const Rule& r) { return is_of_functions(r) && r.gate.budget_bytes; },
   "counts the data of commands, and the effect is decided for task management functions; remove it"},
  {".gate.max_active", kGate | kEffects, [](const Rule& r) { return is_of_functions(r) && r.gate.max_active; },
   "counts commands, and the effect is decided for task management functions; remove it"},
  {".life.once_per", kLife | kEffects, [](const Rule& r) { return is_of_functions(r) && r.life.once_per == OncePer::lba; },
   "lba looks at commands, and the effect is decided for task management functions; use session or run"},
};
// clang-format on

/// The effects of one rule are decided together.
void check_sites(const Value& value, const Rule& rule) {
  auto& problems = value.problems();
  const auto add = [&](const char* path, std::string message) {
    problems.add(value.path().empty() ? std::string(path + 1) : value.path() + path,
                 std::move(message));
  };
  const auto named = [](Site site) { return std::string(faults::name_of(site)); };
  const Effect* first = rule.effects.empty() ? nullptr : &rule.effects.front();
  for (const Effect& effect : rule.effects) {
    const Site here = decided_at(effect.fault->site);
    if (const Site there = decided_at(first->fault->site); here != there)
      add(".effect", std::string(effect.fault->id) + " is decided at " + named(here) + " and " +
                         std::string(first->fault->id) + " at " + named(there) +
                         "; make two rules of it");
    if (rule.where && *rule.where != effect.fault->site && *rule.where != here)
      add(".where", "is " + named(*rule.where) + ", and " + std::string(effect.fault->id) +
                        " strikes at " + named(effect.fault->site) + "; write that or " +
                        named(here) + ", or leave it out");
  }
  if (first == nullptr && rule.where && *rule.where != Site::cmd_enqueue &&
      *rule.where != Site::tmf_rx)
    add(".where", "is " + named(*rule.where) +
                      ", where nothing is decided; a rule without effect can observe cmd.enqueue "
                      "or tmf.rx");
  for (std::size_t i = 0; i + 1 < rule.effects.size(); ++i)
    if (always_ends(rule.effects[i].action)) {
      add(".effect", std::string(rule.effects[i + 1].fault->id) + " stands behind " +
                         std::string(rule.effects[i].fault->id) +
                         ", which ends the command, and would never strike; write it in front");
      break;
    }
}

}  // namespace

void check_rule(const Value& value, const Rule& rule, const Readable& readable) {
  const unsigned parts = (readable.match ? kMatch : 0U) | (readable.gate ? kGate : 0U) |
                         (readable.effects ? kEffects : 0U) | (readable.life ? kLife : 0U);
  const auto path_of = [&](std::string_view below) {
    return value.path().empty() ? std::string(below.substr(1)) : value.path() + std::string(below);
  };
  for (const Check& check : kChecks)
    if ((check.parts & ~parts) == 0 && check.wrong(rule))
      value.problems().add(path_of(check.path), std::string(check.message));
  if (!readable.effects) return;
  check_sites(value, rule);
  if (!readable.match || !is_of_functions(rule)) return;
  if (const auto clause = clause_of_commands(rule.match); !clause.empty())
    value.problems().add(path_of(".match." + std::string(clause)),
                         "looks at commands, and the effect is decided for task management "
                         "functions; remove it, and use tmf to name functions");
}

}  // namespace faultlun::config::parts
