#include "bench/target.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultlun::bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

/// What stands behind "KEY=" in the daemon's ready line.
std::string value_of(const std::string& line, const std::string& key) {
  const auto at = line.find(" " + key + "=");
  if (at == std::string::npos) throw std::runtime_error("no " + key + "= in: " + line);
  const auto begin = at + key.size() + 2;
  return line.substr(begin, line.find_first_of(" ,\n", begin) - begin);
}

}  // namespace

Folder::Folder() {
  std::string pattern = std::filesystem::temp_directory_path() / "faultlun-bench-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) fail("mkdtemp");
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, const std::string& content) const {
  const auto path = path_ + "/" + name;
  std::ofstream(path) << content;
  return path;
}

std::string configuration(unsigned luns, unsigned mebibytes) {
  const std::string lun = luns == 1 ? "0" : "\"0-" + std::to_string(luns - 1) + "\"";
  return R"({"portals": [{"listen": "127.0.0.1:0"}], "control": {"listen": "127.0.0.1:0"}, )"
         R"("targets": [{"name": ")" +
         std::string(kTargetName) + R"(", "luns": [{"lun": )" + lun +
         R"(, "type": "disk", "backend": {"kind": "memory", "size": ")" +
         std::to_string(mebibytes) + R"(MiB"}}]}]})";
}

Target::Target(std::vector<std::string> command) {
  int ends[2];
  if (::pipe(ends) != 0) fail("pipe");
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    std::vector<char*> arguments;
    for (auto& each : command)
      arguments.push_back(each.data());
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string line;
  char octet = 0;
  while (::read(ends[0], &octet, 1) == 1 && octet != '\n')
    line += octet;
  ::close(ends[0]);
  if (!line.starts_with("ready ")) {
    stop();
    throw std::runtime_error(command[0] + " did not get ready; its own words are above");
  }
  const auto portal = value_of(line, "iscsi");
  port_ = static_cast<std::uint16_t>(std::stoul(portal.substr(portal.rfind(':') + 1)));
  control_ = value_of(line, "control");
}

Target::~Target() {
  stop();
}

std::uint64_t Target::processor_ns() const {
  std::uint64_t sum = 0;
  const auto tasks = "/proc/" + std::to_string(pid_) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::uint64_t on_processor = 0;
    std::ifstream(task.path() / "schedstat") >> on_processor;
    sum += on_processor;
  }
  return sum;
}

void Target::stop() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

}  // namespace faultlun::bench
