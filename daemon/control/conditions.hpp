// Conditional requests: entity tags and what If-Match and If-None-Match ask of them.
// RFC 9110 §8.8.3, §13.  Pure.
#pragma once

#include "daemon/control/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faultlun::daemon::control {

/// A strong tag of what is counted at every change: "\"r17\"".
std::string etag_of(std::uint64_t revision);
/// A strong tag of a representation, from its octets.
std::string etag_of(std::string_view body);

/// Whether the request may go on, given the tag of what is there now ("": nothing is there).
/// Otherwise the answer: 412 that names the tag there is (in ETag, too), 304 for a GET or HEAD
/// whose If-None-Match holds it, 400 when a field holds no tags.
std::optional<Response> check_conditions(const Request& request, const std::string& current_etag);

}  // namespace faultlun::daemon::control
