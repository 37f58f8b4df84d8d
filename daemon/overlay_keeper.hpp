// What the rules in force mean for the media beside their strikes: units are made ready for lies
// before a rule may tell one, history is kept for stale reads, and views (a wrap, stuck bits) go
// with their rule.  Other damage stays until it is rewritten, removed or healed.
#pragma once

#include "daemon/world.hpp"
#include "faults/rule_set.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace faultlun::daemon {

using TargetHosts = std::vector<std::shared_ptr<TargetHost>>;

class OverlayKeeper {
 public:
  /// Before the set is in force, and before units join under it.
  void prepare(const faults::RuleSet& rules, const TargetHosts& targets);
  /// When commands begin under the set.
  void retire(const faults::RuleSet& rules, const TargetHosts& targets);

 private:
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> views_;  ///< rules with views, and their serials
  std::vector<std::string> historians_;         ///< rules that keep history
};

/// Every overlay goes, and commands decided under `epoch` or earlier lay no more; `data`: memory
/// disks are empty again.
void heal_media(World& world, std::uint64_t epoch, bool data);

}  // namespace faultlun::daemon
