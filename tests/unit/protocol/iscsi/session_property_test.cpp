// Random initiators against random daemons: whatever is sent, the promises of the session hold.
#include "pdu_builders.hpp"
#include "protocol/iscsi/sequence.hpp"

#include <map>
#include <random>
#include <set>

namespace faultlun::iscsi::session_property_test {
namespace {

using namespace testing;
using namespace std::chrono_literals;

constexpr std::size_t kMemoryLimit = kMaxAheadBytes + kMaxHeldDataBytes + 4 * 1024 * 1024;

class RandomRun {
 public:
  explicit RandomRun(std::uint32_t seed)
      : random_(seed), bench_(window(), parameters(), 0xffffffe0U + pick(64), 0xfffffff0U) {}

  void run(int steps) {
    for (int step = 0; step < steps && !closed_; ++step) {
      if (chance(4))
        act_as_daemon();
      else
        act_as_initiator();
      check_answers();
      REQUIRE(bench_.session->memory() < kMemoryLimit);
    }
    // The end: everything the daemon still has is answered, and every wait runs out.
    while (!closed_ && !tasks_.empty())
      finish(*tasks_.front()->task);
    check_answers();
    for (const auto tag : managed_)
      bench_.session->finish_task_management(tag, 0, 0, bench_.out);
    for (int i = 0; i < 100 && !closed_ && bench_.session->deadline(); ++i) {
      bench_.pass(11s);
      perform();
      while (!tasks_.empty())
        finish(*tasks_.front()->task);
    }
    check_answers();
    if (!closed_) REQUIRE(!bench_.session->deadline().has_value());
  }

 private:
  struct Held {
    Task* task = nullptr;
    bool collecting = false, due = true, aborted = false;
    std::uint64_t received = 0;
    int operation = 0;
  };
  struct Request {
    std::uint32_t itt = 0, ttt = 0, offset = 0, length = 0;
  };

  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  bool chance(std::uint32_t one_in) { return pick(one_in) == 0; }
  std::uint32_t window() { return std::array<std::uint32_t, 4>{1, 3, 16, 200}[pick(4)]; }

  Parameters parameters() {
    Parameters p;
    p.header_digest = chance(3);
    p.data_digest = chance(2);
    p.initial_r2t = chance(2);
    p.immediate_data = !chance(3);
    p.max_burst_length = 512 + pick(2000);
    p.first_burst_length = 512 + pick(p.max_burst_length - 511);
    p.max_outstanding_r2t = static_cast<std::uint16_t>(1 + pick(10));
    p.data_pdu_in_order = !chance(3);
    p.data_sequence_in_order = !chance(3);
    p.peer_max_recv_data_segment_length = 512 + pick(1000);
    p.protocol_level = static_cast<std::uint8_t>(1 + pick(2));
    return p;
  }

  // ---- initiator ----

  void act_as_initiator() {
    if (chance(25)) {
      bench_.pass(std::chrono::milliseconds(pick(1500)));
      perform();
      if (closed_) return;
    }
    Pdu pdu = make_pdu();
    const bool numbered = (pdu.header[0] & wire::kOpcodeMask) != op::kDataOut;
    if (numbered) {
      std::uint32_t sn = bench_.cmd_sn;
      if (chance(15)) sn += pick(8);
      if (chance(20)) sn -= pick(5);
      pdu.cmd_sn(sn);
      if (chance(6)) pdu.immediate();
      if (sn == bench_.cmd_sn && (pdu.header[0] & wire::kImmediate) == 0) ++bench_.cmd_sn;
    }
    if (chance(12)) pdu.header[pick(kBhsBytes)] ^= static_cast<std::uint8_t>(1U << pick(8));
    if (chance(30)) pdu.ahs = pattern(4 + 4 * pick(6), static_cast<std::uint8_t>(pick(3)));
    if (chance(20)) pdu.bad_digest();
    if ((pdu.header[0] & wire::kOpcodeMask) == op::kScsiCommand)
      ++commands_[bytes::be32(&pdu.header[16])];
    bench_.raw(pdu);
    perform();
  }

  Pdu make_pdu() {
    const std::uint32_t itt = pick(12);
    switch (pick(14)) {
      case 0:
        return nop_out(chance(8) ? kReservedTag : itt).with(pattern(pick(1500)));
      case 1:
        return task_management(100 + pick(6), static_cast<std::uint8_t>(pick(14)), itt,
                               bench_.cmd_sn - pick(20))
            .lun(static_cast<std::uint8_t>(pick(2)));
      case 2:
        return test_unit_ready(itt);
      case 3:
      case 4:
        return read_command(itt, pick(5000)).lun(static_cast<std::uint8_t>(pick(2)));
      case 5:
      case 6:
      case 7: {
        auto pdu = write_command(itt, pick(6000)).lun(static_cast<std::uint8_t>(pick(2)));
        if (chance(2)) pdu.with(pattern(pick(600)));
        return chance(3) ? pdu.not_final() : pdu;
      }
      case 8:
        return text_request(200 + pick(3), std::string("SendTargets=") + '\0');
      case 9:
        return data_out(itt, chance(2) ? kReservedTag : pick(50), pick(3), pick(2000),
                        pattern(pick(700)), chance(2));
      case 10:
        return chance(40) ? logout(300, static_cast<std::uint8_t>(pick(4)), 7)
                          : test_unit_ready(itt);
      default:
        return answer_r2t(itt);
    }
  }

