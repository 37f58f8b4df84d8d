// Checklist A8: commands and data.  RFC 7143 §11.3, §11.4, §11.7, §11.8, §4.2.5.
#include "tests/e2e/lab.hpp"

namespace a08_data_test {

using namespace faultlun::e2e;

namespace {

/// Unsolicited data allowed, in addition to immediate data: FirstBurstLength 64 KiB, segments up to
/// 256 KiB.
LoginOptions unsolicited() {
  return with_keys({{"InitialR2T", "No"}, {"ImmediateData", "No"}, {"FirstBurstLength", "65536"}});
}

/// The sense code of whatever status ends `tag`, Rejects on the way skipped; 0 for GOOD, 1 when the
/// connection ends.
std::uint32_t ending(RawInitiator& session, std::uint32_t tag) {
  for (;;) {
    const auto pdu = session.try_receive(kPatience);
    if (!pdu) {
      CHECK_MESSAGE(session.connection.closed_within(100), "silence");
      return 1;
    }
    if (pdu->tag() != tag || pdu->opcode() != Op::scsi_response) continue;
    if (pdu->at(3) == 0) return 0;
    if (pdu->data.size() < 16) return 2;
    return (pdu->data[4] & 0x0fu) << 16 | std::uint32_t{pdu->data[14]} << 8 | pdu->data[15];
  }
}

struct Residual {
  bool over = false, under = false;
  std::uint32_t count = 0;
};

void check_residual(const Outcome& outcome, std::uint32_t device, std::uint32_t expected) {
  CHECK_MESSAGE(outcome.good(), outcome.describe());
  CHECK(outcome.overflow == (device > expected));
  CHECK(outcome.underflow == (device < expected));
  CHECK(outcome.residual == (device > expected ? device - expected : expected - device));
}

}  // namespace

TEST_CASE("A8.01 an expected length without R and W is answered, never hung upon") {
  TargetProcess target;
  auto session = connect_session(target);
  const auto tag = session.send(scsi_command(test_unit_ready(), 4096, kFinal | kSimple));
  const Pdu answer = session.receive();
  const bool rejected = answer.opcode() == Op::reject && answer.at(2) == 0x09;
  CHECK_MESSAGE((rejected || (answer.opcode() == Op::scsi_response && answer.tag() == tag)),
                answer.describe());
  check_serves(target);
}

TEST_CASE(
    "A8.02 A8.03 an expected length above or below the command's is a residual, not an error") {
  TargetProcess target;
  auto session = connect_session(target);
  const auto data = noise(16 * 512, 21);
  session.write_blocks(0, data);
  for (const std::uint32_t blocks : {0u, 1u, 2u, 8u}) {
    for (const std::uint32_t expected : {0u, 512u, 700u, 1024u, 4096u}) {
      CAPTURE(blocks);
      CAPTURE(expected);
      const auto count = static_cast<std::uint16_t>(blocks);
      const auto read = session.execute_read(read_10(0, count), expected);
      check_residual(read, blocks * 512, expected);
      CHECK(read.data == Octets(data.begin(), data.begin() + std::min(blocks * 512, expected)));
      Octets payload(data.begin(), data.begin() + expected);
      check_residual(session.execute_write(write_10(64, count), payload), blocks * 512, expected);
    }
  }
  // Of a write only what came reaches the medium.
  session.write_blocks(64, Octets(4096, 0x77));
  check_residual(session.execute_write(write_10(64, 2), Octets(512, 0x11)), 1024, 512);
  const auto after = session.read_blocks(64, 2);
  CHECK(Octets(after.begin(), after.begin() + 512) == Octets(512, 0x11));
  CHECK(Octets(after.begin() + 512, after.end()) == Octets(512, 0x77));
  // A command without data but with an expectation underflows by all of it.
  const auto none = session.execute_read(test_unit_ready(), 512);
  CHECK(none.underflow);
  CHECK(none.residual == 512);
  // A failed command moves nothing.
  const auto failed = session.execute_read(read_10(0xfffffff0, 1), 512);
  CHECK(failed.sense_code() == 0x052100);
}

TEST_CASE("A8.02 a READ flagged as a write, or flagged with nothing, is answered") {
  TargetProcess target;
  auto session = connect_session(target);
  session.write_blocks(0, Octets(512, 0x31));
  Pdu odd = scsi_command(read_10(0, 1), 512, kFinal | kWrite | kSimple, Octets(512, 0x99));
  CHECK(ending(session, session.send(odd)) != 1);
  const auto bare = session.execute(read_10(0, 1));
  CHECK_MESSAGE((bare.status == 0 || bare.status == 2), bare.describe());
  if (bare.good()) CHECK(bare.overflow);
  CHECK(session.read_blocks(0, 1) == Octets(512, 0x31));
}

TEST_CASE("A8.04 a list cut by ALLOCATION LENGTH is no overflow, and short data is an underflow") {
  TargetProcess target(lab_with_luns("\"0-19\""));
  auto session = connect_session(target);
  const auto cut = session.execute_read(report_luns(16), 16);
  CHECK(cut.good());
  CHECK(cut.data.size() == 16);
  CHECK(!cut.overflow);
  CHECK(!cut.underflow);
  CHECK(get32(cut.data.data()) == 160);
  const auto whole = session.execute_read(report_luns(4096), 4096);
  check_residual(whole, 168, 4096);
  const auto inquired = session.execute_read(inquiry(255), 255);
  CHECK(inquired.underflow);
  CHECK(inquired.residual == 255 - inquired.data.size());
}

TEST_CASE("A8.06 CHECK CONDITION comes with sense data behind a length, in a SCSI Response") {
  TargetProcess target;
  auto session = connect_session(target);
  for (const auto& cdb :
       {Cdb{0xc1, 0, 0, 0, 0, 0}, read_10(0xffffffff, 1), Cdb{0x12, 0x01, 0xee, 0, 0xff, 0}}) {
    const auto outcome = session.execute_read(cdb, 512);
    CHECK(outcome.status == 0x02);
    CHECK(outcome.last.opcode() == Op::scsi_response);
    CHECK(outcome.last.data.size() == outcome.sense.size() + 2);
    CHECK(outcome.sense.size() >= 18);
    CHECK((outcome.sense[0] & 0x7f) == 0x70);
    CHECK(outcome.sense[7] + 8u == outcome.sense.size());
  }
}

TEST_CASE("A8.07 an error found while data is due waits for the last Data-Out before its status") {
  LabConfig config;
  config.targets[0].luns = {memory_lun("0", "64MiB", R"(, "read_only": true)")};
  TargetProcess target(config);
  auto session = connect_session(target, unsolicited());
  const auto tag =
      session.send(scsi_command(write_10(0, 128), 65536, kWrite | kSimple));  // F=0: data follows
  session.expect_silence(200);
  session.send(data_out(tag, kNoTag, 0, 0, false, noise(32768, 1)));
  session.expect_silence(200);
  session.send(data_out(tag, kNoTag, 1, 32768, true, noise(32768, 2)));
  CHECK(session.finish(tag).sense_code() == 0x072700);
  session.expect_alive();
}

TEST_CASE("A8.08 the Response field is 00h for whatever the device completed") {
  TargetProcess target;
  auto session = connect_session(target);
  CHECK(session.execute(test_unit_ready()).response == 0);
  CHECK(session.execute(Cdb{0xc1, 0, 0, 0, 0, 0}).response == 0);
  CHECK(session.execute_write(write_10(0, 1), noise(512, 1)).response == 0);
}

TEST_CASE("A8.09 unexpected, too few and damaged data end their task with the sense that says so") {
  TargetProcess target;
  {
    auto session = connect_session(target, only_r2t());  // InitialR2T=Yes: nothing may come unasked
    const auto tag = session.send(scsi_command(write_10(0, 16), 8192, kWrite | kSimple));
    session.send(data_out(tag, kNoTag, 0, 0, true, noise(8192, 1)));
    CHECK(ending(session, tag) == 0x0b0c0c);
  }
  {
    auto session = connect_session(target, only_r2t());
    const auto tag = session.start_held_write(0, 16);
    const Pdu r2t = session.receive_for(tag);
    session.send(data_out(tag, r2t.transfer_tag(), 0, 0, true,
                          noise(4096, 1)));  // half of what was asked for
    CHECK(ending(session, tag) == 0x0b0c0d);
  }
  {
    auto options = only_r2t();
    options.keys = with(options.keys, "DataDigest", "CRC32C");
    auto session = connect_session(target, options);
    const auto tag = session.start_held_write(0, 16);
    const Pdu r2t = session.receive_for(tag);
    Pdu bad = data_out(tag, r2t.transfer_tag(), 0, 0, true, noise(8192, 1));
    bad.spoil_data_digest = true;
    session.send(bad);
    session.expect_reject(0x02);
    CHECK(ending(session, tag) == 0x0b4705);
    session.expect_alive();
  }
}

TEST_CASE("A8.10 ImmediateData=No and InitialR2T=Yes are enforced") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  session.write_blocks(0, Octets(512, 0x44));
  const auto tag =
      session.send(scsi_command(write_10(0, 1), 512, kFinal | kWrite | kSimple, noise(512, 1)));
  const auto pdu = session.try_receive(2000);
  if (pdu) {
    const bool rejected = pdu->opcode() == Op::reject;
    const bool failed =
        pdu->opcode() == Op::scsi_response && pdu->tag() == tag && pdu->at(3) == 0x02;
    CHECK_MESSAGE((rejected || failed), pdu->describe());
  } else {
    CHECK(session.connection.closed_within(1000));
  }
  auto reader = connect_session(target, second_initiator());
  CHECK(reader.read_blocks(0, 1) == Octets(512, 0x44));
}

