// What a lying command asks of its device, operation by operation.  What is read back afterwards is
// tests/e2e/fault_data_test.cpp's.
#include "daemon/data_faults.hpp"

#include "lun_backends/open.hpp"
#include "tests/sim/sim_world.hpp"
#include "tests/unit/faults/made_rules.hpp"
#include "tests/unit/protocol/iscsi/pdu_builders.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::daemon::data_faults_test {
namespace {

namespace pdus = iscsi::testing;
using lun_backends::Operation;

constexpr std::uint32_t kBlock = 512;

/// Memory that writes down what it is asked for: "read", "write", "write fua", "flush", "discard".
class RecordingDevice final : public lun_backends::BlockDevice {
 public:
  explicit RecordingDevice(std::vector<std::string>& asked) : asked_(asked) {
    lun_backends::BackendSpec spec;
    spec.size_bytes = 1 << 20;
    memory_ = lun_backends::open(spec);
  }
  std::uint64_t size_bytes() const override { return memory_->size_bytes(); }
  lun_backends::Progress start(Operation& operation) override {
    constexpr const char* kNames[] = {"read", "write", "flush", "discard"};
    asked_.push_back(kNames[static_cast<std::size_t>(operation.kind)] +
                     std::string(operation.fua ? " fua" : ""));
    return memory_->start(operation);
  }
  std::string description() const override { return "recording"; }

 private:
  std::vector<std::string>& asked_;
  std::unique_ptr<lun_backends::BlockDevice> memory_;
};
using Asked = std::vector<std::string>;

/// One session at one unit, under one rule that names one fault without parameters.
struct Lab {
  explicit Lab(std::string_view fault, bool write_cache = true) {
    if (!fault.empty()) world.set_rules(epochs.set({rule_with(fault)}));
    scsi::LogicalUnitProfile profile;
    profile.blocks = 2048;
    profile.write_cache = write_cache;
    target = std::make_shared<TargetHost>(
        "iqn.t", std::uint16_t{0}, false,
        LunMap::of({std::make_shared<LunHost>(std::uint16_t{0}, profile,
                                              std::make_unique<RecordingDevice>(asked))}));
    runner.emplace(loop, world, *session.session, session.out, target, budget,
                   faults::SessionFacts{}, 1U);
    runner->set_on_output([] {});
  }

  static faults::Rule rule_with(std::string_view fault) {
    const auto* row = faults::find_fault(fault);
    REQUIRE(row != nullptr);
    faults::Effect effect;
    effect.fault = row;
    effect.arguments = faults::Arguments(row->parameters);
    effect.action = std::get<faults::Action>(row->build(effect.arguments));
    return faults::made::rule("lie", {effect});
  }

  /// What the device is asked for by a command, which has to be answered GOOD.
  Asked asked_by(std::initializer_list<std::uint8_t> cdb, std::size_t data_out = 0) {
    asked.clear();
    const auto flags = static_cast<std::uint8_t>(data_out != 0 ? iscsi::wire::kWrite | 1 : 1);
    session.send(pdus::scsi_command(tag++, flags, static_cast<std::uint32_t>(data_out), cdb)
                     .with(pdus::pattern(data_out)));
    for (std::size_t i = 0; i < session.effects.size(); ++i) {
      const iscsi::Effect effect = session.effects[i];
      if (const auto* run = std::get_if<iscsi::effect::RunTask>(&effect))
        runner->run(*run->task, run->immediate_data, session.effects);
      else if (const auto* data = std::get_if<iscsi::effect::DataOut>(&effect))
        runner->data_out(*data->task, data->offset, data->data);
      else if (const auto* complete = std::get_if<iscsi::effect::DataComplete>(&effect))
        runner->data_complete(*complete->task);
    }
    while (loop.run_some()) {
    }
    const auto answers = session.answers();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].header[0] == 0x21);  // SCSI Response
    CHECK(answers[0].header[3] == 0);     // GOOD
    return asked;
  }
  Asked flush() { return asked_by({0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0}); }
  Asked write(bool fua) {
    return asked_by({0x2a, static_cast<std::uint8_t>(fua ? 0x08 : 0), 0, 0, 0, 0, 0, 0, 1, 0},
                    kBlock);
  }
  Asked compare_and_write(bool fua) {
    // Its first half has to be what the medium holds.
    asked_by({0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0}, kBlock);
    return asked_by(
        {0x89, static_cast<std::uint8_t>(fua ? 0x08 : 0), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0},
        2 * kBlock);
  }

  Asked asked;
  sim::ManualLoop loop;
  World world{1, 64};
  faults::made::Epochs epochs;
  std::shared_ptr<TargetHost> target;
  pdus::Bench session;
  DataBudget budget;
  std::uint32_t tag = 1;
  std::optional<TaskRunner> runner;
};

TEST_CASE("data.flush_lie: a flush that would reach the device does not") {
  CHECK(Lab("").flush() == Asked{"flush"});
  Lab lab("data.flush_lie");
  CHECK(lab.flush().empty());
  CHECK(lab.epochs.lifetime("lie").fired == 1);
  CHECK(lab.write(true) == Asked{"write fua"});  // about something else
}

TEST_CASE("data.fua_lie: a write that would go through the cache does not, and is written") {
  CHECK(Lab("").write(true) == Asked{"write fua"});
  CHECK(Lab("").write(false) == Asked{"write"});
  Lab lab("data.fua_lie");
  CHECK(lab.write(true) == Asked{"write"});
  CHECK(lab.write(false) == Asked{"write"});
  CHECK(lab.flush() == Asked{"flush"});
}

TEST_CASE("data.fua_lie is about the FUA bit alone, and about every write that has it") {
  CHECK(Lab("", false).write(false) == Asked{"write fua"});
  CHECK(Lab("data.fua_lie", false).write(false) == Asked{"write fua"});
  CHECK(Lab("data.fua_lie", false).write(true) == Asked{"write"});
  CHECK(Lab("").compare_and_write(true) == Asked{"read", "write fua"});
  CHECK(Lab("data.fua_lie").compare_and_write(true) == Asked{"read", "write"});
}

}  // namespace
}  // namespace faultlun::daemon::data_faults_test