  /// Mostly right answers to R2Ts that are out.
  Pdu answer_r2t(std::uint32_t otherwise) {
    if (requests_.empty()) return test_unit_ready(otherwise);
    auto& request = chance(3) ? requests_[pick(static_cast<std::uint32_t>(requests_.size()))]
                              : requests_.front();
    const auto length = chance(2) ? request.length : 1 + pick(request.length);
    const bool final = length == request.length || chance(20);
    auto pdu = data_out(request.itt, request.ttt, data_sn_[request.ttt]++, request.offset,
                        pattern(length), final);
    pdu.lun(lun_[request.itt]);
    request.offset += length;
    request.length -= length;
    if (final || request.length == 0)
      requests_.erase(requests_.begin() + (&request - requests_.data()));
    return pdu;
  }

  // ---- daemon ----

  void perform() {
    auto effects = std::move(bench_.effects);
    bench_.effects = {};
    for (std::size_t i = 0; i < effects.size(); ++i) {
      perform(Effect(effects[i]));
      effects.insert(effects.end(), bench_.effects.begin(), bench_.effects.end());
      bench_.effects.clear();
    }
  }

  void perform(const Effect& each) {
    if (const auto* run = std::get_if<effect::RunTask>(&each)) {
      REQUIRE(find(run->task) == tasks_.end());
      REQUIRE(!run->task->aborted);
      start(*run->task, run->immediate_data);
    } else if (const auto* data = std::get_if<effect::DataOut>(&each)) {
      auto& held = held_of(data->task);
      REQUIRE(held.collecting);
      REQUIRE(held.due);
      REQUIRE(!data->data.empty());
      REQUIRE(data->offset + std::uint64_t{data->data.size()} <= data->task->transfer.wanted);
      sum_ += data->data.front() + data->data.back();  // the octets are there
      held.received += data->data.size();
    } else if (const auto* complete = std::get_if<effect::DataComplete>(&each)) {
      auto& held = held_of(complete->task);
      REQUIRE(held.due);
      held.due = false;
      REQUIRE(held.received == complete->task->transfer.wanted);
      if (chance(2)) finish(*complete->task);
    } else if (const auto* failed = std::get_if<effect::DataFailed>(&each)) {
      auto& held = held_of(failed->task);
      REQUIRE(held.due);
      held.due = false;
      finish(*failed->task);
    } else if (const auto* abort = std::get_if<effect::AbortTask>(&each)) {
      auto& held = held_of(abort->task);
      REQUIRE(abort->task->aborted);
      held.aborted = true;
      if (abort->task->host == nullptr) {
        forget(abort->task);
      } else if (chance(2)) {
        finish(*abort->task);
      }
    } else if (const auto* manage = std::get_if<effect::ManageTasks>(&each)) {
      if (chance(2)) {
        bench_.session->abort_tasks(chance(2) ? manage->lun : std::nullopt, chance(2),
                                    AbortedBy::own_function, bench_.out, bench_.effects);
        perform();
        bench_.session->finish_task_management(manage->initiator_task_tag, 0, 0, bench_.out);
      } else {
        managed_.push_back(manage->initiator_task_tag);
      }
    } else if (std::holds_alternative<effect::Close>(each)) {
      closed_ = true;
    }
  }

  void start(Task& task, View immediate) {
    tasks_.push_back(std::make_unique<Held>());
    auto& held = *tasks_.back();
    held.task = &task;
    lun_[task.initiator_task_tag] = task.lun_field[1];
    const auto choice = pick(6);
    if (choice == 0) return finish(task);
    if (choice < 3) return;  // held without an operation
    if (choice == 3) {
      task.host = &held.operation;
      return;
    }
    if (task.reads && choice == 4) return read(task);
    held.collecting = true;
    const std::uint64_t wanted = pick(6000);
    const auto expected = std::min<std::uint64_t>(wanted, task.expected_data_transfer_length);
    const auto taken =
        task.writes ? std::min<std::uint64_t>(immediate.size(), chance(5) ? pick(100) : expected)
                    : 0;
    held.received = std::min(taken, expected);
    task.host = &held.operation;
    bench_.session->collect(task, wanted, taken, bench_.out, bench_.effects);
  }

  void read(Task& task) {
    Session::DataInCursor cursor;
    cursor.device_length = pick(6000);
    cursor.total = Session::data_in_total(task, cursor.device_length);
    if (cursor.total == 0) return finish(task);
    while (const auto length = bench_.session->next_data_in(cursor)) {
      const auto room = bench_.session->room_for_data_in(task, cursor, length, bench_.out);
      std::fill(room.begin(), room.end(), std::uint8_t{0x5a});
      bench_.session->seal_data_in(room);
    }
    forget(&task);
    bench_.session->finish_data_in(task);
  }

