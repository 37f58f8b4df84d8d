#include "daemon/control/journal_routes.hpp"

#include "config/problems.hpp"
#include "config/units.hpp"
#include "daemon/control/api.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <variant>

namespace faultlun::daemon::control {
namespace {

using config::Json;
using Kind = JournalEntry::Kind;

constexpr std::size_t kEntriesPerPull = 32;  ///< then others have their turn
constexpr std::uint64_t kMaxLun = 16383;

struct Wish {
  JournalCursor from;
  JournalFilter filter;
  bool follow = false;
  std::uint64_t limit = kMaxJournalLimit;
};
using WishOrProblem = std::variant<Wish, Response>;

std::optional<Response> read_start(const Request& request, const JournalSources& sources,
                                   Wish& wish) {
  wish.from = oldest_cursor(sources);
  auto since = std::string(request.header("last-event-id"));
  if (since.empty()) since = text(request, "since");
  if (since == "now") {
    wish.from = newest_cursor(sources);
  } else if (!since.empty()) {
    const auto cursor = parse_cursor(since, sources);
    if (!cursor)
      return problem(400, "since: " + config::in_quotes(since) +
                              " is no cursor of this run; write one that an entry had, \"now\", or "
                              "leave it out to begin with the oldest entry");
    wish.from = *cursor;
  }
  const auto mark = text(request, "since_mark");
  if (mark.empty()) return std::nullopt;
  const auto at = mark_set_at(sources, mark);
  if (!at)
    return problem(404, "since_mark: the journal holds no mark " + config::in_quotes(mark) +
                            "; it was not set, or so long ago that it was overwritten");
  wish.filter.not_before_ns = *at;
  return std::nullopt;
}

std::optional<Response> read_kinds(const Request& request, JournalFilter& filter) {
  if (flag(request, "decisions")) filter.kinds = {Kind::decision, Kind::strike};
  const auto list = text(request, "kind");
  if (list.empty()) return std::nullopt;
  if (!filter.kinds.empty())
    return problem(400, "kind and decisions exclude each other; leave one of them out");
  for (std::size_t at = 0; at <= list.size();) {
    const auto comma = std::min(list.find(',', at), list.size());
    const auto name = list.substr(at, comma - at);
    const auto kind = find_journal_kind(name);
    if (!kind) {
      std::vector<std::string_view> names;
      for (std::size_t i = 0; i < JournalEntry::kKinds; ++i)
        names.push_back(name_of(static_cast<Kind>(i)));
      return problem(400, "kind: unknown kind " + config::in_quotes(name) +
                              config::did_you_mean(name, names) +
                              "; known: " + config::listed(names));
    }
    filter.kinds.push_back(*kind);
    at = comma + 1;
  }
  return std::nullopt;
}

WishOrProblem read_wish(const Request& request, const JournalSources& sources) {
  Wish wish;
  if (auto wrong = read_start(request, sources, wish)) return *wrong;
  if (auto wrong = read_kinds(request, wish.filter)) return *wrong;
  wish.filter.session = text(request, "session");
  wish.filter.rule = text(request, "rule");
  if (const auto lun = number(request, "lun")) {
    if (*lun > kMaxLun)
      return problem(400, "lun: " + std::to_string(*lun) + " is too large; 16383 is the most");
    wish.filter.lun = static_cast<std::uint16_t>(*lun);
  }
  wish.follow = flag(request, "follow");
  if (const auto limit = number(request, "limit")) wish.limit = std::min(*limit, kMaxJournalLimit);
  return wish;
}

Stream stream_entries(const JournalSources& sources, Wish wish) {
  struct State {
    JournalNames names;
    JournalReader reader;
    Wish wish;
    std::uint64_t given = 0;
  };
  auto state = std::make_shared<State>(
      State{JournalNames(sources), JournalReader(sources.rings, wish.from), wish, 0});
  Stream stream;
  stream.next = [state](Record& record) {
    auto& [names, reader, asked, given] = *state;
    if (given >= asked.limit) return Pull::end;
    for (std::size_t i = 0; i < kEntriesPerPull; ++i) {
      const auto item = reader.next();
      if (!item) {
        if (!asked.follow) return Pull::end;
        if (!reader.look_again()) return Pull::wait;
        continue;
      }
      if (item->lost == 0 && !asked.filter.holds(item->entry, names)) continue;
      Json line = item->lost != 0 ? Json{{"lost", item->lost}} : to_json(item->entry, names);
      record.id = cursor_text(reader.cursor());
      line["cursor"] = record.id;
      record.data = line.dump(-1, ' ', false, Json::error_handler_t::replace);
      if (item->lost == 0) ++given;
      return Pull::record;
    }
    return Pull::record;  // nothing yet, but more to look at
  };
  return stream;
}

Answer get_export(const Request& request, const JournalContext& context) {
  for (const char* key : {"rule", "lun", "kind", "decisions", "limit", "follow", "since_mark"})
    if (request.query.contains(key))
      return problem(400, std::string("export and ") + key +
                              " exclude each other: a replay needs every command; leave " + key +
                              " out");
  Wish wish;
  if (auto wrong = read_start(request, context.sources, wish)) return *wrong;
  auto lines = std::make_shared<JournalExport>(context.sources, wish.from, context.seed,
                                               text(request, "session"), context.rule_to_json);
  Stream stream;
  stream.next = [lines](Record& record) {
    auto line = lines->next();
    if (!line) return Pull::end;
    record.data = std::move(*line);
    return Pull::record;
  };
  return stream;
}

Answer get_journal(const Request& request, const JournalContext& context) {
  if (flag(request, "export")) return get_export(request, context);
  auto wish = read_wish(request, context.sources);
  if (auto* wrong = std::get_if<Response>(&wish)) return std::move(*wrong);
  return stream_entries(context.sources, std::move(std::get<Wish>(wish)));
}

Answer get_hash(const JournalContext& context) {
  auto answer = std::make_shared<Deferred>();
  context.ask_sessions(
      [answer, seed = context.seed, aliases = context.sources.aliases](auto alive) {
        answer->complete(
            json_response(hash_report(seed, joined(aliases->records(), std::move(alive)))));
      });
  return answer;
}

std::string hash_text(std::uint64_t value) {
  char digits[20];
  std::snprintf(digits, sizeof digits, "0x%016llx", static_cast<unsigned long long>(value));
  return digits;
}

std::vector<Parameter> journal_parameters() {
  using Type = Parameter::Type;
  return {
      {"since",
       "Begin behind this cursor (that of the last entry seen), or \"now\"; without it "
       "with the oldest entry there is."},
      {"since_mark", "Begin when the mark of this name was set last."},
      {"follow", "Go on when new entries come.", Parameter::In::query, Type::boolean},
      {"limit", "Entries at most.", Parameter::In::query, Type::integer},
      {"session", "Alias, with * and ? as in rules."},
      {"rule", "Only what this rule did, by its ID."},
      {"kind", "Only entries of these kinds, with commas between: command, completion, decision …"},
      {"decisions", "Only decisions and strikes.", Parameter::In::query, Type::boolean},
      {"lun", "Only of this logical unit.", Parameter::In::query, Type::integer},
      {"export", "All there is, or of one `session`, as POST /v1/replay takes it.",
       Parameter::In::query, Type::boolean},
  };
}

}  // namespace

JournalContext::Records joined(JournalContext::Records gone, JournalContext::Records alive) {
  // A session that ended after it was asked is in both.
  std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> commands;
  for (const auto& each : gone) {
    auto& most = commands[{each.target, each.alias}];
    most = std::max(most, each.commands);
  }
  std::erase_if(alive, [&](const auto& each) {
    const auto found = commands.find({each.target, each.alias});
    return found != commands.end() && found->second >= each.commands;
  });
  gone.insert(gone.end(), std::make_move_iterator(alive.begin()),
              std::make_move_iterator(alive.end()));
  std::ranges::sort(gone, [](const auto& a, const auto& b) {
    return std::tie(a.target, a.alias, a.hash.value, a.commands) <
           std::tie(b.target, b.alias, b.hash.value, b.commands);
  });
  return gone;
}

config::Json hash_report(std::uint64_t seed, const JournalContext::Records& records) {
  const auto all = combined(records);
  Json sessions = Json::array();
  for (const auto& record : records)
    sessions.push_back(Json{{"alias", record.alias},
                            {"target", record.target},
                            {"commands", record.commands},
                            {"decisions", record.hash.count},
                            {"hash", hash_text(record.hash.value)}});
  return Json{{"seed", config::seed_text(seed)},
              {"decisions", all.count},
              {"hash", hash_text(all.value)},
              {"sessions", std::move(sessions)}};
}

std::vector<Route> journal_routes(JournalContext context) {
  if (!context.ask_sessions) throw std::logic_error("the journal has no ask_sessions");
  if (!context.rule_to_json) throw std::logic_error("the journal has no rule_to_json");
  const auto shared = std::make_shared<const JournalContext>(std::move(context));
  return {
      {.method = "GET",
       .pattern = "/v1/journal",
       .summary = "What happened: commands, decisions of rules, task management, logins, changes.",
       .handler = [shared](const Request& request) { return get_journal(request, *shared); },
       .parameters = journal_parameters(),
       .replies = {{200, "one object a line, or a server-sent event", "", "application/x-ndjson"},
                   {200, "the same as events", "", "text/event-stream"}}},
      {.method = "GET",
       .pattern = "/v1/journal/hash",
       .summary = "One number for all decisions, and one for each session: equal runs have equal "
                  "numbers.",
       .handler = [shared](const Request&) { return get_hash(*shared); },
       .operation_id = "get_journal_hash",
       .replies = {{200, "the numbers", "JournalHash"}}},
  };
}

}  // namespace faultlun::daemon::control
