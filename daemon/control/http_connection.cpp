#include "daemon/control/http_connection.hpp"

#include "daemon/log.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/tcp.h>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <type_traits>
#include <utility>

namespace faultlun::daemon::control {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Socket = HttpConnection::Socket;

constexpr auto kLingerTime = std::chrono::seconds(1);
constexpr auto kOverLimitTime = std::chrono::milliseconds(1000);  ///< instead of the request time
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr int kPeerIdleSeconds = 30, kPeerProbeSeconds = 10, kPeerProbes = 3;

/// The address that a client of a TCP connection connected to.
std::optional<asio::ip::address> local_address(const Socket& socket) {
  boost::system::error_code error;
  const auto local = socket.local_endpoint(error);
  if (error || (local.protocol().family() != AF_INET && local.protocol().family() != AF_INET6))
    return std::nullopt;
  tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), local.data(), local.size());
  endpoint.resize(local.size());
  return endpoint.address();
}

/// A machine that vanished must not hold a stream that has nothing to send.
void probe_peer(Socket& socket) {
  const int fd = socket.native_handle();
  const auto set = [fd](int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);  // on a UNIX socket there is no need
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kPeerIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kPeerProbeSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kPeerProbes);
}

}  // namespace

HttpShared::HttpShared(ServerOptions chosen, const Router& table, std::string listening)
    : options(std::move(chosen)),
      routes(table),
      address(std::move(listening)),
      rate(options.requests_per_second, options.request_burst) {}

HttpConnection::HttpConnection(HttpShared& shared, Socket socket, bool is_served)
    : shared_(shared),
      socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      is_served_(is_served) {
  if (const auto address = local_address(socket_)) {
    is_loopback_ = address->is_loopback();
    own_addresses_ = {shared_.address, address->to_string()};
  }
}

void HttpConnection::close() {
  if (!socket_.is_open()) return;
  stop_waiting();
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  if (is_served_) --shared_.served;
  shared_.connections.erase(shared_from_this());
}

std::optional<TimePoint> HttpConnection::idle_since() const {
  error_code ignored;
  return idle_since_ && socket_.available(ignored) == 0 ? idle_since_ : std::nullopt;
}

/// A callback that keeps the connection alive, does nothing once it is closed, and closes it when
/// memory runs out: an exception must not leave it behind without anything to wait for.
template <typename Then>
auto HttpConnection::guarded(Then then) {
  return [self = shared_from_this(), then](const error_code& error, std::size_t bytes = 0) {
    if (!self->socket_.is_open()) return;
    try {
      if constexpr (std::is_invocable_v<Then, HttpConnection&, const error_code&, std::size_t>)
        then(*self, error, bytes);
      else
        then(*self, error);
    } catch (const std::exception& exception) {
      log::control().error("exception reason=\"{}\"", exception.what());
      self->close();
    }
  };
}

/// Calls `late` unless another deadline is set in time.
void HttpConnection::set_deadline(std::chrono::milliseconds time, void (HttpConnection::*late)()) {
  is_late_ = false;
  timer_.expires_after(time);
  timer_.async_wait(
      guarded([late, number = ++deadline_](HttpConnection& self, const error_code& error) {
        if (!error && number == self.deadline_)
          (self.*late)();  // it may have been on its way already
      }));
}

std::chrono::milliseconds HttpConnection::request_time() const {
  const auto time = shared_.options.request_time;
  return is_served_ ? time : std::min(time, kOverLimitTime);
}

// ---- idle --------------------------------------------------------------------------------------

void HttpConnection::wait_for_request() {
  parser_.emplace();
  parser_->header_limit(Server::kMaxHeaderBytes);
  parser_->body_limit(boost::none);  // once the route is known
  target_ = {};
  is_head_ = false;
  // Pipelined behind the last request, or over the limit: that may not be idle.
  if (buffer_.size() > 0 || !is_served_) return read_header();
  idle_since_ = shared_.clock.now();
  set_deadline(request_time(), &HttpConnection::close);
  socket_.async_wait(Socket::wait_read, guarded([](HttpConnection& self, const error_code& error) {
                       if (error) return self.close();
                       self.read_header();
                     }));
}

// ---- request -----------------------------------------------------------------------------------

void HttpConnection::read_header() {
  idle_since_.reset();
  set_deadline(request_time(), &HttpConnection::on_late_request);
  http::async_read_header(
      socket_, buffer_, *parser_,
      guarded([](HttpConnection& self, const error_code& error, std::size_t length) {
        self.header_bytes_ = length;
        self.on_header(error);
      }));
}