TEST_CASE("A8.11 unsolicited data is FirstBurstLength or everything if shorter, more is an error") {
  TargetProcess target;
  auto session = connect_session(target, unsolicited());
  REQUIRE(session.settled.first_burst == 65536);
  const auto data = noise(131072, 5);
  CHECK(session.execute_write(write_10(0, 256), data).good());
  CHECK(session.read_blocks(0, 256) == data);
  const auto tag = session.send(scsi_command(write_10(0, 256), 131072, kWrite | kSimple));
  session.send(data_out(tag, kNoTag, 0, 0, false, noise(65536, 1)));
  session.send(data_out(tag, kNoTag, 1, 65536, true, noise(512, 2)));
  const auto code = ending(session, tag);
  CHECK_MESSAGE((code == 1 || code == 0x0b0c0c || code == 0x0b0c0d), code);
  check_serves(target);
}

TEST_CASE("A8.12 a Data-Out segment or sequence that is too long is an error") {
  TargetProcess target;
  auto session = connect_session(target, only_r2t());
  const auto tag = session.start_held_write(0, 2048);
  const Pdu r2t = session.receive_for(tag);
  Pdu large =
      data_out(tag, r2t.transfer_tag(), 0, 0, false, Octets(session.settled.target_max_recv + 4));
  session.connection.write_some(session.wire_octets(large), 2000);
  session.expect_closed();
  auto again = connect_session(target, only_r2t());
  const auto held = again.start_held_write(0, 16);
  const Pdu asked = again.receive_for(held);
  again.send(data_out(held, asked.transfer_tag(), 0, 0, false, noise(8192, 1)));
  again.send(data_out(held, asked.transfer_tag(), 1, 8192, true, noise(4, 1)));  // beyond the R2T
  const auto code = ending(again, held);
  CHECK_MESSAGE((code == 1 || code == 0x0b0c0d || code == 0x0b0c0c), code);
  check_serves(target);
}

