// The security stage: AuthMethod and the four steps of CHAP, in their one permitted order.
// RFC 7143 §12.1 (keys), §9.2.1 (reflection and reuse).
#pragma once

#include "protocol/iscsi/chap.hpp"
#include "protocol/iscsi/directory.hpp"
#include "protocol/iscsi/login_status.hpp"
#include "protocol/iscsi/negotiation.hpp"

#include <cstdint>
#include <string>

namespace faultlun::iscsi {

using RandomSource = void (*)(bytes::Span out);

class Authentication {
 public:
  Authentication() = default;
  Authentication(ChapAccount account, RandomSource random);

  /// Takes the security keys of one whole request of the security stage and appends the answers.
  LoginVerdict step(const Declared& keys, std::string& answer);

  /// The stage may be left: nothing is required, or everything has been proved.
  bool satisfied() const;
  bool required() const { return account_.required(); }
  bool begun() const { return state_ != State::idle; }

 private:
  enum class State : std::uint8_t { idle, method_agreed, challenged, done };

  LoginVerdict choose_method(const Declared& keys, std::string& answer);
  LoginVerdict challenge(const Declared& keys, std::string& answer);
  LoginVerdict verify(const Declared& keys, std::string& answer);
  LoginVerdict prove_ourselves(const Declared& keys, std::string& answer);

  ChapAccount account_;
  RandomSource random_ = nullptr;
  State state_ = State::idle;
  ChapAlgorithm algorithm_ = ChapAlgorithm::md5;
  std::uint8_t identifier_ = 0;
  bytes::Buffer challenge_;
};

}  // namespace faultlun::iscsi
