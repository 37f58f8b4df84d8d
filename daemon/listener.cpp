#include "daemon/listener.hpp"

#include "daemon/log.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include <sstream>
#include <stdexcept>

namespace faultlun::daemon {

using boost::asio::ip::tcp;

// ---- ConnectionSet
// ------------------------------------------------------------------------------------------

void ConnectionSet::admit(tcp::socket socket, Arrival arrival) {
  worker_.counters().add(Metric::connections_accepted);
  make_room();
  auto transport = std::make_shared<SocketTransport>(
      worker_, world_, std::move(socket), std::move(arrival), [this](SocketTransport& gone) {
        const auto place = places_.find(&gone);
        if (place == places_.end()) return;
        const auto keep = *place->second;  // the caller still runs
        members_.erase(place->second);
        places_.erase(place);
        size_.store(members_.size(), std::memory_order_relaxed);
        worker_.post([keep] {});
      });
  places_[transport.get()] = members_.insert(members_.end(), transport);
  size_.store(members_.size(), std::memory_order_relaxed);
  half_open_.push_back(transport);
  transport->start();
}

void ConnectionSet::make_room() {
  if (half_open_.size() < kMaxHalfOpen) return;
  // Most of those that once were half open have logged in or gone meanwhile.
  std::erase_if(half_open_, [](const auto& each) {
    const auto transport = each.lock();
    return !transport || transport->logged_in();
  });
  if (half_open_.size() < kMaxHalfOpen) return;
  worker_.counters().add(Metric::connections_refused);
  if (const auto oldest = half_open_.front().lock()) oldest->abandon();
  half_open_.pop_front();
}

void ConnectionSet::close_all() {
  const auto members = members_;
  for (const auto& member : members)
    member->abandon();
}

// ---- Listener
// -----------------------------------------------------------------------------------------------

namespace {

[[noreturn]] void refuse(const tcp::endpoint& endpoint, const boost::system::error_code& error) {
  std::ostringstream text;
  text << "portal " << endpoint << ": cannot listen: " << error.message();
  if (error == boost::asio::error::address_in_use)
    text
        << "; another program has the port: stop it, or choose another with --portal (port 0: any)";
  else if (error == boost::asio::error::access_denied)
    text << "; ports below 1024 need privileges: choose a higher one with --portal";
  else
    text << "; use an address of this machine, for example --portal 0.0.0.0:3260";
  throw std::runtime_error(text.str());
}

}  // namespace

Listener::Listener(Worker& home, World& world, Portal portal, Describe describe)
    : home_(home),
      world_(world),
      portal_(std::move(portal)),
      describe_(std::move(describe)),
      acceptor_(home.context()),
      pause_(home.context()) {
  boost::system::error_code error;
  const auto step = [&](auto action) {
    if (!error) action();
  };
  step([&] { acceptor_.open(portal_.endpoint.protocol(), error); });
  step([&] { acceptor_.set_option(boost::asio::socket_base::reuse_address(true), error); });
  if (portal_.endpoint.address().is_v6())
    step([&] { acceptor_.set_option(boost::asio::ip::v6_only(true), error); });
  step([&] { acceptor_.bind(portal_.endpoint, error); });
  step([&] { acceptor_.listen(kBacklog, error); });
  step([&] { acceptor_.non_blocking(true, error); });
  if (error) refuse(portal_.endpoint, error);
  portal_.endpoint = acceptor_.local_endpoint();
}

void Listener::start(std::vector<std::pair<Worker*, ConnectionSet*>> homes) {
  homes_ = std::move(homes);
  home_.post([this] { wait(); });
}

void Listener::stop() {
  boost::system::error_code ignored;
  pause_.cancel();
  acceptor_.close(ignored);
}

void Listener::wait() {
  acceptor_.async_wait(tcp::acceptor::wait_read, [this](const boost::system::error_code& error) {
    if (!error) accept_some();
  });
}

bool Listener::full() const {
  return static_cast<std::size_t>(count_.use_count()) > world_.limits().max_connections_per_portal;
}

void Listener::accept_some() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    auto [worker, set] = homes_[next_home_];
    tcp::endpoint peer;
    boost::system::error_code error;
    tcp::socket socket(worker->context());
    acceptor_.accept(socket, peer, error);
    if (error == boost::asio::error::would_block || error == boost::asio::error::try_again) break;
    if (error == boost::asio::error::no_descriptors ||
        error == boost::asio::error::no_buffer_space ||
        error == boost::system::errc::too_many_files_open_in_system) {
      log::iscsi().warn("accept paused portal={}:{} reason=\"{}\"",
                        portal_.endpoint.address().to_string(), portal_.endpoint.port(),
                        error.message());
      pause_.expires_after(kPauseWithoutDescriptors);
      pause_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) wait();
      });
      return;
    }
    if (error) continue;  // that peer went away while it waited
    if (full()) {
      home_.counters().add(Metric::connections_refused);
      continue;  // the socket closes here
    }
    next_home_ = (next_home_ + 1) % homes_.size();
    boost::system::error_code gone;
    const auto local = socket.local_endpoint(gone);
    if (gone) continue;
    auto arrival = describe_(portal_, local, peer);
    arrival.counted = count_;
    if (worker == &home_) {
      set->admit(std::move(socket), std::move(arrival));
    } else {
      auto moved = std::make_shared<tcp::socket>(std::move(socket));
      worker->post([set = set, moved, arrival = std::move(arrival)] {
        set->admit(std::move(*moved), arrival);
      });
    }
  }
  wait();
}

}  // namespace faultlun::daemon
