// The data family of the fault table, on the wire: GOOD status where the medium lies, what is read
// back, that the truth is still there beneath, and that it comes back.
#include "tests/e2e/lab.hpp"
#include "tests/support/control_client.hpp"

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <thread>

namespace fault_data_test {

using namespace faultlun::e2e;

namespace {

constexpr std::size_t kBlock = 512;

Octets blocks_of(std::size_t count, std::uint8_t octet) {
  return Octets(count * kBlock, octet);
}

std::string rule(const std::string& id, const std::string& match, const std::string& effect,
                 const std::string& more = "") {
  return R"({"id": ")" + id + R"(", "match": )" + match + more + R"(, "effect": )" + effect + "}";
}

const std::string kOnce = R"(, "gate": {"times": 1})";
const std::string kReads = R"({"lun": 0, "op": "read"})", kWrites = R"({"lun": 0, "op": "write"})";

std::size_t differing_bits(const Octets& a, const Octets& b) {
  REQUIRE(a.size() == b.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    count += static_cast<std::size_t>(std::popcount(static_cast<unsigned>(a[i] ^ b[i])));
  return count;
}

/// Two units, the first session, and the control API.
struct Lab {
  Lab() : Lab(lab_with_luns("\"0-1\"")) {}
  explicit Lab(const LabConfig& config) : target(config), control(target) {}

  Octets read(std::uint32_t lba, std::uint16_t blocks, std::uint16_t lun = 0) {
    const auto outcome = host.execute_read(
        read_10(lba, blocks), static_cast<std::uint32_t>(blocks * kBlock), at_lun(lun));
    CHECK_MESSAGE(outcome.good(), outcome.describe());
    return outcome.data;
  }
  void write(std::uint32_t lba, const Octets& data, std::uint16_t lun = 0) {
    const auto blocks = static_cast<std::uint16_t>(data.size() / kBlock);
    const auto outcome = host.execute_write(write_10(lba, blocks), data, at_lun(lun));
    CHECK_MESSAGE(outcome.good(), outcome.describe());
  }
  nlohmann::json overlays(int lun = 0) const {
    const auto answer = control.get("/v1/luns/" + std::to_string(lun) + "/overlays");
    REQUIRE_MESSAGE(answer.ok(), answer.body);
    return answer.json()["overlays"];
  }
  void remove(const nlohmann::json& overlay, int lun = 0) const {
    const auto answer = control.call("DELETE", "/v1/luns/" + std::to_string(lun) + "/overlays/" +
                                                   overlay["id"].get<std::string>());
    REQUIRE_MESSAGE(answer.ok(), answer.body);
  }
  void reset() const { REQUIRE(control.post("/v1/reset").ok()); }
  std::uint64_t fired(const std::string& id) const { return control.counter(id, "fired"); }

  TargetProcess target;
  ControlClient control;
  RawInitiator host = ready();

 private:
  RawInitiator ready() {
    auto session = connect_session(target);
    session.drain_attentions(1);
    return session;
  }
};

LabConfig on_a_file(const TemporaryDirectory& directory) {
  LabConfig config;
  config.targets[0].luns = {R"({"lun": 0, "backend": {"kind": "file", "path": ")" +
                                directory.path() + R"(/disk", "size": "16MiB"}})",
                            memory_lun("1", "16MiB")};
  return config;
}

/// The same for memory and for a file, whose operations take their time.
template <typename Test>
void on_both(Test test) {
  SUBCASE("memory") {
    Lab lab;
    test(lab);
  }
  SUBCASE("file") {
    const TemporaryDirectory directory;
    Lab lab(on_a_file(directory));
    test(lab);
  }
}

Octets unmapped_list(std::uint64_t lba, std::uint32_t blocks) {
  Octets list(24);
  put16(&list[0], 22);
  put16(&list[2], 16);
  put64(&list[8], lba);
  put32(&list[16], blocks);
  return list;
}
const Cdb kUnmap = {0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0};
const Cdb kFlush = {0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0};

Cdb compare_and_write_cdb(std::uint8_t lba) {
  return {0x89, 0, 0, 0, 0, 0, 0, 0, 0, lba, 0, 0, 0, 1, 0, 0};
}
Octets pair_of(std::uint8_t expected, std::uint8_t replacement) {
  auto data = blocks_of(1, expected);
  data.resize(2 * kBlock, replacement);
  return data;
}

}  // namespace

