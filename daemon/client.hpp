// One GET to the control API of a daemon: for `faultlun healthcheck` and `faultlun status`.
// Plain sockets; time and sizes are bounded.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace faultlun::daemon {

inline constexpr std::size_t kMaxAnswerHeaderBytes = std::size_t{16} * 1024;
inline constexpr std::size_t kMaxAnswerBytes = std::size_t{16} * 1024 * 1024;  ///< header and body

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

/// `control` is "http://HOST:PORT", "HOST:PORT", "[v6]:PORT" or "unix:PATH", as `ready` prints it;
/// `path` starts with '/'; `token` is sent when there is one.  `timeout` is for the whole exchange,
/// except that looking up a host name takes what it takes; an address needs no look-up.
/// Throws std::runtime_error that names the daemon, the reason and the remedy.
HttpAnswer http_get(const std::string& control, const std::string& path,
                    std::chrono::milliseconds timeout, const std::string& token = {});

}  // namespace faultlun::daemon
