// A line of an example as a shell would split it, without the program's name: quotes, and
// redirections left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

inline std::vector<std::string> shell_words(std::string_view line) {
  constexpr std::string_view kSource = "source <(";
  if (line.starts_with(kSource)) {
    line.remove_prefix(kSource.size());
    line.remove_suffix(1);
  }
  std::vector<std::string> words;
  std::string word;
  bool is_quoted = false, has_word = false;
  const auto finish = [&] {
    if (has_word) words.push_back(word);
    word.clear();
    has_word = false;
  };
  for (const char c : line) {
    if (c == '\'') {
      is_quoted = !is_quoted;
      has_word = true;
    } else if (!is_quoted && (c == '<' || c == '>')) {
      break;
    } else if (!is_quoted && c == ' ') {
      finish();
    } else {
      word += c;
      has_word = true;
    }
  }
  finish();
  words.erase(words.begin());
  return words;
}
