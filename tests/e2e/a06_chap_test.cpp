// Checklist A6: CHAP.  RFC 7143 §9.2, §12.1.
#include "tests/e2e/lab.hpp"

#include <set>

namespace a06_chap_test {

using namespace faultlun::e2e;

namespace {

constexpr char kUser[] = "lab", kSecret[] = "correct horse 12";
constexpr char kMutualUser[] = "target", kMutualSecret[] = "battery staple 7";

LabConfig protected_lab() {
  LabConfig config;
  auto& target = config.targets[0];
  target.user = kUser;
  target.secret = kSecret;
  target.mutual_user = kMutualUser;
  target.mutual_secret = kMutualSecret;
  return config;
}

LoginOptions with_chap(const ChapSecrets& secrets) {
  LoginOptions options;
  options.chap = secrets;
  return options;
}

ChapSecrets one_way(const std::string& algorithms = "5") {
  return {kUser, kSecret, "", "", algorithms, false};
}

/// A login driven up to the target's challenge.
struct Challenged {
  explicit Challenged(const TargetProcess& target, const std::string& algorithms = "5")
      : session(target.portal()) {
    const auto start = session.login_step(
        0x00, false,
        joined(identity_keys(), {{"SessionType", "Normal"}, {"AuthMethod", "CHAP,None"}}));
    REQUIRE(start.has_value());
    REQUIRE(value_of(start->keys(), "AuthMethod") == "CHAP");
    const auto challenge = session.login_step(0x00, false, {{"CHAP_A", algorithms}});
    REQUIRE(challenge.has_value());
    keys = challenge->keys();
  }
  std::uint8_t identifier() const {
    return static_cast<std::uint8_t>(std::stoul(value_of(keys, "CHAP_I"), nullptr, 0));
  }
  Octets octets() const { return decode_binary(value_of(keys, "CHAP_C")); }
  std::string response() const {
    return encode_hex(chap_response(5, identifier(), kSecret, octets()));
  }
  /// The status of the answer to `last`; FFFFh: the target just closed.
  std::uint16_t end_with(const Keys& last) {
    const auto answer = session.login_step(kSecurityToOperational, true, last);
    return answer ? answer->login_status() : std::uint16_t{0xffff};
  }
  RawInitiator session;
  Keys keys;
};

}  // namespace

TEST_CASE("A6.01 CHAP lets the right initiator in, and the target proves itself when asked") {
  TargetProcess target(protected_lab());
  RawInitiator plain(target.portal());
  CHECK(plain.login(with_chap(one_way())).ok());
  plain.drain_attentions();
  CHECK(plain.execute(test_unit_ready()).good());
  RawInitiator mutual(target.portal());
  const auto outcome =
      mutual.login(with_chap({kUser, kSecret, kMutualUser, kMutualSecret, "5", false}));
  CHECK(outcome.ok());
  CHECK(outcome.target_proved_itself);
  CHECK(status_of(target, with_chap({kUser, "not the secret at all", "", "", "5", false})) ==
        0x0201);
}

TEST_CASE(
    "A6.02 the first supported algorithm of CHAP_A is chosen: MD5, SHA-1, SHA-256, SHA3-256") {
  TargetProcess target(protected_lab());
  for (const std::string list : {"5", "6", "7", "8", "8,7,6,5", "99,7,5", "6,5", "x,5", "5,8"}) {
    CAPTURE(list);
    RawInitiator session(target.portal());
    auto secrets = ChapSecrets{kUser, kSecret, kMutualUser, kMutualSecret, list, false};
    const auto outcome = session.login(with_chap(secrets));
    CHECK(outcome.ok());
    CHECK(outcome.target_proved_itself);
    const auto first = list.starts_with("99")  ? "7"
                       : list.starts_with("x") ? "5"
                                               : list.substr(0, 1);
    CHECK(value_of(outcome.answers, "CHAP_A") == first);
  }
  for (const std::string list : {"99", "0", "", "Reject"}) {
    CAPTURE(list);
    RawInitiator session(target.portal());
    REQUIRE(session.login_step(0x00, false, joined(identity_keys(), {{"AuthMethod", "CHAP"}}))
                .has_value());
    const auto answer = session.login_step(0x00, false, {{"CHAP_A", list}});
    if (answer) CHECK(login_class(answer->login_status()) == 2);
    session.expect_closed();
  }
}

TEST_CASE(
    "A6.03 the steps of CHAP have one order, a wrong, missing or repeated key ends the login") {
  TargetProcess target(protected_lab());
  const auto refused = [](std::uint16_t status) {
    return status == 0xffff || login_class(status) == 2;
  };
  {
    RawInitiator session(target.portal());
    const auto start =
        session.login_step(0x00, false, joined(identity_keys(), {{"AuthMethod", "CHAP"}}));
    REQUIRE(start.has_value());
    const auto early =
        session.login_step(kSecurityToOperational, true, {{"CHAP_N", kUser}, {"CHAP_R", "0x00"}});
    CHECK((!early || login_class(early->login_status()) == 2));  // before any challenge
  }
  CHECK(refused(Challenged(target).end_with({{"CHAP_N", kUser}})));
  CHECK(refused(Challenged(target).end_with({{"CHAP_R", "0x00112233445566778899aabbccddeeff"}})));
  CHECK(refused(Challenged(target).end_with({{"CHAP_A", "5"}})));
  CHECK(refused(Challenged(target).end_with({})));
  Challenged twice(target);
  CHECK(refused(twice.end_with(
      {{"CHAP_N", kUser}, {"CHAP_R", twice.response()}, {"CHAP_R", twice.response()}})));
  Challenged half(target);
  CHECK(refused(half.end_with({{"CHAP_N", kUser}, {"CHAP_R", half.response()}, {"CHAP_I", "7"}})));
  Challenged wrong(target);
  CHECK(wrong.end_with({{"CHAP_N", kUser}, {"CHAP_R", "0x00112233445566778899aabbccddeeff"}}) ==
        0x0201);
  Challenged skip(target);
  const auto straight = skip.session.login_step(kOperationalToFull, true, {});
  CHECK((!straight || login_class(straight->login_status()) == 2));
}

TEST_CASE("A6.04 binary values are hex or base64, in any case, up to 1024 bytes") {
  TargetProcess target(protected_lab());
  RawInitiator base64(target.portal());
  auto outcome = base64.login(with_chap({kUser, kSecret, kMutualUser, kMutualSecret, "7", true}));
  CHECK(outcome.ok());
  CHECK(outcome.target_proved_itself);
  Challenged upper(target);
  std::string shout = upper.response();
  for (auto& c : shout)
    c = static_cast<char>(std::toupper(c));
  CHECK(upper.end_with({{"CHAP_N", kUser}, {"CHAP_R", shout}}) == 0);
  const auto long_challenge = [&](std::size_t length) {
    Challenged login(target);
    return login.end_with({{"CHAP_N", kUser},
                           {"CHAP_R", login.response()},
                           {"CHAP_I", "9"},
                           {"CHAP_C", encode_hex(noise(length, length))}});
  };
  CHECK(long_challenge(1) == 0);
  CHECK(long_challenge(1024) == 0);
  CHECK(long_challenge(1025) != 0);
  CHECK(long_challenge(0) != 0);
  for (const char* bad : {"0x", "0xzz", "12", "", "0b!!!!", "0x0"}) {
    CAPTURE(bad);
    Challenged login(target);
    CHECK(login.end_with({{"CHAP_N", kUser}, {"CHAP_R", bad}}) != 0);
  }
}

TEST_CASE("A6.05 secrets may hold any byte values") {
  LabConfig config = protected_lab();
  const Octets secret = noise(32, 99);
  config.targets[0].secret = encode_hex(secret);  // as the secret file spells it
  TargetProcess target(config);
  RawInitiator session(target.portal());
  CHECK(session.login(with_chap({kUser, text_of(secret), "", "", "5", false})).ok());
}

TEST_CASE("A6.06 a response that the target itself would give is refused (reflection)") {
  TargetProcess target(protected_lab());
  Challenged login(target);
  // What the target would answer to its own challenge, with its own secret.
  const auto own = encode_hex(chap_response(5, login.identifier(), kMutualSecret, login.octets()));
  CHECK(login.end_with({{"CHAP_N", kUser}, {"CHAP_R", own}}) != 0);
  login.session.expect_closed();
}

TEST_CASE("A6.07 an initiator that sends the target's challenge back is refused") {
  TargetProcess target(protected_lab());
  Challenged login(target);
  const Keys reflected{{"CHAP_N", kUser},
                       {"CHAP_R", login.response()},
                       {"CHAP_I", value_of(login.keys, "CHAP_I")},
                       {"CHAP_C", value_of(login.keys, "CHAP_C")}};
  CHECK(login.end_with(reflected) != 0);
  login.session.expect_closed();
}

TEST_CASE(
    "A6.08 A6.09 the same secret in both directions is refused at start, a short one warned of") {
  LabConfig config = protected_lab();
  config.targets[0].mutual_secret = kSecret;
  TemporaryDirectory directory;
  const auto path = directory.write("config.json", config.json(directory));
  const auto ran = run_program({target_binary(), "serve", "--check", "--config", path});
  CHECK_MESSAGE(ran.status == 2, ran.output);
  LabConfig brief = protected_lab();
  brief.targets[0].secret = "short";
  const auto warned = run_program({target_binary(), "serve", "--check", "--config",
                                   directory.write("brief.json", brief.json(directory))});
  CHECK_MESSAGE(warned.status == 0, warned.output);
  CHECK_MESSAGE(warned.output.find("96") != std::string::npos, warned.output);
}

TEST_CASE("A6.10 of AuthMethod the first supported and allowed entry is taken") {
  TargetProcess locked(protected_lab());
  const auto ask = [](const TargetProcess& target, const std::string& methods) {
    RawInitiator session(target.portal());
    const auto answer =
        session.login_step(0x00, false, joined(identity_keys(), {{"AuthMethod", methods}}));
    return answer ? *answer : Pdu{};
  };
  CHECK(value_of(ask(locked, "CHAP,None").keys(), "AuthMethod") == "CHAP");
  CHECK(value_of(ask(locked, "None,CHAP").keys(), "AuthMethod") == "CHAP");
  CHECK(value_of(ask(locked, "KRB5,CHAP").keys(), "AuthMethod") == "CHAP");
  CHECK(ask(locked, "None").login_status() == 0x0201);
  CHECK(ask(locked, "KRB5").login_status() == 0x0201);
  TargetProcess open;
  CHECK(value_of(ask(open, "CHAP,None").keys(), "AuthMethod") == "None");
}

TEST_CASE("A6.11 challenges do not repeat") {
  TargetProcess target(protected_lab());
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    Challenged login(target);
    CHECK(seen.insert(value_of(login.keys, "CHAP_C")).second);
    CHECK(login.octets().size() >= 16);
  }
}

