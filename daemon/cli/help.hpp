// What the table teaches: --help, docs/cli.md, and the commands of the manual page.  Pure.
#pragma once

#include "daemon/cli/command.hpp"

#include <string>
#include <string_view>

namespace faultlun::daemon::cli {

std::string top_help();
std::string group_help(std::string_view words);  ///< "rule": every command that begins so
std::string command_help(const Command& command);
std::string version_text(bool json);

std::string usage(const Command& command);  ///< "faultlun rule get ID [OPTION]..."

std::string markdown_page();   ///< docs/cli.md
std::string manual_section();  ///< of packaging/faultlun.1: COMMANDS

std::string help_text(const Call& call);  ///< of the row "help"

}  // namespace faultlun::daemon::cli
