// What came of a scenario, for programs: as JSON, and as JUnit XML for build servers (a test suite
// for the scenario, a test case for each expectation).  Pure.  Times are whole microseconds since
// the run began.
#pragma once

#include "config/json.hpp"
#include "faults/scenario_run.hpp"

#include <string>
#include <string_view>

namespace faultlun::daemon {

/// One state that was entered.
config::Json step_to_json(const faults::Scenario& scenario,
                          const faults::ScenarioVerdict::Step& step, faults::Time started);
config::Json verdict_to_json(const faults::Scenario& scenario,
                             const faults::ScenarioVerdict& verdict);

/// A scenario that is not over has all its cases skipped.
std::string junit_xml(const faults::Scenario& scenario, const faults::ScenarioVerdict& verdict);

/// Text as XML may hold it, within an attribute or between tags; octets that are no UTF-8, or no
/// character of XML 1.0, become '?'.
std::string xml_text(std::string_view text);

}  // namespace faultlun::daemon
