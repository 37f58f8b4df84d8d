#include "tests/support/target_process.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace faultlun::support {

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

template <typename List, typename Print>
std::string joined(const List& list, Print print) {
  std::string out;
  for (const auto& item : list)
    out += (out.empty() ? "" : ", ") + print(item);
  return out;
}

/// Waits for the child without blocking for longer than `ms`; its wait status, or -1.
int wait_for(pid_t pid, int ms) {
  const std::int64_t deadline = now_ms() + ms;
  for (;;) {
    int status = 0;
    const pid_t got = waitpid(pid, &status, WNOHANG);
    if (got == pid) return status;
    if (got < 0 || now_ms() > deadline) return -1;
    pause_ms(2);
  }
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

pid_t spawn(const std::vector<std::string>& arguments, int out, int error) {
  std::vector<std::string> words = arguments;
  std::vector<char*> argv;
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, error, 2);
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? pid : -1;
}

}  // namespace

std::string target_binary() {
  const char* other =
      std::getenv("FAULTLUN_BINARY");  // another build of the daemon under the same tests
  return other != nullptr ? other : FAULTLUN_BINARY;
}

std::string memory_lun(const std::string& lun, const std::string& size,
                       const std::string& members) {
  return "{\"lun\": " + lun + R"(, "type": "disk", "backend": {"kind": "memory", "size": ")" +
         size + "\"}" + members + "}";
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "faultlun-test-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, const std::string& content) const {
  const std::string path = path_ + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  chmod(path.c_str(), 0600);
  return path;
}

std::string LabConfig::json(const TemporaryDirectory& directory) const {
  int secrets = 0;
  const auto secret = [&](const std::string& value) {
    return quoted(directory.write("secret" + std::to_string(++secrets), value));
  };
  const auto portal = [](const PortalConfig& p) {
    return "{\"listen\": " + quoted(p.listen) +
           (p.advertise.empty() ? "" : ", \"advertise\": " + quoted(p.advertise)) +
           ", \"group\": " + std::to_string(p.group) + "}";
  };
  const auto target = [&](const TargetConfig& t) {
    std::string out = "{\"name\": " + quoted(t.name);
    if (!t.alias.empty()) out += ", \"alias\": " + quoted(t.alias);
    out += ", \"portal_groups\": [" +
           joined(t.portal_groups, [](int g) { return std::to_string(g); }) + "]";
    if (!t.user.empty()) {
      out += ", \"auth\": {\"user\": " + quoted(t.user) + ", \"secret_file\": " + secret(t.secret);
      if (!t.mutual_user.empty())
        out += ", \"mutual\": {\"user\": " + quoted(t.mutual_user) +
               ", \"secret_file\": " + secret(t.mutual_secret) + "}";
      out += "}";
    }
    if (!t.members.empty()) out += ", " + t.members;
    if (!t.initiators.empty()) out += ", \"initiators\": [" + joined(t.initiators, quoted) + "]";
    return out + ", \"luns\": [" + joined(t.luns, [](const std::string& l) { return l; }) + "]}";
  };
  return "{" + (top_level.empty() ? "" : top_level + ", ") +
         "\"seed\": \"0x5eed\", \"portals\": [" + joined(portals, portal) +
         "], \"control\": {\"listen\": \"127.0.0.1:0\"}, \"targets\": [" + joined(targets, target) +
         "], \"rules\": []}";
}

TargetProcess::TargetProcess(const LabConfig& config) {
  start({"--config", directory_.write("config.json", config.json(directory_))});
}

TargetProcess::TargetProcess(const std::string& json) {
  start({"--config", directory_.write("config.json", json)});
}

TargetProcess::TargetProcess(const std::vector<std::string>& arguments) {
  start(arguments);
}

