#include "config/problems.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace faultlun::config {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string without_case(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '_' && c != '-') out.push_back(lower(c));
  return out;
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

void append_printable(std::string& out, std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet != 0x7f) {
      out.push_back(c);
    } else {
      out += "\\x";
      out.push_back(kDigits[octet >> 4]);
      out.push_back(kDigits[octet & 15]);
    }
  }
}

}  // namespace

std::string to_text(const Problem& problem, std::string_view file) {
  std::string out(file);
  const bool said = file.empty() && problem.message.starts_with("line ");
  if (problem.line != 0 && !said)
    out += (file.empty() ? "line " : ":") + std::to_string(problem.line);
  if (!out.empty()) out += ": ";
  if (!problem.path.empty()) {
    append_printable(out, problem.path);
    out += ": ";
  }
  append_printable(out, problem.message);
  return out;
}

void Problems::add(std::string path, std::string message, std::size_t line) {
  Problem problem{std::move(path), std::move(message), line};
  if (std::find(list_.begin(), list_.end(), problem) != list_.end()) return;
  if (list_.size() == kMaxProblems) {
    ++left_out_;
    return;
  }
  list_.push_back(std::move(problem));
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t kLongestWord = 64;  // the cost is the product of the lengths
  if (word.size() > kLongestWord) return {};
  const std::string mine = without_case(word);
  std::string_view best;
  std::size_t best_distance = mine.size() < 5 ? 2 : 3;  // exclusive: one slip in a short word
  for (const std::string_view candidate : candidates) {
    const std::string theirs = without_case(candidate);
    std::size_t distance = edit_distance(mine, theirs);
    const bool begins = mine.size() >= 3 && (theirs.starts_with(mine) || mine.starts_with(theirs));
    if (begins) distance = std::min<std::size_t>(distance, 1);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? std::string{} : " (did you mean \"" + std::string(best) + "\"?)";
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::size_t shown = std::min(text.size(), kShown);
  // Not in the middle of a UTF-8 sequence: its continuation octets are 10xxxxxx.
  while (shown < text.size() && shown > 0 &&
         (static_cast<unsigned char>(text[shown]) & 0xc0) == 0x80)
    --shown;
  std::string out = "\"";
  append_printable(out, text.substr(0, shown));
  return out + (text.size() > shown ? "…\"" : "\"");
}

std::string listed(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " and " : ", ";
    out += words[i];
  }
  return out;
}

}  // namespace faultlun::config
