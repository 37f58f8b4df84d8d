#include "daemon/injection.hpp"

#include "daemon/log.hpp"
#include "daemon/rule_metrics.hpp"
#include "tests/unit/faults/made_rules.hpp"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

namespace faultlun::daemon::injection_test {
namespace {

namespace made = faults::made;

/// What the logger of the faults says while this lives.
struct Lines {
  Lines() {
    sinks.swap(log::faults().sinks());
    log::faults().sinks().push_back(std::make_shared<spdlog::sinks::ostream_sink_st>(text, true));
  }
  ~Lines() {
    log::faults().sinks().swap(sinks);
    log::faults().set_level(level);
  }
  std::ostringstream text;
  std::vector<spdlog::sink_ptr> sinks;
  spdlog::level::level_enum level = log::faults().level();
};

struct Injected {
  made::Epochs epochs;
  std::shared_ptr<const faults::RuleSet> rules = epochs.set({made::rule("busy", {made::busy()})});
  made::Initiator initiator;
  const faults::Strike& strike = initiator.read(*rules).strikes.at(0);

  scsi::Reply reply() const {
    scsi::Reply made;
    made.status = scsi::Status::check_condition;
    made.sense.emplace();
    made.sense->code = {3, 0x11, 0};
    return made;
  }
};

TEST_CASE("an injected answer is counted for its rule and effect") {
  Injected f;
  note_injected(f.strike, f.initiator.facts, 0x10, "no answer");
  note_injected(f.strike, f.initiator.facts, 0x11, f.reply());
  CHECK(f.epochs.lifetime("busy").injected[0] == 2);
  RuleStatus status;
  status.rule = std::make_shared<const faults::Rule>(f.rules->at(0).rule);
  status.lifetime = f.rules->at(0).lifetime;
  CHECK(rule_exposition(std::vector{status})
            .find("faultlun_injected_answers_total{rule=\"busy\",fault=\"test.command\"} 2\n") !=
        std::string::npos);
}

TEST_CASE("the log names rule, fault, session, command and answer, at the level debug only") {
  Injected f;
  Lines lines;
  log::faults().set_level(spdlog::level::info);
  note_injected(f.strike, f.initiator.facts, 0x10, f.reply());
  CHECK(lines.text.str().empty());
  log::faults().set_level(spdlog::level::debug);
  note_injected(f.strike, f.initiator.facts, 0x10, f.reply());
  CHECK(lines.text.str().find(
            "injected rule=busy fault=test.command session=" + f.initiator.session.alias() +
            " cmd_sn=1 itt=0x10 lun=0 status=0x02 sense=03/11/00\n") != std::string::npos);
  note_injected(f.strike, f.initiator.facts, 0x11, "no answer");
  CHECK(lines.text.str().find("itt=0x11 lun=0 no answer\n") != std::string::npos);
}

}  // namespace
}  // namespace faultlun::daemon::injection_test
