#include "protocol/iscsi/login.hpp"

#include "protocol/iscsi/login_admission.hpp"
#include "protocol/iscsi/login_security.hpp"
#include "protocol/iscsi/negotiation.hpp"
#include "protocol/iscsi/text.hpp"
#include "protocol/iscsi/wire.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace faultlun::iscsi {

using wire::LoginRequestBhs;
using wire::LoginResponseBhs;

namespace {

constexpr std::uint8_t kTransit = 0x80;  // T of octet 1
constexpr std::uint8_t kReservedStage = 2;

Stage stage_of(unsigned bits) {
  return static_cast<Stage>(bits & 3U);
}
Stage current_stage(const LoginRequestBhs& bhs) {
  return stage_of(bhs.flags >> 2U);
}
Stage next_stage(const LoginRequestBhs& bhs) {
  return stage_of(bhs.flags);
}
bool wants_transit(const LoginRequestBhs& bhs) {
  return (bhs.flags & kTransit) != 0;
}
bool is_continued(const LoginRequestBhs& bhs) {
  return (bhs.flags & wire::kContinue) != 0;
}
bool is_reserved(Stage stage) {
  return static_cast<std::uint8_t>(stage) == kReservedStage;
}

LoginVerdict initiator_error(std::string why) {
  return {LoginStatus::initiator_error, std::move(why)};
}

/// Text that must not change once said (A5.19).
bool contradicts(const std::optional<std::string_view>& said,
                 const std::optional<std::string>& before) {
  return said && before && *said != *before;
}

}  // namespace

class Login::Impl {
 public:
  explicit Impl(LoginContext context) : context_(std::move(context)) {}

  State receive(const PduView& pdu, bytes::Buffer& out);

  LoginResult result_;
  LoginStatus status_ = LoginStatus::success;
  std::string failure_;

  const std::string& initiator_name() const {
    static const std::string none;
    return said_.initiator_name ? *said_.initiator_name : none;
  }

 private:
  /// What the names of the first request said, to compare repetitions with.
  struct Said {
    std::optional<std::string> initiator_name, initiator_alias, target_name, session_type;
  };

  LoginVerdict check_first() const;
  LoginVerdict check_header() const;
  LoginVerdict check_constants() const;
  LoginVerdict take_text(const PduView& pdu);
  LoginVerdict process_text();
  LoginVerdict introduce(const Declared& keys);
  LoginVerdict compare_names(const Declared& keys) const;
  LoginVerdict check_security(const Declared& keys);
  void declare_ours();
  void remember(const Declared& keys);

  State respond(bytes::Buffer& out);
  LoginVerdict enter_full_feature();
  State fail(LoginVerdict verdict, bytes::Buffer& out);
  void put_response(std::uint8_t flags, std::string_view text, bytes::Buffer& out);

  LoginContext context_;
  State state_ = State::more;
  bool started_ = false;     ///< a first Login Request came
  bool silent_ = false;      ///< nothing is answered any more
  bool introduced_ = false;  ///< its whole text was judged
  LoginRequestBhs first_{}, request_{};
  std::uint32_t requests_ = 0;
  std::uint32_t stat_sn_ = 0;
  std::string collected_, unsent_;
  std::size_t text_bytes_ = 0;  ///< taken in all requests
  std::string redirect_, target_alias_;
  Said said_;
  Negotiation negotiation_;
  Authentication authentication_;
  bool tag_declared_ = false, limit_declared_ = false;
};

