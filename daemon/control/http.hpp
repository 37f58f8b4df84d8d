// The control API's HTTP server: Beast on a thread of its own, so that it answers while everything
// else hangs.  Loopback or a UNIX socket by default; sizes, times and the number of connections are
// bounded.
#pragma once

#include "daemon/control/routes.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace faultlun::daemon::control {

struct ServerOptions;

class Server {
 public:
  static constexpr std::size_t kMaxConnections = 64;  ///< over: 503
  /// From the request line to the empty line, and with it; over: 431.
  static constexpr std::size_t kMaxHeaderBytes = 8192;
  static constexpr std::size_t kMaxBodyBytes = 1 << 20;  ///< over: 413
  static constexpr int kRequestSeconds = 10;  ///< from its first byte to its last; over: 408

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
  std::chrono::milliseconds request_time = std::chrono::seconds(Server::kRequestSeconds);
};

}  // namespace faultlun::daemon::control
