// The daemon under test as a child process: started on free ports, judged on how it ends.
#pragma once

#include "tests/support/raw_initiator.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace faultlun::support {

/// A directory that disappears with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }
  /// Writes a file readable by its owner only; returns its path.
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

struct PortalConfig {
  std::string listen = "127.0.0.1:0", advertise;
  int group = 1;
};

struct TargetConfig {
  std::string name = kTargetName, alias;
  std::vector<int> portal_groups = {1};
  std::string user, secret, mutual_user, mutual_secret;
  std::vector<std::string> initiators;
  std::string members;  ///< more members of the target: `"key": value`
  /// JSON objects, one per LUN.
  std::vector<std::string> luns = {
      R"({"lun": 0, "type": "disk", "backend": {"kind": "memory", "size": "64MiB"}})"};
};

/// The configuration of one test, in the documented JSON shape.
struct LabConfig {
  std::vector<PortalConfig> portals = {PortalConfig{}};
  std::vector<TargetConfig> targets = {TargetConfig{}};
  std::string top_level;  ///< more members of the outermost object: `"key": value`
  /// Secrets become files in `directory`.
  std::string json(const TemporaryDirectory& directory) const;
};

class TargetProcess {
 public:
  /// Starts the daemon and waits for its `ready` line; fails the test with its log otherwise.
  explicit TargetProcess(const LabConfig& config = {});
  explicit TargetProcess(const std::string& json);
  /// `faultlun serve` with these arguments and no file of ours.
  explicit TargetProcess(const std::vector<std::string>& arguments);
  /// Ends it with SIGTERM if that has not happened; the test fails unless it exits 0 within 5 s.
  ~TargetProcess();
  TargetProcess(const TargetProcess&) = delete;
  TargetProcess& operator=(const TargetProcess&) = delete;

  Endpoint portal(std::size_t index = 0) const;
  std::size_t portals() const { return portals_.size(); }
  const std::string& control() const { return control_; }  ///< "http://127.0.0.1:NNNN"
  pid_t pid() const { return pid_; }
  bool running() const;
  std::size_t resident_bytes() const;            ///< /proc/PID/statm
  std::size_t open_files() const;                ///< /proc/PID/fd
  std::string log() const;                       ///< what it wrote on standard error
  void replace_config(const std::string& json);  ///< rewrites the file and sends SIGHUP
  void stop();

  const TemporaryDirectory& directory() const { return directory_; }

 private:
  void start(const std::vector<std::string>& arguments);
  void parse_ready(const std::string& line);

  TemporaryDirectory directory_;
  std::vector<Endpoint> portals_;
  std::string control_;
  pid_t pid_ = -1;
  int out_ = -1;
};

/// A JSON object for TargetConfig::luns; `members` begins with a comma: `, "read_only": true`.
std::string memory_lun(const std::string& lun, const std::string& size = "64MiB",
                       const std::string& members = "");

/// The daemon's program file.
std::string target_binary();

/// Runs a program to its end with a time limit; -1 when it had to be killed.
struct Ran {
  int status = -1;
  std::string output;  ///< standard output and error together
};
Ran run_program(const std::vector<std::string>& arguments, int limit_ms = 20000);

/// A session logged in to LUN 0's target, unit attentions drained.
RawInitiator connect_session(const TargetProcess& target, const LoginOptions& options = {},
                             std::size_t portal = 0);

}  // namespace faultlun::support
