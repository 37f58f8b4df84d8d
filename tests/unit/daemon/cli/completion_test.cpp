#include "daemon/cli/completion.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace completion_test {

using namespace faultlun::daemon::cli;

TEST_CASE("the completion in the package is what `faultlun completion bash` prints") {
  std::ifstream in(FAULTLUN_SOURCE_DIR "/packaging/completion/faultlun.bash", std::ios::binary);
  REQUIRE(in);
  const std::string packaged(std::istreambuf_iterator<char>(in), {});
  CHECK(packaged == bash_completion());
}

TEST_CASE("completion knows every command, what goes on, and what to offer for its arguments") {
  const auto script = bash_completion();
  for (const auto& command : command_table()) {
    CAPTURE(command.words);
    CHECK(script.find("    '" + std::string(command.words) + "')") != std::string::npos);
  }
  CHECK(script.find("    'lease') next='drop keep ls' ;;\n") != std::string::npos);
  CHECK(script.find("    'rule arm') options='--drain --if-match ") != std::string::npos);
  CHECK(script.find(" offers='rules' values='--if-match'") != std::string::npos);
  CHECK(script.find("    'serve') options='--") != std::string::npos);
}

}  // namespace completion_test
