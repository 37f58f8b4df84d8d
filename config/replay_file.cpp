#include "config/replay_file.hpp"

#include "config/keys.hpp"
#include "config/octets.hpp"
#include "config/units.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

namespace faultlun::config {
namespace {

using faults::Recording;

constexpr std::size_t kMaxAliasBytes = 512, kMaxTargetBytes = 255, kMaxReasonBytes = 1024;
constexpr std::uint16_t kMaxLunNumber = 16383;
constexpr std::uint8_t kMaxFunction = 0x7f;  // seven bits, RFC 7143 §11.5.1
constexpr std::size_t kRecordedCdbBytes = 16;

// clang-format off
constexpr Key kHeadKeys[] = {
  {"faultlun_journal", kRequired, "number", "", "Format: 1."},
  {"seed", kRequired, "seed", "", "Of the run that was recorded."},
};
constexpr Key kSessionKeys[] = {
  {"session", kRequired, "number", "", "What other lines call it."},
  {"alias", kRequired, "string", "", "Initiator name, ISID and number of the login."},
  {"target", kRequired, "string", "", "iSCSI name of the target."},
  {"whole", kOptional, "boolean", "false", "Recorded from its login on."},
};
constexpr Key kRuleKeys[] = {
  {"serial", kRequired, "number", "", "What other lines call it."},
  {"rule", kRequired, "rule", "", "The rule."},
};
constexpr Key kEventKeys[] = {
  {"s", kRequired, "number", "", "Session."},
  {"sn", kRequired, "number", "", "CmdSN."},
  {"imm", kOptional, "boolean", "false", "Immediate."},
  {"lun", kOptional, "number 0 to 16383", "(none of ours)", "Logical unit."},
  {"cdb", kOptional, "hexadecimal digits", "", "Of a command."},
  {"tmf", kOptional, "number", "", "Of a task management function."},
};
constexpr Key kFiredKeys[] = {
  {"s", kRequired, "number", "", "Session."},
  {"sn", kRequired, "number", "", "CmdSN."},
  {"imm", kOptional, "boolean", "false", "Immediate."},
  {"fired", kRequired, "number", "", "Rule."},
  {"key", kRequired, "string", "", "gate.key."},
  {"of", kOptional, "number", "0", "Block or hash of the key."},
  {"index", kRequired, "number", "", "Of the match."},
  {"draw", kOptional, "number", "(none)", "The draw that decided."},
};
constexpr Key kStrikeKeys[] = {
  {"s", kRequired, "number", "", "Session."},
  {"sn", kRequired, "number", "", "CmdSN."},
  {"imm", kOptional, "boolean", "false", "Immediate."},
  {"strike", kRequired, "number", "", "Rule, which fired just before."},
  {"effect", kRequired, "number", "", "Place of the effect in the rule."},
  {"resolved", kRequired, "array of two numbers", "", "What was drawn for it."},
};
constexpr Key kUnmetKeys[] = {
  {"s", kRequired, "number", "", "Session."},
  {"sn", kRequired, "number", "", "CmdSN."},
  {"imm", kOptional, "boolean", "false", "Immediate."},
  {"unmet", kRequired, "number", "", "Rule."},
  {"why", kRequired, "string", "", "The reason."},
};
constexpr Key kLostKeys[] = {
  {"lost", kRequired, "number", "", "Entries."},
  {"sessions", kRequired, "array of number", "", "Whose they may have been."},
};

constexpr Shape kHead    = {"replay_head", "(first line)", kHeadKeys};
constexpr Shape kSession = {"replay_session", "(a line)", kSessionKeys};
constexpr Shape kRule    = {"replay_rule", "(a line)", kRuleKeys};
constexpr Shape kEvent   = {"replay_event", "(a line)", kEventKeys};
constexpr Shape kFired   = {"replay_fired", "(a line)", kFiredKeys};
constexpr Shape kStrike  = {"replay_strike", "(a line)", kStrikeKeys};
constexpr Shape kUnmet   = {"replay_unmet", "(a line)", kUnmetKeys};
constexpr Shape kLost    = {"replay_lost", "(a line)", kLostKeys};
// clang-format on

class Reader {
 public:
  Reader(Problems& problems, const RuleReader& read_rule)
      : problems_(problems), read_rule_(read_rule) {}

  void line(std::string_view text);
  Recording take() { return std::move(recording_); }

 private:
  struct Origin {
    Recording::Session* session = nullptr;
    std::uint32_t cmd_sn = 0;
    bool immediate = false;
  };

  void head(const Value& value);
  void session(const Value& value);
  void rule(const Value& value);
  void event(const Value& value);
  void fired(const Value& value);
  void strike(const Value& value);
  void unmet(const Value& value);
  void lost(const Value& value);
  std::optional<Origin> origin(Object& in);
  Recording::Event* event_of(const Origin& origin, const Value& value);
  std::optional<std::uint32_t> rule_of(const Value& serial);
  static std::optional<std::uint64_t> any(const Value& value) {
    return value.whole<std::uint64_t>(0, UINT64_MAX);
  }

