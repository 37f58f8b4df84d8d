// From the JSON tree to the model: types, ranges and keys.  What needs two places to be wrong is
// validate()'s.
#pragma once

#include "config/model.hpp"
#include "config/object.hpp"

#include <cstdint>
#include <vector>

namespace faultlun::config {

struct Reading {
  Config config;
  /// Which element of targets[t].luns made the unit: a range makes several.
  std::vector<std::vector<std::uint32_t>> lun_entries;
};

/// Problems go to the value's collector.  What could not be read has its default, an empty text or
/// an impossible number, and a problem.
Reading read_config(const Value& root);

/// "127.0.0.1:8326", "[::1]:8326" or "unix:/run/faultlun.sock" into `control`; otherwise the reason
/// and the remedy.
std::string read_control_address(std::string_view text, Control& control);
std::string control_address_text(const Control& control);

/// The lab target of the contract: a portal on loopback and one RAM disk of 1 GiB.
Portal default_portal();
Target default_target();

}  // namespace faultlun::config
