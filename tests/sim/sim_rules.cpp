#include "tests/sim/sim_rules.hpp"

#include "config/rules.hpp"

#include <array>
#include <stdexcept>
#include <string_view>

namespace faultlun::sim {
namespace {

constexpr std::size_t kMostRules = 12;
constexpr std::size_t kFamilies = 9, kAnswers = 0, kUnits = 4, kFunctions = 5, kTime = 6;

/// Match and effect, as a file has them; worlds know whole families of them, or not.
struct Fault {
  unsigned family;
  const char* match;
  const char* effect;
};

// clang-format off
constexpr Fault kFaults[] = {
    // Answers instead of the unit, or after it.
    {0, R"j({})j", R"j({"scsi.status":{"status":"BUSY"}})j"},
    {0, R"j({"op":"write"})j", R"j({"scsi.status":{"status":"TASK_SET_FULL","qualifier":10}})j"},
    {0, R"j({"op":"write"})j", R"j({"scsi.status":{"status":"RESERVATION_CONFLICT"}})j"},
    {0, R"j({"op":"read"})j", R"j({"scsi.sense":{"key":"ABORTED_COMMAND","asc":"2E/02"}})j"},
    {0, R"j({"op":"write"})j", R"j({"scsi.sense":{"key":"ABORTED_COMMAND","asc":"47/03","when":"after"}})j"},
    {0, R"j({"op":["read","write"]})j", R"j({"scsi.parity":{"variant":"4B/00","partial":3}})j"},
    {0, R"j({"op":"read","lba":{"start":100,"len":64}})j", R"j({"scsi.medium":{"asc":"11/00","information":"first_bad","partial":true,"heal":"on_write"}})j"},
    {0, R"j({"op":"write","lba":{"start":300,"len":99}})j", R"j({"scsi.medium":{"asc":"0C/02","information":"first_bad"}})j"},
    {0, R"j({"op":"read"})j", R"j({"scsi.medium":{"asc":"17/01"}})j"},
    {0, R"j({"op":["read","write"]})j", R"j({"scsi.sense_missing":{"variant":"absent"}})j"},
    {0, R"j({"op":"any"})j", R"j({"scsi.not_ready":{"asc":"04/01","for":"15ms"}})j"},
    {0, R"j({"op":"write"})j", R"j({"scsi.hardware":{"asc":"44/00"}})j"},
    {0, R"j({"op":"write"})j", R"j({"scsi.protect":{"asc":"27/07"}})j"},
    {0, R"j({"op":"INQUIRY"})j", R"j({"scsi.inquiry":{"revision":"9999"}})j"},
    {0, R"j({"op":"REPORT LUNS"})j", R"j({"scsi.rlun":{"hide":[1],"add":[200]}})j"},
    {0, R"j({"op":"MODE SENSE(6)"})j", R"j({"scsi.mode":{"wce":false}})j"},
    {0, R"j({"op":"any"})j", R"j({"scsi.readcap":{"last_lba":2047}})j"},
    {0, R"j({"op":"any"})j", R"j({"scsi.predict":{"asc":"5D/10","report":"unit_attention"}})j"},
    // Silence.
    {1, R"j({"op":"any"})j", R"j({"scsi.selection_timeout":{"variant":"silent"}})j"},
    {1, R"j({"op":"any"})j", R"j({"scsi.selection_timeout":{"variant":"lun_absent"}})j"},
    {1, R"j({"op":"any"})j", R"j({"scsi.selection_timeout":{"variant":"sense_0B4500"}})j"},
    {1, R"j({"op":"any"})j", R"j({"lu.hang":{"grade":1}})j"},
    {1, R"j({"op":"any"})j", R"j({"lu.hang":{"grade":2}})j"},
    {1, R"j({"op":"any"})j", R"j({"lu.hang":{"grade":3}})j"},
    {1, R"j({"op":"any"})j", R"j({"lu.hang":{"grade":4}})j"},
    // The connection goes, and perhaps does not come again for a while.
    {2, R"j({"op":"any"})j", R"j({"scsi.selection_timeout":{"variant":"connect_timeout"}})j"},
    {2, R"j({"op":"any"})j", R"j({"scsi.selection_timeout":{"variant":"login_not_found"}})j"},
    {2, R"j({})j", R"j({"tmf.ladder":[{"tmf":"ABORT_TASK","do":"drop"},{"tmf":"LOGICAL_UNIT_RESET","do":"drop"}]})j"},
    // Unit attentions.
    {3, R"j({"op":"any"})j", R"j({"ua.queue":{"asc":"2A/09","nexus":"all"}})j"},
    {3, R"j({"op":"any"})j", R"j({"ua.queue":{"asc":"29/00","nexus":"own"}})j"},
    {3, R"j({"op":"any"})j", R"j({"ua.storm":{"codes":["3F/0E","29/02"],"count":2}})j"},
    {3, R"j({"op":"any"})j", R"j({"ua.missing":{"codes":["29/02","2F/00"]}})j"},
    {3, R"j({"op":"any"})j", R"j({"ua.wrong_nexus":{}})j"},
    // Units come and go.
    {4, R"j({"op":"any"})j", R"j({"lu.offline":{"for":"40ms"}})j"},
    {4, R"j({"op":"any"})j", R"j({"lu.offline":{}})j"},
    {4, R"j({"op":"any"})j", R"j({"lu.online":{"lun":0}})j"},
    {4, R"j({"op":"any"})j", R"j({"lu.online":{"lun":1}})j"},
    {4, R"j({"op":"any"})j", R"j({"lu.slow_start":{"for":"20ms"}})j"},
    {4, R"j({"op":"any"})j", R"j({"lu.remove":{}})j"},
    {4, R"j({"op":"any"})j", R"j({"lu.add":{"lun":0}})j"},
    {4, R"j({"op":"any"})j", R"j({"lu.add":{"lun":1}})j"},
    {4, R"j({"op":"any"})j", R"j({"lu.power_cycle":{"off":"20ms","for":"10ms"}})j"},
    {4, R"j({"op":"any"})j", R"j({"lu.format":{"for":"30ms"}})j"},
    {4, R"j({"op":"any"})j", R"j({"lu.medium_eject":{}})j"},
    {4, R"j({"op":"any"})j", R"j({"lu.microcode":{"revision":"0002"}})j"},
    {4, R"j({"op":"write"})j", R"j({"scsi.hardware":{"asc":"3E/01","sticky":true}})j"},
    // Task management.
    {5, R"j({"tmf":"ABORT_TASK"})j", R"j({"tmf.delay":{"delay":"30ms"}})j"},
    {5, R"j({"tmf":"LOGICAL_UNIT_RESET"})j", R"j({"tmf.delay":{"delay":"30ms"}})j"},
    {5, R"j({"tmf":"LOGICAL_UNIT_RESET"})j", R"j({"tmf.reset_ms":{"for":"30ms"}})j"},
    {5, R"j({"tmf":"ABORT_TASK"})j", R"j({"tmf.never":{}})j"},
    {5, R"j({"tmf":"ABORT_TASK"})j", R"j({"tmf.response":{"response":5}})j"},
    {5, R"j({"tmf":"LOGICAL_UNIT_RESET"})j", R"j({"tmf.lie":{}})j"},
    {5, R"j({"tmf":"ABORT_TASK"})j", R"j({"tmf.lie":{}})j"},
    {5, R"j({"tmf":"TARGET_WARM_RESET"})j", R"j({"tmf.lie":{}})j"},
    {5, R"j({"tmf":"ABORT_TASK_SET"})j", R"j({"tmf.partial":{"survivors":1}})j"},
    {5, R"j({"tmf":"ABORT_TASK"})j", R"j({"tmf.collateral":{"status":true}})j"},
    {5, R"j({"tmf":"ABORT_TASK"})j", R"j({"tmf.collateral":{"attention":true}})j"},
    {5, R"j({"tmf":"LOGICAL_UNIT_RESET"})j", R"j({"tmf.collateral":{}})j"},
    {5, R"j({"tmf":"LOGICAL_UNIT_RESET"})j", R"j({"tmf.no_ua":{}})j"},
    {5, R"j({"lun":0})j", R"j({"tmf.ladder":[{"tmf":"ABORT_TASK","do":"fail","times":2},{"tmf":"LOGICAL_UNIT_RESET","do":"never"},{"tmf":"TARGET_WARM_RESET","do":"ok","delay":"30ms"}]})j"},
    // Time.
    {6, R"j({"op":"any"})j", R"j({"time.hold":{"tag":"held"}})j"},
    {6, R"j({"op":"read"})j", R"j({"time.hold":{}})j"},
    {6, R"j({"op":"any"})j", R"j({"time.reorder":{"window":3,"for":"10ms"}})j"},
    {6, R"j({"op":"any"})j", R"j({"time.service":{"value":"5ms"}})j"},
    {6, R"j({"op":"any"})j", R"j({"time.service":{"dist":"uniform","max":"30ms","when":"after"}})j"},
    {6, R"j({"op":"write"})j", R"j({"time.service":{"dist":"exponential","mean":"4ms","lanes":2,"at_least":false}})j"},
    {6, R"j({"op":"any"})j", R"j({"time.stall":{"every":"50ms","for":"10ms"}})j"},
    {6, R"j({"op":["read","write"]})j", R"j({"time.iops":{"rate":500,"burst":4}})j"},
    {6, R"j({"op":["read","write"]})j", R"j({"time.bandwidth":{"rate":"2MiB","burst":"64KiB"}})j"},
    {6, R"j({"op":"write"})j", R"j({"time.cliff":{"budget":"100KiB","extra":"5ms","idle":"50ms"}})j"},
    {6, R"j({"op":"read"})j", R"j({"time.data":{"value":"2ms"}})j"},
    {6, R"j({"op":"write"})j", R"j({"time.data":{"dist":"uniform","max":"10ms"}})j"},
    // Damage that can be foretold byte for byte.
    {7, R"j({"op":"read"})j", R"j({"data.byte":{"offset":56,"set":"0000"}})j"},
    {7, R"j({"op":"read"})j", R"j({"data.byte":{"offset":600,"xor":"ff01","lasting":"transient"}})j"},
    {7, R"j({"op":"write"})j", R"j({"data.byte":{"offset":1,"xor":"80"}})j"},
    {7, R"j({"op":"read"})j", R"j({"data.zero":{"lasting":"transient"}})j"},
    {7, R"j({"op":"write"})j", R"j({"data.zero":{}})j"},
    {7, R"j({"op":"flush"})j", R"j({"data.flush_lie":{}})j"},
    // Damage of which is known where it is.
    {8, R"j({"op":"read"})j", R"j({"data.flip":{"bits":3}})j"},
    {8, R"j({"op":"any"})j", R"j({"data.flip":{"bits":1,"lasting":"stuck"}})j"},
    {8, R"j({"op":"read"})j", R"j({"data.wire_flip":{"bits":2}})j"},
    {8, R"j({"op":"write"})j", R"j({"data.pattern":{"hex":"deadbeef"}})j"},
    {8, R"j({"op":"write"})j", R"j({"data.lost_write":{}})j"},
    {8, R"j({"op":"write"})j", R"j({"data.lost_write":{"ack":"write_error"}})j"},
    {8, R"j({"op":"write"})j", R"j({"data.torn":{}})j"},
    {8, R"j({"op":"read"})j", R"j({"data.stale":{"versions":1}})j"},
    {8, R"j({"op":"write"})j", R"j({"data.misdirect":{"delta":16}})j"},
    {8, R"j({"op":"write"})j", R"j({"data.dup_write":{}})j"},
    {8, R"j({"op":["read","write"]})j", R"j({"data.swap":{"delta":-8}})j"},
    {8, R"j({"lun":0})j", R"j({"data.wrap":{"capacity":"1MiB"}})j"},
};
// clang-format on

}  // namespace

RandomRules::RandomRules(SimWorld& sim, std::uint64_t seed, bool units_stay)
    : sim_(sim), random_(seed) {
  std::array<bool, kFamilies> known{};
  for (auto& each : known)
    each = one_in(2);
  if (units_stay) known[kUnits] = known[kFunctions] = false;
  known[below(2) == 0 ? kAnswers : kTime] = true;
  for (std::size_t i = 0; i < std::size(kFaults); ++i)
    if (known[kFaults[i].family]) menu_.push_back(i);
}

faults::Rule RandomRules::random_rule() {
  // A small stock of names: most rules replace others.
  const auto id = "r" + std::to_string(below(kMostRules));
  const auto& fault = kFaults[menu_[below(menu_.size())]];
  const auto text = std::string(R"j([{"id":")j") + id + R"j(","match":)j" + fault.match +
                    R"j(,"effect":)j" + fault.effect + "}]";
  const auto loaded = config::load_rules(text);
  if (!loaded.errors.empty())
    throw std::logic_error(text + ": " + loaded.errors.front().path + ": " +
                           loaded.errors.front().message);
  auto rule = loaded.rules->front();
  if (one_in(3)) rule.gate.probability = faults::Ratio{1, 1 + below(8)};
  if (one_in(3)) rule.gate.every = 1 + below(6);
  if (one_in(4)) rule.gate.times = 1 + below(20);
  if (one_in(4)) rule.gate.skip = below(30);
  const bool of_functions = faults::decided_at(rule) == faults::Site::tmf_rx;
  if (one_in(6) && !of_functions) rule.gate.max_active = static_cast<std::uint32_t>(1 + below(3));
  if (one_in(10)) rule.match.luns = {static_cast<std::uint16_t>(below(2))};
  if (one_in(10)) rule.life.armed = false;
  if (one_in(10)) rule.life.priority = static_cast<std::int32_t>(below(3));
  if (one_in(20)) rule.observe = true;
  return rule;
}

void RandomRules::change() {
  const auto now = sim_.loop.now();
  const auto id = "r" + std::to_string(below(kMostRules));
  switch (below(16)) {
    case 0:
    case 1:
      sim_.book.remove(id, {}, now, {});
      return;
    case 2:
      sim_.book.disarm(id, {}, now, {});
      return;
    case 3:
      sim_.book.arm(id, {}, now, {});
      return;
    case 4:
      sim_.book.reset(id, {}, now, {});
      return;
    case 5: {
      std::vector<faults::Rule> rules;
      for (auto left = below(4); left > 0; --left) {
        rules.push_back(random_rule());
        rules.back().id += "x" + std::to_string(left);
      }
      sim_.book.replace_all(std::move(rules), now, {});
      return;
    }
    case 6:
      sim_.book.clear(now, {});
      return;
    default:
      sim_.book.put(daemon::kApiSource, random_rule(), {}, now, {});
  }
}

void RandomRules::clear() {
  bool known = false;
  sim_.book.clear(sim_.loop.now(), [&known](const daemon::Barrier&) { known = true; });
  while (!known)
    sim_.loop.run_some();
}

void RandomRules::release(bool all) {
  daemon::TaskRunner::Release wanted;
  wanted.order = static_cast<daemon::TaskRunner::Release::Order>(below(3));
  wanted.seed = random_();
  if (!all && one_in(2)) wanted.tag = "held";
  if (!all && one_in(2)) wanted.lun = static_cast<std::uint16_t>(below(2));
  for (const auto& each : sim_.world.sessions.all())
    if (each->runner() != nullptr && (all || one_in(2))) each->runner()->release(wanted);
}

}  // namespace faultlun::sim
