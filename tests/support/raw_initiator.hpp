// The tests' own initiator: blocking, guarded by time limits, on plain POSIX sockets.  It sends
// anything, legal or not, and every PDU that comes back passes WireCheck; what that finds fails the
// running test.
#pragma once

#include "tests/support/chap_responder.hpp"
#include "tests/support/pdu.hpp"
#include "tests/support/wire_check.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace faultlun::support {

inline constexpr int kPatience = 5000;  ///< ms that an answer may take before a test fails

struct Endpoint {
  std::string host = "127.0.0.1";
  std::uint16_t port = 3260;
};

/// The peer closed, stayed silent, or sent what cannot be a PDU.
class WireError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One TCP connection and nothing else.
class Connection {
 public:
  explicit Connection(const Endpoint& endpoint, int receive_buffer_bytes = 0);
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void write(
      const Octets& octets);  ///< WireError when the peer is gone or does not read for kPatience
  /// Writes what fits within `ms`; returns how much went out (also when the peer has closed).
  std::size_t write_some(const Octets& octets, int ms);
  /// False at an orderly or hard end before the first octet; WireError when it ends inside or takes
  /// too long.
  bool read(std::uint8_t* to, std::size_t length, int ms);
  bool readable(int ms) const;  ///< something, or the end, arrives within `ms`
  bool closed_within(int ms);   ///< the end arrives; octets before it are thrown away
  void half_close();            ///< shutdown(SHUT_WR)
  void close();
  void reset();  ///< close with RST
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

using Isid = std::array<std::uint8_t, 6>;
inline constexpr Isid kIsid = {0x80, 0x12, 0x34, 0x56, 0x00, 0x01};

inline constexpr char kTargetName[] = "iqn.2026-11.example.faultlun:lab";
inline constexpr char kInitiatorName[] = "iqn.2026-11.example.test:raw";

/// The operational keys that a login offers unless a test says otherwise: all at or near what the
/// target would like.
Keys default_keys();

struct LoginOptions {
  std::string initiator = kInitiatorName;
  std::string target = kTargetName;  ///< "" leaves the key out
  bool discovery = false;
  bool named = false;  ///< a discovery session that names `target`
  Isid isid = kIsid;
  std::uint16_t tsih = 0, cid = 0;
  Keys keys = default_keys();
  std::optional<ChapSecrets> chap;  ///< starts in the security stage
  std::uint32_t cmd_sn = 1;
};

/// What both sides settled, read from what was offered and answered.
struct Settled {
  bool header_digest = false, data_digest = false, initial_r2t = true, immediate_data = true;
  std::uint32_t target_max_recv = 8192, our_max_recv = 8192, max_burst = 262144,
                first_burst = 65536;
  std::uint32_t max_outstanding_r2t = 1, protocol_level = 1;
};

struct LoginOutcome {
  std::uint16_t status = 0xffff;  ///< class * 256 + detail
  Keys answers;                   ///< of all responses, in order
  std::vector<Pdu> responses;
  std::uint16_t tsih = 0;
  bool target_proved_itself = false;  ///< mutual CHAP checked
  bool ok() const { return status == 0; }
};

/// How a SCSI command ended.
struct Outcome {
  std::uint8_t response = 0xff, status = 0xff;
  Octets data;   ///< Data-In, in order
  Octets sense;  ///< without the length prefix
  bool overflow = false, underflow = false;
  std::uint32_t residual = 0;
  Pdu last;  ///< the PDU that carried the status
  std::vector<Pdu> r2ts;
  std::size_t data_in_pdus = 0;
  bool good() const { return response == 0 && status == 0; }
  std::uint32_t sense_code() const;  ///< key, ASC and ASCQ as 0xKKAAQQ; 0 without sense data
  std::string describe() const;
};

struct ExecuteOptions {
  std::uint16_t lun = 0;
  std::uint8_t attribute = kSimple;
  std::optional<std::uint32_t> expected_length;  ///< EDTL when it is not the natural one
  bool immediate_delivery = false;               ///< the I bit
  int patience_ms = kPatience;
};

class RawInitiator {
 public:
  explicit RawInitiator(const Endpoint& endpoint, int receive_buffer_bytes = 0);

  // ---- PDUs
  // ------------------------------------------------------------------------------------------

