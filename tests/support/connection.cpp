#include "tests/support/raw_initiator.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace faultlun::support {

Connection::Connection(const Endpoint& endpoint, int receive_buffer_bytes) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found) !=
      0)
    throw WireError("not an address: " + endpoint.host);
  fd_ = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer_bytes > 0)
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const int result = connect(fd_, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  if (result != 0) {
    const std::string why = std::strerror(errno);
    ::close(fd_);
    fd_ = -1;
    throw WireError("connect: " + why);
  }
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

Connection::~Connection() {
  close();
}
Connection::Connection(Connection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

void Connection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Connection::reset() {
  const linger hard{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close();
}

void Connection::half_close() {
  shutdown(fd_, SHUT_WR);
}

std::size_t Connection::write_some(const Octets& octets, int ms) {
  const std::int64_t deadline = now_ms() + ms;
  std::size_t done = 0;
  while (done < octets.size()) {
    const auto sent = ::send(fd_, octets.data() + done, octets.size() - done, MSG_NOSIGNAL);
    if (sent > 0) {
      done += static_cast<std::size_t>(sent);
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) break;
    const std::int64_t left = deadline - now_ms();
    if (left <= 0) break;
    pollfd ready{fd_, POLLOUT, 0};
    poll(&ready, 1, static_cast<int>(left));
  }
  return done;
}

void Connection::write(const Octets& octets) {
  if (write_some(octets, kPatience) != octets.size())
    throw WireError("the peer closed or does not read");
}

bool Connection::readable(int ms) const {
  pollfd ready{fd_, POLLIN, 0};
  return poll(&ready, 1, ms) > 0;
}

bool Connection::read(std::uint8_t* to, std::size_t length, int ms) {
  const std::int64_t deadline = now_ms() + ms;
  std::size_t done = 0;
  while (done < length) {
    const auto got = recv(fd_, to + done, length - done, 0);
    if (got > 0) {
      done += static_cast<std::size_t>(got);
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      if (done == 0) return false;
      throw WireError("the connection ended inside a PDU");
    }
    const std::int64_t left = deadline - now_ms();
    if (left <= 0) throw WireError("no answer in time");
    readable(static_cast<int>(left));
  }
  return true;
}

bool Connection::closed_within(int ms) {
  const std::int64_t deadline = now_ms() + ms;
  std::uint8_t drop[4096];
  for (;;) {
    const auto got = recv(fd_, drop, sizeof drop, 0);
    if (got == 0) return true;
    if (got < 0 && errno != EAGAIN && errno != EINTR) return true;
    const std::int64_t left = deadline - now_ms();
    if (left <= 0) return false;
    if (got < 0) readable(static_cast<int>(left));
  }
}

}  // namespace faultlun::support
