#include "daemon/client.hpp"

#include "config/endpoint.hpp"
#include "config/units.hpp"
#include "daemon/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace faultlun::daemon {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kEndOfHeader = "\r\n\r\n";
constexpr std::size_t kReadBytes = std::size_t{16} * 1024;

/// Where the daemon is, and how it is called in messages and in the Host header.
struct Place {
  std::string name;
  std::string host;       ///< for the Host header
  std::string unix_path;  ///< or:
  config::Endpoint endpoint;
};

std::string reason(int number) {
  return std::generic_category().message(number);
}

[[noreturn]] void unreachable(const Place& place, const std::string& why) {
  throw std::runtime_error("cannot reach the daemon at " + place.name + ": " + why +
                           "; is `faultlun serve` running? use --control");
}

[[noreturn]] void garbled(const Place& place, const std::string& why) {
  throw std::runtime_error("the answer from " + place.name + " is not understood: " + why +
                           "; is it the control API of a faultlun daemon? use --control");
}

Place parse_place(const std::string& control) {
  Place place;
  place.name = control;
  if (control.starts_with(kUnix)) {
    place.unix_path = control.substr(kUnix.size());
    place.host = "localhost";
    const std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
    if (place.unix_path.empty() || place.unix_path.size() > longest)
      throw std::runtime_error("\"" + control + "\" is no control address: the path has 1 to " +
                               std::to_string(longest) + " bytes");
    return place;
  }
  std::string_view text = control;
  if (text.starts_with(kHttp)) text.remove_prefix(kHttp.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  // A daemon that listens on every address says so in its `ready` line; Linux takes it for
  // loopback.
  auto parsed = config::parse_listen(text);
  if (!parsed.value) parsed = config::parse_reachable(text);
  if (!parsed.value || parsed.value->port == 0)
    throw std::runtime_error(
        "\"" + control +
        "\" is no control address; write http://HOST:PORT, HOST:PORT or unix:PATH");
  place.endpoint = *parsed.value;
  place.host = config::to_text(place.endpoint);
  place.name = place.host;
  return place;
}

/// A deadline for everything that waits.
class Patience {
 public:
  explicit Patience(std::chrono::milliseconds timeout)
      : timeout_(timeout), until_(SystemClock().now() + timeout) {}

  /// False when the time is up.
  bool wait(int descriptor, short events) const {
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - SystemClock().now());
      pollfd one{descriptor, events, 0};
      const int ready =
          ::poll(&one, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000)));
      if (ready > 0) return true;
      if (ready == 0 && left.count() <= 0) return false;
      if (ready < 0 && errno != EINTR) throw std::runtime_error("poll: " + reason(errno));
    }
  }

  std::string text() const { return std::to_string(timeout_.count()) + " ms"; }

 private:
  std::chrono::milliseconds timeout_;
  TimePoint until_;
};

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  int number() const { return number_; }

 private:
  int number_;
};

/// 0, or the error number.
int connect_one(const sockaddr* address, socklen_t length, const Patience& patience,
                Descriptor& connected) {
  Descriptor socket(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.number() < 0) return errno;
  if (::connect(socket.number(), address, length) != 0) {
    if (errno != EINPROGRESS && errno != EINTR) return errno;
    if (!patience.wait(socket.number(), POLLOUT)) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    if (error != 0) return error;
  }
  connected = std::move(socket);
  return 0;
}

Descriptor connect_unix(const Place& place, const Patience& patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, place.unix_path.data(), place.unix_path.size());
  Descriptor connected;
  const void* octets = &address;
  const int error =
      connect_one(static_cast<const sockaddr*>(octets), sizeof address, patience, connected);
  if (error != 0) unreachable(place, reason(error));
  return connected;
}

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses look_up(const Place& place) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(place.endpoint.port);
  // localhost is loopback even where nothing is configured that could look it up (RFC 6761 §6.3):
  // no name means that here.
  const auto& host = place.endpoint.host;
  const char* name = host == "localhost" ? nullptr : host.c_str();
  const int problem = ::getaddrinfo(name, port.c_str(), &hints, &found);
  if (problem != 0) unreachable(place, ::gai_strerror(problem));
  return {found, &::freeaddrinfo};
}

Descriptor connect_tcp(const Place& place, const Patience& patience) {
  const auto addresses = look_up(place);
  Descriptor connected;
  int error = EADDRNOTAVAIL;
  for (const addrinfo* one = addresses.get(); one && error != 0; one = one->ai_next)
    error = connect_one(one->ai_addr, one->ai_addrlen, patience, connected);
  if (error != 0) unreachable(place, reason(error));
  return connected;
}

