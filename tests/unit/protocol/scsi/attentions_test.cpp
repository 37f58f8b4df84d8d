#include "protocol/scsi/attentions.hpp"

#include "protocol/scsi/sense_codes.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace attentions_test {

using namespace faultlun::scsi;

namespace {

/// Everything pending, in the order in which it would be reported.
std::vector<SenseCode> drain(Attentions attentions) {
  std::vector<SenseCode> out;
  while (const auto next = attentions.gravest()) {
    out.push_back(*next);
    attentions.clear(*next);
  }
  return out;
}

constexpr auto kModes = sense("mode_parameters_changed");
constexpr auto kCapacity = sense("capacity_data_has_changed");
constexpr auto kPowerOn = sense("power_on_occurred");
constexpr auto kUnitReset = sense("bus_device_reset_function_occurred");
constexpr auto kNexusLoss = sense("i_t_nexus_loss_occurred");
constexpr auto kMicrocode = sense("microcode_has_been_changed");

}  // namespace

TEST_CASE("B3.07 conditions are reported oldest first, each once") {
  Attentions attentions;
  CHECK(attentions.empty());
  attentions.raise(kCapacity);
  attentions.raise(kModes);
  attentions.raise(kCapacity);
  CHECK(drain(attentions) == std::vector{kCapacity, kModes});
}

TEST_CASE("B3.07 a reset goes first and takes away what it covers") {
  Attentions attentions;
  attentions.raise(kModes);
  attentions.raise(kNexusLoss);
  attentions.raise(kUnitReset);
  CHECK(drain(attentions) == std::vector{kUnitReset});
}

TEST_CASE("B3.07 a pending power on covers the lesser resets that follow") {
  Attentions attentions;
  attentions.raise(kPowerOn);
  attentions.raise(kUnitReset);
  attentions.raise(kNexusLoss);
  attentions.raise(sense("power_on_or_reset_occurred"));
  CHECK(drain(attentions) == std::vector{kPowerOn});
}

TEST_CASE("what happens after a reset is told after it") {
  Attentions attentions;
  attentions.raise(kUnitReset);
  attentions.raise(kModes);
  CHECK(drain(attentions) == std::vector{kUnitReset, kModes});
}

TEST_CASE("a reset does not hide that the inventory, the capacity or the microcode changed") {
  Attentions attentions;
  attentions.raise(kCapacity);
  attentions.raise(sense("reported_luns_data_has_changed"));
  attentions.raise(kMicrocode);
  attentions.raise(kUnitReset);
  CHECK(drain(attentions) ==
        std::vector{kMicrocode, kUnitReset, kCapacity, sense("reported_luns_data_has_changed")});
}

TEST_CASE("B1.02 the reset class is 29/xx and 3F/01 and nothing else") {
  CHECK(is_reset_class(kPowerOn));
  CHECK(is_reset_class(sense("transceiver_mode_changed_to_lvd")));
  CHECK(is_reset_class(kMicrocode));
  CHECK_FALSE(is_reset_class(kModes));
  CHECK_FALSE(is_reset_class(sense("medium_may_have_changed")));
}

TEST_CASE("conditions made up by rules end at their limit, and a reset still gets through") {
  Attentions attentions;
  for (int i = 0; i < 200; ++i)
    attentions.raise_exactly({0x06, 0x80, static_cast<std::uint8_t>(i)}, 1);
  CHECK(drain(attentions).size() == Attentions::kMaxPending);
  attentions.raise(kModes);
  CHECK(drain(attentions).size() == Attentions::kMaxPending);
  attentions.raise(kUnitReset);
  CHECK(drain(attentions) == std::vector{kUnitReset});
}

TEST_CASE("a condition that is told again keeps the greater number of times") {
  Attentions attentions;
  attentions.raise_exactly(kModes, 3);
  attentions.raise_exactly(kModes, 2);
  attentions.raise_exactly(kCapacity, 0);
  for (int i = 0; i < 3; ++i) {
    CHECK(attentions.gravest() == kModes);
    attentions.reported(kModes);
  }
  CHECK(attentions.empty());
  attentions.reported(kModes);
  CHECK(attentions.empty());
}

}  // namespace attentions_test
