// Logging in: keys, stages, CHAP.  RFC 7143 §6.3, §12.1.
#include "tests/support/raw_initiator.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace faultlun::support {

Keys default_keys() {
  return {{"HeaderDigest", "None"},       {"DataDigest", "None"},
          {"MaxConnections", "1"},        {"InitialR2T", "No"},
          {"ImmediateData", "Yes"},       {"MaxRecvDataSegmentLength", "262144"},
          {"MaxBurstLength", "1048576"},  {"FirstBurstLength", "262144"},
          {"DefaultTime2Wait", "0"},      {"DefaultTime2Retain", "0"},
          {"MaxOutstandingR2T", "8"},     {"DataPDUInOrder", "Yes"},
          {"DataSequenceInOrder", "Yes"}, {"ErrorRecoveryLevel", "0"}};
}

Settled settle(const Keys& offered, const Keys& answered) {
  Settled s;
  const auto number = [](const Keys& keys, const char* key, std::uint32_t& to) {
    if (has_key(keys, key))
      to = static_cast<std::uint32_t>(std::stoul(value_of(keys, key), nullptr, 0));
  };
  const auto yes = [](const Keys& keys, const char* key, bool& to) {
    if (has_key(keys, key) && value_of(keys, key) != "Irrelevant")
      to = value_of(keys, key) == "Yes";
  };
  s.header_digest = value_of(answered, "HeaderDigest") == "CRC32C";
  s.data_digest = value_of(answered, "DataDigest") == "CRC32C";
  yes(answered, "InitialR2T", s.initial_r2t);
  yes(answered, "ImmediateData", s.immediate_data);
  number(answered, "MaxRecvDataSegmentLength", s.target_max_recv);
  number(offered, "MaxRecvDataSegmentLength", s.our_max_recv);
  for (const auto& [key, to] : {std::pair{"MaxBurstLength", &s.max_burst},
                                {"FirstBurstLength", &s.first_burst},
                                {"MaxOutstandingR2T", &s.max_outstanding_r2t},
                                {"iSCSIProtocolLevel", &s.protocol_level}})
    if (const auto value = value_of(answered, key);
        !value.empty() && value[0] >= '0' && value[0] <= '9')
      number(answered, key, *to);
  return s;
}

void RawInitiator::enter_full_feature(const Settled& what) {
  settled = what;
  full_feature_ = true;
  check.rules.full_feature = true;
  check.rules.our_max_recv_data_segment_length = what.our_max_recv;
  check.rules.max_burst_length = what.max_burst;
  check.rules.max_outstanding_r2t = what.max_outstanding_r2t;
  check.rules.protocol_level = static_cast<std::uint8_t>(what.protocol_level);
}

std::optional<Pdu> RawInitiator::login_step(std::uint8_t stages, bool transit, const Keys& keys,
                                            const LoginOptions& options) {
  Pdu pdu = login_request(stages, transit, false, build_text(keys), options.isid, options.tsih,
                          options.cid);
  send(pdu);
  return try_receive(kPatience);
}

namespace {
Keys identity(const LoginOptions& options) {
  Keys keys{{"InitiatorName", options.initiator}};
  if (!options.target.empty() && (!options.discovery || options.named))
    keys.emplace_back("TargetName", options.target);
  keys.emplace_back("SessionType", options.discovery ? "Discovery" : "Normal");
  return keys;
}

Keys only_discovery(const Keys& keys) {
  Keys out;
  for (const auto& key : keys)
    if (key.first == "HeaderDigest" || key.first == "DataDigest" ||
        key.first == "MaxRecvDataSegmentLength" || key.first == "DefaultTime2Wait" ||
        key.first == "DefaultTime2Retain" || key.first == "ErrorRecoveryLevel" ||
        key.first.starts_with("X"))
      out.push_back(key);
  return out;
}
}  // namespace