void TargetProcess::start(const std::vector<std::string>& arguments) {
  int pipe_ends[2];
  REQUIRE(pipe2(pipe_ends, O_CLOEXEC) == 0);
  const int errors =
      open((directory_.path() + "/log").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_APPEND, 0600);
  std::vector<std::string> words{target_binary(), "serve"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  pid_ = spawn(words, pipe_ends[1], errors);
  ::close(pipe_ends[1]);
  ::close(errors);
  out_ = pipe_ends[0];
  REQUIRE_MESSAGE(pid_ > 0, "cannot start " << target_binary());
  std::string line;
  const std::int64_t deadline = now_ms() + 20000;
  while (line.find('\n') == std::string::npos && now_ms() < deadline) {
    pollfd ready{out_, POLLIN, 0};
    if (poll(&ready, 1, 100) <= 0) continue;
    char buffer[512];
    const auto got = ::read(out_, buffer, sizeof buffer);
    if (got <= 0) break;
    line.append(buffer, static_cast<std::size_t>(got));
  }
  parse_ready(line);
}

void TargetProcess::parse_ready(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  words >> word;
  const bool ready = word == "ready";
  if (!ready) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
    FAIL("no ready line but \"" << line << "\"; log:\n" << log());
  }
  while (words >> word) {
    if (word.starts_with("control=")) control_ = word.substr(8);
    if (!word.starts_with("iscsi=")) continue;
    std::istringstream list(word.substr(6));
    std::string portal;
    while (std::getline(list, portal, ',')) {
      const auto colon = portal.rfind(':');
      std::string host = portal.substr(0, colon);
      if (host.starts_with("[")) host = host.substr(1, host.size() - 2);
      if (host == "0.0.0.0") host = "127.0.0.1";
      if (host == "::") host = "::1";
      portals_.push_back({host, static_cast<std::uint16_t>(std::stoi(portal.substr(colon + 1)))});
    }
  }
  REQUIRE(!portals_.empty());
}

TargetProcess::~TargetProcess() {
  stop();
  if (out_ >= 0) ::close(out_);
}

void TargetProcess::stop() {
  if (pid_ < 0) return;
  const pid_t pid = pid_;
  pid_ = -1;
  kill(pid, SIGTERM);
  const int status = wait_for(pid, kPatience);
  if (status == -1) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    FAIL_CHECK("the target did not stop within 5 s of SIGTERM; log:\n" << log());
    return;
  }
  const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  CHECK_MESSAGE(clean, "the target ended with wait status " << status << "; log:\n" << log());
}

Endpoint TargetProcess::portal(std::size_t index) const {
  REQUIRE(index < portals_.size());
  return portals_[index];
}

bool TargetProcess::running() const {
  siginfo_t info{};
  return pid_ > 0 &&
         waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

std::size_t TargetProcess::resident_bytes() const {
  std::istringstream in(slurp("/proc/" + std::to_string(pid_) + "/statm"));
  std::size_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t TargetProcess::open_files() const {
  std::error_code ignored;
  std::size_t count = 0;
  for (auto it =
           std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd", ignored);
       it != std::filesystem::directory_iterator(); ++it)
    ++count;
  return count;
}

std::string TargetProcess::log() const {
  return slurp(directory_.path() + "/log");
}

void TargetProcess::replace_config(const std::string& json) {
  directory_.write("config.json", json);
  kill(pid_, SIGHUP);
}

Ran run_program(const std::vector<std::string>& arguments, int limit_ms) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/output";
  const int output = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_APPEND, 0600);
  const pid_t pid = spawn(arguments, output, output);
  ::close(output);
  Ran ran;
  if (pid < 0) {
    ran.output = "cannot start " + arguments.front();
    return ran;
  }
  const int status = wait_for(pid, limit_ms);
  if (status == -1) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  } else if (WIFEXITED(status)) {
    ran.status = WEXITSTATUS(status);
  }
  ran.output = slurp(path);
  return ran;
}

RawInitiator connect_session(const TargetProcess& target, const LoginOptions& options,
                             std::size_t portal) {
  RawInitiator session(target.portal(portal));
  const auto outcome = session.login(options);
  REQUIRE_MESSAGE(outcome.ok(), "login ended with status " << outcome.status << "; log:\n"
                                                           << target.log());
  session.drain_attentions();
  return session;
}

}  // namespace faultlun::support
