// What the rules that a command could match, but does not, cost it: nanoseconds per decide() by the
// number of rules and by what they have in common with the command.
#include "faults/decide.hpp"
#include "protocol/bytes/bytes.hpp"

#include <benchmark/benchmark.h>
#include <memory>
#include <string>

namespace {

using namespace faultlun;
using faults::Rule;

const faults::FaultRow kFault = {"bench", faults::Site::cmd_status, {}, nullptr, "", "", "", ""};

Rule rule(std::size_t number) {
  Rule made;
  made.id = "rule-" + std::to_string(number);
  faults::Effect effect;
  effect.fault = &kFault;
  effect.action = faults::Answer{};
  made.effects = {effect};
  faults::OperationMatch read;
  read.kind = faults::OperationMatch::Kind::opcode;
  read.opcode = 0x28;
  read.text = "0x28";
  made.match.operations = {read};
  return made;
}

constexpr std::uint64_t kSpacing = 1024;  ///< blocks from one rule's LBA range to the next

Rule lba_rule(std::size_t number) {  // same opcode, same LUN, another LBA
  auto made = rule(number);
  made.match.luns = {0};
  made.match.lbas = {{number * kSpacing + 512, 8}};
  return made;
}
Rule lun_rule(std::size_t number) {  // same opcode, another LUN
  auto made = rule(number);
  made.match.luns = {static_cast<std::uint16_t>(1 + number)};
  return made;
}
Rule opcode_rule(std::size_t number) {  // another opcode
  auto made = rule(number);
  made.match.operations[0].opcode = static_cast<std::uint8_t>(0x2a + number % 16);
  return made;
}
Rule mixed_rule(std::size_t number) {
  auto made = number % 3 == 0   ? lba_rule(number)
              : number % 3 == 1 ? lun_rule(number)
                                : opcode_rule(number);
  if (number % 6 == 0) made.match.luns.clear();
  return made;
}

template <Rule (*make)(std::size_t)>
void decide_among(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<faults::RuleSet::Entry> entries;
  for (std::size_t i = 0; i < count; ++i) {
    auto lifetime = std::make_shared<faults::RuleLifetime>();
    lifetime->serial = i + 1;
    entries.push_back({make(i), lifetime});
  }
  const faults::RuleSet rules(std::move(entries), 1, 42);
  faults::RuleState counters;
  const faults::SessionFacts session;
  faults::Decision decision;
  scsi::Cdb cdb;
  cdb.raw[0] = 0x28;
  faults::Facts facts;
  facts.session = &session;
  facts.cdb = &cdb;
  facts.row = scsi::find_command(cdb);
  facts.has_lun = true;
  facts.blocks = 8;
  std::uint64_t random = 1, matched = 0;
  for (auto _ : state) {
    // Anywhere between the ranges, in no order that a branch predictor learns.
    random = random * 6364136223846793005 + 1442695040888963407;
    facts.lba = (random >> 33) % (count + 1) * kSpacing + (random >> 20 & 255);
    faults::decide(rules, counters, 42, facts, {}, decision);
    matched += decision.verdicts.size();
    benchmark::DoNotOptimize(decision);
  }
  if (matched != 0) state.SkipWithError("a rule matched");
}
BENCHMARK(decide_among<lba_rule>)->Name("decide/lba_ranges")->Arg(0)->Arg(1)->Arg(1000)->Arg(10000);
BENCHMARK(decide_among<lun_rule>)->Name("decide/luns")->Arg(1000)->Arg(10000);
BENCHMARK(decide_among<opcode_rule>)->Name("decide/opcodes")->Arg(1000)->Arg(10000);
BENCHMARK(decide_among<mixed_rule>)->Name("decide/mixed")->Arg(1000)->Arg(10000);

/// What a change of one rule costs the control thread: the whole set is made anew.
void compile(benchmark::State& state) {
  std::vector<faults::RuleSet::Entry> entries;
  for (std::size_t i = 0; i < static_cast<std::size_t>(state.range(0)); ++i)
    entries.push_back({mixed_rule(i), std::make_shared<faults::RuleLifetime>()});
  for (auto _ : state)
    benchmark::DoNotOptimize(std::make_unique<faults::RuleSet>(entries, 1, 42));
}
BENCHMARK(compile)
    ->Name("compile/mixed")
    ->Arg(1)
    ->Arg(1000)
    ->Arg(10000)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
