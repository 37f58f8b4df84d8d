// Moves the bytes of one connection between its socket and Connection.
//
// Asio says when the socket is ready; recv and sendmsg are our own, because a batch of answers
// leaves in one gather write that way (docs/decisions/0004).  What a read leaves over, part of a
// PDU, is stashed until the rest comes.
#pragma once

#include "daemon/connection.hpp"
#include "daemon/worker.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>

namespace faultlun::daemon {

class SocketTransport final : public Transport,
                              public Timed,
                              public std::enable_shared_from_this<SocketTransport> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  /// `on_gone` runs on the worker when the socket is closed.
  SocketTransport(Worker& worker, World& world, Socket socket, Arrival arrival,
                  std::function<void(SocketTransport&)> on_gone);

  void start();
  /// Closes at once, whatever is unsent.
  void abandon();
  bool logged_in() const { return connection_->logged_in(); }
  Connection& connection() { return *connection_; }

  void output_ready() override;
  void input_wanted() override;
  void on_time(TimePoint now) override;

 private:
  static constexpr std::size_t kGatherPieces = 256;
  static constexpr auto kLingerTime =
      std::chrono::seconds(1);                          ///< for the peer to read our last words
  static constexpr std::size_t kLingerBytes = 4 << 20;  ///< and to send its own

  void on_readable();
  void give_way();
  void take(bytes::Span buffer, std::size_t have);
  void wait_readable();
  void wait_writable();
  void flush();
  void after_activity();
  void reset();
  void begin_linger();
  void linger();
  void close();

  Worker& worker_;
  Socket socket_;
  std::function<void(SocketTransport&)> on_gone_;
  std::shared_ptr<Connection> connection_;
  bytes::Buffer stash_;
  bool waiting_readable_ = false, waiting_writable_ = false, flush_posted_ = false,
       turn_posted_ = false;
  bool peer_finished_ = false, lingering_ = false, closed_ = false;
  std::size_t lingered_bytes_ = 0;
  TimePoint linger_until_;
};

}  // namespace faultlun::daemon
