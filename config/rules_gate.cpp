// `gate` and `life` of a rule.
#include "config/arguments.hpp"
#include "config/rules_parts.hpp"
#include "config/units.hpp"

namespace faultlun::config::parts {

namespace {

using faults::Cycle;
using faults::Gate;
using faults::Life;
using faults::OncePer;
using faults::OnExhaust;
using faults::Window;
using std::chrono::microseconds;

constexpr std::int64_t kMostPriority = 1'000'000;

std::optional<std::uint64_t> read_count(const Value& value) {
  return value.number(1, UINT64_MAX);
}

std::optional<faults::Ratio> read_probability(const Value& value) {
  const auto ratio = value.decimal();
  if (!ratio) return std::nullopt;
  faults::Complaints complaints;
  require_probability(complaints, "", *ratio);
  if (complaints.empty()) return ratio;
  value.fail(complaints.front().message);
  return std::nullopt;
}

Window read_window(const Value& value) {
  Object in(value, shape("window"));
  Window out;
  if (const auto since = in.optional("since").one_of(kSinceNames))
    out.since = static_cast<Window::Since>(*since);
  const Value mark = in.optional("mark");
  take(read_name(mark), out.mark);
  take(in.duration("after", microseconds(0), kMostTime), out.after);
  if (const auto length = in.duration("for", microseconds(1), kMostTime)) out.length = *length;
  in.finish();
  return out;
}

Cycle read_cycle(const Value& value) {
  Object in(value, shape("cycle"));
  Cycle out;
  take(in.duration("up", microseconds(1), kMostTime, true), out.up);
  take(in.duration("down", microseconds(0), kMostTime, true), out.down);
  in.finish();
  return out;
}

/// "disarm", "remove", {"goto": "STATE"} or {"emit": "EVENT"}.
void read_on_exhaust(const Value& value, Life& life) {
  constexpr std::string_view kWords[] = {"disarm", "remove"};
  constexpr std::string_view kWithNames[] = {"goto", "emit"};
  if (!value.present()) return;
  if (value.is_text()) {
    const auto text = value.text(1, kMaxNameBytes);
    for (const auto word : kWithNames) {
      if (!text || *text != word) continue;
      value.fail("does not say where to; write {\"" + std::string(word) + "\": \"NAME\"}");
      return;
    }
  }
  if (!value.is_object()) {
    if (const auto word = value.one_of(kWords))
      life.on_exhaust = *word == 0 ? OnExhaust::disarm : OnExhaust::remove;
    return;
  }
  Object in(value, shape("on_exhaust"));
  const Value state = in.optional("goto"), event = in.optional("emit");
  in.finish();
  if (state.present() == event.present()) {
    value.fail(state.present() ? "has both goto and emit; keep one of them"
                               : "is empty; write {\"goto\": \"STATE\"} or {\"emit\": \"EVENT\"}");
    return;
  }
  life.on_exhaust = state.present() ? OnExhaust::go_to : OnExhaust::emit;
  take(read_name(state.present() ? state : event), life.on_exhaust_name);
}

Json on_exhaust_to_json(const Life& life) {
  switch (life.on_exhaust) {
    case OnExhaust::disarm:
      return "disarm";
    case OnExhaust::remove:
      return "remove";
    case OnExhaust::go_to:
      return {{"goto", life.on_exhaust_name}};
    case OnExhaust::emit:
      return {{"emit", life.on_exhaust_name}};
    case OnExhaust::nothing:
      break;
  }
  return nullptr;
}

std::optional<std::int32_t> read_priority(const Value& value) {
  const auto number = value.difference();
  if (!number) return std::nullopt;
  if (*number >= -kMostPriority && *number <= kMostPriority)
    return static_cast<std::int32_t>(*number);
  value.wrong_type("a whole number from -1000000 to 1000000");
  return std::nullopt;
}

template <typename T>
void put(Json& out, const char* key, const std::optional<T>& value) {
  if (value) out[key] = *value;
}

}  // namespace

void read_gate(const Value& value, Gate& gate) {
  Object in(value, shape("gate"));
  if (const auto key = in.optional("key").one_of(faults::kKeyNames))
    gate.key = static_cast<faults::Key>(*key);
  take(in.optional("skip").number(0, UINT64_MAX), gate.skip);
  gate.every = read_count(in.optional("every"));
  gate.burst = read_count(in.optional("burst"));
  gate.repeat = read_count(in.optional("repeat"));
  gate.times = read_count(in.optional("times"));
  gate.nth = read_count(in.optional("nth"));
  gate.probability = read_probability(in.optional("p"));
  gate.run_gate = read_probability(in.optional("run_gate"));
  const Value budget = in.optional("budget_bytes");
  gate.budget_bytes = budget.size_bytes();
  if (gate.budget_bytes == 0u) budget.fail("is 0 and waits for nothing; leave it out");
  if (const Value window = in.optional("window"); window.present())
    gate.window = read_window(window);
  if (const Value cycle = in.optional("cycle"); cycle.present()) gate.cycle = read_cycle(cycle);
  if (const auto active = in.optional("max_active").number(1, UINT32_MAX))
    gate.max_active = static_cast<std::uint32_t>(*active);
  in.finish();
}

Json gate_to_json(const Gate& gate) {
  Json out = Json::object();
  if (gate.key != faults::Key::counter)
    out["key"] = faults::kKeyNames[static_cast<std::size_t>(gate.key)];
  if (gate.skip != 0) out["skip"] = gate.skip;
  put(out, "every", gate.every);
  put(out, "burst", gate.burst);
  put(out, "repeat", gate.repeat);
  put(out, "times", gate.times);
  put(out, "nth", gate.nth);
  if (gate.probability) out["p"] = ratio_to_json(*gate.probability);
  if (gate.run_gate) out["run_gate"] = ratio_to_json(*gate.run_gate);
  if (gate.budget_bytes) out["budget_bytes"] = size_text(*gate.budget_bytes);
  if (gate.window) {
    const Window& window = *gate.window;
    Json& in = out["window"] = Json::object();
    if (window.since != Window::Since::arm)
      in["since"] = kSinceNames[static_cast<std::size_t>(window.since)];
    if (!window.mark.empty()) in["mark"] = window.mark;
    if (window.after.count() != 0) in["after"] = time_text(window.after);
    if (window.length) in["for"] = time_text(*window.length);
  }
  if (gate.cycle)
    out["cycle"] = {{"up", time_text(gate.cycle->up)}, {"down", time_text(gate.cycle->down)}};
  put(out, "max_active", gate.max_active);
  return out;
}

void read_life(const Value& value, Life& life) {
  Object in(value, shape("life"));
  take(in.optional("armed").boolean(), life.armed);
  take(read_priority(in.optional("priority")), life.priority);
  if (const auto ttl = in.duration("ttl", microseconds(1), kMostTime)) life.ttl = *ttl;
  take(read_name(in.optional("lease")), life.lease);
  take(in.optional("owner").text(0, kMaxNameBytes), life.owner);
  for (const Value& tag : in.optional("tags").items(kMaxTags))
    if (auto text = read_name(tag)) life.tags.push_back(std::move(*text));
  read_on_exhaust(in.optional("on_exhaust"), life);
  if (const auto once = in.optional("once_per").one_of(kOncePerNames))
    life.once_per = static_cast<OncePer>(*once + 1);
  if (const auto scope = in.optional("scope").one_of(kScopeNames)) life.global = *scope == 1;
  life.must_fire = in.optional("must_fire").boolean();
  in.finish();
}

Json life_to_json(const Life& life) {
  Json out = Json::object();
  if (!life.armed) out["armed"] = false;
  if (life.priority != 0) out["priority"] = life.priority;
  if (life.ttl) out["ttl"] = time_text(*life.ttl);
  if (!life.lease.empty()) out["lease"] = life.lease;
  if (!life.owner.empty()) out["owner"] = life.owner;
  if (!life.tags.empty()) out["tags"] = life.tags;
  if (life.on_exhaust != OnExhaust::nothing) out["on_exhaust"] = on_exhaust_to_json(life);
  if (life.once_per != OncePer::never)
    out["once_per"] = kOncePerNames[static_cast<std::size_t>(life.once_per) - 1];
  if (life.global) out["scope"] = "global";
  put(out, "must_fire", life.must_fire);
  return out;
}

}  // namespace faultlun::config::parts
