// SCSI Command and its answers: flags, AHS, residuals, Data-In, digests.  Checklist A2.06, A2.08,
// A8, A9.
#include "pdu_builders.hpp"

namespace faultlun::iscsi::session_command_test {
namespace {

using namespace testing;

scsi::Reply data_reply(std::size_t length, std::uint64_t device_length) {
  scsi::Reply reply;
  reply.data_in = pattern(length);
  reply.data_in_length = device_length;
  return reply;
}

Buffer extended_cdb_ahs(std::size_t extra) {
  Buffer ahs(bytes::padded4(4 + extra));
  bytes::put_be16(ahs.data(), static_cast<std::uint16_t>(1 + extra));
  ahs[2] = wire::kExtendedCdbAhs;
  for (std::size_t i = 0; i < extra; ++i)
    ahs[4 + i] = static_cast<std::uint8_t>(0xc0 + i);
  return ahs;
}

TEST_CASE("a command reaches the daemon as it was sent") {
  Bench bench;
  auto pdu =
      scsi_command(0x11223344, wire::kRead | 3, 4096, {0x28, 0, 0, 0, 0, 9, 0, 0, 8, 0}).lun(5);
  Task& task = bench.start(pdu);
  CHECK(task.initiator_task_tag == 0x11223344);
  CHECK(task.cmd_sn == 100);
  CHECK(task.expected_data_transfer_length == 4096);
  CHECK(task.reads);
  CHECK(!task.writes);
  CHECK(!task.immediate);
  CHECK(task.lun == std::uint16_t{5});
  CHECK(task.command.attribute == scsi::TaskAttribute::head_of_queue);
  CHECK(task.command.cdb.length == 16);
  CHECK(task.command.cdb[5] == 9);
  CHECK(bench.session->task_count() == 1);
  CHECK(bench.session->tasks_at(std::uint16_t{5}) == 1);
  CHECK(bench.session->tasks_at(std::uint16_t{6}) == 0);
}

TEST_CASE("a LUN field of a format that names no unit gives a task without LUN") {
  Bench bench;
  CHECK(!bench.start(test_unit_ready(1).lun_octet(0xff)).lun.has_value());
}

TEST_CASE("attributes 0 to 4 are taken and 5 to 7 are Rejected (A8.22)") {
  for (std::uint8_t attribute = 0; attribute < 8; ++attribute) {
    CAPTURE(attribute);
    Bench bench;
    bench.send(scsi_command(1, attribute, 0, {0}));
    if (attribute <= 4) {
      REQUIRE(bench.run() != nullptr);
      CHECK(static_cast<std::uint8_t>(bench.run()->command.attribute) == attribute);
    } else {
      CHECK(is_reject(bench.answer(), wire::reject::kInvalidPduField));
    }
  }
}

TEST_CASE("a length without a direction is refused with 5/24/00 (A8.01)") {
  Bench bench;
  bench.send(scsi_command(1, 1, 512, {0}));
  CHECK(bench.effects.empty());
  CHECK(is_check(bench.answer(), 1, kInvalidFieldInCdb));
}

TEST_CASE("F=0 without W is refused with 5/24/00 and does not hang (A8.01)") {
  Bench bench;
  bench.send(read_command(1, 512).not_final());
  CHECK(is_check(bench.answer(), 1, kInvalidFieldInCdb));
}

TEST_CASE("a bidirectional command is refused with 5/24/00 after its data (A8.07)") {
  Bench bench(16, with([](Parameters& p) { p.initial_r2t = false; }));
  bench.send(scsi_command(1, wire::kRead | wire::kWrite | 1, 8, {0x53}).not_final());
  CHECK(bench.silent());
  bench.raw(data_out(1, kReservedTag, 0, 0, pattern(8), true));
  CHECK(is_check(bench.answer(), 1, kInvalidFieldInCdb));
}

TEST_CASE("an extended CDB of 32 octets arrives whole (A8.21)") {
  Bench bench;
  auto pdu = scsi_command(1, wire::kRead | 1, 512, {0x7f, 0, 0, 0, 0, 0, 0, 24, 0, 9});
  pdu.ahs = extended_cdb_ahs(16);
  Task& task = bench.start(pdu);
  CHECK(task.command.cdb.length == 32);
  CHECK(task.command.cdb[9] == 9);
  CHECK(task.command.cdb[16] == 0xc0);
  CHECK(task.command.cdb[31] == 0xcf);
}

TEST_CASE("an extended CDB longer than any of ours is refused with 5/20/00 (A8.21)") {
  Bench bench;
  auto pdu = read_command(1, 512);
  pdu.ahs = extended_cdb_ahs(17);
  bench.send(pdu);
  CHECK(is_check(bench.answer(), 1, kInvalidOperationCode));
}

TEST_CASE("malformed additional headers are Rejected 09h (A2.06, A2.07)") {
  const Buffer malformed[] = {
      {0, 5, 0x3f, 0, 0, 0, 0, 0},                       // unknown type
      {0, 0, 1, 0},                                      // AHSLength 0
      {0, 9, 1, 0, 1, 2, 3, 4},                          // past TotalAHSLength
      {0xff, 0xff, 1, 0},                                // far past it
      {0, 1, 1, 0},                                      // extended CDB of 16 octets
      {0, 5, 1, 0, 1, 2, 3, 4, 0, 5, 1, 0, 1, 2, 3, 4},  // twice
      {0, 2, 2, 0, 1, 0, 0, 0},                          // read length of a wrong size
      {0, 5, 1, 0, 1, 2, 3, 4, 0, 0, 0, 0},              // a good one and an empty one
  };
  for (const auto& ahs : malformed) {
    CAPTURE(bytes::be32(ahs.data()));
    Bench bench;
    auto pdu = read_command(1, 512);
    pdu.ahs = ahs;
    bench.send(pdu);
    CHECK(is_reject(bench.answer(), wire::reject::kInvalidPduField));
    CHECK(bench.effects.empty());
  }
}

TEST_CASE("a read length for a command that is not bidirectional is harmless") {
  Bench bench;
  auto pdu = read_command(1, 512);
  pdu.ahs = {0, 5, 2, 0, 0, 0, 2, 0};
  CHECK(bench.start(pdu).command.cdb.length == 16);
}

// ---- status and residuals
// ---------------------------------------------------------------------------------------

TEST_CASE("residuals of reads whose length differs from EDTL (A8.02, A8.03)") {
  struct Row {
    std::uint32_t edtl;
    std::uint64_t device;
    std::uint8_t flags;
    std::uint32_t count;
  };
  for (const auto& row :
       {Row{512, 512, 0, 0}, Row{4096, 512, wire::kUnderflow, 3584},
        Row{200, 512, wire::kOverflow, 312}, Row{0, 512, wire::kOverflow, 512},
        Row{4, 0x500000000, wire::kOverflow, 0xffffffff}, Row{512, 0, wire::kUnderflow, 512}}) {
    CAPTURE(row.edtl);
    CAPTURE(row.device);
    Bench bench;
    Task& task = bench.start(read_command(1, row.edtl));
    Session::DataInCursor cursor;
    cursor.device_length = row.device;
    cursor.total = Session::data_in_total(task, row.device);
    CHECK(cursor.total == std::min<std::uint64_t>(row.edtl, row.device));
    if (cursor.total == 0) {
      scsi::Reply reply;
      reply.data_in_length = row.device;
      bench.finish(task, std::move(reply));
    } else {
      const auto length = bench.session->next_data_in(cursor);
      CHECK(length == cursor.total);
      bench.session->seal_data_in(bench.session->room_for_data_in(task, cursor, length, bench.out));
      bench.session->finish_data_in(task);
    }
    const auto answer = bench.answer();
    CHECK(answer.opcode() == (cursor.total == 0 ? op::kScsiResponse : op::kDataIn));
    CHECK((answer.flags() & (wire::kOverflow | wire::kUnderflow)) == row.flags);
    CHECK(answer.residual() == row.count);
  }
}

TEST_CASE("residuals of writes whose length differs from EDTL (A8.02, A8.03)") {
  struct Row {
    std::uint32_t edtl;
    std::uint64_t device;
    std::uint8_t flags;
    std::uint32_t count;
  };
  for (const auto& row :
       {Row{512, 512, 0, 0}, Row{1024, 512, wire::kUnderflow, 512},
        Row{512, 1024, wire::kOverflow, 512}, Row{0, 512, wire::kOverflow, 512}}) {
    CAPTURE(row.edtl);
    CAPTURE(row.device);
    Bench bench;
    Task& task = bench.start(write_command(1, row.edtl).with(pattern(row.edtl)));
    bench.collect(task, row.device, row.edtl);
    CHECK(bench.count<effect::DataComplete>() == 1);
    CHECK(task.transfer.wanted == std::min<std::uint64_t>(row.edtl, row.device));
    scsi::Reply reply;
    reply.data_out_length = row.device;
    bench.finish(task, std::move(reply));
    const auto answer = bench.answer();
    CHECK((answer.flags() & (wire::kOverflow | wire::kUnderflow)) == row.flags);
    CHECK(answer.residual() == row.count);
  }
}

TEST_CASE("a READ sent with W and data moves nothing, tells the overflow and ends GOOD (A8.03)") {
  Bench bench;
  Task& task = bench.start(scsi_command(1, wire::kWrite | 1, 512, {0x28}).with(pattern(512)));
  CHECK(Session::data_in_total(task, 512) == 0);
  scsi::Reply reply = data_reply(512, 512);
  bench.finish(task, std::move(reply));
  const auto answer = bench.answer();
  CHECK(is_response(answer, 1, scsi::Status::good));
  CHECK((answer.flags() & wire::kOverflow) != 0);
  CHECK(answer.residual() == 512);
}

TEST_CASE("a WRITE sent with R asks for no data and tells the overflow (A8.03)") {
  Bench bench;
  Task& task = bench.start(scsi_command(1, wire::kRead | 1, 512, {0x2a}));
  bench.collect(task, 512);
  CHECK(task.transfer.wanted == 0);
  CHECK(bench.count<effect::DataComplete>() == 1);
  scsi::Reply reply;
  reply.data_out_length = 512;
  bench.finish(task, std::move(reply));
  const auto answer = bench.answer();
  CHECK((answer.flags() & wire::kOverflow) != 0);
  CHECK(answer.residual() == 512);
}

TEST_CASE(
    "parameter data cut by the allocation length is underflow of EDTL, not overflow (A8.04)") {
  Bench bench;
  bench.finish(bench.start(read_command(1, 16)), data_reply(16, 16));
  auto answer = bench.answer();
  CHECK(answer.flags() == (wire::kFinal | wire::kStatus));
  bench.finish(bench.start(read_command(2, 255)), data_reply(36, 36));
  answer = bench.answer();
  CHECK(answer.flags() == (wire::kFinal | wire::kStatus | wire::kUnderflow));
  CHECK(answer.residual() == 219);
  CHECK(answer.data == pattern(36));
}

TEST_CASE("parameter data longer than EDTL is cut and told as overflow (A8.03)") {
  Bench bench;
  bench.finish(bench.start(read_command(1, 5)), data_reply(36, 36));
  const auto answer = bench.answer();
  CHECK(answer.data.size() == 5);
  CHECK(answer.flags() == (wire::kFinal | wire::kStatus | wire::kOverflow));
  CHECK(answer.residual() == 31);
}

TEST_CASE(
    "CHECK CONDITION comes in a SCSI Response with a two-octet length before the sense (A8.06)") {
  Bench bench;
  scsi::Sense sense;
  sense.code = {5, 0x24, 0};
  bench.finish(bench.start(read_command(1, 512)), scsi::check_condition(sense));
  const auto answer = bench.answer();
  CHECK(is_check(answer, 1, {5, 0x24, 0}));
  CHECK(bytes::be16(answer.data.data()) == answer.data.size() - 2);
  CHECK(answer.data.size() == 20);
  CHECK(answer.be16(8) == 0);   // no status qualifier (A14.03)
  CHECK(answer.be32(36) == 0);  // ExpDataSN: no Data-In was sent (A3.14)
  CHECK(answer.residual() == 512);
}

TEST_CASE("an error after data keeps the data and counts it in ExpDataSN (A3.14, A8.17)") {
  Bench bench(16, with([](Parameters& p) { p.peer_max_recv_data_segment_length = 512; }));
  Task& task = bench.start(read_command(1, 2048));
  Session::DataInCursor cursor{2048, 0, 2048};
  for (int i = 0; i < 2; ++i)
    bench.session->seal_data_in(bench.session->room_for_data_in(task, cursor, 512, bench.out));
  scsi::Sense sense;
  sense.code = {3, 0x11, 0};
  auto reply = scsi::check_condition(sense);
  reply.data_in_length = 1024;
  bench.finish(task, std::move(reply));
  const auto list = bench.answers();
  REQUIRE(list.size() == 3);
  CHECK(list[0].flags() == 0);
  CHECK(list[1].flags() == 0);
  CHECK(is_check(list[2], 1, {3, 0x11, 0}));
  CHECK(list[2].be32(36) == 2);
  CHECK(list[2].residual() == 1024);
}

TEST_CASE("Data-In that could not be read is taken back (A8.17)") {
  Bench bench(16, with([](Parameters& p) { p.peer_max_recv_data_segment_length = 512; }));
  Task& task = bench.start(read_command(1, 1024));
  Session::DataInCursor cursor{1024, 0, 1024};
  bench.session->seal_data_in(bench.session->room_for_data_in(task, cursor, 512, bench.out));
  const auto mark = bench.out.mark();
  bench.session->room_for_data_in(task, cursor, 512, bench.out);
  bench.out.rewind(mark);
  bench.session->take_back_data_in(task, cursor, 512);
  CHECK(cursor.sent == 512);
  scsi::Sense sense;
  sense.code = {3, 0x11, 0};
  bench.finish(task, scsi::check_condition(sense));
  const auto list = bench.answers();
  REQUIRE(list.size() == 2);
  CHECK(list[1].be32(36) == 1);
  CHECK(list[1].stat_sn() == 500);
}

TEST_CASE("data before a status that is not GOOD goes without the S bit (A8.17)") {
  Bench bench;
  auto reply = data_reply(36, 36);
  reply.status = scsi::Status::condition_met;
  bench.finish(bench.start(read_command(1, 36)), std::move(reply));
  const auto list = bench.answers();
  REQUIRE(list.size() == 2);
  CHECK(list[0].flags() == wire::kFinal);
  CHECK(list[0].stat_sn() == 0);
  CHECK(is_response(list[1], 1, scsi::Status::condition_met));
  CHECK(list[1].be32(36) == 1);
}

TEST_CASE("every other status has no data segment (A8.08)") {
  for (const auto status :
       {scsi::Status::busy, scsi::Status::reservation_conflict, scsi::Status::task_set_full,
        scsi::Status::aca_active, scsi::Status::task_aborted}) {
    Bench bench;
    bench.finish(bench.start(read_command(1, 512)), scsi::with_status(status));
    const auto answer = bench.answer();
    CHECK(is_response(answer, 1, status));
    CHECK(answer.data.empty());
  }
}

// ---- Data-In
// ----------------------------------------------------------------------------------------------------

TEST_CASE(
    "Data-In is cut to the initiator's limit, with F at each MaxBurstLength and status on the last "
    "(A2.08, A3.12)") {
  Bench bench(16, with([](Parameters& p) {
                p.peer_max_recv_data_segment_length = 700;
                p.max_burst_length = 2000;
              }));
  bench.finish(bench.start(read_command(1, 5001)), data_reply(5001, 5001));
  const auto list = bench.answers();
  std::uint32_t offset = 0;
  Buffer all;
  for (std::uint32_t i = 0; i < list.size(); ++i) {
    const auto& pdu = list[i];
    REQUIRE(pdu.opcode() == op::kDataIn);
    CHECK(pdu.data.size() <= 700);
    CHECK(pdu.be32(36) == i);       // DataSN
    CHECK(pdu.be32(40) == offset);  // Buffer Offset
    CHECK(pdu.ttt() == kReservedTag);
    CHECK((pdu.flags() & 0x40) == 0);  // A8.20
    offset += static_cast<std::uint32_t>(pdu.data.size());
    const bool last = i + 1 == list.size();
    CHECK(((pdu.flags() & wire::kFinal) != 0) == (last || offset % 2000 == 0));
    CHECK(((pdu.flags() & wire::kStatus) != 0) == last);
    all.insert(all.end(), pdu.data.begin(), pdu.data.end());
  }
  CHECK(all == pattern(5001));
  CHECK(list.size() == 8);
}

TEST_CASE("next_data_in keeps to our own longest segment") {
  Bench bench(16, with([](Parameters& p) {
                p.peer_max_recv_data_segment_length = 0xffffff;
                p.max_burst_length = 0xffffff;
              }));
  CHECK(bench.session->next_data_in({1000000, 0, 1000000}) == kMaxDataInSegment);
  CHECK(bench.session->next_data_in({1000000, 999999, 1000000}) == 1);
  CHECK(bench.session->next_data_in({1000000, 1000000, 1000000}) == 0);
}

struct Pin {
  int held = 1;
  static void release(void* pin) noexcept { --static_cast<Pin*>(pin)->held; }
};

TEST_CASE("pinned data goes out with padding and digests and is released when sent") {
  for (const bool digests : {false, true}) {
    CAPTURE(digests);
    Parameters parameters;
    parameters.header_digest = parameters.data_digest = digests;
    Bench bench(16, parameters);
    Task& task = bench.start(read_command(1, 7));
    const auto data = pattern(7);
    Pin pin;
    Session::DataInCursor cursor{7, 0, 7};
    bench.session->put_data_in(task, cursor, data, &pin, &Pin::release, bench.out);
    bench.session->finish_data_in(task);
    CHECK(pin.held == 1);
    const auto answer = bench.answer();  // its parser checks padding and digests
    CHECK(pin.held == 0);
    CHECK(answer.data == data);
    CHECK(answer.flags() == (wire::kFinal | wire::kStatus));
  }
}

TEST_CASE("every kind of answer carries correct digests (A9.01)") {
  Bench bench(16, with([](Parameters& p) { p.header_digest = p.data_digest = true; }));
  bench.finish(bench.start(read_command(1, 101)), data_reply(101, 101));
  scsi::Sense sense;
  sense.code = {5, 0x20, 0};
  bench.finish(bench.start(read_command(2, 4)), scsi::check_condition(sense));
  bench.send(nop_out(3).with(pattern(33)));
  bench.collect(bench.start(write_command(4, 64)), 64);
  bench.raw(basic(0x1e));
  bench.send(task_management(5, 1, 4, 102));
  bench.session->send_nop_in(true, bench.out);
  bench.session->send_async_event(2, 7, 2, 20, bench.out);
  bench.send(text_request(7, "SendTargets="));
  bench.send(logout(6, 0));
  CHECK(bench.answers().size() == 10);
}

TEST_CASE(
    "a command with a bad data digest is Rejected 02h, leaves a gap, and its retry plugs it "
    "(A9.03, A9.04)") {
  Bench bench(16, with([](Parameters& p) { p.data_digest = true; }));
  const auto command = write_command(1, 8).cmd_sn(100).with(pattern(8));
  bench.raw(Pdu(command).bad_digest());
  const auto answer = bench.answer();
  CHECK(is_reject(answer, wire::reject::kDataDigestError));
  CHECK(answer.exp_cmd_sn() == 100);
  CHECK(answer.data == Buffer(bench.received.begin(), bench.received.begin() + kBhsBytes));
  bench.raw(test_unit_ready(2).cmd_sn(101));
  CHECK(bench.effects.empty());
  bench.raw(command);
  CHECK(bench.count<effect::RunTask>() == 2);
  CHECK(bench.run(0)->initiator_task_tag == 1);
}

TEST_CASE("text and NOP-Out with a bad data digest are Rejected 02h (A9.03)") {
  Bench bench(16, with([](Parameters& p) { p.data_digest = true; }));
  for (auto pdu : {text_request(1, "SendTargets="), nop_out(2).with(pattern(4))}) {
    bench.raw(pdu.cmd_sn(100).bad_digest());
    const auto answer = bench.answer();
    CHECK(is_reject(answer, wire::reject::kDataDigestError));
    CHECK(answer.exp_cmd_sn() == 100);
  }
}

// ---- rules for immediate data
// -------------------------------------------------------------------------------------

TEST_CASE("immediate data goes to the daemon with the command") {
  Bench bench;
  bench.send(write_command(1, 8).with(pattern(8)));
  const auto* run = bench.effect<effect::RunTask>();
  REQUIRE(run != nullptr);
  CHECK(Buffer(run->immediate_data.begin(), run->immediate_data.end()) == pattern(8));
  bench.collect(*run->task, 8, 8);
  CHECK(bench.count<effect::DataComplete>() == 1);
  CHECK(bench.silent());
}

TEST_CASE("immediate data despite ImmediateData=No ends with B/0C/0C (A8.09, A8.10)") {
  Bench bench(16, with([](Parameters& p) { p.immediate_data = false; }));
  bench.send(write_command(1, 8).with(pattern(8)));
  CHECK(bench.effects.empty());
  CHECK(is_check(bench.answer(), 1, kUnexpectedUnsolicitedData));
}

TEST_CASE("data with a command that does not write ends with B/0C/0C (A8.09)") {
  Bench bench;
  bench.send(read_command(1, 8).with(pattern(8)));
  CHECK(is_check(bench.answer(), 1, kUnexpectedUnsolicitedData));
}

TEST_CASE("F=0 despite InitialR2T=Yes ends with B/0C/0C once the data has come (A8.07, A8.10)") {
  Bench bench;
  bench.send(write_command(1, 16).with(pattern(8)).not_final());
  CHECK(bench.effects.empty());
  CHECK(bench.silent());
  bench.raw(data_out(1, kReservedTag, 0, 8, pattern(8), true));
  CHECK(is_check(bench.answer(), 1, kUnexpectedUnsolicitedData));
}

TEST_CASE(
    "immediate data of exactly FirstBurstLength is taken and more ends with B/0C/0D (A8.11)") {
  const auto parameters = with([](Parameters& p) { p.first_burst_length = 512; });
  Bench bench(16, parameters);
  bench.start(write_command(1, 4096).with(pattern(512)));
  bench.send(write_command(2, 4096).with(pattern(513)));
  CHECK(bench.effects.empty());
  CHECK(is_check(bench.answer(), 2, kIncorrectAmountOfData));
}

TEST_CASE("immediate data beyond EDTL ends with B/0C/0D (A8.11)") {
  Bench bench;
  bench.send(write_command(1, 7).with(pattern(8)));
  CHECK(is_check(bench.answer(), 1, kIncorrectAmountOfData));
}

}  // namespace
}  // namespace faultlun::iscsi::session_command_test
