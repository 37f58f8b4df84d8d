// The journal as input of a replay: text of lines, each a JSON object, as GET /v1/journal?export=1
// writes it.  The first one is the head; what a line refers to comes before it.
//
//   {"faultlun_journal": 1, "seed": "0x2a"}
//   {"session": 12, "alias": "iqn.a,400001370000,1", "target": "iqn.t", "whole": true}
//   {"s": 12, "sn": 7, "lun": 0, "cdb": "2800000000000008"}     a command; "imm": an immediate one
//   {"s": 12, "sn": 7, "lun": 0, "tmf": 5}                      a task management function
//   {"serial": 3, "rule": {…}}                                  a rule, under a number
//   {"s": 12, "sn": 7, "fired": 3, "key": "counter", "of": 0, "index": 2, "draw": 4660}
//   {"s": 12, "sn": 7, "strike": 3, "effect": 0, "resolved": [250000, 0]}
//   {"s": 12, "sn": 7, "unmet": 3, "why": "…"}                  an effect could not be carried out
//   {"lost": 5, "sessions": [12]}                               entries are missing here
//
// `whole`: the session was recorded from its login on.  Zeros at the end of a CDB are left out.
// `fired` and `strike` are of the last command or function of the session with the same CmdSN.
// `unmet` is told for people: a replay tries again.
#pragma once

#include "config/object.hpp"
#include "faults/replay.hpp"

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace faultlun::config {

inline constexpr std::uint64_t kReplayFormat = 1;
inline constexpr std::size_t kMaxLineBytes = 1024 * 1024;

/// One rule; nothing when anything was wrong with it, which it has told the value's problems.
using RuleReader = std::function<std::optional<faults::Rule>(const Value&)>;

struct LoadRecording {
  std::optional<faults::Recording> recording;  ///< exactly when there are no errors
  std::vector<Problem> errors;                 ///< with their lines
  std::size_t errors_left_out = 0;
};
LoadRecording load_recording(std::string_view text, const RuleReader& read_rule);

}  // namespace faultlun::config
