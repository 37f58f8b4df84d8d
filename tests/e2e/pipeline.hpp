// A session that always has many commands in flight, and remembers how each CmdSN was answered.
#pragma once

#include "tests/e2e/lab.hpp"

#include <cstdlib>
#include <map>
#include <string>

namespace faultlun::e2e {

class Pipeline {
 public:
  Pipeline(RawInitiator& session, std::size_t depth) : session_(session), depth_(depth) {}

  /// Sends a command; waits for answers first while too many are in flight.
  void send(Pdu command) {
    while (in_flight_.size() >= depth_)
      take();
    const auto tag = session_.send(std::move(command));
    in_flight_[tag] = session_.last_sent.cmd_sn();
  }
  void read(std::uint32_t lba, std::uint16_t blocks) {
    send(scsi_command(read_10(lba, blocks), blocks * 512U, kFinal | kRead | kSimple));
  }
  /// Its data goes with it.
  void write(std::uint32_t lba, std::uint16_t blocks, const Octets& data) {
    send(scsi_command(write_10(lba, blocks), blocks * 512U, kFinal | kWrite | kSimple, data));
  }
  void finish() {
    while (!in_flight_.empty())
      take();
  }
  /// By CmdSN, in order; the status octet.
  const std::map<std::uint32_t, std::uint8_t>& answers() const { return answers_; }

 private:
  void take() {
    const auto pdu = session_.receive();
    const bool ends = pdu.opcode() == Op::scsi_response ||
                      (pdu.opcode() == Op::data_in && (pdu.at(1) & 0x01) != 0);
    if (!ends) return;
    const auto found = in_flight_.find(pdu.tag());
    REQUIRE(found != in_flight_.end());
    answers_[found->second] = pdu.at(3);
    in_flight_.erase(found);
  }

  RawInitiator& session_;
  std::size_t depth_;
  std::map<std::uint32_t, std::uint32_t> in_flight_;  ///< CmdSN by tag
  std::map<std::uint32_t, std::uint8_t> answers_;
};

/// A number from the environment, for those who have more time.
inline std::size_t runs_of(const char* variable, std::size_t usual) {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : usual;
}

}  // namespace faultlun::e2e