TEST_CASE("A8.13 A8.15 R2Ts cover the command contiguously, each within MaxBurstLength") {
  TargetProcess target;
  auto options = only_r2t();
  options.keys = with(with(options.keys, "MaxBurstLength", "10000"), "FirstBurstLength", "512");
  auto session = connect_session(target, options);
  const auto data = noise(65536, 6);
  const auto stat_sn = session.exp_stat_sn;
  const auto write = session.execute_write(write_10(0, 128), data);
  CHECK(write.good());
  CHECK(write.r2ts.size() == 7);
  std::uint32_t next = 0;
  for (const auto& r2t : write.r2ts) {
    CHECK(r2t.u32(40) == next);
    CHECK(r2t.u32(44) <= 10000);
    CHECK(r2t.stat_sn() == stat_sn);  // R2Ts do not advance it
    next += r2t.u32(44);
  }
  CHECK(next == 65536);
  CHECK(session.read_blocks(0, 128) == data);
}

TEST_CASE("A8.14 no more R2Ts are outstanding than negotiated") {
  TargetProcess target;
  for (const char* limit : {"1", "2", "8"}) {
    CAPTURE(limit);
    auto options = only_r2t();
    options.keys =
        with(with(with(options.keys, "MaxBurstLength", "4096"), "FirstBurstLength", "512"),
             "MaxOutstandingR2T", limit);
    auto session = connect_session(target, options);
    const auto tag = session.send(scsi_command(write_10(0, 128), 65536, kFinal | kWrite | kSimple));
    std::vector<Pdu> r2ts;
    while (const auto pdu = session.try_receive(150))
      r2ts.push_back(*pdu);
    CHECK(r2ts.size() >= 1);
    CHECK(r2ts.size() <= std::stoul(limit));
    const auto data = noise(65536, 7);
    for (const auto& r2t : r2ts)
      session.answer_r2t(r2t, data);
    CHECK(session.finish(tag, data).good());
    CHECK(session.read_blocks(0, 128) == data);
  }
}

