#include "config/load.hpp"

#include "config/identity.hpp"
#include "config/json.hpp"
#include "config/loading.hpp"
#include "config/read.hpp"
#include "config/validate.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace faultlun::config {

namespace {

bool is_within(std::string_view inner, std::string_view outer) {
  return inner.starts_with(outer) &&
         (inner.size() == outer.size() || inner[outer.size()] == '.' || inner[outer.size()] == '[');
}

/// A value that could not be read has a stand-in; what validate() says of that would only confuse.
void drop_echoes(Problems& later, const std::vector<Problem>& earlier) {
  const auto of_portals = [](const Problem& problem) { return is_within(problem.path, "portals"); };
  const bool groups_unknown = std::any_of(earlier.begin(), earlier.end(), of_portals);
  std::erase_if(later.list(), [&](const Problem& problem) {
    if (groups_unknown && problem.path.find(".portal_groups[") != std::string::npos) return true;
    return std::any_of(earlier.begin(), earlier.end(), [&](const Problem& first) {
      return !first.path.empty() &&
             (is_within(problem.path, first.path) || is_within(first.path, problem.path));
    });
  });
}

}  // namespace

LoadResult load(std::string_view text) {
  Problems problems;
  Json tree;
  if (!parse_json(text, tree, problems)) return refused<LoadResult>(std::move(problems));
  Reading reading = read_config(Value(&tree, "", problems));
  const LunPath lun_path = [&](std::size_t target, std::size_t position) {
    return "targets[" + std::to_string(target) + "].luns[" +
           std::to_string(reading.lun_entries[target][position]) + "]";
  };
  Findings findings = validate(reading.config, lun_path);
  drop_echoes(findings.errors, problems.list());
  for (Problem& problem : findings.errors.list())
    problems.add(std::move(problem.path), std::move(problem.message));
  if (!problems.empty()) {
    locate(text, problems);
    return refused<LoadResult>(std::move(problems));
  }
  locate(text, findings.warnings);
  LoadResult out;
  out.config = std::move(reading.config);
  out.warnings = std::move(findings.warnings.list());
  return out;
}

LoadResult load_file(const std::string& path) {
  return load_text_file(path, [](std::string_view text) { return load(text); });
}

Config default_config() {
  Config config;
  config.portals.push_back(default_portal());
  config.targets.push_back(default_target());
  fill_derived(config);
  return config;
}

}  // namespace faultlun::config
