// Answers that another thread gives later.
#include "daemon/clock.hpp"
#include "daemon/control/http.hpp"
#include "daemon/log.hpp"
#include "tests/unit/daemon/control/http_peer.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace http_deferred_test {

using namespace faultlun::daemon::control;
using namespace std::chrono_literals;
using faultlun::daemon::SystemClock;

namespace {

Response text(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

/// What is waited for; a test completes it.
class Waiting {
 public:
  void add(std::shared_ptr<Deferred> deferred) {
    const std::lock_guard lock(mutex_);
    list_.push_back(std::move(deferred));
  }
  /// The next one, once it is there.
  std::shared_ptr<Deferred> take() {
    for (int i = 0; i < 1000; ++i) {
      {
        const std::lock_guard lock(mutex_);
        if (!list_.empty()) {
          auto first = list_.front();
          list_.pop_front();
          return first;
        }
      }
      ::poll(nullptr, 0, 2);
    }
    return nullptr;
  }

 private:
  std::mutex mutex_;
  std::deque<std::shared_ptr<Deferred>> list_;
};

struct Bench {
  Bench() : server(options(), router) { server.start(); }

  static ServerOptions options() {
    faultlun::daemon::log::set_level("off");
    ServerOptions chosen;
    chosen.listen = "127.0.0.1:0";
    chosen.request_time = 400ms;
    return chosen;
  }

  Waiting waiting;
  Router router{{
      {"GET", "/wait", "test",
       [this](const Request&) -> Answer {
         auto deferred = std::make_shared<Deferred>();
         waiting.add(deferred);
         return deferred;
       }},
      {"GET", "/brief", "test",
       [this](const Request&) -> Answer {
         auto deferred = std::make_shared<Deferred>(50ms);
         waiting.add(deferred);
         return deferred;
       }},
      {"GET", "/own", "test",
       [](const Request&) -> Answer {
         return std::make_shared<Deferred>(10ms, problem(409, "still at it"));
       }},
      {"GET", "/done", "test",
       [](const Request&) -> Answer {
         auto deferred = std::make_shared<Deferred>();
         deferred->complete(text("already"));
         return deferred;
       }},
      {"GET", "/none", "test",
       [](const Request&) -> Answer { return std::shared_ptr<Deferred>{}; }},
      {"GET", "/hello", "test", [](const Request&) { return text("hello"); }},
  }};
  Server server;
};

}  // namespace

TEST_CASE("a deferred answer arrives when another thread has given it, and others need not wait") {
  Bench bench;
  Peer peer(bench.server.url());
  REQUIRE(peer.send(Peer::get_of("/wait")));
  const auto deferred = bench.waiting.take();
  REQUIRE(deferred);
  CHECK(Peer(bench.server.url()).get("/hello").body == "hello");
  std::thread([&] { CHECK(deferred->complete(text("adopted"))); }).join();
  CHECK(peer.receive().body == "adopted");
  CHECK_FALSE(deferred->complete(text("again")));
  CHECK(peer.get("/hello").body == "hello");
}

TEST_CASE("a deferred answer may take longer than a request") {
  Bench bench;
  Peer peer(bench.server.url());
  REQUIRE(peer.send(Peer::get_of("/wait")));
  const auto deferred = bench.waiting.take();
  REQUIRE(deferred);
  ::poll(nullptr, 0, 900);
  CHECK(deferred->complete(text("slow")));
  CHECK(peer.receive().body == "slow");
}

TEST_CASE("an answer that was complete before the handler returned is sent at once") {
  Bench bench;
  Peer peer(bench.server.url());
  for (int i = 0; i < 50; ++i)
    CHECK(peer.get("/done").body == "already");
}

TEST_CASE("after its time a deferred answer is 504, and what comes later is for nobody") {
  Bench bench;
  Peer peer(bench.server.url());
  const auto late = peer.get("/brief");
  CHECK(late.status == 504);
  CHECK(late.body.find("longer than 50 ms") != std::string::npos);
  const auto deferred = bench.waiting.take();
  REQUIRE(deferred);
  CHECK(deferred->is_abandoned());
  CHECK_FALSE(deferred->complete(text("too late")));
  CHECK(peer.get("/hello").body == "hello");
}

TEST_CASE("a handler may say what is answered when it takes too long") {
  Bench bench;
  CHECK(Peer(bench.server.url()).get("/own").status == 409);
}

TEST_CASE("a promise of nothing is 500") {
  Bench bench;
  CHECK(Peer(bench.server.url()).get("/none").status == 500);
}

TEST_CASE("a client that leaves abandons its deferred answer") {
  Bench bench;
  std::shared_ptr<Deferred> deferred;
  {
    Peer peer(bench.server.url());
    REQUIRE(peer.send(Peer::get_of("/wait")));
    deferred = bench.waiting.take();
    REQUIRE(deferred);
    CHECK_FALSE(deferred->is_abandoned());
  }
  for (int i = 0; i < 500 && !deferred->is_abandoned(); ++i)
    ::poll(nullptr, 0, 5);
  CHECK(deferred->is_abandoned());
  CHECK_FALSE(deferred->complete(text("nobody")));
  CHECK(Peer(bench.server.url()).get("/hello").body == "hello");
}

TEST_CASE("a request behind a deferred one is answered after it") {
  Bench bench;
  Peer peer(bench.server.url());
  REQUIRE(peer.send(Peer::get_of("/wait") + Peer::get_of("/hello")));
  const auto deferred = bench.waiting.take();
  REQUIRE(deferred);
  deferred->complete(text("first"));
  CHECK(peer.receive().body == "first");
  CHECK(peer.receive().body == "hello");
}

TEST_CASE("a next request that arrives while a deferred one waits is not taken for a goodbye") {
  Bench bench;
  Peer peer(bench.server.url());
  REQUIRE(peer.send(Peer::get_of("/wait")));
  const auto deferred = bench.waiting.take();
  REQUIRE(deferred);
  REQUIRE(peer.send(Peer::get_of("/hello")));
  ::poll(nullptr, 0, 50);
  deferred->complete(text("first"));
  CHECK(peer.receive().body == "first");
  CHECK(peer.receive().body == "hello");
}

TEST_CASE("completing and leaving at the same moment breaks nothing") {
  Bench bench;
  for (int i = 0; i < 100; ++i) {
    auto peer = std::make_unique<Peer>(bench.server.url());
    REQUIRE(peer->send(Peer::get_of("/wait")));
    const auto deferred = bench.waiting.take();
    REQUIRE(deferred);
    std::thread completes([&] { deferred->complete(text("x")); });
    peer.reset();
    completes.join();
  }
  CHECK(Peer(bench.server.url()).get("/hello").body == "hello");
}

TEST_CASE("the server stops while answers are awaited, and completing them later does nothing") {
  std::shared_ptr<Deferred> deferred;
  {
    Bench bench;
    Peer peer(bench.server.url());
    REQUIRE(peer.send(Peer::get_of("/wait")));
    deferred = bench.waiting.take();
    REQUIRE(deferred);
    const auto start = SystemClock().now();
    bench.server.stop();
    CHECK(SystemClock().now() - start < 1s);
    CHECK(peer.is_closed());
  }
  CHECK_FALSE(deferred->complete(text("too late")));
}

}  // namespace http_deferred_test
