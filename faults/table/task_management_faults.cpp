// The task_management family of the fault table: what becomes of task management functions (tmf.*).
// RFC 7143 §11.5, §11.6; RFC 7144 §6; fault model 8.6.  Which functions a rule is about, its match
// says (`function`, `lun`).
#include "faults/fault_table.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace faultlun::faults {
namespace {

using Act = TaskManagementFault::Act;

constexpr std::uint64_t kMaxSurvivors = 65535;
constexpr std::uint8_t kComplete = 0, kNotSupported = 5, kRejected = 255;

/// A delay that is the same each time.
Distribution always(Time delay) {
  return Distribution{.shape = Constant{delay}, .correlation = {}, .quantize = {}};
}

// ---- parameters

constexpr Parameter kPerform{.name = "perform",
                             .kind = faults::Kind::flag,
                             .fallback = "false",
                             .meaning = "the function is carried out all the same"};
constexpr Parameter kNever[] = {kPerform};
constexpr Parameter kDelay[] = {
    {.name = "delay",
     .kind = faults::Kind::duration,
     .required = true,
     .meaning = "from the function's arrival to its answer, at least"},
    {.name = "before",
     .kind = faults::Kind::flag,
     .fallback = "false",
     .meaning = "the function itself waits, too: tasks go on and may complete meanwhile"}};
constexpr Parameter kResponse[] = {
    {.name = "response",
     .kind = faults::Kind::number,
     .required = true,
     .most = 255,
     .meaning = "RESPONSE of the answer, RFC 7143 §11.6.1: 0 to 7, or 255"},
    kPerform};
constexpr Parameter kPartial[] = {
    {.name = "survivors",
     .kind = faults::Kind::number,
     .fallback = "1",
     .least = 1,
     .most = kMaxSurvivors,
     .meaning = "tasks of the session that the function spares, the youngest"}};
constexpr Parameter kCollateral[] = {
    {.name = "status",
     .kind = faults::Kind::flag,
     .fallback = "false",
     .meaning = "they end with TASK ABORTED; otherwise without a word"},
    {.name = "attention",
     .kind = faults::Kind::flag,
     .fallback = "false",
     .meaning = "unit attention 2F/00 for those who lost tasks"}};
constexpr Parameter kReset[] = {{.name = "for",
                                 .kind = faults::Kind::duration,
                                 .required = true,
                                 .meaning = "BUSY from the end of the reset on"}};

/// What a step of the ladder is about.
struct FunctionName {
  std::string_view name;
  std::uint8_t function;
};
// clang-format off
constexpr FunctionName kFunctions[] = {
  {"ABORT_TASK", 1},         {"ABORT_TASK_SET", 2},    {"CLEAR_ACA", 3},
  {"CLEAR_TASK_SET", 4},     {"LOGICAL_UNIT_RESET", 5}, {"TARGET_WARM_RESET", 6},
  {"TARGET_COLD_RESET", 7},  {"TASK_REASSIGN", 8},     {"QUERY_TASK", 9},
  {"QUERY_TASK_SET", 10},    {"I_T_NEXUS_RESET", 11},  {"QUERY_ASYNCHRONOUS_EVENT", 12},
  {"ANY", TaskManagementLadder::kAnyFunction},
};
// clang-format on
constexpr auto kFunctionNames = [] {
  std::array<std::string_view, std::size(kFunctions)> names;
  std::ranges::transform(kFunctions, names.begin(), &FunctionName::name);
  return names;
}();

/// What a step of the ladder does.
struct Deed {
  std::string_view name;
  Act act;
  bool answered;
  std::optional<std::uint8_t> response;
  bool drop;
};
constexpr Deed kDeeds[] = {
    {"ok", Act::perform, true, std::nullopt, false},
    {"fail", Act::skip, true, kRejected, false},
    {"not_supported", Act::skip, true, kNotSupported, false},
    {"never", Act::skip, false, std::nullopt, false},
    {"lie", Act::skip, true, kComplete, false},
    {"drop", Act::skip, false, std::nullopt, true},
};
constexpr auto kDeedNames = [] {
  std::array<std::string_view, std::size(kDeeds)> names;
  std::ranges::transform(kDeeds, names.begin(), &Deed::name);
  return names;
}();

constexpr Parameter kStepMembers[] = {
    {.name = "tmf",
     .kind = faults::Kind::choice,
     .required = true,
     .choices = kFunctionNames,
     .meaning = "the function that this step is about"},
    {.name = "do",
     .kind = faults::Kind::choice,
     .required = true,
     .choices = kDeedNames,
     .meaning =
         "ok: carried out and answered; fail: not, response 255; not_supported: not, response "
         "5; never: not, and no answer; lie: not, and response 0; drop: the connection is reset"},
    {.name = "delay",
     .kind = faults::Kind::duration,
     .fallback = "\"0s\"",
     .meaning = "of the answer"},
    {.name = "response",
     .kind = faults::Kind::number,
     .fallback = "(what `do` says)",
     .most = 255,
     .meaning = "RESPONSE of the answer, 0 to 7, or 255"},
    {.name = "times",
     .kind = faults::Kind::number,
     .fallback = "1",
     .least = 1,
     .most = TaskManagementLadder::kForEver,
     .meaning = "functions that the step takes before it is used up"}};
constexpr Parameter kLadder[] = {
    {.name = "steps",
     .kind = faults::Kind::objects,
     .required = true,
     .least = 1,
     .most = TaskManagementLadder::kMaxSteps,
     .members = kStepMembers,
     .meaning = "each function takes the first step that is about it and not used up; a function "
                "without a step goes its way"}};

// ---- building

std::optional<Complaint> wrong_response(std::string_view field, std::uint64_t response) {
  if (response <= 7 || response == kRejected) return std::nullopt;
  return Complaint{
      std::string(field),
      std::to_string(response) + " is no response of RFC 7143 §11.6.1; use 0 to 7, or 255"};
}

Built build_never(const Arguments& arguments) {
  TaskManagementFault fault;
  fault.act = arguments.flag("perform") ? Act::perform : Act::skip;
  fault.answered = false;
  return fault;
}

Built build_delay(const Arguments& arguments) {
  TaskManagementFault fault;
  fault.delay = always(arguments.value<Time>("delay"));
  fault.delay_first = arguments.flag("before");
  return fault;
}

Built build_response(const Arguments& arguments) {
  const auto response = arguments.number("response");
  if (auto wrong = wrong_response("response", response)) return *std::move(wrong);
  TaskManagementFault fault;
  fault.act = arguments.flag("perform") ? Act::perform : Act::skip;
  fault.response = static_cast<std::uint8_t>(response);
  return fault;
}

Built build_lie(const Arguments&) {
  TaskManagementFault fault;
  fault.act = Act::skip;
  fault.response = kComplete;
  return fault;
}

Built build_partial(const Arguments& arguments) {
  TaskManagementFault fault;
  fault.act = Act::partial;
  fault.survivors = static_cast<std::uint32_t>(arguments.number("survivors", 1));
  return fault;
}

Built build_collateral(const Arguments& arguments) {
  TaskManagementFault fault;
  fault.collateral = true;
  fault.collateral_status = arguments.flag("status");
  fault.collateral_attention = arguments.flag("attention");
  return fault;
}

Built build_reset(const Arguments& arguments) {
  TaskManagementFault fault;
  fault.busy_after = arguments.value<Time>("for");
  return fault;
}

Built build_no_attention(const Arguments&) {
  TaskManagementFault fault;
  fault.no_attention = true;
  return fault;
}

Built build_ladder(const Arguments& arguments) {
  TaskManagementLadder ladder;
  const auto steps = arguments.value<std::vector<Arguments>>("steps");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Arguments& given = steps[i];
    const auto& deed = kDeeds[given.choice("do")];
    TaskManagementLadder::Step step;
    step.function = kFunctions[given.choice("tmf")].function;
    step.times = static_cast<std::uint32_t>(given.number("times", 1));
    step.drop = deed.drop;
    step.fault.act = deed.act;
    step.fault.answered = deed.answered;
    step.fault.response = deed.response;
    step.fault.delay = always(given.value<Time>("delay"));
    if (const auto response = given.maybe<std::uint64_t>("response")) {
      const auto field = "steps[" + std::to_string(i) + "].response";
      if (auto wrong = wrong_response(field, *response)) return *std::move(wrong);
      if (!deed.answered)
        return Complaint{
            field, "the step \"" + std::string(deed.name) + "\" is never answered; leave it out"};
      step.fault.response = static_cast<std::uint8_t>(*response);
    }
    ladder.steps.push_back(std::move(step));
  }
  return ladder;
}