  /// Fills tag, CmdSN and ExpStatSN unless the PDU claims its own, sends it, returns its tag.
  std::uint32_t send(Pdu pdu);
  /// The octets `send` would put on the wire for a PDU whose fields are final.
  Octets wire_octets(const Pdu& pdu) const;
  void send_octets(const Octets& octets) { connection.write(octets); }
  /// The next PDU; pings of the target are answered on the way.  WireError when none comes in time.
  Pdu receive(int ms = kPatience);
  std::optional<Pdu> try_receive(int ms);  ///< nothing: silence or the end
  /// The next PDU that belongs to `tag`; others wait for their turn.
  Pdu receive_for(std::uint32_t tag, int ms = kPatience);
  Pdu exchange(const Pdu& pdu) { return receive_for(send(pdu)); }

  // ---- expectations: each fails the test with what came instead
  // ----------------------------------------

  Pdu expect_reject(std::uint8_t reason, const Pdu* rejected = nullptr);
  void expect_closed(int ms = kPatience);  ///< anything that still comes first is read and judged
  void expect_silence(int ms);
  void expect_alive();  ///< a ping comes back

  // ---- sessions
  // ----------------------------------------------------------------------------------------

  LoginOutcome login(const LoginOptions& options = {});
  /// One Login Request and its response; answers nothing when the target closes instead.
  std::optional<Pdu> login_step(std::uint8_t stages, bool transit, const Keys& keys,
                                const LoginOptions& options = {});
  /// After a login that the test drove itself.
  void enter_full_feature(const Settled& settled);
  Keys discover(const std::string& value = "All");
  void logout_and_close();
  /// Issues TEST UNIT READY until no unit attention is left; returns their codes, 0xKKAAQQ.
  std::vector<std::uint32_t> drain_attentions(std::uint16_t lun = 0);

  // ---- commands
  // ----------------------------------------------------------------------------------------

  Outcome execute(const Cdb& cdb, const ExecuteOptions& options = {});  ///< no data
  Outcome execute_read(const Cdb& cdb, std::uint32_t length, const ExecuteOptions& options = {});
  Outcome execute_write(const Cdb& cdb, const Octets& data, const ExecuteOptions& options = {});
  Octets read_blocks(std::uint32_t lba,
                     std::uint16_t blocks);  ///< of 512 octets; fails the test unless GOOD
  void write_blocks(std::uint32_t lba, const Octets& data);
  /// Starts a WRITE(10) whose Data-Out stays with us, so that the task is in flight; returns its
  /// tag once the first R2T has come.
  std::uint32_t start_held_write(std::uint32_t lba, std::uint16_t blocks, std::uint16_t lun = 0);
  /// Sends the Data-Out that an R2T asks for, out of `data` (the whole command's), and nothing
  /// else.
  void answer_r2t(const Pdu& r2t, const Octets& data);
  /// Collects Data-In, answers R2Ts out of `data`, until the status of `tag`.
  Outcome finish(std::uint32_t tag, const Octets& data = {}, int ms = kPatience);
  std::uint8_t manage(std::uint8_t function, std::uint16_t lun = 0,
                      std::uint32_t referenced = kNoTag,
                      std::uint32_t ref_cmd_sn = 0);  ///< the response code

  Connection connection;
  WireCheck check;
  Settled settled;
  LoginOutcome login_outcome;
  std::uint32_t cmd_sn = 1;       ///< of the next non-immediate request
  std::uint32_t exp_stat_sn = 0;  ///< what the next request acknowledges
  bool answer_pings = true;
  Pdu last_sent;           ///< as it went out, lengths and numbers filled in
  std::vector<Pdu> pings;  ///< unsolicited NOP-Ins seen

 private:
  std::optional<Pdu> read_pdu(int ms);
  void judge(const Pdu& pdu);
  LoginOutcome run_login(const LoginOptions& options);
  bool chap_round(const ChapSecrets& chap, const Keys& answers, Keys& next, LoginOutcome& outcome);

  static constexpr int kMostFindings =
      4;  ///< reported per connection: one mistake repeats in every PDU
  int findings_ = 0;
  bool full_feature_ = false;
  std::uint32_t next_tag_ = 0x1000;
  Octets our_challenge_;
  std::uint8_t our_identifier_ = 0;
  int chap_algorithm_ = 0;
  std::deque<Pdu> waiting_;
};

Settled settle(const Keys& offered, const Keys& answered);

}  // namespace faultlun::support
