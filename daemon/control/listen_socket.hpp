// The socket that the control API listens on: TCP or a UNIX socket, behind one type.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <string>
#include <sys/types.h>

namespace faultlun::daemon::control {

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

class ListenSocket {
 public:
  /// `listen` is "ADDR:PORT", "[v6]:PORT" (port 0: the system chooses) or "unix:PATH".  A UNIX
  /// socket is for its owner only (mode 0600); one that nobody answers on any more is replaced.
  /// Throws std::runtime_error naming the address, the reason and the remedy.
  ListenSocket(boost::asio::io_context& context, const std::string& listen);
  ~ListenSocket();
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;

  /// Stops listening and removes the file of a UNIX socket, unless another has replaced it.
  void close();

  Acceptor& acceptor() { return acceptor_; }
  /// "http://127.0.0.1:8326" with the real port, or "unix:/run/faultlun.sock".
  const std::string& url() const { return url_; }
  /// "127.0.0.1" or "::1"; empty for a UNIX socket.
  const std::string& address() const { return address_; }

 private:
  void bind_tcp(const std::string& listen);
  void bind_unix(const std::string& listen, const std::string& path);

  Acceptor acceptor_;
  std::string url_;
  std::string address_;
  std::string unix_path_;  ///< set while the file is ours
  dev_t device_{};
  ino_t inode_{};
};

}  // namespace faultlun::daemon::control
