#include "faults/table/scsi_build.hpp"

#include "protocol/scsi/sense_codes.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace faultlun::faults {
namespace {

using scsi::SenseCode;
constexpr std::uint8_t kNotReady = 0x02, kMediumError = 0x03, kHardwareError = 0x04,
                       kIllegalRequest = 0x05, kDataProtect = 0x07, kAbortedCommand = 0x0b,
                       kRecoveredError = 0x01, kUnitAttention = 0x06;
constexpr SenseRef kNoFurtherSense{std::nullopt, 0x00, 0x00};

std::string hex(std::uint8_t octet) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return {kDigits[octet >> 4], kDigits[octet & 0x0f]};
}
std::string text_of(const SenseRef& ref) {
  return hex(ref.asc) + "/" + hex(ref.ascq);
}
std::string list_of(std::span<const std::uint8_t> keys) {
  std::string out;
  for (const auto key : keys)
    out += (out.empty() ? "0x" : ", 0x") + hex(key);
  return out;
}

/// Keys with which the sense table has the code.
std::vector<std::uint8_t> known_keys(const SenseRef& ref) {
  std::vector<std::uint8_t> out;
  for (const auto& row : scsi::sense_table())
    if (row.code.asc == ref.asc && row.code.ascq == ref.ascq) out.push_back(row.code.key);
  return out;
}

bool has_parameter(const Arguments& arguments, std::string_view name) {
  return std::ranges::find(arguments.parameters(), name, &Parameter::name) !=
         arguments.parameters().end();
}

/// `when` and `partial`.
Built answer_with(const Arguments& arguments, SenseSpec sense) {
  Answer answer;
  answer.sense = std::move(sense);
  answer.when = arguments.choice("when") == 1 ? When::after : When::before;
  answer.blocks = arguments.maybe<std::uint64_t>("partial");
  return Action(std::move(answer));
}

SenseSpec spec_of(SenseCode code) {
  SenseSpec spec;
  spec.code = code;
  return spec;
}

/// Families whose key is the same whatever the code.
Built build_with_key(const Arguments& arguments, SenseRef fallback, std::uint8_t key) {
  const auto code = sense_code_of(arguments, fallback, {&key, 1});
  if (const auto* wrong = std::get_if<Complaint>(&code)) return *wrong;
  return answer_with(arguments, spec_of(std::get<SenseCode>(code)));
}

scsi::FieldPointer field_pointer(const Arguments& members) {
  scsi::FieldPointer field;
  field.in_cdb = members.choice("in") == 0;
  field.byte = static_cast<std::uint16_t>(members.number("byte"));
  if (members.has("bit")) field.bit = static_cast<std::int8_t>(members.number("bit"));
  return field;
}

std::optional<scsi::FieldPointer> field_of(const Arguments& arguments) {
  const auto given = arguments.maybe<std::vector<Arguments>>("field");
  if (!given || given->empty()) return std::nullopt;
  return field_pointer(given->front());
}

/// Everything of scsi.sense but the code.
std::optional<Complaint> read_details(const Arguments& arguments, SenseSpec& spec) {
  using Information = SenseSpec::Information;
  spec.format = static_cast<SenseSpec::Format>(arguments.choice("format"));
  spec.deferred = arguments.flag("deferred");
  if (arguments.choice("information") == 1) spec.information = Information::lba;
  if (const auto number = arguments.maybe<std::uint64_t>("information_value")) {
    if (spec.information == Information::lba)
      return Complaint{"information_value", "information is \"lba\" already; give one of the two"};
    spec.information = Information::number;
    spec.information_number = *number;
  }
  spec.command_specific = arguments.maybe<std::uint64_t>("command_specific");
  spec.field = field_of(arguments);
  if (arguments.has("progress"))
    spec.progress = static_cast<std::uint16_t>(arguments.number("progress"));
  if (arguments.has("retry_count"))
    spec.retry_count = static_cast<std::uint16_t>(arguments.number("retry_count"));
  if (int{spec.field.has_value()} + int{spec.progress.has_value()} +
          int{spec.retry_count.has_value()} >
      1)
    return Complaint{"",
                     "field, progress and retry_count share one field of the sense data; give one"};
  spec.filemark = arguments.flag("filemark");
  spec.end_of_medium = arguments.flag("eom");
  spec.incorrect_length = arguments.flag("ili");
  if (arguments.has("truncate"))
    spec.length = static_cast<std::uint16_t>(arguments.number("truncate"));
  return std::nullopt;
}

}  // namespace

