#include "protocol/scsi/sense.hpp"

#include "protocol/bytes/hex.hpp"
#include "protocol/scsi/sense_codes.hpp"

#include <doctest/doctest.h>

namespace sense_test {

using namespace faultlun;
using namespace faultlun::scsi;

namespace {

Sense sense_of(SenseCode code) {
  Sense out;
  out.code = code;
  return out;
}

std::string hex(const Sense& what, bool descriptor_format) {
  return bytes::to_hex(build_sense(what, descriptor_format).view());
}

}  // namespace

TEST_CASE("B5.35 fixed sense has 18 bytes, its length, and INFORMATION with VALID") {
  Sense what = sense_of(sense("unrecovered_read_error"));
  what.information = 0x01020304;
  CHECK(hex(what, false) == "f0 00 03 01 02 03 04 0a 00 00 00 00 11 00 00 00 00 00");
}

TEST_CASE("B5.35 fixed sense leaves an LBA beyond 32 bits out: VALID=0 and zeros") {
  Sense what = sense_of(sense("unrecovered_read_error"));
  what.information = 0x100000000;
  CHECK(hex(what, false) == "70 00 03 00 00 00 00 0a 00 00 00 00 11 00 00 00 00 00");
  what.information = 0xffffffff;
  CHECK(build_sense(what, false).octets[0] == 0xf0);
}

TEST_CASE("B5.03 a field pointer names byte and bit of the CDB, in both formats") {
  Sense what = sense_of(sense("invalid_field_in_cdb"));
  what.field = FieldPointer{true, 0x0102, 5};
  CHECK(hex(what, false) == "70 00 05 00 00 00 00 0a 00 00 00 00 24 00 00 cd 01 02");
  CHECK(hex(what, true) == "72 05 24 00 00 00 00 08 02 06 00 00 cd 01 02 00");
}

TEST_CASE("B5.04 a field pointer into the parameter list has C/D=0, and BPV=0 without a bit") {
  Sense what = sense_of(sense("invalid_field_in_parameter_list"));
  what.field = FieldPointer{false, 7, -1};
  CHECK(hex(what, false) == "70 00 05 00 00 00 00 0a 00 00 00 00 26 00 00 80 00 07");
}

TEST_CASE("B5.34 descriptor sense carries 64-bit information and command specific information") {
  Sense what = sense_of(sense("miscompare_during_verify_operation"));
  what.information = 0x0102030405060708;
  what.command_specific = 9;
  CHECK(hex(what, true) ==
        "72 0e 1d 00 00 00 00 18 00 0a 80 00 01 02 03 04 05 06 07 08 01 0a 00 00 00 00 00 00 00 00 "
        "00 09");
}

TEST_CASE("B5.36 deferred errors have response codes 71h and 73h") {
  Sense what = sense_of(sense("write_error"));
  what.deferred = true;
  CHECK(build_sense(what, false).octets[0] == 0x71);
  CHECK(build_sense(what, true).octets[0] == 0x73);
}

TEST_CASE("B5.19 a not-ready condition carries progress") {
  Sense what = sense_of(sense("format_in_progress"));
  what.progress = 0x8000;
  CHECK(hex(what, false) == "70 00 02 00 00 00 00 0a 00 00 00 00 04 04 00 80 80 00");
}

TEST_CASE("a retry count goes where field pointer and progress go, and reads back") {
  Sense what = sense_of(sense("unrecovered_read_error"));
  what.retry_count = 0x0102;
  CHECK(hex(what, false) == "70 00 03 00 00 00 00 0a 00 00 00 00 11 00 00 80 01 02");
  CHECK(hex(what, true) == "72 03 11 00 00 00 00 08 02 06 00 00 80 01 02 00");
  for (const bool descriptor_format : {false, true})
    CHECK(parse_sense(build_sense(what, descriptor_format).view()) == what);
}

TEST_CASE("FILEMARK, EOM and ILI have a descriptor of streams, ILI alone one of blocks") {
  Sense what = sense_of(sense("no_additional_sense_information"));
  what.incorrect_length = true;
  CHECK(hex(what, false) == "70 00 20 00 00 00 00 0a 00 00 00 00 00 00 00 00 00 00");
  CHECK(hex(what, true) == "72 00 00 00 00 00 00 04 05 02 00 20");
  for (const bool descriptor_format : {false, true})
    CHECK(parse_sense(build_sense(what, descriptor_format).view()) == what);
  what.filemark = what.end_of_medium = true;
  CHECK(hex(what, false).substr(6, 2) == "e0");
  CHECK(hex(what, true) == "72 00 00 00 00 00 00 04 04 02 00 e0");
  for (const bool descriptor_format : {false, true})
    CHECK(parse_sense(build_sense(what, descriptor_format).view()) == what);
}

TEST_CASE("every row of the table survives building and parsing in both formats") {
  for (const SenseRow& row : sense_table()) {
    for (const bool descriptor_format : {false, true}) {
      Sense what = sense_of(row.code);
      what.information = 77;
      what.command_specific = 5;
      if (row.code.key == 0x05) what.field = FieldPointer{true, 3, 6};
      if (row.code.key == 0x02) what.progress = 1000;
      what.deferred = row.code.asc % 2 == 1;
      const auto back = parse_sense(build_sense(what, descriptor_format).view());
      REQUIRE_MESSAGE(back.has_value(), row.name);
      CHECK_MESSAGE(*back == what, row.name);
    }
  }
}

TEST_CASE("parsing sense that is cut anywhere never reads beyond it") {
  Sense what = sense_of(sense("invalid_field_in_cdb"));
  what.information = 1;
  what.command_specific = 2;
  what.field = FieldPointer{true, 1, 2};
  for (const bool descriptor_format : {false, true}) {
    const SenseBytes built = build_sense(what, descriptor_format);
    for (std::size_t length = 0; length <= built.length; ++length) {
      const bytes::Buffer cut(built.octets.begin(),
                              built.octets.begin() + static_cast<std::ptrdiff_t>(length));
      const auto parsed = parse_sense(cut);
      CHECK(parsed.has_value() == (length >= 8));
    }
  }
}

TEST_CASE("what is no sense data is not parsed") {
  CHECK_FALSE(parse_sense({}).has_value());
  const bytes::Buffer vendor(18, 0x7f), zeros(18, 0x00), old(18, 0x6f);
  CHECK_FALSE(parse_sense(vendor).has_value());
  CHECK_FALSE(parse_sense(zeros).has_value());
  CHECK_FALSE(parse_sense(old).has_value());
}

TEST_CASE("a descriptor whose length runs over the end is passed over") {
  const auto octets = bytes::from_hex("72 05 24 00 00 00 00 04 00 0a 80 00");
  const auto parsed = parse_sense(*octets);
  REQUIRE(parsed.has_value());
  CHECK_FALSE(parsed->information.has_value());
}

TEST_CASE("rows are found by name and by code, and unknown ones are not") {
  REQUIRE(find_sense("lba_out_of_range") != nullptr);
  CHECK(find_sense("lba_out_of_range")->code == SenseCode{0x05, 0x21, 0x00});
  REQUIRE(find_sense(SenseCode{0x0b, 0x45, 0x00}) != nullptr);
  CHECK(find_sense(SenseCode{0x0b, 0x45, 0x00})->text == "SELECT OR RESELECT FAILURE");
  CHECK(find_sense("lba_out_of_rnage") == nullptr);
  CHECK(find_sense(SenseCode{0x0c, 0, 0}) == nullptr);
}

TEST_CASE("the table has every unit attention of checklist B3 and every answer of B5") {
  const SenseCode wanted[] = {
      {6, 0x28, 0},    {6, 0x29, 0},    {6, 0x29, 1},       {6, 0x29, 2},       {6, 0x29, 3},
      {6, 0x29, 4},    {6, 0x29, 7},    {6, 0x2a, 1},       {6, 0x2a, 2},       {6, 0x2a, 3},
      {6, 0x2a, 4},    {6, 0x2a, 5},    {6, 0x2a, 6},       {6, 0x2a, 8},       {6, 0x2a, 9},
      {6, 0x2a, 0x10}, {6, 0x2c, 9},    {6, 0x2f, 0},       {6, 0x38, 7},       {6, 0x3f, 1},
      {6, 0x3f, 3},    {6, 0x3f, 5},    {6, 0x3f, 0x0e},    {6, 0x47, 0x7f},    {6, 0x5d, 0},
      {6, 0x5e, 0},    {6, 0x0b, 1},    {5, 0x20, 0},       {5, 0x24, 0},       {5, 0x26, 0},
      {5, 0x26, 1},    {5, 0x26, 2},    {5, 0x1a, 0},       {5, 0x26, 4},       {5, 0x26, 6},
      {5, 0x26, 7},    {5, 0x26, 8},    {5, 0x26, 9},       {5, 0x26, 0x0b},    {5, 0x21, 0},
      {5, 0x25, 0},    {5, 0x39, 0},    {5, 0x2c, 0},       {5, 0x64, 0},       {5, 0x53, 2},
      {5, 0x55, 4},    {5, 0x23, 0},    {5, 0x23, 4},       {5, 0x23, 0x0a},    {7, 0x27, 0},
      {7, 0x27, 1},    {7, 0x27, 2},    {7, 0x27, 7},       {2, 0x04, 0},       {2, 0x04, 1},
      {2, 0x04, 2},    {2, 0x04, 3},    {2, 0x04, 4},       {2, 0x04, 9},       {2, 0x04, 0x1b},
      {2, 0x04, 0x0a}, {2, 0x04, 0x0b}, {2, 0x04, 0x0c},    {2, 0x04, 0x12},    {2, 0x3a, 0},
      {2, 0x3a, 1},    {2, 0x3a, 2},    {3, 0x11, 0},       {3, 0x11, 4},       {3, 0x11, 0x14},
      {3, 0x0c, 0},    {3, 0x0c, 2},    {4, 0x15, 1},       {4, 9, 0},          {3, 0x14, 1},
      {1, 0x17, 1},    {1, 0x17, 2},    {1, 0x18, 2},       {1, 0x5d, 0},       {4, 0x44, 0},
      {0x0b, 0x44, 0}, {0x0e, 0x1d, 0}, {0x0b, 0x10, 1},    {5, 0x10, 2},       {0x0b, 0x10, 3},
      {0x0b, 0x47, 5}, {0x0b, 0x4b, 0}, {0x0b, 0x0c, 0x0c}, {0x0b, 0x0c, 0x0d}, {0x0b, 0x11, 0x13},
      {0x0b, 0x4e, 0}, {0x0a, 0x0d, 1}};
  for (const SenseCode code : wanted) {
    CHECK_MESSAGE(find_sense(code) != nullptr,
                  int{code.key} << "/" << int{code.asc} << "/" << int{code.ascq});
  }
}

}  // namespace sense_test
