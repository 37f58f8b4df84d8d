// Rules drawn from a seed, valid by construction.
#pragma once

#include "faults/rule.hpp"
#include "protocol/scsi/commands.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>

namespace faultlun::config::test {

class RandomRule {
 public:
  explicit RandomRule(std::uint64_t seed) : engine_(seed) {}

  /// Only observes, so that it needs no fault.
  faults::Rule draw(std::uint64_t number) {
    faults::Rule rule;
    rule.id = "rule-" + std::to_string(number) + "._A";
    if (coin()) rule.where = faults::Site::cmd_enqueue;
    rule.match = match(0);
    rule.gate = gate();
    rule.life = life(rule.gate);
    rule.observe = true;
    if (coin()) rule.note = text();
    return rule;
  }

 private:
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  bool coin() { return below(2) == 0; }
  bool seldom() { return below(5) == 0; }
  std::uint64_t count() {
    return 1 + (coin() ? below(100) : engine_() >> (1 + below(63))) % (UINT64_MAX - 1);
  }
  faults::Time time(std::uint64_t least_us = 0) {
    return std::chrono::microseconds(
        static_cast<std::int64_t>(least_us + below(coin() ? 1000 : 36'000'000'000'000)));
  }
  std::string text() {
    constexpr char kCharacters[] = "abcXYZ019 .-_*?\"\\/{}[]:,";
    std::string out;
    for (std::size_t i = 1 + below(20); i > 0; --i)
      out.push_back(kCharacters[below(sizeof kCharacters - 1)]);
    return out + (coin() ? "é" : "");
  }
  bytes::Buffer octets(std::size_t count) {
    bytes::Buffer out(count);
    for (auto& each : out)
      each = static_cast<std::uint8_t>(below(256));
    return out;
  }
  template <typename Draw>
  auto list(Draw draw_one) {
    std::vector<decltype(draw_one())> out;
    if (seldom())
      for (std::size_t i = 1 + below(3); i > 0; --i)
        out.push_back(draw_one());
    return out;
  }
  auto numbers(std::uint64_t least, std::uint64_t most) {
    return list([=, this] { return least + below(most - least + 1); });
  }
  faults::NumberRange range(std::uint64_t least) {
    faults::NumberRange out;
    const auto kind = below(3);
    if (kind != 0) out.least = least + below(100);
    if (kind != 1) out.most = least + 100 + below(1000);
    return out;
  }
  faults::MaskedOctets masked(std::size_t most) {
    faults::MaskedOctets out;
    out.octets = octets(1 + below(most));
    if (coin()) out.mask = octets(out.octets.size());
    return out;
  }
  faults::LbaMatch lba() {
    faults::LbaMatch out;
    out.start = engine_() >> (1 + below(63));  // editors know 63 bits
    out.length = 1 + below(std::min<std::uint64_t>(UINT64_MAX - out.start, 1 << 20) + 1);
    if (out.length - 1 > UINT64_MAX - out.start) out.length = 1;
    out.mode = static_cast<faults::LbaMatch::Mode>(below(4));
    return out;
  }
  faults::OperationMatch operation() {
    faults::OperationMatch out;  // one that every clause can go with
    out.kind = faults::OperationMatch::Kind::any;
    out.text = "any";
    if (coin()) return out;
    out.kind = faults::OperationMatch::Kind::command;
    const auto table = scsi::command_table();
    out.row = &table[below(table.size())];
    out.text = out.row->name;
    return out;
  }