/// False when the time is up.  A daemon that closes early may still have answered: reading tells.
bool send_all(const Descriptor& socket, std::string_view text, const Patience& patience) {
  while (!text.empty()) {
    const auto sent = ::send(socket.number(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!patience.wait(socket.number(), POLLOUT)) return false;
    } else if (sent < 0 && errno != EINTR) {
      return true;
    }
  }
  return true;
}

/// An answer as it comes in.
struct Incoming {
  std::string octets;
  std::size_t header = 0;  ///< bytes of it with the empty line, 0: not all here
  unsigned status = 0;
  std::optional<std::size_t> body;  ///< bytes of it, if the header says so

  bool is_whole() const { return header > 0 && body && octets.size() - header >= *body; }
};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

void parse_field(const Place& place, std::string_view line, Incoming& in) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) garbled(place, "a header field without a colon");
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), lower);
  const auto value = trimmed(line.substr(colon + 1));
  if (name == "transfer-encoding")
    garbled(place, "it has a transfer encoding that was not asked for");
  if (name != "content-length") return;
  const auto length = config::parse_decimal(value);
  if (!length || (in.body && *in.body != *length)) garbled(place, "its length is not a number");
  if (*length > kMaxAnswerBytes - in.header)
    garbled(place, "it is longer than " + std::to_string(kMaxAnswerBytes) + " bytes");
  in.body = static_cast<std::size_t>(*length);
}

/// Status line and fields, once they are all here.
void parse_header(const Place& place, Incoming& in) {
  const auto end = in.octets.find(kEndOfHeader);
  if (std::min(end, in.octets.size()) > kMaxAnswerHeaderBytes)
    garbled(place, "its header is too long");
  if (end == std::string::npos) return;
  in.header = end + kEndOfHeader.size();
  std::string_view rest = std::string_view(in.octets).substr(0, end);
  const auto next_line = [&] {
    const auto line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(rest.size(), line.size() + 2));
    return line;
  };
  const auto first = next_line();  // "HTTP/1.1 200 OK"
  const bool is_http = first.starts_with("HTTP/1.") && first.size() >= 12 && first[8] == ' ' &&
                       (first.size() == 12 || first[12] == ' ');
  const auto status = is_http ? config::parse_decimal(first.substr(9, 3)) : std::nullopt;
  if (!status || *status < 200) garbled(place, "it is not HTTP");
  in.status = static_cast<unsigned>(*status);
  while (!rest.empty())
    parse_field(place, next_line(), in);
}

HttpAnswer receive(const Place& place, const Descriptor& socket, const Patience& patience) {
  Incoming in;
  while (!in.is_whole()) {
    if (!patience.wait(socket.number(), POLLIN))
      throw std::runtime_error("the daemon at " + place.name + " did not answer within " +
                               patience.text());
    char octets[kReadBytes];
    const auto got = ::recv(socket.number(), octets, sizeof octets, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) continue;
    if (got < 0) unreachable(place, reason(errno));
    if (got == 0) break;
    in.octets.append(octets, static_cast<std::size_t>(got));
    if (in.header == 0) parse_header(place, in);
    if (in.octets.size() > kMaxAnswerBytes)
      garbled(place, "it is longer than " + std::to_string(kMaxAnswerBytes) + " bytes");
  }
  if (in.header == 0 || (in.body && !in.is_whole())) garbled(place, "it ends too early");
  HttpAnswer answer;
  answer.status = in.status;
  answer.body = in.octets.substr(in.header, in.body.value_or(std::string::npos));
  return answer;
}

}  // namespace

HttpAnswer http_get(const std::string& control, const std::string& path,
                    std::chrono::milliseconds timeout, const std::string& token) {
  const Place place = parse_place(control);
  const Patience patience(timeout);
  const Descriptor socket =
      place.unix_path.empty() ? connect_tcp(place, patience) : connect_unix(place, patience);
  // HTTP/1.0: the body ends with its length or with the connection, never in chunks.
  std::string request = "GET " + path + " HTTP/1.0\r\nHost: " + place.host + "\r\n";
  if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
  request += "\r\n";
  if (!send_all(socket, request, patience))
    throw std::runtime_error("the daemon at " + place.name + " did not take the request within " +
                             patience.text());
  return receive(place, socket, patience);
}

}  // namespace faultlun::daemon
