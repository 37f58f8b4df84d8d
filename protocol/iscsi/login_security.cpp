#include "protocol/iscsi/login_security.hpp"

#include "protocol/iscsi/text.hpp"

#include <utility>

namespace faultlun::iscsi {
namespace {

LoginVerdict out_of_order(const char* why) {
  return {LoginStatus::initiator_error, why};
}
LoginVerdict missing(const char* why) {
  return {LoginStatus::missing_parameter, why};
}
LoginVerdict refused(const char* why) {
  return {LoginStatus::authentication_failure, why};
}

bool has_proof(const Declared& keys) {
  return keys.chap_n || keys.chap_r || keys.chap_i || keys.chap_c;
}
bool has_chap(const Declared& keys) {
  return keys.chap_a || has_proof(keys);
}

}  // namespace

Authentication::Authentication(ChapAccount account, RandomSource random)
    : account_(std::move(account)), random_(random) {}

bool Authentication::satisfied() const {
  return state_ == State::done || (state_ == State::idle && !account_.required());
}

LoginVerdict Authentication::step(const Declared& keys, std::string& answer) {
  switch (state_) {
    case State::idle:
      return choose_method(keys, answer);
    case State::method_agreed:
      return challenge(keys, answer);
    case State::challenged:
      return verify(keys, answer);
    case State::done:
      break;
  }
  if (has_chap(keys)) return out_of_order("CHAP keys after the authentication");
  return {};
}

LoginVerdict Authentication::choose_method(const Declared& keys, std::string& answer) {
  if (has_chap(keys)) return out_of_order("CHAP keys before AuthMethod is agreed");
  if (!keys.auth_method) return {};
  const std::string_view allowed = account_.required() ? "CHAP" : "None";
  if (!any_item(*keys.auth_method, [&](std::string_view method) { return method == allowed; }))
    return refused("no AuthMethod in common");
  append_pair(answer, "AuthMethod", allowed);
  state_ = account_.required() ? State::method_agreed : State::done;
  return {};
}

LoginVerdict Authentication::challenge(const Declared& keys, std::string& answer) {
  if (has_proof(keys)) return out_of_order("a CHAP step too early");
  if (!keys.chap_a) return missing("CHAP_A is missing");
  const auto algorithm = choose_chap_algorithm(*keys.chap_a);
  if (!algorithm) return refused("no CHAP algorithm in common");
  if (random_ == nullptr) return {LoginStatus::target_error, "no source of randomness"};
  algorithm_ = *algorithm;
  challenge_.resize(chap_digest_bytes(algorithm_));
  random_(challenge_);
  random_({&identifier_, 1});
  append_pair(answer, "CHAP_A", std::to_string(static_cast<unsigned>(algorithm_)));
  append_pair(answer, "CHAP_I", std::to_string(identifier_));
  append_pair(answer, "CHAP_C", encode_binary(challenge_));
  state_ = State::challenged;
  return {};
}

LoginVerdict Authentication::verify(const Declared& keys, std::string& answer) {
  if (!keys.chap_n) return missing("CHAP_N is missing");
  if (!keys.chap_r) return missing("CHAP_R is missing");
  if (keys.chap_i.has_value() != keys.chap_c.has_value())
    return missing("CHAP_I and CHAP_C come together");
  const auto response = decode_binary(*keys.chap_r);
  if (!response) return out_of_order("CHAP_R is no binary value");
  const auto expected = chap_response(algorithm_, identifier_, account_.secret, challenge_);
  // Both comparisons always run: an unknown user and a wrong secret look the same (A6.12).
  const bool right_user = same_octets(bytes::of(*keys.chap_n), bytes::of(account_.user));
  const bool right_secret = same_octets(*response, expected);
  if (!right_user || !right_secret || expected.empty())
    return refused("CHAP: wrong name or secret");
  if (!account_.mutual_secret.empty()) {
    const auto reflected =
        chap_response(algorithm_, identifier_, account_.mutual_secret, challenge_);
    if (same_octets(*response, reflected)) return refused("CHAP: our own response came back");
  }
  if (keys.chap_c) {
    if (auto verdict = prove_ourselves(keys, answer); !verdict.ok()) return verdict;
  }
  state_ = State::done;
  return {};
}

LoginVerdict Authentication::prove_ourselves(const Declared& keys, std::string& answer) {
  const auto identifier = parse_number(*keys.chap_i);
  const auto challenge = decode_binary(*keys.chap_c);
  if (!identifier || *identifier > 255) return out_of_order("CHAP_I is no octet");
  if (!challenge) return out_of_order("CHAP_C is no binary value");
  if (same_octets(*challenge, challenge_)) return refused("CHAP: our own challenge came back");
  if (account_.mutual_user.empty()) return refused("CHAP: this target has no secret of its own");
  const auto proof = chap_response(algorithm_, static_cast<std::uint8_t>(*identifier),
                                   account_.mutual_secret, *challenge);
  append_pair(answer, "CHAP_N", account_.mutual_user);
  append_pair(answer, "CHAP_R", encode_binary(proof));
  return {};
}

}  // namespace faultlun::iscsi
