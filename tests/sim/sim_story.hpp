// What the journal tells of each command and function, by task tag: the simulation holds what
// initiators see against it.  Initiators never use a tag twice.
#pragma once

#include "daemon/journal.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace faultlun::sim {

class Story {
 public:
  /// One effect of a rule on one command or function.
  struct Struck {
    std::uint16_t fault = 0;   ///< index into faults::fault_table()
    std::uint64_t serial = 0;  ///< of the rule's lifetime
    std::uint8_t place = 0;    ///< of the effect in its rule
    bool is(std::string_view family) const;
  };
  struct Tale {
    bool ended = false, aborted = false, unmet = false;
    std::uint8_t status = 0;
    std::vector<Struck> strikes;
    bool struck_by(std::string_view family) const;
  };

  explicit Story(const daemon::Journal& journal) : journal_(journal) {}

  /// Null: the journal has nothing of it.
  const Tale* of(std::uint32_t task_tag);
  /// Something of the unit shows at another place than its own.
  bool displaced(std::uint16_t lun);
  void healed();
  /// Entries that were overwritten before anybody read them.
  std::uint64_t lost() const { return lost_; }

 private:
  void catch_up();
  void read(const daemon::JournalEntry& entry);

  using Key = std::tuple<std::uint32_t, std::uint32_t, bool>;  ///< session, CmdSN, immediate
  const daemon::Journal& journal_;
  std::uint64_t next_ = 0, lost_ = 0;
  std::vector<daemon::JournalEntry> entries_;
  std::unordered_map<std::uint32_t, Tale> tales_;
  std::map<Key, std::uint32_t> tags_;
  std::set<std::uint16_t> displaced_;
};

}  // namespace faultlun::sim