TEST_CASE("data.flip: bits of a read are wrong until the blocks are written again") {
  on_both([](Lab& lab) {
    const auto truth = noise(8 * kBlock, 1);
    lab.write(64, truth);
    lab.control.put_rule(rule("rot", kReads, R"({"data.flip": {"bits": 3}})", kOnce));
    const auto lie = lab.read(64, 8);
    CHECK(differing_bits(lie, truth) == 3);
    CHECK(lab.read(64, 8) == lie);
    CHECK(lab.fired("rot") == 1);
    const auto overlays = lab.overlays();
    REQUIRE(overlays.size() == 1);
    CHECK(overlays[0]["rule"] == "rot");
    CHECK(overlays[0]["fault"] == "data.flip");
    SUBCASE("removing the overlay shows the truth") {
      lab.remove(overlays[0]);
      CHECK(lab.read(64, 8) == truth);
    }
    SUBCASE("a rewrite repairs") {
      lab.write(64, truth);
      CHECK(lab.read(64, 8) == truth);
      CHECK(lab.overlays().empty());
    }
    SUBCASE("removing the rule repairs nothing, a reset all") {
      lab.control.remove_rule("rot");
      CHECK(lab.read(64, 8) == lie);
      lab.reset();
      CHECK(lab.read(64, 8) == truth);
    }
  });
}

TEST_CASE("data.flip: a transient one is of one answer, and leaves nothing on the medium") {
  Lab lab;
  const auto truth = noise(8 * kBlock, 2);
  lab.write(64, truth);
  lab.control.put_rule(
      rule("blink", kReads, R"({"data.flip": {"bits": 8, "lasting": "transient"}})", kOnce));
  CHECK(differing_bits(lab.read(64, 8), truth) == 8);
  CHECK(lab.overlays().empty());
  CHECK(lab.read(64, 8) == truth);
}

TEST_CASE("data.flip: stuck bits outlive writes, and go with their rule") {
  Lab lab;
  lab.write(64, blocks_of(1, 0));
  lab.control.put_rule(rule("stuck", R"({"lun": 0, "op": "read", "lba": {"start": 64, "len": 1}})",
                            R"({"data.flip": {"bits": 5, "lasting": "stuck"}})", kOnce));
  const auto lie = lab.read(64, 1);
  CHECK(differing_bits(lie, blocks_of(1, 0)) == 5);
  lab.write(64, blocks_of(1, 0));
  CHECK(lab.read(64, 1) == lie);
  lab.write(64, blocks_of(1, 0xff));
  CHECK(lab.read(64, 1) == blocks_of(1, 0xff));  // the bits are stuck at one
  CHECK(lab.overlays()[0]["sticky"] == true);
  lab.write(64, blocks_of(1, 0));
  lab.control.remove_rule("stuck");
  CHECK(lab.overlays().empty());
  CHECK(lab.read(64, 1) == blocks_of(1, 0));
}

TEST_CASE("data.flip: struck on a write, the block is damaged though the write was good") {
  on_both([](Lab& lab) {
    const auto truth = noise(8 * kBlock, 3);
    lab.control.put_rule(rule("rot", kWrites, R"({"data.flip": {"bits": 2}})", kOnce));
    lab.write(64, truth);
    CHECK(differing_bits(lab.read(64, 8), truth) == 2);
    lab.remove(lab.overlays().at(0));
    CHECK(lab.read(64, 8) == truth);
  });
}

TEST_CASE("data.flip: the bits are the same in every run of a seed, by block whatever the order") {
  const LabConfig config = lab_with_luns("\"0-1\"");
  const auto lie_of = [&](bool backwards) {
    Lab lab(config);
    lab.control.put_rule(rule("rot", kReads, R"({"data.flip": {"bits": 1}})",
                              R"(, "gate": {"p": 0.3, "key": "lba"})"));
    Octets out(16 * kBlock);
    for (std::uint32_t i = 0; i < 16; ++i) {
      const auto lba = backwards ? 15 - i : i;
      std::ranges::copy(lab.read(lba, 1), out.begin() + static_cast<std::ptrdiff_t>(lba * kBlock));
    }
    return out;
  };
  const auto lie = lie_of(false);
  CHECK(differing_bits(lie, Octets(16 * kBlock)) > 0);
  CHECK(lie_of(true) == lie);
}