/// The pending read ends with an error; its callback answers.
void HttpConnection::on_late_request() {
  is_late_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void HttpConnection::on_header(const error_code& error) {
  if (is_late_) return fail_late();
  if (error) return fail(error);
  // Beast limits the request line and the fields each for itself.
  if (header_bytes_ > Server::kMaxHeaderBytes) return fail(http::error::header_limit);
  is_head_ = parser_->get().method() == http::verb::head;
  if (!admit()) return;
  if (parser_->is_done()) return answer();
  if (!admit_body()) return;
  read_body();
}

void HttpConnection::fail_late() {
  if (!is_served_) return fail_over_limit();
  fail(408,
       "the request took longer than " + std::to_string(request_time().count()) + " ms to arrive");
}

/// Checks what can be checked before the body.  When false, the answer is on its way.
bool HttpConnection::admit() {
  const auto& header = parser_->get();
  const auto problem_with_target = parse_request_target(header.target(), target_);
  const auto hosts = header.count(http::field::host);
  const std::string_view host =
      target_.authority.empty() ? std::string_view(header[http::field::host]) : target_.authority;
  const Route* route = shared_.routes.find(header.method_string(), target_.path);
  const bool is_essential = route && route->is_essential;
  max_body_bytes_ = route ? route->max_body_bytes : kMaxBodyBytes;
  if (!problem_with_target.empty()) {
    fail(400, problem_with_target);
  } else if (hosts > 1 || (hosts == 0 && header.version() >= 11)) {
    fail(400, "one Host header is needed, not " + std::to_string(hosts));
  } else if (is_loopback_ && hosts + target_.authority.size() > 0 &&
             !is_host_allowed(host, own_addresses_)) {
    fail(403, "this host name is not served; use localhost or an IP address");
  } else if (header.method() != http::verb::get && header.method() != http::verb::head &&
             header.count(http::field::origin) != 0) {
    fail(403,
         "requests that change something are not taken from web pages; send them without Origin");
  } else if ((!route || route->needs_token) &&
             !is_token_right(header[http::field::authorization], shared_.options.token)) {
    fail(401, "the token is missing or wrong; send the header \"Authorization: Bearer TOKEN\"");
  } else if (!is_served_ && !is_essential) {
    fail_over_limit();
  } else if (!is_essential && !shared_.rate.take(shared_.clock.now())) {
    fail(429, "there are more than " + std::to_string(shared_.options.requests_per_second) +
                  " requests a second; send fewer, and try again later");
  } else if (header.count(http::field::expect) > 0 && !expects_continue()) {
    fail(417, "only \"Expect: 100-continue\" is understood");
  } else {
    return true;
  }
  return false;
}

/// As admit(), for what comes behind the header.
bool HttpConnection::admit_body() {
  const auto& header = parser_->get();
  const auto length = parser_->content_length();
  if (length && *length > max_body_bytes_) {
    fail(http::error::body_limit);
  } else if (auto unreadable = problem_with_content(header[http::field::content_type],
                                                    header[http::field::content_encoding]);
             !unreadable.empty()) {
    fail(415, unreadable);
  } else {
    parser_->body_limit(max_body_bytes_);
    return true;
  }
  return false;
}

bool HttpConnection::expects_continue() const {
  return beast::iequals(parser_->get()[http::field::expect], "100-continue");
}

void HttpConnection::read_body() {
  if (expects_continue() && parser_->get().version() >= 11 && buffer_.size() == 0) {
    asio::async_write(socket_, asio::buffer(kContinue),
                      guarded([](HttpConnection& self, const error_code& error) {
                        if (self.is_late_) return self.fail_late();
                        if (error) return self.close();
                        self.read_rest();
                      }));
  } else {
    read_rest();
  }
}

void HttpConnection::read_rest() {
  parser_->eager(true);
  http::async_read(socket_, buffer_, *parser_,
                   guarded([](HttpConnection& self, const error_code& error) {
                     if (self.is_late_) return self.fail_late();
                     if (error) return self.fail(error);
                     self.answer();
                   }));
}

// ---- answer ------------------------------------------------------------------------------------

Request HttpConnection::take_request() {
  auto& message = parser_->get();
  Request request;
  request.method = message.method_string();
  request.path = std::move(target_.path);
  request.query = std::move(target_.query);
  for (const auto name : kHandlerHeaders) {
    const auto [begin, end] = message.equal_range(name);
    for (auto field = begin; field != end; ++field) {
      auto& value = request.headers[std::string(name)];
      value.append(field == begin ? "" : ", ").append(field->value());
    }
  }
  request.body = std::move(message.body());
  return request;
}

void HttpConnection::answer() {
  auto request = take_request();
  const auto accept = std::string(request.header("accept"));
  keeps_alive_ = is_served_ && parser_->get().keep_alive();
  log::control().debug("request method={} path={} bytes={}", request.method, request.path,
                       request.body.size());
  auto answer = shared_.routes.dispatch(std::move(request));
  if (auto* response = std::get_if<Response>(&answer))
    return write(std::move(*response), keeps_alive_);
  if (auto* stream = std::get_if<Stream>(&answer)) return start_stream(std::move(*stream), accept);
  wait_for_answer(std::get<std::shared_ptr<Deferred>>(std::move(answer)));
}

/// What Beast says about a request, as an answer; without one where nobody waits for it.
void HttpConnection::fail(const error_code& error) {
  if (error.category() != http::make_error_code(http::error::bad_version).category())
    return close();
  if (error == http::error::end_of_stream || error == http::error::partial_message) return close();
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return fail(431,
                "the header is longer than " + std::to_string(Server::kMaxHeaderBytes) + " bytes");
  if (error == http::error::body_limit)
    return fail(413, "the body is longer than " + std::to_string(max_body_bytes_) + " bytes");
  if (error == http::error::bad_version) return fail(505, "this is HTTP/1.1");
  fail(400, "this is no HTTP request: " + error.message());
}

void HttpConnection::fail(unsigned status, const std::string& message) {
  Response response = problem(status, message);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"faultlun\"");
  if (status == 503 || status == 429)
    response.headers.emplace_back("Retry-After", std::to_string(RateLimit::kRetrySeconds));
  write(std::move(response), false);
}

