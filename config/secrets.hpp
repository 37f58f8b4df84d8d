// The secrets that the configuration names, read from their files.  They are kept apart from Config
// so that nothing that prints or compares a configuration can print them.
#pragma once

#include "config/model.hpp"
#include "config/problems.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::config {

inline constexpr std::size_t kMaxSecretBytes = 255;
inline constexpr std::size_t kGoodSecretBytes =
    12;  ///< 96 bits, RFC 7143 §9.2.1: shorter ones only with a warning

/// The contents of the secret files, by file name.
class Secrets {
 public:
  /// Octets of any value; empty when the configuration does not name the file.
  const std::string& of(std::string_view file) const;
  void put(std::string file, std::string secret);

 private:
  std::map<std::string, std::string, std::less<>> by_file_;
  std::string none_;
};

struct SecretsResult {
  std::optional<Secrets> secrets;  ///< exactly when there are no errors
  std::vector<Problem> errors, warnings;
};

/// Reads every secret file of the configuration.  Opens files, so it comes after load().
SecretsResult load_secrets(const Config& config);

/// What a secret file holds: text without one newline at its end, or the octets after "0x". `error`
/// says why there is no secret and never shows any of it.
Parsed<std::string> parse_secret(std::string_view text);

/// What a token file holds: one line of printable ASCII without spaces.
Parsed<std::string> parse_token(std::string_view text);

/// Opens the file: for a client of the control API, which has no configuration.
Parsed<std::string> read_token(const std::string& file);

}  // namespace faultlun::config
