// The price of the fault engine, by comparing three daemons: one that was built without engine and
// journal, one that has no rules, one that has 1,000 which a command could match by opcode, LUN and
// LBA but does not.  They take turns of a fraction of a second, so that whatever else the machine
// does falls on all three; what counts is the median of the ratios within a round.
#include "bench/load.hpp"
#include "bench/statistics.hpp"
#include "bench/target.hpp"
#include "bench/whole_path.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace faultlun::bench {
namespace {

constexpr unsigned kMebibytes = 64;
constexpr unsigned kDepth = 32;
constexpr std::uint16_t kBlocks = 8;  ///< 4 KiB
constexpr unsigned kRules = 1000;
/// Of these blocks the rule has the last ones; commands go to the others.
constexpr std::uint32_t kBlocksPerRule = 128, kBlocksOfRule = 64;
static_assert(kRules * kBlocksPerRule * kBlockBytes <= kMebibytes << 20);

enum Variant : std::size_t { without_engine, no_rules, many_rules, kVariants };
constexpr std::array<const char*, kVariants> kNames = {"without engine and journal", "no rules",
                                                       "1,000 rules"};

std::string rules_that_never_match() {
  std::string json = "[";
  for (unsigned i = 0; i < kRules; ++i)
    json += (i == 0 ? "" : ",\n") + std::string(R"j({"id": "rule-)j") + std::to_string(i) +
            R"j(", "match": {"op": ["READ(10)", "WRITE(10)"], "lun": 0, "lba": {"start": )j" +
            std::to_string(i * kBlocksPerRule + kBlocksPerRule - kBlocksOfRule) + R"j(, "len": )j" +
            std::to_string(kBlocksOfRule) +
            R"j(}}, "effect": {"scsi.status": {"status": "BUSY"}}})j";
  return json + "]";
}

std::vector<std::string> command_of(const Options& options, Variant variant, const Folder& folder) {
  std::vector<std::string> command = {
      variant == without_engine ? options.without_faults : options.daemon,
      "serve",
      "--config",
      folder.path() + "/lab.json",
      "--threads",
      "1",
      "--seed",
      "1",
      "--log-level",
      "off"};
  if (variant == many_rules)
    command.insert(command.end(), {"--faults", folder.path() + "/rules.json"});
  return command;
}

/// A daemon under a load that keeps kDepth commands of 4 KiB in progress.
class Subject {
 public:
  explicit Subject(const std::vector<std::string>& command)
      : target_(command), session_(target_.port(), 1) {}

  struct Figures {
    double per_second = 0, processor_ns = 0;  ///< the daemon's, for each command
  };
  Figures run_for(Nanoseconds duration, bool write) {
    const auto processor = target_.processor_ns();
    const auto begin = now();
    const auto commands = run([&] { return now() - begin < duration; }, write);
    const auto took = now() - begin;
    const auto spent = target_.processor_ns() - processor;
    return {static_cast<double>(commands) * 1e9 / static_cast<double>(took),
            static_cast<double>(spent) / static_cast<double>(commands)};
  }
  void run_commands(std::size_t count, bool write) {
    std::size_t begun = kDepth;
    run([&] { return ++begun <= count; }, write);
  }
  /// Every block that is ever read or written, so that the memory is there.
  void touch_medium() {
    run_commands(std::size_t{kRules} * (kBlocksPerRule - kBlocksOfRule) / kBlocks, true);
  }
  void stop() { target_.stop(); }

 private:
  /// Each command that ends begins another while `more` says so.
  template <typename More>
  std::size_t run(More more, bool write) {
    std::size_t done = 0, in_progress = kDepth;
    const auto queue = [&](std::uint32_t tag) {
      session_.queue({.write = write, .lba = next_lba(), .blocks = kBlocks, .tag = tag});
    };
    for (std::uint32_t tag = 0; tag < kDepth; ++tag)
      queue(tag);
    while (in_progress != 0) {
      session_.flush();
      session_.receive([&](std::uint32_t tag) {
        ++done;
        if (more())
          queue(tag);
        else
          --in_progress;
      });
    }
    return done;
  }
  /// Every place once in each turn, in an order that no cache or predictor learns at once: a step
  /// that has no factor in common with the number of places.
  std::uint32_t next_lba() {
    constexpr std::uint32_t kPerRule = (kBlocksPerRule - kBlocksOfRule) / kBlocks;
    constexpr std::uint32_t kPlaces = kRules * kPerRule;
    place_ = (place_ + 4'969) % kPlaces;
    return place_ / kPerRule * kBlocksPerRule + place_ % kPerRule * kBlocks;
  }

  Target target_;
  Session session_;
  std::uint32_t place_ = 0;
};

struct Round {
  std::array<Subject::Figures, kVariants> of;
};

std::vector<Round> compare(std::array<std::unique_ptr<Subject>, kVariants>& subjects, bool write,
                           std::size_t rounds, Nanoseconds turn) {
  std::vector<Round> out(rounds);
  for (std::size_t i = 0; i < rounds; ++i)
    for (std::size_t k = 0; k < kVariants; ++k) {
      const auto variant = (i + k) % kVariants;  // nobody is always first
      out[i].of[variant] = subjects[variant]->run_for(turn, write);
    }
  return out;
}

void print(const char* load, const std::vector<Round>& rounds) {
  constexpr std::array<double, kVariants> kLimits = {0, 2, 5};
  std::printf("\n%s, 4 KiB, depth %u, %zu rounds\n", load, kDepth, rounds.size());
  for (std::size_t variant = 0; variant < kVariants; ++variant) {
    std::vector<double> rate, processor, lost, added;
    for (const auto& round : rounds) {
      const auto& base = round.of[without_engine];
      const auto& its = round.of[variant];
      rate.push_back(its.per_second);
      processor.push_back(its.processor_ns);
      lost.push_back(100 * (1 - its.per_second / base.per_second));
      added.push_back(100 * (its.processor_ns / base.processor_ns - 1));
    }
    std::printf("  %-28s %9.0f commands/s  %6.0f ns of processor each\n", kNames[variant],
                median(rate), median(processor));
    if (variant == without_engine) continue;
    const auto less = estimate(lost);
    const auto more = estimate(added);
    std::printf(
        "%s: %.2f %% of throughput, 95 %% interval %.2f to %.2f (limit %.0f %%); "
        "processor time %+.2f %%, %.2f to %.2f\n",
        kNames[variant], less.value, less.low, less.high, kLimits[variant], more.value, more.low,
        more.high);
  }
}

}  // namespace

void measure_rule_cost(const Options& options) {
  Folder folder;
  folder.write("lab.json", configuration(1, kMebibytes));
  folder.write("rules.json", rules_that_never_match());
  std::array<std::unique_ptr<Subject>, kVariants> subjects;
  for (std::size_t variant = 0; variant < kVariants; ++variant) {
    subjects[variant] =
        std::make_unique<Subject>(command_of(options, static_cast<Variant>(variant), folder));
    subjects[variant]->touch_medium();
  }
  const std::size_t rounds = options.quick ? 3 : 120;
  const Nanoseconds turn = options.quick ? 10'000'000 : 100'000'000;
  for (const bool write : {false, true})
    print(write ? "writes" : "reads", compare(subjects, write, rounds, turn));
}

// ---- instructions ------------------------------------------------------------------------------

namespace {

/// Of the whole life of a daemon that carries out `commands`.
std::uint64_t instructions(const Options& options, Variant variant, const Folder& folder,
                           bool write, std::size_t commands) {
  const auto report = folder.path() + "/callgrind.out";
  auto command = command_of(options, variant, folder);
  command.insert(command.begin(),
                 {"valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" + report});
  Subject subject(command);
  subject.touch_medium();
  subject.run_commands(commands, write);
  subject.stop();
  std::ifstream in(report);
  for (std::string word; in >> word;)
    if (std::uint64_t count = 0; (word == "totals:" || word == "summary:") && in >> count)
      return count;
  throw std::runtime_error("callgrind left no total; is valgrind installed?");
}

}  // namespace

void count_instructions(const Options& options) {
  Folder folder;
  folder.write("lab.json", configuration(1, kMebibytes));
  folder.write("rules.json", rules_that_never_match());
  // What start, medium and end take is the same in both.
  const std::size_t few = options.quick ? 64 : 800;
  const std::size_t many = options.quick ? 1'088 : 24'800;
  for (const bool write : {false, true}) {
    std::printf("\n%s, 4 KiB, depth %u: instructions of the daemon for each command\n",
                write ? "writes" : "reads", kDepth);
    double base = 0;
    for (std::size_t variant = 0; variant < kVariants; ++variant) {
      const auto which = static_cast<Variant>(variant);
      const auto more = instructions(options, which, folder, write, many);
      const auto less = instructions(options, which, folder, write, few);
      const auto each = static_cast<double>(more - less) / static_cast<double>(many - few);
      if (which == without_engine) base = each;
      std::printf("  %-28s %7.1f  %+.2f %%\n", kNames[variant], each, 100 * (each / base - 1));
    }
  }
}

}  // namespace faultlun::bench