void HttpConnection::fail_over_limit() {
  fail(503, "there are " + std::to_string(Server::kMaxConnections) +
                " connections already; try again later");
}

HttpConnection::Message HttpConnection::header_of(const Response& response) const {
  const bool has_body = response.status != 204 && response.status != 304;
  Message message;
  message.version(11);
  message.result(response.status);
  message.set(http::field::server, "faultlun");
  if (has_body) message.set(http::field::content_type, response.content_type);
  message.set(http::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers)
    message.set(name, value);
  return message;
}

void HttpConnection::write(Response response, bool keep_alive) {
  if (response.status >= 500)
    log::control().warn("answer status={} body={}", response.status, response.body);
  message_ = header_of(response);
  if (message_.count(http::field::content_type) > 0) {  // else there is no body (RFC 9110 §6.4.1)
    message_.body() = std::move(response.body);
    message_.content_length(message_.body().size());
  }
  message_.keep_alive(keep_alive);
  keeps_alive_ = keep_alive;
  serializer_.emplace(message_);
  set_deadline(shared_.options.request_time, &HttpConnection::close);
  auto then = guarded([](HttpConnection& self, const error_code& error) {
    if (error) return self.close();
    self.next_request();
  });
  serializer_->split(is_head_);
  if (is_head_) return http::async_write_header(socket_, *serializer_, std::move(then));
  http::async_write(socket_, *serializer_, std::move(then));
}

void HttpConnection::next_request() {
  has_asked_ = true;
  if (!keeps_alive_) return linger();
  wait_for_request();
}

// ---- deferred answer ---------------------------------------------------------------------------

void HttpConnection::wait_for_answer(std::shared_ptr<Deferred> deferred) {
  if (!deferred) return fail(500, "the handler promised an answer and gave none");
  deferred_ = std::move(deferred);
  set_deadline(deferred_->timeout(), &HttpConnection::on_late_answer);
  attach(deferred_->waker());
  watch();
}

void HttpConnection::on_late_answer() {
  finish_deferred(deferred_->abandon());
}

void HttpConnection::finish_deferred(Response response) {
  stop_waiting();
  write(std::move(response), keeps_alive_);
}

// ---- streamed answer ---------------------------------------------------------------------------

void HttpConnection::start_stream(Stream stream, std::string_view accept) {
  if (!stream.next) return fail(500, "the handler promised a stream and gave none");
  if (shared_.streams >= Server::kMaxStreams)
    return fail(503, "there are " + std::to_string(Server::kMaxStreams) +
                         " streams already; end one, or try again later");
  syntax_ = syntax_of(stream, accept);
  is_chunked_ = parser_->get().version() >= 11;
  keeps_alive_ = keeps_alive_ && is_chunked_;
  Response start;
  start.content_type = content_type_of(stream, syntax_);
  start.headers = stream.headers;
  auto message = header_of(start);
  message.keep_alive(keeps_alive_);
  if (is_chunked_) message.chunked(true);
  std::ostringstream header;
  header << message.base();
  out_ = header.str();
  sent_ = 0;
  stream_ = std::move(stream);
  ++shared_.streams;
  is_ended_ = is_head_;
  if (stream_->waker) attach(*stream_->waker);
  probe_peer(socket_);
  watch();
  send_some();
}

