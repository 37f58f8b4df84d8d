// An initiator for load: one session of plain PDUs over one socket, no digests, commands and
// answers in batches.  RFC 7143.  It keeps numbers and tags right and judges nothing but the
// status.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace faultlun::bench {

using Nanoseconds = std::int64_t;

/// CLOCK_MONOTONIC.
Nanoseconds now();

inline constexpr std::uint32_t kBlockBytes = 512;

class Session {
 public:
  /// Logs in at the loopback; `number` makes the initiator port one of its own.  Unit attentions of
  /// LUNs 0 to `luns` - 1 are fetched.  Throws std::runtime_error when the target does not play
  /// along, here and below.
  Session(std::uint16_t port, unsigned number, unsigned luns = 1);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  struct Command {
    bool write = false;
    std::uint16_t lun = 0;
    std::uint32_t lba = 0;
    std::uint16_t blocks = 8;
    std::uint32_t tag = 0;  ///< of no command in progress
  };
  /// To be sent by flush().  A write brings its data along.
  void queue(const Command& command);
  void flush();
  using Done = std::function<void(std::uint32_t tag)>;
  /// Waits for input and tells of every command that it ends, GOOD every one of them.
  void receive(const Done& done);
  Nanoseconds received_at() const { return received_at_; }  ///< of the last input
  /// The target takes so many more commands.
  std::uint32_t window() const { return max_cmd_sn_ - cmd_sn_ + 1; }
  int fd() const { return fd_; }

 private:
  void connect(std::uint16_t port);
  void log_in(unsigned number);
  void test_unit_ready(std::uint16_t lun, std::uint32_t tag);
  void put_command(std::uint8_t flags, std::uint16_t lun, std::uint32_t tag, std::uint32_t length,
                   const std::uint8_t (&cdb)[16], std::uint32_t data_bytes);
  void read_more();
  void take(const std::uint8_t* header, const Done& done);

  int fd_ = -1;
  std::uint32_t cmd_sn_ = 1, exp_stat_sn_ = 0, max_cmd_sn_ = 1;
  bool attentions_pass_ = false;  ///< any status is good enough
  std::vector<std::uint8_t> out_, in_;
  std::size_t have_ = 0;
  Nanoseconds received_at_ = 0;
};

}  // namespace faultlun::bench
