// One client of the control API: what it may do in which order, and how long each step may take.
#pragma once

#include "daemon/control/admission.hpp"
#include "daemon/control/http.hpp"
#include "daemon/control/rate_limit.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace faultlun::daemon::control {

class HttpConnection;

/// What all connections share.  On the control thread.
struct HttpShared {
  HttpShared(ServerOptions chosen, const Router& table, std::string listening);

  ServerOptions options;
  const Router& routes;
  std::string address;  ///< that we listen on
  SystemClock clock{};
  RateLimit rate;
  std::set<std::shared_ptr<HttpConnection>> connections{};
  std::size_t served = 0;  ///< of the connections; the others are over the limit
  std::size_t streams = 0;
};

/// Idle → request → answer (waiting for it, streaming it) → idle, or → lingering → closed.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  /// One that is not `is_served` is over the limit: it gets one answer, 503 unless the route is
  /// essential, and soon.
  HttpConnection(HttpShared& shared, Socket socket, bool is_served);

  void start() { wait_for_request(); }
  void close();
  bool is_served() const { return is_served_; }
  /// Since when nothing was to be done for it, if that is so.
  std::optional<TimePoint> idle_since() const;
  /// It has had an answer already.
  bool has_asked() const { return has_asked_; }

 private:
  using error_code = boost::system::error_code;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Message = boost::beast::http::response<boost::beast::http::string_body>;
  using Serializer = boost::beast::http::response_serializer<boost::beast::http::string_body>;

  template <typename Then>
  auto guarded(Then then);
  void set_deadline(std::chrono::milliseconds time, void (HttpConnection::*late)());
  std::chrono::milliseconds request_time() const;

  // ---- idle, request
  void wait_for_request();
  void read_header();
  void on_late_request();
  void on_header(const error_code& error);
  void fail_late();
  bool admit();
  bool admit_body();
  bool expects_continue() const;
  void read_body();
  void read_rest();

  // ---- answer
  void answer();
  Request take_request();
  void fail(const error_code& error);
  void fail(unsigned status, const std::string& message);
  void fail_over_limit();
  Message header_of(const Response& response) const;
  void write(Response response, bool keep_alive);
  void next_request();

  // ---- deferred answer
  void wait_for_answer(std::shared_ptr<Deferred> deferred);
  void on_late_answer();
  void finish_deferred(Response response);

  // ---- streamed answer
  void start_stream(Stream stream, std::string_view accept);
  void pump();
  Pull fill(std::string& part);
  void send_some();
  void on_sent(std::size_t bytes);
  void end_stream();

  // ---- both
  void attach(Waker& waker);
  void on_wake();
  void watch();
  void stop_waiting();

  // ---- lingering
  void linger();
  void discard();

  HttpShared& shared_;
  Socket socket_;
  boost::asio::steady_timer timer_;
  const bool is_served_;
  bool is_loopback_ = false;
  bool is_late_ = false;  ///< the deadline of the request has passed
  bool is_head_ = false;
  bool keeps_alive_ = false;  ///< after this answer
  bool has_asked_ = false;
  std::optional<TimePoint> idle_since_;
  std::uint64_t deadline_ = 0;  ///< counts them
  std::uint64_t watch_ = 0;     ///< counts them
  std::size_t header_bytes_ = 0;
  std::array<std::string, 2> own_addresses_;
  boost::beast::flat_buffer buffer_{Server::kMaxHeaderBytes};
  std::optional<Parser> parser_;
  RequestTarget target_;
  std::size_t max_body_bytes_ = kMaxBodyBytes;  ///< of the route

  Message message_;
  std::optional<Serializer> serializer_;

  std::shared_ptr<Deferred> deferred_;

  std::optional<Stream> stream_;
  StreamSyntax syntax_ = StreamSyntax::ndjson;
  bool is_chunked_ = true;  ///< else the stream ends with the connection
  bool is_ended_ = false;   ///< the source has nothing more
  std::string out_;         ///< on its way; empty: nothing is
  std::size_t sent_ = 0;    ///< bytes of it
  TimePoint keep_alive_at_{};

  std::array<char, 2048> discarded_{};
};

}  // namespace faultlun::daemon::control