/// Takes what the source has, unless something is on its way: then that comes first.
void HttpConnection::pump() {
  if (!out_.empty()) return;
  if (stream_->waker) stream_->waker->clear();
  std::string part;
  const Pull last = fill(part);
  is_ended_ = last == Pull::end;
  const bool is_silent = part.empty() && last == Pull::wait;
  if (is_silent && syntax_ == StreamSyntax::events && shared_.clock.now() >= keep_alive_at_)
    part = kKeepAliveComment;
  if (is_chunked_) append_chunk(out_, part);
  if (!is_chunked_) out_ = std::move(part);
  if (is_ended_ && is_chunked_) out_ += kLastChunk;
  sent_ = 0;
  if (!out_.empty()) return send_some();
  if (is_ended_) return end_stream();
  set_deadline(last == Pull::wait ? kStreamPoll : std::chrono::milliseconds(0),
               &HttpConnection::pump);
}

/// What the last pull gave; Pull::record when there may be more at once.
Pull HttpConnection::fill(std::string& part) {
  for (std::size_t i = 0; i < kMaxPullsPerTurn && part.size() < kStreamChunkBytes; ++i) {
    Record record;
    const Pull pull = stream_->next(record);
    if (pull != Pull::record) return pull;
    if (record.data.size() > kMaxRecordBytes)
      throw std::runtime_error("a stream's record has " + std::to_string(record.data.size()) +
                               " bytes, more than " + std::to_string(kMaxRecordBytes));
    if (!record.data.empty()) append_record(part, syntax_, record);
  }
  return Pull::record;
}

/// A reader that takes nothing for the request time is closed.
void HttpConnection::send_some() {
  set_deadline(shared_.options.request_time, &HttpConnection::close);
  const auto rest = asio::buffer(out_) + sent_;
  socket_.async_write_some(
      rest, guarded([](HttpConnection& self, const error_code& error, std::size_t bytes) {
        if (error) return self.close();
        self.on_sent(bytes);
      }));
}

void HttpConnection::on_sent(std::size_t bytes) {
  sent_ += bytes;
  if (sent_ < out_.size()) return send_some();
  out_.clear();
  keep_alive_at_ = shared_.clock.now() + shared_.options.keep_alive_time;
  if (is_ended_) return end_stream();
  pump();
}

void HttpConnection::end_stream() {
  stop_waiting();
  next_request();
}

// ---- both
// ----------------------------------------------------------------------------------------

/// Nobody is kept alive by the waker, and nobody is called after stop_waiting().
void HttpConnection::attach(Waker& waker) {
  waker.attach([weak = weak_from_this(), executor = socket_.get_executor()] {
    asio::post(executor, [weak] {
      if (const auto self = weak.lock())
        self->guarded([](HttpConnection& connection, const error_code&) { connection.on_wake(); })(
            error_code{});
    });
  });
}

void HttpConnection::on_wake() {
  if (stream_) return pump();
  if (!deferred_) return;  // it was on its way when the answer left
  deferred_->waker().clear();
  if (auto response = deferred_->take()) finish_deferred(std::move(*response));
}

/// Closes when the client ends the connection: it waits for nothing any more.  A next request that
/// is there already hides that until the answer is written.
void HttpConnection::watch() {
  socket_.async_wait(Socket::wait_read,
                     guarded([number = ++watch_](HttpConnection& self, const error_code& error) {
                       if (number != self.watch_) return;
                       if (error) return self.close();
                       char octet = 0;
                       const auto got =
                           ::recv(self.socket_.native_handle(), &octet, 1, MSG_PEEK | MSG_DONTWAIT);
                       if (got > 0) return;
                       if (got < 0 && (errno == EAGAIN || errno == EINTR)) return self.watch();
                       self.close();
                     }));
}

/// Lets go of what makes the answer.
void HttpConnection::stop_waiting() {
  ++watch_;
  if (deferred_) {
    deferred_->waker().detach();
    deferred_->abandon();
    deferred_.reset();
  }
  if (stream_) {
    if (stream_->waker) stream_->waker->detach();
    stream_.reset();
    --shared_.streams;
  }
}

// ---- lingering
// -----------------------------------------------------------------------------------

/// Closing while the client still sends would reset the connection, and the answer with it.
void HttpConnection::linger() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  set_deadline(kLingerTime, &HttpConnection::close);
  discard();
}

void HttpConnection::discard() {
  socket_.async_read_some(asio::buffer(discarded_),
                          guarded([](HttpConnection& self, const error_code& error) {
                            if (error) return self.close();
                            self.discard();
                          }));
}

}  // namespace faultlun::daemon::control
