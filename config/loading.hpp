// What the loaders of configuration, rules and scenarios end with: the problems they found, and a
// file instead of a text.
#pragma once

#include "config/json.hpp"
#include "config/problems.hpp"
#include "config/text_file.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace faultlun::config {

/// `Load` has `errors` and `errors_left_out`.
template <typename Load>
Load refused(Problems problems) {
  Load out;
  out.errors_left_out = problems.left_out();
  out.errors = std::move(problems.list());
  return out;
}

/// That the file cannot be read is an error like the others.
template <typename Read>
auto load_text_file(const std::string& path, Read read) {
  using Load = decltype(read(std::string_view()));
  const FileText file = read_text_file(path, kMaxTextBytes);
  if (file.error.empty()) return read(std::string_view(file.text));
  Problems problems;
  problems.add("", file.error);
  return refused<Load>(std::move(problems));
}

}  // namespace faultlun::config
