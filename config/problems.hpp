// What is wrong with a configuration, all of it at once: each problem names the thing (a JSON path
// or an option), the reason and the remedy.  A value; printing is the daemon's.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::config {

inline constexpr std::size_t kMaxProblems = 100;  ///< more are counted, not listed

struct Problem {
  std::string path;     ///< "targets[0].luns[1].backend.size", "--portal", or "" for the whole text
  std::string message;  ///< reason; remedy
  std::size_t line = 0;  ///< of the text it came from; 0: not known
  friend bool operator==(const Problem&, const Problem&) = default;
};

/// "lab.json:12: targets[0].name: …"; parts that are not known are left out.
std::string to_text(const Problem& problem, std::string_view file = {});

/// Collects problems, each once, at most kMaxProblems.
class Problems {
 public:
  void add(std::string path, std::string message, std::size_t line = 0);
  bool empty() const { return list_.empty(); }
  /// Whatever is added now is only counted; no need to think of a good message.
  bool full() const { return list_.size() >= kMaxProblems; }
  const std::vector<Problem>& list() const { return list_; }
  std::vector<Problem>& list() { return list_; }
  /// Problems that were found after the list was full.
  std::size_t left_out() const { return left_out_; }
  /// Listed or not.
  std::size_t count() const { return list_.size() + left_out_; }

 private:
  std::vector<Problem> list_;
  std::size_t left_out_ = 0;
};

/// ` (did you mean "opcodes"?)` when a candidate is close to `word`, otherwise "".
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

/// `text` in double quotes, cut after 60 bytes, control characters shown as \xNN: safe in a message
/// of one line.
std::string in_quotes(std::string_view text);

/// "a, b and c".
std::string listed(std::span<const std::string_view> words);

}  // namespace faultlun::config
