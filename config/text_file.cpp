#include "config/text_file.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace faultlun::config {

FileText read_text_file(const std::string& path, std::size_t most) {
  FileText out;
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (std::filesystem::is_directory(status)) {
    out.error = "is a directory; name a file";
    return out;
  }
  out.others_may_read =
      !problem && std::filesystem::is_regular_file(status) &&
      (status.permissions() & std::filesystem::perms::others_read) != std::filesystem::perms::none;
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    out.error =
        "cannot be opened: " + std::generic_category().message(errno == 0 ? ENOENT : errno) +
        "; check the name and that this user may read it";
    return out;
  }
  char piece[4096];
  while (out.text.size() <= most && (in.read(piece, sizeof piece) || in.gcount() > 0))
    out.text.append(piece, static_cast<std::size_t>(in.gcount()));
  if (in.bad()) {
    out.error = "cannot be read: " + std::generic_category().message(errno == 0 ? EIO : errno) +
                "; check the disk it is on";
    return out;
  }
  if (out.text.size() > most)
    out.error = "has more than " + std::to_string(most) + " bytes; use a smaller file";
  return out;
}

}  // namespace faultlun::config
