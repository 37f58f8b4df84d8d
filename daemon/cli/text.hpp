// JSON as text for people: cells, aligned tables, descriptions.  Pure.
#pragma once

#include "config/json.hpp"
#include "daemon/cli/command.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace faultlun::daemon::cli {

/// A value in one line: strings as they are but for control characters, lists with commas, "-" for
/// nothing.
std::string cell(const config::Json& value);
/// The value at a JSON pointer, as a cell.
std::string cell(const config::Json& value, std::string_view pointer);
/// Nothing (a null) when the pointer leads nowhere.
const config::Json& at(const config::Json& value, std::string_view pointer);

using Row = std::vector<std::string>;
/// Columns two spaces apart; those with nothing but numbers to the right.
std::string table(const Row& headings, const std::vector<Row>& rows);

/// Anything: members one a line, lists of objects as tables below.
std::string description(const config::Json& value);

/// As the view wants it.
std::string shown(const View& view, const config::Json& value);

/// `words` in lines of at most `width`, each behind `indent`; the first without.
std::string wrapped(std::string_view words, std::size_t width, std::string_view indent);

}  // namespace faultlun::daemon::cli
