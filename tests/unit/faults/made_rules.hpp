// Rules made by hand, sets of them, and an initiator that sends commands to be decided.
#pragma once

#include "faults/decide.hpp"

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace faultlun::faults::made {

inline constexpr Parameter kParameters[] = {{.name = "n", .kind = Kind::number}};
inline Built build_nothing(const Arguments&) {
  return Action(Answer{});
}
inline constexpr FaultRow kCommandFault = {
    "test.command", Site::cmd_status, kParameters, &build_nothing, "", "", "", ""};
inline constexpr FaultRow kFunctionFault = {
    "test.function", Site::tmf_rx, kParameters, &build_nothing, "", "", "", ""};

/// `n` tells effects of equal kind apart: effects compare by their arguments.
inline Effect effect(Action action, std::uint64_t n = 0, const FaultRow& fault = kCommandFault) {
  Effect made;
  made.fault = &fault;
  made.arguments = Arguments(kParameters);
  made.arguments.set("n", n);
  made.action = std::move(action);
  return made;
}
inline Effect busy() {
  Answer made;
  made.status = scsi::Status::busy;
  return effect(made, 1);
}
inline Effect delay(std::int64_t nanoseconds) {
  Delay made;
  made.time.distribution.shape = Constant{Time(nanoseconds)};
  return effect(made, static_cast<std::uint64_t>(nanoseconds));
}
inline Effect medium(MediumError::Heal heal, std::uint32_t after = 0) {
  MediumError made;
  made.heal = heal;
  made.heal_after = after;
  return effect(made, 100 + static_cast<std::uint64_t>(heal) * 100 + after);
}

inline Rule rule(std::string id, std::vector<Effect> effects = {delay(10)}, Gate gate = {}) {
  Rule made;
  made.id = std::move(id);
  made.effects = std::move(effects);
  made.gate = std::move(gate);
  return made;
}
inline OperationMatch opcode(std::uint8_t code) {
  OperationMatch made;
  made.kind = OperationMatch::Kind::opcode;
  made.opcode = code;
  made.text = std::to_string(code);
  return made;
}
inline OperationMatch operation(OperationClass operation) {
  OperationMatch made;
  made.kind = OperationMatch::Kind::operation_class;
  made.operation = operation;
  made.text = name_of(operation);
  return made;
}

/// Sets that follow each other; a rule keeps its lifetime as long as it keeps its ID.
class Epochs {
 public:
  explicit Epochs(std::uint64_t seed = 42) : seed_(seed) {}
  std::shared_ptr<const RuleSet> set(const std::vector<Rule>& rules) {
    ++epoch_;
    std::vector<RuleSet::Entry> entries;
    for (const auto& each : rules) {
      auto& lifetime = lifetimes_[each.id];
      if (lifetime == nullptr) {
        lifetime = std::make_shared<RuleLifetime>();
        lifetime->serial = lifetimes_.size();
        lifetime->first_epoch = epoch_;
      }
      entries.push_back({each, lifetime});
    }
    return std::make_shared<const RuleSet>(std::move(entries), epoch_, seed_);
  }
  RuleLifetime& lifetime(const std::string& id) { return *lifetimes_.at(id); }

 private:
  std::uint64_t seed_, epoch_ = 0;
  std::map<std::string, std::shared_ptr<RuleLifetime>> lifetimes_;
};

struct Initiator {
  explicit Initiator(std::uint64_t run_seed = 42) : seed(run_seed) {
    session.initiator = "iqn.a";
    session.isid = "800000000001";
    session.ordinal = 1;
    facts.session = &session;
    facts.has_lun = true;
  }
  Initiator(const Initiator&) = delete;
  Initiator& operator=(const Initiator&) = delete;

  /// A command with a range; 6-, 10- and 16-byte CDBs have no room for all of them, so the facts
  /// say it.
  const Decision& send(const RuleSet& rules, std::uint8_t code, std::uint64_t lba,
                       std::uint64_t blocks) {
    cdb = scsi::Cdb();
    cdb.raw[0] = code;
    facts.site = Site::cmd_enqueue;
    facts.cdb = &cdb;
    facts.row = scsi::find_command(cdb);
    facts.lba = lba;
    facts.blocks = blocks;
    facts.cmd_sn += facts.immediate ? 0 : 1;
    decide(rules, state, seed, facts, {.writes = writes}, decision);
    return decision;
  }
  const Decision& read(const RuleSet& rules, std::uint64_t lba = 0, std::uint64_t blocks = 8) {
    return send(rules, 0x28, lba, blocks);
  }
  const Decision& write(const RuleSet& rules, std::uint64_t lba = 0, std::uint64_t blocks = 8) {
    return send(rules, 0x2a, lba, blocks);
  }
  const Decision& function(const RuleSet& rules, std::uint8_t code) {
    facts.site = Site::tmf_rx;
    facts.cdb = nullptr;
    facts.row = nullptr;
    facts.blocks = 0;
    facts.function = code;
    decide_task_management(rules, state, seed, facts, {}, decision);
    return decision;
  }
  /// The outcome of the only verdict there is.
  Outcome outcome() const { return decision.verdicts.at(0).outcome; }

  std::uint64_t seed;
  SessionFacts session;
  scsi::Cdb cdb;
  Facts facts;
  RuleState state;
  Decision decision;
  WriteHistory* writes = nullptr;
};

/// Numbers from a seed, small ones often.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace faultlun::faults::made
