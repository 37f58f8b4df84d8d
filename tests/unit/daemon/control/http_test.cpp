#include "daemon/control/http.hpp"

#include "daemon/clock.hpp"
#include "daemon/log.hpp"
#include "tests/unit/daemon/control/http_peer.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <poll.h>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

namespace http_test {

using namespace faultlun::daemon::control;
using namespace std::chrono_literals;
using faultlun::daemon::SystemClock;

namespace {

constexpr auto kShortTime = 250ms;           ///< the request time where a test waits for its end
constexpr std::size_t kBigBytes = 64 << 20;  ///< more than the system buffers for a connection

Response text(std::string body) {
  Response response;
  response.body = std::move(body);
  response.content_type = "text/plain";
  return response;
}

Response show_query(const Request& request) {
  std::string body;
  for (const auto& [key, value] : request.query)
    body += key + "=" + value + ";";
  return text(body);
}

const Router& router() {
  static const Router instance({
      {"GET", "/hello", "test", [](const Request&) { return text("hello"); }},
      {"POST", "/echo", "test", [](const Request& request) { return text(request.body); }},
      {"POST", "/length", "test",
       [](const Request& request) { return text(std::to_string(request.body.size())); }},
      {.method = "GET",
       .pattern = "/query",
       .summary = "test",
       .handler = show_query,
       .parameters = {{"a", "any"}, {"b", "any"}}},
      {.method = "GET",
       .pattern = "/healthz",
       .summary = "test",
       .handler = [](const Request&) { return text("ok"); },
       .needs_token = false},
      {"GET", "/big", "test", [](const Request&) { return text(std::string(kBigBytes, 'x')); }},
      {"GET", "/boom", "test",
       [](const Request&) -> Answer { throw std::runtime_error("out of luck"); }},
  });
  return instance;
}

ServerOptions options(std::chrono::milliseconds request_time = kPatience) {
  faultlun::daemon::log::set_level("off");
  ServerOptions chosen;
  chosen.listen = "127.0.0.1:0";
  chosen.request_time = request_time;
  return chosen;
}

/// A server that runs.
struct Running {
  explicit Running(ServerOptions chosen = options()) : server(std::move(chosen), router()) {
    server.start();
  }
  std::string url() const { return server.url(); }
  Server server;
};

/// A GET whose header, up to the empty line and with it, has this many bytes.
std::string get_with_header_of(std::size_t bytes) {
  const std::string start = "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: ";
  const std::string end = "\r\n\r\n";
  return start + std::string(bytes - start.size() - end.size(), 'x') + end;
}

}  // namespace

TEST_CASE("a request is answered at the url of the server") {
  const Running running;
  const auto answer = Peer(running.url()).get("/hello");
  CHECK(answer.status == 200);
  CHECK(answer.body == "hello");
  CHECK(answer.has("Content-Type: text/plain"));
  CHECK(answer.has("Content-Length: 5"));
  CHECK(answer.has("Cache-Control: no-store"));
}

TEST_CASE("a connection serves many requests") {
  const Running running;
  Peer peer(running.url());
  for (int i = 0; i < 100; ++i)
    CHECK(peer.call(post("/echo", std::to_string(i))).body == std::to_string(i));
}

TEST_CASE("pipelined requests are answered in their order") {
  const Running running;
  Peer peer(running.url());
  std::string requests;
  for (int i = 0; i < 300; ++i)
    requests += post("/echo", std::to_string(i));
  REQUIRE(peer.send(requests));
  for (int i = 0; i < 300; ++i)
    CHECK(peer.receive().body == std::to_string(i));
}

TEST_CASE("a connection ends after its request when the client asks for that or speaks HTTP/1.0") {
  const Running running;
  Peer modern(running.url());
  CHECK(modern.get("/hello", "Connection: close\r\n").has("Connection: close"));
  CHECK(modern.is_closed());
  Peer old(running.url());
  CHECK(old.call("GET /hello HTTP/1.0\r\n\r\n").status == 200);
  CHECK(old.is_closed());
}

TEST_CASE("a client that closes its half after the request still gets the answer") {
  const Running running;
  Peer peer(running.url());
  REQUIRE(peer.send(post("/echo", "abc")));
  peer.half_close();
  CHECK(peer.receive().body == "abc");
  CHECK(peer.is_closed());
}

TEST_CASE("HEAD has the header of GET and no body, and the connection goes on") {
  const Running running;
  Peer peer(running.url());
  REQUIRE(peer.send("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const auto answer = peer.receive(true);
  CHECK(answer.status == 200);
  CHECK(answer.has("Content-Length: 5"));
  CHECK(peer.get("/hello").body == "hello");
}

TEST_CASE("an error for HEAD has no body either") {
  const Running running;
  Peer peer(running.url());
  REQUIRE(peer.send("HEAD /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  CHECK(peer.receive(true).status == 404);
  CHECK(peer.get("/hello").body == "hello");
}

TEST_CASE("the query reaches the handler decoded") {
  const Running running;
  CHECK(Peer(running.url()).get("/query?b=%41+x&a=1").body == "a=1;b=A x;");
}

TEST_CASE("a query that cannot be read is 400") {
  const Running running;
  CHECK(Peer(running.url()).get("/query?a=%").status == 400);
  CHECK(Peer(running.url()).get("/query?a=1&a=2").status == 400);
}

TEST_CASE("errors of the router leave the connection usable") {
  const Running running;
  Peer peer(running.url());
  CHECK(peer.get("/nothing").status == 404);
  CHECK(peer.get("/echo").has("Allow: POST"));
  const auto failed = peer.get("/boom");
  CHECK(failed.status == 500);
  CHECK(failed.body.find("out of luck") != std::string::npos);
  CHECK(peer.get("/hello").status == 200);
}

TEST_CASE("a header of 8 KiB is read, one byte more is 431 and the end") {
  const Running running;
  Peer peer(running.url());
  CHECK(peer.call(get_with_header_of(Server::kMaxHeaderBytes)).status == 200);
  CHECK(peer.call(get_with_header_of(Server::kMaxHeaderBytes + 1)).status == 431);
  CHECK(peer.is_closed());
}

TEST_CASE("a request line and fields that are short each but long together are 431") {
  const Running running;
  Peer peer(running.url());
  const std::string line = "GET /hello?a=" + std::string(5000, 'x') + " HTTP/1.1\r\n";
  CHECK(peer.call(line + "Host: localhost\r\nX: " + std::string(5000, 'y') + "\r\n\r\n").status ==
        431);
}

TEST_CASE("a header without an end is 431 as soon as it is too long") {
  const Running running;
  Peer peer(running.url());
  CHECK(
      peer.call("GET /hello HTTP/1.1\r\nX: " + std::string(Server::kMaxHeaderBytes, 'x')).status ==
      431);
  CHECK(Peer(running.url()).call("GET /" + std::string(2 * Server::kMaxHeaderBytes, 'x')).status ==
        431);
}

TEST_CASE("a body of 1 MiB is read, one byte more is 413 and the end") {
  const Running running;
  Peer peer(running.url());
  CHECK(peer.call(post("/length", std::string(Server::kMaxBodyBytes, 'x'))).body ==
        std::to_string(Server::kMaxBodyBytes));
  CHECK(peer.call(post("/length", std::string(Server::kMaxBodyBytes + 1, 'x'))).status == 413);
  CHECK(peer.is_closed());
}

TEST_CASE("a body in chunks has the same limit") {
  const Running running;
  Peer peer(running.url());
  const std::string header =
      "POST /length HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string half = "80000\r\n" + std::string(0x80000, 'x') + "\r\n";
  CHECK(peer.call(header + half + half + "0\r\n\r\n").body ==
        std::to_string(Server::kMaxBodyBytes));
  CHECK(peer.call(header + half + half + "1\r\nx\r\n0\r\n\r\n").status == 413);
}

TEST_CASE("endless chunk extensions and trailers are refused") {
  const Running running;
  const std::string header =
      "POST /length HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string long_text(3 * Server::kMaxHeaderBytes, 'x');
  CHECK(Peer(running.url()).call(header + "1;" + long_text).status >= 400);
  CHECK(Peer(running.url()).call(header + "0\r\nX: " + long_text).status >= 400);
}

TEST_CASE("a client that goes on sending a body that is too long still reads 413") {
  const Running running;
  Peer peer(running.url());
  const auto answer = peer.call(post("/length", std::string(8 << 20, 'x')));
  CHECK(answer.status == 413);
  CHECK(answer.has("Connection: close"));
}

TEST_CASE("a client that waits for 100 Continue is told to go on") {
  const Running running;
  Peer peer(running.url());
  const std::string request = post("/echo", "abc", "Expect: 100-continue\r\n");
  REQUIRE(peer.send(request.substr(0, request.size() - 3)));
  CHECK(peer.receive().status == 100);
  REQUIRE(peer.send("abc"));
  CHECK(peer.receive().body == "abc");
}

TEST_CASE(
    "a client that waits for 100 Continue with too much or unasked is refused before it sends the "
    "body") {
  auto chosen = options();
  chosen.token = "s3cret";
  const Running running(chosen);
  const std::string start = "POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n";
  const std::string token = "Authorization: Bearer s3cret\r\n";
  CHECK(Peer(running.url()).call(start + token + "Content-Length: 9999999\r\n\r\n").status == 413);
  CHECK(Peer(running.url()).call(start + "Content-Length: 3\r\n\r\n").status == 401);
}

TEST_CASE("another expectation is 417") {
  const Running running;
  CHECK(Peer(running.url()).get("/hello", "Expect: miracles\r\n").status == 417);
}

TEST_CASE(
    "64 connections are served, the next is told 503, and a place that is left is free again") {
  const Running running;
  std::deque<Peer> peers;
  for (std::size_t i = 0; i < Server::kMaxConnections; ++i) {
    peers.emplace_back(running.url());
    REQUIRE(peers.back().get("/hello").status == 200);
  }
  Peer refused(running.url());
  const auto answer = refused.receive();
  CHECK(answer.status == 503);
  CHECK(answer.has("Retry-After: 1"));
  CHECK(refused.is_closed());
  peers.pop_front();
  unsigned status = 503;
  for (int i = 0; i < 1000 && status == 503; ++i)
    status = Peer(running.url()).get("/hello").status;
  CHECK(status == 200);
  CHECK(peers.back().get("/hello").status == 200);
}

TEST_CASE("hundreds of connections over the limit cost nobody anything") {
  const Running running;
  // One that is at work all the time: one that is idle for kIdleGrace would have to make room.
  Peer first(running.url());
  REQUIRE(first.get("/hello").status == 200);
  std::atomic<bool> flooded{false};
  bool always_served = true;
  std::thread at_work([&] {
    while (!flooded && always_served) {
      always_served = first.get("/hello").status == 200;
      ::poll(nullptr, 0, static_cast<int>(Server::kIdleGrace.count()) / 20);
    }
  });
  std::deque<Peer> flood;
  for (int i = 0; i < 400; ++i)
    flood.emplace_back(running.url());
  flooded = true;
  at_work.join();
  CHECK(always_served);
  flood.clear();
  unsigned status = 503;
  for (int i = 0; i < 1000 && status != 200; ++i)
    status = Peer(running.url()).get("/hello").status;
  CHECK(status == 200);
}

TEST_CASE("a request has ten seconds unless told otherwise") {
  CHECK(ServerOptions{}.request_time == 10s);
  CHECK(ServerOptions{}.request_time == std::chrono::seconds(Server::kRequestSeconds));
}

TEST_CASE("a header or a body that does not come to its end is 408 and the end") {
  const Running running(options(kShortTime));
  for (const char* part :
       {"G", "GET /hello HTTP/1.1\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nab",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
    CAPTURE(std::string(part));
    Peer peer(running.url());
    CHECK(peer.call(part).status == 408);
    CHECK(peer.is_closed());
  }
}

TEST_CASE("a request that drips in is cut off in time all the same") {
  const Running running(options(kShortTime));
  const auto start = SystemClock().now();
  Peer peer(running.url());
  REQUIRE(peer.send("GET /hello HTTP/1.1\r\nX: "));
  while (peer.send("x") && SystemClock().now() - start < 2 * kShortTime)
    ::poll(nullptr, 0, 10);
  CHECK(peer.receive().status == 408);
}

TEST_CASE("an idle connection is closed without a word") {
  const Running running(options(kShortTime));
  Peer fresh(running.url());
  Peer used(running.url());
  CHECK(used.get("/hello").status == 200);
  CHECK(fresh.is_closed());
  CHECK(used.is_closed());
}

TEST_CASE("waiting before a request does not shorten its time") {
  const Running running(options(8 * kShortTime));
  Peer peer(running.url());
  ::poll(nullptr, 0, static_cast<int>(5 * kShortTime.count()));
  REQUIRE(peer.send("GET /hello HTTP/1.1\r\n"));
  ::poll(nullptr, 0, static_cast<int>(5 * kShortTime.count()));
  CHECK(peer.call("Host: localhost\r\n\r\n").status == 200);
}

TEST_CASE("a client that does not read its answer is dropped, and nobody waits for it") {
  const Running running(options(kShortTime));
  Peer slow(running.url());
  REQUIRE(slow.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  CHECK(Peer(running.url()).get("/hello").status == 200);
  ::poll(nullptr, 0, static_cast<int>(4 * kShortTime.count()));
  CHECK(slow.drain() < kBigBytes);
}

TEST_CASE("a big answer arrives whole") {
  const Running running;
  CHECK(Peer(running.url()).get("/big").body.size() == kBigBytes);
}

TEST_CASE("with a token only requests that carry it are served") {
  auto chosen = options();
  chosen.token = "s3cret";
  const Running running(chosen);
  const auto none = Peer(running.url()).get("/hello");
  CHECK(none.status == 401);
  CHECK(none.has("WWW-Authenticate: Bearer realm=\"faultlun\""));
  CHECK(Peer(running.url()).get("/hello", "Authorization: Bearer s3cres\r\n").status == 401);
  CHECK(Peer(running.url()).get("/hello", "Authorization: Bearer s3cret\r\n").body == "hello");
}

TEST_CASE("a route that needs no token is open, such as a health check") {
  auto chosen = options();
  chosen.token = "s3cret";
  const Running running(chosen);
  CHECK(Peer(running.url()).get("/healthz").body == "ok");
}

TEST_CASE("a web page of another origin changes nothing") {
  const Running running(options());
  const std::string start = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n";
  CHECK(Peer(running.url()).call(start + "Origin: http://elsewhere.example\r\n\r\n").status == 403);
  CHECK(Peer(running.url()).call(start + "\r\n").status != 403);
}

TEST_CASE("a request without the token learns not even which paths there are") {
  auto chosen = options();
  chosen.token = "s3cret";
  const Running running(chosen);
  CHECK(Peer(running.url()).get("/nothing").status == 401);
}

TEST_CASE("on loopback a foreign host name is 403") {
  const Running running;
  const auto status = [&](const std::string& host) {
    return Peer(running.url()).call("GET /hello HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status;
  };
  CHECK(status("evil.example") == 403);
  CHECK(status("evil.example:8326") == 403);
  CHECK(status("") == 403);
  CHECK(status("localhost:1") == 200);
  CHECK(status("127.0.0.1") == 200);
  CHECK(status("[::1]:8326") == 200);
}

TEST_CASE("a server on every address asks for the host name where it is reached over loopback") {
  auto chosen = options();
  chosen.listen = "0.0.0.0:0";
  const Running running(chosen);
  const auto status = [&](const std::string& host) {
    return Peer(running.url()).call("GET /hello HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status;
  };
  CHECK(status("evil.example") == 403);
  CHECK(status("0.0.0.0:8326") == 200);
  CHECK(status("127.0.0.1") == 200);
}

TEST_CASE("a server on another loopback address is served under it") {
  auto chosen = options();
  chosen.listen = "127.0.0.2:0";
  const Running running(chosen);
  CHECK(Peer(running.url()).call("GET /hello HTTP/1.1\r\nHost: 127.0.0.2\r\n\r\n").status == 200);
  CHECK(Peer(running.url()).call("GET /hello HTTP/1.1\r\nHost: 127.0.0.3\r\n\r\n").status == 403);
}

TEST_CASE("the host of an absolute target overrules the Host header") {
  const Running running;
  const auto status = [&](const std::string& target) {
    return Peer(running.url())
        .call("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .status;
  };
  CHECK(status("http://evil.example/hello") == 403);
  CHECK(status("http://127.0.0.1/hello") == 200);
}

TEST_CASE("HTTP/1.1 needs exactly one Host") {
  const Running running;
  CHECK(Peer(running.url()).call("GET /hello HTTP/1.1\r\n\r\n").status == 400);
  CHECK(Peer(running.url()).get("/hello", "Host: localhost\r\n").status == 400);
}

TEST_CASE("what is not HTTP is refused at once") {
  const Running running;
  for (const char* request :
       {"\x16\x03\x01\x02", "\r\n\r\n", "GET\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: localhost\r\nA : b\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: "
        "2\r\n\r\nab",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    CAPTURE(std::string(request));
    Peer peer(running.url());
    CHECK(peer.call(request).status == 400);
    CHECK(peer.is_closed());
  }
}

TEST_CASE("another version of HTTP is 505") {
  const Running running;
  CHECK(Peer(running.url()).call("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status == 505);
}

TEST_CASE("random octets neither stop nor hold up the server") {
  const Running running(options(kShortTime));
  std::mt19937 random(0x5eed);
  for (int round = 0; round < 200; ++round) {
    std::string octets = round % 2 == 0 ? "" : "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
    for (auto left = random() % 600; left > 0; --left)
      octets += static_cast<char>(random() % (round % 3 == 0 ? 256 : 96) + 10);
    Peer peer(running.url());
    peer.send(octets + "\r\n\r\n");
  }
  CHECK(Peer(running.url()).get("/hello").status == 200);
}

TEST_CASE("stop ends within a second whatever the clients do, and closes their connections") {
  Running running;
  Peer idle(running.url());
  Peer used(running.url());
  Peer half(running.url());
  Peer body(running.url());
  Peer lingering(running.url());
  Peer deaf(running.url());
  CHECK(used.get("/hello").status == 200);
  CHECK(half.send("GET /hel"));
  CHECK(body.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nab"));
  CHECK(lingering.get("/hello", "Connection: close\r\n").status == 200);
  CHECK(deaf.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  CHECK(Peer(running.url()).get("/hello").status == 200);  // by now all of them have been accepted
  const auto start = SystemClock().now();
  running.server.stop();
  CHECK(SystemClock().now() - start < 1s);
  for (Peer* peer : {&idle, &used, &half, &body, &lingering})
    CHECK(peer->is_closed());
  CHECK(deaf.drain() < kBigBytes);
}

}  // namespace http_test
