// The login phase of one connection: stages, negotiation, CHAP, status codes.  RFC 7143 §6, §11.12,
// §11.13, §12.  Bytes in, bytes out; randomness and the table of live sessions are arguments.
// Also Text Requests of the full-feature phase, which share the key table.
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

/// Requests one login may take: enough for 64 KiB of text in pieces of 16 bytes.
inline constexpr std::uint32_t kMaxLoginRequests = 4096;

/// What a login that reinstates a connection takes over from the live session.
struct LiveSession {
  SessionType type = SessionType::normal;
  std::uint16_t cid = 0;
  Parameters parameters{};
};

/// What the login asks about live sessions.  The daemon answers from its table.
class SessionIndex {
 public:
  virtual ~SessionIndex() = default;
  /// Is there a live session of this initiator with this TSIH (and ISID) on the target and portal
  /// group? `tsih` 0 asks for any: would a new session of this name and ISID reinstate one?
  virtual bool exists(std::string_view initiator, const Isid& isid, std::uint16_t tsih,
                      std::string_view target, std::uint16_t portal_group_tag) const = 0;
  /// The session behind a TSIH for which exists() said yes.  Without an answer any CID reinstates
  /// the connection, and the session-wide parameters start from the defaults.
  virtual std::optional<LiveSession> live(std::uint16_t tsih) const {
    static_cast<void>(tsih);
    return std::nullopt;
  }
  /// Is there room for one more session?  Otherwise the login ends with 0302, unless it reinstates
  /// one.
  virtual bool room() const = 0;
  /// A TSIH for a new session: non-zero, not in use.
  virtual std::uint16_t new_tsih() = 0;
};

/// What is to become of a login that the directory would let in.
struct LoginOrder {
  enum class Kind : std::uint8_t { proceed, refuse, silence };
  Kind kind = Kind::proceed;
  std::uint16_t status = 0;  ///< refuse: class * 256 + detail (§11.13.5)
  const char* reason = "";
};
/// Asked once, when the names of a login are known.
class LoginJudge {
 public:
  virtual ~LoginJudge() = default;
  /// `target` is empty for a discovery session that names none.
  virtual LoginOrder judge(std::string_view initiator, const Isid& isid,
                           std::string_view target) = 0;
};

struct LoginContext {
  const Directory& directory;  ///< must outlive the login
  SessionIndex& sessions;
  std::uint16_t portal_group_tag = 1;
  void (*random)(bytes::Span out) = nullptr;  ///< CHAP challenges and identifiers
  std::string portal_address{};  ///< local address:port of the connection, for wildcard portals
  std::uint32_t command_window =
      kCommandWindow;  ///< the session's: MaxCmdSN must not go back later
  std::uint32_t first_stat_sn = 1;
  LoginJudge* judge = nullptr;  ///< nobody: every login proceeds
};

/// Everything the full-feature phase starts from.
struct LoginResult {
  SessionType type = SessionType::normal;
  std::string initiator_name{}, initiator_alias{}, target_name{};  ///< initiator_name in lower case
  Isid isid{};
  std::uint16_t tsih = 0, cid = 0, portal_group_tag = 1;
  bool reinstates = false;    ///< TSIH named a live session, same CID: connection reinstatement
  std::uint32_t cmd_sn = 0;   ///< the first command's CmdSN (ExpCmdSN)
  std::uint32_t stat_sn = 0;  ///< the next StatSN to use
  Parameters parameters{};
  std::string portal_address{};  ///< as in LoginContext
};

class Login {
 public:
  explicit Login(LoginContext context);
  ~Login();
  Login(Login&&) noexcept;

  enum class State : std::uint8_t { more, full_feature, failed };

  /// Takes one PDU and appends the answer (whole PDUs, padded, never with digests) to `out`.
  /// `failed`: send `out`, then close.  `failed` with nothing in `out`: close at once (the first
  /// PDU was no Login, A5.01).
  State receive(const PduView& pdu, bytes::Buffer& out);

  const LoginResult& result() const;  ///< once full_feature
  /// The name that was declared, "" before that.
  const std::string& initiator_name() const;
  /// For logs and metrics: class*256+detail of the last status sent, and in words why the login
  /// failed.
  std::uint16_t status() const;
  const std::string& failure() const;

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// Text Requests of the full-feature phase: SendTargets and the few keys allowed there (§6.4,
/// §11.10, Appendix C).  Keeps one exchange; long answers are split to the initiator's
/// MaxRecvDataSegmentLength with C=1 and a Target Transfer Tag.  A request with the same ITT and
/// TTT FFFFFFFFh starts afresh (§11.10.4); one with another ITT while an exchange is open is
/// rejected (reason 07h) and ends it.
class TextExchange {
 public:
  TextExchange(const Directory& directory, const LoginResult& login);

  struct Answer {
    enum class Kind : std::uint8_t { response, reject };
    Kind kind = Kind::response;
    std::uint8_t reject_reason = 0;   ///< RFC 7143 §11.17.1
    bytes::Buffer data;               ///< data segment of the Text Response
    bool final = true, more = false;  ///< F and C
    std::uint32_t target_transfer_tag = kReservedTag;
    std::optional<std::uint32_t>
        peer_max_recv_data_segment_length;  ///< re-declared in this exchange
  };
  Answer receive(const PduView& pdu);
  void set_directory(const Directory& directory) { directory_ = &directory; }

 private:
  Answer take(const PduView& pdu, bool final, bool more);
  Answer answer_text(bool final);
  Answer next_piece(bool final);
  Answer keep_open(Answer answer);
  Answer reject(std::uint8_t reason);
  bool append_targets(std::string_view request, std::string& out) const;
  void forget();

  const Directory* directory_;
  std::string initiator_, target_, portal_address_;
  SessionType type_;
  std::uint32_t segment_limit_;
  // The exchange in progress.
  std::string collected_, unsent_;
  std::size_t text_bytes_ = 0;               ///< taken in all its requests
  std::uint64_t seen_ = 0;                   ///< keys offered so far (Negotiation::seen)
  std::optional<std::uint32_t> redeclared_;  ///< takes effect when the exchange ends well (A4.15)
  std::uint32_t tag_ = kReservedTag, exchange_itt_ = kReservedTag;
  std::uint32_t last_tag_ = 0;
};

}  // namespace faultlun::iscsi
