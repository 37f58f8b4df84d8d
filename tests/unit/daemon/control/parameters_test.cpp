#include "daemon/control/parameters.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace parameters_test {

using namespace faultlun::daemon::control;
using In = Parameter::In;
using Type = Parameter::Type;

namespace {

const std::vector<Parameter> kDocumented = {
    {"since", "the first index", In::query, Type::integer},
    {"follow", "goes on", In::query, Type::boolean},
    {"rule", "only of this rule"},
    {"lun", "its number", In::path, Type::integer},
};

Request with(std::map<std::string, std::string> query) {
  Request request;
  request.query = std::move(query);
  return request;
}

std::string checked(std::map<std::string, std::string> query) {
  return check_parameters(kDocumented, with(std::move(query)));
}

}  // namespace

TEST_CASE("parameters that are documented and of their types pass") {
  CHECK(checked({}).empty());
  CHECK(checked({{"since", "17"}, {"follow", "1"}, {"rule", "any thing"}}).empty());
}

TEST_CASE("an unknown parameter is refused with the nearest and with all") {
  CHECK(checked({{"sinse", "1"}}) ==
        "query parameter \"sinse\" is unknown (did you mean \"since\"?); known: since, follow and "
        "rule");
  CHECK(check_parameters({}, with({{"x", ""}})) ==
        "query parameter \"x\" is unknown; this takes none");
}

TEST_CASE("a number is digits that fit, nothing else") {
  CHECK(checked({{"since", "9223372036854775807"}}).empty());
  for (const char* value : {"", "-1", "1.5", "0x10", "9223372036854775808", " 1", "1e3"}) {
    CAPTURE(std::string(value));
    CHECK(checked({{"since", value}}).find("is no number; write digits only") != std::string::npos);
  }
}

TEST_CASE("yes and no are written in five ways") {
  for (const char* value : {"", "1", "true", "0", "false"})
    CHECK(checked({{"follow", value}}).empty());
  CHECK(checked({{"follow", "yes"}}) ==
        "query parameter follow: \"yes\" is neither yes nor no; write 1 or 0, true or false");
}

TEST_CASE("a part of the path has a type as well") {
  Request request;
  request.parameters["lun"] = "three";
  CHECK(check_parameters(kDocumented, request).starts_with("path parameter lun: \"three\" is no"));
}

TEST_CASE("a required parameter is missed") {
  CHECK(check_parameters({{"key", "whose draws", In::query, Type::string, true}}, Request{}) ==
        "query parameter key is missing: whose draws");
}

TEST_CASE("handlers read values that were checked") {
  auto request = with({{"since", "17"}, {"follow", ""}, {"drain", "0"}, {"rule", "x"}});
  request.parameters["lun"] = "3";
  CHECK(number(request, "since") == 17);
  CHECK(number(request, "lun") == 3);
  CHECK_FALSE(number(request, "none"));
  CHECK(flag(request, "follow"));
  CHECK_FALSE(flag(request, "drain"));
  CHECK_FALSE(flag(request, "none"));
  CHECK(text(request, "rule") == "x");
  CHECK(text(request, "lun") == "3");
  CHECK(text(request, "none").empty());
}

}  // namespace parameters_test
