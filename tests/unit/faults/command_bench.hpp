// Commands of one session as facts, and rules with effects that no table knows.
#pragma once

#include "faults/decide.hpp"

#include <string>
#include <utility>

namespace faultlun::faults {

inline const FaultRow kTestFault{.id = "test.fault",
                                 .site = Site::cmd_exec,
                                 .parameters = {},
                                 .build = nullptr,
                                 .summary = "",
                                 .wire = "",
                                 .host = "",
                                 .example = "",
                                 .illegal = false};

inline Effect effect_of(Action action, const FaultRow& row = kTestFault) {
  Effect effect;
  effect.fault = &row;
  effect.action = std::move(action);
  return effect;
}

/// Answers BUSY.
inline Rule busy_rule(std::string id) {
  Rule rule;
  rule.id = std::move(id);
  Answer answer;
  answer.status = scsi::Status::busy;
  rule.effects = {effect_of(answer)};
  return rule;
}

inline std::shared_ptr<const RuleSet> rule_set(std::vector<Rule> rules, std::uint64_t seed = 42) {
  std::vector<RuleSet::Entry> entries;
  for (auto& rule : rules) {
    RuleSet::Entry entry{std::move(rule), std::make_shared<RuleLifetime>()};
    entry.lifetime->serial = entries.size() + 1;
    entries.push_back(std::move(entry));
  }
  return std::make_shared<const RuleSet>(std::move(entries), 1, seed);
}

struct CommandBench {
  SessionFacts session;
  scsi::Cdb cdb;

  explicit CommandBench(std::string initiator = "iqn.a") {
    session.initiator = std::move(initiator);
    session.isid = "400001370000";
    session.ordinal = 1;
    session.target = "iqn.t";
  }

  /// READ(10) or another command with the same layout.
  Facts command(std::uint32_t cmd_sn, std::uint8_t lba, std::uint8_t opcode = 0x28) {
    cdb = {};
    cdb.raw[0] = opcode;
    cdb.raw[5] = lba;
    cdb.raw[8] = 1;
    Facts facts;
    facts.session = &session;
    facts.cmd_sn = cmd_sn;
    facts.has_lun = true;
    facts.cdb = &cdb;
    facts.row = scsi::find_command(cdb);
    if (facts.row != nullptr && facts.row->is(scsi::has_range)) {
      const auto range = scsi::range_of(cdb);
      facts.lba = range.lba;
      facts.blocks = range.blocks;
    }
    return facts;
  }
  Facts function(std::uint32_t cmd_sn, std::uint8_t number) {
    Facts facts;
    facts.session = &session;
    facts.site = Site::tmf_rx;
    facts.cmd_sn = cmd_sn;
    facts.has_lun = true;
    facts.function = number;
    return facts;
  }
};

}  // namespace faultlun::faults
