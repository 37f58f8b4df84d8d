// A small file read whole: the configuration, secrets.
#pragma once

#include <cstddef>
#include <string>

namespace faultlun::config {

inline constexpr std::size_t kMaxPathBytes = 4096;

struct FileText {
  std::string text;
  std::string error;             ///< "cannot be opened: No such file or directory; …", or ""
  bool others_may_read = false;  ///< the file's mode lets any user read it
};

/// Any octets, at most `most` of them.
FileText read_text_file(const std::string& path, std::size_t most);

}  // namespace faultlun::config
