// What needs more than one place to be wrong: names and LUNs given twice, portals that clash,
// groups without a portal, sizes that are no whole number of blocks, a control API open to the
// network without a token.  Pure: no file is opened, no address looked up.
#pragma once

#include "config/model.hpp"
#include "config/problems.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace faultlun::config {

/// The path of unit `position` of target `target`, "targets[0].luns[2]": a range in the file makes
/// several units.
using LunPath = std::function<std::string(std::size_t target, std::size_t position)>;

struct Findings {
  Problems errors, warnings;
};

/// Without `lun_path` the position in the model is taken for the one in the file.
Findings validate(const Config& config, const LunPath& lun_path = {});

/// Why `name` is no iSCSI name (RFC 7143 §4.2.7) and what to do; "" when it is one.
std::string explain_name(std::string_view name);

}  // namespace faultlun::config
