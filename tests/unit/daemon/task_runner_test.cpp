#include "daemon/task_runner.hpp"

#include "lun_backends/open.hpp"
#include "tests/sim/sim_world.hpp"
#include "tests/unit/protocol/iscsi/pdu_builders.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <utility>
#include <vector>

namespace faultlun::daemon::task_runner_test {
namespace {

namespace pdus = iscsi::testing;
using scsi::Status;

constexpr std::uint32_t kBlock = 512;

std::unique_ptr<lun_backends::BlockDevice> memory() {
  lun_backends::BackendSpec spec;
  spec.size_bytes = 1 << 20;
  return lun_backends::open(spec);
}

/// A disk that does nothing until it is told to.
class PatientDevice final : public lun_backends::BlockDevice {
 public:
  static constexpr std::uint64_t kRunBytes = 65536;  ///< what it says at a time of its allocation

  std::uint64_t size_bytes() const override { return memory_->size_bytes(); }
  lun_backends::Progress start(lun_backends::Operation& operation) override {
    waiting_.push_back(&operation);
    return lun_backends::Progress::pending;
  }
  std::string description() const override { return "patient"; }
  lun_backends::AllocationRun allocation(std::uint64_t, std::uint64_t length_bytes) override {
    ++questions;
    return {std::min(length_bytes, kRunBytes), true};
  }

  void finish_all() {
    for (auto* operation : std::exchange(waiting_, {})) {
      memory_->start(*operation);
      operation->on_done(*operation);
    }
  }
  bool idle() const { return waiting_.empty(); }
  std::size_t questions = 0;  ///< about allocation
  std::uint8_t first_octet() {
    pdus::Buffer block(kBlock);
    lun_backends::Operation operation;
    operation.into = block;
    memory_->start(operation);
    return block[0];
  }

 private:
  std::unique_ptr<lun_backends::BlockDevice> memory_ = memory();
  std::vector<lun_backends::Operation*> waiting_;
};

constexpr std::uint8_t kInstant = 0, kPatient = 1;

/// One session of a target with an instant and a patient unit.
struct Lab {
  Lab() {
    runner->set_on_output([] {});
    for (const std::uint8_t lun : {kInstant, kPatient}) {
      start(pdus::test_unit_ready(tag++).lun(lun));  // the first unit attention
      session.answers();
    }
  }

  std::shared_ptr<TargetHost> target_of_two() {
    scsi::LogicalUnitProfile profile;
    profile.blocks = 2048;
    auto device = std::make_unique<PatientDevice>();
    patient = device.get();
    return std::make_shared<TargetHost>(
        "iqn.t", std::uint16_t{0}, true,
        LunMap::of({std::make_shared<LunHost>(kInstant, profile, memory()),
                    std::make_shared<LunHost>(kPatient, profile, std::move(device))}));
  }

  void start(pdus::Pdu pdu) {
    session.send(std::move(pdu));
    for (std::size_t i = 0; i < session.effects.size(); ++i)  // performing one may add others
      perform(iscsi::Effect(session.effects[i]));
  }
  void perform(const iscsi::Effect& effect) {
    namespace fx = iscsi::effect;
    if (const auto* run = std::get_if<fx::RunTask>(&effect))
      runner->run(*run->task, run->immediate_data, session.effects);
    else if (const auto* data = std::get_if<fx::DataOut>(&effect))
      runner->data_out(*data->task, data->offset, data->data);
    else if (const auto* complete = std::get_if<fx::DataComplete>(&effect))
      runner->data_complete(*complete->task);
    else if (const auto* abort = std::get_if<fx::AbortTask>(&effect))
      runner->abort(*abort->task);
    else
      FAIL("an effect that these tests do not need");
  }
  void pump() {
    do {
      patient->finish_all();
    } while (loop.run_some() || !patient->idle());
  }