  Problems& problems_;
  const RuleReader& read_rule_;
  Recording recording_;
  bool has_head_ = false;
  std::size_t events_ = 0;
  std::set<std::pair<std::string, std::string>> aliases_;
  std::unordered_map<std::uint64_t, std::size_t> sessions_;
  std::unordered_map<std::uint64_t, std::optional<std::uint32_t>> rules_;
};

void Reader::line(std::string_view text) {
  if (text.size() > kMaxLineBytes)
    return problems_.add("", "the line has " + std::to_string(text.size()) +
                                 " bytes; the most is " + std::to_string(kMaxLineBytes));
  Json json;
  if (!parse_json(text, json, problems_)) return;
  const Value value(&json, "", problems_);
  if (!has_head_) return head(value);
  struct Row {
    std::string_view key;
    void (Reader::*read)(const Value&);
  };
  constexpr Row kRows[] = {{"cdb", &Reader::event},       {"fired", &Reader::fired},
                           {"strike", &Reader::strike},   {"tmf", &Reader::event},
                           {"session", &Reader::session}, {"rule", &Reader::rule},
                           {"unmet", &Reader::unmet},     {"lost", &Reader::lost}};
  if (json.is_object())
    for (const auto& row : kRows)
      if (json.contains(row.key)) return (this->*row.read)(value);
  value.fail(
      "is none of the lines of a journal export; take the answer to GET "
      "/v1/journal?export=1 as it is");
}

void Reader::head(const Value& value) {
  has_head_ = true;
  Object in(value, kHead);
  const auto format = in.required("faultlun_journal");
  if (const auto number = any(format); number && *number != kReplayFormat)
    format.fail("is format " + std::to_string(*number) + "; this version reads format 1");
  config::take(in.required("seed").seed(), recording_.seed);
  in.finish();
}

void Reader::session(const Value& value) {
  Object in(value, kSession);
  const auto named = in.required("session");
  const auto number = any(named);
  Recording::Session made;
  config::take(in.required("alias").text(1, kMaxAliasBytes), made.alias);
  config::take(in.required("target").text(0, kMaxTargetBytes), made.target);
  config::take(in.optional("whole").boolean(), made.whole);
  in.finish();
  if (!number) return;
  if (recording_.sessions.size() >= Recording::kMaxSessions)
    return named.fail("is one session too many; the most is " +
                      std::to_string(Recording::kMaxSessions));
  if (!sessions_.emplace(*number, recording_.sessions.size()).second)
    return named.fail("is there already; each session has one line");
  if (!aliases_.emplace(made.target, made.alias).second)
    return named.fail("has the alias of another session; export one run at a time");
  recording_.sessions.push_back(std::move(made));
}

void Reader::rule(const Value& value) {
  Object in(value, kRule);
  const auto serial = in.required("serial");
  const auto number = any(serial);
  const auto body = in.required("rule");
  auto read = body.present() ? read_rule_(body) : std::nullopt;
  in.finish();
  if (!number) return;
  auto& known = rules_[*number];
  if (known) return serial.fail("is there already; each rule has one line");
  if (!read) return;
  if (recording_.rules.size() >= faults::kMaxRules)
    return serial.fail("is one rule too many; the most is " + std::to_string(faults::kMaxRules));
  known = static_cast<std::uint32_t>(recording_.rules.size());
  recording_.rules.push_back(std::move(*read));
}

std::optional<Reader::Origin> Reader::origin(Object& in) {
  const auto named = in.required("s");
  const auto number = any(named);
  Origin out;
  const bool has_cmd_sn =
      config::take(in.required("sn").whole<std::uint32_t>(0, UINT32_MAX), out.cmd_sn);
  config::take(in.optional("imm").boolean(), out.immediate);
  if (!number || !has_cmd_sn) return std::nullopt;
  const auto found = sessions_.find(*number);
  if (found == sessions_.end()) {
    named.fail("is a session without a line of its own; keep the lines in their order");
    return std::nullopt;
  }
  if (found->second >= recording_.sessions.size()) return std::nullopt;  // complained of already
  out.session = &recording_.sessions[found->second];
  return out;
}

void Reader::event(const Value& value) {
  Object in(value, kEvent);
  const auto from = origin(in);
  Recording::Event made;
  if (const auto lun = in.optional("lun").whole<std::uint16_t>(0, kMaxLunNumber)) {
    made.lun = *lun;
    made.has_lun = true;
  }
  const auto cdb = in.optional("cdb"), function = in.optional("tmf");
  if (cdb.present() && function.present())
    function.fail("and cdb exclude each other; an entry is a command or a function");
  if (cdb.present())
    if (auto octets = read_octets(cdb, 1, kRecordedCdbBytes)) {
      octets->resize(kRecordedCdbBytes);
      made.cdb = scsi::Cdb(*octets);
    }
  config::take(function.whole<std::uint8_t>(1, kMaxFunction), made.function);
  in.finish();
  if (!from) return;
  if (++events_ > Recording::kMaxEvents) {
    if (events_ == Recording::kMaxEvents + 1)
      value.fail("is one command too many; the most is " + std::to_string(Recording::kMaxEvents) +
                 ": export one session, or from a later cursor on");
    return;
  }
  made.cmd_sn = from->cmd_sn;
  made.lane = function.present() ? Recording::Lane::function
              : from->immediate  ? Recording::Lane::immediate
                                 : Recording::Lane::command;
  from->session->events.push_back(std::move(made));
}

/// The last command or function of the session that has the CmdSN: payloads are decided later.
Recording::Event* Reader::event_of(const Origin& from, const Value& value) {
  constexpr std::size_t kFarthest = 65536;  // commands of a session that are begun at a time
  auto& events = from.session->events;
  const auto most = std::min(events.size(), kFarthest);
  for (std::size_t i = 0; i < most; ++i) {
    auto& event = events[events.size() - 1 - i];
    const bool fits = event.lane == Recording::Lane::function ||
                      (event.lane == Recording::Lane::immediate) == from.immediate;
    if (event.cmd_sn == from.cmd_sn && fits) return &event;
  }
  value.fail("is about a command that has no line before it; keep the lines in their order");
  return nullptr;
}

std::optional<std::uint32_t> Reader::rule_of(const Value& serial) {
  const auto number = any(serial);
  if (!number) return std::nullopt;
  const auto found = rules_.find(*number);
  if (found == rules_.end()) {
    serial.fail(
        "is a rule without a line of its own, which the target had forgotten or which was "
        "taken out; export sooner");
    rules_[*number] = std::nullopt;  // said once
    return std::nullopt;
  }
  return found->second;
}

void Reader::fired(const Value& value) {
  Object in(value, kFired);
  const auto from = origin(in);
  const auto rule = rule_of(in.required("fired"));
  Recording::Fired made;
  if (const auto key = in.required("key").one_of(faults::kKeyNames))
    made.key = static_cast<faults::Key>(*key);
  config::take(any(in.optional("of")), made.key_number);
  config::take(any(in.required("index")), made.index);
  made.drawn = config::take(any(in.optional("draw")), made.draw);
  in.finish();
  if (!from || !rule) return;
  made.rule = *rule;
  if (auto* event = event_of(*from, value)) event->fired.push_back(std::move(made));
}

void Reader::strike(const Value& value) {
  Object in(value, kStrike);
  const auto from = origin(in);
  const auto serial = in.required("strike");
  const auto rule = rule_of(serial);
  const auto place = in.required("effect");
  const auto effect = place.whole<std::uint32_t>(0, faults::kMaxEffectsPerRule - 1);
  const auto resolved = in.required("resolved");
  std::vector<std::uint64_t> numbers;
  for (const auto& each : resolved.items(2))
    if (const auto number = any(each)) numbers.push_back(*number);
  if (resolved.is_array() && numbers.size() != 2) resolved.fail("has not two numbers; write both");
  in.finish();
  if (!from || !rule || !effect || numbers.size() != 2) return;
  if (*effect >= recording_.rules[*rule].effects.size())
    return place.fail("is no effect of the rule, which has " +
                      std::to_string(recording_.rules[*rule].effects.size()));
  auto* event = event_of(*from, value);
  if (event == nullptr) return;
  if (event->fired.empty() || event->fired.back().rule != *rule)
    return serial.fail("is a rule that did not fire just before; keep the lines in their order");
  event->fired.back().strikes.push_back({*effect, {numbers[0], numbers[1]}});
}

/// For who reads the file: the same fault meets the same medium again, or does not.
void Reader::unmet(const Value& value) {
  Object in(value, kUnmet);
  origin(in);
  rule_of(in.required("unmet"));
  std::string why;
  config::take(in.required("why").text(0, kMaxReasonBytes), why);
  in.finish();
}

void Reader::lost(const Value& value) {
  Object in(value, kLost);
  any(in.required("lost"));
  for (const auto& each : in.required("sessions").items(Recording::kMaxSessions)) {
    const auto number = any(each);
    if (!number) continue;
    const auto found = sessions_.find(*number);
    if (found == sessions_.end() || found->second >= recording_.sessions.size()) continue;
    auto& session = recording_.sessions[found->second];
    session.in_order = std::min(session.in_order, session.events.size());
  }
  in.finish();
}

}  // namespace

LoadRecording load_recording(std::string_view text, const RuleReader& read_rule) {
  LoadRecording out;
  Problems all;
  if (text.size() > kMaxTextBytes) {
    all.add("", "the journal has " + std::to_string(text.size()) + " bytes; the most is " +
                    std::to_string(kMaxTextBytes) +
                    ": export one session, or from a later cursor on");
    text = {};
  }
  Problems of_line;
  Reader reader(of_line, read_rule);
  bool any_line = !all.empty();
  std::size_t number = 0;
  while (!text.empty() && !all.full()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    any_line = true;
    reader.line(line);
    for (auto& problem : of_line.list())
      all.add(std::move(problem.path), std::move(problem.message), number);
    of_line.list().clear();
  }
  if (!any_line) all.add("", "is empty; send the answer to GET /v1/journal?export=1");
  out.errors = all.list();
  out.errors_left_out = all.left_out();
  if (out.errors.empty()) out.recording = reader.take();
  return out;
}

}  // namespace faultlun::config