TEST_CASE("A8.16 Data-Out outside its R2T is refused, whatever its offset") {
  TargetProcess target;
  for (const std::uint32_t offset : {512u, 8192u, 0x7fffffffu, 0xffffff00u, 0xfffffffcu}) {
    CAPTURE(offset);
    auto session = connect_session(target, only_r2t());
    const auto tag = session.start_held_write(0, 16);
    const Pdu r2t = session.receive_for(tag);
    session.send(data_out(tag, r2t.transfer_tag(), 0, offset, true, noise(512, 1)));
    const auto pdu = session.try_receive(kPatience);
    if (!pdu) {
      CHECK(session.connection.closed_within(100));
      continue;
    }
    const bool rejected = pdu->opcode() == Op::reject && (pdu->at(2) == 0x09 || pdu->at(2) == 0x04);
    const bool failed = pdu->opcode() == Op::scsi_response && pdu->at(3) == 0x02;
    CHECK_MESSAGE((rejected || failed), pdu->describe());
  }
  check_serves(target);
}

TEST_CASE("A8.17 status rides on Data-In only at the end and only when it is good") {
  TargetProcess target;
  auto session = connect_session(target);
  const auto tag = session.send(scsi_command(read_10(0, 2048), 1 << 20, kFinal | kRead | kSimple));
  bool status_seen = false;
  while (!status_seen) {
    const Pdu pdu = session.receive_for(tag);
    const bool data_in = pdu.opcode() == Op::data_in;
    status_seen = !data_in || (pdu.flags() & 0x01) != 0;
    if (data_in && status_seen) CHECK(pdu.final());
  }
  CHECK(session.execute_read(read_10(0xfffffff0, 8), 4096).last.opcode() == Op::scsi_response);
}

