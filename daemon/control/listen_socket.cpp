#include "daemon/control/listen_socket.hpp"

#include "config/endpoint.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/system/error_code.hpp>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace faultlun::daemon::control {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::string_view kUnix = "unix:";
constexpr mode_t kUnixMode = 0600;
constexpr int kBacklog = 128;
constexpr std::size_t kMaxUnixPathBytes = sizeof(sockaddr_un::sun_path) - 1;

[[noreturn]] void refuse(const std::string& listen, std::string_view reason,
                         std::string_view remedy) {
  std::string text = "cannot listen on " + listen + " for the control API: ";
  text.append(reason).append("; ").append(remedy);
  throw std::runtime_error(text);
}

std::string_view tcp_remedy(const error_code& error) {
  if (error == asio::error::address_in_use)
    return "another daemon may be running: stop it, or choose another port with --control (port 0: "
           "any)";
  if (error == asio::error::access_denied)
    return "ports below 1024 need privileges: choose a higher one with --control";
  return "use an address of this machine, for example --control 127.0.0.1:8326";
}

std::string_view unix_remedy(const error_code& error) {
  if (error == boost::system::errc::no_such_file_or_directory)
    return "create its directory first, or choose another path with --control unix:PATH";
  if (error == asio::error::access_denied || error == boost::system::errc::read_only_file_system)
    return "its directory must be writable for this user: choose another path with --control "
           "unix:PATH";
  return "choose another path with --control unix:PATH";
}

/// Whether somebody accepts connections on the socket file.
bool is_answered(const asio::local::stream_protocol::endpoint& endpoint) {
  asio::io_context context;
  asio::local::stream_protocol::socket probe(context);
  error_code error;
  probe.open(endpoint.protocol(), error);
  if (!error) probe.non_blocking(true, error);  // a full backlog must not hold us up
  if (!error) probe.connect(endpoint, error);
  return error != asio::error::connection_refused &&
         error != boost::system::errc::no_such_file_or_directory;
}

}  // namespace

ListenSocket::ListenSocket(asio::io_context& context, const std::string& listen)
    : acceptor_(context) {
  if (listen.starts_with(kUnix)) {
    bind_unix(listen, listen.substr(kUnix.size()));
  } else {
    bind_tcp(listen);
  }
}

ListenSocket::~ListenSocket() {
  close();
}

void ListenSocket::close() {
  error_code ignored;
  if (!unix_path_.empty()) {
    struct stat now {};
    const bool ours =
        ::lstat(unix_path_.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_;
    if (ours) ::unlink(unix_path_.c_str());
    unix_path_.clear();
  }
  acceptor_.close(ignored);
}

void ListenSocket::bind_tcp(const std::string& listen) {
  const auto parsed = config::parse_listen(listen);
  if (!parsed.value) refuse(listen, "the address " + parsed.error, "or write unix:PATH");
  error_code error;
  const auto address = asio::ip::make_address(parsed.value->host, error);
  if (error) refuse(listen, error.message(), "write an IP address and a port, like 127.0.0.1:8326");

  const asio::ip::tcp::endpoint endpoint(address, parsed.value->port);
  const auto step = [&](auto action) {
    if (!error) action();
  };
  step([&] { acceptor_.open(endpoint.protocol(), error); });
  step([&] { acceptor_.set_option(asio::socket_base::reuse_address(true), error); });
  if (address.is_v6()) step([&] { acceptor_.set_option(asio::ip::v6_only(true), error); });
  step([&] { acceptor_.bind(endpoint, error); });
  step([&] { acceptor_.listen(kBacklog, error); });
  asio::ip::tcp::endpoint bound;
  step([&] {
    const auto real = acceptor_.local_endpoint(error);
    if (error) return;
    std::memcpy(bound.data(), real.data(), real.size());
    bound.resize(real.size());
  });
  if (error) refuse(listen, error.message(), tcp_remedy(error));
  address_ = parsed.value->host;
  url_ = "http://" + config::to_text(config::Endpoint{parsed.value->host, bound.port()});
}

void ListenSocket::bind_unix(const std::string& listen, const std::string& path) {
  if (path.empty()) refuse(listen, "the path is empty", "write unix:PATH");
  if (path.size() > kMaxUnixPathBytes)
    refuse(listen, "the path is longer than " + std::to_string(kMaxUnixPathBytes) + " bytes",
           "choose a shorter one");
  const asio::local::stream_protocol::endpoint endpoint(path);

  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode))
      refuse(listen, "a file that is not a socket is there", "remove it, or choose another path");
    if (is_answered(endpoint))
      refuse(listen, "another process answers there",
             "stop it, or choose another path with --control unix:PATH");
    ::unlink(path.c_str());
  }

  error_code error;
  const auto step = [&](auto action) {
    if (!error) action();
  };
  const auto check = [&](int result) {
    if (result != 0) error.assign(errno, boost::system::system_category());
  };
  step([&] { acceptor_.open(endpoint.protocol(), error); });
  // The file takes its mode from the socket (Linux), so there is no moment at which others may
  // connect.
  step([&] { check(::fchmod(acceptor_.native_handle(), kUnixMode)); });
  step([&] { acceptor_.bind(endpoint, error); });
  if (error) refuse(listen, error.message(), unix_remedy(error));
  struct stat made {};
  step([&] { check(::lstat(path.c_str(), &made)); });
  unix_path_ = path;
  device_ = made.st_dev;
  inode_ = made.st_ino;
  step([&] { check(::chmod(path.c_str(), kUnixMode)); });  // whatever the umask took away
  step([&] { acceptor_.listen(kBacklog, error); });
  if (error) {
    close();
    refuse(listen, error.message(), unix_remedy(error));
  }
  url_ = listen;
}

}  // namespace faultlun::daemon::control
