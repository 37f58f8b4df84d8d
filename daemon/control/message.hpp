// A request as a handler sees it, and the answer it may give at once.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faultlun::daemon::control {

/// The header fields that handlers see; nothing else of a header is their business.
inline constexpr std::string_view kHandlerHeaders[] = {
    "accept", "content-type", "if-match", "if-none-match", "last-event-id",
};

struct Request {
  std::string method{};  ///< "GET"
  std::string path{};    ///< "/v1/sessions", still percent-encoded, without the query
  std::map<std::string, std::string> query{};       ///< decoded; checked against the route's row
  std::map<std::string, std::string> parameters{};  ///< decoded, from {name} parts of the pattern
  /// kHandlerHeaders that were sent, by lower-case name; one given twice is joined with ", ".
  std::map<std::string, std::string> headers{};
  std::string body{};

  /// "" when it was not sent.
  std::string_view header(std::string_view lower_case_name) const;
};

struct Response {
  unsigned status = 200;  ///< 204 and 304 go out without a body
  std::string body{};
  std::string content_type = "application/json";
  /// Besides those of every answer: ETag, Location, Allow …
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// {"error":{"message":…}} with a status.
Response problem(unsigned status, std::string_view message);
/// 204, for a change that has nothing to tell.
Response no_content();

}  // namespace faultlun::daemon::control