TEST_CASE("data.byte: octets are set, counted from the first block struck") {
  Lab lab;
  lab.write(64, blocks_of(4, 0x55));
  lab.control.put_rule(rule("byte", R"({"lun": 0, "op": "read", "lba": {"start": 66, "len": 1}})",
                            R"({"data.byte": {"offset": 10, "set": "aabb"}})"));
  auto expected = blocks_of(4, 0x55);
  expected[2 * kBlock + 10] = 0xaa;
  expected[2 * kBlock + 11] = 0xbb;
  CHECK(lab.read(64, 4) == expected);
  CHECK(lab.read(64, 2) == blocks_of(2, 0x55));
  lab.control.put_rule(
      rule("byte", kWrites, R"({"data.byte": {"offset": 0, "xor": "ff"}})", kOnce));
  lab.write(64, blocks_of(4, 0x55));
  expected = blocks_of(4, 0x55);
  expected[0] = 0xaa;
  CHECK(lab.read(64, 4) == expected);
}

TEST_CASE("data.byte: beyond the end of the transfer nothing is struck, and that is counted") {
  Lab lab;
  lab.write(64, blocks_of(1, 0x55));
  lab.control.put_rule(rule("byte", kReads, R"({"data.byte": {"offset": 512, "set": "aa"}})"));
  CHECK(lab.read(64, 1) == blocks_of(1, 0x55));
  CHECK(lab.control.counter("byte", "suppressed") == 1);
  CHECK(lab.overlays().empty());
}

TEST_CASE("data.swap: two places have each other's contents") {
  on_both([](Lab& lab) {
    lab.write(64, blocks_of(2, 0x11));
    lab.write(80, blocks_of(2, 0x22));
    SUBCASE("by a read") {
      lab.control.put_rule(rule("swap", kReads, R"({"data.swap": {"lba": 80}})", kOnce));
      CHECK(lab.read(64, 2) == blocks_of(2, 0x22));
      CHECK(lab.read(64, 2) == blocks_of(2, 0x22));
      CHECK(lab.read(80, 2) == blocks_of(2, 0x11));
    }
    SUBCASE("by a write") {
      lab.control.put_rule(rule("swap", kWrites, R"({"data.swap": {"delta": 16}})", kOnce));
      lab.write(64, blocks_of(2, 0x33));
      CHECK(lab.read(64, 2) == blocks_of(2, 0x22));
      CHECK(lab.read(80, 2) == blocks_of(2, 0x33));
    }
    REQUIRE(lab.overlays().size() == 1);
    lab.remove(lab.overlays()[0]);
    CHECK(lab.read(64, 2) != blocks_of(2, 0x22));
    CHECK(lab.read(80, 2) == blocks_of(2, 0x22));
  });
}

TEST_CASE("data.swap: once, in one answer") {
  Lab lab;
  lab.write(64, blocks_of(1, 0x11));
  lab.write(80, blocks_of(1, 0x22));
  lab.control.put_rule(
      rule("swap", kReads, R"({"data.swap": {"lba": 80, "lasting": "transient"}})", kOnce));
  CHECK(lab.read(64, 1) == blocks_of(1, 0x22));
  CHECK(lab.read(64, 1) == blocks_of(1, 0x11));
  CHECK(lab.read(80, 1) == blocks_of(1, 0x22));
}

TEST_CASE("data.zero and data.pattern: the blocks struck read as that, the others as they are") {
  Lab lab;
  const auto truth = noise(4 * kBlock, 4);
  for (const auto& [effect, octet] :
       {std::pair{R"({"data.zero": {}})", std::uint8_t{0}},
        std::pair{R"({"data.pattern": {"hex": "a7a7"}})", std::uint8_t{0xa7}}}) {
    CAPTURE(effect);
    lab.write(64, truth);
    lab.control.put_rule(
        rule("fill", R"({"lun": 0, "op": "read", "lba": {"start": 65, "len": 2}})", effect));
    auto expected = truth;
    std::fill(expected.begin() + kBlock, expected.begin() + 3 * kBlock, octet);
    CHECK(lab.read(64, 4) == expected);
    CHECK(lab.read(64, 4) == expected);
    REQUIRE(lab.overlays().size() == 1);  // it reads so already: nothing is laid twice
    CHECK(lab.overlays()[0]["length_bytes"] == 2 * kBlock);
    lab.control.remove_rule("fill");
    lab.remove(lab.overlays()[0]);
    CHECK(lab.read(64, 4) == truth);
  }
}

