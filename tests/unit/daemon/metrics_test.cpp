#include "daemon/metrics.hpp"

#include <doctest/doctest.h>

namespace faultlun::daemon::metrics_test {
namespace {

TEST_CASE("the exposition adds up the counters of all loops") {
  Counters one, two;
  one.add(Metric::commands, 3);
  two.add(Metric::commands, 4);
  const Counters* sets[] = {&one, &two};
  const auto text = exposition(sets);
  CHECK(text.find("\nfaultlun_commands_total 7\n") != std::string::npos);
  CHECK(text.find("# TYPE faultlun_commands_total counter\n") != std::string::npos);
}

TEST_CASE("every metric has a name of its own and a help text") {
  const auto table = metric_table();
  for (std::size_t i = 0; i < table.size(); ++i) {
    CHECK_FALSE(table[i].help.empty());
    for (std::size_t j = 0; j < i; ++j)
      CHECK(table[i].name != table[j].name);
  }
}

}  // namespace
}  // namespace faultlun::daemon::metrics_test
