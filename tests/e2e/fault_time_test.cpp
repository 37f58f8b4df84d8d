// time.* faults over the wire: when answers come, in which order, and what a wait leaves alone.
#include "tests/e2e/lab.hpp"
#include "tests/support/control_client.hpp"

#include <string>
#include <vector>

namespace fault_time_test {

using namespace faultlun::e2e;

namespace {

std::string rule(const std::string& id, const std::string& match, const std::string& effect,
                 const std::string& more = "") {
  return R"j({"id":")j" + id + R"j(","match":)j" + match + R"j(,"effect":)j" + effect + more + "}";
}

struct Lab {
  Lab() : control(target), session(connect_session(target)) {}
  /// Milliseconds that one READ(10) takes.
  std::int64_t read_ms(std::uint16_t blocks = 1) {
    const auto begin = now_ms();
    CHECK(session.execute_read(read_10(0, blocks), blocks * 512U).good());
    return now_ms() - begin;
  }
  std::uint32_t start_read(std::uint32_t lba) {
    return session.send(scsi_command(read_10(lba, 1), 512, kFinal | kRead | kSimple));
  }
  TargetProcess target;
  ControlClient control;
  RawInitiator session;
};

constexpr char kReads[] = R"j({"op":"READ(10)"})j";

}  // namespace

TEST_CASE("time.service delays the answer by what was asked, and not the next command without it") {
  Lab lab;
  lab.control.put_rule(
      rule("slow", kReads, R"j({"time.service":{"value_ms":120}})j", R"j(,"gate":{"every":2})j"));
  CHECK(lab.read_ms() < 100);
  const auto took = lab.read_ms();
  CHECK(took >= 120);
  CHECK(took < 600);
}

TEST_CASE("a delayed command holds nobody up: a later one overtakes it at once") {
  Lab lab;
  lab.control.put_rule(rule("slow", R"j({"op":"READ(10)","lba":{"start":100,"len":1}})j",
                            R"j({"time.service":{"value_ms":300}})j"));
  const auto slow = lab.start_read(100);
  const auto fast = lab.start_read(0);
  const auto begin = now_ms();
  CHECK(lab.session.finish(fast).good());
  CHECK(now_ms() - begin < 200);
  CHECK(lab.session.finish(slow).good());
  CHECK(now_ms() - begin >= 250);
}

TEST_CASE("a latency that is lowered holds for the next command at once: it overtakes") {
  Lab lab;
  lab.control.put_rule(rule("slow", kReads, R"j({"time.service":{"value_ms":1500}})j"));
  const auto begin = now_ms();
  const auto slow = lab.start_read(0);
  lab.session.expect_alive();
  lab.control.put_rule(rule("slow", kReads, R"j({"time.service":{"value_us":500}})j"));
  const auto fast = lab.start_read(8);
  CHECK(lab.session.finish(fast).good());
  CHECK(now_ms() - begin < 1400);
  CHECK(lab.session.finish(slow).good());
  CHECK(now_ms() - begin >= 1400);
}

TEST_CASE("a reset takes less than a second while everything hangs") {
  Lab lab;
  lab.control.put_rule(rule("held", kReads, R"j({"time.hold":{}})j"));
  lab.control.put_rule(rule("dead", R"j({"op":"INQUIRY"})j", R"j({"lu.hang":{"grade":1}})j"));
  std::vector<std::uint32_t> tags;
  for (std::uint32_t i = 0; i < 60; ++i)
    tags.push_back(lab.start_read(i));
  const auto dead = lab.session.send(scsi_command(inquiry(36), 36, kFinal | kRead | kSimple));
  lab.session.expect_alive();
  const auto begin = now_ms();
  REQUIRE(lab.control.post("/v1/reset").ok());
  CHECK(now_ms() - begin < 1000);
  for (const auto tag : tags)
    CHECK(lab.session.finish(tag).good());
  CHECK(now_ms() - begin < 1000);
  lab.session.check.forget(dead);
  CHECK(lab.session.execute_read(inquiry(36), 36).good());
}

TEST_CASE(
    "a delayed WRITE(10) reaches the medium only after its delay, and not when it is aborted") {
  Lab lab;
  RawInitiator other = connect_session(lab.target, second_initiator());
  lab.control.put_rule(
      rule("slow", R"j({"op":"WRITE(10)"})j", R"j({"time.service":{"value_ms":250}})j"));
  const auto data = noise(512, 5);
  auto pdu = scsi_command(write_10(3, 1), 512, kFinal | kWrite | kSimple, data);
  const auto tag = lab.session.send(pdu);
  CHECK(other.read_blocks(3, 1) == Octets(512));
  CHECK(lab.session.finish(tag, data).good());
  CHECK(other.read_blocks(3, 1) == data);
  const auto second = noise(512, 6);
  const auto doomed =
      lab.session.send(scsi_command(write_10(3, 1), 512, kFinal | kWrite | kSimple, second));
  const auto cmd_sn = lab.session.last_sent.cmd_sn();
  CHECK(lab.session.manage(1, 0, doomed, cmd_sn) == 0);
  lab.session.check.forget(doomed);
  lab.session.expect_silence(400);
  CHECK(other.read_blocks(3, 1) == data);
}

TEST_CASE("delays of several rules add up, and an injected status waits with them") {
  Lab lab;
  lab.control.put_rule(rule("a", kReads, R"j({"time.service":{"value_ms":80}})j"));
  lab.control.put_rule(rule("b", kReads, R"j({"time.service":{"value_ms":70}})j"));
  lab.control.put_rule(rule("c", kReads, R"j({"scsi.status":{"status":"BUSY"}})j"));
  const auto begin = now_ms();
  CHECK(lab.session.execute_read(read_10(0, 1), 512).status == 0x08);
  CHECK(now_ms() - begin >= 150);
}

TEST_CASE("every distribution of time.service is taken, and what does not fit is refused by name") {
  Lab lab;
  for (
      const std::string parameters :
      {R"("dist":"uniform","min_ms":1,"max_ms":3)", R"("dist":"normal","mean_ms":2,"sd_us":200)",
       R"("dist":"lognormal","median_us":900,"sigma":0.6,"lanes":8)",
       R"("dist":"exponential","mean_ms":1)",
       R"("dist":"pareto","scale_us":500,"shape":2,"cap_ms":20)",
       R"("dist":"bimodal","p_slow":0.5,"fast_us":100,"slow_ms":4)",
       R"("dist":"empirical","points":[{"percent":50,"value_us":500},{"percent":99,"value_ms":4}])",
       R"("dist":"trace","trace":["1ms","2ms"])",
       R"("value_us":500,"per_kib_us":10,"seek":{"per_gib_us":1},"ramp":{"to":2,"over_ms":100},"wave":{"period_ms":10},"burst":{"p":0.1,"r":0.5},"until_idle_ms":1000,"quantize_us":100)"}) {
    CAPTURE(parameters);
    lab.control.put_rule(rule("slow", kReads, R"({"time.service":{)" + parameters + "}}"));
    for (int i = 0; i < 5; ++i)
      CHECK(lab.read_ms() < 1000);
  }
  const auto refused = lab.control.post(
      "/v1/rules",
      rule("bad", kReads, R"j({"time.service":{"dist":"uniform","median_us":5,"max_ms":1}})j"));
  CHECK(refused.status == 400);
  CHECK(refused.body.find("median") != std::string::npos);
}

TEST_CASE("time.data puts a gap between Data-In PDUs, and before R2Ts") {
  Lab lab;
  LoginOptions options = second_initiator();
  options.keys = with(only_r2t().keys, "MaxRecvDataSegmentLength", "4096");
  options.keys = with(options.keys, "MaxBurstLength", "4096");
  RawInitiator small = connect_session(lab.target, options);
  const auto data = noise(16384, 3);
  small.execute_write(write_10(0, 32), data);
  lab.control.put_rule(
      rule("dribble", R"j({"op":["read","write"]})j", R"j({"time.data":{"value_ms":40}})j"));
  auto begin = now_ms();
  const auto read = small.execute_read(read_10(0, 32), 16384);
  CHECK(read.good());
  CHECK(read.data == data);
  CHECK(read.data_in_pdus == 4);
  CHECK(now_ms() - begin >= 120);
  begin = now_ms();
  CHECK(small.execute_write(write_10(64, 32), data).good());
  CHECK(now_ms() - begin >= 160);
  lab.control.remove_rule("dribble");
  CHECK(small.read_blocks(64, 32) == data);
}

TEST_CASE("time.hold keeps a command until it is released") {
  Lab lab;
  lab.control.put_rule(
      rule("hold", kReads, R"j({"time.hold":{"tag":"h"}})j", R"j(,"gate":{"times":2})j"));
  const auto first = lab.start_read(0), second = lab.start_read(8);
  lab.session.expect_silence(150);
  const auto released = lab.control.post("/v1/held/release", R"j({"tag":"h"})j");
  CHECK(released.status == 200);
  CHECK(released.json()["released"] == 2);
  CHECK(lab.session.finish(first).good());
  CHECK(lab.session.finish(second).good());
}

TEST_CASE(
    "time.reorder releases a window of commands together, in the same order for the same seed") {
  std::vector<std::vector<int>> orders;
  for (int run = 0; run < 2; ++run) {
    TargetProcess target(std::vector<std::string>{"--seed", "77", "--portal", "127.0.0.1:0",
                                                  "--control", "127.0.0.1:0"});
    ControlClient control(target);
    RawInitiator session = connect_session(target);
    control.put_rule(rule("mix", kReads, R"j({"time.reorder":{"window":6,"for_ms":2000}})j"));
    std::vector<std::uint32_t> tags;
    for (std::uint32_t i = 0; i < 6; ++i)
      tags.push_back(session.send(scsi_command(read_10(i, 1), 512, kFinal | kRead | kSimple)));
    std::vector<int> order;
    while (order.size() < tags.size()) {
      const auto pdu = session.receive();
      const auto at = std::find(tags.begin(), tags.end(), pdu.tag());
      REQUIRE(at != tags.end());
      order.push_back(static_cast<int>(at - tags.begin()));
    }
    orders.push_back(order);
  }
  CHECK(orders[0] == orders[1]);
  CHECK(!std::is_sorted(orders[0].begin(), orders[0].end()));
}

TEST_CASE("token buckets, stalls and cliffs slow commands down as told") {
  Lab lab;
  lab.control.put_rule(rule("iops", kReads, R"j({"time.iops":{"rate":50,"burst":1}})j"));
  auto begin = now_ms();
  for (int i = 0; i < 6; ++i)
    lab.read_ms();
  CHECK(now_ms() - begin >= 90);
  lab.control.remove_rule("iops");
  lab.control.put_rule(
      rule("bw", kReads, R"j({"time.bandwidth":{"rate":"100KiB","burst":"8KiB"}})j"));
  begin = now_ms();
  for (int i = 0; i < 3; ++i)
    lab.read_ms(16);
  CHECK(now_ms() - begin >= 150);
  lab.control.remove_rule("bw");
  lab.control.put_rule(
      rule("cliff", kReads, R"j({"time.cliff":{"budget":"4KiB","extra_ms":60}})j"));
  CHECK(lab.read_ms(16) < 50);
  CHECK(lab.read_ms(16) >= 60);
  lab.control.remove_rule("cliff");
  lab.control.put_rule(rule("stall", kReads, R"j({"time.stall":{"every_ms":200,"for_ms":150}})j"));
  std::int64_t longest = 0;
  begin = now_ms();
  while (now_ms() - begin < 900)
    longest = std::max(longest, lab.read_ms());
  CHECK(longest >= 100);
}

}  // namespace fault_time_test
