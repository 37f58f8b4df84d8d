#include "config/secrets.hpp"

#include "config/dump.hpp"
#include "config/load.hpp"
#include "tests/unit/config/scratch.hpp"

namespace secrets_test {

using namespace faultlun::config;
using faultlun::config::test::Scratch;

namespace {

/// The lab target with mutual CHAP, its secrets in files.
struct Bench {
  Bench() : config(default_config()) {
    config.targets[0].auth =
        Auth{"u", scratch.file("chap", "initiator-secret\n"),
             Auth::Account{"t", scratch.file("mutual", "the-target-secret\n")}};
  }
  Auth& auth() { return *config.targets[0].auth; }
  SecretsResult load() const { return load_secrets(config); }
  Scratch scratch;
  Config config;
};

/// One error or one warning: where, and a part of what.
void check_only(const std::vector<Problem>& problems, const std::string& path,
                const std::string& part) {
  REQUIRE(problems.size() == 1);
  CAPTURE(problems[0].message);
  CHECK(problems[0].path == path);
  CHECK(problems[0].message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("secrets are found by the name of their file, without the newline at the end") {
  Bench bench;
  const SecretsResult result = bench.load();
  REQUIRE(result.secrets);
  CHECK(result.warnings.empty());
  CHECK(result.secrets->of(bench.auth().secret_file) == "initiator-secret");
  CHECK(result.secrets->of(bench.auth().mutual->secret_file) == "the-target-secret");
  CHECK(result.secrets->of("another file").empty());
}

TEST_CASE("a secret may be any octets, written as 0x and hexadecimal digits (A6.05)") {
  CHECK(parse_secret("0x00ff10Ab").value == std::string("\x00\xff\x10\xab", 4));
  CHECK(parse_secret("0X6162\r\n").value == "ab");
}

TEST_CASE("a text secret keeps everything but one newline at its end") {
  CHECK(parse_secret(" with blanks \n").value == " with blanks ");
  CHECK(parse_secret("two\n\n").value == "two\n");
  CHECK(parse_secret("dos\r\n").value == "dos");
  CHECK(parse_secret(std::string("nul\0inside", 10)).value == std::string("nul\0inside", 10));
}

TEST_CASE("what is no secret says why and shows nothing of it") {
  for (const char* text : {"", "\n", "0x", "0xabc", "0xhunter2x", "0xab cd"}) {
    CAPTURE(text);
    const auto parsed = parse_secret(text);
    CHECK_FALSE(parsed.value);
    CHECK(parsed.error.find(';') != std::string::npos);
    CHECK(parsed.error.find("hunter") == std::string::npos);
  }
}

TEST_CASE("a secret has at most 255 bytes, in text and in hexadecimal") {
  CHECK(parse_secret(std::string(255, 's')).value);
  CHECK_FALSE(parse_secret(std::string(256, 's')).value);
  CHECK(parse_secret("0x" + std::string(510, 'a')).value);
  CHECK_FALSE(parse_secret("0x" + std::string(512, 'a')).value);
  Bench bench;
  bench.scratch.file("chap", std::string(5000, 's'));
  check_only(bench.load().errors, "targets[0].auth.secret_file", "more than");
}

TEST_CASE("a secret under 96 bits is taken with a warning (A6.09)") {
  Bench bench;
  bench.scratch.file("chap", "elevenbytes\n");
  SecretsResult result = bench.load();
  REQUIRE(result.secrets);
  check_only(result.warnings, "targets[0].auth.secret_file", "11 bytes");
  bench.scratch.file("chap", "twelve-bytes\n");
  result = bench.load();
  CHECK(result.secrets);
  CHECK(result.warnings.empty());
}

TEST_CASE("the same secret in both directions is refused, however it is written (A6.08)") {
  Bench bench;
  bench.scratch.file("chap", "abcdefghijklm");
  bench.scratch.file("mutual", "0x6162636465666768696a6b6c6d");
  const SecretsResult result = bench.load();
  CHECK_FALSE(result.secrets);
  check_only(result.errors, "targets[0].auth.mutual.secret_file", "must differ");
}

TEST_CASE("a target's secret that proves an initiator elsewhere is a warning") {
  Bench bench;
  bench.config.discovery_auth = Auth{"d", bench.scratch.file("discovery", "the-target-secret"), {}};
  const SecretsResult result = bench.load();
  REQUIRE(result.secrets);
  check_only(result.warnings, "targets[0].auth.mutual.secret_file", "discovery_auth.secret_file");
}

TEST_CASE("a secret file that is missing is an error at its key") {
  Bench bench;
  bench.auth().secret_file = bench.scratch.path("nothing");
  bench.auth().mutual->secret_file = bench.scratch.path("nothing either");
  const SecretsResult result = bench.load();
  CHECK_FALSE(result.secrets);
  REQUIRE(result.errors.size() == 2);
  CHECK(result.errors[0].path == "targets[0].auth.secret_file");
  CHECK(result.errors[1].path == "targets[0].auth.mutual.secret_file");
  CHECK(result.errors[0].message.find("No such file") != std::string::npos);
}

TEST_CASE("a secret file that every user may read is a warning") {
  Bench bench;
  std::filesystem::permissions(bench.auth().secret_file, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  check_only(bench.load().warnings, "targets[0].auth.secret_file", "chmod");
}

TEST_CASE("the token is one line of visible characters") {
  Bench bench;
  bench.config.control.token_file = bench.scratch.file("token", "0xs3cret\n");
  SecretsResult result = bench.load();
  REQUIRE(result.secrets);
  CHECK(result.secrets->of(bench.config.control.token_file) == "0xs3cret");
  for (const char* token : {"", "\n", "two words", "two\nlines", "\x01"}) {
    bench.scratch.file("token", token);
    check_only(bench.load().errors, "control.token_file", "is no token");
  }
  bench.scratch.file("token", std::string(1024, 't'));
  CHECK(bench.load().errors.empty());
  bench.scratch.file("token", std::string(1025, 't'));
  check_only(bench.load().errors, "control.token_file", "more than");
  bench.config.control.token_file = bench.scratch.path("nothing");
  check_only(bench.load().errors, "control.token_file", "No such file");
}

TEST_CASE("no message and no dump shows any of a secret") {
  Bench bench;
  bench.scratch.file("chap", "hunter2");
  bench.scratch.file("mutual", "hunter2");
  bench.config.control.token_file = bench.scratch.file("token", "hunter2 hunter2");
  const SecretsResult result = bench.load();
  std::string printed = dump_text(bench.config);
  for (const Problem& problem : result.errors)
    printed += to_text(problem);
  for (const Problem& problem : result.warnings)
    printed += to_text(problem);
  CHECK(result.errors.size() == 2);
  CHECK(printed.find("hunter2") == std::string::npos);
}

TEST_CASE("a client reads a token file by itself") {
  Bench bench;
  CHECK(read_token(bench.scratch.file("token", "0xs3cret\n")).value == "0xs3cret");
  CHECK(read_token(bench.scratch.file("token", "two words")).error.starts_with("is no token; put"));
  CHECK(read_token(bench.scratch.path("nothing")).error.find("No such file") != std::string::npos);
}

}  // namespace secrets_test
