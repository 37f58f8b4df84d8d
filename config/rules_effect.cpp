// `effect` of a rule: faults of the table by their IDs, their arguments by their parameters' rows.
#include "config/arguments.hpp"
#include "config/rules_parts.hpp"

#include <algorithm>
#include <variant>

namespace faultlun::config::parts {

namespace {

using faults::Effect;
using faults::FaultRow;

std::string_view family_of(std::string_view id) {
  return id.substr(0, id.find('.'));
}

/// What there is instead of `id`: the faults of its family, or the families.
std::string known_near(std::string_view id, std::span<const FaultRow> table) {
  std::vector<std::string_view> ids, families, near;
  for (const FaultRow& row : table) {
    ids.push_back(row.id);
    if (family_of(row.id) == family_of(id)) near.push_back(row.id);
    if (std::ranges::find(families, family_of(row.id)) == families.end())
      families.push_back(family_of(row.id));
  }
  const std::string hint = did_you_mean(id, ids);
  if (!near.empty()) return hint + "; known of this family: " + listed(near);
  if (families.empty()) return hint + "; this version knows no faults: remove it";
  return hint + "; known families: " + listed(families) + " (docs/faults)";
}

void read_fault(const Member& member, std::span<const FaultRow> table,
                std::vector<Effect>& effects) {
  const auto row = std::ranges::find(table, std::string_view(member.key), &FaultRow::id);
  if (row == table.end()) {
    const Problems& problems = member.value.problems();
    member.value.fail("unknown fault" +
                      (problems.full() ? std::string() : known_near(member.key, table)));
    return;
  }
  const auto count = [&] {
    return member.value.problems().list().size() + member.value.problems().left_out();
  };
  const auto before = count();
  Effect effect;
  effect.fault = &*row;
  effect.arguments = read_arguments(member.value, row->parameters);
  if (count() != before) return;  // the arguments are not what was meant
  auto built = row->build(effect.arguments);
  if (const auto* complaint = std::get_if<faults::Complaint>(&built)) {
    const bool whole = complaint->field.empty();
    member.value.problems().add(
        whole ? member.value.path() : member.value.path() + "." + complaint->field,
        complaint->message);
    return;
  }
  effect.action = std::move(*std::get_if<faults::Action>(&built));
  effects.push_back(std::move(effect));
}

}  // namespace

void read_effects(const Value& value, std::span<const FaultRow> table,
                  std::vector<Effect>& effects) {
  const auto objects =
      value.is_array() ? value.items(faults::kMaxEffectsPerRule) : std::vector<Value>{value};
  std::size_t faults = 0;
  for (const Value& object : objects) {
    const auto members = object.members();
    if (members.empty() && object.is_object())
      object.fail("names no fault; write one, like {\"scsi.status\": {\"status\": \"BUSY\"}}");
    for (const Member& member : members) {
      if (++faults == faults::kMaxEffectsPerRule + 1) {
        value.fail("has more than " + std::to_string(faults::kMaxEffectsPerRule) +
                   " faults; make two rules of it");
        return;
      }
      read_fault(member, table, effects);
    }
  }
}

Json effects_to_json(const std::vector<Effect>& effects) {
  const auto one = [](const Effect& effect) {
    Json out = Json::object();
    out[std::string(effect.fault->id)] = arguments_to_json(effect.arguments);
    return out;
  };
  if (effects.size() == 1) return one(effects.front());
  Json out = Json::array();
  for (const Effect& effect : effects)
    out.push_back(one(effect));
  return out;
}

}  // namespace faultlun::config::parts
