#include "daemon/control/http.hpp"

#include "config/endpoint.hpp"
#include "daemon/control/admission.hpp"
#include "daemon/control/listen_socket.hpp"
#include "daemon/log.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <cassert>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <sys/socket.h>
#include <thread>

namespace faultlun::daemon::control {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using asio::ip::tcp;

constexpr std::size_t kMaxRefusals = 16;  ///< connections over the limit that are told so at a time
constexpr auto kLingerTime = std::chrono::seconds(1);
constexpr auto kAcceptPause =
    std::chrono::milliseconds(100);  ///< after an error, such as no descriptors
constexpr std::string_view kHealthPath =
    "/v1/healthz";  ///< open to health checks: it tells nothing
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// The address that a client of a TCP connection connected to.
std::optional<asio::ip::address> local_address(const Socket& socket) {
  error_code error;
  const auto local = socket.local_endpoint(error);
  if (error || (local.protocol().family() != AF_INET && local.protocol().family() != AF_INET6))
    return std::nullopt;
  tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), local.data(), local.size());
  endpoint.resize(local.size());
  return endpoint.address();
}

/// Signals are the main thread's: a thread starts with the mask of its creator.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

class Connection;

/// What all connections share.
struct Shared {
  ServerOptions options;
  const Router& routes;
  std::string address;  ///< that we listen on
  std::set<std::shared_ptr<Connection>> connections;
  std::size_t served = 0;  ///< of the connections; the others are being refused
};