TEST_CASE("data.stale: a read gets what was there some writes ago") {
  on_both([](Lab& lab) {
    lab.write(64, blocks_of(1, 0x10));
    lab.control.put_rule(
        rule("stale", kReads, R"({"data.stale": {"versions": 2, "lasting": "transient"}})", kOnce));
    for (const auto version : {std::uint8_t{0x11}, std::uint8_t{0x12}, std::uint8_t{0x13}})
      lab.write(64, blocks_of(1, version));
    CHECK(lab.read(64, 1) == blocks_of(1, 0x11));
    CHECK(lab.read(64, 1) == blocks_of(1, 0x13));
    lab.control.put_rule(rule("stale", kReads, R"({"data.stale": {}})", kOnce));
    lab.write(64, blocks_of(1, 0x14));
    CHECK(lab.read(64, 1) == blocks_of(1, 0x13));
    CHECK(lab.read(64, 1) == blocks_of(1, 0x13));
    lab.remove(lab.overlays().at(0));
    CHECK(lab.read(64, 1) == blocks_of(1, 0x14));
    lab.control.put_rule(rule("first", kReads, R"({"data.stale": {}})", kOnce));
    CHECK(lab.read(200, 1) == blocks_of(1, 0));  // never written: nothing older is known
    CHECK(lab.control.counter("first", "fired") == 1);
    CHECK(lab.control.counter("first", "suppressed") == 1);
  });
}

TEST_CASE("data.lost_write: GOOD, and the old data comes back") {
  on_both([](Lab& lab) {
    lab.write(64, blocks_of(4, 0x11));
    lab.control.put_rule(rule("lost",
                              R"({"lun": 0, "op": "write", "lba": {"start": 65, "len": 2}})",
                              R"({"data.lost_write": {"ack": "good", "poison": "p1"}})", kOnce));
    lab.write(64, blocks_of(4, 0x22));
    auto expected = blocks_of(4, 0x22);
    std::fill(expected.begin() + kBlock, expected.begin() + 3 * kBlock, 0x11);
    CHECK(lab.read(64, 4) == expected);
    CHECK(lab.overlays().at(0)["poison"] == "p1");
    CHECK(lab.control.call("DELETE", "/v1/luns/0/overlays/p1").ok());
    CHECK(lab.read(64, 4) == blocks_of(4, 0x22));
  });
}

TEST_CASE("data.lost_write: an honest loss is answered with a write error") {
  Lab lab;
  lab.write(64, blocks_of(1, 0x11));
  lab.control.put_rule(
      rule("lost", kWrites, R"({"data.lost_write": {"ack": "write_error"}})", kOnce));
  const auto outcome = lab.host.execute_write(write_10(64, 1), blocks_of(1, 0x22));
  CHECK(outcome.sense_code() == 0x030c00);
  CHECK(lab.read(64, 1) == blocks_of(1, 0x11));
}

TEST_CASE("data.misdirect: a write lands elsewhere, and both ends are one overlay") {
  on_both([](Lab& lab) {
    lab.write(64, blocks_of(2, 0x11));
    lab.write(96, blocks_of(2, 0x99));
    lab.control.put_rule(rule("astray", kWrites, R"({"data.misdirect": {"delta": 32}})", kOnce));
    lab.write(64, blocks_of(2, 0x22));
    CHECK(lab.read(64, 2) == blocks_of(2, 0x11));
    CHECK(lab.read(96, 2) == blocks_of(2, 0x22));
    REQUIRE(lab.overlays().size() == 1);
    CHECK(lab.overlays()[0]["length_bytes"] == 4 * kBlock);
    lab.remove(lab.overlays()[0]);
    CHECK(lab.read(64, 2) == blocks_of(2, 0x22));
    CHECK(lab.read(96, 2) == blocks_of(2, 0x99));
  });
}

