#include "daemon/cli/completion.hpp"

#include "daemon/options.hpp"

#include <map>
#include <set>
#include <vector>

namespace faultlun::daemon::cli {
namespace {

constexpr const char* kHead =
    R"sh(# Completion for bash, made from the table of commands: faultlun completion bash
# shellcheck shell=bash disable=SC2207

# First words of the lines behind the heading: IDs. Nothing when no daemon answers.
_faultlun_ids() {
  local id heading=1
  while read -r id _; do
    if [ "$heading" = 1 ]; then heading=0; else printf '%s\n' "$id"; fi
  done < <(faultlun "$@" --timeout 1s 2>/dev/null)
}

_faultlun() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local words='' next='' options='' offers='' values='' at=1 given=0 word longer offer
  local -a control=()
  while [ "$at" -lt "$COMP_CWORD" ]; do
    word=${COMP_WORDS[at]}
    case $word in
      --control | --token-file) control+=("$word" "${COMP_WORDS[at+1]}"); at=$((at + 1)) ;;
      -*) ;;
      *)
        longer=${words:+$words }$word
        if [ "$given" = 0 ] && _faultlun_row "$longer"; then words=$longer; else given=$((given + 1)); fi
        ;;
    esac
    at=$((at + 1))
  done
  _faultlun_row "$words"
  COMPREPLY=()
  case " $values --control --token-file --timeout " in
    *" $previous "*) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
    return
  fi
  [ "$given" = 0 ] && COMPREPLY=($(compgen -W "$next" -- "$current"))
  at=0
  for offer in $offers; do
    if [ "$at" = "$given" ]; then
      case $offer in
        files) COMPREPLY+=($(compgen -f -- "$current")) ;;
        rules) COMPREPLY+=($(compgen -W "$(_faultlun_ids rule ls "${control[@]}")" -- "$current")) ;;
        faults) COMPREPLY+=($(compgen -W "$(_faultlun_ids fault ls "${control[@]}")" -- "$current")) ;;
        scenarios) COMPREPLY+=($(compgen -W "$(_faultlun_ids scenario ls "${control[@]}")" -- "$current")) ;;
      esac
    fi
    at=$((at + 1))
  done
}

# Sets what may follow these words of a command; fails when there is no such command.
_faultlun_row() {
  next='' options='' offers='' values=''
  case $1 in
)sh";

constexpr const char* kTail = R"sh(    *) return 1 ;;
  esac
}

complete -F _faultlun faultlun
)sh";

struct Line {
  std::set<std::string> next;
  std::string options, offers, values;
};

std::string_view name_of(Argument::Offer offer) {
  constexpr std::string_view kNames[] = {"nothing", "files", "rules", "faults", "scenarios"};
  return kNames[static_cast<std::size_t>(offer)];
}

void add(std::string& list, std::string_view word) {
  list.append(list.empty() ? "" : " ").append(word);
}

void add_options(Line& line, const std::vector<Option>& options) {
  for (const auto& option : options) {
    for (const auto name : {option.letter, option.name}) {
      if (name.empty()) continue;
      add(line.options, name);
      if (option.takes != Option::Takes::nothing) add(line.values, name);
    }
  }
}

Line line_of(const Command& command) {
  Line line;
  if (command.flow == Flow::serve) {
    for (const auto& name : serve_options())
      add(line.options, name);
    return line;
  }
  add_options(line, command.options);
  Line common;
  add_options(common, common_options());
  add(line.options, common.options);
  for (const auto& argument : command.arguments)
    add(line.offers, name_of(argument.offer));
  return line;
}

std::string assignment(const char* name, const std::string& value) {
  return value.empty() ? std::string{} : std::string(" ") + name + "='" + value + "'";
}

}  // namespace

std::string bash_completion(const Call&) {
  std::map<std::string, Line> lines;
  for (const auto& command : command_table()) {
    auto line = line_of(command);
    line.next = std::move(lines[std::string(command.words)].next);
    lines[std::string(command.words)] = std::move(line);
    std::string words;
    for (auto rest = command.words; !rest.empty();) {
      const auto word = rest.substr(0, rest.find(' '));
      lines[words].next.emplace(word);
      words.append(words.empty() ? "" : " ").append(word);
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    }
  }
  std::string out = kHead;
  for (const auto& [words, line] : lines) {
    std::string next;
    for (const auto& word : line.next)
      add(next, word);
    out += "    '" + words + "')" + assignment("next", next) + assignment("options", line.options) +
           assignment("offers", line.offers) + assignment("values", line.values) + " ;;\n";
  }
  return out + kTail;
}

}  // namespace faultlun::daemon::cli
