// The control API as a test sees it: plain HTTP over a socket of its own, so that what the daemon's
// own client gets wrong is not hidden.
#pragma once

#include "tests/support/target_process.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace faultlun::support {

struct ControlAnswer {
  unsigned status = 0;
  std::string headers, body;
  bool ok() const { return status >= 200 && status < 300; }
  /// Fails the test when the body is no JSON.
  nlohmann::json json() const;
};

class ControlClient {
 public:
  explicit ControlClient(const TargetProcess& target) : url_(target.control()) {}

  /// `headers`: whole lines, each with CR LF.
  ControlAnswer call(const std::string& method, const std::string& path,
                     const std::string& body = "", const std::string& headers = "") const;
  ControlAnswer get(const std::string& path) const { return call("GET", path); }
  ControlAnswer post(const std::string& path, const std::string& body = "") const {
    return call("POST", path, body);
  }
  /// Puts one rule with its ID in it; fails the test unless it is in force.
  ControlAnswer put_rule(const std::string& json) const;
  void remove_rule(const std::string& id) const;
  /// A counter of GET /v1/rules/{id}: "matched", "fired", "suppressed".
  std::uint64_t counter(const std::string& id, const std::string& name) const;

 private:
  std::string url_;
};

}  // namespace faultlun::support
