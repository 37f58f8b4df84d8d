#include "config/text_file.hpp"

#include "tests/unit/config/scratch.hpp"

namespace text_file_test {

using namespace faultlun::config;
using faultlun::config::test::Scratch;

TEST_CASE("a file is read octet for octet") {
  Scratch scratch;
  const std::string octets("a\r\n\0\xff", 5);
  CHECK(read_text_file(scratch.file("x", octets), 100).text == octets);
  CHECK(read_text_file(scratch.file("empty", ""), 100).text.empty());
  CHECK(read_text_file(scratch.file("empty", ""), 100).error.empty());
}

TEST_CASE("a file may be as large as its limit and no larger") {
  Scratch scratch;
  for (const std::size_t limit :
       {std::size_t{1}, std::size_t{4095}, std::size_t{4096}, std::size_t{10'000}}) {
    CHECK(read_text_file(scratch.file("fits", std::string(limit, 'x')), limit).text.size() ==
          limit);
    CHECK(read_text_file(scratch.file("too large", std::string(limit + 1, 'x')), limit)
              .error.find("more than") != std::string::npos);
  }
}

TEST_CASE("an endless file is given up at the limit") {
  CHECK(read_text_file("/dev/zero", 1000).error.find("more than 1000 bytes") != std::string::npos);
}

TEST_CASE("what cannot be read says why and what to do") {
  Scratch scratch;
  CHECK(
      read_text_file(scratch.path("nothing"), 10).error.find("No such file or directory; check") !=
      std::string::npos);
  CHECK(read_text_file(scratch.path("."), 10).error == "is a directory; name a file");
}

TEST_CASE("a file that every user may read is noticed") {
  Scratch scratch;
  const std::string file = scratch.file("x", "x");
  using std::filesystem::perms;
  std::filesystem::permissions(file, perms::owner_read | perms::others_read);
  CHECK(read_text_file(file, 10).others_may_read);
  std::filesystem::permissions(file, perms::owner_read | perms::group_read);
  CHECK_FALSE(read_text_file(file, 10).others_may_read);
}

}  // namespace text_file_test
