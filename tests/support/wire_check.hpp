// A judge who sees every PDU of a connection and knows the rules of RFC 7143 that hold for all of
// them: reserved fields, sequence numbers, data order, residuals.  Runs behind every test, not only
// those that ask.
#pragma once

#include "tests/support/pdu.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace faultlun::support {

/// What the judge must know of the negotiation; lengths in bytes.
struct WireRules {
  std::uint32_t our_max_recv_data_segment_length = 8192;  ///< nothing longer may reach us
  std::uint32_t max_burst_length = 262144;
  std::uint32_t max_outstanding_r2t = 1;
  std::uint8_t protocol_level = 1;
  bool full_feature = false;
};

class WireCheck {
 public:
  WireRules rules;

  /// Our own PDUs: opens tasks, closes R2Ts.
  void note_sent(const Pdu& pdu);
  /// A target's PDU; returns what is wrong with it, in words.
  std::vector<std::string> check(const Pdu& pdu);

  /// The task was aborted (or never started): an answer to it is a violation from now on.
  void forget(std::uint32_t tag) { tasks_.erase(tag); }
  /// A test that breaks the rules itself switches off what follows from that.
  bool tolerate_unknown_tags = false;
  bool tolerate_missing_sense = false;

  std::optional<std::uint32_t> next_stat_sn() const { return next_stat_sn_; }
  std::optional<std::uint32_t> exp_cmd_sn() const { return exp_cmd_sn_; }
  std::optional<std::uint32_t> max_cmd_sn() const { return max_cmd_sn_; }
  std::size_t open_tasks() const { return tasks_.size(); }

 private:
  struct OpenTask {
    Op kind = Op::scsi_command;
    std::uint32_t expected_length = 0, cmd_sn = 0;
    bool immediate = false, reads = false, writes = false;
    std::array<std::uint8_t, 8> lun{};
    std::uint32_t data_in_pdus = 0, data_in_bytes = 0, burst_bytes = 0;
    bool last_data_in_final = true;
    std::uint32_t r2ts = 0;
    std::optional<std::uint32_t> next_r2t_offset;
    std::set<std::uint32_t> open_r2ts;
  };
  using Findings = std::vector<std::string>;

  void check_format(const Pdu& pdu, Findings& findings) const;
  void check_fields(const Pdu& pdu, Findings& findings) const;
  void check_numbers(const Pdu& pdu, Findings& findings);
  void check_task(const Pdu& pdu, Findings& findings);
  void check_data_in(const Pdu& pdu, OpenTask& task, Findings& findings) const;
  void check_r2t(const Pdu& pdu, OpenTask& task, Findings& findings) const;
  void check_scsi_response(const Pdu& pdu, const OpenTask& task, Findings& findings) const;
  void check_residual(const Pdu& pdu, const OpenTask& task, Findings& findings) const;

  std::map<std::uint32_t, OpenTask> tasks_;
  std::optional<std::uint32_t> next_stat_sn_, exp_cmd_sn_, max_cmd_sn_;
};

/// a < b in 32-bit serial arithmetic (RFC 1982).
bool serial_less(std::uint32_t a, std::uint32_t b);

}  // namespace faultlun::support
