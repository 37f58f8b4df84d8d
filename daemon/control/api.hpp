// The routes of the control API and what they need of the daemon.
#pragma once

#include "config/json.hpp"
#include "config/problems.hpp"
#include "daemon/control/routes.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace faultlun::daemon::control {

/// Every function is called on the control thread, so each must be safe beside the other threads,
/// and answer while they hang.
struct ApiContext {
  std::string version;
  std::uint64_t seed = 0;
  std::function<std::chrono::microseconds()> uptime;
  std::function<std::string()> metrics;  ///< Prometheus text exposition
  std::function<Answer()> sessions;
  std::function<config::Json()> targets;
  std::function<config::Json()> config;  ///< config::dump() of the configuration in force
  /// An object of JSON Schemas by name, for the rows of `more`; may be missing.  Asked once.
  std::function<config::Json()> schemas;
};

/// The table: the routes below, `more`, and GET /v1/routes and /v1/openapi.json, which list them
/// all. Throws std::logic_error when a function of the context is missing, or a row is wrong.
std::vector<Route> api_routes(ApiContext context, std::vector<Route> more = {});

/// Each with its path, reason and remedy, and its line where it is known.
config::Json problems_to_json(const std::vector<config::Problem>& problems);
/// 400 with every problem, of which there is one at least; `left_out` more are only counted.
Response problems_response(const std::vector<config::Problem>& problems, std::size_t left_out);
Response problems_response(const config::Problems& problems);

/// The value as a body, in UTF-8 whatever the strings in it hold, with a newline.
Response json_response(const config::Json& value, unsigned status = 200);

}  // namespace faultlun::daemon::control
