#include "config/secrets.hpp"

#include "config/text_file.hpp"

#include <algorithm>
#include <utility>

namespace faultlun::config {

namespace {

constexpr std::size_t kMaxSecretFileBytes = 2 + 2 * kMaxSecretBytes + 2;  // 0x, digits, CR LF
constexpr std::size_t kMaxTokenBytes = 1024;

std::string_view without_newline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Loader {
 public:
  std::string secret(const std::string& file, const std::string& path) {
    const FileText content = open(file, path, kMaxSecretFileBytes);
    if (!content.error.empty()) return {};
    Parsed<std::string> parsed = parse_secret(content.text);
    if (!parsed.value) {
      errors_.add(path, file + ": " + parsed.error);
      return {};
    }
    if (parsed.value->size() < kGoodSecretBytes)
      warnings_.add(path, file + ": the secret has " + std::to_string(parsed.value->size()) +
                              " bytes, fewer than the 12 (96 bits) that RFC 7143 §9.2.1 asks for; "
                              "Windows refuses it, use a longer one");
    return std::move(*parsed.value);
  }

  ChapSecrets account(const Auth& auth, const std::string& path) {
    ChapSecrets out;
    out.secret = secret(auth.secret_file, path + ".secret_file");
    if (!auth.mutual) return out;
    out.mutual_secret = secret(auth.mutual->secret_file, path + ".mutual.secret_file");
    if (!out.secret.empty() && out.secret == out.mutual_secret)
      errors_.add(path + ".mutual.secret_file", auth.mutual->secret_file +
                                                    ": the same secret as the initiator's; the two "
                                                    "must differ (RFC 7143 §9.2.1), use another");
    return out;
  }

  std::string token(const std::string& file, const std::string& path) {
    const FileText content = open(file, path, kMaxTokenBytes);
    if (!content.error.empty()) return {};
    const std::string_view token = without_newline(content.text);
    const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
    if (token.empty() || !std::all_of(token.begin(), token.end(), visible))
      errors_.add(
          path,
          file +
              ": is no token; put one line of printable ASCII characters without spaces into it");
    return std::string(token);
  }

  /// What the target proves must be nobody's proof to it: the answer could be played back on
  /// another connection.
  void compare_across(const Secrets& secrets, const Config& config) {
    const auto used_as_proof = [&](const std::string& mutual) {
      const auto same = [&](const ChapSecrets& other) { return other.secret == mutual; };
      return same(secrets.discovery) ||
             std::any_of(secrets.targets.begin(), secrets.targets.end(), same);
    };
    const auto check = [&](const ChapSecrets& mine, const std::string& path) {
      if (!mine.mutual_secret.empty() && mine.mutual_secret != mine.secret &&
          used_as_proof(mine.mutual_secret))
        warnings_.add(path,
                      "the secret proves an initiator elsewhere in this configuration; use it in "
                      "one direction only");
    };
    for (std::size_t i = 0; i < config.targets.size(); ++i)
      check(secrets.targets[i], "targets[" + std::to_string(i) + "].auth.mutual.secret_file");
    check(secrets.discovery, "discovery_auth.mutual.secret_file");
  }

  SecretsResult finish(Secrets secrets) {
    SecretsResult out;
    out.warnings = std::move(warnings_.list());
    if (errors_.empty())
      out.secrets = std::move(secrets);
    else
      out.errors = std::move(errors_.list());
    return out;
  }

 private:
  FileText open(const std::string& file, const std::string& path, std::size_t most) {
    FileText content = read_text_file(file, most);
    if (!content.error.empty()) errors_.add(path, file + ": " + content.error);
    if (content.others_may_read)
      warnings_.add(path, file + ": every user of this machine may read it; chmod o-r it");
    return content;
  }

  Problems errors_, warnings_;
};

}  // namespace

Parsed<std::string> parse_secret(std::string_view text) {
  text = without_newline(text);
  if (text.empty()) return {{}, "is empty; put the secret into it"};
  std::string secret(text);
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    if (text.empty() || text.size() % 2 != 0)
      return {{},
              "begins with 0x but an even number of hexadecimal digits does not follow; add the "
              "missing digit"};
    secret.clear();
    for (std::size_t i = 0; i < text.size(); i += 2) {
      const int high = digit(text[i]);
      const int low = digit(text[i + 1]);
      if (high < 0 || low < 0)
        return {{},
                "begins with 0x but something else than hexadecimal digits follows; write the "
                "whole secret in hexadecimal"};
      secret.push_back(static_cast<char>(high * 16 + low));
    }
  }
  if (secret.size() > kMaxSecretBytes)
    return {{}, "the secret has " + std::to_string(secret.size()) + " bytes; the most is 255"};
  return {std::move(secret), {}};
}

SecretsResult load_secrets(const Config& config) {
  Loader loader;
  Secrets secrets;
  secrets.targets.resize(config.targets.size());
  for (std::size_t i = 0; i < config.targets.size(); ++i)
    if (config.targets[i].auth)
      secrets.targets[i] =
          loader.account(*config.targets[i].auth, "targets[" + std::to_string(i) + "].auth");
  if (config.discovery_auth)
    secrets.discovery = loader.account(*config.discovery_auth, "discovery_auth");
  if (!config.control.token_file.empty())
    secrets.control_token = loader.token(config.control.token_file, "control.token_file");
  loader.compare_across(secrets, config);
  return loader.finish(std::move(secrets));
}

}  // namespace faultlun::config
