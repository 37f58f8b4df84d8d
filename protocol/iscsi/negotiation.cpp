#include "protocol/iscsi/negotiation.hpp"

#include <algorithm>

namespace faultlun::iscsi {
namespace {

constexpr std::uint8_t kLogin = kInSecurity | kInOperational;
constexpr std::uint8_t kOperational = kInOperational;
constexpr std::uint8_t kAny = kLogin | kInFullFeature;
constexpr std::uint8_t kInitiator = kByInitiator, kTarget = kByTarget,
                       kBothEnds = kByInitiator | kByTarget;
constexpr bool kLeading = true, kEvery = false;  // column `leading_only`
constexpr bool kNoDisc = true, kDisc = false;    // column `irrelevant_in_discovery`
constexpr std::uint32_t kMax24 = 0xffffff;

using P = Parameters;
using N = std::uint32_t;

// clang-format off
constexpr KeyRow kKeys[] = {
//  name                        rule                   stages          leading   senders     low  high            ours                in disc.  choices        settle                                                              slot
  {"AuthMethod",                Rule::authentication,  kInSecurity,    kEvery,   kBothEnds,  0,   0,              0,                  kDisc,    "CHAP,None",   nullptr,                                                            &Declared::auth_method},
  {"CHAP_A",                    Rule::authentication,  kInSecurity,    kEvery,   kBothEnds,  0,   kMaxValueBytes, 0,                  kDisc,    "",            nullptr,                                                            &Declared::chap_a},
  {"CHAP_C",                    Rule::authentication,  kInSecurity,    kEvery,   kBothEnds,  0,   0,              0,                  kDisc,    "",            nullptr,                                                            &Declared::chap_c},
  {"CHAP_I",                    Rule::authentication,  kInSecurity,    kEvery,   kBothEnds,  0,   kMaxValueBytes, 0,                  kDisc,    "",            nullptr,                                                            &Declared::chap_i},
  {"CHAP_N",                    Rule::authentication,  kInSecurity,    kEvery,   kBothEnds,  0,   kMaxValueBytes, 0,                  kDisc,    "",            nullptr,                                                            &Declared::chap_n},
  {"CHAP_R",                    Rule::authentication,  kInSecurity,    kEvery,   kBothEnds,  0,   0,              0,                  kDisc,    "",            nullptr,                                                            &Declared::chap_r},
  {"DataDigest",                Rule::list,            kOperational,   kEvery,   kBothEnds,  0,   0,              0,                  kDisc,    "CRC32C,None", [](P& p, N v) { p.data_digest = v == 0; },                          nullptr},
  {"DataPDUInOrder",            Rule::either,          kOperational,   kLeading, kBothEnds,  0,   1,              1,                  kNoDisc,  "",            [](P& p, N v) { p.data_pdu_in_order = v != 0; },                    nullptr},
  {"DataSequenceInOrder",       Rule::either,          kOperational,   kLeading, kBothEnds,  0,   1,              1,                  kNoDisc,  "",            [](P& p, N v) { p.data_sequence_in_order = v != 0; },               nullptr},
  {"DefaultTime2Retain",        Rule::minimum,         kOperational,   kLeading, kBothEnds,  0,   3600,           20,                 kDisc,    "",            [](P& p, N v) { p.default_time2retain = static_cast<std::uint16_t>(v); }, nullptr},
  {"DefaultTime2Wait",          Rule::maximum,         kOperational,   kLeading, kBothEnds,  0,   3600,           2,                  kDisc,    "",            [](P& p, N v) { p.default_time2wait = static_cast<std::uint16_t>(v); }, nullptr},
  {"ErrorRecoveryLevel",        Rule::minimum,         kOperational,   kLeading, kBothEnds,  0,   2,              0,                  kDisc,    "",            [](P& p, N v) { p.error_recovery_level = static_cast<std::uint8_t>(v); }, nullptr},
  {"FirstBurstLength",          Rule::first_burst,     kOperational,   kLeading, kBothEnds,  512, kMax24,         kFirstBurstLength,  kNoDisc,  "",            [](P& p, N v) { p.first_burst_length = v; },                        nullptr},
  {"HeaderDigest",              Rule::list,            kOperational,   kEvery,   kBothEnds,  0,   0,              0,                  kDisc,    "CRC32C,None", [](P& p, N v) { p.header_digest = v == 0; },                        nullptr},
  {"IFMarkInt",                 Rule::refused,         kOperational,   kEvery,   kBothEnds,  0,   0,              0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"IFMarker",                  Rule::marker,          kOperational,   kEvery,   kBothEnds,  0,   1,              0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"ImmediateData",             Rule::both,            kOperational,   kLeading, kBothEnds,  0,   1,              1,                  kNoDisc,  "",            [](P& p, N v) { p.immediate_data = v != 0; },                       nullptr},
  {"InitialR2T",                Rule::either,          kOperational,   kLeading, kBothEnds,  0,   1,              0,                  kNoDisc,  "",            [](P& p, N v) { p.initial_r2t = v != 0; },                          nullptr},
  {"InitiatorAlias",            Rule::declared_text,   kAny,           kEvery,   kInitiator, 0,   kMaxAliasBytes, 0,                  kDisc,    "",            nullptr,                                                            &Declared::initiator_alias},
  {"InitiatorName",             Rule::declared_text,   kLogin,         kEvery,   kInitiator, 0,   kMaxNameBytes,  0,                  kDisc,    "",            nullptr,                                                            &Declared::initiator_name},
  {"InitiatorRecvDataSegmentLength", Rule::irrelevant, kOperational,   kEvery,   kBothEnds,  512, kMax24,         0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"MaxAHSLength",              Rule::declared_text,   kOperational,   kEvery,   kBothEnds,  0,   kMaxValueBytes, 0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"MaxBurstLength",            Rule::max_burst,       kOperational,   kLeading, kBothEnds,  512, kMax24,         kMaxBurstLength,    kNoDisc,  "",            [](P& p, N v) { p.max_burst_length = v; },                          nullptr},
  {"MaxConnections",            Rule::minimum,         kOperational,   kLeading, kBothEnds,  1,   65535,          1,                  kNoDisc,  "",            [](P& p, N v) { p.max_connections = static_cast<std::uint16_t>(v); }, nullptr},
  {"MaxOutstandingR2T",         Rule::minimum,         kOperational,   kLeading, kBothEnds,  1,   65535,          kMaxOutstandingR2T, kNoDisc,  "",            [](P& p, N v) { p.max_outstanding_r2t = static_cast<std::uint16_t>(v); }, nullptr},
  {"MaxOutstandingUnexpectedPDUs", Rule::declared_text, kOperational,  kEvery,   kBothEnds,  0,   kMaxValueBytes, 0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"MaxRecvDataSegmentLength",  Rule::declared_number, kOperational | kInFullFeature, kEvery, kBothEnds, 512, kMax24, 0,               kDisc,    "",            [](P& p, N v) { p.peer_max_recv_data_segment_length = v; },         nullptr},
  {"OFMarkInt",                 Rule::refused,         kOperational,   kEvery,   kBothEnds,  0,   0,              0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"OFMarker",                  Rule::marker,          kOperational,   kEvery,   kBothEnds,  0,   1,              0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"RDMAExtensions",            Rule::both,            kOperational,   kLeading, kBothEnds,  0,   1,              0,                  kNoDisc,  "",            nullptr,                                                            nullptr},
  {"SendTargets",               Rule::send_targets,    kInFullFeature, kEvery,   kInitiator, 0,   kMaxNameBytes,  0,                  kDisc,    "",            nullptr,                                                            &Declared::send_targets},
  {"SessionType",               Rule::declared_text,   kLogin,         kLeading, kInitiator, 0,   kMaxValueBytes, 0,                  kDisc,    "",            nullptr,                                                            &Declared::session_type},
  {"TaggedBufferForSolicitedDataOnly", Rule::declared_text, kOperational, kLeading, kInitiator, 0, kMaxValueBytes, 0,                 kDisc,    "",            nullptr,                                                            nullptr},
  {"TargetAddress",             Rule::declared_text,   kAny,           kEvery,   kTarget,    0,   kMaxValueBytes, 0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"TargetAlias",               Rule::declared_text,   kAny,           kEvery,   kTarget,    0,   kMaxAliasBytes, 0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"TargetName",                Rule::declared_text,   kLogin,         kEvery,   kBothEnds,  0,   kMaxNameBytes,  0,                  kDisc,    "",            nullptr,                                                            &Declared::target_name},
  {"TargetPortalGroupTag",      Rule::declared_number, kLogin,         kEvery,   kTarget,    0,   65535,          0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"TargetRecvDataSegmentLength", Rule::irrelevant,    kOperational,   kEvery,   kBothEnds,  512, kMax24,         0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"TaskReporting",             Rule::list,            kOperational,   kLeading, kBothEnds,  0,   0,              0,                  kNoDisc,  "RFC3720",     [](P& p, N) { p.task_reporting = TaskReporting::rfc3720; },         nullptr},
  {"X#NodeArchitecture",        Rule::declared_text,   kLogin,         kLeading, kBothEnds,  0,   kMaxValueBytes, 0,                  kDisc,    "",            nullptr,                                                            nullptr},
  {"iSCSIProtocolLevel",        Rule::minimum,         kOperational,   kLeading, kBothEnds,  0,   31,             2,                  kNoDisc,  "",            [](P& p, N v) { p.protocol_level = static_cast<std::uint8_t>(v); }, nullptr},
  {"iSERHelloRequired",         Rule::declared_text,   kOperational,   kLeading, kInitiator, 0,   kMaxValueBytes, 0,                  kDisc,    "",            nullptr,                                                            nullptr},
};
// clang-format on

constexpr bool table_is_sound() {
  for (std::size_t i = 1; i < std::size(kKeys); ++i) {
    if (!(kKeys[i - 1].name < kKeys[i].name)) return false;
  }
  for (const auto& row : kKeys) {
    if (row.low > row.high || row.ours > kMax24 || row.stages == 0 || row.senders == 0)
      return false;
    if (row.rule == Rule::list && row.choices.empty()) return false;
  }
  return std::size(kKeys) <= 64;
}
static_assert(table_is_sound(), "sorted, unique, ranges in order, one bit of a mask for each row");

bool is_negotiated(Rule rule) {
  switch (rule) {
    case Rule::declared_number:
    case Rule::declared_text:
    case Rule::authentication:
    case Rule::send_targets:
      return false;
    default:
      return true;
  }
}

std::uint64_t bit_of(const KeyRow& row) {
  return std::uint64_t{1} << static_cast<unsigned>(&row - kKeys);
}

std::uint8_t stage_bit(Stage stage) {
  if (stage == Stage::security) return kInSecurity;
  return stage == Stage::operational ? kInOperational : kInFullFeature;
}

bool is_answer_word(std::string_view value) {
  return value == "Reject" || value == "Irrelevant" || value == "NotUnderstood";
}

/// The initiator's comment on something we declared (TargetAlias=NotUnderstood): heard, not
/// answered.
bool is_reply_to_us(const KeyRow& row, std::string_view value) {
  return !is_negotiated(row.rule) && (row.senders & kByTarget) != 0 &&
         row.rule != Rule::authentication && is_answer_word(value);
}

/// Reserved words are not offers (§6.2); None is one only in lists.
bool misuses_reserved_word(const KeyRow& row, std::string_view value) {
  if (row.rule == Rule::authentication) return false;  // CHAP_N is anybody's name
  return is_answer_word(value) || (value == "None" && row.rule != Rule::list);
}

bool has_control_character(std::string_view value) {
  return std::any_of(value.begin(), value.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet < 0x20 || octet == 0x7f;
  });
}

bool is_too_long(const KeyRow& row, std::string_view value) {
  switch (row.rule) {
    case Rule::declared_text:
    case Rule::send_targets:
    case Rule::authentication:
      return row.high != 0 && value.size() > row.high;
    default:  // a list's limit is each item's
      return any_item(value, [](std::string_view item) { return item.size() > kMaxValueBytes; });
  }
}

Problem about(std::string_view key, std::string_view what) {
  return std::string(key).append(": ").append(what);
}

Problem judge(Negotiation& negotiation, const KeyRow& row, const Pair& pair, Declared& declared) {
  if ((row.senders & kByInitiator) == 0) return about(row.name, "only a target may send it");
  if (misuses_reserved_word(row, pair.value)) return about(row.name, "a reserved word is no offer");
  const bool in_stage = (row.stages & stage_bit(negotiation.stage)) != 0;
  const bool refused_in_band = negotiation.stage == Stage::full_feature && is_negotiated(row.rule);
  if (!in_stage && !refused_in_band) return about(row.name, "not allowed in this stage");
  if (is_too_long(row, pair.value)) return about(row.name, "value too long");
  const bool text = row.rule == Rule::declared_text;
  if (text && has_control_character(pair.value)) return about(row.name, "control character");
  const bool again = (negotiation.seen & bit_of(row)) != 0;
  negotiation.seen |= bit_of(row);
  if (again && !text) return about(row.name, "offered twice");
  if (row.slot == nullptr) return std::nullopt;
  auto& slot = declared.*row.slot;
  if (slot && *slot != pair.value) return about(row.name, "repeated with another value");
  slot = pair.value;
  return std::nullopt;
}

/// Answers of the numerical rules; nothing means Reject.
std::optional<std::uint32_t> number_outcome(const Negotiation& negotiation, const KeyRow& row,
                                            std::string_view value) {
  const auto offered = parse_number(value);
  if (!offered || *offered < row.low || *offered > row.high) return std::nullopt;
  const auto offer = static_cast<std::uint32_t>(*offered);
  if (row.rule == Rule::maximum) return std::max(offer, row.ours);
  const auto smaller = std::min(offer, row.ours);
  const auto& parameters = negotiation.parameters;
  if (row.rule == Rule::first_burst) return std::min(smaller, parameters.max_burst_length);
  if (row.rule != Rule::max_burst || smaller >= parameters.first_burst_length) return smaller;
  const bool first_agreed = (negotiation.settled & bit_of(*find_key("FirstBurstLength"))) != 0;
  return first_agreed ? std::nullopt : std::optional(smaller);
}

std::optional<std::uint32_t> boolean_outcome(const KeyRow& row, std::string_view value) {
  if (value != "Yes" && value != "No") return std::nullopt;
  const std::uint32_t offer = value == "Yes" ? 1 : 0;
  return row.rule == Rule::either ? offer | row.ours : offer & row.ours;
}

/// Index in `choices` of the first offered value that stands there.
std::optional<std::uint32_t> list_outcome(const KeyRow& row, std::string_view value) {
  std::optional<std::uint32_t> chosen;
  any_item(value, [&](std::string_view offered) {
    std::uint32_t index = 0;
    const bool supported = any_item(row.choices, [&](std::string_view choice) {
      if (choice == offered) return true;
      ++index;
      return false;
    });
    if (supported) chosen = index;
    return supported;
  });
  return chosen;
}

std::string choice_at(const KeyRow& row, std::uint32_t index) {
  std::string_view found;
  any_item(row.choices, [&](std::string_view choice) {
    found = choice;
    return index-- == 0;
  });
  return std::string(found);
}

bool unsolicited_data_is_off(const Parameters& parameters) {
  return parameters.initial_r2t && !parameters.immediate_data;
}

std::string settle(Negotiation& negotiation, const KeyRow& row, std::string_view value) {
  if ((row.stages & stage_bit(negotiation.stage)) == 0) return "Reject";
  if (row.leading_only && !negotiation.leading) return "Reject";
  if (row.irrelevant_in_discovery && negotiation.type == SessionType::discovery)
    return "Irrelevant";
  std::optional<std::uint32_t> outcome;
  std::string text;
  switch (row.rule) {
    case Rule::list:
      outcome = list_outcome(row, value);
      if (outcome) text = choice_at(row, *outcome);
      break;
    case Rule::either:
    case Rule::both:
    case Rule::marker:
      outcome = boolean_outcome(row, value);
      if (outcome) text = *outcome != 0 ? "Yes" : "No";
      break;
    case Rule::irrelevant:
      return "Irrelevant";
    case Rule::refused:
      return "Reject";
    default:
      if (row.rule == Rule::first_burst && unsolicited_data_is_off(negotiation.parameters))
        return "Irrelevant";
      outcome = number_outcome(negotiation, row, value);
      if (outcome) text = std::to_string(*outcome);
  }
  if (!outcome) return "Reject";
  if (row.settle != nullptr) row.settle(negotiation.parameters, *outcome);
  negotiation.settled |= bit_of(row);
  return text;
}

Problem take_declared_number(Negotiation& negotiation, const KeyRow& row, std::string_view value) {
  const auto number = parse_number(value);
  if (!number || *number < row.low || *number > row.high)
    return about(row.name, "not a valid number");
  if (row.settle != nullptr)
    row.settle(negotiation.parameters, static_cast<std::uint32_t>(*number));
  negotiation.settled |= bit_of(row);
  return std::nullopt;
}

/// FirstBurstLength never exceeds MaxBurstLength (§13.14), also when only one of them was offered.
void keep_bursts_consistent(Parameters& parameters) {
  parameters.first_burst_length =
      std::min(parameters.first_burst_length, parameters.max_burst_length);
}

}  // namespace

