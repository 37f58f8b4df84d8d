// A directory for the files of one test case; gone with it.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>

namespace faultlun::config::test {

class Scratch {
 public:
  Scratch() {
    std::string form = (std::filesystem::temp_directory_path() / "faultlun-config-XXXXXX").string();
    REQUIRE(::mkdtemp(form.data()));
    root_ = form;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string path(const std::string& name) const { return (root_ / name).string(); }
  /// A file that only its owner may read.
  std::string file(const std::string& name, const std::string& octets) const {
    const std::string where = path(name);
    std::ofstream(where, std::ios::binary) << octets;
    using std::filesystem::perms;
    std::filesystem::permissions(where, perms::owner_read | perms::owner_write);
    return where;
  }

 private:
  std::filesystem::path root_;
};

}  // namespace faultlun::config::test
