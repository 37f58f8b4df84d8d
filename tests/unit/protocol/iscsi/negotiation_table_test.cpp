// Every row of the key table, offered every way it can be offered (checklist A7, last paragraph):
// default, lowest, highest, below, above, garbage, twice, in the wrong stage, on a later
// connection, in discovery.
#include "protocol/iscsi/negotiation.hpp"

#include <doctest/doctest.h>

namespace negotiation_table_test {

using namespace faultlun::iscsi;

namespace {

struct Outcome {
  bool problem = false;
  std::string answer;  ///< the value answered, empty when there was no answer
};

Outcome offer(Negotiation& negotiation, std::string_view key, const std::string& value) {
  const std::vector<Pair> pairs = {{key, value}};
  Declared declared;
  std::string out;
  if (collect(negotiation, pairs, declared) || answer(negotiation, pairs, out)) return {true, {}};
  const auto parsed = parse_text(out);
  if (parsed.pairs.empty()) return {};
  CHECK(parsed.pairs.size() == 1);
  CHECK(parsed.pairs[0].key == key);
  return {false, std::string(parsed.pairs[0].value)};
}

Outcome offer_alone(const KeyRow& row, const std::string& value) {
  Negotiation negotiation;
  negotiation.stage = Stage::operational;
  return offer(negotiation, row.name, value);
}

bool is_number(Rule rule) {
  return rule == Rule::minimum || rule == Rule::maximum || rule == Rule::max_burst ||
         rule == Rule::first_burst;
}
bool is_boolean(Rule rule) {
  return rule == Rule::either || rule == Rule::both || rule == Rule::marker;
}
bool is_negotiated(Rule rule) {
  return is_number(rule) || is_boolean(rule) || rule == Rule::list;
}

/// An offer this key takes.
std::string good_value(const KeyRow& row) {
  if (is_number(row.rule)) return std::to_string(row.high);
  if (is_boolean(row.rule)) return "Yes";
  return std::string(row.choices);
}

template <typename Visit>
void for_each_negotiated(Visit visit) {
  int visited = 0;
  for (const auto& row : keys()) {
    if (!is_negotiated(row.rule)) continue;
    const std::string name(row.name);
    CAPTURE(name);
    visit(row);
    ++visited;
  }
  CHECK(visited == 18);  // 3 lists, 8 numbers, 7 booleans
}

}  // namespace

TEST_CASE("each number is taken at its lowest and highest, and answered inside its range") {
  for_each_negotiated([](const KeyRow& row) {
    if (!is_number(row.rule)) return;
    for (const auto value : {row.low, row.high}) {
      const auto answer = parse_number(offer_alone(row, std::to_string(value)).answer);
      REQUIRE(answer.has_value());
      CHECK(*answer >= row.low);
      CHECK(*answer <= row.high);
    }
  });
}

TEST_CASE("each number is refused below its lowest and above its highest") {
  for_each_negotiated([](const KeyRow& row) {
    if (!is_number(row.rule)) return;
    CHECK(offer_alone(row, std::to_string(std::uint64_t{row.high} + 1)).answer == "Reject");
    if (row.low > 0) CHECK(offer_alone(row, std::to_string(row.low - 1)).answer == "Reject");
  });
}

TEST_CASE("a number in hexadecimal gets the answer of the same number in decimal") {
  for_each_negotiated([](const KeyRow& row) {
    if (!is_number(row.rule)) return;
    const auto middle = row.low + (row.high - row.low) / 2;
    std::string hex = "0x";
    for (int shift = 28; shift >= 0; shift -= 4)
      hex += "0123456789abcdef"[middle >> shift & 15U];
    CHECK(offer_alone(row, hex).answer == offer_alone(row, std::to_string(middle)).answer);
  });
}

TEST_CASE("each boolean takes Yes and No and nothing else") {
  for_each_negotiated([](const KeyRow& row) {
    if (!is_boolean(row.rule)) return;
    for (const std::string value : {"Yes", "No"}) {
      const auto answer = offer_alone(row, value).answer;
      CHECK((answer == "Yes" || answer == "No"));
    }
    for (const std::string value : {"yes", "1", "Yes,No", "true", " Yes"})
      CHECK(offer_alone(row, value).answer == "Reject");
  });
}

TEST_CASE("garbage is answered Reject, an empty value too") {
  for_each_negotiated([](const KeyRow& row) {
    for (const std::string value : {"", "garbage", "\xff\xfe", "0x", "-1", ",,,"})
      CHECK(offer_alone(row, value).answer == "Reject");
  });
}

TEST_CASE("a second offer is a problem, also when the first was rejected") {
  for_each_negotiated([](const KeyRow& row) {
    for (const std::string& first : {good_value(row), std::string("garbage")}) {
      Negotiation negotiation;
      negotiation.stage = Stage::operational;
      CHECK_FALSE(offer(negotiation, row.name, first).problem);
      CHECK(offer(negotiation, row.name, good_value(row)).problem);
    }
  });
}

TEST_CASE("none is allowed in the security stage, and in full feature each is answered Reject") {
  for_each_negotiated([](const KeyRow& row) {
    Negotiation security;
    CHECK(offer(security, row.name, good_value(row)).problem);
    Negotiation full_feature;
    full_feature.stage = Stage::full_feature;
    CHECK(offer(full_feature, row.name, good_value(row)).answer == "Reject");
  });
}

TEST_CASE("on a later connection leading-only keys are answered Reject, the others as ever") {
  for_each_negotiated([](const KeyRow& row) {
    Negotiation negotiation;
    negotiation.stage = Stage::operational;
    negotiation.leading = false;
    const auto answer = offer(negotiation, row.name, good_value(row)).answer;
    CHECK((answer == "Reject") == row.leading_only);
  });
}

TEST_CASE("in a discovery session exactly the marked keys are Irrelevant") {
  for_each_negotiated([](const KeyRow& row) {
    Negotiation negotiation;
    negotiation.stage = Stage::operational;
    negotiation.type = SessionType::discovery;
    const auto answer = offer(negotiation, row.name, good_value(row)).answer;
    CHECK((answer == "Irrelevant") == row.irrelevant_in_discovery);
    if (row.irrelevant_in_discovery) CHECK(negotiation.settled == 0);
  });
}

}  // namespace negotiation_table_test
