// Same seed, same rules, same commands: the same decisions, whatever the threads and the timing.
// FAULTLUN_DETERMINISM_RUNS=<n> sets how often each combination is run.
#include "tests/e2e/pipeline.hpp"
#include "tests/support/control_client.hpp"

#include <cstdio>
#include <exception>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace determinism_test {

using namespace faultlun::e2e;

namespace {

constexpr std::size_t kDepth = 32;
constexpr unsigned kCommands = 600;        ///< of each connection
constexpr std::uint32_t kOwnBlocks = 512;  ///< each connection has blocks of its own

constexpr char kRules[] = R"j({"rules":[
{"id":"weak","match":{"op":"read","lba":{"start":64,"len":3500}},"gate":{"p":0.05,"key":"lba"},
 "effect":{"scsi.medium":{"asc":"11/00","information":"first_bad","partial":true,"heal":"on_write"}}},
{"id":"thirds","match":{"op":"READ(10)","blocks":{"min":4}},"gate":{"every":3},
 "effect":{"scsi.status":{"status":"BUSY"}}},
{"id":"bursts","match":{"op":"write"},"gate":{"skip":10,"every":50,"burst":3,"repeat":5},
 "effect":{"scsi.parity":{"variant":"47/01"}}},
{"id":"lucky","match":{"op":["read","write"],"attempt":{"max":2}},"gate":{"p":0.1,"key":"content"},
 "effect":{"scsi.sense":{"key":"ABORTED_COMMAND","asc":"2E/02"}}},
{"id":"tries","match":{"op":"read"},"gate":{"p":0.2,"key":"attempt"},
 "effect":{"scsi.status":{"status":"TASK SET FULL"}}},
{"id":"rare","match":{"op":"any"},"gate":{"p":0.02},
 "effect":{"scsi.sense":{"key":"ABORTED_COMMAND","asc":"47/03","when":"after"}}},
{"id":"seen","match":{"op":"any"},"gate":{"p":0.5},"effect":{"scsi.status":{"status":"BUSY"}},"observe":true}
%MORE%
]})j";

/// Only the time of answers changes.
constexpr char kSlow[] = R"j(,
{"id":"slow","match":{"op":"any"},"gate":{"p":0.3},
 "effect":{"time.service":{"dist":"lognormal","median_us":200,"sigma":0.5}}})j";

std::string rules_for(const TargetProcess& target) {
  std::string rules = kRules;
  const auto known = ControlClient(target).get("/v1/capabilities").body;
  const bool delays = known.find("time.service") != std::string::npos;
  rules.replace(rules.find("%MORE%"), 6, delays ? kSlow : "");
  return rules;
}

/// The commands of one connection: always the same.
void work(const TargetProcess& target, unsigned number) {
  LoginOptions options;
  options.initiator = "iqn.2026-11.example.test:worker" + std::to_string(number);
  RawInitiator session = connect_session(target, options);
  Pipeline pipeline(session, kDepth);
  std::mt19937 random(number);
  const auto first = number * kOwnBlocks;
  for (unsigned i = 0; i < kCommands; ++i) {
    const auto blocks = static_cast<std::uint16_t>(1 + random() % 8);
    const auto lba = static_cast<std::uint32_t>(first + random() % (kOwnBlocks - blocks));
    if (random() % 3 == 0)
      pipeline.write(lba, blocks, noise(blocks * 512U, i));
    else
      pipeline.read(lba, blocks);
  }
  pipeline.finish();
  session.logout_and_close();
}

struct Numbers {
  std::string hash;
  std::uint64_t decisions = 0;
};

/// When all sessions have gone.
Numbers numbers_of(const ControlClient& control, std::size_t sessions) {
  for (int i = 0; i < 200; ++i) {
    const auto json = control.get("/v1/journal/hash").json();
    if (json["sessions"].size() == sessions)
      return {json["hash"].get<std::string>(), json["decisions"].get<std::uint64_t>()};
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  FAIL("not all sessions have ended");
  return {};
}

Numbers run_once(unsigned threads, unsigned connections, const std::string& seed) {
  const TemporaryDirectory directory;
  const auto config = directory.write("config.json", LabConfig().json(directory));
  const TargetProcess target(std::vector<std::string>{"--config", config, "--seed", seed,
                                                      "--threads", std::to_string(threads)});
  const ControlClient control(target);
  const auto put = control.call("PUT", "/v1/rules", rules_for(target));
  REQUIRE_MESSAGE(put.ok(), put.body);
  std::vector<std::thread> workers;
  std::vector<std::string> failures(connections);
  for (unsigned i = 0; i < connections; ++i)
    workers.emplace_back([&, i] {
      try {
        work(target, i);
      } catch (const std::exception& failure) {
        failures[i] = failure.what();
      }
    });
  for (auto& each : workers)
    each.join();
  for (const auto& failure : failures)
    REQUIRE(failure == "");
  return numbers_of(control, connections);
}

}  // namespace

TEST_CASE("decisions are the same whatever the number of threads, run after run") {
  const auto runs = runs_of("FAULTLUN_DETERMINISM_RUNS", 2);
  std::set<std::string> all;
  for (const unsigned connections : {1U, 2U, 4U}) {
    CAPTURE(connections);
    std::set<std::string> hashes;
    for (const unsigned threads : {1U, 2U, 4U}) {
      for (std::size_t run = 0; run < runs; ++run) {
        const auto numbers = run_once(threads, connections, "4711");
        hashes.insert(numbers.hash);
        CHECK(numbers.decisions > connections * kCommands);
      }
    }
    CHECK(hashes.size() == 1);
    all.insert(hashes.begin(), hashes.end());
  }
  CHECK(all.size() == 3);
  CHECK(!all.contains(run_once(1, 1, "4712").hash));  // another seed decides otherwise
}

TEST_CASE("what predict says fires, of 100000 commands over the wire, and nothing else") {
  constexpr std::uint32_t kMany = 100'000;
  const TargetProcess target;
  const ControlClient control(target);
  RawInitiator session = connect_session(target);
  control.put_rule(
      R"j({"id":"p","match":{"op":"READ(10)"},"gate":{"p":0.01},"effect":{"scsi.status":{"status":"BUSY"}}})j");
  Pipeline pipeline(session, 128);
  const auto first = session.cmd_sn;
  for (std::uint32_t i = 0; i < kMany; ++i)
    pipeline.read(0, 1);
  pipeline.finish();
  std::vector<std::uint64_t> fired;
  for (const auto& [cmd_sn, status] : pipeline.answers())
    if (status != 0) fired.push_back(cmd_sn - first);
  const auto prediction = control.get("/v1/rules/p/predict?n=" + std::to_string(kMany)).json();
  CHECK(prediction["fires"].get<std::vector<std::uint64_t>>() == fired);
  CHECK(fired.size() > kMany / 200);
  CHECK(control.counter("p", "matched") == kMany);
  CHECK(control.counter("p", "fired") == fired.size());
}

}  // namespace determinism_test