/// One client: idle → request → answer → idle, or → lingering → closed.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Shared& shared, Socket socket, bool is_served)
      : shared_(shared),
        socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        is_served_(is_served) {
    if (const auto address = local_address(socket_)) {
      is_loopback_ = address->is_loopback();
      own_addresses_ = {shared_.address, address->to_string()};
    }
  }

  void start() {
    if (is_served_) return wait_for_request();
    fail(503, "there are " + std::to_string(Server::kMaxConnections) +
                  " connections already; try again later");
  }

  void close() {
    if (!socket_.is_open()) return;
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    if (is_served_) --shared_.served;
    shared_.connections.erase(shared_from_this());
  }

 private:
  using Parser = http::request_parser<http::string_body>;
  using Answer = http::response<http::string_body>;

  /// A callback that keeps the connection alive, does nothing once it is closed, and closes it when
  /// memory runs out: an exception must not leave it behind without anything to wait for.
  template <typename Then>
  auto guarded(Then then) {
    return [self = shared_from_this(), then](const error_code& error, std::size_t = 0) {
      if (!self->socket_.is_open()) return;
      try {
        then(*self, error);
      } catch (const std::exception& exception) {
        log::control().error("exception reason=\"{}\"", exception.what());
        self->close();
      }
    };
  }

  /// Calls `late` unless another deadline is set in time.
  void set_deadline(std::chrono::milliseconds time, void (Connection::*late)()) {
    is_late_ = false;
    timer_.expires_after(time);
    timer_.async_wait(
        guarded([late, number = ++deadline_](Connection& self, const error_code& error) {
          if (!error && number == self.deadline_)
            (self.*late)();  // it may have been on its way already
        }));
  }

  // ---- idle ------------------------------------------------------------------------------------

  void wait_for_request() {
    parser_.emplace();
    parser_->header_limit(Server::kMaxHeaderBytes);
    parser_->body_limit(Server::kMaxBodyBytes);
    target_ = {};
    is_head_ = false;
    if (buffer_.size() > 0) return read_header();  // pipelined behind the last request
    set_deadline(shared_.options.request_time, &Connection::close);
    socket_.async_wait(Socket::wait_read, guarded([](Connection& self, const error_code& error) {
                         if (error) return self.close();
                         self.read_header();
                       }));
  }

  // ---- request ---------------------------------------------------------------------------------

  void read_header() {
    set_deadline(shared_.options.request_time, &Connection::on_late_request);
    http::async_read_header(socket_, buffer_, *parser_,
                            [self = shared_from_this(),
                             then = guarded([](Connection& connection, const error_code& error) {
                               connection.on_header(error);
                             })](const error_code& error, std::size_t length) {
                              self->header_bytes_ = length;
                              then(error);
                            });
  }

  /// The pending read ends with an error; its callback answers.
  void on_late_request() {
    is_late_ = true;
    error_code ignored;
    socket_.cancel(ignored);
  }

  void on_header(const error_code& error) {
    if (is_late_) return fail_late();
    if (error) return fail(error);
    // Beast limits the request line and the fields each for itself.
    if (header_bytes_ > Server::kMaxHeaderBytes) return fail(http::error::header_limit);
    is_head_ = parser_->get().method() == http::verb::head;
    if (!admit()) return;
    if (parser_->is_done()) return answer();
    read_body();
  }

  void fail_late() {
    fail(408, "the request took longer than " +
                  std::to_string(shared_.options.request_time.count()) + " ms to arrive");
  }

  /// Checks what can be checked before the body.  When false, the answer is on its way.
  bool admit() {
    const auto& header = parser_->get();
    const auto problem_with_target = parse_request_target(header.target(), target_);
    const auto hosts = header.count(http::field::host);
    const std::string_view host =
        target_.authority.empty() ? std::string_view(header[http::field::host]) : target_.authority;
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
    } else if (target_.path != kHealthPath &&
               !is_token_right(header[http::field::authorization], shared_.options.token)) {
      fail(401, "the token is missing or wrong; send the header \"Authorization: Bearer TOKEN\"");
    } else if (header.count(http::field::expect) > 0 && !expects_continue()) {
      fail(417, "only \"Expect: 100-continue\" is understood");
    } else {
      return true;
    }
    return false;
  }

  bool expects_continue() const {
    return beast::iequals(parser_->get()[http::field::expect], "100-continue");
  }

  void read_body() {
    if (expects_continue() && parser_->get().version() >= 11 && buffer_.size() == 0) {
      asio::async_write(socket_, asio::buffer(kContinue),
                        guarded([](Connection& self, const error_code& error) {
                          if (self.is_late_) return self.fail_late();
                          if (error) return self.close();
                          self.read_rest();
                        }));
    } else {
      read_rest();
    }
  }

  void read_rest() {
    parser_->eager(true);
    http::async_read(socket_, buffer_, *parser_,
                     guarded([](Connection& self, const error_code& error) {
                       if (self.is_late_) return self.fail_late();
                       if (error) return self.fail(error);
                       self.answer();
                     }));
  }

  // ---- answer ----------------------------------------------------------------------------------

  void answer() {
    auto& message = parser_->get();
    Request request;
    request.method = message.method_string();
    request.path = std::move(target_.path);
    request.query = std::move(target_.query);
    request.body = std::move(message.body());
    log::control().debug("request method={} path={} bytes={}", request.method, request.path,
                         request.body.size());
    write(shared_.routes.dispatch(std::move(request)), message.keep_alive());
  }

  /// What Beast says about a request, as an answer; without one where nobody waits for it.
  void fail(const error_code& error) {
    if (error.category() != http::make_error_code(http::error::bad_version).category())
      return close();
    if (error == http::error::end_of_stream || error == http::error::partial_message)
      return close();
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return fail(
          431, "the header is longer than " + std::to_string(Server::kMaxHeaderBytes) + " bytes");
    if (error == http::error::body_limit)
      return fail(413,
                  "the body is longer than " + std::to_string(Server::kMaxBodyBytes) + " bytes");
    if (error == http::error::bad_version) return fail(505, "this is HTTP/1.1");
    fail(400, "this is no HTTP request: " + error.message());
  }

  void fail(unsigned status, const std::string& message) {
    Response response = problem(status, message);
    if (status == 401)
      response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"faultlun\"");
    if (status == 503) response.headers.emplace_back("Retry-After", "1");
    write(std::move(response), false);
  }

  void write(Response response, bool keep_alive) {
    if (response.status >= 500)
      log::control().warn("answer status={} body={}", response.status, response.body);
    answer_ = Answer{};
    answer_.version(11);
    answer_.result(response.status);
    answer_.set(http::field::server, "faultlun");
    answer_.set(http::field::content_type, response.content_type);
    answer_.set(http::field::cache_control, "no-store");
    answer_.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers)
      answer_.set(name, value);
    answer_.body() = std::move(response.body);
    answer_.content_length(answer_.body().size());
    answer_.keep_alive(keep_alive);
    serializer_.emplace(answer_);
    set_deadline(shared_.options.request_time, &Connection::close);
    auto then = guarded([keep_alive](Connection& self, const error_code& error) {
      if (error) return self.close();
      if (!keep_alive) return self.linger();
      self.wait_for_request();
    });
    serializer_->split(is_head_);
    if (is_head_) return http::async_write_header(socket_, *serializer_, std::move(then));
    http::async_write(socket_, *serializer_, std::move(then));
  }

  // ---- lingering -------------------------------------------------------------------------------

  /// Closing while the client still sends would reset the connection, and the answer with it.
  void linger() {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    set_deadline(kLingerTime, &Connection::close);
    discard();
  }

  void discard() {
    socket_.async_read_some(asio::buffer(discarded_),
                            guarded([](Connection& self, const error_code& error) {
                              if (error) return self.close();
                              self.discard();
                            }));
  }

  Shared& shared_;
  Socket socket_;
  asio::steady_timer timer_;
  const bool is_served_;
  bool is_loopback_ = false;
  bool is_late_ = false;  ///< the deadline of the request has passed
  bool is_head_ = false;
  std::uint64_t deadline_ = 0;  ///< counts them
  std::size_t header_bytes_ = 0;
  std::array<std::string, 2> own_addresses_;
  beast::flat_buffer buffer_{Server::kMaxHeaderBytes};
  std::optional<Parser> parser_;
  RequestTarget target_;
  Answer answer_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  std::array<char, 2048> discarded_{};
};

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, const Router& routes)
      : listen_(context_, options.listen),
        shared_{std::move(options), routes, listen_.address(), {}, 0},
        pause_(context_) {}
  ~Impl() { stop(); }

  void start() {
    assert(!thread_.joinable());
    assert(!is_stopped_);
    log::control().info("listening url={} token={}", listen_.url(),
                        shared_.options.token.empty() ? "no" : "yes");
    asio::post(context_, [this] { accept(); });
    const BlockedSignals blocked;
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    if (is_stopped_) return;
    is_stopped_ = true;
    asio::post(context_, [this] { close_all(); });
    if (!thread_.joinable()) return run();  // never started: what is to be closed is closed here
    assert(thread_.get_id() != std::this_thread::get_id());
    thread_.join();
  }

  const std::string& url() const { return listen_.url(); }

 private:
  /// Returns when nothing is left to wait for, which is after close_all().
  void run() {
    while (true) {
      try {
        context_.run();
        return;
      } catch (const std::exception& error) {
        log::control().error("exception reason=\"{}\"", error.what());
      }
    }
  }

  void accept() {
    listen_.acceptor().async_accept([this](const error_code& error, Socket socket) {
      if (!listen_.acceptor().is_open()) return;
      if (error) return pause(error);
      accept();
      admit(std::move(socket));
    });
  }

  void pause(const error_code& error) {
    log::control().warn("accept paused reason=\"{}\"", error.message());
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const error_code& cancelled) {
      if (!cancelled && listen_.acceptor().is_open()) accept();
    });
  }

  void admit(Socket socket) {
    const bool is_served = shared_.served < kMaxConnections;
    if (!is_served && shared_.connections.size() - shared_.served >= kMaxRefusals)
      return;  // closed without a word
    const auto connection = std::make_shared<Connection>(shared_, std::move(socket), is_served);
    shared_.connections.insert(connection);
    if (is_served) ++shared_.served;
    connection->start();
  }

  void close_all() {
    listen_.close();
    pause_.cancel();
    const auto connections = shared_.connections;  // each takes itself out
    for (const auto& connection : connections)
      connection->close();
  }

  asio::io_context context_{1};
  ListenSocket listen_;
  Shared shared_;
  asio::steady_timer pause_;
  std::thread thread_;
  bool is_stopped_ = false;
};

Server::Server(ServerOptions options, const Router& routes)
    : impl_(std::make_unique<Impl>(std::move(options), routes)) {}
Server::~Server() = default;
void Server::start() {
  impl_->start();
}
void Server::stop() {
  impl_->stop();
}
std::string Server::url() const {
  return impl_->url();
}

}  // namespace faultlun::daemon::control
