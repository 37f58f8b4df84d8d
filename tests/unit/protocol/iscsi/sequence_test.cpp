#include "protocol/iscsi/sequence.hpp"

#include <doctest/doctest.h>

namespace faultlun::iscsi::sequence_test {
namespace {

using Place = CommandWindow::Place;

TEST_CASE("serial numbers compare round the circle (A3.08)") {
  CHECK(serial_less(0xffffffff, 0));
  CHECK(serial_less(0xfffffff0, 0x0000000f));
  CHECK(!serial_less(0, 0xffffffff));
  CHECK(!serial_less(5, 5));
}

TEST_CASE("the window opens at the login's CmdSN (A3.01)") {
  const CommandWindow window(1000, 4);
  CHECK(window.expected() == 1000);
  CHECK(window.max() == 1003);
}

TEST_CASE("places of command numbers around the window (A3.03, A3.04)") {
  const CommandWindow window(1000, 4);
  CHECK(window.place(999) == Place::outside);
  CHECK(window.place(1000) == Place::next);
  CHECK(window.place(1001) == Place::ahead);
  CHECK(window.place(1003) == Place::ahead);
  CHECK(window.place(1004) == Place::outside);
}

TEST_CASE("the window crosses zero (A3.08)") {
  CommandWindow window(0xfffffffe, 4);
  CHECK(window.max() == 1);
  CHECK(window.place(0) == Place::ahead);
  CHECK(window.place(2) == Place::outside);
  window.advance();
  window.advance();
  CHECK(window.expected() == 0);
  CHECK(window.place(0xffffffff) == Place::outside);
}

TEST_CASE("a running task holds its place, so MaxCmdSN stands still and then moves on (A3.07)") {
  CommandWindow window(10, 2);
  window.advance();
  window.begin_task();
  CHECK(window.max() == 11);
  window.advance();
  window.begin_task();
  CHECK(window.expected() == 12);
  CHECK(window.max() == 11);  // shut: ExpCmdSN - 1
  CHECK(window.place(12) == Place::outside);
  CHECK(window.max_after(1) == 12);
  window.end_task();
  CHECK(window.max() == 12);
  CHECK(window.place(12) == Place::next);
}

}  // namespace
}  // namespace faultlun::iscsi::sequence_test
