// Text to a JSON tree, with what nlohmann's own parser leaves out: a key given twice is an error,
// and depth, key length and keys per object are limited.  The same function reads files and HTTP
// bodies.
#pragma once

#include "config/problems.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string_view>

namespace faultlun::config {

using Json = nlohmann::ordered_json;

inline constexpr std::size_t kMaxTextBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxDepth = 32;  ///< objects and arrays within each other
inline constexpr std::size_t kMaxKeyBytes = 100;
inline constexpr std::size_t kMaxKeysPerObject =
    128;  ///< no object of ours has more than half as many

/// Fills `out` and is true when the text is one JSON value; otherwise `problems` says where and why
/// it is not.  After a duplicate key the tree is whole (the first value counts), so that the reader
/// can find the other errors as well.
bool parse_json(std::string_view text, Json& out, Problems& problems);

/// Gives every problem without a line the line of the value it names, or of the nearest one around
/// it, and sorts them by line.
void locate(std::string_view text, Problems& problems);

}  // namespace faultlun::config