  void act_as_daemon() {
    if (chance(10)) {
      bench_.session->abort_tasks(chance(2) ? std::optional<std::uint16_t>(pick(2)) : std::nullopt,
                                  chance(2), AbortedBy::another_nexus, bench_.out, bench_.effects);
      return perform();
    }
    if (chance(10)) return bench_.session->send_nop_in(chance(2), bench_.out);
    if (!managed_.empty() && chance(2)) {
      bench_.session->finish_task_management(managed_.back(), 0, 0, bench_.out);
      return managed_.pop_back();
    }
    if (tasks_.empty()) return;
    finish(*tasks_[pick(static_cast<std::uint32_t>(tasks_.size()))]->task);
  }

  void finish(Task& task) {
    const bool aborted = held_of(&task).aborted;
    forget(&task);
    if (aborted) return bench_.session->discard(task);
    scsi::Reply reply;
    if (chance(3)) reply.data_in = pattern(pick(3000));
    if (chance(3)) reply = scsi::with_status(scsi::Status::busy);
    bench_.session->complete(task, std::move(reply), bench_.out);
  }

  std::vector<std::unique_ptr<Held>>::iterator find(const Task* task) {
    return std::find_if(tasks_.begin(), tasks_.end(),
                        [&](const auto& each) { return each->task == task; });
  }
  Held& held_of(const Task* task) {
    const auto found = find(task);
    REQUIRE(found != tasks_.end());
    return **found;
  }
  void forget(const Task* task) { tasks_.erase(find(task)); }

  // ---- promises ----

  void check_answers() {
    for (const auto& answer : bench_.answers()) {
      if (answer.carries_status()) {
        REQUIRE(answer.stat_sn() == next_stat_sn_);  // A3.10
        ++next_stat_sn_;
      }
      REQUIRE(!serial_less(answer.exp_cmd_sn(), exp_cmd_sn_.value_or(answer.exp_cmd_sn())));
      REQUIRE(
          !serial_less(answer.max_cmd_sn(), max_cmd_sn_.value_or(answer.max_cmd_sn())));  // A3.07
      REQUIRE(!serial_less(answer.max_cmd_sn(), answer.exp_cmd_sn() - 1));
      exp_cmd_sn_ = answer.exp_cmd_sn();
      max_cmd_sn_ = answer.max_cmd_sn();
      const bool ends = answer.opcode() == op::kScsiResponse ||
                        (answer.opcode() == op::kDataIn && answer.carries_status());
      if (ends) REQUIRE(commands_[answer.itt()]-- > 0);  // no command is answered twice
      if (answer.opcode() == op::kR2t) {
        REQUIRE(answer.be32(44) > 0);
        REQUIRE(answer.be32(44) <= bench_.session->login().parameters.max_burst_length);
        REQUIRE(answer.ttt() != kReservedTag);
        requests_.push_back({answer.itt(), answer.ttt(), answer.be32(40), answer.be32(44)});
        data_sn_[answer.ttt()] = 0;
      }
    }
    if (requests_.size() > 64) requests_.erase(requests_.begin());
  }

  std::mt19937 random_;
  Bench bench_;
  bool closed_ = false;
  std::vector<std::unique_ptr<Held>> tasks_;  ///< in order of arrival, so that a seed tells all
  std::vector<std::uint32_t> managed_;
  std::vector<Request> requests_;
  std::map<std::uint32_t, std::uint32_t> data_sn_;
  std::map<std::uint32_t, std::uint8_t> lun_;
  std::map<std::uint32_t, int> commands_;
  std::uint32_t next_stat_sn_ = 0xfffffff0U;
  std::optional<std::uint32_t> exp_cmd_sn_, max_cmd_sn_;
  std::uint64_t sum_ = 0;
};

TEST_CASE("any sequence of PDUs keeps the promises of the session (A2, A3, A8, A10)") {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    RandomRun(seed).run(300);
  }
}

TEST_CASE("random octets framed as PDUs do no harm") {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Bench bench(16);
    for (int i = 0; i < 100; ++i) {
      Pdu pdu;
      for (auto& octet : pdu.header)
        octet = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0);
      pdu.ahs.resize(4 * (random() % 6));
      for (auto& octet : pdu.ahs)
        octet = static_cast<std::uint8_t>(random() % 4);
      pdu.data = pattern(random() % 64);
      pdu.cmd_sn(100 + static_cast<std::uint32_t>(random()) % 20);
      if (pdu.octets(false, false).size() < kBhsBytes) continue;
      bench.raw(pdu);
      for (std::size_t n = 0; Task* task = bench.run(n); ++n)
        bench.good(*task);
      bench.answers();
      if (bench.count<effect::Close>() != 0) break;
    }
  }
}

}  // namespace
}  // namespace faultlun::iscsi::session_property_test
