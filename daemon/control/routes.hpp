// THE route table of the control API: method, path pattern, handler, and what documents the row
// (served as help and as OpenAPI).
#pragma once

#include "daemon/control/deferred.hpp"
#include "daemon/control/message.hpp"
#include "daemon/control/parameters.hpp"
#include "daemon/control/stream.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace faultlun::daemon::control {

inline constexpr std::size_t kMaxBodyBytes = 1024 * 1024;           ///< unless the row says more
inline constexpr std::size_t kMostMaxBodyBytes = 16 * 1024 * 1024;  ///< that a row may say

/// Nothing when a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// At once, while it is sent, or later.
using Answer = std::variant<Response, Stream, std::shared_ptr<Deferred>>;

/// One way in which a row answers well; every row may answer with an error ("Problem") as well.
struct Reply {
  unsigned status = 200;
  std::string description;
  std::string schema{};  ///< name of a component schema; "": any content, or none with 204
  std::string content_type = "application/json";
};

/// The first four make a row; the rest has defaults.
struct Route {
  std::string method;   ///< a GET row answers HEAD as well
  std::string pattern;  ///< "/v1/sessions/{tsih}"; a {name} part stands for one part, not empty
  std::string summary;
  std::function<Answer(const Request&)> handler;
  std::string tag{};                    ///< default: the first part of the path behind "v1"
  std::string operation_id{};           ///< default: "get_sessions_tsih"
  std::vector<Parameter> parameters{};  ///< parts of the path need to be here for more than a name
  std::string request_schema{};         ///< name of a component schema; "": takes no body
  std::vector<Reply> replies{};         ///< default: {200, "ok"}
  std::size_t max_body_bytes = kMaxBodyBytes;
  bool is_essential = false;  ///< served over the limits of rate and connections as well
  bool needs_token = true;
};

bool is_path_parameter(std::string_view part);  ///< "{name}"
/// "/v1/luns/3" into "v1", "luns", "3".  A trailing '/' makes an empty last part.
std::vector<std::string_view> path_parts(std::string_view path);

/// Handlers run on the control thread and must not block it: what has to wait is a Deferred.
class Router {
 public:
  /// Fills in the defaults of the rows.  Throws std::logic_error when two rows have the same method
  /// and pattern, or the same operation id, or a row has no handler, no pattern that starts with
  /// '/', a path parameter that is not in its pattern, or too large a body.
  explicit Router(std::vector<Route> routes);
  const std::vector<Route>& routes() const { return routes_; }
  /// The row that dispatch() would ask, if any.
  const Route* find(std::string_view method, std::string_view path) const;
  /// 404 for an unknown path (naming the nearest there are), 405 for a known path with another
  /// method (naming those there are, in the Allow header too), 400 for bad percent-encoding and for
  /// parameters that the row does not know or that have another type, 500 with the text of an
  /// exception.  Of several patterns that fit, the one with the fewest {name} parts is meant.
  Answer dispatch(Request request) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace faultlun::daemon::control
