#include "daemon/socket_transport.hpp"

#include "daemon/log.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>

namespace faultlun::daemon {

SocketTransport::SocketTransport(Worker& worker, World& world, Socket socket, Arrival arrival,
                                 std::function<void(SocketTransport&)> on_gone)
    : worker_(worker),
      socket_(std::move(socket)),
      on_gone_(std::move(on_gone)),
      connection_(std::make_shared<Connection>(worker, world, std::move(arrival), *this)) {}

void SocketTransport::start() {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  after_activity();
  wait_readable();
}

// ---- reading
// ------------------------------------------------------------------------------------------------

void SocketTransport::wait_readable() {
  if (waiting_readable_ || turn_posted_ || closed_ || peer_finished_) return;
  if (!lingering_ && !connection_->accepts_input())
    return;  // input_wanted() or a flush comes back to it
  waiting_readable_ = true;
  socket_.async_wait(Socket::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->waiting_readable_ = false;
                       if (self->closed_) return;
                       if (error) return self->close();
                       if (self->lingering_) return self->linger();
                       self->on_readable();
                     });
}

void SocketTransport::on_readable() {
  worker_.meet_deadlines();
  if (closed_ || turn_posted_ || !connection_->accepts_input()) return;
  const auto buffer = worker_.receive_buffer();
  std::copy(stash_.begin(), stash_.end(), buffer.begin());
  const auto have = stash_.size();
  auto room = buffer.size() - have;
  if (connection_->keeps_time())
    room = std::min(room, std::max(Worker::kTimelyReceiveBytes, connection_->wanted()));
  const auto got = ::recv(socket_.native_handle(), buffer.data() + have, room, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return wait_readable();
  if (got < 0) return close();
  if (got == 0) {
    // The peer will send no more.  An iSCSI connection half closed is of no use (RFC 7143 §4.2.1):
    // end it, but let what has been answered go out.
    peer_finished_ = true;
    connection_->close_after_flush("the peer closed the connection");
    return after_activity();
  }
  take(buffer, have + static_cast<std::size_t>(got));
}

/// `have` octets at the front of `buffer` are to be taken; what is left over goes to the stash.
void SocketTransport::take(bytes::Span buffer, std::size_t have) {
  const auto used = connection_->receive(buffer.first(have));
  if (used != 0 || stash_.size() != have) {
    const auto rest = buffer.subspan(used, have - used);
    if (rest.empty()) {
      stash_ = {};
    } else {
      stash_.assign(rest.begin(), rest.end());
    }
  }
  if (connection_->gives_way()) give_way();
  after_activity();
}

/// What is stashed is taken after others had their turn.
void SocketTransport::give_way() {
  turn_posted_ = true;
  worker_.post([self = shared_from_this()] {
    self->worker_.meet_deadlines();
    self->turn_posted_ = false;
    if (!self->closed_) self->after_activity();
  });
}

void SocketTransport::input_wanted() {
  worker_.post([self = shared_from_this()] {
    if (!self->closed_) self->after_activity();
  });
}

// ---- writing
// ------------------------------------------------------------------------------------------------

void SocketTransport::output_ready() {
  if (flush_posted_ || closed_) return;
  flush_posted_ = true;  // several completions of one round of the loop leave in one write
  worker_.after_turn([self = shared_from_this()] {
    self->flush_posted_ = false;
    if (!self->closed_) self->after_activity();
  });
}

void SocketTransport::wait_writable() {
  if (waiting_writable_ || closed_) return;
  waiting_writable_ = true;
  socket_.async_wait(Socket::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->waiting_writable_ = false;
                       if (self->closed_) return;
                       if (error) return self->close();
                       self->after_activity();
                     });
}

void SocketTransport::flush() {
  auto& out = connection_->out();
  while (!out.empty()) {
    std::array<bytes::View, kGatherPieces> pieces;
    std::array<iovec, kGatherPieces> vectors;
    const auto count = out.gather(pieces);
    for (std::size_t i = 0; i < count; ++i)
      vectors[i] = {const_cast<std::uint8_t*>(pieces[i].data()), pieces[i].size()};
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    const auto sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return wait_writable();
    if (sent < 0) return close();
    out.consume(static_cast<std::size_t>(sent));
  }
}

// ---- in between
// ---------------------------------------------------------------------------------------------

/// Something happened: send what there is, take what was held back, set the next deadline, wait for
/// more.
void SocketTransport::after_activity() {
  flush();
  while (!closed_ && !lingering_ && !turn_posted_ && connection_->accepts_input() &&
         stash_.size() >= connection_->wanted()) {
    // Whole PDUs were held back while the connection took no input.
    const auto buffer = worker_.receive_buffer();
    const auto have = stash_.size();
    std::copy(stash_.begin(), stash_.end(), buffer.begin());
    const auto used = connection_->receive(buffer.first(have));
    stash_.assign(buffer.begin() + static_cast<std::ptrdiff_t>(used),
                  buffer.begin() + static_cast<std::ptrdiff_t>(have));
    if (used == 0) break;
    if (connection_->gives_way()) give_way();
    flush();
  }
  if (closed_) return;
  if (connection_->reset_wanted()) return reset();
  if (connection_->closing() && connection_->out().empty() && !lingering_) begin_linger();
  if (closed_) return;
  if (lingering_ || connection_->closing()) {
    if (linger_until_ == TimePoint{}) linger_until_ = worker_.now() + kLingerTime;
    worker_.arm(*this, linger_until_);
  } else if (const auto due = connection_->deadline()) {
    worker_.arm(*this, *due);
  } else {
    worker_.disarm(*this);
  }
  wait_readable();
}

void SocketTransport::on_time(TimePoint now) {
  const auto self = shared_from_this();
  if (lingering_) return close();
  if (connection_->closing()) return close();  // the peer does not even read our last words
  connection_->on_deadline(now);
  after_activity();
}

// ---- the end
// ------------------------------------------------------------------------------------------------

/// Everything is sent.  Closing now, with bytes of the peer unread, would make the kernel send a
/// reset that may overtake our last answer: finish our side, and read until the peer does the same.
void SocketTransport::begin_linger() {
  stash_ = {};
  if (peer_finished_) return close();
  lingering_ = true;
  ::shutdown(socket_.native_handle(), SHUT_WR);
}

void SocketTransport::linger() {
  const auto buffer = worker_.receive_buffer();
  const auto got = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return wait_readable();
  if (got <= 0) return close();
  lingered_bytes_ += static_cast<std::size_t>(got);
  if (lingered_bytes_ > kLingerBytes) return close();
  wait_readable();
}

/// Closes with RST: whatever the kernel still has to send is thrown away.
void SocketTransport::reset() {
  boost::system::error_code ignored;
  socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  close();
}

void SocketTransport::abandon() {
  if (!closed_) close();
}

void SocketTransport::close() {
  if (closed_) return;
  closed_ = true;
  worker_.disarm(*this);
  connection_->transport_closed();
  boost::system::error_code ignored;
  socket_.close(ignored);
  on_gone_(*this);
}

}  // namespace faultlun::daemon
