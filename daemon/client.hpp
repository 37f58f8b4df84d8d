// Requests to the control API of a daemon: what every subcommand of `faultlun` but `serve` is made
// of.  Plain sockets; time and sizes are bounded.
#pragma once

#include "daemon/http_decoder.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faultlun::daemon {

struct HttpRequest {
  std::string control;  ///< "http://HOST:PORT", "HOST:PORT", "[v6]:PORT" or "unix:PATH"
  std::string path;     ///< starts with '/'; with the query, both percent-encoded
  std::string method = "GET";
  std::string body{};
  std::string token{};                                         ///< sent when there is one
  std::vector<std::pair<std::string, std::string>> headers{};  ///< besides those of every request
};

struct HttpAnswer {
  unsigned status = 0;
  std::string body{};
  std::map<std::string, std::string> headers{};  ///< by lower-case name
};

/// One request and its whole answer.  `timeout` is for the whole exchange, except that looking up a
/// host name takes what it takes; an address needs no look-up.  An answer that is an error is an
/// answer.  Throws std::runtime_error that names the daemon, the reason and the remedy.
HttpAnswer http_request(const HttpRequest& request, std::chrono::milliseconds timeout);

/// As http_request() for an answer of any length, such as a journal that goes on: hands each line
/// of a 200 to `on_line`, without its end, until that says false or the answer ends.  `timeout` is
/// for the header; then the lines take what they take.  A line has kMaxAnswerBytes at most.  The
/// body of another status is in the answer.
HttpAnswer http_lines(const HttpRequest& request, std::chrono::milliseconds timeout,
                      const std::function<bool(std::string_view line)>& on_line);

HttpAnswer http_get(const std::string& control, const std::string& path,
                    std::chrono::milliseconds timeout, const std::string& token = {});

/// For a part of a path, or a key or value of a query.
std::string percent_encode(std::string_view text);

}  // namespace faultlun::daemon
