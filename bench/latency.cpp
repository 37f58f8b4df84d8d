// How late delayed commands are answered: asked 500 us, 5 ms and 50 ms, with 1, 1,000 and 14,025
// commands (55 units with 255 each) at once, and one after the other beside so many that are held.
// Achieved minus asked as the target's journal has it, as the initiator sees it, and how late this
// machine's own timer comes to a thread that does nothing else.
#include "bench/load.hpp"
#include "bench/statistics.hpp"
#include "bench/target.hpp"
#include "bench/whole_path.hpp"
#include "daemon/client.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <poll.h>
#include <stdexcept>
#include <sys/timerfd.h>
#include <thread>
#include <unistd.h>

namespace faultlun::bench {
namespace {

constexpr unsigned kLuns = 55, kPerLun = 255;
constexpr unsigned kHeldAtOnce[] = {1, 1'000, kLuns* kPerLun};
constexpr Nanoseconds kAsked[] = {500'000, 5'000'000, 50'000'000};
constexpr unsigned kProbes = 4;  ///< in progress, beside those that are held
constexpr auto kPatience = std::chrono::seconds(60);

/// READ(10) takes the time asked, but WRITE(10), which stand for what others have in progress,
/// an hour.
std::string rules(Nanoseconds asked) {
  return R"j([{"id": "asked", "match": {"op": "READ(10)"}, "effect": {"time.service": {"value_us": )j" +
         std::to_string(asked / 1000) + R"j(}}},
{"id": "held", "match": {"op": "WRITE(10)"}, "effect": {"time.service": {"value": "1h"}}}])j";
}

using Errors = std::vector<Nanoseconds>;  ///< achieved minus asked

/// One session for each unit that is needed, all of them driven by this thread.
class Fleet {
 public:
  Fleet(std::uint16_t port, unsigned commands) {
    for (unsigned i = 0; i * kPerLun < commands; ++i)
      sessions_.push_back(std::make_unique<Session>(port, i + 1, kLuns));
  }

  /// So many commands as fast as they can be sent; how late each of them came back.
  void at_once(unsigned commands, Nanoseconds asked, Errors& errors) {
    std::vector<Nanoseconds> sent(sessions_.size());
    for (std::size_t i = 0; i < sessions_.size(); ++i) {
      const auto some = std::min<std::size_t>(kPerLun, commands - i * kPerLun);
      queue(i, some, false);
      sent[i] = now();
      sessions_[i]->flush();
    }
    for (unsigned left = commands; left != 0;)
      wait([&](std::size_t i, Session& session) {
        session.receive([&](std::uint32_t) {
          errors.push_back(session.received_at() - sent[i] - asked);
          --left;
        });
      });
  }

  /// Commands that nobody waits for.
  void hold(unsigned commands) {
    for (std::size_t i = 0; i < sessions_.size() && commands > i * kPerLun; ++i) {
      queue(i, std::min<std::size_t>(kPerLun, commands - i * kPerLun), true);
      sessions_[i]->flush();
    }
  }

 private:
  void queue(std::size_t session, std::size_t commands, bool write) {
    for (std::size_t tag = 0; tag < commands; ++tag)
      sessions_[session]->queue({.write = write,
                                 .lun = static_cast<std::uint16_t>(session),
                                 .lba = static_cast<std::uint32_t>(tag),
                                 .blocks = 1,
                                 .tag = static_cast<std::uint32_t>(tag)});
  }
  template <typename Use>
  void wait(Use use) {
    std::vector<pollfd> polled;
    for (const auto& each : sessions_)
      polled.push_back({each->fd(), POLLIN, 0});
    constexpr auto kMilliseconds = std::chrono::milliseconds(kPatience).count();
    if (::poll(polled.data(), polled.size(), static_cast<int>(kMilliseconds)) <= 0)
      throw std::runtime_error("commands do not come back");
    for (std::size_t i = 0; i < polled.size(); ++i)
      if (polled[i].revents != 0) use(i, *sessions_[i]);
  }

  std::vector<std::unique_ptr<Session>> sessions_;
};

/// kProbes commands in progress until `count` have come back.
void probe(Session& session, std::size_t count, Nanoseconds asked, Errors& errors) {
  std::vector<Nanoseconds> sent(kProbes);
  std::size_t begun = 0;
  const auto queue = [&](std::uint32_t tag) {
    if (begun == count) return;
    ++begun;
    sent[tag] = now();
    session.queue({.blocks = 1, .tag = tag});
  };
  for (std::uint32_t tag = 0; tag < kProbes; ++tag)
    queue(tag);
  for (const auto all = errors.size() + count; errors.size() != all;) {
    session.flush();
    session.receive([&](std::uint32_t tag) {
      errors.push_back(session.received_at() - sent[tag] - asked);
      queue(tag);
    });
  }
}

/// The target's own record: how long reads took it, and how many it had in progress at most.
class Record {
 public:
  explicit Record(const Target& target) : control_(target.control()) {
    look([](const auto&) {});
  }

  void add_to(Errors& errors, Nanoseconds asked) {
    std::vector<std::pair<Nanoseconds, int>> changes;
    look([&](const nlohmann::json& entry) {
      const auto took = entry.at("took_ns").template get<Nanoseconds>();
      const auto at = entry.at("at_ns").template get<Nanoseconds>();
      errors.push_back(took - asked);
      changes.insert(changes.end(), {{at - took, 1}, {at, -1}});
    });
    std::ranges::sort(changes);
    long held = 0;
    for (const auto& change : changes)
      most_ = std::max(most_, held += change.second);
  }
  long most_at_once() const { return most_; }

