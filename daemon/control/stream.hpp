// An answer that is made while it is sent: records as newline-delimited JSON or as server-sent
// events, or octets as they are.  The forms are pure; http_connection.cpp does the sending.
#pragma once

#include "daemon/control/waker.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faultlun::daemon::control {

inline constexpr std::size_t kStreamChunkBytes = 64 * 1024;  ///< no more is pulled before it left
inline constexpr std::size_t kMaxRecordBytes = 1024 * 1024;  ///< over: the stream breaks off
/// How soon a source that had nothing is asked again, unless it is woken before.
inline constexpr std::chrono::milliseconds kStreamPoll{20};
inline constexpr std::size_t kMaxPullsPerTurn = 4096;  ///< then others have their turn

/// What a source has to give.
enum class Pull : std::uint8_t {
  record,  ///< `record` is filled; one without data is skipped, so a source that filters can pause
  wait,    ///< nothing yet
  end,     ///< nothing any more
};

/// One line, or one event.
struct Record {
  std::string data{};   ///< JSON without a newline, or octets
  std::string id{};     ///< SSE: what Last-Event-ID will say; no line breaks
  std::string event{};  ///< SSE: its type, without line breaks; "" is the type "message"
};

struct Stream {
  enum class Form : std::uint8_t {
    records,  ///< application/x-ndjson, or text/event-stream when Accept asks for that
    octets,   ///< data as it is, as `content_type`
  };

  /// Called on the control thread with an empty record; must not block.  After Pull::wait it is
  /// called again soon, or at once after waker->wake().  An exception breaks the answer off, so
  /// that the client sees that it is not whole.
  std::function<Pull(Record&)> next;
  std::shared_ptr<Waker>
      waker{};  ///< of this stream alone, held by those who make records; optional
  Form form = Form::records;
  std::string content_type = "application/octet-stream";  ///< of Form::octets
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// A finite stream of lines that are there already.
Stream stream_of(std::vector<std::string> lines);

/// How a stream goes over the wire.
enum class StreamSyntax : std::uint8_t { ndjson, events, octets };

/// `accept` is the field of the request.
StreamSyntax syntax_of(const Stream& stream, std::string_view accept);
std::string content_type_of(const Stream& stream, StreamSyntax syntax);
/// Appends the record as it goes over the wire.
void append_record(std::string& out, StreamSyntax syntax, const Record& record);
/// An event that is none, so that proxies and clients see that the stream lives.
inline constexpr std::string_view kKeepAliveComment = ": keep-alive\n\n";

/// Appends a chunk (RFC 9112 §7.1); nothing for no octets, which would mean the end.
void append_chunk(std::string& out, std::string_view octets);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace faultlun::daemon::control
