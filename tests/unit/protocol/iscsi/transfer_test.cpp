#include "protocol/iscsi/transfer.hpp"

#include <doctest/doctest.h>

namespace faultlun::iscsi::transfer_test {
namespace {

Task writing(std::uint32_t edtl) {
  Task task;
  task.writes = true;
  task.expected_data_transfer_length = edtl;
  return task;
}

TransferRules open_rules() {
  TransferRules rules;
  rules.initial_r2t = false;
  rules.first_burst = 1000;
  rules.max_burst = 512;
  rules.max_outstanding_r2t = 2;
  return rules;
}

DataOutPdu unsolicited(std::uint32_t data_sn, std::uint32_t offset, std::uint32_t length,
                       bool final) {
  return {kReservedTag, data_sn, offset, length, final, true, true};
}

TEST_CASE("rules come from the negotiated parameters, within our own limits") {
  Parameters parameters;
  parameters.max_burst_length = 1023;
  parameters.max_outstanding_r2t = 65535;
  parameters.initial_r2t = false;
  const auto rules = transfer_rules(parameters);
  CHECK(rules.max_burst == 1020);
  CHECK(rules.max_outstanding_r2t == kMaxOutstandingR2T);
  CHECK(!rules.initial_r2t);
  parameters.max_outstanding_r2t = 0;
  CHECK(transfer_rules(parameters).max_outstanding_r2t == 1);
}

TEST_CASE("unsolicited data is limited by FirstBurstLength and by EDTL (A8.11)") {
  Task longer = writing(5000), shorter = writing(10);
  CHECK(!begin_transfer(longer, open_rules(), 0, false).has_value());
  CHECK(longer.transfer.unsolicited_limit == 1000);
  CHECK(!begin_transfer(shorter, open_rules(), 0, false).has_value());
  CHECK(shorter.transfer.unsolicited_limit == 10);
}

TEST_CASE("R2Ts begin after the data that came unasked and cover the rest (A8.13, A8.15)") {
  Task task = writing(2000);
  const auto rules = open_rules();
  CHECK(!begin_transfer(task, rules, 100, true).has_value());
  task.transfer.collecting = true;
  task.transfer.wanted = 1300;
  task.transfer.received = 100;
  CHECK(r2ts_needed(task, rules) == 3);
  begin_r2ts(task, rules, 50);
  const auto first = next_r2t(task, rules), second = next_r2t(task, rules);
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(first->tag == 50);
  CHECK(first->offset == 100);
  CHECK(first->length == 512);
  CHECK(second->tag == 51);
  CHECK(second->offset == 612);
  CHECK(!next_r2t(task, rules).has_value());  // A8.14
  CHECK(take_data_out(task, rules, {50, 0, 100, 512, true, true, true}).deliver);
  const auto third = next_r2t(task, rules);
  REQUIRE(third.has_value());
  CHECK(third->offset == 1124);
  CHECK(third->length == 176);
}

TEST_CASE(
    "no R2T while unsolicited data is due, nor before the daemon collects, nor after a failure") {
  Task task = writing(2000);
  const auto rules = open_rules();
  CHECK(!begin_transfer(task, rules, 0, false).has_value());
  task.transfer.wanted = 2000;
  CHECK(!may_send_r2t(task, rules));
  task.transfer.collecting = true;
  CHECK(!may_send_r2t(task, rules));
  task.transfer.unsolicited_open = false;
  CHECK(may_send_r2t(task, rules));
  fail_transfer(task, kIncorrectAmountOfData);
  CHECK(!may_send_r2t(task, rules));
}

TEST_CASE("the first failure of a transfer counts") {
  Task task = writing(10);
  fail_transfer(task, kProtocolServiceCrcError);
  fail_transfer(task, kIncorrectAmountOfData);
  CHECK(task.transfer.failure == kProtocolServiceCrcError);
}

TEST_CASE("a spoilt transfer swallows PDUs until its last F bit (A2.12)") {
  Task task = writing(1000);
  const auto rules = open_rules();
  CHECK(!begin_transfer(task, rules, 0, false).has_value());
  CHECK(take_data_out(task, rules, unsolicited(1, 0, 100, false)).reject_reason == 4);
  CHECK(data_due(task));
  const auto later = take_data_out(task, rules, unsolicited(9, 77, 100, true));
  CHECK(!later.deliver);
  CHECK(later.reject_reason == 0);
  CHECK(!data_due(task));
}

TEST_CASE("ranges may come in any order and meet, but not overlap") {
  auto rules = open_rules();
  rules.pdu_in_order = false;
  Task task = writing(1000);
  CHECK(!begin_transfer(task, rules, 0, false).has_value());
  CHECK(take_data_out(task, rules, unsolicited(0, 400, 100, false)).deliver);
  CHECK(take_data_out(task, rules, unsolicited(1, 200, 100, false)).deliver);
  CHECK(take_data_out(task, rules, unsolicited(2, 300, 100, false)).deliver);
  CHECK(task.extra->ranges.size() == 1);
  CHECK(take_data_out(task, rules, unsolicited(3, 150, 50, false)).deliver);
  CHECK(task.extra->ranges.size() == 1);
  Task copy = writing(1000);
  CHECK(!begin_transfer(copy, rules, 0, false).has_value());
  CHECK(take_data_out(copy, rules, unsolicited(0, 400, 100, false)).deliver);
  CHECK(!take_data_out(copy, rules, unsolicited(1, 350, 51, false)).deliver);
  CHECK(copy.transfer.failed);
}

TEST_CASE("offsets near 2^32 cannot wrap into a sequence (A8.16)") {
  for (const bool ordered : {true, false}) {
    auto rules = open_rules();
    rules.pdu_in_order = ordered;
    rules.first_burst = 0xffffff;
    Task task = writing(0xffffffff);
    CHECK(!begin_transfer(task, rules, 0, false).has_value());
    CHECK(!take_data_out(task, rules, unsolicited(0, 0xfffffff0, 0x20, false)).deliver);
    CHECK(task.transfer.failed);
  }
}

TEST_CASE("the longest transfer of all needs tags that can be counted") {
  Task task = writing(0xffffffff);
  TransferRules rules;
  rules.max_burst = 512;
  task.transfer.wanted = 0xffffffff;
  CHECK(r2ts_needed(task, rules) == 8388608);
  task.transfer.received = 0xffffffff;
  CHECK(r2ts_needed(task, rules) == 0);
}

}  // namespace
}  // namespace faultlun::iscsi::transfer_test
