// The control API's HTTP server: Beast on a thread of its own, so that it answers while everything
// else hangs.  Loopback or a UNIX socket by default; sizes, times and the number of connections are
// bounded.
#pragma once

#include "daemon/control/routes.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace faultlun::daemon::control {

struct ServerOptions;

class Server {
 public:
  /// Over: one that is idle for kIdleGrace makes room, else 503.
  static constexpr std::size_t kMaxConnections = 64;
  /// Connections over the limit at a time, each for one request: essential routes are answered, all
  /// others with 503.  Over: closed.
  static constexpr std::size_t kMaxOverLimit = 16;
  static constexpr std::chrono::milliseconds kIdleGrace = std::chrono::seconds(1);
  static constexpr std::size_t kMaxStreams = 16;  ///< at a time; over: 503
  /// From the request line to the empty line, and with it; over: 431.
  static constexpr std::size_t kMaxHeaderBytes = 8192;
  /// Over: 413.  A route may say more, up to kMostMaxBodyBytes.
  static constexpr std::size_t kMaxBodyBytes = control::kMaxBodyBytes;
  static constexpr int kRequestSeconds = 10;  ///< from its first byte to its last; over: 408
  static constexpr std::uint32_t kRequestsPerSecond = 2000;  ///< of all clients; over: 429
  static constexpr std::uint32_t kRequestBurst = 4000;       ///< after a rest

  /// Binds; throws std::runtime_error naming the address, the reason and the remedy.  `routes` must
  /// outlive the server.
  Server(ServerOptions options, const Router& routes);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Once, and not after stop().
  void start();
  /// Closes every connection and ends the thread, at once unless a handler runs; not from a
  /// handler.
  void stop();
  /// From any thread: the job is done on the control thread, between requests.  What is posted
  /// before stop() is done before it returns.
  void post(std::function<void()> job);
  /// On the control thread: the job is done there when the time has passed, instead of the one that
  /// was asked for before; never when the server stops first.
  void set_alarm(std::chrono::nanoseconds time, std::function<void()> job);
  /// "http://127.0.0.1:8326" with the real port, or "unix:/run/faultlun.sock".
  std::string url() const;

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

struct ServerOptions {
  std::string listen = "127.0.0.1:8326";  ///< "ADDR:PORT", "[v6]:PORT" or "unix:PATH"
  std::string token{};                    ///< bearer token; empty: none needed
  /// For a request to arrive, for an answer to leave, and for a connection to lie idle between
  /// them.
  /// A stream's reader has it anew whenever it takes something.
  std::chrono::milliseconds request_time = std::chrono::seconds(Server::kRequestSeconds);
  /// Of silence, before a comment shows that a stream of events lives.
  std::chrono::milliseconds keep_alive_time = std::chrono::seconds(15);
  std::uint32_t requests_per_second = Server::kRequestsPerSecond;
  std::uint32_t request_burst = Server::kRequestBurst;
};

}  // namespace faultlun::daemon::control