constexpr FaultRow kTaskManagementRows[] = {
    {.id = "tmf.never",
     .site = Site::tmf_rx,
     .parameters = kNever,
     .build = build_never,
     .summary = "A task management function is never answered.",
     .wire = "No Task Management Function Response; the tasks go on unless `perform`.",
     .host =
         "Windows: iScsiPrt 49 for each, 63 and session recovery when it repeats.  Linux: after "
         "abort_timeout (5 s) or lu_reset_timeout the session is dropped and made anew.",
     .example =
         R"({"id": "deaf-to-aborts", "match": {"lun": 0, "tmf": "ABORT_TASK"}, "effect": {"tmf.never": {}}})"},
    {.id = "tmf.delay",
     .site = Site::tmf_done,
     .parameters = kDelay,
     .build = build_delay,
     .summary = "The answer to a task management function comes late.",
     .wire = "The function is carried out at once (`before`: after the delay), the answer leaves "
             "after the delay.",
     .host = "Windows: the queue stands still until the answer; beyond its timeout as with "
             "tmf.never.  Linux: the same, with 5 s for ABORT TASK and 15 s for resets.",
     .example =
         R"({"id": "slow-reset", "match": {"lun": 0, "tmf": "LOGICAL_UNIT_RESET"}, "effect": {"tmf.delay": {"delay": "3s"}}})"},
    {.id = "tmf.response",
     .site = Site::tmf_done,
     .parameters = kResponse,
     .build = build_response,
     .summary = "A task management function is answered with this response.",
     .wire = "Task Management Function Response with the code given; nothing is aborted unless "
             "`perform`.",
     .host = "Windows: the next wider reset follows, iScsiPrt 63 possible.  Linux: after a refused "
             "ABORT TASK a LUN RESET, then TARGET WARM RESET, then a new session.",
     .example =
         R"({"id": "no-aborts", "match": {"tmf": "ABORT_TASK"}, "effect": {"tmf.response": {"response": 5}}})"},
    {.id = "tmf.lie",
     .site = Site::tmf_done,
     .parameters = {},
     .build = build_lie,
     .summary = "The target says that it has aborted tasks, and completes them all the same.",
     .wire =
         "Response 0 at once; the tasks' own answers come later, for tags that the initiator has "
         "given up.",
     .host = "Windows: iScsiPrt 27.  Linux: the session is dropped (conn error 1010).",
     .example =
         R"({"id": "lying-reset", "match": {"lun": 0, "tmf": "LOGICAL_UNIT_RESET"}, "effect": {"tmf.lie": {}}})",
     .illegal = true},
    {.id = "tmf.partial",
     .site = Site::tmf_done,
     .parameters = kPartial,
     .build = build_partial,
     .summary = "Some tasks survive a function that says it has aborted all.",
     .wire = "Response 0; the youngest tasks of the session are answered later.",
     .host = "As with tmf.lie, for the survivors.",
     .example =
         R"({"id": "one-survivor", "match": {"lun": 0, "tmf": "ABORT_TASK_SET"}, "effect": {"tmf.partial": {"survivors": 1}}})",
     .illegal = true},
    {.id = "tmf.collateral",
     .site = Site::tmf_done,
     .parameters = kCollateral,
     .build = build_collateral,
     .summary = "Tasks of other sessions vanish, too.",
     .wire = "The other sessions' commands at the unit (of a target reset: at all units) are never "
             "answered, or end with TASK ABORTED; with `attention` 06/2F/00 follows.",
     .host = "Windows: timeouts as with lu.hang; TASK ABORTED costs a retry after 1 s.  Linux: "
             "timeout and ABORT TASK; TASK ABORTED is requeued at once.",
     .example =
         R"({"id": "friendly-fire", "match": {"lun": 0, "tmf": "ABORT_TASK"}, "effect": {"tmf.collateral": {"status": true}}})",
     .illegal = true},
    {.id = "tmf.reset_ms",
     .site = Site::tmf_done,
     .parameters = kReset,
     .build = build_reset,
     .summary = "A unit that was reset is BUSY for a while.",
     .wire = "BUSY to every command after LOGICAL UNIT RESET or a target reset, then the unit "
             "attention.",
     .host =
         "Windows: 20 retries 250 ms apart in the port driver, then the class driver's.  Linux: "
         "requeued until (retries + 1) x timeout.",
     .example =
         R"({"id": "slow-after-reset", "match": {"lun": 0, "tmf": "LOGICAL_UNIT_RESET"}, "effect": {"tmf.reset_ms": {"for": "4900ms"}}})"},
    {.id = "tmf.no_ua",
     .site = Site::tmf_done,
     .parameters = {},
     .build = build_no_attention,
     .summary = "A reset that nobody is told of.",
     .wire = "The reset is carried out and answered; 06/29/xx does not follow.",
     .host = "All hosts go on with mode pages and reservations that are no longer so.",
     .example =
         R"({"id": "silent-reset", "match": {"lun": 0, "tmf": "LOGICAL_UNIT_RESET"}, "effect": {"tmf.no_ua": {}}})",
     .illegal = true},
    {.id = "tmf.ladder",
     .site = Site::tmf_rx,
     .parameters = kLadder,
     .build = build_ladder,
     .summary = "One outcome for each rung that the host climbs.",
     .wire = "As the steps say.",
     .host = "Windows climbs LUN RESET, TARGET WARM RESET, session recovery; Linux ABORT TASK, LUN "
             "RESET, TARGET WARM RESET, new session.",
     .example =
         R"({"id": "abort-ladder", "match": {"lun": 2}, "effect": {"tmf.ladder": [{"tmf": "ABORT_TASK", "do": "fail"}, {"tmf": "LOGICAL_UNIT_RESET", "do": "never"}, {"tmf": "TARGET_COLD_RESET", "do": "ok", "delay": "3s"}]}})"},
};

}  // namespace

std::span<const FaultRow> task_management_faults() {
  return kTaskManagementRows;
}

}  // namespace faultlun::faults
