// Which events a rule is about.  Every clause that is given must hold (AND); a list holds when one
// of its members does (OR); `negated` turns whole matches around.  Fault model 8.15.
#pragma once

#include "faults/facts.hpp"
#include "protocol/bytes/bytes.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::faults {

struct NumberRange {
  std::uint64_t least = 0, most = UINT64_MAX;
  bool has(std::uint64_t value) const { return value >= least && value <= most; }
  friend bool operator==(const NumberRange&, const NumberRange&) = default;
};

/// One word of `op`: a command of the table, an opcode, a class, or everything.
struct OperationMatch {
  enum class Kind : std::uint8_t { any, opcode, command, operation_class, task_management };
  Kind kind = Kind::any;
  std::uint8_t opcode = 0;
  const scsi::CommandRow* row = nullptr;
  OperationClass operation = OperationClass::other;
  std::string text;  ///< as it was written
  friend bool operator==(const OperationMatch& a, const OperationMatch& b) {
    return a.text == b.text;
  }
};

struct LbaMatch {
  enum class Mode : std::uint8_t { overlap, contains, within, starts };
  std::uint64_t start = 0, length = 1;  ///< blocks; length 0: none at all
  Mode mode = Mode::overlap;
  /// Of a range that is not empty; stops at the end of what 64 bits can say.
  std::uint64_t last() const {
    return length - 1 > UINT64_MAX - start ? UINT64_MAX : start + (length - 1);
  }
  friend bool operator==(const LbaMatch&, const LbaMatch&) = default;
};

struct MaskedOctets {
  std::uint32_t offset = 0;
  bytes::Buffer octets, mask;  ///< mask empty: all ones
  bool found_in(std::span<const std::uint8_t> data) const;
  friend bool operator==(const MaskedOctets&, const MaskedOctets&) = default;
};

/// After another rule has fired in the same session.
struct AfterFault {
  std::string rule;
  std::optional<Time> within;
  std::optional<std::uint64_t> commands;
  friend bool operator==(const AfterFault&, const AfterFault&) = default;
};

struct Match {
  // The session.
  std::vector<std::string> initiators;  ///< globs
  std::vector<std::string> sessions;    ///< aliases, globs
  std::vector<std::string> targets;     ///< globs
  std::vector<std::string> sources;     ///< IP addresses, globs
  std::vector<std::uint64_t> portals, portal_groups;
  // The event.
  std::vector<std::uint16_t> luns;
  std::vector<OperationMatch> operations;
  std::vector<std::uint64_t> service_actions;
  std::vector<MaskedOctets> cdbs;
  std::vector<LbaMatch> lbas;
  std::optional<NumberRange> blocks;
  std::optional<bool> fua, dpo;
  std::vector<std::uint64_t> groups;    ///< GROUP NUMBER of READ and WRITE (10, 12, 16)
  std::optional<std::uint8_t> control;  ///< vendor specific bits of CONTROL (bits 7..6)
  std::vector<scsi::TaskAttribute> attributes;
  std::vector<std::uint64_t> vpd_pages, mode_pages;
  std::optional<NumberRange> outstanding;  ///< depends on timing
  std::optional<bool> immediate;
  std::vector<MaskedOctets> payloads;    ///< decided when the Data-Out is here
  std::vector<std::uint64_t> functions;  ///< task management
  // The past.
  std::optional<NumberRange> attempt;  ///< k-th try of the same op, LBA and length, from 1
  std::optional<AfterFault> after_fault;
  std::optional<bool> first_touch;      ///< no block of the range was written since arming
  std::optional<NumberRange> rewrites;  ///< writes of the first block since arming
  std::vector<std::shared_ptr<const Match>> none_of;  ///< `not`

  friend bool operator==(const Match& a, const Match& b);
};

/// `holds` is true of the match or of one that it excludes, however deep.
template <typename Predicate>
bool any_part(const Match& match, const Predicate& holds) {
  return holds(match) || std::ranges::any_of(match.none_of, [&](const auto& each) {
           return any_part(*each, holds);
         });
}
/// The after_fault of the match, or the first one among those that it excludes; null: none.
const AfterFault* after_fault_of(const Match& match);

/// `*` and `?`; case counts.
bool glob(std::string_view pattern, std::string_view text);

/// What the clauses about the past need; kept by the rule's state.
struct Past {
  std::uint32_t attempt = 1;
  std::optional<Time> since_fault;  ///< of the rule named by after_fault
  std::optional<std::uint64_t> commands_since_fault;
  std::uint64_t rewrites = 0;
  bool touched = false;
};

/// One clause: a name as in JSON, whether a match has it, and whether it holds.
struct ClauseRow {
  std::string_view name;
  bool (*given)(const Match&);
  bool (*holds)(const Match&, const Facts&, const Past&);
  bool of_session;  ///< depends on the session alone
  bool of_past;     ///< needs `Past`
};
std::span<const ClauseRow> clause_table();

bool matches(const Match& match, const Facts& facts, const Past& past);
/// Names of the clauses that do not hold, for /v1/explain.
std::vector<std::string_view> why_not(const Match& match, const Facts& facts, const Past& past);

}  // namespace faultlun::faults
