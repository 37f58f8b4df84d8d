#include "daemon/mark_times.hpp"

#include <doctest/doctest.h>

namespace mark_times_test {

using namespace faultlun;
using namespace faultlun::daemon;
using namespace std::chrono_literals;

TEST_CASE("a mark has the time at which it was set last, and none when it was not or is cleared") {
  MarkTimes marks;
  CHECK_FALSE(marks.find("a").has_value());
  marks.set("a", 1s);
  marks.set("a", 3s);
  CHECK(marks.find("a") == faults::Time(3s));
  marks.clear();
  CHECK_FALSE(marks.find("a").has_value());
}

TEST_CASE("beyond the limit the mark that was set longest ago is forgotten") {
  MarkTimes marks;
  for (std::size_t i = 0; i < MarkTimes::kMaxMarks; ++i)
    marks.set("m" + std::to_string(i), 10s + std::chrono::seconds(i));
  marks.set("m1", 1s);
  marks.set("m0", 99999s);  // there already: nothing goes
  CHECK(marks.find("m1").has_value());
  marks.set("more", 99999s);
  CHECK_FALSE(marks.find("m1").has_value());
  CHECK(marks.find("m0").has_value());
  CHECK(marks.find("more").has_value());
}

TEST_CASE("windows since a mark are measured from it, others from nothing here") {
  MarkTimes marks;
  marks.set("go", 5s);
  faults::Window window;
  window.mark = "go";
  for (const auto since : {faults::Window::Since::arm, faults::Window::Since::state}) {
    window.since = since;
    CHECK_FALSE(MarkTimes::since(&marks, window).has_value());
  }
  window.since = faults::Window::Since::mark;
  CHECK(MarkTimes::since(&marks, window) == faults::Time(5s));
  window.mark = "other";
  CHECK_FALSE(MarkTimes::since(&marks, window).has_value());
}

}  // namespace mark_times_test
