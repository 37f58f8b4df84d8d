// What the end-to-end tests share: short ways to say which session, which offer, which answer.
#pragma once

#include "tests/support/target_process.hpp"

#include <doctest/doctest.h>

#include <string>

namespace faultlun::e2e {

using namespace faultlun::support;  // every test here speaks in its words

// Memory is judged in plain builds only: a sanitizer's shadow and quarantine are not the daemon's.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kPlainBuild = false;
#else
inline constexpr bool kPlainBuild = true;
#endif

inline constexpr std::uint8_t kSecurityToOperational = 0x01, kSecurityToFull = 0x03,
                              kOperationalToFull = 0x07;

/// A second initiator: another name and ISID, hence another I_T nexus.
inline LoginOptions second_initiator() {
  LoginOptions options;
  options.initiator = "iqn.2026-11.example.test:second";
  options.isid = {0x80, 0x12, 0x34, 0x56, 0x00, 0x02};
  return options;
}

inline LoginOptions with_keys(const Keys& changed) {
  LoginOptions options;
  for (const auto& [key, value] : changed)
    options.keys = with(options.keys, key, value);
  return options;
}

inline LoginOptions discovery() {
  LoginOptions options;
  options.discovery = true;
  return options;
}

/// No immediate and no unsolicited data: every octet of Data-Out waits for an R2T.
inline LoginOptions only_r2t() {
  return with_keys({{"InitialR2T", "Yes"}, {"ImmediateData", "No"}});
}

/// Logs in with the default offer changed by `changed`, and returns all answers.
inline Keys answers_to(const TargetProcess& target, const Keys& changed) {
  RawInitiator session(target.portal());
  const auto outcome = session.login(with_keys(changed));
  CHECK_MESSAGE(outcome.ok(), "login status " << outcome.status);
  return outcome.answers;
}

/// Class * 256 + detail of a login that should fail.  A failing login also has to end the
/// connection (A5.10).
inline std::uint16_t status_of(const TargetProcess& target, const LoginOptions& options,
                               std::size_t portal = 0) {
  RawInitiator session(target.portal(portal));
  const auto outcome = session.login(options);
  if (!outcome.ok()) CHECK(session.connection.closed_within(kPatience));
  return outcome.status;
}

inline std::uint8_t login_class(std::uint16_t status) {
  return static_cast<std::uint8_t>(status >> 8);
}

/// The first Login Request with exactly these keys, from the operational stage to full feature
/// phase.
inline Pdu first_login(RawInitiator& session, const Keys& keys) {
  const auto answer = session.login_step(kOperationalToFull, true, keys);
  REQUIRE_MESSAGE(answer.has_value(), "the target closed instead of answering");
  return *answer;
}

inline Keys identity_keys() {
  return {{"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}};
}

inline Keys joined(Keys keys, const Keys& more) {
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

/// Whether a well-behaved newcomer is served at once.
inline void check_serves(const TargetProcess& target) {
  REQUIRE(target.running());
  LoginOptions options;
  options.initiator = "iqn.2026-11.example.test:witness";
  RawInitiator session = connect_session(target, options);
  const auto data = noise(8 * 512, 4711);
  session.write_blocks(64, data);
  CHECK(session.read_blocks(64, 8) == data);
  session.logout_and_close();
}

/// `count` LUNs of 16 MiB each, 0 upwards.
inline LabConfig lab_with_luns(const std::string& range) {
  LabConfig config;
  config.targets[0].luns = {memory_lun(range, "16MiB")};
  return config;
}

inline ExecuteOptions at_lun(std::uint16_t lun) {
  ExecuteOptions options;
  options.lun = lun;
  return options;
}

}  // namespace faultlun::e2e
