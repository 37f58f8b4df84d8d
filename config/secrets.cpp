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
  explicit Loader(const Config& config) : config_(config) {}

  SecretsResult run() {
    for_each_account([&](const Auth& auth, const std::string& path) {
      read_secret(auth.secret_file, path + ".secret_file");
      if (auth.mutual) read_secret(auth.mutual->secret_file, path + ".mutual.secret_file");
    });
    for_each_account([&](const Auth& auth, const std::string& path) {
      proofs_.emplace(secrets_.of(auth.secret_file), path + ".secret_file");
    });
    for_each_account([&](const Auth& auth, const std::string& path) { check_mutual(auth, path); });
    if (!config_.control.token_file.empty())
      read_token(config_.control.token_file, "control.token_file");
    SecretsResult out;
    out.warnings = std::move(warnings_.list());
    if (errors_.empty())
      out.secrets = std::move(secrets_);
    else
      out.errors = std::move(errors_.list());
    return out;
  }

 private:
  template <typename Visit>
  void for_each_account(Visit visit) const {
    if (config_.discovery_auth) visit(*config_.discovery_auth, std::string("discovery_auth"));
    for (std::size_t i = 0; i < config_.targets.size(); ++i)
      if (config_.targets[i].auth)
        visit(*config_.targets[i].auth, "targets[" + std::to_string(i) + "].auth");
  }

  void read_secret(const std::string& file, const std::string& path) {
    if (!secrets_.of(file).empty()) return;  // several targets may share a file
    const FileText content = open(file, path, kMaxSecretFileBytes);
    if (!content.error.empty()) return;
    Parsed<std::string> parsed = parse_secret(content.text);
    if (!parsed.value) {
      errors_.add(path, file + ": " + parsed.error);
      return;
    }
    if (parsed.value->size() < kGoodSecretBytes)
      warnings_.add(path, file + ": the secret has " + std::to_string(parsed.value->size()) +
                              " bytes, fewer than the 12 (96 bits) that RFC 7143 §9.2.1 asks for; "
                              "Windows refuses it, use a longer one");
    secrets_.put(file, std::move(*parsed.value));
  }

  void read_token(const std::string& file, const std::string& path) {
    const FileText content = open(file, path, kMaxTokenBytes);
    if (!content.error.empty()) return;
    auto token = parse_token(content.text);
    if (!token.value)
      errors_.add(path, file + ": " + token.error);
    else
      secrets_.put(file, std::move(*token.value));
  }

  /// An answer of ours to one challenge must never prove anybody to us: an error when the two
  /// secrets of an account are the same, a warning when another account's initiator has it.
  void check_mutual(const Auth& auth, const std::string& path) {
    if (!auth.mutual || secrets_.of(auth.mutual->secret_file).empty()) return;
    const std::string& mine = secrets_.of(auth.mutual->secret_file);
    const std::string at = path + ".mutual.secret_file";
    if (mine == secrets_.of(auth.secret_file)) {
      errors_.add(at, auth.mutual->secret_file +
                          ": the same secret as the initiator's; the two must differ (RFC 7143 "
                          "§9.2.1), use another");
      return;
    }
    const auto elsewhere = proofs_.find(mine);
    if (elsewhere != proofs_.end())
      warnings_.add(at, auth.mutual->secret_file + ": the same secret as " + elsewhere->second +
                            "; use a secret in one direction only");
  }

  FileText open(const std::string& file, const std::string& path, std::size_t most) {
    FileText content = read_text_file(file, most);
    if (!content.error.empty()) errors_.add(path, file + ": " + content.error);
    if (content.others_may_read)
      warnings_.add(path, file + ": every user of this machine may read it; chmod o-r it");
    return content;
  }

  const Config& config_;
  Secrets secrets_;
  std::map<std::string, std::string> proofs_;  ///< what initiators prove, and where it says so
  Problems errors_, warnings_;
};

}  // namespace

Parsed<std::string> parse_token(std::string_view text) {
  const std::string_view token = without_newline(text);
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (token.empty() || !std::all_of(token.begin(), token.end(), visible))
    return {{}, "is no token; put one line of printable ASCII characters without spaces into it"};
  return {std::string(token), {}};
}

Parsed<std::string> read_token(const std::string& file) {
  const FileText content = read_text_file(file, kMaxTokenBytes);
  return content.error.empty() ? parse_token(content.text) : Parsed<std::string>{{}, content.error};
}

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

const std::string& Secrets::of(std::string_view file) const {
  const auto found = by_file_.find(file);
  return found == by_file_.end() ? none_ : found->second;
}

void Secrets::put(std::string file, std::string secret) {
  by_file_.insert_or_assign(std::move(file), std::move(secret));
}

SecretsResult load_secrets(const Config& config) {
  return Loader(config).run();
}

}  // namespace faultlun::config
