// THE route table of the control API: method, path pattern, handler, one line of documentation
// (served as help).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faultlun::daemon::control {

struct Request {
  std::string method;  ///< "GET"
  std::string path;    ///< "/v1/sessions", still percent-encoded, without the query
  std::map<std::string, std::string> query;       ///< decoded
  std::map<std::string, std::string> parameters;  ///< decoded, from {name} parts of the pattern
  std::string body;
};

struct Response {
  unsigned status = 200;
  std::string body{};
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers{};  ///< besides those of every answer
};

/// {"error":{"message":…}} with a status.
Response problem(unsigned status, std::string_view message);

/// Nothing when a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

struct Route {
  std::string method;   ///< a GET row answers HEAD as well
  std::string pattern;  ///< "/v1/sessions/{tsih}"; a {name} part stands for one part, not empty
  std::string summary;
  std::function<Response(const Request&)> handler;
};

/// Handlers run on the control thread.
class Router {
 public:
  /// Throws std::logic_error when two rows have the same method and pattern, or a row has no
  /// handler or no pattern that starts with '/'.
  explicit Router(std::vector<Route> routes);
  const std::vector<Route>& routes() const { return routes_; }
  /// 404 for an unknown path (naming the nearest there are), 405 for a known path with another
  /// method (naming those there are, in the Allow header too), 400 for bad percent-encoding, 500
  /// with the text of an exception.  Of several patterns that fit, the one with the fewest {name}
  /// parts is meant.
  Response dispatch(Request request) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace faultlun::daemon::control
