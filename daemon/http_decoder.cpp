#include "daemon/http_decoder.hpp"

#include "config/units.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace faultlun::daemon {
namespace {

constexpr std::string_view kEndOfLine = "\r\n";
constexpr std::string_view kEndOfHeader = "\r\n\r\n";
constexpr std::size_t kMaxChunkLineBytes = 256;  ///< a size with its extensions, or a trailer

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

}  // namespace

std::string HttpDecoder::feed(std::string_view octets) {
  held_.append(octets);
  while (error_.empty() && step()) {
  }
  if (error_.empty() && all_bytes_ > most_bytes_)
    fail("it is longer than " + std::to_string(most_bytes_) + " bytes");
  return error_;
}

std::string HttpDecoder::end() {
  if (state_ == State::until_end) state_ = State::done;
  return is_whole() ? std::string{} : "it ends too early";
}

std::string HttpDecoder::take_body() {
  return std::exchange(body_, {});
}

bool HttpDecoder::fail(std::string reason) {
  error_ = std::move(reason);
  return false;
}

/// Whether there may be more to do with the octets at hand.
bool HttpDecoder::step() {
  switch (state_) {
    case State::header:
      return parse_header();
    case State::length:
      return take_octets(State::done);
    case State::until_end:
      left_ = held_.size();
      take_octets(State::until_end);
      return false;
    case State::chunk_size:
      return read_chunk_size();
    case State::chunk:
      return take_octets(State::chunk_size);
    case State::trailer: {
      const auto line = next_line();
      if (line && line->empty()) state_ = State::done;
      return line && state_ == State::trailer;
    }
    case State::done:
      return false;
  }
  return false;
}

/// Moves octets into the body; true when that was all of them.  The octets of a chunk end with a
/// line end.
bool HttpDecoder::take_octets(State next) {
  if (state_ == State::chunk && left_ == 0) {
    if (held_.size() < kEndOfLine.size()) return false;
    if (!held_.starts_with(kEndOfLine)) return fail("a chunk is longer than it says");
    held_.erase(0, kEndOfLine.size());
    state_ = next;
    return true;
  }
  const std::size_t taken = std::min(left_, held_.size());
  body_.append(held_, 0, taken);
  held_.erase(0, taken);
  left_ -= taken;
  all_bytes_ += taken;
  if (left_ > 0) return false;
  if (state_ != State::chunk) state_ = next;
  return state_ == State::chunk;
}

/// Without its end; nothing when it is not all here.
std::optional<std::string> HttpDecoder::next_line() {
  const auto end = held_.find(kEndOfLine);
  if (std::min(end, held_.size()) > kMaxChunkLineBytes) fail("a line between chunks is too long");
  if (end == std::string::npos || !error_.empty()) return std::nullopt;
  auto line = held_.substr(0, end);
  held_.erase(0, end + kEndOfLine.size());
  return line;
}

bool HttpDecoder::read_chunk_size() {
  const auto line = next_line();
  if (!line) return false;
  const auto digits = trimmed(std::string_view(*line).substr(0, line->find(';')));
  std::size_t size = 0;
  const auto [rest, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (problem != std::errc{} || rest != digits.data() + digits.size())
    return fail("the size of a chunk is no number");
  if (size > most_bytes_)
    return fail("it is longer than " + std::to_string(most_bytes_) + " bytes");
  left_ = size;
  state_ = size > 0 ? State::chunk : State::trailer;
  return true;
}

/// Status line and fields, once they are all here.
bool HttpDecoder::parse_header() {
  const auto end = held_.find(kEndOfHeader);
  if (std::min(end, held_.size()) > kMaxAnswerHeaderBytes) return fail("its header is too long");
  if (end == std::string::npos) return false;
  const std::string header = held_.substr(0, end);
  held_.erase(0, end + kEndOfHeader.size());
  all_bytes_ = end + kEndOfHeader.size();
  std::string_view rest = header;
  const auto line = [&] {
    const auto text = rest.substr(0, rest.find(kEndOfLine));
    rest.remove_prefix(std::min(rest.size(), text.size() + kEndOfLine.size()));
    return text;
  };
  const auto first = line();  // "HTTP/1.1 200 OK"
  const bool is_http = first.starts_with("HTTP/1.") && first.size() >= 12 && first[8] == ' ' &&
                       (first.size() == 12 || first[12] == ' ');
  const auto status = is_http ? config::parse_decimal(first.substr(9, 3)) : std::nullopt;
  if (!status || *status < 200) return fail("it is not HTTP");
  status_ = static_cast<unsigned>(*status);
  while (!rest.empty() && error_.empty())
    parse_field(line());
  if (error_.empty()) choose_body();
  return error_.empty();
}

void HttpDecoder::parse_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) {
    fail("a header field without a colon");
    return;
  }
  const auto value = trimmed(line.substr(colon + 1));
  const auto [field, is_new] = headers_.emplace(lower_case(line.substr(0, colon)), value);
  if (is_new) return;
  if (field->first == "content-length" && field->second != value) {
    fail("it has two lengths");
    return;
  }
  if (field->first != "content-length") field->second.append(", ").append(value);
}

/// How the body ends (RFC 9112 §6.3).
void HttpDecoder::choose_body() {
  const auto coding = headers_.find("transfer-encoding");
  const auto length = headers_.find("content-length");
  if (!has_body_ || status_ == 204 || status_ == 304) {
    state_ = State::done;
  } else if (coding != headers_.end()) {
    if (lower_case(coding->second) != "chunked")
      fail("it has a transfer encoding that was not asked for");
    state_ = State::chunk_size;
  } else if (length != headers_.end()) {
    const auto bytes = config::parse_decimal(length->second);
    if (!bytes) {
      fail("its length is not a number");
    } else if (all_bytes_ > most_bytes_ || *bytes > most_bytes_ - all_bytes_) {
      fail("it is longer than " + std::to_string(most_bytes_) + " bytes");
    } else {
      left_ = static_cast<std::size_t>(*bytes);
      state_ = left_ > 0 ? State::length : State::done;
    }
  } else {
    state_ = State::until_end;
  }
}

}  // namespace faultlun::daemon
