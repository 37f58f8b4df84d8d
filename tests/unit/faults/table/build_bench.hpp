// Arguments of a fault by name, and what the fault table builds of them.
#pragma once

#include "faults/fault_table.hpp"
#include "protocol/bytes/hex.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace faultlun::faults::testing {

using Given = std::pair<std::string_view, Argument>;

inline Argument number(std::uint64_t value) {
  return value;
}
inline Argument text(std::string_view value) {
  return std::string(value);
}
inline Argument octets(std::string_view hex) {
  const auto found = bytes::from_hex(hex);
  REQUIRE(found.has_value());
  return *found;
}
/// "11/00" or "03/11/00".
inline Argument code(std::string_view text) {
  const auto part = [&](std::size_t at) {
    return static_cast<std::uint8_t>(std::stoul(std::string(text.substr(at, 2)), nullptr, 16));
  };
  if (text.size() == 5) return SenseRef{std::nullopt, part(0), part(3)};
  return SenseRef{part(0), part(3), part(6)};
}

inline Arguments arguments_of(std::span<const Parameter> parameters,
                              std::initializer_list<Given> given) {
  Arguments out(parameters);
  for (const auto& [name, value] : given)
    out.set(name, value);
  return out;
}
/// For parameters of kind object and objects: `name` says of which.
inline Arguments members(std::string_view id, std::string_view name,
                         std::initializer_list<Given> given) {
  const auto* fault = find_fault(id);
  REQUIRE(fault != nullptr);
  for (const auto& parameter : fault->parameters)
    if (parameter.name == name) return arguments_of(parameter.members, given);
  FAIL("no such parameter");
  return {};
}

inline Built build(std::string_view id, std::initializer_list<Given> given) {
  const auto* fault = find_fault(id);
  REQUIRE_MESSAGE(fault != nullptr, std::string(id));
  return fault->build(arguments_of(fault->parameters, given));
}

/// The primitive that is expected; anything else fails the test.
template <typename T>
T built(std::string_view id, std::initializer_list<Given> given) {
  const auto made = build(id, given);
  const auto* wrong = std::get_if<Complaint>(&made);
  REQUIRE_MESSAGE(wrong == nullptr, (wrong ? wrong->field + ": " + wrong->message : ""));
  const auto* action = std::get_if<T>(&std::get<Action>(made));
  REQUIRE_MESSAGE(action != nullptr, "another primitive");
  return *action;
}

/// The parameter that is complained about; "accepted" when none is.
inline std::string refused(std::string_view id, std::initializer_list<Given> given) {
  const auto made = build(id, given);
  const auto* wrong = std::get_if<Complaint>(&made);
  if (wrong == nullptr) return "accepted";
  CHECK_FALSE(wrong->message.empty());
  return wrong->field;
}

/// What every row of a family owes its readers.
inline void check_rows(std::span<const FaultRow> rows) {
  for (const auto& row : rows) {
    CAPTURE(row.id);
    CHECK(bool(row.build != nullptr));
    CHECK_FALSE(row.summary.empty());
    CHECK_FALSE(row.wire.empty());
    CHECK_FALSE(row.host.empty());
    CHECK(row.example.find("\"" + std::string(row.id) + "\"") != std::string_view::npos);
    CHECK(row.example.starts_with(R"({"id": ")"));
    CHECK(find_fault(row.id) != nullptr);
    for (const auto& parameter : row.parameters) {
      CAPTURE(parameter.name);
      CHECK_FALSE(parameter.meaning.empty());
      CHECK(parameter.required == parameter.fallback.empty());
      CHECK(parameter.least <= parameter.most);
      CHECK((parameter.kind == Kind::choice) == !parameter.choices.empty());
      for (const auto& member : parameter.members) {
        CHECK_FALSE(member.meaning.empty());
        CHECK(member.required == member.fallback.empty());
      }
    }
  }
}

}  // namespace faultlun::faults::testing