TEST_CASE("A8.18 empty data segments are accepted") {
  TargetProcess target;
  auto session = connect_session(target, with_keys({{"FirstBurstLength", "65536"}}));
  const auto data = noise(4096, 8);
  const auto tag = session.send(
      scsi_command(write_10(0, 8), 4096, kWrite | kSimple, data));  // F=0, all data here
  session.send(data_out(tag, kNoTag, 0, 4096, true, {}));
  CHECK(session.finish(tag).good());
  CHECK(session.read_blocks(0, 8) == data);
  auto solicited = connect_session(target, only_r2t());
  const auto held = solicited.start_held_write(8, 8);
  const Pdu r2t = solicited.receive_for(held);
  solicited.send(data_out(held, r2t.transfer_tag(), 0, 0, false, {}));
  solicited.send(data_out(held, r2t.transfer_tag(), 1, 0, true, data));
  CHECK(solicited.finish(held).good());
  CHECK(solicited.read_blocks(8, 8) == data);
}

TEST_CASE("A8.19 unsolicited bursts in another order than their commands corrupt nothing") {
  TargetProcess target;
  auto session = connect_session(target, unsolicited());
  const auto one = noise(4096, 31), two = noise(4096, 32);
  const auto first = session.send(scsi_command(write_10(0, 8), 4096, kWrite | kSimple));
  const auto second = session.send(scsi_command(write_10(8, 8), 4096, kWrite | kSimple));
  session.send(data_out(second, kNoTag, 0, 0, true, two));
  session.send(data_out(first, kNoTag, 0, 0, true, one));
  const auto codes = std::pair{ending(session, second), 0u};
  if (codes.first == 1) return check_serves(target);  // ended the session: allowed
  auto reader = connect_session(target, second_initiator());
  CHECK(reader.read_blocks(0, 8) == one);
  CHECK(reader.read_blocks(8, 8) == two);
}

TEST_CASE("A8.20 the A bit is never set at ErrorRecoveryLevel 0") {
  TargetProcess target;
  auto session = connect_session(
      target, with_keys({{"MaxBurstLength", "4096"}, {"FirstBurstLength", "4096"}}));
  const auto tag = session.send(scsi_command(read_10(0, 128), 65536, kFinal | kRead | kSimple));
  for (;;) {
    const Pdu pdu = session.receive_for(tag);
    REQUIRE(pdu.opcode() == Op::data_in);
    CHECK((pdu.flags() & 0x40) == 0);
    if ((pdu.flags() & 0x01) != 0) break;
  }
}

TEST_CASE(
    "A8.21 a 32-byte CDB travels in an additional header segment, an unknown one is 5/20/00") {
  TargetProcess target;
  auto session = connect_session(target);
  Cdb cdb(32);
  cdb[0] = 0x7f;
  cdb[7] = 24;
  put16(cdb.data() + 8, 0x7777);
  const auto outcome = session.execute(cdb);
  CHECK_MESSAGE(outcome.sense_code() == 0x052000, outcome.describe());
  session.expect_alive();
}

TEST_CASE("A8.22 task attributes 0 to 4 are understood, 5 to 7 are protocol errors") {
  TargetProcess target;
  auto session = connect_session(target);
  for (const std::uint8_t attribute : {kUntagged, kSimple, kOrdered, kHeadOfQueue}) {
    ExecuteOptions options;
    options.attribute = attribute;
    CHECK(session.execute(test_unit_ready(), options).good());
  }
  ExecuteOptions aca;
  aca.attribute = kAca;
  CHECK(session.execute(test_unit_ready(), aca).sense_code() ==
        0x054900);  // B4.06: there is no ACA
  for (const int attribute : {5, 6, 7}) {
    session.send(scsi_command(test_unit_ready(), 0, static_cast<std::uint8_t>(kFinal | attribute))
                     .with_immediate());
    const Pdu answer = session.receive();
    CHECK_MESSAGE((answer.opcode() == Op::reject && (answer.at(2) == 0x04 || answer.at(2) == 0x09)),
                  answer.describe());
  }
  session.expect_alive();
}

}  // namespace a08_data_test
