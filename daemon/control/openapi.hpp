// The route table as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.0).  Pure.
#pragma once

#include "config/json.hpp"
#include "daemon/control/routes.hpp"

#include <string>
#include <vector>

namespace faultlun::daemon::control {

/// Name of the component schema of every error.
inline constexpr const char* kProblemSchema = "Problem";

/// `routes` are those of a Router, with their defaults; `schemas` is an object of JSON Schemas by
/// name.  Throws std::logic_error naming the row when it uses a schema that is not among them.
config::Json openapi_of(const std::vector<Route>& routes, const std::string& version,
                        config::Json schemas);

}  // namespace faultlun::daemon::control
