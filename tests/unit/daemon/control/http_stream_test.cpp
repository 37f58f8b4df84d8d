// Answers that are made while they are sent.
#include "daemon/clock.hpp"
#include "daemon/control/http.hpp"
#include "daemon/log.hpp"
#include "tests/unit/daemon/control/http_peer.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace http_stream_test {

using namespace faultlun::daemon::control;
using namespace std::chrono_literals;
using faultlun::daemon::SystemClock;

namespace {

constexpr auto kShortTime = 250ms;
constexpr std::size_t kManyLines = 100'000;

/// Lines that a test puts in, one by one, from its own thread.
struct Feed {
  std::mutex mutex;
  std::deque<std::string> lines;
  bool is_ended = false;
  std::shared_ptr<Waker> waker = std::make_shared<Waker>();
  std::atomic<std::size_t> pulls{0};

  void put(std::string line) {
    {
      const std::lock_guard lock(mutex);
      lines.push_back(std::move(line));
    }
    waker->wake();
  }
  void end() {
    {
      const std::lock_guard lock(mutex);
      is_ended = true;
    }
    waker->wake();
  }
  Pull next(Record& record) {
    ++pulls;
    const std::lock_guard lock(mutex);
    if (lines.empty()) return is_ended ? Pull::end : Pull::wait;
    record.data = std::move(lines.front());
    record.id = std::to_string(lines.size());
    lines.pop_front();
    return Pull::record;
  }
};

/// A server whose /feed is the feed, and /many, /flood, /broken, /huge, /pcap are what they say.
struct Bench {
  explicit Bench(std::chrono::milliseconds request_time = kPatience,
                 std::chrono::milliseconds keep_alive_time = kPatience)
      : server(options(request_time, keep_alive_time), router) {
    server.start();
  }

  static ServerOptions options(std::chrono::milliseconds request_time,
                               std::chrono::milliseconds keep_alive_time) {
    faultlun::daemon::log::set_level("off");
    ServerOptions chosen;
    chosen.listen = "127.0.0.1:0";
    chosen.request_time = request_time;
    chosen.keep_alive_time = keep_alive_time;
    return chosen;
  }

  static Route row(const std::string& pattern, std::function<Stream()> make) {
    return {"GET", pattern, "test", [make](const Request&) { return make(); }};
  }
  static Stream counted(std::size_t lines, const std::string& text) {
    Stream stream;
    stream.next = [n = std::size_t{0}, lines, text](Record& record) mutable {
      if (n == lines) return Pull::end;
      record.data = text + std::to_string(n++);
      return Pull::record;
    };
    return stream;
  }
  static Stream broken() {
    Stream stream;
    stream.next = [n = 0](Record& record) mutable {
      if (n++ == 1) throw std::runtime_error("out of luck");
      record.data = "one";
      return Pull::record;
    };
    return stream;
  }
  static Stream packets() {
    auto stream = stream_of({"\x0a\x0d", "\x01"});
    stream.form = Stream::Form::octets;
    stream.content_type = "application/vnd.tcpdump.pcap";
    stream.headers.emplace_back("X-Test", "yes");
    return stream;
  }

  std::shared_ptr<Feed> feed = std::make_shared<Feed>();
  Router router{{
      row("/feed",
          [this] {
            Stream stream;
            stream.next = [from = feed](Record& record) { return from->next(record); };
            stream.waker = feed->waker;
            return stream;
          }),
      row("/silent",
          [] {
            Stream stream;
            stream.next = [](Record&) { return Pull::wait; };
            return stream;
          }),
      row("/many", [] { return counted(kManyLines, "{\"line\":"); }),
      row("/flood", [] { return counted(std::size_t(-1), std::string(1000, 'x')); }),
      row("/most", [] { return stream_of({std::string(kMaxRecordBytes, 'x')}); }),
      row("/over",
          [] {
            return stream_of({"a", std::string(kMaxRecordBytes + 1, 'x')});
          }),
      row("/broken", broken),
      row("/pcap", packets),
      row("/empty", [] { return Stream{}; }),
      row("/sparse", [] { return sparse(); }),
      {"GET", "/hello", "test", [](const Request&) { return no_content(); }},
  }};
  Server server;