TEST_CASE("A6.12 an unknown user and a wrong secret look the same") {
  TargetProcess target(protected_lab());
  Challenged stranger(target), wrong(target);
  const auto answer = [](Challenged& login, const std::string& user, const std::string& secret) {
    return login.end_with(
        {{"CHAP_N", user},
         {"CHAP_R", encode_hex(chap_response(5, login.identifier(), secret, login.octets()))}});
  };
  CHECK(answer(stranger, "nobody", kSecret) == 0x0201);
  CHECK(answer(wrong, kUser, "wrong secret 123") == 0x0201);
}

TEST_CASE("A6.01 discovery has an account of its own") {
  LabConfig config;
  TemporaryDirectory secrets;
  config.top_level = R"("discovery_auth": {"user": "finder", "secret_file": ")" +
                     secrets.write("finder", "seek and find 123") + "\"}";
  TargetProcess target(config);
  CHECK(status_of(target, discovery()) == 0x0201);
  auto options = discovery();
  options.chap = ChapSecrets{"finder", "seek and find 123", "", "", "5", false};
  RawInitiator session(target.portal());
  REQUIRE(session.login(options).ok());
  CHECK(!session.discover().empty());
  RawInitiator normal(target.portal());
  CHECK(normal.login().ok());
}

}  // namespace a06_chap_test
