#include "lun_backends/overlay_flight.hpp"

#include "tests/unit/lun_backends/overlay_bench.hpp"

namespace overlay_flight_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;

namespace {

/// Writes two blocks far from each other.
class TwoWrites final : public Flight {
 public:
  TwoWrites(Operation& caller, std::uint64_t other) : Flight(caller) {
    parts_.assign(2, caller);
    parts_[1].offset_bytes = other;
  }

 private:
  void settle() noexcept override {
    caller_.error = parts_[0].error ? parts_[0].error : parts_[1].error;
  }
};

}  // namespace

TEST_CASE("a flight on an instant device is done at once and calls nobody") {
  MemoryDevice device(kSize);
  const Bytes octets = noise(kBlock, 1);
  Operation write = writing(0, octets);
  write.on_done = [](Operation&) noexcept { FAIL("not when done at once"); };
  CHECK(Flight::launch(std::make_unique<TwoWrites>(write, 4096), device) == Progress::done);
  CHECK_FALSE(write.error);
  CHECK(read(device, 0, kBlock) == octets);
  CHECK(read(device, 4096, kBlock) == octets);
  CHECK(Flight::launch(std::make_unique<TwoWrites>(write, kSize), device) == Progress::done);
  CHECK(write.error == errc::invalid_argument);
}

TEST_CASE("a flight on a slow device ends with its last part") {
  LaterDevice device(kSize);
  const Bytes octets = noise(kBlock, 1);
  Operation write = writing(0, octets);
  int calls = 0;
  write.owner = &calls;
  write.on_done = [](Operation& operation) noexcept { ++*static_cast<int*>(operation.owner); };
  device.hold(true);
  CHECK(Flight::launch(std::make_unique<TwoWrites>(write, 4096), device) == Progress::pending);
  CHECK(device.waiting() == 2);
  device.finish_one();
  CHECK(calls == 0);
  device.finish_one();
  CHECK(calls == 1);
}

}  // namespace overlay_flight_test
