// A client for the tests of the control API's server: it sends what it is told, octet by octet.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace faultlun::daemon::control {

constexpr std::chrono::milliseconds kPatience{5000};  ///< until a test gives up on the server

struct Received {
  unsigned status = 0;
  std::string header, body;
  bool is_whole = true;  ///< a body in chunks came to its end

  bool has(const std::string& field) const {
    return header.find("\r\n" + field + "\r\n") != std::string::npos;
  }
};

class Peer {
 public:
  explicit Peer(const std::string& url, int receive_buffer_bytes = 0) {
    const auto colon = url.rfind(':');
    auto host = url.substr(7, colon - 7);
    if (host == "0.0.0.0") host = "127.0.0.1";
    const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1)));
    boost::asio::ip::tcp::socket socket(context_, boost::asio::ip::tcp::v4());
    if (receive_buffer_bytes > 0)
      socket.set_option(boost::asio::socket_base::receive_buffer_size(receive_buffer_bytes));
    socket.connect({boost::asio::ip::make_address(host), port});
    fd_ = socket.release();
  }
  ~Peer() { ::close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void half_close() { ::shutdown(fd_, SHUT_WR); }

  /// False when the server does not take it any more.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// The header of the next answer; status 0 when the connection ends or nothing comes.
  Received receive_header() {
    Received answer;
    std::size_t end = 0;
    while ((end = held_.find("\r\n\r\n")) == std::string::npos)
      if (!read_some()) return answer;
    answer.header = held_.substr(0, end + 2);
    held_.erase(0, end + 4);
    answer.status = static_cast<unsigned>(std::stoul(answer.header.substr(9, 3)));
    return answer;
  }

  /// The next chunk of a body; "" for the last one, and when the connection ends.
  std::string receive_chunk() {
    const auto line = take_until("\r\n");
    if (line.empty()) return {};
    const std::size_t size = std::stoul(line, nullptr, 16);
    was_last_ = size == 0;
    while (held_.size() < size + 2)
      if (!read_some()) return {};
    auto chunk = held_.substr(0, size);
    held_.erase(0, size + 2);
    return chunk;
  }

  /// The next answer; status 0 when the connection ends or nothing comes.
  Received receive(bool is_head = false) {
    auto answer = receive_header();
    if (is_head) return answer;
    if (answer.has("Transfer-Encoding: chunked")) {
      was_last_ = false;
      for (auto chunk = receive_chunk(); !chunk.empty(); chunk = receive_chunk())
        answer.body += chunk;
      answer.is_whole = was_last_;
      return answer;
    }
    std::size_t length = 0;
    const std::string key = "Content-Length: ";
    if (const auto at = answer.header.find(key); at != std::string::npos)
      length = std::stoul(answer.header.substr(at + key.size()));
    while (held_.size() < length)
      if (!read_some()) return {};
    answer.body = held_.substr(0, length);
    held_.erase(0, length);
    return answer;
  }

  Received call(std::string_view request) {
    CHECK(send(request));
    return receive();
  }
  static std::string get_of(const std::string& path, const std::string& fields = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
  }
  Received get(const std::string& path, const std::string& fields = "") {
    return call(get_of(path, fields));
  }

  /// Whether the server closes the connection, sending nothing more.
  bool is_closed() {
    while (read_some()) {
    }
    return is_ended_ && held_.empty();
  }
  /// Everything until the server closes.
  std::size_t drain() {
    while (read_some()) {
    }
    return held_.size();
  }

 private:
  std::string take_until(std::string_view mark) {
    std::size_t end = 0;
    while ((end = held_.find(mark)) == std::string::npos)
      if (!read_some()) return {};
    auto text = held_.substr(0, end);
    held_.erase(0, end + mark.size());
    return text;
  }

  bool read_some() {
    pollfd one{fd_, POLLIN, 0};
    if (is_ended_ || ::poll(&one, 1, static_cast<int>(kPatience.count())) <= 0) return false;
    char octets[65536];
    const auto got = ::recv(fd_, octets, sizeof octets, 0);
    is_ended_ = got <= 0;
    if (got > 0) held_.append(octets, static_cast<std::size_t>(got));
    return got > 0;
  }

  boost::asio::io_context context_;
  int fd_;
  bool is_ended_ = false;
  bool was_last_ = false;
  std::string held_;
};

inline std::string request_of(const std::string& method, const std::string& path,
                              const std::string& body, const std::string& fields = "") {
  return method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string post(const std::string& path, const std::string& body,
                        const std::string& fields = "") {
  return request_of("POST", path, body, fields);
}

}  // namespace faultlun::daemon::control