  std::uint32_t read(std::uint8_t lun, std::uint8_t blocks) {
    start(pdus::scsi_command(tag, iscsi::wire::kRead | 1, blocks * kBlock,
                             {0x28, 0, 0, 0, 0, 0, 0, 0, blocks, 0})
              .lun(lun));
    return tag++;
  }
  std::uint32_t write(std::uint8_t lun, std::uint8_t blocks, std::size_t immediate_bytes) {
    start(pdus::scsi_command(tag, iscsi::wire::kWrite | 1, blocks * kBlock,
                             {0x2a, 0, 0, 0, 0, 0, 0, 0, blocks, 0})
              .lun(lun)
              .with(pdus::pattern(immediate_bytes)));
    return tag++;
  }
  std::uint32_t compare_and_write(std::uint8_t expected, std::uint8_t replacement) {
    pdus::Buffer data(kBlock, expected);
    data.resize(2 * kBlock, replacement);
    start(pdus::scsi_command(tag, iscsi::wire::kWrite | 1, 2 * kBlock,
                             {0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0})
              .lun(kPatient)
              .with(std::move(data)));
    return tag++;
  }
  sim::ManualLoop loop;
  World world{1, 64};
  PatientDevice* patient = nullptr;
  std::shared_ptr<TargetHost> target = target_of_two();
  pdus::Bench session;
  DataBudget budget;
  std::uint32_t tag = 1;
  std::optional<TaskRunner> runner{
      std::in_place,          loop, world, *session.session, session.out, target, budget,
      faults::SessionFacts{}, 1};
};

TEST_CASE("a budget gives out what it has to the byte and never more") {
  DataBudget budget;
  CHECK_FALSE(budget.take(DataBudget::kMaxBytes + 1));
  CHECK_FALSE(budget.take(~std::uint64_t{0}));
  CHECK(budget.used() == 0);
  CHECK(budget.take(DataBudget::kMaxBytes));
  CHECK_FALSE(budget.take(1));
  CHECK(budget.take(0));
  budget.give_back(1);
  CHECK(budget.take(1));
  CHECK_FALSE(budget.take(~std::uint64_t{0}));
  CHECK(budget.used() == DataBudget::kMaxBytes);
}

TEST_CASE(
    "a read that fits what is left of the budget is served, one block more is TASK SET FULL") {
  Lab lab;
  REQUIRE(lab.budget.take(DataBudget::kMaxBytes - 8 * kBlock));
  const auto too_long = lab.read(kPatient, 9);
  CHECK(is_response(lab.session.answer(), too_long, Status::task_set_full));
  const auto tag = lab.read(kPatient, 8);
  const auto refused = lab.read(kPatient, 1);
  CHECK(is_response(lab.session.answer(), refused, Status::task_set_full));
  lab.pump();
  CHECK(lab.budget.used() == DataBudget::kMaxBytes);  // until the data has been sent
  const auto answers = lab.session.answers();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].itt() == tag);
  CHECK(answers[0].data.size() == 8 * kBlock);
  CHECK(lab.budget.used() == DataBudget::kMaxBytes - 8 * kBlock);
}

TEST_CASE("a write that does not fit the budget is TASK SET FULL and leaves the medium alone") {
  Lab lab;
  REQUIRE(lab.budget.take(DataBudget::kMaxBytes - 8 * kBlock));
  const auto refused = lab.write(kPatient, 9, 9 * kBlock);
  CHECK(is_response(lab.session.answer(), refused, Status::task_set_full));
  lab.pump();
  CHECK(lab.patient->first_octet() == 0);
  const auto tag = lab.write(kPatient, 8, 8 * kBlock);
  lab.pump();
  CHECK(is_response(lab.session.answer(), tag, Status::good));
  CHECK(lab.patient->first_octet() == pdus::pattern(1)[0]);
  CHECK(lab.budget.used() == DataBudget::kMaxBytes - 8 * kBlock);
}

TEST_CASE("an aborted write and a session that ends give their part of the budget back") {
  Lab lab;
  const auto tag = lab.write(kPatient, 8, 0);  // waits for its data
  lab.write(kPatient, 4, 4 * kBlock);          // the medium is at work
  CHECK(lab.budget.used() == 12 * kBlock);
  lab.start(pdus::task_management(lab.tag++, 1, tag, 100).lun(kPatient));
  CHECK(lab.budget.used() == 4 * kBlock);
  lab.runner.reset();
  CHECK(lab.budget.used() == 0);
  lab.pump();
  CHECK(lab.budget.used() == 0);
}

