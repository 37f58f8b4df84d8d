// Every fault of the table, and every word that one of its parameters takes, is in a test that
// provokes it through a real initiator (tests/e2e).  That the test looks at the wire is for whoever
// reads it.
#include "faults/fault_table.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace faultlun::faults::provoked_test {
namespace {

std::vector<std::string> e2e_sources() {
  std::vector<std::string> out;
  for (const auto& each : std::filesystem::directory_iterator(FAULTLUN_SOURCE_DIR "/tests/e2e")) {
    if (each.path().extension() != ".cpp") continue;
    std::ifstream in(each.path(), std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return out;
}

/// `quoted` stands between quotation marks.
bool names(const std::string& source, std::string_view quoted) {
  return source.find('"' + std::string(quoted) + '"') != std::string::npos;
}

/// Words of choices, but for the one that is meant when none is given.
void collect_words(std::span<const Parameter> parameters, std::vector<std::string>& out) {
  for (const auto& each : parameters) {
    for (const auto& word : each.choices)
      if (each.fallback != '"' + std::string(word) + '"') out.emplace_back(word);
    collect_words(each.members, out);
  }
}

TEST_CASE("every fault, with every word of its parameters, is provoked by an end-to-end test") {
  const auto sources = e2e_sources();
  REQUIRE(sources.size() > 20);
  for (const auto& row : fault_table()) {
    std::vector<const std::string*> about;
    for (const auto& source : sources)
      if (names(source, row.id)) about.push_back(&source);
    CHECK_MESSAGE(!about.empty(), row.id << " is in no test under tests/e2e");
    std::vector<std::string> words;
    collect_words(row.parameters, words);
    for (const auto& word : words) {
      bool found = about.empty();  // said already
      for (const auto* source : about)
        found = found || names(*source, word);
      CHECK_MESSAGE(found,
                    row.id << ": no test under tests/e2e that names it has \"" << word << '"');
    }
  }
}

}  // namespace
}  // namespace faultlun::faults::provoked_test
