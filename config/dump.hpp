// The configuration as JSON with every default written out: load(dump_text(c)) equals c.  Names of
// secret files appear, secrets never do.
#pragma once

#include "config/json.hpp"
#include "config/model.hpp"

#include <string>

namespace faultlun::config {

Json dump(const Config& config);
/// Indented, with a newline at the end.
std::string dump_text(const Config& config);

}  // namespace faultlun::config
