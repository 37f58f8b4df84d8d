// Same seed, same rules, same commands of libiscsi: the same decisions, whatever the threads and
// the timing. FAULTLUN_DETERMINISM_RUNS=<n> sets how often each combination is run.
#include "tests/e2e/pipeline.hpp"
#include "tests/support/control_client.hpp"

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <poll.h>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
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

/// A libiscsi session with up to kDepth commands under way.  It is used by a thread of its own, so
/// what goes wrong is thrown.
class Library {
 public:
  Library(const TargetProcess& target, unsigned number)
      : context_(iscsi_create_context(
                     ("iqn.2026-11.example.test:worker" + std::to_string(number)).c_str()),
                 iscsi_destroy_context) {
    iscsi_set_noautoreconnect(get(), 1);
    iscsi_set_timeout(get(), 20);
    iscsi_set_isid_random(get(), number, 0);  // its own choice would be another alias in each run
    iscsi_set_targetname(get(), kTargetName);
    iscsi_set_session_type(get(), ISCSI_SESSION_NORMAL);
    const auto portal = target.portal().host + ":" + std::to_string(target.portal().port);
    demand(iscsi_connect_sync(get(), portal.c_str()) == 0);
    demand(iscsi_login_sync(get()) == 0);
  }

  void read(std::uint32_t lba, std::uint32_t blocks) {
    Slot& slot = free_slot();
    begun(iscsi_read10_task(get(), 0, lba, blocks * 512, 512, 0, 0, 0, 0, 0, &ended, &slot), slot);
  }
  void write(std::uint32_t lba, Octets data) {
    Slot& slot = free_slot();
    slot.data = std::move(data);
    const auto length = static_cast<std::uint32_t>(slot.data.size());
    begun(iscsi_write10_task(get(), 0, lba, slot.data.data(), length, 512, 0, 0, 0, 0, 0, &ended,
                             &slot),
          slot);
  }
  void finish() {
    for (auto& slot : slots_)
      while (slot.busy)
        serve();
    demand(iscsi_logout_sync(get()) == 0);
  }

 private:
  struct Slot {
    Octets data;
    bool busy = false;
  };

  iscsi_context* get() const { return context_.get(); }
  void demand(bool good) const {
    if (!good) throw std::runtime_error(iscsi_get_error(get()));
  }
  void begun(const scsi_task* task, Slot& slot) const {
    demand(task != nullptr);
    slot.busy = true;
  }
  static void ended(iscsi_context*, int, void* data, void* slot) {
    scsi_free_scsi_task(static_cast<scsi_task*>(data));
    static_cast<Slot*>(slot)->busy = false;
  }
  Slot& free_slot() {
    for (;; serve()) {
      const auto found = std::ranges::find(slots_, false, &Slot::busy);
      if (found != slots_.end()) return *found;
    }
  }
  void serve() const {
    pollfd waiting{iscsi_get_fd(get()), static_cast<short>(iscsi_which_events(get())), 0};
    if (poll(&waiting, 1, kPatience) <= 0) throw std::runtime_error("no answer in time");
    demand(iscsi_service(get(), waiting.revents) == 0);
  }

  std::vector<Slot> slots_ = std::vector<Slot>(kDepth);
  std::unique_ptr<iscsi_context, decltype(&iscsi_destroy_context)> context_;
};

/// The commands of one connection: always the same.
void work(const TargetProcess& target, unsigned number) {
  Library session(target, number);
  std::mt19937 random(number);
  const auto first = number * kOwnBlocks;
  for (unsigned i = 0; i < kCommands; ++i) {
    const auto blocks = static_cast<std::uint32_t>(1 + random() % 8);
    const auto lba = static_cast<std::uint32_t>(first + random() % (kOwnBlocks - blocks));
    if (random() % 3 == 0)
      session.write(lba, noise(blocks * 512U, i));
    else
      session.read(lba, blocks);
  }
  session.finish();
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

TEST_CASE("decisions about libiscsi are the same whatever the number of threads, run after run") {
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

namespace {

/// The key of a decision as predict takes it.
std::string key_of(const nlohmann::json& decision) {
  const auto kind = decision.at("key").get<std::string>();
  if (kind == "counter") return "*";
  if (kind == "lba") return "lba:" + std::to_string(decision.at("key_lba").get<std::uint64_t>());
  const auto hash = decision.at("key_hash").get<std::string>();
  return kind + ":" + std::to_string(std::stoull(hash, nullptr, 16));
}

/// Indexes under one key, as the journal tells of them.
struct Told {
  std::vector<std::uint64_t> matched, fired;
};
std::map<std::string, Told> told_of(const ControlClient& control, const std::string& rule) {
  std::map<std::string, Told> out;
  std::istringstream lines(control.get("/v1/journal?kind=decision&rule=" + rule).body);
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line);
    auto& told = out[key_of(entry)];
    const auto index = entry.at("index").get<std::uint64_t>();
    told.matched.push_back(index);
    if (entry.at("outcome") == "observed") told.fired.push_back(index);
  }
  return out;
}

}  // namespace

TEST_CASE("what predict says fires is what the journal tells of, by count, content and block") {
  constexpr std::uint32_t kMany = 4000, kPlaces = 50;
  const TargetProcess target;
  const ControlClient control(target);
  RawInitiator session = connect_session(target);
  const std::string gates[] = {
      R"({"p":0.05})", R"({"skip":100,"every":7,"burst":2,"repeat":300,"p":0.5})",
      R"({"p":0.2,"times":50})", R"({"p":0.3,"key":"lba"})", R"({"p":0.3,"key":"content"})"};
  int number = 0;
  for (const auto& gate : gates) {
    CAPTURE(gate);
    const auto id = "p" + std::to_string(number++);
    control.put_rule(R"j({"id":")j" + id +
                     R"j(","match":{"op":"READ(10)"},"observe":true,"gate":)j" + gate +
                     R"j(,"effect":{"scsi.status":{"status":"BUSY"}}})j");
    Pipeline pipeline(session, 64);
    for (std::uint32_t i = 0; i < kMany; ++i)
      pipeline.read(i % kPlaces, 1);
    pipeline.finish();
    const auto told = told_of(control, id);
    CHECK(told.size() == (gate.find("key") != std::string::npos ? kPlaces : 1));
    std::size_t matches = 0, firings = 0;
    for (const auto& [key, each] : told) {
      CAPTURE(key);
      const auto asked = "/v1/rules/" + id + "/predict?n=" + std::to_string(kMany) + "&key=" + key;
      const auto fires = control.get(asked).json()["fires"].get<std::vector<std::uint64_t>>();
      std::vector<std::uint64_t> expected;
      for (const auto index : each.matched)
        if (std::ranges::binary_search(fires, index)) expected.push_back(index);
      CHECK(each.fired == expected);
      matches += each.matched.size();
      firings += each.fired.size();
    }
    CHECK(matches == kMany);
    CHECK(firings != 0);
    control.remove_rule(id);
  }
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