TEST_CASE("data.misdirect: onto another unit, under the same id") {
  Lab lab;
  lab.write(64, blocks_of(1, 0x11));
  lab.write(64, blocks_of(1, 0x99), 1);
  lab.control.put_rule(rule("astray", kWrites, R"({"data.misdirect": {"lun": 1}})", kOnce));
  lab.write(64, blocks_of(1, 0x22));
  CHECK(lab.read(64, 1) == blocks_of(1, 0x11));
  CHECK(lab.read(64, 1, 1) == blocks_of(1, 0x22));
  REQUIRE(lab.overlays(0).size() == 1);
  REQUIRE(lab.overlays(1).size() == 1);
  CHECK(lab.overlays(0)[0]["id"] == lab.overlays(1)[0]["id"]);
  lab.reset();
  CHECK(lab.read(64, 1) == blocks_of(1, 0x22));
  CHECK(lab.read(64, 1, 1) == blocks_of(1, 0x99));
}

TEST_CASE("data.misdirect: a read is taken elsewhere, one that would be outside is not") {
  Lab lab;
  lab.write(64, blocks_of(1, 0x11));
  lab.write(96, blocks_of(1, 0x22));
  lab.control.put_rule(rule("astray", kReads, R"({"data.misdirect": {"delta": 32}})"));
  CHECK(lab.read(64, 1) == blocks_of(1, 0x22));
  CHECK(lab.overlays().empty());
  const std::uint32_t last = (16 << 20) / kBlock - 1;
  CHECK(lab.read(last, 1) == blocks_of(1, 0));
  CHECK(lab.control.counter("astray", "suppressed") == 1);
}

TEST_CASE("data.torn: what persists of a write is a prefix, a fraction or parts") {
  on_both([](Lab& lab) {
    const std::pair<const char*, std::vector<bool>> cases[] = {
        {R"({"blocks": 1})", {true, false, false, false}},
        {R"({"fraction": 0.5})", {true, true, false, false}},
        {R"({"parts": [1, 3]})", {false, true, false, true}},
        {R"({"parts": []})", {false, false, false, false}}};
    for (const auto& [how, arrives] : cases) {
      CAPTURE(how);
      lab.write(64, blocks_of(4, 0x11));
      lab.control.put_rule(
          rule("torn", kWrites, R"({"data.torn": )" + std::string(how) + "}", kOnce));
      lab.write(64, blocks_of(4, 0x22));
      Octets expected;
      for (const bool each : arrives)
        expected.resize(expected.size() + kBlock, each ? 0x22 : 0x11);
      CHECK(lab.read(64, 4) == expected);
      lab.remove(lab.overlays().at(0));
      CHECK(lab.read(64, 4) == blocks_of(4, 0x22));
    }
  });
}

TEST_CASE("data.dup_write: a write lands in a second place as well") {
  Lab lab;
  lab.write(96, blocks_of(1, 0x99));
  lab.control.put_rule(rule("double", kWrites, R"({"data.dup_write": {"lba": 96}})", kOnce));
  lab.write(64, blocks_of(1, 0x22));
  CHECK(lab.read(64, 1) == blocks_of(1, 0x22));
  CHECK(lab.read(96, 1) == blocks_of(1, 0x22));
  lab.remove(lab.overlays().at(0));
  CHECK(lab.read(64, 1) == blocks_of(1, 0x22));
  CHECK(lab.read(96, 1) == blocks_of(1, 0x99));
}

TEST_CASE("data.flush_lie and data.fua_lie: GOOD, and the data is there") {
  const TemporaryDirectory directory;
  Lab lab(on_a_file(directory));
  lab.control.put_rule(
      rule("no-flush", R"({"lun": 0, "op": "flush"})", R"({"data.flush_lie": {}})"));
  lab.control.put_rule(rule("no-fua", R"({"lun": 0, "fua": true})", R"({"data.fua_lie": {}})"));
  auto through = write_10(64, 1);
  through[1] = 0x08;
  CHECK(lab.host.execute_write(through, blocks_of(1, 0x22)).good());
  CHECK(lab.host.execute(kFlush).good());
  CHECK(lab.fired("no-flush") == 1);
  CHECK(lab.fired("no-fua") == 1);
  CHECK(lab.read(64, 1) == blocks_of(1, 0x22));
}