Login::State Login::Impl::receive(const PduView& pdu, bytes::Buffer& out) {
  if (state_ != State::more || silent_) return state_;
  if (pdu.opcode() != wire::opcode::kLoginRequest) {
    if (started_)
      return fail({LoginStatus::invalid_during_login, "a PDU that is no Login Request"}, out);
    failure_ = "the first PDU is no Login Request";
    return state_ = State::failed;
  }
  request_ = bytes::load<LoginRequestBhs>(pdu.header.first<sizeof(LoginRequestBhs)>());
  if (!started_) {
    started_ = true;
    first_ = request_;
    stat_sn_ = context_.first_stat_sn;
    if (auto verdict = check_first(); !verdict.ok()) return fail(std::move(verdict), out);
    negotiation_.stage = current_stage(request_);
  }
  if (auto verdict = check_header(); !verdict.ok()) return fail(std::move(verdict), out);
  if (auto verdict = take_text(pdu); !verdict.ok()) return fail(std::move(verdict), out);
  return silent_ ? state_ : respond(out);
}

LoginVerdict Login::Impl::check_first() const {
  if (request_.version_min > 0)
    return {LoginStatus::unsupported_version, "only version 0 is spoken"};
  const auto stage = current_stage(request_);
  if (stage != Stage::security && stage != Stage::operational)
    return initiator_error("a login starts in stage 0 or 1");
  return {};
}

LoginVerdict Login::Impl::check_constants() const {
  const bool same =
      request_.version_max == first_.version_max && request_.version_min == first_.version_min &&
      std::equal(request_.isid, request_.isid + 6, first_.isid) &&
      request_.tsih.value() == first_.tsih.value() && request_.cid.value() == first_.cid.value();
  return same ? LoginVerdict{}
              : initiator_error("version, ISID, TSIH or CID changed during the login");
}

LoginVerdict Login::Impl::check_header() const {
  if (auto verdict = check_constants(); !verdict.ok()) return verdict;
  const auto current = current_stage(request_), next = next_stage(request_);
  if (current != negotiation_.stage) return initiator_error("CSG is not the stage the login is in");
  if (!wants_transit(request_)) return {};  // NSG is reserved then
  if (is_continued(request_)) return initiator_error("C and T together");
  if (is_reserved(next) || next <= current) return initiator_error("NSG is not a later stage");
  return {};
}

LoginVerdict Login::Impl::take_text(const PduView& pdu) {
  if (++requests_ > kMaxLoginRequests) return initiator_error("too many Login Requests");
  if (pdu.data.size() > kLoginMaxDataSegment)
    return initiator_error("data segment over 8192 bytes");
  text_bytes_ += pdu.data.size();
  if (text_bytes_ > kMaxTextBytes) return initiator_error("more than 64 KiB of text");
  if (!unsent_.empty()) {
    const bool only_asks = pdu.data.empty() && !is_continued(request_);
    return only_asks ? LoginVerdict{} : initiator_error("text while ours is still being sent");
  }
  collected_ += bytes::text(pdu.data);
  return is_continued(request_) ? LoginVerdict{} : process_text();
}

LoginVerdict Login::Impl::process_text() {
  const std::string text = std::exchange(collected_, {});
  const auto parsed = parse_text(text);
  if (parsed.problem != nullptr) return initiator_error(parsed.problem);
  Declared keys;
  if (auto problem = collect(negotiation_, parsed.pairs, keys)) return initiator_error(*problem);
  const bool first = !introduced_;
  auto verdict = first ? introduce(keys) : compare_names(keys);
  if (first || verdict.ok()) remember(keys);
  if (!verdict.ok()) return verdict;
  if (verdict = check_security(keys); !verdict.ok()) return verdict;
  if (auto problem = answer(negotiation_, parsed.pairs, unsent_)) return initiator_error(*problem);
  declare_ours();
  return {};
}

