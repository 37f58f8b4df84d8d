#include "faults/predict.hpp"

#include "faults/draw.hpp"

#include <algorithm>
#include <string>

namespace faultlun::faults {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 20 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// The words of the keys that the rule draws under, for complaints.
std::string_view keys_of(const Rule& rule) {
  switch (rule.gate.key) {
    case Key::counter:
      return decided_at(rule) == Site::tmf_rx ? "\"tmf\"" : "\"*\" or \"immediate\"";
    case Key::lba:
      return "\"lba:\" and a block's number";
    case Key::content:
      return "\"content:\" and a number from the journal";
    case Key::attempt:
      return "\"attempt:\" and a number from the journal";
    case Key::event:
      break;
  }
  return "\"event\"";
}

bool is_key_of(const Rule& rule, std::string_view key) {
  const auto numbered = [&](std::string_view prefix) {
    return key.starts_with(prefix) && is_number(key.substr(prefix.size()));
  };
  switch (rule.gate.key) {
    case Key::counter:
      return decided_at(rule) == Site::tmf_rx ? key == "tmf" : key == "*" || key == "immediate";
    case Key::lba:
      return numbered("lba:");
    case Key::content:
      return numbered("content:");
    case Key::attempt:
      return numbered("attempt:");
    case Key::event:
      break;
  }
  return key == "event";
}

bool looks_at_data(const Rule& rule) {
  const bool heals = std::ranges::any_of(rule.effects, [](const Effect& each) {
    const auto* error = std::get_if<MediumError>(&each.action);
    return error != nullptr && error->heal != MediumError::Heal::never;
  });
  return heals || rule.gate.budget_bytes || rule.life.once_per == OncePer::lba ||
         any_part(rule.match, [](const Match& match) {
           return match.attempt || match.after_fault || match.first_touch || match.rewrites ||
                  !match.payloads.empty();
         });
}

/// Firings at most under one key; UINT64_MAX: any number.
std::uint64_t limit_of(const Rule& rule) {
  const std::uint64_t times = rule.gate.times.value_or(UINT64_MAX);
  const bool once = rule.life.once_per == OncePer::session || rule.life.once_per == OncePer::run;
  return once ? std::min<std::uint64_t>(times, 1) : times;
}

}  // namespace

std::variant<Prediction, Complaint> predict(const Rule& rule, std::uint64_t seed,
                                            std::string_view key, std::uint64_t from,
                                            std::uint64_t n) {
  if (!is_key_of(rule, key))
    return Complaint{"key", "is none of those of the rule, whose gate.key is " +
                                std::string(kKeyNames[static_cast<std::size_t>(rule.gate.key)]) +
                                ": give " + std::string(keys_of(rule))};
  const Gate& gate = rule.gate;
  const std::uint64_t limit = limit_of(rule);
  // Firings before `from` count towards the limit, so they have to be found; none come before skip.
  const std::uint64_t start = limit == UINT64_MAX ? from : std::min(from, gate.skip);
  if (n > kMaxPredictions || from - start > kMaxPredictions - n)
    return Complaint{limit == UINT64_MAX ? "n" : "from",
                     "asks for more than " + std::to_string(kMaxPredictions) +
                         " indexes (with times or once_per, those before `from` count): ask for "
                         "fewer at a time"};
  Prediction out;
  out.end = n > UINT64_MAX - from ? UINT64_MAX : from + n;
  out.timed = is_timed(rule);
  out.order_dependent = is_order_dependent(rule);
  out.needs_data = looks_at_data(rule);
  out.shares_limit = limit != UINT64_MAX;
  const std::uint64_t own_seed = rule.seed.value_or(seed);
  const Drawer drawer(own_seed, rule.id, key);
  if (gate.run_gate && !gate.run_gate->fires(run_gate_draw(rule, own_seed))) out.off = true;
  std::uint64_t fired = 0;
  for (auto index = start; index < out.end && !out.off && fired < limit; ++index) {
    if (gate.key != Key::lba && count_gate(gate, index) != Outcome::fired) continue;
    const auto drawn = gate.key == Key::counter ? draw_index(gate, index) : index;
    if (gate.probability && !gate.probability->fires(drawer.at(drawn, kSlotDecide))) continue;
    ++fired;
    if (index >= from) out.indexes.push_back(index);
  }
  return out;
}

}  // namespace faultlun::faults