TEST_CASE("a device that answers at once needs no budget for reads and writes") {
  Lab lab;
  REQUIRE(lab.budget.take(DataBudget::kMaxBytes));
  const auto write = lab.write(kInstant, 8, 8 * kBlock);
  CHECK(is_response(lab.session.answer(), write, Status::good));
  lab.read(kInstant, 8);
  CHECK(lab.session.answer().data == pdus::pattern(8 * kBlock));
}

TEST_CASE("GET LBA STATUS asks the device for 1 GiB at most before it answers one run") {
  Lab lab;
  scsi::LogicalUnitProfile huge;
  huge.physical_block_exponent = 0;
  huge.blocks = 1ULL << 40;
  auto device = std::make_unique<PatientDevice>();
  const auto& asked = *device;
  lab.target->set_luns(
      LunMap::of({std::make_shared<LunHost>(std::uint16_t{2}, huge, std::move(device))}));
  lab.start(pdus::test_unit_ready(lab.tag++).lun(2));
  lab.session.answers();
  lab.start(pdus::scsi_command(lab.tag++, iscsi::wire::kRead | 1, 24,
                               {0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0})
                .lun(2));
  const auto answer = lab.session.answer();
  REQUIRE(answer.data.size() == 24);
  CHECK(bytes::be32(&answer.data[16]) == (1U << 30) / kBlock);
  CHECK(asked.questions == (1U << 30) / PatientDevice::kRunBytes);
}

TEST_CASE("of COMPARE AND WRITEs in flight together each sees what the one before it wrote") {
  Lab lab;
  constexpr std::uint8_t kMany = 200;
  for (std::uint8_t n = 0; n < kMany; ++n)
    lab.compare_and_write(n, static_cast<std::uint8_t>(n + 1));
  lab.pump();
  const auto answers = lab.session.answers();
  CHECK(answers.size() == kMany);
  for (const auto& answer : answers)
    CHECK(is_response(answer, answer.itt(), Status::good));
  CHECK(lab.patient->first_octet() == kMany);
}

TEST_CASE("COMPARE AND WRITEs whose session ends while they wait for their turn write nothing") {
  Lab lab;
  lab.compare_and_write(0, 1);
  lab.compare_and_write(0, 2);
  lab.runner.reset();
  lab.pump();
  CHECK(lab.patient->first_octet() == 0);
  auto& host = *lab.target->luns()->find(kPatient);
  CHECK(host.begin_turn([] {}));  // and the turns are free again
  host.end_turn();
}

TEST_CASE("an UNMAP of several ranges stops when its session ends or it is aborted") {
  const auto outlives = [](void (*end)(Lab&, std::uint32_t tag)) {
    Lab lab;
    lab.write(kPatient, 8, 8 * kBlock);
    lab.pump();
    lab.session.answers();
    // Blocks 100 to 107 first, then block 0.
    lab.start(
        pdus::scsi_command(lab.tag, iscsi::wire::kWrite | 1, 40, {0x42, 0, 0, 0, 0, 0, 0, 0, 40, 0})
            .lun(kPatient)
            .with({0, 38, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 8,
                   0, 0,  0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,   0, 0, 0, 0}));
    end(lab, lab.tag++);
    lab.pump();
    return lab.patient->first_octet() != 0;
  };
  CHECK_FALSE(outlives([](Lab&, std::uint32_t) {}));
  CHECK(outlives([](Lab& lab, std::uint32_t) { lab.runner.reset(); }));
  CHECK(outlives([](Lab& lab, std::uint32_t tag) {
    lab.start(pdus::task_management(lab.tag++, 1, tag, lab.session.cmd_sn - 1).lun(kPatient));
  }));
}

}  // namespace
}  // namespace faultlun::daemon::task_runner_test
