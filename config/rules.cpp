#include "config/rules.hpp"

#include "config/model.hpp"
#include "config/rules_parts.hpp"
#include "config/text_file.hpp"

#include <algorithm>
#include <map>

namespace faultlun::config {

namespace {

using faults::FaultRow;
using faults::Rule;

constexpr std::size_t kMaxPathBytes = 4096;

std::size_t count(const Problems& problems) {
  return problems.list().size() + problems.left_out();
}

/// Whether `read` found nothing to complain about.
template <typename Read>
bool clean(const Problems& problems, Read read) {
  const auto before = count(problems);
  read();
  return count(problems) == before;
}

void read_id(const Value& value, std::optional<std::string_view> id_from_path, std::string& id) {
  if (id_from_path) {
    id = *id_from_path;
    if (const std::string reason = check_rule_id(id); !reason.empty()) value.fail(reason);
  }
  if (!value.present()) return;
  const auto text = value.text(1, kMaxTextBytes);
  if (!text) return;
  if (id_from_path && *text != id) {
    value.fail("is " + in_quotes(*text) + ", and the path names " + in_quotes(id) +
               "; leave it out");
    return;
  }
  if (const std::string reason = check_rule_id(*text); !reason.empty()) value.fail(reason);
  id = *text;
}

void read_where(const Value& value, std::optional<faults::Site>& where) {
  std::vector<std::string_view> names;
  for (const auto& row : faults::site_table())
    names.push_back(row.name);
  if (const auto index = value.one_of(names)) where = faults::site_table()[*index].site;
}

/// The value of a key that may be left out.
template <typename Read>
bool part(const Value& value, Read read) {
  return !value.present() || clean(value.problems(), [&] { read(value); });
}

/// What the rules of a set say of each other.
class Set {
 public:
  void add(const Value& value, Rule rule) {
    const auto [at, fresh] = places_.emplace(rule.id, value.path());
    if (!fresh)
      value.problems().add(value.path() + ".id", in_quotes(rule.id) + " is also the ID of " +
                                                     at->second + "; every rule needs its own");
    luns_ += rule.match.luns.size();
    if (luns_ > kMaxLunsOfRules && !told_)
      value.problems().add(value.path() + ".match.lun",
                           "with this the rules name more than 1000000 LUNs; leave lun out where "
                           "every unit is meant");
    told_ = luns_ > kMaxLunsOfRules;
    if (rule.match.after_fault)
      followers_.push_back(
          {value.path() + ".match.after_fault.rule", rule.match.after_fault->rule});
    rules_.push_back(std::move(rule));
  }
  bool full() const { return told_; }

  std::vector<Rule> finish(Problems& problems) {
    std::vector<std::string_view> names;
    for (const auto& [path, name] : followers_) {
      if (places_.contains(name)) continue;
      if (names.empty())
        for (const auto& [id, ignored] : places_)
          names.push_back(id);
      problems.add(path, "there is no rule " + in_quotes(name) +
                             (problems.full() ? std::string() : did_you_mean(name, names)) +
                             "; name one of this set");
    }
    return std::move(rules_);
  }

 private:
  struct Follower {
    std::string path, rule;
  };
  std::map<std::string, std::string> places_;
  std::vector<Follower> followers_;
  std::vector<Rule> rules_;
  std::size_t luns_ = 0;
  bool told_ = false;
};

LoadRules refused_rules(Problems problems) {
  LoadRules out;
  out.errors_left_out = problems.left_out();
  out.errors = std::move(problems.list());
  return out;
}

}  // namespace

std::string check_rule_id(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (!id.empty() && id.size() <= faults::kMaxRuleIdBytes && std::ranges::all_of(id, allowed))
    return {};
  return in_quotes(id) +
         " is no name of a rule; write 1 to 64 letters, digits, dots, underscores and dashes";
}

std::optional<Rule> read_rule(const Value& value, std::optional<std::string_view> id_from_path,
                              std::span<const FaultRow> table) {
  const auto before = count(value.problems());
  Object in(value, shape("rule"));
  Rule rule;
  parts::Readable readable;
  read_id(id_from_path ? in.optional("id") : in.required("id"), id_from_path, rule.id);
  const bool where = part(in.optional("where"), [&](const Value& v) { read_where(v, rule.where); });
  readable.match =
      part(in.optional("match"), [&](const Value& v) { parts::read_match(v, rule.match); });
  readable.gate =
      part(in.optional("gate"), [&](const Value& v) { parts::read_gate(v, rule.gate); });
  readable.life =
      part(in.optional("life"), [&](const Value& v) { parts::read_life(v, rule.life); });
  rule.seed = in.optional("seed").seed();
  take(in.optional("observe").boolean(), rule.observe);
  take(in.optional("note").text(0, kMaxNoteBytes), rule.note);
  const Value effect = in.optional("effect");
  readable.effects =
      part(effect, [&](const Value& v) { parts::read_effects(v, table, rule.effects); });
  if (value.is_object() && readable.effects && rule.effects.empty() && !rule.observe)
    effect.fail(
        "missing; say what goes wrong, like {\"scsi.status\": {\"status\": \"BUSY\"}}, or write "
        "\"observe\": true");
  in.finish();
  readable.effects = readable.effects && where;
  parts::check_rule(value, rule, readable);
  if (count(value.problems()) != before) return std::nullopt;
  return rule;
}

std::vector<Rule> read_rules(const Value& array, std::span<const FaultRow> table) {
  Set set;
  const auto before = count(array.problems());
  for (const Value& item : array.items(faults::kMaxRules)) {
    if (auto rule = read_rule(item, {}, table)) set.add(item, std::move(*rule));
    if (set.full() || array.problems().full()) break;
  }
  // A rule that could not be read is no reason to complain of those that name it.
  Problems unused;
  return set.finish(count(array.problems()) == before ? array.problems() : unused);
}

LoadRules load_rules(std::string_view text) {
  Problems problems;
  Json tree;
  if (!parse_json(text, tree, problems)) return refused_rules(std::move(problems));
  const Value root(&tree, "", problems);
  LoadRules out;
  if (root.is_array()) {
    out.rules = read_rules(root);
  } else {
    Object in(root, shape("rules"));
    in.optional("$schema").text(0, kMaxPathBytes);
    out.rules = read_rules(in.required("rules"));
    in.finish();
  }
  if (problems.empty()) return out;
  locate(text, problems);
  return refused_rules(std::move(problems));
}

LoadRules load_rules_file(const std::string& path) {
  const FileText file = read_text_file(path, kMaxTextBytes);
  if (file.error.empty()) return load_rules(file.text);
  Problems problems;
  problems.add("", file.error);
  return refused_rules(std::move(problems));
}

}  // namespace faultlun::config
