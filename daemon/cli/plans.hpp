// From a command line that is understood to a request of the API: the path filled in, the query,
// the body.  Pure.
#pragma once

#include "daemon/cli/command.hpp"

#include <string>
#include <string_view>

namespace faultlun::daemon::cli {

struct Planned {
  Plan plan;
  std::string error;  ///< what is wrong with the command line; "" when there is a plan
};
Planned plan_request(const Call& call);

/// {name} parts filled in and percent-encoded; a last part without its argument is left out.
std::string filled_in(std::string_view pattern, const Call& call);

// The rows' own.
std::string plan_rule_put(const Call& call, Plan& plan);  ///< one rule or a set
std::string plan_rule_check(const Call& call, Plan& plan);
std::string plan_journal(const Call& call, Plan& plan);
std::string plan_scenario_put(const Call& call, Plan& plan);
std::string plan_scenario_goto(const Call& call, Plan& plan);
std::string plan_unit_change(const Call& call, Plan& plan);
std::string plan_held_release(const Call& call, Plan& plan);
std::string plan_api(const Call& call, Plan& plan);

}  // namespace faultlun::daemon::cli
