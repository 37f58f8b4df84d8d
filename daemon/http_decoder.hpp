// An HTTP answer as it comes in, piece by piece: status, header, a body with a length, in chunks or
// until the end (RFC 9112 §6, §7.1).  Pure; client.cpp does the sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace faultlun::daemon {

inline constexpr std::size_t kMaxAnswerHeaderBytes = std::size_t{16} * 1024;
inline constexpr std::size_t kMaxAnswerBytes = std::size_t{16} * 1024 * 1024;  ///< header and body

class HttpDecoder {
 public:
  /// Without `has_body` the answer ends with its header (that of a HEAD request).  `most_bytes` is
  /// for header and body together.
  explicit HttpDecoder(bool has_body = true, std::size_t most_bytes = kMaxAnswerBytes)
      : has_body_(has_body), most_bytes_(most_bytes) {}

  /// "" or what is not understood; then there is no use in going on.
  std::string feed(std::string_view octets);
  /// The connection has ended: "", or that the answer has not.
  std::string end();

  bool has_header() const { return state_ != State::header; }
  bool is_whole() const { return state_ == State::done; }
  unsigned status() const { return status_; }
  /// By lower-case name; one given twice is joined with ", ".
  const std::map<std::string, std::string>& headers() const { return headers_; }
  /// What has come and was not taken.
  const std::string& body() const { return body_; }
  std::string take_body();

 private:
  enum class State : std::uint8_t { header, length, until_end, chunk_size, chunk, trailer, done };

  bool step();
  bool parse_header();
  void parse_field(std::string_view line);
  void choose_body();
  bool take_octets(State next);
  bool read_chunk_size();
  std::optional<std::string> next_line();
  bool fail(std::string reason);

  const bool has_body_;
  const std::size_t most_bytes_;
  State state_ = State::header;
  std::string held_;           ///< octets that are not understood yet
  std::size_t all_bytes_ = 0;  ///< of header and body, without what frames chunks
  std::size_t left_ = 0;       ///< bytes of the body, or of the chunk and the line end behind it
  unsigned status_ = 0;
  std::map<std::string, std::string> headers_;
  std::string body_;
  std::string error_;
};

}  // namespace faultlun::daemon
