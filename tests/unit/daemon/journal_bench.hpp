// A journal of two workers and what its numbers stand for.
#pragma once

#include "daemon/journal_view.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace faultlun::daemon {

struct JournalBench {
  Journal first{1024}, second{1024};
  SharedJournal shared;
  AliasTable aliases;
  RuleNames rules;
  NameTable marks, logins, lab;

  JournalSources sources() {
    return {{&first, &second, &shared.ring()}, &aliases, &rules, &marks, &logins, &lab};
  }

  std::uint32_t login(const std::string& initiator) {
    faults::SessionFacts facts;
    facts.initiator = initiator;
    facts.isid = "400001370000";
    facts.target = "iqn.t";
    return aliases.enter(facts);
  }

  /// Rules with serials from 1 on.
  void publish(const std::vector<std::string>& ids) {
    std::vector<faults::RuleSet::Entry> entries;
    for (const auto& id : ids) {
      faults::RuleSet::Entry entry;
      entry.rule.id = id;
      entry.lifetime = std::make_shared<faults::RuleLifetime>();
      entry.lifetime->serial = entries.size() + 1;
      entries.push_back(std::move(entry));
    }
    rules.publish(faults::RuleSet(std::move(entries), 1, 0));
  }

  static JournalEntry read_10(std::uint32_t session, std::uint32_t cmd_sn, std::uint64_t at,
                              std::uint8_t lba = 0) {
    scsi::Cdb cdb;
    cdb.raw[0] = 0x28;
    cdb.raw[5] = lba;
    cdb.raw[8] = 8;
    JournalEntry::Command about;
    about.session = session;
    about.lun = 2;
    about.cmd_sn = cmd_sn;
    about.task_tag = 0x10;
    about.expected_data_transfer_length = 4096;
    return JournalEntry::command(about, cdb, faults::Time(at));
  }

  /// What a rule decided about the command.
  static JournalEntry decision(JournalEntry about, std::uint64_t serial,
                               faults::Outcome outcome = faults::Outcome::fired) {
    about.kind = JournalEntry::Kind::decision;
    about.code = static_cast<std::uint8_t>(outcome);
    about.status = static_cast<std::uint8_t>(faults::Key::counter);
    about.flags |= JournalEntry::drawn;
    about.a = 3;
    about.b = 0;
    about.c = 0x1234;
    about.d = serial;
    return about;
  }
  static JournalEntry strike(JournalEntry decision, std::uint8_t effect, std::uint64_t resolved) {
    decision.kind = JournalEntry::Kind::strike;
    decision.code = effect;
    decision.a = resolved;
    decision.b = 0;
    return decision;
  }
};

}  // namespace faultlun::daemon
