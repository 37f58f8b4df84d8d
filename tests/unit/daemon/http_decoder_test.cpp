#include "daemon/http_decoder.hpp"

#include <doctest/doctest.h>

#include <string>

namespace http_decoder_test {

using namespace faultlun::daemon;

namespace {

const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Fed octet by octet, which must make no difference.
std::string failure_of(const std::string& octets) {
  HttpDecoder decoder;
  for (const char octet : octets)
    if (auto problem = decoder.feed({&octet, 1}); !problem.empty()) return problem;
  return decoder.end();
}

std::string body_of(const std::string& octets) {
  HttpDecoder whole, pieces;
  CHECK(whole.feed(octets).empty());
  for (const char octet : octets)
    CHECK(pieces.feed({&octet, 1}).empty());
  CHECK(pieces.body() == whole.body());
  CHECK(whole.end().empty());
  return whole.take_body();
}

}  // namespace

TEST_CASE("chunks become one body, without their extensions and trailers") {
  CHECK(body_of(kChunked + "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n") ==
        "abc0123456789");
  CHECK(body_of(kChunked + "0\r\n\r\n").empty());
}

TEST_CASE("what has come of a body can be taken before the rest is there") {
  HttpDecoder decoder;
  CHECK(decoder.feed(kChunked + "3\r\nab").empty());
  CHECK(decoder.take_body() == "ab");
  CHECK(decoder.feed("c\r\n").empty());
  CHECK(decoder.take_body() == "c");
  CHECK_FALSE(decoder.is_whole());
  CHECK(decoder.feed("0\r\n\r\n").empty());
  CHECK(decoder.is_whole());
}

TEST_CASE("fields are found by their lower-case names, and joined when given twice") {
  HttpDecoder decoder;
  CHECK(decoder
            .feed("HTTP/1.1 201 Created\r\nETag: \"r7\"\r\nVary: a\r\nvary: b\r\n"
                  "Content-Length: 0\r\nContent-Length: 0\r\n\r\n")
            .empty());
  CHECK(decoder.status() == 201);
  CHECK(decoder.headers().at("etag") == "\"r7\"");
  CHECK(decoder.headers().at("vary") == "a, b");
  CHECK(decoder.is_whole());
}

TEST_CASE("204, 304 and the answer to HEAD end with their header") {
  for (const char* status : {"204", "304"}) {
    HttpDecoder decoder;
    CHECK(decoder.feed(std::string("HTTP/1.1 ") + status + " x\r\n\r\n").empty());
    CHECK(decoder.is_whole());
  }
  HttpDecoder head(false);
  CHECK(head.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").empty());
  CHECK(head.is_whole());
}

TEST_CASE("chunks that are none are refused") {
  CHECK(failure_of(kChunked + "x\r\n") == "the size of a chunk is no number");
  CHECK(failure_of(kChunked + "\r\n") == "the size of a chunk is no number");
  CHECK(failure_of(kChunked + "-1\r\n") == "the size of a chunk is no number");
  CHECK(failure_of(kChunked + "1\r\nabc") == "a chunk is longer than it says");
  CHECK(failure_of(kChunked + "ffffffffffffffff\r\n").starts_with("it is longer than"));
  CHECK(failure_of(kChunked + std::string(300, '1')) == "a line between chunks is too long");
  CHECK(failure_of(kChunked + "0\r\n" + std::string(300, 'x')) ==
        "a line between chunks is too long");
}

TEST_CASE("chunks that do not end are too few") {
  for (const char* body : {"", "3\r\nab", "3\r\nabc", "3\r\nabc\r\n", "0\r\n"})
    CHECK(failure_of(kChunked + body) == "it ends too early");
}

TEST_CASE("another coding than chunks was not asked for") {
  CHECK(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n") ==
        "it has a transfer encoding that was not asked for");
}

TEST_CASE("header and body together have their limit in chunks as well") {
  HttpDecoder fits(true, kChunked.size() + 4), over(true, kChunked.size() + 4);
  CHECK(fits.feed(kChunked + "4\r\nabcd\r\n0\r\n\r\n").empty());
  CHECK(over.feed(kChunked + "4\r\nabcd\r\n1\r\ne\r\n").starts_with("it is longer than"));
}

}  // namespace http_decoder_test
