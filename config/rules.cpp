#include "config/rules.hpp"

#include "config/loading.hpp"
#include "config/model.hpp"
#include "config/rules_parts.hpp"

#include <algorithm>
#include <map>

namespace faultlun::config {

namespace {

using faults::FaultRow;
using faults::Rule;

/// Whether `read` found nothing to complain about.
template <typename Read>
bool clean(const Problems& problems, Read read) {
  const auto before = problems.count();
  read();
  return problems.count() == before;
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
  const auto before = value.problems().count();
  Object in(value, shape("rule"));
  Rule rule;
  parts::Readable readable;
  parts::read_own_id(in, id_from_path, check_rule_id, rule.id);
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
  if (value.problems().count() != before) return std::nullopt;
  return rule;
}

std::vector<Rule> read_rules(const Value& array, std::span<const FaultRow> table) {
  Set set;
  const auto before = array.problems().count();
  for (const Value& item : array.items(faults::kMaxRules)) {
    if (auto rule = read_rule(item, {}, table)) set.add(item, std::move(*rule));
    if (set.full() || array.problems().full()) break;
  }
  // A rule that could not be read is no reason to complain of those that name it.
  Problems unused;
  return set.finish(array.problems().count() == before ? array.problems() : unused);
}

LoadRules load_rules(std::string_view text) {
  Problems problems;
  Json tree;
  if (!parse_json(text, tree, problems)) return refused<LoadRules>(std::move(problems));
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
  return refused<LoadRules>(std::move(problems));
}

LoadRules load_rules_file(const std::string& path) {
  return load_text_file(path, [](std::string_view text) { return load_rules(text); });
}

void parts::read_own_id(Object& in, std::optional<std::string_view> from_path, CheckId check,
                        std::string& id) {
  const Value value = from_path ? in.optional("id") : in.required("id");
  if (from_path) {
    id = *from_path;
    if (const auto reason = check(id); !reason.empty()) value.fail(reason);
  }
  if (!value.present()) return;
  const auto text = value.text(1, kMaxTextBytes);
  if (!text) return;
  if (from_path && *text != id) {
    value.fail("is " + in_quotes(*text) + ", and the path names " + in_quotes(id) +
               "; leave it out");
    return;
  }
  if (const auto reason = check(*text); !reason.empty()) value.fail(reason);
  id = *text;
}

}  // namespace faultlun::config