TEST_CASE("data.caw_not_atomic: two initiators take the same lock") {
  Lab lab;
  auto other = connect_session(lab.target, second_initiator());
  const auto race = [&] {
    lab.write(64, blocks_of(1, 0));
    Outcome first;
    std::thread slow(
        [&] { first = lab.host.execute_write(compare_and_write_cdb(64), pair_of(0, 0x11)); });
    pause_ms(150);
    const auto second = other.execute_write(compare_and_write_cdb(64), pair_of(0, 0x22));
    slow.join();
    CHECK_MESSAGE(first.good(), first.describe());
    return second;
  };
  CHECK(race().sense_code() == 0x0e1d00);
  lab.control.put_rule(rule("split", R"({"op": "COMPARE AND WRITE", "initiator": "*:raw"})",
                            R"({"data.caw_not_atomic": {"gap": "600ms"}})", kOnce));
  CHECK(race().good());
  CHECK(lab.read(64, 1) == blocks_of(1, 0x11));  // the slow one wrote last
}

TEST_CASE("data.unmap_lie: unmapped blocks read as before, as noise, or are not given back") {
  on_both([](Lab& lab) {
    const auto truth = noise(8 * kBlock, 5);
    const auto shown_after = [&](const std::string& how) {
      lab.write(64, truth);
      lab.control.put_rule(rule("keeps", R"({"lun": 0, "op": "unmap"})",
                                R"({"data.unmap_lie": )" + how + "}", kOnce));
      CHECK(lab.host.execute_write(kUnmap, unmapped_list(64, 8)).good());
      CHECK(lab.fired("keeps") == 1);
      return lab.read(64, 8);
    };
    CHECK(shown_after(R"({"shows": "old"})") == truth);
    lab.remove(lab.overlays().at(0));
    CHECK(lab.read(64, 8) == blocks_of(8, 0));
    const auto drawn = shown_after(R"({"shows": "random"})");
    CHECK(drawn != truth);
    CHECK(drawn != blocks_of(8, 0));
    CHECK(lab.read(64, 8) == drawn);
    lab.remove(lab.overlays().at(0));
    CHECK(lab.read(64, 8) == blocks_of(8, 0));
    CHECK(shown_after(R"({"shows": "zero"})") == blocks_of(8, 0));
    lab.remove(lab.overlays().at(0));
    CHECK(lab.read(64, 8) == truth);
  });
}

TEST_CASE("data.wrap: beyond its capacity a counterfeit disk begins again, while the rule lives") {
  on_both([](Lab& lab) {
    const std::uint32_t capacity = (1 << 20) / kBlock;
    lab.control.put_rule(
        rule("counterfeit", R"({"lun": 0})", R"({"data.wrap": {"capacity": "1MiB"}})"));
    lab.write(8, blocks_of(1, 0x11));
    CHECK(lab.read(8, 1) == blocks_of(1, 0x11));
    lab.write(capacity + 8, blocks_of(1, 0x22));
    CHECK(lab.read(8, 1) == blocks_of(1, 0x22));
    CHECK(lab.read(capacity + 8, 1) == blocks_of(1, 0x22));
    REQUIRE(lab.overlays().size() == 1);
    CHECK(lab.overlays()[0]["fault"] == "data.wrap");
    lab.control.remove_rule("counterfeit");
    CHECK(lab.overlays().empty());
    CHECK(lab.read(8, 1) == blocks_of(1, 0x11));
    CHECK(lab.read(capacity + 8, 1) == blocks_of(1, 0x22));
  });
}

TEST_CASE("data.wire_flip: wrong data under a good digest, and the medium is as it was") {
  Lab lab;
  auto options = second_initiator();
  options.keys = with(options.keys, "DataDigest", "CRC32C");
  auto session = connect_session(lab.target, options);
  CHECK(session.settled.data_digest);
  const auto truth = noise(64 * kBlock, 6);
  session.write_blocks(64, truth);
  lab.control.put_rule(rule("path", kReads, R"({"data.wire_flip": {"bits": 2}})", kOnce));
  CHECK(differing_bits(session.read_blocks(64, 64), truth) == 2);
  CHECK(lab.overlays().empty());
  CHECK(session.read_blocks(64, 64) == truth);
}

