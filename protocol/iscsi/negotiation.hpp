// Negotiation of iSCSI text keys.  RFC 7143 §6.2 (rules), §13 (the keys), RFC 7145 §6 (iSER keys,
// refused). One table says everything about a key.  collect() judges an offer (sender, stage,
// repetition, length) and hands out the declared values; answer() folds the negotiated keys into
// Parameters and an answer. login.cpp and text_exchange.cpp own the phases; text.cpp owns the
// syntax.
#pragma once

#include "protocol/iscsi/parameters.hpp"
#include "protocol/iscsi/text.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace faultlun::iscsi {

/// Stages as the CSG and NSG fields number them (§11.12.3).
enum class Stage : std::uint8_t { security = 0, operational = 1, full_feature = 3 };

/// Values that the caller acts upon; they point into the offered text.
struct Declared {
  std::optional<std::string_view> initiator_name, initiator_alias, target_name, session_type;
  std::optional<std::string_view> auth_method, chap_a, chap_i, chap_c, chap_n, chap_r;
  std::optional<std::string_view> send_targets;
};

/// How a key's answer comes about (§6.2).
enum class Rule : std::uint8_t {
  list,             ///< the first offered value we support
  minimum,          ///< the smaller of offer and ours
  maximum,          ///< the larger
  max_burst,        ///< minimum, and never below an agreed FirstBurstLength
  first_burst,      ///< minimum, and never above MaxBurstLength; answered after all other keys
  either,           ///< boolean OR
  both,             ///< boolean AND
  declared_number,  ///< no answer
  declared_text,    ///< no answer; identical repetition is tolerated (A5.19)
  authentication,   ///< AuthMethod and CHAP_*: login_security.cpp answers
  send_targets,     ///< text_exchange.cpp answers
  marker,           ///< §13.25: we answer No, which the RFC allows and old initiators expect
  refused,          ///< Reject, whatever is offered
  irrelevant,       ///< Irrelevant: depends on something we refuse
};

// Columns of the table: stages in which a key may be sent, and who may send it.
inline constexpr std::uint8_t kInSecurity = 1, kInOperational = 2, kInFullFeature = 4;
inline constexpr std::uint8_t kByInitiator = 1, kByTarget = 2;

struct KeyRow {
  std::string_view name;
  Rule rule;
  std::uint8_t stages;      ///< kIn…
  bool leading_only;        ///< LO: only on the first connection of a session
  std::uint8_t senders;     ///< kBy…
  std::uint32_t low, high;  ///< admissible numbers; for texts `high` is the longest value in bytes
                            ///< (0: no limit here)
  std::uint32_t ours;       ///< our side of the result function
  bool irrelevant_in_discovery;
  std::string_view choices;                         ///< lists: what we support
  void (*settle)(Parameters&, std::uint32_t);       ///< number, boolean, or index in `choices`
  std::optional<std::string_view> Declared::*slot;  ///< where collect() puts the value
};

std::span<const KeyRow> keys();
const KeyRow* find_key(std::string_view name);

/// One negotiation: where it stands, what it has seen and settled.
struct Negotiation {
  Stage stage = Stage::security;
  SessionType type = SessionType::normal;
  bool leading = true;
  Parameters parameters{};
  std::uint64_t seen = 0;     ///< bit per row: offered in this negotiation
  std::uint64_t settled = 0;  ///< bit per row: an outcome is in `parameters`
};

/// Why an offer ends the negotiation (a protocol error of the initiator), in words.
using Problem = std::optional<std::string>;

Problem collect(Negotiation& negotiation, std::span<const Pair> offer, Declared& declared);
Problem answer(Negotiation& negotiation, std::span<const Pair> offer, std::string& out);

}  // namespace faultlun::iscsi
