// How long what data faults change lasts, and the commands that deallocate: what
// fault_data_test.cpp shows of a read and a write, of the other kinds.
#include "tests/e2e/fault_lab.hpp"

#include <algorithm>
#include <utility>

namespace fault_data_lasting_test {

using namespace faultlun::e2e;

namespace {

constexpr std::size_t kBlock = 512;
constexpr char kReads[] = R"({"lun":0,"op":"read","lba":{"start":65,"len":1}})";
constexpr char kOnce[] = R"(,"gate":{"times":1})";

Octets blocks_of(std::size_t count, std::uint8_t octet) {
  return Octets(count * kBlock, octet);
}

/// A unit of 16 MiB whose blocks 64 to 67 are `truth`.
struct Lab {
  Lab() { session.write_blocks(64, truth); }
  nlohmann::json overlays() const { return control.get("/v1/luns/0/overlays").json()["overlays"]; }
  void remove_overlays() const { REQUIRE(control.call("DELETE", "/v1/luns/0/overlays").ok()); }
  /// WRITE SAME(16) of a block of zeros over blocks 64 to 67, with UNMAP.
  Outcome unmap_by_write_same() {
    return session.execute_write({0x93, 0x08, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 4, 0, 0},
                                 blocks_of(1, 0));
  }
  TargetProcess target;
  ControlClient control{target};
  RawInitiator session = connect_session(target);
  const Octets truth = noise(4 * kBlock, 21);
};

/// What `truth` looks like with block 65 changed: octets from `first` on, `count` of them.
Octets changed(Octets truth, std::size_t first, std::size_t count, std::uint8_t octet) {
  const auto at = truth.begin() + static_cast<std::ptrdiff_t>(kBlock + first);
  std::fill(at, at + static_cast<std::ptrdiff_t>(count), octet);
  return truth;
}

}  // namespace

TEST_CASE(
    "data.byte, data.zero and data.pattern that are stuck outlive writes, and go with their rule") {
  struct Case {
    const char* effect;
    std::size_t first, count;
    std::uint8_t octet;
  };
  for (const auto& each :
       {Case{R"({"data.byte":{"offset":7,"set":"ee","lasting":"stuck"}})", 7, 1, 0xee},
        Case{R"({"data.zero":{"lasting":"stuck"}})", 0, kBlock, 0},
        Case{R"({"data.pattern":{"hex":"a7a7","lasting":"stuck"}})", 0, kBlock, 0xa7}}) {
    CAPTURE(each.effect);
    Lab lab;
    lab.control.put_rule(rule("stuck", kReads, each.effect, kOnce));
    const auto lie_over = [&](const Octets& truth) {
      return changed(truth, each.first, each.count, each.octet);
    };
    CHECK(lab.session.read_blocks(64, 4) == lie_over(lab.truth));
    REQUIRE(lab.overlays().size() == 1);
    CHECK(lab.overlays()[0]["sticky"] == true);
    lab.session.write_blocks(64, blocks_of(4, 0x33));
    CHECK(lab.session.read_blocks(64, 4) == lie_over(blocks_of(4, 0x33)));
    CHECK(lab.control.counter("stuck", "fired") == 1);
    CHECK(lab.unmap_by_write_same().good());
    CHECK(lab.session.read_blocks(64, 4) == lie_over(blocks_of(4, 0)));
    lab.control.remove_rule("stuck");
    CHECK(lab.overlays().empty());
    CHECK(lab.session.read_blocks(64, 4) == blocks_of(4, 0));
  }
}

TEST_CASE("data.byte, data.zero and data.pattern that are transient are of one answer") {
  for (const auto& [effect, octet] :
       {std::pair{R"({"data.byte":{"offset":0,"xor":"ff","lasting":"transient"}})",
                  std::uint8_t{0}},
        std::pair{R"({"data.zero":{"lasting":"transient"}})", std::uint8_t{0}},
        std::pair{R"({"data.pattern":{"hex":"5a","lasting":"transient"}})", std::uint8_t{0x5a}}}) {
    CAPTURE(effect);
    Lab lab;
    lab.control.put_rule(rule("blink", kReads, effect, kOnce));
    const auto inverted = static_cast<std::uint8_t>(lab.truth[kBlock] ^ 0xff);
    const auto expected = std::string(effect).find("xor") != std::string::npos
                              ? changed(lab.truth, 0, 1, inverted)
                              : changed(lab.truth, 0, kBlock, octet);
    CHECK(lab.session.read_blocks(64, 4) == expected);
    CHECK(lab.overlays().empty());
    CHECK(lab.session.read_blocks(64, 4) == lab.truth);
  }
}

TEST_CASE(
    "data.unmap_lie: a WRITE SAME with UNMAP shows what was there, noise, or keeps its room") {
  Lab lab;
  const auto shown_after = [&](const std::string& how) {
    lab.session.write_blocks(64, lab.truth);
    lab.control.put_rule(rule("keeps", R"j({"lun":0,"op":"WRITE SAME(16)"})j",
                              R"({"data.unmap_lie":)" + how + "}", kOnce));
    CHECK(lab.unmap_by_write_same().good());
    CHECK(lab.control.counter("keeps", "fired") == 1);
    CHECK(lab.control.counter("keeps", "suppressed") == 0);
    const auto shown = lab.session.read_blocks(64, 4);
    lab.control.remove_rule("keeps");
    lab.remove_overlays();
    return shown;
  };
  CHECK(shown_after(R"({"shows":"old"})") == lab.truth);
  CHECK(lab.session.read_blocks(64, 4) == blocks_of(4, 0));
  const auto drawn = shown_after(R"({"shows":"random"})");
  CHECK(drawn != lab.truth);
  CHECK(drawn != blocks_of(4, 0));
  CHECK(lab.session.read_blocks(64, 4) == blocks_of(4, 0));
  CHECK(shown_after(R"({"shows":"zero"})") == blocks_of(4, 0));
  CHECK(lab.session.read_blocks(64, 4) == lab.truth);
}

TEST_CASE("data.unmap_lie strikes no WRITE SAME that unmaps nothing") {
  Lab lab;
  lab.control.put_rule(
      rule("keeps", R"({"lun":0,"op":"any"})", R"({"data.unmap_lie":{"shows":"old"}})"));
  CHECK(lab.session
            .execute_write({0x93, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 4, 0, 0}, blocks_of(1, 0x44))
            .good());
  CHECK(lab.session.read_blocks(64, 4) == blocks_of(4, 0x44));
}

}  // namespace fault_data_lasting_test
