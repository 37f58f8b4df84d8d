#include "daemon/control/stream.hpp"

#include <algorithm>
#include <cstdio>

namespace faultlun::daemon::control {
namespace {

constexpr std::string_view kEventStream = "text/event-stream";

/// `text` without the ASCII difference of case.
std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\n");
}

/// https://html.spec.whatwg.org/multipage/server-sent-events.html §9.2.5
void append_event(std::string& out, const Record& record) {
  if (!record.event.empty()) append_field(out, "event", record.event);
  if (!record.id.empty()) append_field(out, "id", record.id);
  std::string_view rest = record.data;
  while (true) {
    const auto end = rest.find('\n');
    append_field(out, "data", rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  out += '\n';
}

}  // namespace

Stream stream_of(std::vector<std::string> lines) {
  Stream stream;
  stream.next = [lines = std::move(lines), at = std::size_t{0}](Record& record) mutable {
    if (at == lines.size()) return Pull::end;
    record.data = std::move(lines[at++]);
    return Pull::record;
  };
  return stream;
}

StreamSyntax syntax_of(const Stream& stream, std::string_view accept) {
  if (stream.form == Stream::Form::octets) return StreamSyntax::octets;
  return lower_case(accept).find(kEventStream) == std::string::npos ? StreamSyntax::ndjson
                                                                    : StreamSyntax::events;
}

std::string content_type_of(const Stream& stream, StreamSyntax syntax) {
  switch (syntax) {
    case StreamSyntax::ndjson:
      return "application/x-ndjson";
    case StreamSyntax::events:
      return std::string(kEventStream);
    case StreamSyntax::octets:
      return stream.content_type;
  }
  return {};
}

void append_record(std::string& out, StreamSyntax syntax, const Record& record) {
  switch (syntax) {
    case StreamSyntax::ndjson:
      out.append(record.data).append("\n");
      return;
    case StreamSyntax::events:
      return append_event(out, record);
    case StreamSyntax::octets:
      out.append(record.data);
      return;
  }
}

void append_chunk(std::string& out, std::string_view octets) {
  if (octets.empty()) return;
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", octets.size());
  out.append(size).append(octets).append("\r\n");
}

}  // namespace faultlun::daemon::control
