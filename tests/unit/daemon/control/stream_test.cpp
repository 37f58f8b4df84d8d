#include "daemon/control/stream.hpp"

#include <doctest/doctest.h>

#include <string>

namespace stream_test {

using namespace faultlun::daemon::control;

namespace {

std::string written(StreamSyntax syntax, const Record& record) {
  std::string out;
  append_record(out, syntax, record);
  return out;
}

}  // namespace

TEST_CASE("a record is a line, an event or octets") {
  const Record record{.data = "{}", .id = "7", .event = "fired"};
  CHECK(written(StreamSyntax::ndjson, record) == "{}\n");
  CHECK(written(StreamSyntax::events, record) == "event: fired\nid: 7\ndata: {}\n\n");
  CHECK(written(StreamSyntax::octets, record) == "{}");
}

TEST_CASE("an event names neither type nor id when the record has none") {
  CHECK(written(StreamSyntax::events, {.data = "{}"}) == "data: {}\n\n");
}

TEST_CASE("data of several lines stays one event") {
  CHECK(written(StreamSyntax::events, {.data = "a\nb\n"}) == "data: a\ndata: b\ndata: \n\n");
}

TEST_CASE("events are for who accepts them, whatever else that is, lines for all others") {
  const Stream stream = stream_of({});
  CHECK(syntax_of(stream, "Text/Event-Stream") == StreamSyntax::events);
  CHECK(syntax_of(stream, "application/json, text/event-stream;q=0.9") == StreamSyntax::events);
  for (const char* accept : {"", "*/*", "text/*", "application/x-ndjson"})
    CHECK(syntax_of(stream, accept) == StreamSyntax::ndjson);
}

TEST_CASE("octets have the type that the stream says") {
  Stream stream = stream_of({});
  stream.form = Stream::Form::octets;
  stream.content_type = "application/x-test";
  CHECK(syntax_of(stream, "text/event-stream") == StreamSyntax::octets);
  CHECK(content_type_of(stream, StreamSyntax::octets) == "application/x-test");
  CHECK(content_type_of(stream, StreamSyntax::ndjson) == "application/x-ndjson");
  CHECK(content_type_of(stream, StreamSyntax::events) == "text/event-stream");
}

TEST_CASE("a stream of lines gives each once and then ends") {
  Stream stream = stream_of({"a", "b"});
  for (const char* line : {"a", "b"}) {
    Record record;
    CHECK(stream.next(record) == Pull::record);
    CHECK(record.data == line);
  }
  Record record;
  CHECK(stream.next(record) == Pull::end);
  CHECK(stream.next(record) == Pull::end);
}

TEST_CASE("a chunk has its size in hexadecimal, and no octets are no chunk") {
  std::string out;
  append_chunk(out, std::string(26, 'x'));
  CHECK(out == "1a\r\n" + std::string(26, 'x') + "\r\n");
  out.clear();
  append_chunk(out, "");
  CHECK(out.empty());
}

}  // namespace stream_test