LoginVerdict Login::Impl::introduce(const Declared& keys) {
  introduced_ = true;
  SessionHandle handle{.tsih = first_.tsih.value(), .cid = first_.cid.value()};
  std::copy_n(first_.isid, handle.isid.size(), handle.isid.begin());
  auto admission = admit(context_, keys, handle);
  redirect_ = std::move(admission.redirect);
  if (!admission.verdict.ok()) return admission.verdict;
  if (context_.judge != nullptr) {
    const auto order =
        context_.judge->judge(admission.initiator_name, handle.isid, admission.target_name);
    silent_ = order.kind == LoginOrder::Kind::silence;
    if (order.kind == LoginOrder::Kind::refuse)
      return {static_cast<LoginStatus>(order.status), order.reason};
  }
  target_alias_ = std::move(admission.target_alias);
  negotiation_.type = admission.type;
  negotiation_.leading = handle.tsih == 0;
  negotiation_.parameters = admission.parameters;
  authentication_ = Authentication(std::move(admission.account), context_.random);
  result_.type = admission.type;
  result_.initiator_name = std::move(admission.initiator_name);
  result_.target_name = std::move(admission.target_name);
  result_.isid = handle.isid;
  result_.tsih = handle.tsih;
  result_.cid = handle.cid;
  result_.reinstates = admission.reinstates;
  return {};
}

LoginVerdict Login::Impl::compare_names(const Declared& keys) const {
  const bool changed = contradicts(keys.initiator_name, said_.initiator_name) ||
                       contradicts(keys.initiator_alias, said_.initiator_alias) ||
                       contradicts(keys.target_name, said_.target_name) ||
                       contradicts(keys.session_type, said_.session_type);
  if (changed) return initiator_error("a name was declared again with another value");
  const std::string_view type = negotiation_.type == SessionType::normal ? "Normal" : "Discovery";
  const bool late =
      (keys.target_name && !said_.target_name) || keys.session_type.value_or(type) != type;
  return late ? initiator_error("TargetName and SessionType belong into the first request")
              : LoginVerdict{};
}

void Login::Impl::remember(const Declared& keys) {
  if (keys.initiator_name) said_.initiator_name = *keys.initiator_name;
  if (keys.initiator_alias) said_.initiator_alias = *keys.initiator_alias;
  if (keys.target_name) said_.target_name = *keys.target_name;
  if (keys.session_type) said_.session_type = *keys.session_type;
}

LoginVerdict Login::Impl::check_security(const Declared& keys) {
  if (negotiation_.stage == Stage::operational) {
    if (authentication_.satisfied()) return {};
    return {LoginStatus::authentication_failure, "the security stage was skipped"};
  }
  if (auto verdict = authentication_.step(keys, unsent_); !verdict.ok()) return verdict;
  const bool evades =
      wants_transit(request_) && !authentication_.satisfied() && !authentication_.begun();
  if (evades) return {LoginStatus::authentication_failure, "no AuthMethod was offered"};
  return {};
}

/// Declarations of ours: the portal group tag (and alias) in the first answer that may carry text,
/// the segment limit in the first of the operational stage.
void Login::Impl::declare_ours() {
  if (!std::exchange(tag_declared_, true)) {
    if (!target_alias_.empty()) append_pair(unsent_, "TargetAlias", target_alias_);
    append_pair(unsent_, "TargetPortalGroupTag", std::to_string(context_.portal_group_tag));
  }
  if (negotiation_.stage == Stage::operational && !std::exchange(limit_declared_, true)) {
    append_pair(unsent_, "MaxRecvDataSegmentLength", std::to_string(kMaxRecvDataSegmentLength));
    negotiation_.parameters.our_max_recv_data_segment_length = kMaxRecvDataSegmentLength;
  }
}

Login::State Login::Impl::respond(bytes::Buffer& out) {
  const std::string piece = unsent_.substr(0, kLoginMaxDataSegment);
  unsent_.erase(0, piece.size());
  const auto csg = static_cast<std::uint8_t>(static_cast<unsigned>(negotiation_.stage) << 2U);
  const bool whole = unsent_.empty() && !is_continued(request_);
  const bool transit = whole && wants_transit(request_) && authentication_.satisfied();
  if (!transit) {
    put_response(static_cast<std::uint8_t>(csg | (unsent_.empty() ? 0 : wire::kContinue)), piece,
                 out);
    return state_;
  }
  negotiation_.stage = next_stage(request_);
  if (negotiation_.stage == Stage::full_feature) {
    if (auto verdict = enter_full_feature(); !verdict.ok()) return fail(std::move(verdict), out);
  }
  const auto nsg = static_cast<unsigned>(negotiation_.stage);
  put_response(static_cast<std::uint8_t>(kTransit | csg | nsg), piece, out);
  result_.stat_sn = stat_sn_;
  return state_;
}

