// Benchmarks of the whole path: daemons as child processes, load over the loopback.
#pragma once

#include <string>

namespace faultlun::bench {

struct Options {
  bool quick = false;          ///< a run that shows that everything works; its figures say nothing
  std::string daemon;          ///< program file
  std::string without_faults;  ///< the daemon without fault engine and journal
};

/// What the fault engine costs a command that it leaves alone: without rules, and with 1,000 that
/// the command could match and does not.
void measure_rule_cost(const Options& options);
/// The same in instructions, which no other work on the machine changes.  Needs valgrind.
void count_instructions(const Options& options);
/// How late delayed commands are answered.
void measure_latency(const Options& options);

}  // namespace faultlun::bench
