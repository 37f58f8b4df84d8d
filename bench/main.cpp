// faultlun_bench WHAT [--quick] DAEMON DAEMON-WITHOUT-FAULTS; bench/run knows the programs.
#include "bench/whole_path.hpp"

#include <cstdio>
#include <exception>
#include <string_view>

int main(int count, char** arguments) {
  using namespace faultlun::bench;
  const struct {
    std::string_view name;
    void (*run)(const Options&);
  } kWhat[] = {{"rule-cost", measure_rule_cost},
               {"instructions", count_instructions},
               {"latency", measure_latency}};
  Options options;
  options.quick = count == 5 && arguments[2] == std::string_view("--quick");
  if (count == 4 || options.quick) {
    options.daemon = arguments[count - 2];
    options.without_faults = arguments[count - 1];
    for (const auto& [name, run] : kWhat) {
      if (name != arguments[1]) continue;
      try {
        run(options);
        return 0;
      } catch (const std::exception& error) {
        std::fprintf(stderr, "faultlun_bench: %s\n", error.what());
        return 1;
      }
    }
  }
  std::fprintf(stderr,
               "usage: faultlun_bench rule-cost|instructions|latency [--quick] "
               "DAEMON DAEMON-WITHOUT-FAULTS\n");
  return 2;
}
