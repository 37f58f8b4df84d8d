// Every key of a fault rule, one row each; what an effect may say is in the fault table instead.
// A duration is one row: its key is given as it is, or with _us, _ms or _s behind it.
#include "config/keys.hpp"

namespace faultlun::config {

namespace {

// clang-format off
constexpr Key kRules[] = {
  {"$schema", kOptional, "string", "(none)", "Where an editor finds the schema. The daemon does not look at it."},
  {"rules", kRequired, "array of rule", "", "The rules, at most 20,000, in order of installation."},
};

constexpr Key kRule[] = {
  {"id", kRequired, "string", "", "Name of the rule: 1 to 64 letters, digits, dots, underscores and dashes. Draws depend on it."},
  {"where", kOptional, "string", "(of the effect)", "Injection point. Only as a check: the effects know where they strike and where they are decided."},
  {"match", kOptional, "match", "{}", "Which events the rule is about. Without it: every one that the effects can strike."},
  {"gate", kOptional, "gate", "{}", "Which of the events that match it fires for. Without it: all of them."},
  {"effect", kOptional, "object, or array of object", "(none)", "Faults by their ID, each with its parameters. Only an observing rule may leave it out."},
  {"seed", kOptional, "number or \"0x…\" string", "(of the run)", "Seed of this rule's draws."},
  {"life", kOptional, "life", "{}", "Whose it is, how it ends, what it comes before."},
  {"observe", kOptional, "boolean", "false", "Decide and write to the journal, do nothing."},
  {"note", kOptional, "string", "\"\"", "Whatever you want to say, at most 1024 bytes."},
};

constexpr Key kMatch[] = {
  {"initiator", kOptional, "pattern, or array", "(any)", "iSCSI name of the initiator."},
  {"session", kOptional, "pattern, or array", "(any)", "Alias of the session: initiator name, ISID as 12 hexadecimal digits and number of the login, with commas between."},
  {"target", kOptional, "pattern, or array", "(any)", "iSCSI name of the target."},
  {"source", kOptional, "pattern, or array", "(any)", "IP address of the initiator."},
  {"portal", kOptional, "number 0 to 255, or array", "(any)", "Place of the portal in the configuration, from 0."},
  {"tpg", kOptional, "number 1 to 65535, or array", "(any)", "Portal group tag."},
  {"lun", kOptional, "number 0 to 16383, \"FIRST-LAST\", or array", "(any)", "Logical unit."},
  {"op", kOptional, "string, or array", "(any)", "A command by its name (\"READ(10)\") or opcode (\"0x28\"), or a class: read, write, flush, unmap, reserve, identify, tmf, any."},
  {"sa", kOptional, "number 0 to 31, or array", "(any)", "Service action: the low five bits of octet 1."},
  {"cdb", kOptional, "cdb, or array", "(any)", "Octets of the CDB."},
  {"lba", kOptional, "lba, number, or array", "(any)", "Blocks that the command touches; a number stands for one block. Commands without a range do not match."},
  {"blocks", kOptional, "range", "(any)", "Length of the command in blocks."},
  {"fua", kOptional, "boolean", "(any)", "FUA. Commands without the bit do not match."},
  {"dpo", kOptional, "boolean", "(any)", "DPO. Commands without the bit do not match."},
  {"group", kOptional, "number 0 to 31, or array", "(any)", "GROUP NUMBER of the CDB: lets a test program mark its own commands."},
  {"control", kOptional, "number 0 to 3", "(any)", "The two vendor specific bits of CONTROL: the same with another field."},
  {"task_attr", kOptional, "string, or array", "(any)", "Task attribute: untagged, simple, ordered, head_of_queue or aca."},
  {"vpd", kOptional, "number 0 to 255, or array", "(any)", "Page that an INQUIRY with EVPD asks for."},
  {"mode_page", kOptional, "number 0 to 63, or array", "(any)", "Page that a MODE SENSE asks for."},
  {"outstanding", kOptional, "range", "(any)", "Commands of the session in progress, this one included. Depends on timing."},
  {"immediate", kOptional, "boolean", "(any)", "Whether the command is an immediate one."},
  {"payload", kOptional, "payload, or array", "(any)", "Octets of the Data-Out. The rule is decided when all of it is here."},
  {"tmf", kOptional, "string, number, or array", "(any)", "Task management function by its name (\"ABORT TASK\") or number."},
  {"attempt", kOptional, "range", "(any)", "Which try it is of the same operation, LBA and length after a failure, from 1."},
  {"after_fault", kOptional, "after_fault", "(any)", "Only after another rule has fired in the same session."},
  {"first_touch", kOptional, "boolean", "(any)", "Whether no block of the range was written since the rule was armed."},
  {"rewrites", kOptional, "range", "(any)", "How often the first block was written since the rule was armed."},
  {"not", kOptional, "match, or array", "(none)", "None of these may match. At most 4 within each other."},
};

constexpr Key kGate[] = {
  {"key", kOptional, "\"counter\", \"lba\", \"content\", \"attempt\" or \"event\"", "\"counter\"", "What a draw is about, and what is counted."},
  {"skip", kOptional, "number", "0", "Not for the first that match."},
  {"every", kOptional, "number from 1", "(each)", "For each K-th after `skip`."},
  {"burst", kOptional, "number from 1", "(none)", "For L in a row: at the start of each `every`; without `every`, once."},
  {"repeat", kOptional, "number from 1", "(without end)", "Bursts at most."},
  {"times", kOptional, "number from 1", "(without end)", "Firings at most."},
  {"nth", kOptional, "number from 1", "(each)", "For the n-th match alone."},
  {"p", kOptional, "decimal 0 to 1", "(always)", "Probability. Bursts are drawn as a whole."},
  {"run_gate", kOptional, "decimal 0 to 1", "(on)", "Probability that the rule is on at all, drawn once from the seed."},
  {"budget_bytes", kOptional, "size", "(none)", "Not before this much data has been asked for by commands that match."},
  {"window", kOptional, "window", "(always)", "A stretch of time. Makes the rule `timed`."},
  {"cycle", kOptional, "cycle", "(always)", "On and off in turn. Makes the rule `timed`."},
  {"max_active", kOptional, "number from 1", "(without end)", "Commands under the rule's effects at a time. Depends on timing."},
};

constexpr Key kWindow[] = {
  {"since", kOptional, "\"arm\", \"mark\" or \"state\"", "\"arm\"", "What the time is counted from: the rule was armed, a mark was set, the scenario's state was entered."},
  {"mark", kOptional, "string", "(none)", "Name of the mark, with since mark."},
  {"after", kOptional, "duration", "\"0s\"", "Opens so long after."},
  {"for", kOptional, "duration from 1us", "(without end)", "Closes so long after it opened."},
};

constexpr Key kCycle[] = {
  {"up", kRequired, "duration from 1us", "", "Fires for so long, then"},
  {"down", kRequired, "duration", "", "does not for so long, and again."},
};

constexpr Key kLife[] = {
  {"armed", kOptional, "boolean", "true", "Not armed, a rule takes no part in anything until it is armed."},
  {"priority", kOptional, "number -1000000 to 1000000", "0", "Higher first; among equals the order of installation."},
  {"ttl", kOptional, "duration from 1us", "(without end)", "The rule is removed after so long."},
  {"lease", kOptional, "string", "(none)", "The rule is removed when this lease is not renewed."},
  {"owner", kOptional, "string", "\"\"", "Whose rule it is."},
  {"tags", kOptional, "array of string", "[]", "Words to select rules by, at most 16."},
  {"on_exhaust", kOptional, "\"disarm\", \"remove\", {\"goto\": STATE} or {\"emit\": EVENT}", "(nothing)", "What happens when it cannot fire any more."},
  {"once_per", kOptional, "\"session\", \"lba\" or \"run\"", "(without end)", "Fires once for each of these at most."},
  {"scope", kOptional, "\"session\" or \"global\"", "\"session\"", "global: one count for all sessions. Depends on the order in which their commands come."},
  {"must_fire", kOptional, "boolean", "(in a state of a scenario: true)", "A scenario in whose states the rule is fails when it never fired."},
};

constexpr Key kLba[] = {
  {"start", kRequired, "number", "", "First block."},
  {"len", kOptional, "number from 1", "1", "Blocks."},
  {"mode", kOptional, "\"overlap\", \"contains\", \"within\" or \"starts\"", "\"overlap\"", "The command shares a block with the range, covers all of it, lies in it, or starts in it."},
};

constexpr Key kCdb[] = {
  {"value", kRequired, "hexadecimal digits", "", "Octets from the first of the CDB on."},
  {"mask", kOptional, "hexadecimal digits", "(all bits)", "Bits that count, as many octets as `value`."},
  {"len", kOptional, "number", "(of value)", "Only so many octets of `value` count."},
};

constexpr Key kPayload[] = {
  {"offset", kOptional, "number", "0", "Octets before them in the Data-Out."},
  {"hex", kRequired, "hexadecimal digits", "", "The octets, at most 4096."},
  {"mask", kOptional, "hexadecimal digits", "(all bits)", "Bits that count, as many octets as `hex`."},
};

constexpr Key kRange[] = {
  {"min", kOptional, "number", "(without end)", "The least."},
  {"max", kOptional, "number", "(without end)", "The most."},
};

constexpr Key kAfterFault[] = {
  {"rule", kRequired, "string", "", "ID of the other rule."},
  {"within", kOptional, "duration", "(without end)", "Only for so long after. Makes the rule `timed`."},
  {"commands", kOptional, "number from 1", "(without end)", "Only for so many commands of the session after."},
};

constexpr Key kOnExhaust[] = {
  {"goto", kOptional, "string", "(none)", "State of the scenario that is entered."},
  {"emit", kOptional, "string", "(none)", "Event that is raised."},
};

constexpr Shape kShapes[] = {
  {"rules", "(a file of rules)", kRules},
  {"rule", "rules[]", kRule},
  {"match", "rules[].match, rules[].match.not", kMatch},
  {"gate", "rules[].gate", kGate},
  {"window", "rules[].gate.window", kWindow},
  {"cycle", "rules[].gate.cycle", kCycle},
  {"life", "rules[].life", kLife},
  {"on_exhaust", "rules[].life.on_exhaust", kOnExhaust},
  {"lba", "rules[].match.lba", kLba},
  {"cdb", "rules[].match.cdb", kCdb},
  {"payload", "rules[].match.payload", kPayload},
  {"range", "rules[].match.blocks, .outstanding, .attempt, .rewrites", kRange},
  {"after_fault", "rules[].match.after_fault", kAfterFault},
};
// clang-format on

}  // namespace

std::span<const Shape> rule_shapes() {
  return kShapes;
}

}  // namespace faultlun::config
