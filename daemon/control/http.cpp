#include "daemon/control/http.hpp"

#include "daemon/control/http_connection.hpp"
#include "daemon/control/listen_socket.hpp"
#include "daemon/log.hpp"

#include <boost/asio/post.hpp>

#include <cassert>
#include <csignal>
#include <thread>

namespace faultlun::daemon::control {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = HttpConnection::Socket;

constexpr auto kAcceptPause =
    std::chrono::milliseconds(100);  ///< after an error, such as no descriptors

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

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, const Router& routes)
      : listen_(context_, options.listen),
        shared_(std::move(options), routes, listen_.address()),
        pause_(context_),
        alarm_(context_) {}
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

  void post(std::function<void()> job) { asio::post(context_, std::move(job)); }

  void set_alarm(std::chrono::nanoseconds time, std::function<void()> job) {
    if (!listen_.acceptor().is_open()) return;  // it stops
    alarm_.expires_after(time);
    alarm_.async_wait([job = std::move(job)](const error_code& cancelled) {
      if (!cancelled) job();
    });
  }

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

  /// Over the limit a connection is answered all the same, but only what is essential: /v1/reset
  /// works while every connection is taken.
  void admit(Socket socket) {
    if (shared_.served >= kMaxConnections) close_idle();
    const bool is_served = shared_.served < kMaxConnections;
    if (!is_served && shared_.connections.size() - shared_.served >= kMaxOverLimit)
      return;  // closed without a word
    const auto connection = std::make_shared<HttpConnection>(shared_, std::move(socket), is_served);
    shared_.connections.insert(connection);
    if (is_served) ++shared_.served;
    connection->start();
  }

  /// Makes room: one that never asked for anything goes before one that did, and then the one that
  /// is idle for longest.  Not one that has only just become idle: its request may be on its way.
  void close_idle() {
    const auto now = shared_.clock.now();
    std::shared_ptr<HttpConnection> least;
    std::pair<bool, TimePoint> rank;
    for (const auto& connection : shared_.connections) {
      const auto since = connection->is_served() ? connection->idle_since() : std::nullopt;
      if (!since || now - *since < kIdleGrace) continue;
      const std::pair<bool, TimePoint> its(connection->has_asked(), *since);
      if (least && its >= rank) continue;
      least = connection;
      rank = its;
    }
    if (least) least->close();
  }

  void close_all() {
    listen_.close();
    pause_.cancel();
    alarm_.cancel();
    const auto connections = shared_.connections;  // each takes itself out
    for (const auto& connection : connections)
      connection->close();
  }

  asio::io_context context_{1};
  ListenSocket listen_;
  HttpShared shared_;
  asio::steady_timer pause_;
  asio::steady_timer alarm_;
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
void Server::post(std::function<void()> job) {
  impl_->post(std::move(job));
}
void Server::set_alarm(std::chrono::nanoseconds time, std::function<void()> job) {
  impl_->set_alarm(time, std::move(job));
}
std::string Server::url() const {
  return impl_->url();
}

}  // namespace faultlun::daemon::control
