// A LUN, or a range of LUNs, as JSON: 7, "7" or "2-54".
#pragma once

#include "config/object.hpp"

#include <cstdint>
#include <optional>

namespace faultlun::config {

struct LunRange {
  std::uint16_t first = 0, last = 0;
  friend bool operator==(const LunRange&, const LunRange&) = default;
};

std::optional<LunRange> read_lun_range(const Value& value);

}  // namespace faultlun::config