Code sense_code_of(const Arguments& arguments, SenseRef fallback,
                   std::span<const std::uint8_t> keys) {
  const auto ref = arguments.value<SenseRef>("asc", fallback);
  auto key = ref.key;
  if (has_parameter(arguments, "key") && arguments.has("key")) {
    const auto given = static_cast<std::uint8_t>(arguments.number("key"));
    if (key && *key != given)
      return Complaint{"key", "asc has another key; leave the key out in one of the two"};
    key = given;
  }
  if (key && !keys.empty() && std::ranges::find(keys, *key) == keys.end())
    return Complaint{"asc", "sense key 0x" + hex(*key) + " is not one of this fault's (" +
                                list_of(keys) + "); scsi.sense sends any"};
  const auto known = known_keys(ref);
  if (!key && keys.empty()) {
    if (known.empty())
      return Complaint{"key", "the sense table does not know " + text_of(ref) +
                                  "; say with which sense key it goes"};
    if (known.size() > 1)
      return Complaint{"key", text_of(ref) + " goes with more than one sense key (" +
                                  list_of(known) + "); say which"};
    key = known.front();
  }
  if (!key) {
    const auto found = std::ranges::find_first_of(keys, known);
    key = found == keys.end() ? keys.front() : *found;
  }
  return SenseCode{*key, ref.asc, ref.ascq};
}

