#include "daemon/client.hpp"

#include "daemon/clock.hpp"
#include "daemon/control/http.hpp"
#include "daemon/log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace client_test {

using namespace faultlun::daemon;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;

namespace {

constexpr auto kPatience = 5s;

/// A peer that takes one request and answers with octets of the test's choice.
class Impostor {
 public:
  explicit Impostor(std::string answer, bool stays = false)
      : acceptor_(context_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
        thread_([this, answer = std::move(answer), stays] { serve(answer, stays); }) {}
  ~Impostor() { thread_.join(); }
  Impostor(const Impostor&) = delete;
  Impostor& operator=(const Impostor&) = delete;

  std::string address() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

 private:
  /// Until the client leaves, when it stays.
  void serve(const std::string& answer, bool stays) {
    boost::system::error_code error;
    tcp::socket socket(context_);
    acceptor_.accept(socket, error);
    std::string request;
    boost::asio::read_until(socket, boost::asio::dynamic_buffer(request), "\r\n\r\n", error);
    boost::asio::write(socket, boost::asio::buffer(answer), error);
    char octet = 0;
    if (stays) socket.read_some(boost::asio::buffer(&octet, 1), error);
  }

  boost::asio::io_context context_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

HttpAnswer answer_to(const std::string& octets) {
  const Impostor impostor(octets);
  return http_get(impostor.address(), "/", kPatience);
}

/// The message of the exception.
std::string failure(const std::string& control, std::chrono::milliseconds timeout = kPatience) {
  try {
    (void)http_get(control, "/", timeout);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

std::string failure_after(const std::string& octets) {
  const Impostor impostor(octets);
  return failure(impostor.address());
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A real server with one route, which says how it was called.
class RealServer {
 public:
  explicit RealServer(const std::string& listen, const std::string& token = {})
      : router_({{"GET", "/v1/where/{id}", "test",
                  [](const control::Request& request) {
                    control::Response response;
                    response.body = request.parameters.at("id");
                    return response;
                  }}}),
        server_(with(listen, token), router_) {
    server_.start();
  }
  std::string url() const { return server_.url(); }

 private:
  static control::ServerOptions with(const std::string& listen, const std::string& token) {
    log::set_level("off");
    control::ServerOptions options;
    options.listen = listen;
    options.token = token;
    return options;
  }

  control::Router router_;
  control::Server server_;
};

/// A port that nobody listens on, at least a moment ago.
std::string free_address() {
  boost::asio::io_context context;
  const tcp::acceptor acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  return "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
}

}  // namespace

TEST_CASE("the client gets status and body from the url that the server gives") {
  const RealServer server("127.0.0.1:0");
  const auto answer = http_get(server.url(), "/v1/where/here", kPatience);
  CHECK(answer.status == 200);
  CHECK(answer.body == "here");
}

TEST_CASE("the client takes an address without a scheme, a host name, and a slash at the end") {
  const RealServer server("127.0.0.1:0");
  const std::string address = server.url().substr(7);
  const std::string port = address.substr(address.rfind(':'));
  const std::vector<std::string> spellings = {address, server.url() + "/", "localhost" + port,
                                              "http://localhost" + port};
  for (const auto& control : spellings) {
    CAPTURE(control);
    CHECK(http_get(control, "/v1/where/x", kPatience).body == "x");
  }
}

TEST_CASE("the client reaches a server on every address by the url that it gives") {
  const RealServer server("0.0.0.0:0");
  CHECK(http_get(server.url(), "/v1/where/x", kPatience).status == 200);
}

TEST_CASE("the client reaches a UNIX socket") {
  std::string name = (std::filesystem::temp_directory_path() / "faultlun-client-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  {
    const RealServer server("unix:" + name + "/s");
    CHECK(http_get(server.url(), "/v1/where/x", kPatience).body == "x");
  }
  CHECK(contains(failure("unix:" + name + "/s"),
                 "No such file or directory; is `faultlun serve` running? use --control"));
  std::filesystem::remove(name);
}

TEST_CASE("an answer that is an error is an answer") {
  const RealServer server("127.0.0.1:0");
  CHECK(http_get(server.url(), "/v1/nowhere", kPatience).status == 404);
}

TEST_CASE("the client sends its token") {
  const RealServer server("127.0.0.1:0", "s3cret");
  CHECK(http_get(server.url(), "/v1/where/x", kPatience).status == 401);
  CHECK(http_get(server.url(), "/v1/where/x", kPatience, "s3cret").status == 200);
}

TEST_CASE("a daemon that is not there is named with a remedy") {
  const std::string address = free_address();
  CHECK(failure("http://" + address) ==
        "cannot reach the daemon at " + address +
            ": Connection refused; is `faultlun serve` running? use --control");
}

TEST_CASE("a daemon that does not answer is given up in time") {
  const Impostor impostor("HTTP/1.1 200 OK\r\n", true);
  const auto start = SystemClock().now();
  CHECK(failure(impostor.address(), 100ms) ==
        "the daemon at " + impostor.address() + " did not answer within 100 ms");
  CHECK(SystemClock().now() - start < 2s);
}

TEST_CASE("what is no control address is refused with what one looks like") {
  for (const char* control :
       {"", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x", "https://127.0.0.1:8326", "http://",
        "::1:80", "http://127.0.0.1:8326/v1"}) {
    CAPTURE(std::string(control));
    CHECK(failure(control).ends_with(
        "\" is no control address; write http://HOST:PORT, HOST:PORT or unix:PATH"));
  }
}

TEST_CASE("the path of a UNIX socket is neither empty nor too long for the client") {
  CHECK(contains(failure("unix:"), "the path has 1 to 107 bytes"));
  CHECK(contains(failure("unix:/" + std::string(107, 'x')), "the path has 1 to 107 bytes"));
}

TEST_CASE("a body without a length ends with the connection") {
  CHECK(answer_to("HTTP/1.0 200 OK\r\n\r\nabc").body == "abc");
  CHECK(answer_to("HTTP/1.0 204\r\n\r\n").status == 204);
}

TEST_CASE("a body with a length ends there, whatever follows") {
  const Impostor impostor("HTTP/1.1 200 OK\r\ncontent-length:  2 \r\n\r\nabc", true);
  CHECK(http_get(impostor.address(), "/", kPatience).body == "ab");
}

TEST_CASE("a body that ends too early is an error") {
  CHECK(contains(failure_after("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"),
                 "it ends too early"));
  CHECK(contains(failure_after("HTTP/1.1 200 OK\r\nContent-"), "it ends too early"));
  CHECK(contains(failure_after(""), "it ends too early"));
}

TEST_CASE("what is not HTTP is an error that asks for the right address") {
  for (const char* octets : {"SSH-2.0-x\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
                             "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "\r\n\r\n"}) {
    CAPTURE(std::string(octets));
    CHECK(contains(failure_after(octets),
                   "it is not HTTP; is it the control API of a faultlun daemon? use --control"));
  }
}

TEST_CASE("a field without a colon, a length that is none and a transfer encoding are errors") {
  for (const char* field : {"nothing", "Content-Length: x", "Content-Length: -1",
                            "Content-Length: 1\r\nContent-Length: 2",
                            "Content-Length: 99999999999999999999", "Transfer-Encoding: chunked"}) {
    CAPTURE(std::string(field));
    CHECK(contains(failure_after(std::string("HTTP/1.1 200 OK\r\n") + field + "\r\n\r\nab"),
                   "is not understood"));
  }
}

TEST_CASE("a header of 16 KiB is read, one byte more is an error") {
  const std::string start = "HTTP/1.1 200 OK\r\nX: ";
  const std::string field(kMaxAnswerHeaderBytes - start.size(), 'x');
  CHECK(answer_to(start + field + "\r\n\r\n").status == 200);
  CHECK(contains(failure_after(start + field + "x\r\n\r\n"), "its header is too long"));
  CHECK(contains(failure_after(start + field + "xxxxxxxx"), "its header is too long"));
}

TEST_CASE("an answer of 16 MiB is read, one byte more is an error") {
  const std::string header = "HTTP/1.1 200 OK\r\n\r\n";
  const std::string body(kMaxAnswerBytes - header.size(), 'x');
  CHECK(answer_to(header + body).body.size() == body.size());
  CHECK(contains(failure_after(header + body + "x"), "longer than 16777216 bytes"));
}

TEST_CASE("a length of more than 16 MiB is an error before the body comes") {
  CHECK(contains(failure_after("HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n"),
                 "longer than 16777216 bytes"));
}

namespace {

/// A server that shows what it was sent, and streams.
class ShowServer {
 public:
  ShowServer() : server_(options(), router_) { server_.start(); }
  std::string url() const { return server_.url(); }

 private:
  static control::ServerOptions options() {
    log::set_level("off");
    control::ServerOptions options;
    options.listen = "127.0.0.1:0";
    return options;
  }
  static control::Answer show(const control::Request& request) {
    control::Response response;
    response.status = 201;
    response.body = request.method + " " + request.body + " " +
                    std::string(request.header("if-match")) + " " + request.parameters.at("id");
    response.headers.emplace_back("ETag", "\"r8\"");
    return response;
  }
  static control::Answer count(const control::Request& request) {
    control::Stream stream;
    stream.next = [n = std::uint64_t{0},
                   most = control::number(request, "n")](control::Record& record) mutable {
      if (n == most) return control::Pull::end;
      record.data = std::to_string(n++);
      return control::Pull::record;
    };
    return stream;
  }
  static control::Route counting() {
    return {.method = "GET",
            .pattern = "/count",
            .summary = "test",
            .handler = count,
            .parameters = {{"n", "how far", control::Parameter::In::query,
                            control::Parameter::Type::integer}}};
  }

  control::Router router_{{{"PUT", "/show/{id}", "test", show}, counting()}};
  control::Server server_;
};

HttpRequest asking(const std::string& control, const std::string& path) {
  HttpRequest request;
  request.control = control;
  request.path = path;
  return request;
}

}  // namespace

TEST_CASE("the client sends method, fields and body, and reads the fields of the answer") {
  const ShowServer server;
  auto request = asking(server.url(), "/show/" + percent_encode("a/b c"));
  request.method = "PUT";
  request.body = "{}";
  request.headers.emplace_back("If-Match", "\"r7\"");
  const auto answer = http_request(request, kPatience);
  CHECK(answer.status == 201);
  CHECK(answer.body == "PUT {} \"r7\" a/b c");
  CHECK(answer.headers.at("etag") == "\"r8\"");
}

TEST_CASE("the client takes a stream whole, when it is not too long") {
  const ShowServer server;
  CHECK(http_request(asking(server.url(), "/count?n=3"), kPatience).body == "0\n1\n2\n");
}

TEST_CASE("the client hands out line by line, for as long as is wanted") {
  const ShowServer server;
  std::vector<std::string> lines;
  const auto collect = [&](std::string_view line) {
    lines.emplace_back(line);
    return lines.size() < 200'000;
  };
  CHECK(http_lines(asking(server.url(), "/count?n=100000"), kPatience, collect).status == 200);
  CHECK(lines.size() == 100'000);
  CHECK(lines.back() == "99999");
  lines.clear();
  CHECK(http_lines(asking(server.url(), "/count"), kPatience, collect).status == 200);
  CHECK(lines.size() == 200'000);
}

TEST_CASE("an error instead of lines is in the answer") {
  const ShowServer server;
  const auto answer = http_lines(asking(server.url(), "/count?n=x"), kPatience,
                                 [](std::string_view) { return true; });
  CHECK(answer.status == 400);
  CHECK(contains(answer.body, "is no number"));
}

TEST_CASE("a last line without its end is a line, a broken answer is an error") {
  std::vector<std::string> lines;
  const auto collect = [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  };
  const Impostor whole("HTTP/1.1 200 OK\r\n\r\na\nb");
  http_lines(asking(whole.address(), "/"), kPatience, collect);
  CHECK(lines == std::vector<std::string>{"a", "b"});
  const Impostor broken("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nc\n\r\n");
  CHECK_THROWS_AS(http_lines(asking(broken.address(), "/"), kPatience, collect),
                  std::runtime_error);
  CHECK(lines.back() == "c");
}

TEST_CASE("a line break in what becomes a header is refused before anything is sent") {
  auto request = asking(free_address(), "/");
  request.headers.emplace_back("If-Match", "x\r\nX-Smuggled: 1");
  CHECK_THROWS_AS(http_request(request, kPatience), std::runtime_error);
  CHECK_THROWS_WITH_AS(http_request(asking(free_address(), "/ HTTP/1.1\r\n"), kPatience),
                       "the path has a line break in it; write it in one line", std::runtime_error);
}

TEST_CASE("percent-encoding leaves only what is plain") {
  CHECK(percent_encode("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encode("a/b c?&=\xff") == "a%2Fb%20c%3F%26%3D%FF");
}

}  // namespace client_test
