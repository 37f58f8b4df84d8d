// The unit family of the fault table: unit attentions (ua.*) and the state of logical units (lu.*).
// SAM-5 §5.14, SPC-4 §5.12; fault model 8.5.
#include "faults/fault_table.hpp"
#include "protocol/scsi/sense_codes.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace faultlun::faults {
namespace {

using scsi::sense;
using scsi::SenseCode;

constexpr std::uint64_t kMaxCount = 1000;
constexpr std::uint64_t kMaxCodes = 64;
constexpr std::uint8_t kUnitAttentionKey = 0x06;

// ---- unit attentions

/// Short names for the unit attentions that hosts tell apart; the rest goes by `asc`.
struct Preset {
  std::string_view name;
  SenseCode code;
};
// clang-format off
constexpr Preset kPresets[] = {
  {"power_on_or_reset",       sense("power_on_or_reset_occurred")},
  {"power_on",                sense("power_on_occurred")},
  {"bus_reset",               sense("scsi_bus_reset_occurred")},
  {"device_reset",            sense("bus_device_reset_function_occurred")},
  {"internal_reset",          sense("device_internal_reset")},
  {"single_ended",            sense("transceiver_mode_changed_to_single_ended")},
  {"lvd",                     sense("transceiver_mode_changed_to_lvd")},
  {"nexus_loss",              sense("i_t_nexus_loss_occurred")},
  {"medium_changed",          sense("medium_may_have_changed")},
  {"mode_changed",            sense("mode_parameters_changed")},
  {"reservations_preempted",  sense("reservations_preempted")},
  {"reservations_released",   sense("reservations_released")},
  {"registrations_preempted", sense("registrations_preempted")},
  {"access_state_changed",    sense("asymmetric_access_state_changed")},
  {"access_state_failed",     sense("implicit_asymmetric_access_state_transition_failed")},
  {"capacity_changed",        sense("capacity_data_has_changed")},
  {"commands_cleared",        sense("commands_cleared_by_another_initiator")},
  {"soft_threshold",          sense("thin_provisioning_soft_threshold_reached")},
  {"microcode_changed",       sense("microcode_has_been_changed")},
  {"inquiry_changed",         sense("inquiry_data_has_changed")},
  {"identifier_changed",      sense("device_identifier_changed")},
  {"luns_changed",            sense("reported_luns_data_has_changed")},
  {"removal_request",         sense("operator_medium_removal_request")},
  {"failure_predicted",       sense("failure_prediction_threshold_exceeded")},
};
// clang-format on
constexpr auto kPresetNames = [] {
  std::array<std::string_view, std::size(kPresets)> names;
  std::ranges::transform(kPresets, names.begin(), &Preset::name);
  return names;
}();

constexpr std::string_view kNexusNames[] = {"own", "others", "all", "next_login"};

constexpr std::string_view kAscMeaning =
    "the condition: \"29/00\", \"06/29/00\", or its name in the sense table";
constexpr std::string_view kPresetMeaning = "the condition by a short name, instead of `asc`";
constexpr std::string_view kNexusMeaning =
    "who gets it: the session whose command matched, the other sessions that use the unit, all of "
    "these, or the session that uses the unit for the first time next";
constexpr std::string_view kSilentMeaning =
    "without the unit attention that goes with it: the state changes and nobody says so";
constexpr std::string_view kLunMeaning = "another unit of the target than the one that matched";

// clang-format off
constexpr Parameter kQueue[] = {
  {.name = "asc", .kind = Kind::sense_code, .fallback = "(what `preset` says)", .meaning = kAscMeaning},
  {.name = "preset", .kind = Kind::choice, .fallback = "(what `asc` says)", .choices = kPresetNames, .meaning = kPresetMeaning},
  {.name = "nexus", .kind = Kind::choice, .fallback = "\"all\"", .choices = kNexusNames, .meaning = kNexusMeaning},
  {.name = "count", .kind = Kind::number, .fallback = "1", .least = 1, .most = kMaxCount, .meaning = "commands in a row that each session gets it for"},
};
constexpr Parameter kStorm[] = {
  {.name = "codes", .kind = Kind::codes, .fallback = "[\"29/00\", \"2A/01\", \"2A/09\", \"3F/03\", \"3F/0E\"]", .least = 1, .most = kMaxCodes, .meaning = "the conditions, reported one after the other; those of the reset class (29/xx, 3F/01) first"},
  {.name = "count", .kind = Kind::number, .fallback = "1", .least = 1, .most = kMaxCount, .meaning = "times that each of them is reported"},
  {.name = "nexus", .kind = Kind::choice, .fallback = "\"own\"", .choices = kNexusNames, .meaning = kNexusMeaning},
};
constexpr Parameter kMissing[] = {
  {.name = "codes", .kind = Kind::codes, .fallback = "(every condition)", .least = 1, .most = kMaxCodes, .meaning = "the conditions that are never reported"},
};
constexpr Parameter kWrongNexus[] = {
  {.name = "asc", .kind = Kind::sense_code, .fallback = "(whatever is pending)", .meaning = kAscMeaning},
  {.name = "preset", .kind = Kind::choice, .fallback = "(whatever is pending)", .choices = kPresetNames, .meaning = kPresetMeaning},
};
// clang-format on

/// A unit attention as given; its key may be left out.
std::variant<SenseCode, Complaint> attention_of(std::string_view field, const SenseRef& given) {
  if (given.key.value_or(kUnitAttentionKey) != kUnitAttentionKey)
    return Complaint{std::string(field),
                     "the sense key of a unit attention is 06h; leave the key out, or use "
                     "scsi.sense for another one"};
  if (given.asc == 0)
    return Complaint{std::string(field),
                     "a unit attention needs an additional sense code, such as \"29/00\""};
  return SenseCode{kUnitAttentionKey, given.asc, given.ascq};
}

/// `asc` or `preset`.  Nothing: neither was given.
std::variant<std::monostate, SenseCode, Complaint> one_attention(const Arguments& arguments) {
  const auto asc = arguments.maybe<SenseRef>("asc");
  if (asc && arguments.has("preset"))
    return Complaint{"preset", "the condition is given by `asc` already; leave one of them out"};
  if (arguments.has("preset")) return kPresets[arguments.choice("preset")].code;
  if (!asc) return std::monostate{};
  auto code = attention_of("asc", *asc);
  if (auto* wrong = std::get_if<Complaint>(&code)) return std::move(*wrong);
  return std::get<SenseCode>(code);
}

std::optional<Complaint> read_codes(const Arguments& arguments, std::vector<SenseCode>& out) {
  const auto given = arguments.value<std::vector<SenseRef>>("codes");
  for (std::size_t i = 0; i < given.size(); ++i) {
    auto code = attention_of("codes[" + std::to_string(i) + "]", given[i]);
    if (auto* wrong = std::get_if<Complaint>(&code)) return std::move(*wrong);
    out.push_back(std::get<SenseCode>(code));
  }
  return std::nullopt;
}

Built build_queue(const Arguments& arguments) {
  auto code = one_attention(arguments);
  if (auto* wrong = std::get_if<Complaint>(&code)) return std::move(*wrong);
  if (!std::holds_alternative<SenseCode>(code))
    return Complaint{"asc", "say which condition: `asc`, such as \"29/00\", or `preset`"};
  Attention attention;
  attention.codes = {std::get<SenseCode>(code)};
  attention.nexus = static_cast<Attention::Nexus>(
      arguments.choice("nexus", static_cast<std::size_t>(Attention::Nexus::all)));
  attention.count = static_cast<std::uint32_t>(arguments.number("count", 1));
  return attention;
}

Built build_storm(const Arguments& arguments) {
  constexpr SenseCode kUsual[] = {
      sense("power_on_or_reset_occurred"), sense("mode_parameters_changed"),
      sense("capacity_data_has_changed"), sense("inquiry_data_has_changed"),
      sense("reported_luns_data_has_changed")};
  Attention attention;
  if (auto wrong = read_codes(arguments, attention.codes)) return *std::move(wrong);
  if (attention.codes.empty()) attention.codes.assign(std::begin(kUsual), std::end(kUsual));
  attention.nexus = static_cast<Attention::Nexus>(
      arguments.choice("nexus", static_cast<std::size_t>(Attention::Nexus::own)));
  attention.count = static_cast<std::uint32_t>(arguments.number("count", 1));
  return attention;
}

Built build_missing(const Arguments& arguments) {
  NoAttention missing;
  if (auto wrong = read_codes(arguments, missing.codes)) return *std::move(wrong);
  return missing;
}

Built build_wrong_nexus(const Arguments& arguments) {
  auto code = one_attention(arguments);
  if (auto* wrong = std::get_if<Complaint>(&code)) return std::move(*wrong);
  Attention attention;
  if (const auto* given = std::get_if<SenseCode>(&code)) attention.codes = {*given};
  attention.nexus = Attention::Nexus::own;
  attention.wrong_nexus = true;
  return attention;
}

// ---- state of units

constexpr Parameter kLun{.name = "lun",
                         .kind = faults::Kind::lun,
                         .fallback = "(the unit that matched)",
                         .meaning = kLunMeaning};
constexpr Parameter kSilent{
    .name = "silent", .kind = faults::Kind::flag, .fallback = "false", .meaning = kSilentMeaning};

/// Parameters named after what they do, for the lists below.
constexpr Parameter lasting(std::string_view name, bool required, std::string_view fallback,
                            std::string_view meaning) {
  return {.name = name,
          .kind = faults::Kind::duration,
          .required = required,
          .fallback = fallback,
          .meaning = meaning};
}

constexpr Parameter kOffline[] = {
    lasting("for", false, "(until lu.online)", "how long; then it is online by itself"), kSilent,
    kLun};
constexpr Parameter kPlain[] = {kSilent, kLun};
constexpr Parameter kSlowStart[] = {
    lasting("for", true, "", "from not ready to ready; progress counts up meanwhile"), kLun};
constexpr Parameter kPowerCycle[] = {
    lasting("off", false, "\"1s\"", "without power: nothing is answered"),
    lasting("for", false, "\"0s\"", "how long it starts when power is back (2/04/01)"), kSilent,
    kLun};
constexpr Parameter kMicrocode[] = {{.name = "revision",
                                     .kind = faults::Kind::text,
                                     .fallback = "(as it was)",
                                     .least = 1,
                                     .most = 4,
                                     .meaning = "PRODUCT REVISION LEVEL that INQUIRY tells then"},
                                    kSilent,
                                    kLun};
constexpr Parameter kOperation[] = {
    lasting("for", true, "", "how long it takes; progress counts up meanwhile"), kLun};
constexpr std::string_view kDoorNames[] = {"eject", "load"};
constexpr Parameter kDoor[] = {{.name = "action",
                                .kind = faults::Kind::choice,
                                .fallback = "\"eject\"",
                                .choices = kDoorNames,
                                .meaning = "out of the drive, or in again"},
                               kSilent,
                               kLun};
constexpr Parameter kHang[] = {
    {.name = "grade",
     .kind = faults::Kind::number,
     .fallback = "1",
     .least = 1,
     .most = 4,
     .meaning = "1: no command is answered; 2: nor is task management; 3: only commands that "
                "transfer data are not; 4: nor is task management once one of them was swallowed"}};

/// `silent`, `for` and `lun` of a change, where its fault has them.
template <UnitChange::Kind kKind>
UnitChange change_of(const Arguments& arguments) {
  const auto has = [&](std::string_view name) {
    return std::ranges::find(arguments.parameters(), name, &Parameter::name) !=
           arguments.parameters().end();
  };
  UnitChange change;
  change.kind = kKind;
  if (has("silent")) change.silent = arguments.flag("silent");
  if (has("for")) change.duration = arguments.value<Time>("for");
  if (const auto lun = arguments.maybe<std::uint64_t>("lun"))
    change.lun = static_cast<std::uint16_t>(*lun);
  return change;
}

template <UnitChange::Kind kKind>
Built build_change(const Arguments& arguments) {
  return change_of<kKind>(arguments);
}

/// An operation of no length would never be seen.
template <UnitChange::Kind kKind>
Built build_lasting(const Arguments& arguments) {
  auto change = change_of<kKind>(arguments);
  if (change.duration <= Time{})
    return Complaint{"for", "must be longer than nothing; write for instance \"30s\""};
  return change;
}

Built build_power_cycle(const Arguments& arguments) {
  auto change = change_of<UnitChange::Kind::power_cycle>(arguments);
  change.off = arguments.value<Time>("off", std::chrono::seconds(1));
  return change;
}

Built build_microcode(const Arguments& arguments) {
  auto change = change_of<UnitChange::Kind::microcode>(arguments);
  change.text = arguments.text("revision");
  const auto printable = [](char c) { return c >= 0x20 && c <= 0x7e; };
  if (!std::ranges::all_of(change.text, printable))
    return Complaint{"revision", "INQUIRY has printable ASCII there; write for instance \"0002\""};
  return change;
}

Built build_medium_eject(const Arguments& arguments) {
  if (arguments.choice("action") == 1) return change_of<UnitChange::Kind::load>(arguments);
  return change_of<UnitChange::Kind::eject>(arguments);
}

Built build_hang(const Arguments& arguments) {
  const auto grade = arguments.number("grade", 1);
  return Silence{.data_only = grade >= 3, .task_management = grade % 2 == 0};
}

using Change = UnitChange::Kind;

constexpr FaultRow kUnitRows[] = {
    {.id = "ua.queue",
     .site = Site::ua_queue,
     .parameters = kQueue,
     .build = build_queue,
     .summary = "Establishes a unit attention condition.",
     .wire =
         "CHECK CONDITION 06/xx/xx to the next command of each session concerned, the one that "
         "matched included; INQUIRY and REPORT LUNS pass, REPORT LUNS takes 3F/0E away, REQUEST "
         "SENSE reports and clears.  It is reported as told even where SAM-5 would let a reset "
         "cover it.",
     .host = "Windows: one retry (2A/09 and 3F/01 after 1 s, other 3F/xx after 5 s with a rescan), "
             "29/xx with event 153 on reads and writes, 2A/09 with event 151, 38/07 up to 32 "
             "retries, 5A/xx and 5D/xx event 52.  Linux: one retry at once, the event logged.",
     .example =
         R"({"id": "reset-seen", "match": {"lun": 0}, "gate": {"nth": 100}, "effect": {"ua.queue": {"asc": "29/00", "nexus": "all"}}})"},
    {.id = "ua.storm",
     .site = Site::ua_queue,
     .parameters = kStorm,
     .build = build_storm,
     .summary = "Unit attention conditions in a row; the rule's gate is the rate.",
     .wire = "CHECK CONDITION 06/xx/xx to as many commands as there are conditions, times `count`.",
     .host = "Windows: retries; a read or write fails with IO_DEVICE_ERROR after five hits in a "
             "row.  Linux: EIO after the sixth in a row of one command.",
     .example =
         R"({"id": "unit-attention-storm", "match": {"op": "any"}, "gate": {"p": 0.1}, "effect": {"ua.storm": {"codes": ["29/00"], "count": 1}}})"},
    {.id = "ua.missing",
     .site = Site::ua_queue,
     .parameters = kMissing,
     .build = build_missing,
     .summary = "State changes, but the unit attention that should tell of it never comes.",
     .wire =
         "The command that would have been told 06/xx/xx is executed; REQUEST SENSE has nothing "
         "to say.",
     .host = "All hosts go on with what they believe: an old capacity, old mode pages, LUNs that "
             "are gone, a reservation that was lost.",
     .example =
         R"({"id": "nobody-says-so", "match": {"lun": 0, "op": "any"}, "effect": {"ua.missing": {"codes": ["2A/09", "3F/0E"]}}})"},
    {.id = "ua.wrong_nexus",
     .site = Site::ua_queue,
     .parameters = kWrongNexus,
     .build = build_wrong_nexus,
     .summary = "A unit attention is reported to a session that it does not concern.",
     .wire = "What pends for the session that matched (or the condition given) is reported to "
             "another session that uses the unit; one that is alone keeps it.",
     .host = "Windows and Linux: the wrong host retries and looks again at a unit that has not "
             "changed for it; the right one never hears of it.",
     .example =
         R"({"id": "misdirected-attention", "match": {"lun": 0, "op": "any"}, "effect": {"ua.wrong_nexus": {}}})"},
    {.id = "lu.offline",
     .site = Site::lu_state,
     .parameters = kOffline,
     .build = build_change<Change::offline>,
     .summary = "The unit is offline.",
     .wire = "02/04/12 to everything but INQUIRY, REPORT LUNS and REQUEST SENSE; 06/28/00 when it "
             "is online again.",
     .host =
         "Windows: four retries at once after START UNIT, then DEVICE_NOT_READY; MSDSM fails it "
         "back.  Linux: EIO at once.",
     .example =
         R"({"id": "array-offline", "match": {"lun": 0, "op": "write"}, "gate": {"nth": 50}, "effect": {"lu.offline": {"for": "45s"}}})"},
    {.id = "lu.online",
     .site = Site::lu_state,
     .parameters = kPlain,
     .build = build_change<Change::online>,
     .summary =
         "Ends what keeps the unit from being ready: offline, start, sanitize, format, power.",
     .wire = "06/28/00 after offline, 06/29/01 after a power cycle, then everything as usual.",
     .host = "Windows and Linux: one retry.",
     .example =
         R"({"id": "back-online", "match": {"lun": 1, "op": "any"}, "gate": {"nth": 20}, "effect": {"lu.online": {"lun": 0}}})"},
    {.id = "lu.remove",
     .site = Site::lu_state,
     .parameters = kPlain,
     .build = build_change<Change::remove>,
     .summary = "The unit is unplugged while in use.",
     .wire = "INQUIRY qualifier 011b, 05/25/00 to the rest, REPORT LUNS leaves it out, 06/3F/0E on "
             "the other units of the target; commands in progress are never answered.",
     .host = "Windows: NO_SUCH_DEVICE, rescan after 3F/0E, event 157 (surprise removal).  Linux: "
             "EREMOTEIO; the device stays until it is rescanned or deleted.",
     .example =
         R"({"id": "unplug", "match": {"lun": 1, "op": "write"}, "gate": {"nth": 1000}, "effect": {"lu.remove": {}}})"},
    {.id = "lu.add",
     .site = Site::lu_state,
     .parameters = kPlain,
     .build = build_change<Change::add>,
     .summary = "A unit that was unplugged is plugged in again.",
     .wire = "06/29/01 on the unit, 06/3F/0E on the others; REPORT LUNS has it again.",
     .host = "Windows: rescan after 3F/0E, the disk comes back with its identity from VPD 83h.  "
             "Linux: \"LUN assignments on this target have changed\"; rescan by hand or by udev.",
     .example =
         R"({"id": "plug-in", "match": {"lun": 0, "op": "any"}, "gate": {"nth": 500}, "effect": {"lu.add": {"lun": 1}}})"},
    {.id = "lu.hang",
     .site = Site::cmd_enqueue,
     .parameters = kHang,
     .build = build_hang,
     .summary = "The unit hangs: it takes commands and never answers them.",
     .wire = "No answer at all; CmdSN is acknowledged, NOP-Out is answered.",
     .host = "Windows: LUN RESET after the disk's timeout (60 s) and 15 s, then target reset, then "
             "session recovery; events 9, 39, 129, 153.  Linux: ABORT TASK after 30 s, LUN RESET, "
             "TARGET WARM RESET, then a new session.",
     .example =
         R"({"id": "hung-disk", "match": {"lun": 0, "op": "any"}, "gate": {"window": {"since": "arm", "for": "120s"}}, "effect": {"lu.hang": {"grade": 2}}})"},
    {.id = "lu.slow_start",
     .site = Site::lu_state,
     .parameters = kSlowStart,
     .build = build_lasting<Change::slow_start>,
     .summary = "The unit takes its time to become ready.",
     .wire = "02/04/01 with progress to TEST UNIT READY and all that needs the medium; MODE SENSE "
             "and INQUIRY are answered.",
     .host = "Windows: four retries ten seconds apart.  Linux: retried until the command's time is "
             "over; sd waits for it when it attaches.",
     .example =
         R"({"id": "spin-up", "match": {"lun": 0, "op": "TEST UNIT READY"}, "gate": {"times": 1}, "effect": {"lu.slow_start": {"for": "30s"}}})"},
    {.id = "lu.power_cycle",
     .site = Site::lu_state,
     .parameters = kPowerCycle,
     .build = build_power_cycle,
     .summary = "The unit loses power and gets it back.",
     .wire = "Nothing is answered while it is off, commands in progress included; then 06/29/01, "
             "mode pages and reservations as after power on, and 02/04/01 while it starts.  The "
             "medium keeps its data.",
     .host = "Windows: timeouts, LUN RESET, events 129 and 153, then retries.  Linux: ABORT TASK, "
             "retries, \"Power-on or device reset occurred\".",
     .example =
         R"({"id": "power-glitch", "match": {"lun": 0, "op": "write"}, "gate": {"nth": 200}, "effect": {"lu.power_cycle": {"off": "5s", "for": "10s"}}})"},
    {.id = "lu.microcode",
     .site = Site::lu_state,
     .parameters = kMicrocode,
     .build = build_microcode,
     .summary = "Another firmware runs from now on.",
     .wire = "06/3F/01 to every session; INQUIRY tells the new revision.",
     .host = "Windows: retry after 1 s, event 153 on reads and writes.  Linux: one retry; the "
             "revision in sysfs is old until a rescan.",
     .example =
         R"({"id": "firmware-update", "match": {"lun": 0, "op": "any"}, "gate": {"nth": 300}, "effect": {"lu.microcode": {"revision": "0002"}}})"},
    {.id = "lu.sanitize",
     .site = Site::lu_state,
     .parameters = kOperation,
     .build = build_lasting<Change::sanitize>,
     .summary = "A sanitize operation is in progress.",
     .wire =
         "02/04/1B with progress to everything but INQUIRY, REPORT LUNS and REQUEST SENSE, which "
         "tells it too.  The medium keeps its data.",
     .host = "Windows: retries at once, then DEVICE_NOT_READY.  Linux: EIO at once.",
     .example =
         R"({"id": "sanitizing", "match": {"lun": 0, "op": "any"}, "gate": {"times": 1}, "effect": {"lu.sanitize": {"for": "10min"}}})"},
    {.id = "lu.format",
     .site = Site::lu_state,
     .parameters = kOperation,
     .build = build_lasting<Change::format>,
     .summary = "A FORMAT UNIT is in progress.",
     .wire =
         "02/04/04 with progress to everything but INQUIRY, REPORT LUNS and REQUEST SENSE, which "
         "tells it too.  The medium keeps its data.",
     .host = "Windows: not retried, DEVICE_NOT_READY.  Linux: EIO at once.",
     .example =
         R"({"id": "formatting", "match": {"lun": 0, "op": "any"}, "gate": {"times": 1}, "effect": {"lu.format": {"for": "10min"}}})"},
    {.id = "lu.medium_eject",
     .site = Site::lu_state,
     .parameters = kDoor,
     .build = build_medium_eject,
     .summary = "The medium is taken out, or put in again.",
     .wire = "02/3A/02 to what needs the medium; after loading 06/28/00.  START STOP UNIT of a "
             "removable unit loads it, too.",
     .host =
         "Windows: NO_MEDIA_IN_DEVICE without retry; after 28/00 a removable disk asks the file "
         "system to look again (VERIFY_REQUIRED).  Linux: ENOMEDIUM.",
     .example =
         R"({"id": "ejected", "match": {"lun": 0, "op": "write"}, "gate": {"nth": 10}, "effect": {"lu.medium_eject": {}}})"},
};

}  // namespace

std::span<const FaultRow> unit_faults() {
  return kUnitRows;
}

}  // namespace faultlun::faults
