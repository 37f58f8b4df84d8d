// Text to a Config that the daemon can start from, or every error found.  The only door from
// outside: types, ranges, unknown and repeated keys (read.hpp), then what does not fit together
// (validate.hpp).  Secrets come afterwards (secrets.hpp).
#pragma once

#include "config/model.hpp"
#include "config/problems.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::config {

struct LoadResult {
  std::optional<Config> config;   ///< exactly when there are no errors
  std::vector<Problem> errors;    ///< in the order of their lines
  std::vector<Problem> warnings;  ///< surprising, but it works
  std::size_t errors_left_out = 0;
};

LoadResult load(std::string_view text);
/// Reads the file, too; that it cannot be read is an error like the others.
LoadResult load_file(const std::string& path);

/// What runs without a configuration: the lab target of the contract.
Config default_config();

}  // namespace faultlun::config
