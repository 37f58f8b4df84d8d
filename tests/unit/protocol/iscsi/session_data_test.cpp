// Data-Out and R2T through the session.  Checklist A2.12, A2.14, A3.12, A3.13, A8.07 to A8.19,
// A9.03.
#include "pdu_builders.hpp"

namespace faultlun::iscsi::session_data_test {
namespace {

using namespace testing;

const Parameters kUnsolicited = with([](Parameters& p) { p.initial_r2t = false; });
const Parameters kSmallBursts = with([](Parameters& p) {
  p.max_burst_length = 512;
  p.max_outstanding_r2t = 2;
});

/// What the daemon would have put together.
struct Collected {
  Buffer data = Buffer(70000, 0xee);
  std::size_t bytes = 0;
  bool complete = false;
  std::optional<scsi::Sense> failed;

  void take(Bench& bench) {
    for (const auto& each : bench.effects) {
      if (const auto* piece = std::get_if<effect::DataOut>(&each)) {
        REQUIRE(!complete);
        REQUIRE(piece->offset + piece->data.size() <= data.size());
        std::copy(piece->data.begin(), piece->data.end(), data.begin() + piece->offset);
        bytes += piece->data.size();
      } else if (std::holds_alternative<effect::DataComplete>(each)) {
        complete = true;
      } else if (const auto* failure = std::get_if<effect::DataFailed>(&each)) {
        failed = failure->sense;
      }
    }
  }
};

Buffer slice(const Buffer& all, std::size_t from, std::size_t length) {
  return Buffer(all.begin() + static_cast<std::ptrdiff_t>(from),
                all.begin() + static_cast<std::ptrdiff_t>(from + length));
}

TEST_CASE("a write without immediate data is asked for with one R2T (A8.13)") {
  Bench bench;
  Task& task = bench.start(write_command(1, 4096).lun(3));
  bench.collect(task, 4096);
  const auto r2t = bench.answer();
  CHECK(r2t.opcode() == op::kR2t);
  CHECK(r2t.itt() == 1);
  CHECK(r2t.ttt() != kReservedTag);
  CHECK(r2t.octet(9) == 3);     // the LUN of the command
  CHECK(r2t.be32(36) == 0);     // R2TSN
  CHECK(r2t.be32(40) == 0);     // Buffer Offset
  CHECK(r2t.be32(44) == 4096);  // Desired Data Transfer Length
  bench.raw(data_out(1, r2t.ttt(), 0, 0, pattern(4096), true).lun(3));
  Collected collected;
  collected.take(bench);
  CHECK(collected.complete);
  CHECK(slice(collected.data, 0, 4096) == pattern(4096));
  bench.good(task);
  CHECK(is_response(bench.answer(), 1, scsi::Status::good));
}

TEST_CASE(
    "R2Ts keep to MaxBurstLength and MaxOutstandingR2T and rise without gaps (A8.13, A8.14, "
    "A8.15)") {
  Bench bench(16, kSmallBursts);
  const auto all = pattern(2000);
  Task& task = bench.start(write_command(1, 2000).with(slice(all, 0, 100)));
  Collected collected;
  std::copy_n(all.begin(), 100, collected.data.begin());
  bench.collect(task, 2000, 100);
  auto open = bench.answers();
  CHECK(open.size() == 2);
  std::uint32_t expected_offset = 100, sn = 0;
  std::deque<Answer> queue(open.begin(), open.end());
  while (!queue.empty()) {
    CHECK(queue.size() <= 2);
    const auto r2t = queue.front();
    queue.pop_front();
    CHECK(r2t.be32(36) == sn++);
    CHECK(r2t.be32(40) == expected_offset);
    const auto length = r2t.be32(44);
    CHECK(length > 0);
    CHECK(length <= 512);
    expected_offset += length;
    std::uint32_t data_sn = 0;
    for (std::uint32_t done = 0; done < length;) {  // several Data-Out PDUs a sequence (A3.12)
      const auto part = std::min<std::uint32_t>(200, length - done);
      bench.raw(data_out(1, r2t.ttt(), data_sn++, r2t.be32(40) + done,
                         slice(all, r2t.be32(40) + done, part), done + part == length));
      done += part;
      collected.take(bench);
    }
    for (auto& more : bench.answers())
      queue.push_back(more);
  }
  CHECK(expected_offset == 2000);
  CHECK(collected.complete);
  CHECK(slice(collected.data, 0, 2000) == all);
}

TEST_CASE("an unsolicited burst is delivered and the rest asked for (A8.11)") {
  Bench bench(16, with([](Parameters& p) {
                p.initial_r2t = false;
                p.first_burst_length = 1024;
              }));
  const auto all = pattern(3000);
  Task& task = bench.start(write_command(1, 3000).with(slice(all, 0, 512)).not_final());
  Collected collected;
  bench.collect(task, 3000, 512);
  CHECK(bench.silent());  // R2Ts wait for the end of the unsolicited data
  bench.raw(data_out(1, kReservedTag, 0, 512, slice(all, 512, 500), false));
  collected.take(bench);
  bench.raw(data_out(1, kReservedTag, 1, 1012, slice(all, 1012, 12), true));
  collected.take(bench);
  CHECK(collected.bytes == 512);
  const auto r2t = bench.answer();
  CHECK(r2t.be32(40) == 1024);
  CHECK(r2t.be32(44) == 1976);
  bench.raw(data_out(1, r2t.ttt(), 0, 1024, slice(all, 1024, 1976), true));
  collected.take(bench);
  CHECK(collected.complete);
}

TEST_CASE("an unsolicited burst that is too short ends with B/0C/0D (A8.11)") {
  Bench bench(16, kUnsolicited);
  Task& task = bench.start(write_command(1, 1024).not_final());
  bench.collect(task, 1024);
  bench.raw(data_out(1, kReservedTag, 0, 0, pattern(1000), true));
  REQUIRE(bench.effect<effect::DataFailed>() != nullptr);
  CHECK(bench.effect<effect::DataFailed>()->sense.code == kIncorrectAmountOfData);
  CHECK(bench.count<effect::DataOut>() == 0);
}

TEST_CASE(
    "an unsolicited burst that is too long ends with B/0C/0D after its F bit (A8.07, A8.11)") {
  Bench bench(16, with([](Parameters& p) {
                p.initial_r2t = false;
                p.first_burst_length = 512;
              }));
  Task& task = bench.start(write_command(1, 4096).not_final());
  bench.collect(task, 4096);
  bench.raw(data_out(1, kReservedTag, 0, 0, pattern(513), false));
  CHECK(bench.effects.empty());
  bench.raw(data_out(1, kReservedTag, 1, 513, pattern(10), true));
  REQUIRE(bench.effect<effect::DataFailed>() != nullptr);
  CHECK(bench.effect<effect::DataFailed>()->sense.code == kIncorrectAmountOfData);
}

TEST_CASE("a Data-Out of no octets with F ends a sequence that is full (A8.18)") {
  Bench bench(16, kUnsolicited);
  Task& task = bench.start(write_command(1, 8).with(pattern(8)).not_final());
  bench.collect(task, 8, 8);
  CHECK(bench.effects.empty());
  bench.raw(data_out(1, kReservedTag, 0, 8, {}, true));
  CHECK(bench.count<effect::DataComplete>() == 1);
}

TEST_CASE("Data-Out for nobody is Rejected 09h (A2.14)") {
  Bench bench;
  bench.raw(data_out(42, 7, 0, 0, pattern(4), true));
  CHECK(is_reject(bench.answer(), wire::reject::kInvalidPduField));
}

TEST_CASE(
    "a tag that no R2T gave is Rejected 09h and the task ends with its own CHECK CONDITION (A2.12, "
    "A2.14)") {
  Bench bench;
  Task& task = bench.start(write_command(1, 512));
  bench.collect(task, 512);
  const auto r2t = bench.answer();
  bench.raw(data_out(1, r2t.ttt() + 1, 0, 0, pattern(512), true));
  CHECK(is_reject(bench.answer(), wire::reject::kInvalidPduField));
  REQUIRE(bench.effect<effect::DataFailed>() != nullptr);
  bench.finish(task, scsi::check_condition(bench.effect<effect::DataFailed>()->sense));
  CHECK(is_check(bench.answer(), 1, kIncorrectAmountOfData));
}

TEST_CASE(
    "a wrong tag for a task that waits for no data is Rejected 09h and harms nobody (A2.14)") {
  Bench bench;
  Task& task = bench.start(read_command(1, 512));
  bench.raw(data_out(1, 5, 0, 0, pattern(4), true));
  CHECK(is_reject(bench.answer(), wire::reject::kInvalidPduField));
  bench.good(task);
  CHECK(is_response(bench.answer(), 1, scsi::Status::good));
}

TEST_CASE("solicited data for another LUN is Rejected 09h and fails the task (A2.14)") {
  Bench bench;
  Task& task = bench.start(write_command(1, 512).lun(2));
  bench.collect(task, 512);
  const auto r2t = bench.answer();
  bench.raw(data_out(1, r2t.ttt(), 0, 0, pattern(512), true).lun(3));
  CHECK(is_reject(bench.answer(), wire::reject::kInvalidPduField));
  CHECK(bench.count<effect::DataFailed>() == 1);
  CHECK(bench.count<effect::DataOut>() == 0);
}

TEST_CASE(
    "a wrong DataSN is Rejected 04h once, and the task fails when its last data has come (A3.13, "
    "A2.12)") {
  for (const std::uint32_t wrong : {1U, 27U, 0xffffffffU}) {
    CAPTURE(wrong);
    Bench bench;
    Task& task = bench.start(write_command(1, 1024));
    bench.collect(task, 1024);
    const auto r2t = bench.answer();
    bench.raw(data_out(1, r2t.ttt(), wrong, 0, pattern(512), false));
    CHECK(is_reject(bench.answer(), wire::reject::kProtocolError));
    CHECK(bench.effects.empty());
    bench.raw(data_out(1, r2t.ttt(), 0, 512, pattern(512), true));
    CHECK(bench.silent());
    REQUIRE(bench.effect<effect::DataFailed>() != nullptr);
    CHECK(bench.effect<effect::DataFailed>()->sense.code == kProtocolServiceCrcError);
  }
}

TEST_CASE("a DataSN that comes twice is Rejected 04h (A3.13)") {
  Bench bench;
  Task& task = bench.start(write_command(1, 1024));
  bench.collect(task, 1024);
  const auto r2t = bench.answer();
  bench.raw(data_out(1, r2t.ttt(), 0, 0, pattern(512), false));
  CHECK(bench.count<effect::DataOut>() == 1);
  bench.raw(data_out(1, r2t.ttt(), 0, 512, pattern(512), true));
  CHECK(is_reject(bench.answer(), wire::reject::kProtocolError));
  CHECK(bench.count<effect::DataFailed>() == 1);
}

TEST_CASE(
    "offsets and lengths outside the R2T end with B/0C/0D and deliver nothing (A8.12, A8.16)") {
  struct Row {
    std::uint32_t offset;
    std::size_t length;
  };
  for (const auto& row : {Row{4, 512}, Row{0, 513}, Row{0xfffffff0, 64}, Row{0xffffffff, 1},
                          Row{512, 512}, Row{0, 508}}) {
    CAPTURE(row.offset);
    CAPTURE(row.length);
    Bench bench;
    Task& task = bench.start(write_command(1, 512));
    bench.collect(task, 512);
    const auto r2t = bench.answer();
    bench.raw(data_out(1, r2t.ttt(), 0, row.offset, pattern(row.length), true));
    CHECK(bench.silent());
    CHECK(bench.count<effect::DataOut>() == 0);
    REQUIRE(bench.effect<effect::DataFailed>() != nullptr);
    CHECK(bench.effect<effect::DataFailed>()->sense.code == kIncorrectAmountOfData);
  }
}

TEST_CASE("unsolicited data that nobody announced ends with B/0C/0C (A8.09)") {
  Bench bench(16, kUnsolicited);
  Task& task = bench.start(write_command(1, 1024).with(pattern(512)));  // F=1
  bench.collect(task, 1024, 512);
  const auto r2t = bench.answer();
  bench.raw(data_out(1, kReservedTag, 0, 512, pattern(512), true));
  CHECK(bench.effects.empty());  // the answer to the R2T is still due
  bench.raw(data_out(1, r2t.ttt(), 0, 512, pattern(512), true));
  REQUIRE(bench.effect<effect::DataFailed>() != nullptr);
  CHECK(bench.effect<effect::DataFailed>()->sense.code == kUnexpectedUnsolicitedData);
}

TEST_CASE("unsolicited Data-Out for a read is a protocol error and the read goes on") {
  Bench bench;
  Task& task = bench.start(read_command(1, 512));
  bench.raw(data_out(1, kReservedTag, 0, 0, pattern(4), true));
  CHECK(is_reject(bench.answer(), wire::reject::kProtocolError));
  bench.good(task);
  CHECK(is_response(bench.answer(), 1, scsi::Status::good));
}

TEST_CASE("bursts of two writes in the wrong order corrupt nothing (A8.19)") {
  Bench bench(16, kUnsolicited);
  Task& one = bench.start(write_command(1, 8).not_final());
  Task& two = bench.start(write_command(2, 8).not_final());
  bench.raw(data_out(2, kReservedTag, 0, 0, pattern(8, 2), true));
  bench.raw(data_out(1, kReservedTag, 0, 0, pattern(8, 1), true));
  Collected first, second;
  bench.collect(one, 8);
  first.take(bench);
  bench.collect(two, 8);
  second.take(bench);
  CHECK(slice(first.data, 0, 8) == pattern(8, 1));
  CHECK(slice(second.data, 0, 8) == pattern(8, 2));
}

TEST_CASE(
    "data with a bad digest is Rejected 02h and the task ends with B/47/05 after all its data "
    "(A9.03)") {
  auto parameters = kSmallBursts;
  parameters.data_digest = true;
  Bench bench(16, parameters);
  Task& task = bench.start(write_command(1, 1024));
  bench.collect(task, 1024);
  const auto r2ts = bench.answers();
  REQUIRE(r2ts.size() == 2);
  bench.raw(data_out(1, r2ts[0].ttt(), 0, 0, pattern(512), true).bad_digest());
  const auto answer = bench.answer();
  CHECK(is_reject(answer, wire::reject::kDataDigestError));
  CHECK(answer.data.size() == kBhsBytes);
  CHECK(bench.effects.empty());
  bench.raw(data_out(1, r2ts[1].ttt(), 0, 512, pattern(512), true));
  REQUIRE(bench.effect<effect::DataFailed>() != nullptr);
  CHECK(bench.effect<effect::DataFailed>()->sense.code == kProtocolServiceCrcError);
  bench.finish(task, scsi::check_condition(bench.effect<effect::DataFailed>()->sense));
  CHECK(is_check(bench.answer(), 1, kProtocolServiceCrcError));
  bench.good(bench.start(test_unit_ready(2)));
  CHECK(is_response(bench.answer(), 2, scsi::Status::good));
}

TEST_CASE("unsolicited data with a bad digest fails the task, collected or not (A9.03)") {
  for (const bool early : {false, true}) {
    CAPTURE(early);
    auto parameters = kUnsolicited;
    parameters.data_digest = true;
    Bench bench(16, parameters);
    Task& task = bench.start(write_command(1, 8).not_final());
    if (early) bench.collect(task, 8);
    bench.raw(data_out(1, kReservedTag, 0, 0, pattern(8), true).bad_digest());
    CHECK(is_reject(bench.answer(), wire::reject::kDataDigestError));
    if (!early) bench.collect(task, 8);
    REQUIRE(bench.effect<effect::DataFailed>() != nullptr);
    CHECK(bench.effect<effect::DataFailed>()->sense.code == kProtocolServiceCrcError);
  }
}

TEST_CASE("Data-Out with a bad digest for nobody is Rejected 02h") {
  Bench bench(16, with([](Parameters& p) { p.data_digest = true; }));
  bench.raw(data_out(42, 7, 0, 0, pattern(4), true).bad_digest());
  CHECK(is_reject(bench.answer(), wire::reject::kDataDigestError));
}

TEST_CASE("a status waits for unsolicited data that is still due (A8.07)") {
  Bench bench(16, kUnsolicited);
  Task& task = bench.start(write_command(1, 1024).not_final());
  bench.finish(task, scsi::with_status(scsi::Status::busy));
  CHECK(bench.silent());
  CHECK(bench.session->task_count() == 0);
  bench.raw(data_out(1, kReservedTag, 0, 0, pattern(512), false));
  CHECK(bench.silent());
  CHECK(bench.effects.empty());
  bench.raw(data_out(1, kReservedTag, 1, 512, pattern(512), true));
  CHECK(is_response(bench.answer(), 1, scsi::Status::busy));
}

TEST_CASE("a status waits for the answers to R2Ts that are out, and no more are sent (A8.07)") {
  Bench bench(16, kSmallBursts);
  Task& task = bench.start(write_command(1, 4096));
  bench.collect(task, 4096);
  const auto r2ts = bench.answers();
  scsi::Sense sense;
  sense.code = {7, 0x27, 0};
  bench.finish(task, scsi::check_condition(sense));
  CHECK(bench.silent());
  bench.raw(data_out(1, r2ts[0].ttt(), 0, 0, pattern(512), true));
  CHECK(bench.silent());
  bench.raw(data_out(1, r2ts[1].ttt(), 0, 512, pattern(512), true));
  CHECK(is_check(bench.answer(), 1, {7, 0x27, 0}));
}

TEST_CASE("unsolicited data before collect() is kept and delivered") {
  Bench bench(16, kUnsolicited);
  const auto all = pattern(1000);
  Task& task = bench.start(write_command(1, 1000).with(slice(all, 0, 100)).not_final());
  bench.raw(data_out(1, kReservedTag, 0, 100, slice(all, 100, 400), false));
  bench.raw(data_out(1, kReservedTag, 1, 500, slice(all, 500, 500), true));
  CHECK(bench.effects.empty());
  Collected collected;
  std::copy_n(all.begin(), 100, collected.data.begin());
  bench.collect(task, 1000, 100);
  collected.take(bench);
  CHECK(collected.complete);
  CHECK(slice(collected.data, 0, 1000) == all);
  bench.good(task);
  CHECK(bench.session->memory() < 4096);
}

TEST_CASE("a device that wants less than was sent gets just that") {
  Bench bench(16, kUnsolicited);
  Task& task = bench.start(write_command(1, 1000).not_final());
  bench.raw(data_out(1, kReservedTag, 0, 0, pattern(600), false));
  bench.raw(data_out(1, kReservedTag, 1, 600, pattern(400), true));
  Collected collected;
  bench.collect(task, 512);
  collected.take(bench);
  CHECK(collected.bytes == 512);
  CHECK(collected.complete);
}

TEST_CASE("immediate data that the daemon did not take is asked for again") {
  Bench bench;
  Task& task = bench.start(write_command(1, 1024).with(pattern(1024)));
  bench.collect(task, 1024, 0);
  const auto r2t = bench.answer();
  CHECK(r2t.be32(40) == 0);
  CHECK(r2t.be32(44) == 1024);
}

TEST_CASE("unsolicited data over the limit of held octets is dropped and asked for again") {
  Bench bench(kCommandWindow, with([](Parameters& p) {
                p.initial_r2t = false;
                p.first_burst_length = 256 * 1024;
              }));
  const std::uint32_t burst = 256 * 1024;
  std::vector<Task*> tasks;
  const auto fitting = static_cast<std::uint32_t>(kMaxHeldDataBytes / burst);
  for (std::uint32_t i = 0; i <= fitting; ++i) {
    tasks.push_back(&bench.start(write_command(i, burst).not_final()));
    bench.raw(data_out(i, kReservedTag, 0, 0, pattern(burst / 2), false));
    bench.raw(data_out(i, kReservedTag, 1, burst / 2, pattern(burst / 2, 3), true));
  }
  CHECK(bench.session->memory() < kMaxHeldDataBytes + 100 * 1024);
  bench.collect(*tasks.front(), burst);
  CHECK(bench.count<effect::DataComplete>() == 1);
  bench.collect(*tasks.back(), burst);
  CHECK(bench.effects.empty());
  const auto r2t = bench.answer();
  CHECK(r2t.be32(40) == 0);
  CHECK(r2t.be32(44) == burst);
  bench.raw(data_out(fitting, r2t.ttt(), 0, 0, pattern(burst), true));
  CHECK(bench.count<effect::DataComplete>() == 1);
}

TEST_CASE("tags of R2Ts differ between tasks and are never FFFFFFFFh (A8.13)") {
  Bench bench(16, kSmallBursts);
  std::vector<std::uint32_t> tags;
  for (std::uint32_t i = 0; i < 8; ++i) {
    bench.collect(bench.start(write_command(i, 1024)), 1024);
    for (const auto& r2t : bench.answers())
      tags.push_back(r2t.ttt());
  }
  std::sort(tags.begin(), tags.end());
  CHECK(std::adjacent_find(tags.begin(), tags.end()) == tags.end());
  CHECK(tags.back() != kReservedTag);
}

TEST_CASE("with DataSequenceInOrder=Yes the second R2T may not be answered first") {
  Bench bench(16, kSmallBursts);
  Task& task = bench.start(write_command(1, 1024));
  bench.collect(task, 1024);
  const auto r2ts = bench.answers();
  bench.raw(data_out(1, r2ts[1].ttt(), 0, 512, pattern(512), true));
  CHECK(is_reject(bench.answer(), wire::reject::kInvalidPduField));
  bench.raw(data_out(1, r2ts[0].ttt(), 0, 0, pattern(512), true));
  CHECK(bench.count<effect::DataFailed>() == 1);
}

TEST_CASE("with DataSequenceInOrder=No sequences may be answered in any order") {
  auto parameters = kSmallBursts;
  parameters.max_outstanding_r2t = 3;
  parameters.data_sequence_in_order = false;
  Bench bench(16, parameters);
  const auto all = pattern(512 * 10);
  Task& task = bench.start(write_command(1, 512 * 10));
  bench.collect(task, 512 * 10);
  Collected collected;
  auto open = bench.answers();
  CHECK(open.size() == 3);
  while (!open.empty()) {
    const auto r2t = open.back();
    open.pop_back();
    const auto offset = r2t.be32(40);
    bench.raw(data_out(1, r2t.ttt(), 0, offset, slice(all, offset, 256), false));
    collected.take(bench);
    bench.raw(data_out(1, r2t.ttt(), 1, offset + 256, slice(all, offset + 256, 256), true));
    collected.take(bench);
    for (auto& more : bench.answers())
      open.push_back(more);
    CHECK(open.size() <= 3);
  }
  CHECK(collected.complete);
  CHECK(slice(collected.data, 0, all.size()) == all);
}

TEST_CASE("with DataPDUInOrder=No the PDUs of a sequence may come in any order") {
  Bench bench(16, with([](Parameters& p) {
                p.initial_r2t = false;
                p.data_pdu_in_order = false;
                p.first_burst_length = 1000;
              }));
  const auto all = pattern(2000);
  Task& task = bench.start(write_command(1, 2000).not_final());
  Collected collected;
  bench.raw(data_out(1, kReservedTag, 0, 600, slice(all, 600, 400), false));
  bench.collect(task, 2000);
  collected.take(bench);
  bench.raw(data_out(1, kReservedTag, 1, 0, slice(all, 0, 600), true));
  collected.take(bench);
  const auto r2t = bench.answer();
  CHECK(r2t.be32(40) == 1000);
  bench.raw(data_out(1, r2t.ttt(), 0, 1700, slice(all, 1700, 300), false));
  collected.take(bench);
  bench.raw(data_out(1, r2t.ttt(), 1, 1000, slice(all, 1000, 700), true));
  collected.take(bench);
  CHECK(collected.complete);
  CHECK(slice(collected.data, 0, 2000) == all);
}

TEST_CASE("with DataPDUInOrder=No pieces that overlap end with B/0C/0D") {
  Bench bench(16, with([](Parameters& p) { p.data_pdu_in_order = false; }));
  Task& task = bench.start(write_command(1, 1000));
  bench.collect(task, 1000);
  const auto r2t = bench.answer();
  bench.raw(data_out(1, r2t.ttt(), 0, 0, pattern(600), false));
  bench.raw(data_out(1, r2t.ttt(), 1, 500, pattern(400), true));
  REQUIRE(bench.effect<effect::DataFailed>() != nullptr);
  CHECK(bench.effect<effect::DataFailed>()->sense.code == kIncorrectAmountOfData);
}

TEST_CASE("with DataPDUInOrder=No data in too many scattered pieces ends with B/0C/0D") {
  for (const std::uint32_t pieces : {static_cast<std::uint32_t>(kMaxDataOutRanges),
                                     static_cast<std::uint32_t>(kMaxDataOutRanges) + 1}) {
    CAPTURE(pieces);
    Bench bench(16, with([](Parameters& p) { p.data_pdu_in_order = false; }));
    Task& task = bench.start(write_command(1, 8 * pieces));
    bench.collect(task, 8 * pieces);
    const auto r2t = bench.answer();
    for (std::uint32_t i = 0; i < pieces; ++i)
      bench.raw(data_out(1, r2t.ttt(), i, i * 8, pattern(4), false));
    for (std::uint32_t i = 0; i < pieces; ++i)
      bench.raw(data_out(1, r2t.ttt(), pieces + i, i * 8 + 4, pattern(4), i + 1 == pieces));
    CHECK(bench.count<effect::DataComplete>() == (pieces <= kMaxDataOutRanges ? 1 : 0));
    CHECK(bench.count<effect::DataFailed>() == (pieces <= kMaxDataOutRanges ? 0 : 1));
  }
}

}  // namespace
}  // namespace faultlun::iscsi::session_data_test
