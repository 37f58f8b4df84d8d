// What a route takes besides a body: each parameter documented once, in its row, for OpenAPI and
// for the check of a query.  Pure.
#pragma once

#include "daemon/control/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::daemon::control {

struct Parameter {
  enum class In : std::uint8_t { path, query, header };
  enum class Type : std::uint8_t {
    string,
    integer,  ///< decimal, 0 to 2^63-1
    boolean,  ///< "", 1, true: yes; 0, false: no
  };

  std::string name;
  std::string description;
  In in = In::query;
  Type type = Type::string;
  bool required = false;  ///< of a query parameter; those of a path always are
};

/// "path", "string" …, as OpenAPI calls them.
std::string_view name_of(Parameter::In in);
std::string_view name_of(Parameter::Type type);

/// What is wrong with the query or the path's parameters, given those that the row documents: an
/// unknown or missing key, a value of another type.  "" when all is well.
std::string check_parameters(const std::vector<Parameter>& documented, const Request& request);

/// ?name, ?name=1, ?name=true.  For boolean parameters, which have been checked.
bool flag(const Request& request, const std::string& name);
/// For integer parameters, which have been checked; nothing when it was not sent.
std::optional<std::uint64_t> number(const Request& request, const std::string& name);
/// "" when it was not sent.
std::string text(const Request& request, const std::string& name);

}  // namespace faultlun::daemon::control