TEST_CASE("several data faults of one command apply in order") {
  Lab lab;
  lab.write(64, blocks_of(2, 0x11));
  lab.control.put_rule(rule(
      "both", kWrites,
      R"([{"data.byte": {"offset": 0, "set": "ee"}}, {"data.misdirect": {"lba": 96}}])", kOnce));
  lab.write(64, blocks_of(2, 0x22));
  CHECK(lab.read(64, 2) == blocks_of(2, 0x11));
  auto landed = blocks_of(2, 0x22);
  landed[0] = 0xee;
  CHECK(lab.read(96, 2) == landed);
}

TEST_CASE("WRITE SAME and COMPARE AND WRITE are lied about as writes are") {
  Lab lab;
  lab.write(64, blocks_of(4, 0x11));
  lab.control.put_rule(rule("torn", R"({"op": "0x41"})", R"({"data.torn": {"blocks": 2}})"));
  CHECK(lab.host.execute_write({0x41, 0, 0, 0, 0, 64, 0, 0, 4, 0}, blocks_of(1, 0x22)).good());
  auto expected = blocks_of(4, 0x22);
  std::fill(expected.begin() + 2 * kBlock, expected.end(), 0x11);
  CHECK(lab.read(64, 4) == expected);
  lab.control.put_rule(
      rule("lost", R"({"op": "COMPARE AND WRITE"})", R"({"data.lost_write": {}})"));
  CHECK(lab.host.execute_write(compare_and_write_cdb(64), pair_of(0x22, 0x33)).good());
  CHECK(lab.read(64, 4) == expected);
}

TEST_CASE("a reset with data empties memory disks and heals") {
  Lab lab;
  lab.control.put_rule(rule("fill", kWrites, R"({"data.pattern": {"hex": "77"}})"));
  lab.write(64, blocks_of(1, 0x22));
  CHECK(lab.read(64, 1) == blocks_of(1, 0x77));
  REQUIRE(lab.control.post("/v1/reset?data=1").ok());
  CHECK(lab.read(64, 1) == blocks_of(1, 0));
  CHECK(lab.overlays().empty());
}

TEST_CASE("units are listed with their backend and what lies over them") {
  const TemporaryDirectory directory;
  Lab lab(on_a_file(directory));
  lab.control.put_rule(rule("fill", kWrites, R"({"data.pattern": {"hex": "77"}})"));
  lab.write(64, blocks_of(1, 0x22));
  const auto luns = lab.control.get("/v1/luns").json()["luns"];
  REQUIRE(luns.size() == 2);
  CHECK(luns[0]["backend"].get<std::string>().starts_with("file"));
  CHECK(luns[0]["overlays"] == 1);
  CHECK(luns[1]["backend"] == "memory");
  CHECK(luns[1]["overlays"] == 0);
  CHECK(lab.control.call("DELETE", "/v1/luns/0/overlays").json()["removed"] == 1);
  CHECK(lab.read(64, 1) == blocks_of(1, 0x22));
}

TEST_CASE("libiscsi is lied to like anyone else") {
  Lab lab;
  const auto portal = lab.target.portal().host + ":" + std::to_string(lab.target.portal().port);
  const std::unique_ptr<iscsi_context, decltype(&iscsi_destroy_context)> context(
      iscsi_create_context("iqn.2026-11.example.test:library"), iscsi_destroy_context);
  iscsi_set_targetname(context.get(), kTargetName);
  iscsi_set_session_type(context.get(), ISCSI_SESSION_NORMAL);
  REQUIRE(iscsi_full_connect_sync(context.get(), portal.c_str(), 0) == 0);
  lab.control.put_rule(
      rule("lost", R"({"initiator": "*:library", "op": "write"})", R"({"data.lost_write": {}})"));
  auto data = blocks_of(8, 0x22);
  auto* written =
      iscsi_write16_sync(context.get(), 0, 64, data.data(), 8 * kBlock, kBlock, 0, 0, 0, 0, 0);
  REQUIRE(written != nullptr);
  CHECK(written->status == SCSI_STATUS_GOOD);
  scsi_free_scsi_task(written);
  auto* read = iscsi_read16_sync(context.get(), 0, 64, 8 * kBlock, kBlock, 0, 0, 0, 0, 0);
  REQUIRE(read != nullptr);
  CHECK(read->status == SCSI_STATUS_GOOD);
  CHECK(Octets(read->datain.data, read->datain.data + read->datain.size) == blocks_of(8, 0));
  scsi_free_scsi_task(read);
  iscsi_logout_sync(context.get());
}

}  // namespace fault_data_test
