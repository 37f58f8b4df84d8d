// The daemon that is measured: a child process on free ports of the loopback, and what the system
// says of the processor time it took.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace faultlun::bench {

inline constexpr char kTargetName[] = "iqn.2026-11.example.faultlun:lab";

/// A directory that disappears with the object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  /// Writes a file; returns its path.
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

/// Configuration of a target with `luns` disks in memory of `mebibytes` each.
std::string configuration(unsigned luns, unsigned mebibytes);

class Target {
 public:
  /// Runs `command` ("PROGRAM serve …", perhaps under another program) and waits until it is ready.
  /// Throws std::runtime_error when it does not get there.
  explicit Target(std::vector<std::string> command);
  ~Target();
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  std::uint16_t port() const { return port_; }
  const std::string& control() const { return control_; }
  /// Nanoseconds on a processor since its start, all threads.  Exact while it is idle.
  std::uint64_t processor_ns() const;
  /// Ends it and waits for that.
  void stop();

 private:
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  std::string control_;
};

}  // namespace faultlun::bench