bool RawInitiator::chap_round(const ChapSecrets& chap, const Keys& answers, Keys& next,
                              LoginOutcome& outcome) {
  const auto binary = [&](const Octets& octets) {
    return chap.base64 ? encode_base64(octets) : encode_hex(octets);
  };
  if (has_key(answers, "CHAP_C")) {
    chap_algorithm_ = std::stoi(value_of(answers, "CHAP_A"));
    const auto identifier =
        static_cast<std::uint8_t>(std::stoul(value_of(answers, "CHAP_I"), nullptr, 0));
    const auto response = chap_response(chap_algorithm_, identifier, chap.secret,
                                        decode_binary(value_of(answers, "CHAP_C")));
    next = {{"CHAP_N", chap.user}, {"CHAP_R", binary(response)}};
    if (!chap.mutual_user.empty()) {
      our_identifier_ = 77;
      our_challenge_ = noise(24, cmd_sn + 99);
      next.emplace_back("CHAP_I", std::to_string(our_identifier_));
      next.emplace_back("CHAP_C", binary(our_challenge_));
    }
    return true;
  }
  if (has_key(answers, "CHAP_R")) {
    const auto wanted =
        chap_response(chap_algorithm_, our_identifier_, chap.mutual_secret, our_challenge_);
    outcome.target_proved_itself = value_of(answers, "CHAP_N") == chap.mutual_user &&
                                   decode_binary(value_of(answers, "CHAP_R")) == wanted;
  }
  return false;
}

LoginOutcome RawInitiator::run_login(const LoginOptions& options) {
  LoginOutcome outcome;
  const Keys operational = options.discovery ? only_discovery(options.keys) : options.keys;
  std::uint8_t csg = options.chap ? 0 : 1;
  Keys next = identity(options);
  bool transit = !options.chap;
  bool sent_operational = !options.chap;
  Octets collected;
  if (options.chap)
    next.emplace_back("AuthMethod", "CHAP");
  else
    next.insert(next.end(), operational.begin(), operational.end());
  for (int step = 0; step < 12; ++step) {
    const std::uint8_t nsg = transit ? (csg == 0 ? 1 : 3) : 0;
    const auto response =
        login_step(static_cast<std::uint8_t>(csg * 4 + nsg), transit, next, options);
    if (!response) return outcome;
    outcome.responses.push_back(*response);
    if (response->opcode() != Op::login_response) return outcome;
    outcome.status = response->login_status();
    collected.insert(collected.end(), response->data.begin(), response->data.end());
    if (outcome.status == 0 &&
        (response->flags() & 0x40) != 0) {  // C=1: the rest comes after an empty request
      next.clear();
      continue;
    }
    std::string error;
    const Keys answers = parse_text(collected, &error);
    collected.clear();
    CHECK_MESSAGE(error.empty(), "A4.01: " << error << " in " << response->describe());
    outcome.answers.insert(outcome.answers.end(), answers.begin(), answers.end());
    outcome.tsih = response->u16(14);
    if (outcome.status != 0) return outcome;
    const bool moved = response->final();
    if (moved && (response->flags() & 3) == 3) return outcome;
    next.clear();
    const bool answered_challenge =
        options.chap && chap_round(*options.chap, answers, next, outcome);
    if (moved) csg = 1;
    if (csg == 1) {
      transit = true;
      if (!sent_operational) next = operational;
      sent_operational = true;
    } else if (has_key(answers, "AuthMethod")) {
      next = {{"CHAP_A", options.chap->algorithms}};
    } else if (answered_challenge) {
      transit = true;
    }
  }
  return outcome;
}

LoginOutcome RawInitiator::login(const LoginOptions& options) {
  cmd_sn = options.cmd_sn;
  LoginOutcome outcome = run_login(options);
  if (outcome.ok()) enter_full_feature(settle(options.keys, outcome.answers));
  login_outcome = outcome;
  return outcome;
}

Keys RawInitiator::discover(const std::string& value) {
  Keys found;
  Octets collected;
  Pdu request = text_request({{"SendTargets", value}});
  for (int i = 0; i < 4096; ++i) {
    const Pdu answer = exchange(request);
    REQUIRE_MESSAGE(answer.opcode() == Op::text_response, answer.describe());
    collected.insert(collected.end(), answer.data.begin(), answer.data.end());
    if (answer.final()) break;
    request = text_request({}, false, false, answer.transfer_tag());
    request.with_tag(answer.tag());
    request.set(1, 0x80);
  }
  std::string error;
  found = parse_text(collected, &error);
  CHECK_MESSAGE(error.empty(), "A4.01: " << error);
  return found;
}

void RawInitiator::logout_and_close() {
  const Pdu answer = exchange(logout(0));
  CHECK(answer.opcode() == Op::logout_response);
  CHECK(answer.at(2) == 0);
  CHECK(connection.closed_within(kPatience));
  connection.close();
}

}  // namespace faultlun::support