std::span<const KeyRow> keys() {
  return kKeys;
}

const KeyRow* find_key(std::string_view name) {
  const auto* row =
      std::lower_bound(std::begin(kKeys), std::end(kKeys), name,
                       [](const KeyRow& r, std::string_view n) { return r.name < n; });
  return row != std::end(kKeys) && row->name == name ? row : nullptr;
}

Problem collect(Negotiation& negotiation, std::span<const Pair> offer, Declared& declared) {
  for (const auto& pair : offer) {
    const KeyRow* row = find_key(pair.key);
    if (row == nullptr) {
      if (is_answer_word(pair.value)) return about(pair.key, "a reserved word is no offer");
      continue;
    }
    if (is_reply_to_us(*row, pair.value)) continue;
    if (auto problem = judge(negotiation, *row, pair, declared)) return problem;
  }
  return std::nullopt;
}

Problem answer(Negotiation& negotiation, std::span<const Pair> offer, std::string& out) {
  const Pair* first_burst = nullptr;
  for (const auto& pair : offer) {
    const KeyRow* row = find_key(pair.key);
    if (row == nullptr) {
      append_pair(out, pair.key, "NotUnderstood");
    } else if (is_reply_to_us(*row, pair.value)) {
      continue;
    } else if (row->rule == Rule::declared_number) {
      if (auto problem = take_declared_number(negotiation, *row, pair.value)) return problem;
    } else if (row->rule == Rule::first_burst) {
      first_burst = &pair;
    } else if (is_negotiated(row->rule)) {
      append_pair(out, row->name, settle(negotiation, *row, pair.value));
    }
    if (out.size() > kMaxTextBytes) return "the answer would be longer than 64 KiB";
  }
  if (first_burst != nullptr) {
    const KeyRow& row = *find_key(first_burst->key);
    append_pair(out, row.name, settle(negotiation, row, first_burst->value));
  }
  keep_bursts_consistent(negotiation.parameters);
  return std::nullopt;
}

}  // namespace faultlun::iscsi
