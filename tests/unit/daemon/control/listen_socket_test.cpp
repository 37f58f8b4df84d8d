#include "daemon/control/listen_socket.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace listen_socket_test {

using faultlun::daemon::control::ListenSocket;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

/// A directory for one test.
class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "faultlun-control-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

/// The message of the exception, or nothing when it listens.
std::string refusal(const std::string& listen) {
  asio::io_context context;
  try {
    const ListenSocket socket(context, listen);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

std::string unix_url(const fs::path& path) {
  return "unix:" + path.string();
}

mode_t mode_of(const fs::path& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode;
}

/// What a process leaves behind that was killed.
void leave_stale_socket(const fs::path& path) {
  asio::io_context context;
  asio::local::stream_protocol::acceptor acceptor(
      context, asio::local::stream_protocol::endpoint(path.string()));
}

}  // namespace

TEST_CASE("port 0 becomes the port that the system chose") {
  asio::io_context context;
  const ListenSocket socket(context, "127.0.0.1:0");
  CHECK(socket.url().starts_with("http://127.0.0.1:"));
  CHECK(socket.url() != "http://127.0.0.1:0");
  CHECK(socket.address() == "127.0.0.1");
}

TEST_CASE("an IPv6 address keeps its brackets in the url") {
  asio::io_context context;
  std::unique_ptr<ListenSocket> socket;
  try {
    socket = std::make_unique<ListenSocket>(context, "[::1]:0");
  } catch (const std::runtime_error& error) {
    MESSAGE("no IPv6 here: " << error.what());
    return;
  }
  CHECK(socket->url().starts_with("http://[::1]:"));
  CHECK(socket->address() == "::1");
}

TEST_CASE("a port in use is refused with its address, the reason and a remedy") {
  asio::io_context context;
  const ListenSocket first(context, "127.0.0.1:0");
  const std::string address = first.url().substr(std::string("http://").size());
  CHECK(refusal(address) == "cannot listen on " + address +
                                " for the control API: Address already in use; another daemon may "
                                "be running: stop it, or "
                                "choose another port with --control (port 0: any)");
}

TEST_CASE("an address of another machine is refused with a remedy") {
  const auto text = refusal("192.0.2.1:8326");
  CHECK(
      text.starts_with("cannot listen on 192.0.2.1:8326 for the control API: Cannot assign "
                       "requested address; use an address of"));
}

TEST_CASE("what is no address with a port is refused") {
  for (const char* listen : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "[::1]",
                             "localhost:80", "http://127.0.0.1:1", "127.0.0.1:8326x"}) {
    CAPTURE(listen);
    CHECK(refusal(listen).starts_with("cannot listen on " + std::string(listen) +
                                      " for the control API: "));
  }
}

TEST_CASE("a UNIX socket is for its owner only, and is gone after close") {
  const Directory directory;
  const auto path = directory / "control.sock";
  asio::io_context context;
  ListenSocket socket(context, unix_url(path));
  CHECK(socket.url() == unix_url(path));
  CHECK(socket.address() == "");
  CHECK(mode_of(path) == (S_IFSOCK | 0600));
  socket.close();
  CHECK_FALSE(fs::exists(fs::symlink_status(path)));
}

TEST_CASE("a umask neither widens nor narrows who may connect") {
  const Directory directory;
  const auto path = directory / "control.sock";
  asio::io_context context;
  for (const mode_t mask : {0000u, 0777u}) {
    const mode_t before = ::umask(mask);
    const ListenSocket socket(context, unix_url(path));
    ::umask(before);
    CHECK(mode_of(path) == (S_IFSOCK | 0600));
  }
}

TEST_CASE("a socket file that nobody answers on is replaced") {
  const Directory directory;
  const auto path = directory / "control.sock";
  leave_stale_socket(path);
  REQUIRE(fs::is_socket(path));
  CHECK(refusal(unix_url(path)) == "");
}

TEST_CASE("a socket file that somebody answers on is left alone") {
  const Directory directory;
  const auto path = directory / "control.sock";
  asio::io_context context;
  const ListenSocket first(context, unix_url(path));
  CHECK(refusal(unix_url(path)).find("another process answers there") != std::string::npos);
  CHECK(fs::is_socket(path));
}

TEST_CASE("a socket whose backlog is full is in use, and asking does not hang") {
  const Directory directory;
  const auto path = directory / "control.sock";
  asio::io_context context;
  const asio::local::stream_protocol::endpoint endpoint(path.string());
  asio::local::stream_protocol::acceptor acceptor(context);
  acceptor.open(endpoint.protocol());
  acceptor.bind(endpoint);
  acceptor.listen(1);
  std::vector<asio::local::stream_protocol::socket> waiting;
  bool is_full = false;
  while (!is_full && waiting.size() < 100) {
    auto& one = waiting.emplace_back(context, endpoint.protocol());
    one.non_blocking(true);
    is_full = ::connect(one.native_handle(), endpoint.data(),
                        static_cast<socklen_t>(endpoint.size())) != 0;
  }
  REQUIRE(is_full);
  CHECK(refusal(unix_url(path)).find("another process answers there") != std::string::npos);
}

TEST_CASE("a file that is no socket is left alone") {
  const Directory directory;
  const auto path = directory / "precious";
  std::ofstream(path) << "data";
  CHECK(refusal(unix_url(path)).find("a file that is not a socket is there; remove it") !=
        std::string::npos);
  CHECK(fs::file_size(path) == 4);
}

TEST_CASE("a symbolic link to a stale socket is left alone") {
  const Directory directory;
  leave_stale_socket(directory / "other");
  fs::create_symlink(directory / "other", directory / "link");
  CHECK(refusal(unix_url(directory / "link")).find("not a socket") != std::string::npos);
  CHECK(fs::is_socket(directory / "other"));
}

TEST_CASE("a file that took the place of ours is not removed at close") {
  const Directory directory;
  const auto path = directory / "control.sock";
  asio::io_context context;
  ListenSocket first(context, unix_url(path));
  fs::rename(path, directory / "moved");
  const ListenSocket second(context, unix_url(path));
  first.close();
  CHECK(fs::is_socket(path));
}

TEST_CASE("a directory that is not there is named with a remedy") {
  const Directory directory;
  const auto url = unix_url(directory / "none/control.sock");
  CHECK(refusal(url) == "cannot listen on " + url +
                            " for the control API: No such file or directory; create its directory "
                            "first, or choose another "
                            "path with --control unix:PATH");
}

TEST_CASE("the path of a UNIX socket has 1 to 107 bytes") {
  const Directory directory;
  const std::string stem = (directory / "").string();
  const std::string longest = stem + std::string(107 - stem.size(), 'x');
  CHECK(refusal("unix:" + longest) == "");
  CHECK(refusal("unix:" + longest + "x").find("longer than 107 bytes; choose a shorter one") !=
        std::string::npos);
  CHECK(refusal("unix:").find("the path is empty") != std::string::npos);
}

}  // namespace listen_socket_test
