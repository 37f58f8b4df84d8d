// One portal: accepts connections and deals them to the workers in turn.
// And the set of connections a worker has, with the limit on those that have not logged in.
#pragma once

#include "daemon/socket_transport.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

namespace faultlun::daemon {

/// The connections of one worker.  On that worker's thread only.
class ConnectionSet {
 public:
  /// Connections of one worker that have not finished their login.  One more, and the oldest of
  /// them is closed: whoever opens sockets and stays silent cannot keep others out.
  static constexpr std::size_t kMaxHalfOpen = 1024;

  ConnectionSet(Worker& worker, World& world) : worker_(worker), world_(world) {}

  void admit(boost::asio::ip::tcp::socket socket, Arrival arrival);
  void close_all();
  /// From any thread.
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// Calls `use` for each connection.
  template <typename Use>
  void for_each(Use use) {
    const auto members = members_;  // `use` may close some
    for (const auto& member : members)
      use(member->connection());
  }

 private:
  void make_room();

  Worker& worker_;
  World& world_;
  std::atomic<std::size_t> size_{0};
  std::list<std::shared_ptr<SocketTransport>> members_;  ///< in order of arrival
  std::deque<std::weak_ptr<SocketTransport>>
      half_open_;  ///< in order of arrival; some may not be any more
  std::unordered_map<const SocketTransport*, std::list<std::shared_ptr<SocketTransport>>::iterator>
      places_;
};

class Listener {
 public:
  struct Portal {
    boost::asio::ip::tcp::endpoint endpoint;
    std::uint16_t index = 0, group_tag = 1;
  };
  /// Makes the Arrival of a connection accepted at `local` from `peer`.
  using Describe = std::function<Arrival(const Portal&, const boost::asio::ip::tcp::endpoint& local,
                                         const boost::asio::ip::tcp::endpoint& peer)>;

  /// Binds and listens; throws std::runtime_error naming the address, the reason and the remedy.
  Listener(Worker& home, World& world, Portal portal, Describe describe);

  void start(std::vector<std::pair<Worker*, ConnectionSet*>> homes);
  void stop();
  boost::asio::ip::tcp::endpoint endpoint() const { return portal_.endpoint; }
  const Portal& portal() const { return portal_; }

 private:
  static constexpr int kBacklog = 4096;
  static constexpr int kAcceptsPerTurn = 32;  ///< then the loop serves running connections
  static constexpr auto kPauseWithoutDescriptors = std::chrono::milliseconds(100);

  void wait();
  void accept_some();

  bool full() const;

  Worker& home_;
  World& world_;
  Portal portal_;
  Describe describe_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::vector<std::pair<Worker*, ConnectionSet*>> homes_;
  std::size_t next_home_ = 0;
  const std::shared_ptr<const int> count_ =
      std::make_shared<int>(0);  ///< use_count() - 1 connections are open
};

}  // namespace faultlun::daemon