LoginVerdict Login::Impl::enter_full_feature() {
  auto& sessions = context_.sessions;
  if (result_.tsih == 0) {
    const bool replaces = sessions.exists(result_.initiator_name, result_.isid, 0,
                                          result_.target_name, context_.portal_group_tag);
    if (!replaces && !sessions.room()) return {LoginStatus::out_of_resources, "too many sessions"};
    result_.tsih = sessions.new_tsih();
    if (result_.tsih == 0) return {LoginStatus::out_of_resources, "no session handle is free"};
  } else if (!sessions.exists(result_.initiator_name, result_.isid, result_.tsih,
                              result_.target_name, context_.portal_group_tag)) {
    return {LoginStatus::session_does_not_exist, "the session ended during the login"};
  }
  result_.initiator_alias = said_.initiator_alias.value_or("");
  result_.portal_group_tag = context_.portal_group_tag;
  result_.portal_address = context_.portal_address;
  result_.cmd_sn = first_.cmd_sn.value();
  result_.parameters = negotiation_.parameters;
  state_ = State::full_feature;
  return {};
}

Login::State Login::Impl::fail(LoginVerdict verdict, bytes::Buffer& out) {
  state_ = State::failed;
  status_ = verdict.status;
  failure_ = std::move(verdict.why);
  std::string text;
  if (!redirect_.empty()) append_pair(text, "TargetAddress", redirect_);
  put_response(request_.flags & 0x0c, text, out);
  return state_;
}

void Login::Impl::put_response(std::uint8_t flags, std::string_view text, bytes::Buffer& out) {
  assert(text.size() <= kLoginMaxDataSegment);
  LoginResponseBhs bhs{};
  bhs.opcode = wire::opcode::kLoginResponse;
  bhs.flags = flags;
  bhs.data_segment_length = static_cast<std::uint32_t>(text.size());
  std::copy_n(first_.isid, sizeof(bhs.isid), bhs.isid);
  const bool final = state_ == State::full_feature;  // only the last response carries a new TSIH
  bhs.tsih = final ? result_.tsih : first_.tsih.value();
  bhs.initiator_task_tag = request_.initiator_task_tag.value();
  bhs.stat_sn = stat_sn_;
  bhs.exp_cmd_sn = first_.cmd_sn.value();
  bhs.max_cmd_sn = first_.cmd_sn.value() + std::max<std::uint32_t>(context_.command_window, 1) - 1;
  bhs.status_class = static_cast<std::uint8_t>(static_cast<unsigned>(status_) >> 8U);
  bhs.status_detail = static_cast<std::uint8_t>(static_cast<unsigned>(status_) & 0xffU);
  if (status_ == LoginStatus::success) ++stat_sn_;
  const std::size_t start = out.size();
  out.resize(start + sizeof(bhs) + bytes::padded4(text.size()));
  bytes::store(bytes::Span(out).subspan(start).first<sizeof(bhs)>(), bhs);
  if (!text.empty()) std::memcpy(out.data() + start + sizeof(bhs), text.data(), text.size());
}

Login::Login(LoginContext context) : impl_(std::make_unique<Impl>(std::move(context))) {}
Login::~Login() = default;
Login::Login(Login&&) noexcept = default;

Login::State Login::receive(const PduView& pdu, bytes::Buffer& out) {
  return impl_->receive(pdu, out);
}
const LoginResult& Login::result() const {
  return impl_->result_;
}
const std::string& Login::initiator_name() const {
  return impl_->initiator_name();
}
std::uint16_t Login::status() const {
  return static_cast<std::uint16_t>(impl_->status_);
}
const std::string& Login::failure() const {
  return impl_->failure_;
}

}  // namespace faultlun::iscsi
