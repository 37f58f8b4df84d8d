#include "config/units.hpp"

#include <doctest/doctest.h>

namespace units_test {

using namespace faultlun::config;
using namespace std::chrono_literals;

TEST_CASE("a size is digits with a unit of 1024 or 1000, or bytes") {
  CHECK(parse_size("512MiB").value == std::uint64_t{512} << 20);
  CHECK(parse_size("1GiB").value == std::uint64_t{1} << 30);
  CHECK(parse_size("3TiB").value == std::uint64_t{3} << 40);
  CHECK(parse_size("4PiB").value == std::uint64_t{4} << 50);
  CHECK(parse_size("15EiB").value == std::uint64_t{15} << 60);
  CHECK(parse_size("7KiB").value == 7168);
  CHECK(parse_size("10kB").value == 10'000);
  CHECK(parse_size("2MB").value == 2'000'000);
  CHECK(parse_size("2GB").value == 2'000'000'000);
  CHECK(parse_size("2TB").value == 2'000'000'000'000);
  CHECK(parse_size("2PB").value == 2'000'000'000'000'000);
  CHECK(parse_size("18EB").value == 18'000'000'000'000'000'000u);
  CHECK(parse_size("4096").value == 4096);
  CHECK(parse_size("4096B").value == 4096);
  CHECK(parse_size("18446744073709551615").value == UINT64_MAX);
}

TEST_CASE("a size that is none says why and what to write") {
  const char* wrong[] = {
      "",      "GiB",     "-1GiB", "1 GiB", "1.5GiB", "1,5GiB", "1gib",
      "1GIB",  "1G",      "1KB",   "0x10",  "16EiB",  "19EB",   "18446744073709551616",
      "1GiB ", "\xc2\xb5"};
  for (const char* text : wrong) {
    CAPTURE(text);
    const auto parsed = parse_size(text);
    CHECK_FALSE(parsed.value);
    CHECK(parsed.error.find(';') != std::string::npos);
  }
  CHECK(parse_size("1.5GiB").error.find("1536MiB") != std::string::npos);
}

TEST_CASE("a size is written with the largest unit that divides it") {
  CHECK(size_text(std::uint64_t{1} << 30) == "1GiB");
  CHECK(size_text(std::uint64_t{1536} << 20) == "1536MiB");
  CHECK(size_text(1'000'000) == "1000000B");
  CHECK(size_text(0) == "0B");
  CHECK(size_text(std::uint64_t{15} << 60) == "15EiB");
}

TEST_CASE("a duration is digits with a unit") {
  CHECK(parse_duration("250ms").value == 250ms);
  CHECK(parse_duration("15s").value == 15s);
  CHECK(parse_duration("2min").value == 2min);
  CHECK(parse_duration("24h").value == 24h);
  CHECK(parse_duration("50us").value == 50us);
  CHECK(parse_duration("0s").value == 0s);
  CHECK(parse_duration("10000h").value == 10000h);
}

TEST_CASE("a duration that is none says why and what to write") {
  for (const char* text : {"", "s", "5", "-5s", "1.5s", "5 s", "5m", "5S", "5sec", "10001h",
                           "99999999999999999999s"}) {
    CAPTURE(text);
    const auto parsed = parse_duration(text);
    CHECK_FALSE(parsed.value);
    CHECK(parsed.error.find(';') != std::string::npos);
  }
}

TEST_CASE("a duration is written with the largest unit that divides it") {
  CHECK(duration_text(15s) == "15s");
  CHECK(duration_text(60s) == "1min");
  CHECK(duration_text(1500ms) == "1500ms");
  CHECK(duration_text(0s) == "0s");
  CHECK(duration_text(1us) == "1us");
  CHECK(duration_text(7200s) == "2h");
}

TEST_CASE("a seed is decimal or hexadecimal and is written in hexadecimal") {
  CHECK(parse_seed("0x5eed").value == 0x5eed);
  CHECK(parse_seed("0XFFFFFFFFFFFFFFFF").value == UINT64_MAX);
  CHECK(parse_seed("24301").value == 24301);
  CHECK(parse_seed("0").value == 0);
  CHECK(seed_text(0x5eed) == "0x5eed");
  CHECK(seed_text(0) == "0x0");
  CHECK(seed_text(UINT64_MAX) == "0xffffffffffffffff");
}

TEST_CASE("a seed that is none is refused") {
  for (const char* text : {"", "0x", "0x1g", "-1", "+1", "1.0", "18446744073709551616",
                           "0x10000000000000000", " 1", "0x-1", "seed"}) {
    CAPTURE(text);
    const auto parsed = parse_seed(text);
    CHECK_FALSE(parsed.value);
    CHECK(parsed.error.find("0x5eed") != std::string::npos);
  }
}

}  // namespace units_test