std::optional<scsi::Status> parse_status(std::string_view text) {
  std::string name(text);
  for (auto& c : name) {
    if (c == '_') c = ' ';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  for (unsigned octet = 0; octet < 256; ++octet) {
    const auto status = static_cast<scsi::Status>(octet);
    const auto known = scsi::name_of(status);
    if (known != "reserved" && known == name) return status;
  }
  const bool hexadecimal = name.starts_with("0X");
  const auto digits = std::string_view(name).substr(hexadecimal ? 2 : 0);
  std::uint8_t octet = 0;
  const auto [end, wrong] =
      std::from_chars(digits.data(), digits.data() + digits.size(), octet, hexadecimal ? 16 : 10);
  if (wrong != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return static_cast<scsi::Status>(octet);
}

Built build_sense_fault(const Arguments& arguments) {
  SenseSpec spec;
  if (auto raw = arguments.maybe<bytes::Buffer>("raw")) {
    for (const auto& parameter : arguments.parameters()) {
      const bool goes_along =
          parameter.name == "raw" || parameter.name == "when" || parameter.name == "partial";
      if (!goes_along && arguments.has(parameter.name))
        return Complaint{std::string(parameter.name),
                         "raw is the whole sense data; leave this out, or raw"};
    }
    spec.raw = std::move(*raw);
    return answer_with(arguments, std::move(spec));
  }
  if (!arguments.has("key") && !arguments.has("asc"))
    return Complaint{"asc", "which sense? give asc (\"11/00\"), key, or raw"};
  const auto code = sense_code_of(arguments, kNoFurtherSense, {});
  if (const auto* wrong = std::get_if<Complaint>(&code)) return *wrong;
  spec.code = std::get<SenseCode>(code);
  if (auto wrong = read_details(arguments, spec)) return *std::move(wrong);
  return answer_with(arguments, std::move(spec));
}

Built build_status(const Arguments& arguments) {
  const auto status = parse_status(arguments.text("status"));
  if (!status)
    return Complaint{"status",
                     "no such status; give BUSY, TASK SET FULL, RESERVATION CONFLICT, ACA ACTIVE, "
                     "TASK ABORTED, CONDITION MET, GOOD or an octet such as \"0x14\""};
  if (*status == scsi::Status::check_condition)
    return Complaint{"status",
                     "CHECK CONDITION wants sense data: use scsi.sense, or "
                     "scsi.sense_missing for none"};
  Answer answer;
  answer.status = *status;
  answer.status_qualifier = static_cast<std::uint16_t>(arguments.number("qualifier"));
  answer.when = arguments.choice("when") == 1 ? When::after : When::before;
  answer.blocks = arguments.maybe<std::uint64_t>("partial");
  return Action(std::move(answer));
}

Built build_sense_missing(const Arguments& arguments) {
  enum Variant : std::size_t { absent, longer, shorter, response_code };
  constexpr std::uint16_t kLonger = 252, kShorter = 4;
  const auto variant = arguments.choice("variant");
  if (arguments.has("length") && variant != longer && variant != shorter)
    return Complaint{"length", "only the variants long and short have a length"};
  if (arguments.has("response_code") && variant != response_code)
    return Complaint{"response_code", "only the variant response_code has one"};
  if (variant == absent && (arguments.has("asc") || arguments.has("key")))
    return Complaint{"asc", "the variant absent sends no sense data; leave key and asc out"};
  SenseSpec spec;
  if (variant == absent) {
    spec.missing = true;
    return answer_with(arguments, std::move(spec));
  }
  const auto code = sense_code_of(arguments, {kAbortedCommand, 0x00, 0x00}, {});
  if (const auto* wrong = std::get_if<Complaint>(&code)) return *wrong;
  spec.code = std::get<SenseCode>(code);
  if (variant == response_code)
    spec.response_code = static_cast<std::uint8_t>(arguments.number("response_code", 0x7f));
  else
    spec.length = static_cast<std::uint16_t>(
        arguments.number("length", variant == longer ? kLonger : kShorter));
  return answer_with(arguments, std::move(spec));
}

std::span<const ParityVariant> parity_variants() {
  using scsi::sense;
  static constexpr ParityVariant kVariants[] = {
      {"47/00", sense("scsi_parity_error")},
      {"47/01", sense("data_phase_crc_error_detected")},
      {"47/02", sense("scsi_parity_error_detected_during_st_data_phase")},
      {"47/03", sense("information_unit_iucrc_error_detected")},
      {"47/05", sense("protocol_service_crc_error")},
      {"4B/00", sense("data_phase_error")},
      {"4B/03", sense("ack_nak_timeout")},
      {"08/02", sense("logical_unit_communication_parity_error")},
      {"08/03", sense("logical_unit_communication_crc_error")},
      {"48/00", sense("initiator_detected_error_message_received")},
      {"43/00", sense("message_error")},
  };
  return kVariants;
}

Built build_parity(const Arguments& arguments) {
  return answer_with(arguments, spec_of(parity_variants()[arguments.choice("variant")].code));
}

Built build_selection_timeout(const Arguments& arguments) {
  using Variant = SelectionVariant;
  const auto variant = static_cast<Variant>(arguments.choice("variant"));
  if (arguments.has("luns") && variant != Variant::report_luns_hides)
    return Complaint{"luns", "only the variant report_luns_hides hides LUNs"};
  if (arguments.has("listed") && variant != Variant::lun_absent)
    return Complaint{"listed", "only the variant lun_absent has this"};
  switch (variant) {
    case Variant::lun_absent:
      return Action(Absent{arguments.flag("listed")});
    case Variant::report_luns_hides: {
      Patch patch;
      patch.page = Patch::Page::luns;
      for (const auto lun : arguments.value<std::vector<std::uint64_t>>("luns"))
        patch.hide_luns.push_back(static_cast<std::uint16_t>(lun));
      if (patch.hide_luns.empty())
        return Complaint{"luns", "REPORT LUNS hides which? give their numbers: [1, 2]"};
      return Action(std::move(patch));
    }
    case Variant::connect_timeout:
      return Action(Drop{true, Drop::Then::silent});
    case Variant::login_not_found:
      return Action(Drop{true, Drop::Then::not_found});
    case Variant::sense_0b4500: {
      Answer answer;
      answer.sense = spec_of(scsi::sense("select_or_reselect_failure"));
      return Action(std::move(answer));
    }
    case Variant::silent:
      break;
  }
  return Action(Silence{});
}

Built build_medium(const Arguments& arguments) {
  using Heal = MediumError::Heal;
  constexpr std::uint8_t kKeys[] = {kMediumError, kRecoveredError, kHardwareError};
  constexpr std::uint8_t kWriteErrors[] = {0x03, 0x0c};
  const auto code = sense_code_of(arguments, {std::nullopt, 0x11, 0x00}, kKeys);
  if (const auto* wrong = std::get_if<Complaint>(&code)) return *wrong;
  MediumError error;
  error.code = std::get<SenseCode>(code);
  error.heal = static_cast<Heal>(arguments.choice("heal"));
  error.heal_after = static_cast<std::uint32_t>(arguments.number("heal_after"));
  error.information = arguments.choice("information") == 0;
  error.partial = arguments.flag("partial");
  error.data_good = error.code.key == kRecoveredError;
  error.of_writes = std::ranges::find(kWriteErrors, error.code.asc) != std::end(kWriteErrors);
  if ((error.heal == Heal::after) != arguments.has("heal_after"))
    return Complaint{"heal_after",
                     "heal \"after_n\" and heal_after (after how many errors a block "
                     "heals by itself) go together"};
  if (error.data_good && error.partial)
    return Complaint{"partial", "a recovered error delivers all data; leave partial out"};
  return Action(error);
}

Built build_hardware(const Arguments& arguments) {
  const auto code = sense_code_of(arguments, {std::nullopt, 0x44, 0x00}, {&kHardwareError, 1});
  if (const auto* wrong = std::get_if<Complaint>(&code)) return *wrong;
  if (!arguments.flag("sticky")) return answer_with(arguments, spec_of(std::get<SenseCode>(code)));
  if (arguments.has("when") || arguments.has("partial"))
    return Complaint{"sticky", "a dead unit transfers nothing; leave when and partial out"};
  UnitChange change;
  change.kind = UnitChange::Kind::offline;
  change.code = std::get<SenseCode>(code);
  change.silent = true;
  return Action(std::move(change));
}

Built build_not_ready(const Arguments& arguments) {
  using Change = UnitChange::Kind;
  static constexpr std::pair<SenseCode, Change> kMoving[] = {
      {scsi::sense("becoming_ready"), Change::slow_start},
      {scsi::sense("format_in_progress"), Change::format},
      {scsi::sense("sanitize_in_progress"), Change::sanitize},
  };
  const auto code = sense_code_of(arguments, {std::nullopt, 0x04, 0x00}, {&kNotReady, 1});
  if (const auto* wrong = std::get_if<Complaint>(&code)) return *wrong;
  const auto duration = arguments.maybe<Time>("for");
  const auto time_left = arguments.maybe<Time>("time_left");
  if (!duration) {
    auto spec = spec_of(std::get<SenseCode>(code));
    if (arguments.has("progress"))
      spec.progress = static_cast<std::uint16_t>(arguments.number("progress"));
    if (time_left) {
      spec.information = SenseSpec::Information::number;
      spec.information_number = static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(*time_left).count());
    }
    return answer_with(arguments, std::move(spec));
  }
  if (arguments.has("progress") || time_left)
    return Complaint{"for", "with `for` the unit itself counts; leave progress and time_left out"};
  if (*duration <= Time{} || *duration > kMaxDelay)
    return Complaint{"for", "more than 0 and at most " + duration_text(kMaxDelay)};
  UnitChange change;
  change.kind = Change::offline;
  change.code = std::get<SenseCode>(code);
  for (const auto& [moving, kind] : kMoving)
    if (moving == change.code) change.kind = kind;
  change.duration = *duration;
  change.silent = true;
  return Action(std::move(change));
}

Built build_abort(const Arguments& arguments) {
  return build_with_key(arguments, kNoFurtherSense, kAbortedCommand);
}

Built build_protect(const Arguments& arguments) {
  return build_with_key(arguments, {std::nullopt, 0x27, 0x00}, kDataProtect);
}

Built build_illegal(const Arguments& arguments) {
  constexpr std::uint8_t kOutOfRange = 0x21;
  const auto code = sense_code_of(arguments, {std::nullopt, 0x20, 0x00}, {&kIllegalRequest, 1});
  if (const auto* wrong = std::get_if<Complaint>(&code)) return *wrong;
  auto spec = spec_of(std::get<SenseCode>(code));
  spec.field = field_of(arguments);
  if (spec.code.asc == kOutOfRange) spec.information = SenseSpec::Information::lba;
  return answer_with(arguments, std::move(spec));
}

Built build_predict(const Arguments& arguments) {
  enum Report : std::size_t { on_request, unit_attention, recovered };
  constexpr std::uint8_t kFailurePrediction = 0x5d, kWarning = 0x0b;
  const auto ref = arguments.value<SenseRef>("asc", {std::nullopt, kFailurePrediction, 0x10});
  if (ref.asc != kFailurePrediction && ref.asc != kWarning)
    return Complaint{"asc", "a prediction is 5D/xx (failure) or 0B/xx (warning)"};
  if (ref.key) return Complaint{"asc", "the sense key follows from report; give ASC/ASCQ alone"};
  switch (arguments.choice("report")) {
    case unit_attention: {
      Attention attention;
      attention.codes = {{kUnitAttention, ref.asc, ref.ascq}};
      return Action(std::move(attention));
    }
    case recovered: {
      Answer answer;
      answer.sense = spec_of({kRecoveredError, ref.asc, ref.ascq});
      answer.when = When::after;
      return Action(std::move(answer));
    }
    default: {
      UnitChange change;
      change.kind = UnitChange::Kind::predict;
      change.code = {0x00, ref.asc, ref.ascq};
      return Action(std::move(change));
    }
  }
}

Built build_protection_information(const Arguments& arguments) {
  constexpr std::uint8_t kCheckFailed = 0x10;
  if (arguments.choice("mode") == 1)
    return Complaint{"mode",
                     "units here store no protection information, so there is none to "
                     "spoil; use \"check\""};
  const auto key = arguments.choice("detected") == 0 ? kAbortedCommand : kMediumError;
  auto spec =
      spec_of({key, kCheckFailed, static_cast<std::uint8_t>(arguments.choice("check") + 1)});
  spec.information = SenseSpec::Information::lba;
  return answer_with(arguments, std::move(spec));
}

}  // namespace faultlun::faults
