// Octets as a configuration file, and as a file of rules.  Either a configuration that dumps and
// reads back equal, or errors that say where and what.
#include "config/dump.hpp"
#include "config/load.hpp"
#include "config/rules.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

#include <set>

namespace faultlun::fuzz {
namespace {

constexpr std::size_t kLongestMessage = 2000;

void check(const config::LoadResult& result) {
  expect(result.config.has_value() == result.errors.empty(), "a configuration, or errors");
  expect(result.errors.size() <= config::kMaxProblems, "no more errors than are useful");
  for (const auto& problem : result.errors) {
    expect(!problem.message.empty() && problem.message.size() <= kLongestMessage,
           "an error says what is wrong, in one line");
    expect(problem.message.find('\n') == std::string::npos, "an error is one line");
  }
}

void check(const config::Config& config) {
  std::size_t units = 0;
  for (const auto& target : config.targets) {
    expect(target.luns.size() <= std::size_t{config::kMaxLun} + 1, "no more units than LUNs");
    std::set<std::uint16_t> numbers;
    for (const auto& unit : target.luns) {
      expect(unit.lun <= config::kMaxLun && numbers.insert(unit.lun).second,
             "LUNs are in range and unique");
      expect(unit.block_size == 512 || unit.block_size == 4096, "a block size that exists");
      expect(!unit.serial.empty() && !unit.naa.empty(), "every unit has an identity");
    }
    units += target.luns.size();
  }
  expect(units <= config::kMaxLuns, "a limit on all units together");
  expect(config.rules.size() <= faults::kMaxRules, "a limit on rules");
  std::set<std::string_view> ids;
  std::size_t luns = 0;
  for (const auto& rule : config.rules) {
    expect(config::check_rule_id(rule.id).empty() && ids.insert(rule.id).second,
           "rules have names, each its own");
    expect(rule.observe || !rule.effects.empty(), "a rule does something");
    expect(rule.effects.size() <= faults::kMaxEffectsPerRule, "a limit on effects");
    luns += rule.match.luns.size();
  }
  expect(luns <= config::kMaxLunsOfRules, "a limit on the LUNs that rules name");
  expect(config.portals.size() <= config::kMaxPortals && !config.portals.empty(),
         "portals within limits");
}

/// The same octets as a file of rules.
void run_rules(std::string_view text) {
  const auto result = config::load_rules(text);
  expect(result.rules.has_value() == result.errors.empty(), "rules, or errors");
  if (!result.rules) return;
  const auto again = config::load_rules(config::rules_to_json(*result.rules).dump());
  expect(again.rules == result.rules, "printed rules read back equal");
}

void run(std::string_view text) {
  run_rules(text);
  const auto result = config::load(text);
  check(result);
  if (!result.config) return;
  check(*result.config);
  const auto again = config::load(config::dump_text(*result.config));
  expect(again.config.has_value(), "a dump loads");
  expect(*again.config == *result.config, "a dump reads back equal");
}

}  // namespace
}  // namespace faultlun::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  faultlun::fuzz::run(faultlun::bytes::text({data, size}));
  return 0;
}
