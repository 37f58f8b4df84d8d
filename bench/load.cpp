#include "bench/load.hpp"

#include "bench/target.hpp"
#include "protocol/bytes/bytes.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace faultlun::bench {
namespace {

constexpr std::size_t kHeaderBytes = 48;
constexpr std::size_t kInputBytes = 1 << 20;
constexpr std::uint8_t kCommand = 0x01, kLogin = 0x43, kLoginResponse = 0x23, kNopIn = 0x20,
                       kResponse = 0x21, kDataIn = 0x25;
constexpr std::uint8_t kFinal = 0x80, kRead = 0x40, kWrite = 0x20, kSimple = 1, kHasStatus = 1;

std::size_t pdu_bytes(const std::uint8_t* header) {
  return kHeaderBytes + header[4] * 4U + ((bytes::be24(header + 5) + 3U) & ~3U);
}

}  // namespace

Nanoseconds now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * Nanoseconds{1'000'000'000} + time.tv_nsec;
}

Session::Session(std::uint16_t port, unsigned number, unsigned luns) : in_(kInputBytes) {
  connect(port);
  log_in(number);
  attentions_pass_ = true;
  for (unsigned lun = 0; lun < luns; ++lun)
    test_unit_ready(static_cast<std::uint16_t>(lun), lun);
  flush();
  for (unsigned left = luns; left != 0;)
    receive([&left](std::uint32_t) { --left; });
  attentions_pass_ = false;
}

Session::~Session() {
  ::close(fd_);
}

void Session::connect(std::uint16_t port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, static_cast<const sockaddr*>(static_cast<const void*>(&address)),
                sizeof address) != 0)
    throw std::runtime_error("cannot connect to port " + std::to_string(port));
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void Session::log_in(unsigned number) {
  std::string text;
  for (const std::string& pair :
       {std::string("InitiatorName=iqn.2026-11.example.bench:load"),
        std::string("TargetName=") + kTargetName, std::string("SessionType=Normal"),
        std::string("InitialR2T=No"), std::string("ImmediateData=Yes"),
        std::string("MaxRecvDataSegmentLength=262144")})
    text += pair + '\0';
  std::array<std::uint8_t, kHeaderBytes> header{};
  header[0] = kLogin;
  header[1] = 0x87;  // operational negotiation, then full feature
  bytes::put_be32(header.data() + 4, static_cast<std::uint32_t>(text.size()));
  header[8] = 0x80;
  bytes::put_be32(header.data() + 9, number << 8);
  bytes::put_be32(header.data() + 24, cmd_sn_);
  out_.insert(out_.end(), header.begin(), header.end());
  out_.insert(out_.end(), text.begin(), text.end());
  out_.resize((out_.size() + 3) & ~std::size_t{3});
  flush();
  while (have_ < kHeaderBytes || have_ < pdu_bytes(in_.data()))
    read_more();
  const auto* answer = in_.data();
  if (answer[0] != kLoginResponse || bytes::be16(answer + 36) != 0 || answer[1] != header[1])
    throw std::runtime_error("the target refuses the login");
  exp_stat_sn_ = bytes::be32(answer + 24) + 1;
  max_cmd_sn_ = bytes::be32(answer + 32);
  have_ = 0;
}

// ---- commands ----------------------------------------------------------------------------------

void Session::put_command(std::uint8_t flags, std::uint16_t lun, std::uint32_t tag,
                          std::uint32_t length, const std::uint8_t (&cdb)[16],
                          std::uint32_t data_bytes) {
  const auto at = out_.size();
  out_.resize(at + kHeaderBytes + data_bytes);
  auto* const header = out_.data() + at;
  header[0] = kCommand;
  header[1] = static_cast<std::uint8_t>(flags | kFinal | kSimple);
  bytes::put_be32(header + 4, data_bytes);
  bytes::put_be16(header + 8, lun);
  bytes::put_be32(header + 16, tag);
  bytes::put_be32(header + 20, length);
  bytes::put_be32(header + 24, cmd_sn_++);
  bytes::put_be32(header + 28, exp_stat_sn_);
  std::memcpy(header + 32, cdb, sizeof cdb);
}

void Session::test_unit_ready(std::uint16_t lun, std::uint32_t tag) {
  put_command(0, lun, tag, 0, {}, 0);
}

void Session::queue(const Command& command) {
  std::uint8_t cdb[16] = {};
  cdb[0] = command.write ? 0x2a : 0x28;
  bytes::put_be32(cdb + 2, command.lba);
  bytes::put_be16(cdb + 7, command.blocks);
  const auto length = command.blocks * kBlockBytes;
  put_command(command.write ? kWrite : kRead, command.lun, command.tag, length, cdb,
              command.write ? length : 0);
}

void Session::flush() {
  for (std::size_t sent = 0; sent < out_.size();) {
    const auto count = ::send(fd_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw std::runtime_error(std::string("send: ") + std::strerror(errno));
    sent += static_cast<std::size_t>(count);
  }
  out_.clear();
}

// ---- answers -----------------------------------------------------------------------------------

void Session::read_more() {
  for (;;) {
    const auto count = ::recv(fd_, in_.data() + have_, in_.size() - have_, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw std::runtime_error("the target closed the connection");
    have_ += static_cast<std::size_t>(count);
    received_at_ = now();
    return;
  }
}

void Session::receive(const Done& done) {
  read_more();
  std::size_t used = 0;
  while (have_ - used >= kHeaderBytes && have_ - used >= pdu_bytes(in_.data() + used)) {
    take(in_.data() + used, done);
    used += pdu_bytes(in_.data() + used);
  }
  std::memmove(in_.data(), in_.data() + used, have_ - used);
  have_ -= used;
}

void Session::take(const std::uint8_t* header, const Done& done) {
  const auto code = header[0];
  if (code == kNopIn) return;
  if (code != kResponse && code != kDataIn)
    throw std::runtime_error("PDU of opcode " + std::to_string(code) + " from the target");
  max_cmd_sn_ = bytes::be32(header + 32);
  if (code == kDataIn && (header[1] & kHasStatus) == 0) return;
  exp_stat_sn_ = bytes::be32(header + 24) + 1;
  if (header[3] != 0 && !attentions_pass_)
    throw std::runtime_error("a command ended with status " + std::to_string(header[3]));
  done(bytes::be32(header + 16));
}

}  // namespace faultlun::bench