  /// Gives nothing but empty records for longer than a turn, then one line.
  static Stream sparse() {
    Stream stream;
    stream.next = [n = std::size_t{0}](Record& record) mutable {
      if (++n <= 3 * kMaxPullsPerTurn) return Pull::record;
      if (n > 3 * kMaxPullsPerTurn + 1) return Pull::end;
      record.data = "found";
      return Pull::record;
    };
    return stream;
  }
};

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("a stream is newline-delimited JSON in chunks, and the connection goes on behind it") {
  Bench bench;
  bench.feed->put("{\"a\":1}");
  bench.feed->put("{\"a\":2}");
  bench.feed->end();
  Peer peer(bench.server.url());
  const auto answer = peer.get("/feed");
  CHECK(answer.status == 200);
  CHECK(answer.has("Content-Type: application/x-ndjson"));
  CHECK(answer.has("Transfer-Encoding: chunked"));
  CHECK(answer.body == "{\"a\":1}\n{\"a\":2}\n");
  CHECK(answer.is_whole);
  CHECK(peer.get("/hello").status == 204);
}

TEST_CASE("a client that accepts events gets events with their ids") {
  Bench bench;
  bench.feed->put("{\"a\":1}");
  bench.feed->end();
  const auto answer = Peer(bench.server.url()).get("/feed", "Accept: text/event-stream\r\n");
  CHECK(answer.has("Content-Type: text/event-stream"));
  CHECK(answer.body == "id: 1\ndata: {\"a\":1}\n\n");
}

TEST_CASE("a line that comes later reaches a client that waits for it") {
  Bench bench;
  Peer peer(bench.server.url());
  REQUIRE(peer.send(Peer::get_of("/feed")));
  CHECK(peer.receive_header().status == 200);
  for (const char* line : {"first", "second"}) {
    std::thread([&] { bench.feed->put(line); }).join();
    CHECK(peer.receive_chunk() == std::string(line) + "\n");
  }
  bench.feed->end();
  CHECK(peer.receive_chunk().empty());
  CHECK(peer.get("/hello").status == 204);
}

TEST_CASE("a stream without a waker is asked again by itself") {
  Bench bench;
  bench.feed->waker = nullptr;
  Peer peer(bench.server.url());
  REQUIRE(peer.send(Peer::get_of("/feed")));
  CHECK(peer.receive_header().status == 200);
  {
    const std::lock_guard lock(bench.feed->mutex);
    bench.feed->lines.emplace_back("late");
  }
  CHECK(peer.receive_chunk() == "late\n");
}

TEST_CASE("waking from many threads loses no line") {
  Bench bench;
  Peer peer(bench.server.url());
  REQUIRE(peer.send(Peer::get_of("/feed")));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i)
        bench.feed->put("x");
    });
  for (auto& thread : threads)
    thread.join();
  bench.feed->end();
  CHECK(lines_in(peer.receive().body) == 8000);
}

TEST_CASE("a hundred thousand lines arrive whole without being there at once") {
  Bench bench;
  const auto answer = Peer(bench.server.url()).get("/many");
  CHECK(lines_in(answer.body) == kManyLines);
  CHECK(answer.body.ends_with("{\"line\":99999\n"));
  CHECK(answer.is_whole);
}

TEST_CASE("no more is pulled than a reader takes, and one that takes nothing is closed") {
  Bench bench(kShortTime);
  Peer slow(bench.server.url(), 4096);
  REQUIRE(slow.send(Peer::get_of("/flood")));
  const auto start = SystemClock().now();
  CHECK(Peer(bench.server.url()).get("/hello").status == 204);
  ::poll(nullptr, 0, static_cast<int>(4 * kShortTime.count()));
  const auto bytes = slow.drain();
  CHECK(bytes > 0);
  CHECK(bytes < (64 << 20));
  CHECK(SystemClock().now() - start < kPatience);
}

TEST_CASE("HTTP/1.0 has no chunks: the stream ends with its connection") {
  Bench bench;
  Peer peer(bench.server.url());
  REQUIRE(peer.send("GET /pcap HTTP/1.0\r\n\r\n"));
  const auto answer = peer.receive_header();
  CHECK_FALSE(answer.has("Transfer-Encoding: chunked"));
  CHECK(answer.has("Connection: close"));
  CHECK(peer.drain() == 3);
}

TEST_CASE("octets go as they are, with their type and their fields") {
  Bench bench;
  const auto answer = Peer(bench.server.url()).get("/pcap", "Accept: text/event-stream\r\n");
  CHECK(answer.has("Content-Type: application/vnd.tcpdump.pcap"));
  CHECK(answer.has("X-Test: yes"));
  CHECK(answer.body == "\x0a\x0d\x01");
}

