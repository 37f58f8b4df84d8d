// From the constructor of the server to its end; control_http_test.cpp has what lies between.
#include "daemon/client.hpp"
#include "daemon/clock.hpp"
#include "daemon/control/http.hpp"
#include "daemon/log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <signal.h>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace server_life_test {

using namespace faultlun::daemon::control;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using faultlun::daemon::http_get;
using faultlun::daemon::SystemClock;

namespace {

constexpr auto kPatience = 5s;

/// Whether the thread that asks leaves the signals of the daemon to others.
std::string signal_mask() {
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  const bool all = ::sigismember(&blocked, SIGTERM) == 1 && ::sigismember(&blocked, SIGHUP) == 1;
  return all ? "blocked" : "free";
}

const Router& router() {
  static const Router instance({{"GET", "/mask", "test", [](const Request&) {
                                   Response response;
                                   response.body = signal_mask();
                                   return response;
                                 }}});
  return instance;
}

ServerOptions on(const std::string& listen) {
  faultlun::daemon::log::set_level("off");
  ServerOptions options;
  options.listen = listen;
  return options;
}

/// Without the scheme.
std::string address_of(const Server& server) {
  return server.url().substr(std::string("http://").size());
}

tcp::endpoint endpoint_of(const Server& server) {
  const auto address = address_of(server);
  const auto port = std::stoi(address.substr(address.rfind(':') + 1));
  return {boost::asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)};
}

unsigned get(const Server& server) {
  return http_get(server.url(), "/mask", kPatience).status;
}

/// Sends the request and reads its answer; the socket must have none before it.
template <typename Socket>
std::string status_line_of(const std::string& request, Socket& socket) {
  boost::asio::write(socket, boost::asio::buffer(request));
  std::string answer;
  boost::asio::read_until(socket, boost::asio::dynamic_buffer(answer), "\r\n\r\n");
  const bool has_body = request.starts_with("GET ");
  while (has_body && !answer.ends_with("blocked")) {
    char octet = 0;
    boost::asio::read(socket, boost::asio::buffer(&octet, 1));
    answer += octet;
  }
  return answer.substr(0, answer.find("\r\n"));
}

}  // namespace

TEST_CASE("jobs are done on the control thread, and of the alarms the last one in its time") {
  Server server(on("127.0.0.1:0"), router());
  std::mutex mutex;
  std::condition_variable changed;
  std::string done;
  const auto note = [&](char what) {
    const std::lock_guard lock(mutex);
    done += what;
    changed.notify_all();
  };
  server.post([&] { note('p'); });
  server.start();
  server.post([&] {
    server.set_alarm(1h, [&] { note('x'); });
    server.set_alarm(1ms, [&] { note('a'); });
    note('q');
  });
  std::unique_lock lock(mutex);
  CHECK(changed.wait_for(lock, kPatience, [&] { return done == "pqa"; }));
}

TEST_CASE("an alarm that is not due does not keep the server alive, and what was posted is done") {
  std::string done;
  {
    Server server(on("127.0.0.1:0"), router());
    server.start();
    server.post([&] { server.set_alarm(1h, [&] { done += 'x'; }); });
    server.post([&] { done += 'p'; });
    server.stop();
    server.post([&] { done += 'y'; });
  }
  CHECK(done == "p");
}

TEST_CASE("the file of a UNIX socket goes with its server") {
  std::string name = (std::filesystem::temp_directory_path() / "faultlun-http-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  Server server(on("unix:" + name + "/control.sock"), router());
  server.start();
  CHECK(server.url() == "unix:" + name + "/control.sock");
  CHECK(get(server) == 200);
  server.stop();
  CHECK(std::filesystem::is_empty(name));
  std::filesystem::remove(name);
}

TEST_CASE("on a UNIX socket every host name is served: no browser gets there") {
  std::string name = (std::filesystem::temp_directory_path() / "faultlun-http-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  Server server(on("unix:" + name + "/control.sock"), router());
  server.start();
  boost::asio::io_context context;
  boost::asio::local::stream_protocol::socket socket(context);
  socket.connect(name + "/control.sock");
  CHECK(status_line_of("GET /mask HTTP/1.1\r\nHost: any.example\r\n\r\n", socket) ==
        "HTTP/1.1 200 OK");
  server.stop();
  std::filesystem::remove(name);
}

TEST_CASE("an address that cannot be had is an exception that names it") {
  const Server first(on("127.0.0.1:0"), router());
  const auto address = address_of(first);
  std::string message;
  try {
    const Server second(on(address), router());
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  CHECK(message.starts_with("cannot listen on " + address +
                            " for the control API: Address already in use; "));
}

TEST_CASE("a server that was started answers clients that were there before") {
  Server server(on("127.0.0.1:0"), router());
  boost::asio::io_context context;
  tcp::socket early(context);
  early.connect(endpoint_of(server));
  server.start();
  CHECK(status_line_of("GET /mask HTTP/1.0\r\n\r\n", early) == "HTTP/1.1 200 OK");
}

TEST_CASE("after stop the port is free and the url still known") {
  Server first(on("127.0.0.1:0"), router());
  first.start();
  const auto url = first.url();
  REQUIRE(get(first) == 200);
  first.stop();
  first.stop();
  CHECK(first.url() == url);
  Server second(on(address_of(first)), router());
  second.start();
  CHECK(get(second) == 200);
}

TEST_CASE("a server that was never started ends as well") {
  auto server = std::make_unique<Server>(on("127.0.0.1:0"), router());
  boost::asio::io_context context;
  tcp::socket waiting(context);
  waiting.connect(endpoint_of(*server));
  const auto start = SystemClock().now();
  server.reset();
  CHECK(SystemClock().now() - start < 1s);
}

TEST_CASE("signals are left to the main thread") {
  Server server(on("127.0.0.1:0"), router());
  server.start();
  CHECK(http_get(server.url(), "/mask", kPatience).body == "blocked");
  CHECK(signal_mask() == "free");
}

TEST_CASE(
    "without descriptors the server serves those it has, and the others when there are some "
    "again") {
#if defined(__SANITIZE_ADDRESS__)
  MESSAGE("not under these sanitizers: their check of a vptr needs a descriptor of its own");
  return;
#endif
  Server server(on("127.0.0.1:0"), router());
  server.start();
  boost::asio::io_context context;
  tcp::socket present(context);
  present.connect(endpoint_of(server));
  REQUIRE(status_line_of("GET /mask HTTP/1.1\r\nHost: localhost\r\n\r\n", present) ==
          "HTTP/1.1 200 OK");
  tcp::socket late(context, tcp::v4());
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int next = ::dup(0);
  ::close(next);
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  late.connect(endpoint_of(server));
  CHECK(status_line_of("HEAD /mask HTTP/1.1\r\nHost: localhost\r\n\r\n", present) ==
        "HTTP/1.1 200 OK");
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(status_line_of("GET /mask HTTP/1.0\r\n\r\n", late) == "HTTP/1.1 200 OK");
}

}  // namespace server_life_test
