// What one client may not take from the others: connections, requests, sizes of bodies; and what is
// served all the same.
#include "daemon/clock.hpp"
#include "daemon/control/http.hpp"
#include "daemon/log.hpp"
#include "tests/unit/daemon/control/http_peer.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <string>

namespace http_limits_test {

using namespace faultlun::daemon::control;
using namespace std::chrono_literals;
using faultlun::daemon::SystemClock;

namespace {

Response text(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

Response echo_headers(const Request& request) {
  std::string body = request.method + " " + request.body;
  for (const auto& [name, value] : request.headers)
    body += "\n" + name + "=" + value;
  return text(body);
}

const Router& router() {
  static const auto row = [](const char* method, const char* pattern, auto handler) {
    Route made{method, pattern, "test", handler};
    made.operation_id = std::string(method) + pattern;
    return made;
  };
  static const auto silent = [](const Request&) {
    Stream stream;
    stream.next = [](Record&) { return Pull::wait; };
    return stream;
  };
  static const auto length = [](const Request& request) {
    return text(std::to_string(request.body.size()));
  };
  static const Router instance = [] {
    auto big = row("PUT", "/rules", length);
    big.max_body_bytes = kMostMaxBodyBytes;
    auto reset = row("POST", "/v1/reset", [](const Request&) { return no_content(); });
    reset.is_essential = true;
    return Router({row("GET", "/hello", [](const Request&) { return text("hello"); }),
                   row("GET", "/silent", silent), big, row("PUT", "/small", length), reset,
                   row("PUT", "/echo", echo_headers), row("PATCH", "/echo", echo_headers),
                   row("POST", "/echo", echo_headers), row("DELETE", "/echo", echo_headers)});
  }();
  return instance;
}

ServerOptions options() {
  faultlun::daemon::log::set_level("off");
  ServerOptions chosen;
  chosen.listen = "127.0.0.1:0";
  chosen.request_time = kPatience;
  return chosen;
}

struct Running {
  explicit Running(ServerOptions chosen = options()) : server(std::move(chosen), router()) {
    server.start();
  }
  std::string url() const { return server.url(); }
  Server server;
};

std::string reset_request() {
  return post("/v1/reset", "");
}

}  // namespace

TEST_CASE("every method carries a body, and the fields that handlers need") {
  const Running running;
  for (const char* method : {"PUT", "PATCH", "POST", "DELETE"}) {
    CAPTURE(std::string(method));
    const auto answer = Peer(running.url())
                            .call(request_of(method, "/echo", "{}",
                                             "If-Match: \"1\"\r\nIf-Match: \"2\"\r\nX-Other: no\r\n"
                                             "Content-Type: application/json\r\n"));
    CHECK(answer.body ==
          std::string(method) + " {}\ncontent-type=application/json\nif-match=\"1\", \"2\"");
  }
}

TEST_CASE("204 has neither body nor length, and the connection goes on") {
  const Running running;
  Peer peer(running.url());
  const auto answer = peer.call(reset_request());
  CHECK(answer.status == 204);
  CHECK(answer.header.find("\r\nContent-") == std::string::npos);
  CHECK(peer.get("/hello").body == "hello");
}

TEST_CASE("a body of any type is read, but no form with parts and nothing compressed") {
  const Running running;
  const auto status = [&](const std::string& fields, const std::string& body = "{}") {
    return Peer(running.url()).call(request_of("PUT", "/small", body, fields)).status;
  };
  CHECK(status("") == 200);
  CHECK(status("Content-Type: application/json; charset=utf-8\r\n") == 200);
  CHECK(status("Content-Type: application/x-www-form-urlencoded\r\n") == 200);
  CHECK(status("Content-Type: multipart/form-data; boundary=x\r\n") == 415);
  CHECK(status("Content-Encoding: gzip\r\n") == 415);
  CHECK(status("Content-Type: multipart/form-data\r\n", "") == 200);
}

TEST_CASE("a route takes bodies of its own limit, the others of 1 MiB") {
  const Running running;
  const auto put = [&](const std::string& path, std::size_t bytes) {
    return Peer(running.url()).call(request_of("PUT", path, std::string(bytes, 'x')));
  };
  CHECK(put("/rules", kMostMaxBodyBytes).body == std::to_string(kMostMaxBodyBytes));
  const auto over = put("/rules", kMostMaxBodyBytes + 1);
  CHECK(over.status == 413);
  CHECK(over.body.find("longer than 16777216 bytes") != std::string::npos);
  CHECK(put("/small", kMaxBodyBytes).status == 200);
  CHECK(put("/small", kMaxBodyBytes + 1).body.find("longer than 1048576 bytes") !=
        std::string::npos);
}

TEST_CASE("a burst of requests is served, the next is 429, and after a rest there are more") {
  auto chosen = options();
  chosen.requests_per_second = 10;
  chosen.request_burst = 20;
  const Running running(chosen);
  Peer peer(running.url());
  for (int i = 0; i < 20; ++i)
    REQUIRE(peer.get("/hello").status == 200);
  const auto refused = peer.get("/hello");
  CHECK(refused.status == 429);
  CHECK(refused.has("Retry-After: 1"));
  CHECK(peer.is_closed());
  for (int i = 0; i < 30; ++i)
    CHECK(Peer(running.url()).call(reset_request()).status == 204);
  ::poll(nullptr, 0, 250);
  CHECK(Peer(running.url()).get("/hello").status == 200);
}

TEST_CASE("by default two thousand requests a second, four thousand at once") {
  CHECK(ServerOptions{}.requests_per_second == 2000);
  CHECK(ServerOptions{}.request_burst == 4000);
}

TEST_CASE("reset is served within a second while streams and half requests take every connection") {
  const Running running;
  std::deque<Peer> peers;
  for (std::size_t i = 0; i < Server::kMaxConnections; ++i) {
    peers.emplace_back(running.url());
    if (i < Server::kMaxStreams) {
      REQUIRE(peers.back().send(Peer::get_of("/silent")));
      REQUIRE(peers.back().receive_header().status == 200);
    } else {
      REQUIRE(peers.back().send("GET /hello HTTP/1.1\r\n"));
    }
  }
  const auto start = SystemClock().now();
  Peer peer(running.url());
  const auto answer = peer.call(reset_request());
  CHECK(answer.status == 204);
  CHECK(answer.has("Connection: close"));
  CHECK(Peer(running.url()).get("/hello").status == 503);
  CHECK(SystemClock().now() - start < 1s);
}

TEST_CASE("a connection over the limit has one second, then it makes room for the next") {
  const Running running;
  std::deque<Peer> peers;
  for (std::size_t i = 0; i < Server::kMaxConnections + Server::kMaxOverLimit; ++i) {
    peers.emplace_back(running.url());
    REQUIRE(peers.back().send("GET /hello HTTP/1.1\r\n"));
  }
  CHECK(peers.back().receive().status == 503);
  CHECK(peers.back().is_closed());
  unsigned status = 0;
  for (int i = 0; i < 200 && status != 204; ++i) {
    Peer peer(running.url());
    if (peer.send(reset_request())) status = peer.receive().status;
    ::poll(nullptr, 0, 10);
  }
  CHECK(status == 204);
}

TEST_CASE("idle connections make room, those that never asked first, and not at once") {
  const Running running;
  Peer asked(running.url());
  REQUIRE(asked.get("/hello").status == 200);
  std::deque<Peer> silent;
  for (std::size_t i = 1; i < Server::kMaxConnections; ++i)
    silent.emplace_back(running.url());
  CHECK(Peer(running.url()).get("/hello").status == 503);
  ::poll(nullptr, 0, static_cast<int>(Server::kIdleGrace.count()) + 100);
  Peer next(running.url());
  CHECK(next.get("/hello").status == 200);
  CHECK(silent.front().is_closed());
  CHECK(asked.get("/hello").status == 200);
}

}  // namespace http_limits_test
