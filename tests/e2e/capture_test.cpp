// Sessions that show a dissector every kind of PDU: tshark.sh runs this case against a daemon it
// captures.
#include "tests/e2e/lab.hpp"

#include <cstdlib>
#include <memory>

namespace capture_test {

using namespace faultlun::e2e;

TEST_CASE(
    "captured: one session of each kind, with and without digests, sends every PDU there is") {
  const char* given = std::getenv("FAULTLUN_PORTAL");
  std::unique_ptr<TargetProcess> own;
  Endpoint portal;
  if (given != nullptr) {
    const std::string text = given;
    portal = {text.substr(0, text.rfind(':')),
              static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':') + 1)))};
  } else {
    own = std::make_unique<TargetProcess>();
    portal = own->portal();
  }
  for (const char* digest : {"None", "CRC32C"}) {
    RawInitiator session(portal);
    REQUIRE(
        session
            .login(with_keys(
                {{"HeaderDigest", digest}, {"DataDigest", digest}, {"FirstBurstLength", "8192"}}))
            .ok());
    session.drain_attentions();
    const auto data = noise(1 << 18, 1);
    session.write_blocks(0, data);
    CHECK(session.read_blocks(0, 512) == data);
    CHECK(session.execute_read(inquiry(255), 255).good());
    CHECK(session.execute_read(inquiry(255, 0x83), 255).good());
    CHECK(session.execute_read(report_luns(256), 256).good());
    CHECK(session.execute_read(mode_sense_6(0x3f), 252).good());
    CHECK(session.execute(Cdb{0xc1, 0, 0, 0, 0, 0}).status == 0x02);
    session.expect_alive();
    CHECK(session.manage(2) == 0);
    CHECK(!session.discover("").empty());
    session.send(snack(1, kNoTag, 0, 1));
    CHECK(session.receive().opcode() == Op::reject);
    session.logout_and_close();
  }
  RawInitiator finder(portal);
  REQUIRE(finder.login(discovery()).ok());
  CHECK(!finder.discover().empty());
  finder.logout_and_close();
}

}  // namespace capture_test
