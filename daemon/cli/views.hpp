// Answers of the API as text for people, where a table of members does not say it well.  Pure.
#pragma once

#include "config/json.hpp"
#include "daemon/cli/command.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace faultlun::daemon::cli {

std::string rules_text(const config::Json& answer);
std::string rule_text(const config::Json& answer);
std::string change_text(const config::Json& answer);
std::string prediction_text(const config::Json& answer);
std::string fault_text(const config::Json& answer);
std::string capabilities_text(const config::Json& answer);
std::string targets_text(const config::Json& answer);
std::string status_text(const config::Json& answer);
std::string journal_line(const config::Json& entry);  ///< one line
/// A verdict, or how a run stands.
std::string verdict_text(const config::Json& answer);
std::string scenario_step_text(const config::Json& step);  ///< one line
std::string scenario_text(const config::Json& answer);
std::string scenario_put_text(const config::Json& answer);
std::string json_text(const config::Json& answer);  ///< as JSON, indented

struct Picked {
  config::Json value;
  std::string error;  ///< what is not there
};
/// The object of the fault ID, or all when none was asked for.
Picked pick_fault(const config::Json& capabilities, const Call& call);

/// What the API refused: its message, or each of its problems as "path: message".  `file` is where
/// the body came from, "" when it was given in place.
std::string error_text(const config::Json& answer, const std::string& file);

}  // namespace faultlun::daemon::cli
