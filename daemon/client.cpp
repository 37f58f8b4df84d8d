#include "daemon/client.hpp"

#include "config/endpoint.hpp"
#include "daemon/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
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

/// Appends what has arrived, waiting for it until the patience ends, or for ever without any. False
/// at the end of the connection.
bool receive_some(const Place& place, const Descriptor& socket, const Patience* patience,
                  std::string& octets) {
  octets.resize(kReadBytes);
  while (true) {
    if (patience && !patience->wait(socket.number(), POLLIN))
      throw std::runtime_error("the daemon at " + place.name + " did not answer within " +
                               patience->text());
    if (!patience) {
      pollfd one{socket.number(), POLLIN, 0};
      ::poll(&one, 1, -1);
    }
    const auto got = ::recv(socket.number(), octets.data(), octets.size(), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) continue;
    if (got < 0) unreachable(place, reason(errno));
    octets.resize(static_cast<std::size_t>(got));
    return got > 0;
  }
}

/// Nobody may smuggle a field, or a second request, in through a value.
void refuse_line_breaks(const HttpRequest& request) {
  const auto check = [](std::string_view what, std::string_view value) {
    if (value.find_first_of("\r\n") != std::string_view::npos)
      throw std::runtime_error(std::string(what) + " has a line break in it; write it in one line");
  };
  check("the token", request.token);
  check("the path", request.path);
  for (const auto& [name, value] : request.headers)
    check("the header " + name, value);
}

std::string text_of(const HttpRequest& request, const Place& place) {
  std::string text = request.method + " " + request.path + " HTTP/1.1\r\nHost: " + place.host +
                     "\r\nConnection: close\r\n";
  if (!request.token.empty()) text += "Authorization: Bearer " + request.token + "\r\n";
  for (const auto& [name, value] : request.headers)
    text.append(name).append(": ").append(value).append("\r\n");
  if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD"))
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

/// A request on its way, and its answer as it comes in.
class Exchange {
 public:
  Exchange(const HttpRequest& request, std::chrono::milliseconds timeout, std::size_t most_bytes)
      : place_(parse_place(request.control)),
        patience_(timeout),
        decoder_(request.method != "HEAD", most_bytes) {
    refuse_line_breaks(request);
    socket_ =
        place_.unix_path.empty() ? connect_tcp(place_, patience_) : connect_unix(place_, patience_);
    if (!send_all(socket_, text_of(request, place_), patience_))
      throw std::runtime_error("the daemon at " + place_.name +
                               " did not take the request within " + patience_.text());
  }

  HttpDecoder& decoder() { return decoder_; }

  /// Some more of the answer, in time or whenever it comes.
  void advance(bool is_patient = false) {
    const bool more = receive_some(place_, socket_, is_patient ? nullptr : &patience_, octets_);
    const auto problem = more ? decoder_.feed(octets_) : decoder_.end();
    if (!problem.empty()) garbled(place_, problem);
  }

  [[noreturn]] void refuse(const std::string& why) { garbled(place_, why); }

  HttpAnswer answer() {
    while (!decoder_.is_whole())
      advance();
    return {decoder_.status(), decoder_.take_body(), decoder_.headers()};
  }

 private:
  Place place_;
  Patience patience_;
  Descriptor socket_;
  HttpDecoder decoder_;
  std::string octets_;
};

/// Hands out the lines that are whole and keeps the rest; false when the reader has enough.
bool hand_out(std::string& text, const std::function<bool(std::string_view)>& on_line) {
  std::size_t start = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    if (!on_line(std::string_view(text).substr(start, end - start))) return false;
    start = end + 1;
  }
  text.erase(0, start);
  return true;
}

}  // namespace

HttpAnswer http_request(const HttpRequest& request, std::chrono::milliseconds timeout) {
  return Exchange(request, timeout, kMaxAnswerBytes).answer();
}

HttpAnswer http_lines(const HttpRequest& request, std::chrono::milliseconds timeout,
                      const std::function<bool(std::string_view line)>& on_line) {
  Exchange exchange(request, timeout, std::numeric_limits<std::size_t>::max());
  auto& decoder = exchange.decoder();
  while (!decoder.has_header())
    exchange.advance();
  std::string text;
  while (true) {
    text += decoder.take_body();
    if (decoder.status() == 200 && !hand_out(text, on_line)) break;
    if (text.size() > kMaxAnswerBytes)
      exchange.refuse("a line is longer than " + std::to_string(kMaxAnswerBytes) + " bytes");
    if (decoder.is_whole()) {
      if (decoder.status() == 200 && !text.empty()) on_line(std::exchange(text, {}));
      break;
    }
    exchange.advance(decoder.status() == 200);
  }
  return {decoder.status(), decoder.status() == 200 ? std::string{} : text, decoder.headers()};
}

HttpAnswer http_get(const std::string& control, const std::string& path,
                    std::chrono::milliseconds timeout, const std::string& token) {
  HttpRequest request;
  request.control = control;
  request.path = path;
  request.token = token;
  return http_request(request, timeout);
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kPlain = "-._~";
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool is_alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const auto octet = static_cast<unsigned char>(c);
    if (is_alphanumeric || kPlain.find(c) != std::string_view::npos)
      out += c;
    else
      out.append({'%', kDigits[octet >> 4], kDigits[octet & 15]});
  }
  return out;
}

}  // namespace faultlun::daemon
