#include "daemon/scenario_host.hpp"

#include <utility>

namespace faultlun::daemon {
namespace {

std::string reason(const ChangeOrError& outcome) {
  const auto* error = std::get_if<RuleError>(&outcome);
  if (error == nullptr) return {};
  return error->path.empty() ? error->message : error->path + ": " + error->message;
}

void ignore(const Barrier&) {}

}  // namespace

std::string RuleBookHost::put_rules(std::string_view scenario, std::vector<faults::Rule> rules) {
  return reason(book_.replace_source(scenario_source(scenario), std::move(rules), now_(), ignore));
}

std::optional<ScenarioHost::BorrowedRule> RuleBookHost::find_rule(std::string_view id) const {
  const auto status = book_.get(id);
  if (!status) return std::nullopt;
  return BorrowedRule{status->rule->life.armed, status->rule->life.must_fire.value_or(true)};
}

std::string RuleBookHost::change_rule(const faults::ChangeRule& change) {
  using Do = faults::ChangeRule::Do;
  switch (change.what) {
    case Do::arm:
      return reason(book_.arm(change.rule, {}, now_(), ignore));
    case Do::disarm:
      return reason(book_.disarm(change.rule, {}, now_(), ignore));
    case Do::reset:
      break;
  }
  return reason(book_.reset(change.rule, {}, now_(), ignore));
}

}  // namespace faultlun::daemon