TEST_CASE("HEAD of a stream is its header only") {
  Bench bench;
  Peer peer(bench.server.url());
  REQUIRE(peer.send("HEAD /feed HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const auto answer = peer.receive(true);
  CHECK(answer.status == 200);
  CHECK(answer.has("Content-Type: application/x-ndjson"));
  CHECK(peer.get("/hello").status == 204);
  CHECK(bench.feed->pulls == 0);
}

TEST_CASE("a source that fails breaks the answer off, so that it does not look whole") {
  Bench bench;
  Peer peer(bench.server.url());
  CHECK_FALSE(peer.get("/broken").is_whole);
  CHECK(peer.is_closed());
  CHECK(Peer(bench.server.url()).get("/hello").status == 204);
}

TEST_CASE("a record of 1 MiB is sent, one byte more breaks the answer off") {
  Bench bench;
  CHECK(Peer(bench.server.url()).get("/most").body.size() == kMaxRecordBytes + 1);
  CHECK_FALSE(Peer(bench.server.url()).get("/over").is_whole);
}

TEST_CASE("a stream without a source is 500") {
  Bench bench;
  CHECK(Peer(bench.server.url()).get("/empty").status == 500);
}

TEST_CASE("a source that finds nothing for long is asked on without a pause and holds up nobody") {
  Bench bench;
  CHECK(Peer(bench.server.url()).get("/sparse").body == "found\n");
}

TEST_CASE("silent events show that they live, silent lines do not") {
  Bench bench(kPatience, 50ms);
  Peer events(bench.server.url());
  REQUIRE(events.send(Peer::get_of("/silent", "Accept: text/event-stream\r\n")));
  CHECK(events.receive_header().status == 200);
  for (int i = 0; i < 3; ++i)
    CHECK(events.receive_chunk() == kKeepAliveComment);
  Peer lines(bench.server.url());
  REQUIRE(lines.send(Peer::get_of("/feed")));
  CHECK(lines.receive_header().status == 200);
  ::poll(nullptr, 0, 200);
  bench.feed->put("x");
  CHECK(lines.receive_chunk() == "x\n");
}

TEST_CASE("16 streams run, the next is 503, and a place that is left is free again") {
  Bench bench;
  std::deque<Peer> streams;
  for (std::size_t i = 0; i < Server::kMaxStreams; ++i) {
    streams.emplace_back(bench.server.url());
    REQUIRE(streams.back().send(Peer::get_of("/silent")));
    REQUIRE(streams.back().receive_header().status == 200);
  }
  const auto refused = Peer(bench.server.url()).get("/silent");
  CHECK(refused.status == 503);
  CHECK(refused.has("Retry-After: 1"));
  CHECK(Peer(bench.server.url()).get("/hello").status == 204);
  streams.pop_front();
  unsigned status = 503;
  for (int i = 0; i < 1000 && status == 503; ++i) {
    Peer next(bench.server.url());
    REQUIRE(next.send(Peer::get_of("/silent")));
    status = next.receive_header().status;
  }
  CHECK(status == 200);
}

TEST_CASE("the source is let go of when the client leaves") {
  Bench bench;
  {
    Peer peer(bench.server.url());
    REQUIRE(peer.send(Peer::get_of("/feed")));
    REQUIRE(peer.receive_header().status == 200);
    CHECK(bench.feed.use_count() > 1);
  }
  for (int i = 0; i < 500 && bench.feed.use_count() > 1; ++i)
    ::poll(nullptr, 0, 5);
  CHECK(bench.feed.use_count() == 1);
  bench.feed->put("nobody listens");
}

TEST_CASE("the server stops in the middle of streams, and waking it later does nothing") {
  auto feed = std::make_shared<Feed>();
  {
    Bench bench;
    feed = bench.feed;
    Peer waiting(bench.server.url());
    Peer flooded(bench.server.url());
    REQUIRE(waiting.send(Peer::get_of("/feed")));
    REQUIRE(waiting.receive_header().status == 200);
    REQUIRE(flooded.send(Peer::get_of("/flood")));
    REQUIRE(flooded.receive_header().status == 200);
    const auto start = SystemClock().now();
    bench.server.stop();
    CHECK(SystemClock().now() - start < 1s);
  }
  feed->put("too late");
  CHECK(feed.use_count() == 1);
}

}  // namespace http_stream_test