  faults::Match match(unsigned depth) {
    faults::Match out;
    out.initiators = list([this] { return text(); });
    out.sessions = list([this] { return text(); });
    out.targets = list([this] { return text(); });
    out.sources = list([this] { return text(); });
    out.portals = numbers(0, 255);
    out.portal_groups = numbers(1, 65535);
    for (std::uint16_t lun = static_cast<std::uint16_t>(below(16000)); coin() && lun < 16000;
         lun = static_cast<std::uint16_t>(lun + 1 + (coin() ? 0 : below(50))))
      out.luns.push_back(lun);
    if (seldom()) {
      out.operations.push_back(operation());
      out.operations.push_back(
          {faults::OperationMatch::Kind::any, 0, nullptr, faults::OperationClass::other, "any"});
    }
    out.service_actions = numbers(0, 31);
    out.cdbs = list([this] { return masked(32); });
    out.lbas = list([this] { return lba(); });
    if (seldom()) out.blocks = range(0);
    if (seldom()) out.fua = coin();
    if (seldom()) out.dpo = coin();
    out.groups = numbers(0, 31);
    if (seldom()) out.control = static_cast<std::uint8_t>(below(4));
    out.attributes = list([this] { return static_cast<scsi::TaskAttribute>(below(5)); });
    out.vpd_pages = numbers(0, 255);
    out.mode_pages = numbers(0, 63);
    if (seldom()) out.outstanding = range(1);
    if (seldom()) out.immediate = coin();
    out.payloads = list([this] {
      auto each = masked(20);
      each.offset = static_cast<std::uint32_t>(below(5000));
      return each;
    });
    if (seldom()) out.attempt = range(1);
    if (seldom()) {
      out.after_fault.emplace();
      out.after_fault->rule = "other";
      if (coin()) out.after_fault->within = time();
      if (coin()) out.after_fault->commands = count();
    }
    if (seldom()) out.first_touch = coin();
    if (seldom()) out.rewrites = range(0);
    while (depth < 4 && seldom()) {
      auto inner = std::make_shared<faults::Match>(match(depth + 1));
      inner->payloads.clear();  // these look at what is kept for the rule itself
      inner->attempt.reset();
      inner->after_fault.reset();
      inner->first_touch.reset();
      inner->rewrites.reset();
      inner->groups = {7};  // not empty
      out.none_of.push_back(std::move(inner));
    }
    return out;
  }

  faults::Ratio ratio() {
    const auto denominator = 1 + below(coin() ? 10 : 1'000'000'000'000);
    const auto numerator = below(denominator + 1);
    const auto parsed =
        faults::parse_ratio(std::to_string(numerator) + "/" + std::to_string(denominator));
    return *parsed.ratio;
  }

  faults::Gate gate() {
    faults::Gate out;
    if (coin()) {
      out.nth = count();
    } else if (coin()) {
      out.skip = below(100);
      if (coin()) out.every = 1 + below(1000);
      if (coin()) out.burst = 1 + below(out.every.value_or(50));
      if (out.burst && coin()) out.repeat = count();
      if (coin()) out.probability = ratio();
      out.key = coin() ? faults::Key::counter : faults::Key::content;
    } else {
      out.key = static_cast<faults::Key>(below(4));
      out.probability = ratio();
    }
    if (coin()) out.times = count();
    if (seldom()) out.run_gate = ratio();
    if (seldom()) out.budget_bytes = count();
    if (seldom()) {
      out.window.emplace();
      out.window->since = static_cast<faults::Window::Since>(below(3));
      if (out.window->since == faults::Window::Since::mark) out.window->mark = "m";
      if (coin()) out.window->after = time();
      out.window->length = time(1);
    }
    if (seldom()) out.cycle = faults::Cycle{time(1), time()};
    if (seldom()) out.max_active = 1 + static_cast<std::uint32_t>(below(1000));
    return out;
  }

  faults::Life life(const faults::Gate& gate) {
    faults::Life out;
    out.armed = coin();
    if (coin()) out.priority = static_cast<std::int32_t>(below(2'000'001)) - 1'000'000;
    if (seldom()) out.ttl = time(1);
    if (seldom()) out.lease = text();
    if (seldom()) out.owner = text();
    out.tags = list([this] { return text(); });
    if (seldom()) out.once_per = static_cast<faults::OncePer>(below(4));
    if (gate.times || gate.nth || gate.repeat || out.once_per != faults::OncePer::never) {
      out.on_exhaust = static_cast<faults::OnExhaust>(below(5));
      if (out.on_exhaust >= faults::OnExhaust::go_to) out.on_exhaust_name = text();
    }
    out.global = seldom();
    out.must_fire = seldom();
    return out;
  }

  std::mt19937_64 engine_;
};

}  // namespace faultlun::config::test