 private:
  template <typename Use>
  void look(Use use) {
    // The first time everything, which is little: the cursor comes with the entries.
    const auto path = cursor_.empty() ? std::string("/v1/journal")
                                      : "/v1/journal?kind=completion&since=" + cursor_;
    const auto answer = daemon::http_lines(
        {.control = control_, .path = path}, kPatience, [&](std::string_view line) {
          const auto entry = nlohmann::json::parse(line);
          if (entry.contains("lost"))
            throw std::runtime_error("the journal is too short for what was measured");
          cursor_ = entry.at("cursor").template get<std::string>();
          if (entry.at("kind") == "completion") use(entry);
          return true;
        });
    if (answer.status != 200) throw std::runtime_error("no journal: " + answer.body);
  }

  std::string control_, cursor_;
  long most_ = 0;
};

/// How late a thread that does nothing else meets so many deadlines, evenly `asked` to
/// `asked + spread` from now, with one absolute timer.
void timer_floor(unsigned deadlines, Nanoseconds asked, Nanoseconds spread, Errors& errors) {
  std::thread([&] {
    const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    const auto begin = now() + asked;
    for (unsigned next = 0; next != deadlines;) {
      const auto due = [&] { return begin + spread * next / deadlines; };
      itimerspec at{};
      at.it_value = {due() / 1'000'000'000, due() % 1'000'000'000};
      ::timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, nullptr);
      std::uint64_t expired = 0;
      if (::read(timer, &expired, sizeof expired) < 0) throw std::runtime_error("timerfd");
      for (; next != deadlines && due() <= now(); ++next)
        errors.push_back(now() - due());
    }
    ::close(timer);
  }).join();
}

// ---- the table ---------------------------------------------------------------------------------

void print_errors(const char* who, Errors& errors) {
  const auto us = [&](std::size_t permille) {
    return static_cast<double>(percentile(errors, permille)) / 1000;
  };
  std::printf("    %-10s p50 %8.0f  p99 %8.0f  max %8.0f us\n", who, us(500), us(990), us(1000));
}

struct Cell {
  Nanoseconds asked = 0;
  Errors target, initiator, floor;
  void print(const std::string& how) {
    const bool met = percentile(target, 990) < 1'000'000 && percentile(initiator, 990) < 1'000'000;
    std::printf("\nasked %lld us, %s (%zu commands): p99 of the error %s 1 ms\n",
                static_cast<long long>(asked / 1000), how.c_str(), target.size(),
                met ? "is below" : "is NOT below");
    print_errors("target", target);
    print_errors("initiator", initiator);
    print_errors("timer", floor);
    std::fflush(stdout);
  }
};

std::size_t rounds_of(const Options& options, unsigned commands) {
  if (options.quick) return 1;
  return commands == 1 ? 200 : commands < 10'000 ? 20 : 8;
}

Target start(const Options& options, const Folder& folder) {
  return Target({options.daemon, "serve", "--config", folder.path() + "/lab.json", "--faults",
                 folder.path() + "/rules.json", "--log-level", "off"});
}

void measure_at_once(const Options& options, const Folder& folder, Nanoseconds asked,
                     unsigned commands) {
  const auto target = start(options, folder);
  Fleet fleet(target.port(), commands);
  Record record(target);
  Cell cell;
  cell.asked = asked;
  Errors spreads;
  for (std::size_t i = 0; i < rounds_of(options, commands); ++i) {
    const auto begin = now();
    fleet.at_once(commands, asked, cell.initiator);
    spreads.push_back(std::max<Nanoseconds>(0, now() - begin - asked));
    record.add_to(cell.target, asked);
  }
  for (std::size_t i = 0; i < rounds_of(options, commands); ++i)
    timer_floor(commands, asked, commands == 1 ? 0 : median(spreads), cell.floor);
  cell.print(std::to_string(commands) + " sent at once, " + std::to_string(record.most_at_once()) +
             " in progress at most");
}

void measure_beside(const Options& options, const Folder& folder, Nanoseconds asked,
                    unsigned commands) {
  const auto target = start(options, folder);
  Fleet fleet(target.port(), commands);
  fleet.hold(commands);
  Session session(target.port(), 1000, kLuns);
  Record record(target);
  Cell cell;
  cell.asked = asked;
  const std::size_t count = options.quick ? 8 : 800;
  probe(session, count, asked, cell.initiator);
  record.add_to(cell.target, asked);
  for (std::size_t i = 0; i < count / kProbes; ++i)
    timer_floor(1, asked, 0, cell.floor);
  cell.print(std::to_string(kProbes) + " in progress beside " + std::to_string(commands) +
             " that are held");
}

}  // namespace

void measure_latency(const Options& options) {
  Folder folder;
  folder.write("lab.json", configuration(kLuns, 1));
  for (const auto asked : kAsked) {
    folder.write("rules.json", rules(asked));
    for (const auto commands : kHeldAtOnce)
      measure_at_once(options, folder, asked, commands);
    for (const auto commands : {kHeldAtOnce[1], kHeldAtOnce[2]})
      measure_beside(options, folder, asked, commands);
  }
}

}  // namespace faultlun::bench
