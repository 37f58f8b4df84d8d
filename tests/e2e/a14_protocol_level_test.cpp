// Checklist A14 (RFC 7144, protocol level 2) and A13 as far as ErrorRecoveryLevel 0 touches it.
#include "tests/e2e/lab.hpp"

namespace a14_protocol_level_test {

using namespace faultlun::e2e;

TEST_CASE("A14.01 INQUIRY claims the iSCSI version of the level negotiated") {
  TargetProcess target;
  for (const auto& [level, wanted] : {std::pair{"1", 0x0961}, std::pair{"2", 0x0962}}) {
    auto session = connect_session(target, with_keys({{"iSCSIProtocolLevel", level}}));
    const auto data = session.execute_read(inquiry(96), 96).data;
    REQUIRE(data.size() >= 74);
    bool found = false;
    for (std::size_t at = 58; at + 2 <= data.size() && at < 74; at += 2)
      found = found || get16(data.data() + at) == wanted;
    CHECK_MESSAGE(found, hex(data.data(), data.size()));
  }
}

TEST_CASE(
    "A14.02 A14.03 the priority field is ignored below level 2 and the status qualifier stays 0") {
  TargetProcess target;
  auto session = connect_session(target, with_keys({{"iSCSIProtocolLevel", "1"}}));
  Pdu pdu = scsi_command(test_unit_ready(), 0, kFinal | kSimple);
  CHECK(session.finish(session.send(pdu.set(2, 0xf0))).good());
  const auto failed = session.execute(Cdb{0xc1, 0, 0, 0, 0, 0});
  CHECK(failed.last.u16(8) == 0);
}

TEST_CASE("A13.01 A13.04 at ErrorRecoveryLevel 0 every SNACK is rejected") {
  TargetProcess target;
  auto session = connect_session(target, with_keys({{"ErrorRecoveryLevel", "2"}}));
  for (const std::uint8_t type :
       {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
    session.send(snack(type, kNoTag, 0, 1));
    const Pdu answer = session.receive();
    CHECK_MESSAGE((answer.opcode() == Op::reject && (answer.at(2) == 0x04 || answer.at(2) == 0x05)),
                  answer.describe());
  }
  session.expect_alive();
}

}  // namespace a14_protocol_level_test
