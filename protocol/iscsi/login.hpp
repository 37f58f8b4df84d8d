// The login phase of one connection: stages, negotiation, CHAP, status codes.  RFC 7143 §6, §11.12, §11.13, §12.
// Bytes in, bytes out; randomness and the table of live sessions are arguments.
#pragma once

#include "protocol/bytes/bytes.hpp"
#include "protocol/iscsi/directory.hpp"
#include "protocol/iscsi/parameters.hpp"
#include "protocol/iscsi/pdu.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace faultlun::iscsi {

using Isid = std::array<std::uint8_t, 6>;

/// What the login asks about live sessions.  The daemon answers from its table.
class SessionIndex {
 public:
  virtual ~SessionIndex() = default;
  /// Is there a live session of this initiator with this TSIH (and ISID) on the target and portal group?
  virtual bool exists(std::string_view initiator, const Isid& isid, std::uint16_t tsih,
                      std::string_view target, std::uint16_t portal_group_tag) const = 0;
  /// Is there room for one more session?  Otherwise the login ends with 0302.
  virtual bool room() const = 0;
  /// A TSIH for a new session: non-zero, not in use.
  virtual std::uint16_t new_tsih() = 0;
};

struct LoginContext {
  const Directory& directory;
  SessionIndex& sessions;
  std::uint16_t portal_group_tag = 1;
  void (*random)(bytes::Span out) = nullptr;  ///< CHAP challenges and identifiers
};

/// Everything the full-feature phase starts from.
struct LoginResult {
  SessionType type = SessionType::normal;
  std::string initiator_name, initiator_alias, target_name;
  Isid isid{};
  std::uint16_t tsih = 0, cid = 0, portal_group_tag = 1;
  bool reinstates = false;          ///< TSIH named a live session, same CID: connection reinstatement
  std::uint32_t cmd_sn = 0;         ///< the first command's CmdSN (ExpCmdSN)
  std::uint32_t stat_sn = 0;        ///< the next StatSN to use
  Parameters parameters;
};

class Login {
 public:
  explicit Login(LoginContext context);
  ~Login();
  Login(Login&&) noexcept;

  enum class State : std::uint8_t { more, full_feature, failed };

  /// Takes one PDU and appends the answer (whole PDUs, padded, never with digests) to `out`.  `failed`: send `out`,
  /// then close.  `failed` with nothing in `out`: close at once (the first PDU was no Login, A5.01).
  State receive(const PduView& pdu, bytes::Buffer& out);

  const LoginResult& result() const;  ///< once full_feature
  /// For logs and metrics: class*256+detail of the last status sent, and in words why the login failed.
  std::uint16_t status() const;
  const std::string& failure() const;

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// Text Requests of the full-feature phase: SendTargets and the few keys allowed there (§6.4, §11.10, Appendix C).  Keeps one exchange;
/// long answers are split to the initiator's MaxRecvDataSegmentLength with C=1 and a Target Transfer Tag.
class TextExchange {
 public:
  TextExchange(const Directory& directory, const LoginResult& login);

  struct Answer {
    enum class Kind : std::uint8_t { response, reject };
    Kind kind = Kind::response;
    std::uint8_t reject_reason = 0;          ///< RFC 7143 §11.17.1
    bytes::Buffer data;                      ///< data segment of the Text Response
    bool final = true, more = false;         ///< F and C
    std::uint32_t target_transfer_tag = kReservedTag;
    std::optional<std::uint32_t> peer_max_recv_data_segment_length;  ///< re-declared in this exchange
  };
  Answer receive(const PduView& pdu);

 private:
  const Directory* directory_;
  std::string initiator_, target_;
  SessionType type_;
  std::uint32_t segment_limit_;
  std::string collected_, unsent_;
  std::uint32_t tag_ = kReservedTag, next_tag_ = 1, exchange_itt_ = kReservedTag;
};

}  // namespace faultlun::iscsi
