// Every key of a scenario, one row each; what a fault that an action names may say is in the fault
// table instead.  A duration is one row: its key is given as it is, or with _us, _ms or _s behind
// it.
#include "config/keys.hpp"

namespace faultlun::config {

namespace {

// clang-format off
constexpr Key kScenario[] = {
  {"$schema", kOptional, "string", "(none)", "Where an editor finds the schema. The daemon does not look at it."},
  {"id", kRequired, "string", "", "Name of the scenario: 1 to 32 letters, digits, dots, underscores and dashes."},
  {"seed", kOptional, "number or \"0x…\" string", "(of the run)", "Seed of the draws of the scenario's own rules."},
  {"states", kRequired, "object of state", "", "The states by their names, at most 64; a name is like that of a scenario, of at most 24."},
  {"start", kOptional, "string", "(the first one)", "Name of the state that it begins in."},
  {"transitions", kOptional, "array of transition", "[]", "What leads from state to state. Of several that may be taken, the first one is."},
  {"expect", kOptional, "array of expect", "[]", "What must hold for the scenario to pass."},
  {"for", kOptional, "duration from 1ms", "(without end)", "The scenario is over and judged after so long, wherever it is."},
  {"note", kOptional, "string", "\"\"", "Whatever you want to say, at most 1024 bytes."},
};

constexpr Key kState[] = {
  {"rules", kOptional, "array of rule or string", "[]", "Rules that are in force while the state stands. A string names a rule of another state, or one that is there already: that one is armed meanwhile."},
  {"enter", kOptional, "array of action", "[]", "What is done when the state begins, after its rules are in force."},
  {"end", kOptional, "boolean", "(true without rules and without a way out)", "The scenario is over when it gets here."},
  {"note", kOptional, "string", "\"\"", "Whatever you want to say, at most 1024 bytes."},
};

constexpr Key kAction[] = {
  {"emit", kOptional, "\"mark\" or \"event\"", "(none)", "Sets the mark, or raises the event, that `name` says."},
  {"name", kOptional, "string", "(none)", "Of the mark or event."},
  {"do", kOptional, "string", "(none)", "rule.arm, rule.disarm, rule.reset, held.release, or a fault of the families ua and lu, whose parameters stand beside it."},
  {"rule", kOptional, "string", "(none)", "With rule.arm, rule.disarm and rule.reset: which one."},
  {"tag", kOptional, "string", "(all)", "With held.release: the commands that were held with this tag."},
  {"target", kOptional, "string", "(every one)", "With a fault: iSCSI name of the target."},
  {"lun", kOptional, "number 0 to 16383", "(every one)", "With a fault: the logical unit."},
};

constexpr Key kTransition[] = {
  {"from", kRequired, "string", "", "Name of the state that is left; \"*\": every state but `to`."},
  {"to", kRequired, "string", "", "Name of the state that is entered."},
  {"when", kRequired, "when", "", "What must have happened since `from` was entered."},
};

constexpr Key kWhen[] = {
  {"after", kOptional, "duration, 0s or from 1ms", "(none)", "So much time has passed."},
  {"match", kOptional, "match", "(none)", "Commands came that match, as in a rule."},
  {"tmf", kOptional, "string, number, or array", "(none)", "Task management functions came, one of these."},
  {"login", kOptional, "\"up\", \"down\" or \"refused\"", "(none)", "Sessions began, or ended, or logins were refused."},
  {"count", kOptional, "number from 1", "1", "So many commands, functions or logins."},
  {"mark", kOptional, "string", "(none)", "The mark was set."},
  {"event", kOptional, "string", "(none)", "The event was raised."},
  {"scenario", kOptional, "string", "(none)", "Another scenario, by its ID, is in the state that `state` names."},
  {"state", kOptional, "string", "(none)", "With scenario: the state that the other one is in."},
  {"rule", kOptional, "string", "(none)", "The rule of this ID has fired."},
  {"fired", kOptional, "number from 1", "1", "With rule: so often."},
};

constexpr Key kExpect[] = {
  {"that", kRequired, "string", "", "What is expected; the other keys are its own."},
  {"within", kOptional, "duration from 1us", "(none)", "recovered, reconnected, max_latency, no_command_unanswered: how long it may take."},
  {"after", kOptional, "string", "(none)", "recovered: the state that was left."},
  {"value", kOptional, "number from 1", "(none)", "no_reconnect_faster_than_ms: milliseconds."},
  {"state", kOptional, "string", "(none)", "state_reached, final_state: which one."},
  {"order", kOptional, "string, number, or array", "(none)", "tmf_seen: task management functions, one after the other."},
  {"tmf", kOptional, "string, number, or array", "(any)", "tmf_not_seen: task management functions."},
  {"count", kOptional, "number from 1", "1", "tmf_seen: so often."},
  {"rule", kOptional, "string", "(none)", "fired: ID of the rule."},
  {"min", kOptional, "number", "(fired: 1; retried: 0)", "fired, retried: at least so often."},
  {"max", kOptional, "number", "(without end)", "fired, retried: at most so often."},
};

constexpr Shape kShapes[] = {
  {"scenario", "(a file of a scenario)", kScenario},
  {"state", "states.*", kState},
  {"action", "states.*.enter[]", kAction},
  {"transition", "transitions[]", kTransition},
  {"when", "transitions[].when", kWhen},
  {"expect", "expect[]", kExpect},
};
// clang-format on

}  // namespace

std::span<const Shape> scenario_shapes() {
  return kShapes;
}

}  // namespace faultlun::config
