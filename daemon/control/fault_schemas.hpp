// The JSON Schemas that the routes of the fault engine name, for the OpenAPI document: those of the
// rule language are made from the tables (config/fault_schema.hpp), those of answers stand here.
#pragma once

#include "config/json.hpp"

namespace faultlun::daemon::control {

/// An object of schemas by name, references within "#/components/schemas/".
config::Json fault_schemas();

}  // namespace faultlun::daemon::control
