// Text Requests of the full-feature phase.  The interface is in login.hpp.
#include "protocol/iscsi/login.hpp"
#include "protocol/iscsi/negotiation.hpp"
#include "protocol/iscsi/text.hpp"
#include "protocol/iscsi/wire.hpp"

#include <algorithm>
#include <utility>

namespace faultlun::iscsi {
TextExchange::TextExchange(const Directory& directory, const LoginResult& login)
    : directory_(&directory),
      initiator_(login.initiator_name),
      target_(login.target_name),
      portal_address_(login.portal_address),
      type_(login.type),
      segment_limit_(login.parameters.peer_max_recv_data_segment_length) {}

TextExchange::Answer TextExchange::receive(const PduView& pdu) {
  const auto bhs =
      bytes::load<wire::TextRequestBhs>(pdu.header.first<sizeof(wire::TextRequestBhs)>());
  const std::uint32_t tag = bhs.target_transfer_tag.value();
  const std::uint32_t itt = bhs.initiator_task_tag.value();
  const bool open = tag_ != kReservedTag;
  if (tag == kReservedTag) {
    // The same task starts again (§11.10.4).  Another one is a second exchange (A4.13): both end,
    // so that a peer which lost its first exchange can try again.
    if (open && itt != exchange_itt_) return reject(wire::reject::kTaskInProgress);
    forget();
    exchange_itt_ = itt;
  } else if (tag != tag_) {
    Answer stray;
    stray.kind = Answer::Kind::reject;
    stray.reject_reason = wire::reject::kInvalidPduField;
    return stray;  // no business of the exchange in progress, which lives on
  } else if (itt != exchange_itt_) {
    return reject(wire::reject::kProtocolError);
  }
  return take(pdu, (bhs.flags & wire::kFinal) != 0, (bhs.flags & wire::kContinue) != 0);
}

TextExchange::Answer TextExchange::take(const PduView& pdu, bool final, bool more) {
  if (final && more) return reject(wire::reject::kProtocolError);
  text_bytes_ += pdu.data.size();
  if (text_bytes_ > kMaxTextBytes) return reject(wire::reject::kProtocolError);
  if (!unsent_.empty()) {
    const bool only_asks = pdu.data.empty() && !more;
    return only_asks ? next_piece(final) : reject(wire::reject::kProtocolError);
  }
  collected_ += bytes::text(pdu.data);
  return more ? keep_open({}) : answer_text(final);
}

TextExchange::Answer TextExchange::answer_text(bool final) {
  const std::string text = std::exchange(collected_, {});
  const auto parsed = parse_text(text);
  if (parsed.problem != nullptr) return reject(wire::reject::kProtocolError);
  Negotiation negotiation;
  negotiation.stage = Stage::full_feature;
  negotiation.type = type_;
  negotiation.seen = seen_;
  negotiation.parameters.peer_max_recv_data_segment_length = 0;  // to see whether it is declared
  Declared keys;
  if (collect(negotiation, parsed.pairs, keys)) return reject(wire::reject::kProtocolError);
  if (answer(negotiation, parsed.pairs, unsent_)) return reject(wire::reject::kProtocolError);
  seen_ = negotiation.seen;
  const auto declared = negotiation.parameters.peer_max_recv_data_segment_length;
  if (declared != 0) redeclared_ = declared;
  if (keys.send_targets && !append_targets(*keys.send_targets, unsent_))
    append_pair(unsent_, "SendTargets", "Reject");
  return next_piece(final);
}

TextExchange::Answer TextExchange::next_piece(bool final) {
  const auto limit = std::min(segment_limit_, kMaxDataInSegment);
  const auto piece = bytes::of(unsent_).first(std::min<std::size_t>(unsent_.size(), limit));
  Answer answer;
  answer.data.assign(piece.begin(), piece.end());
  unsent_.erase(0, piece.size());
  answer.more = !unsent_.empty();
  if (answer.more || !final) return keep_open(std::move(answer));
  answer.peer_max_recv_data_segment_length = redeclared_;
  if (redeclared_) segment_limit_ = *redeclared_;
  forget();
  return answer;
}

TextExchange::Answer TextExchange::keep_open(Answer answer) {
  if (tag_ == kReservedTag) tag_ = last_tag_ = next_transfer_tag(last_tag_);
  answer.final = false;
  answer.target_transfer_tag = tag_;
  return answer;
}

TextExchange::Answer TextExchange::reject(std::uint8_t reason) {
  forget();
  Answer answer;
  answer.kind = Answer::Kind::reject;
  answer.reject_reason = reason;
  return answer;
}

/// False: this value is not for this kind of session (Appendix C).
bool TextExchange::append_targets(std::string_view request, std::string& out) const {
  const bool discovery = type_ == SessionType::discovery;
  const bool all_allowed = discovery || directory_->send_targets_all_in_normal_session;
  if (request == "All") {
    if (all_allowed) out += send_targets(*directory_, initiator_, std::nullopt, portal_address_);
    return all_allowed;
  }
  if (request.empty()) {  // the target one is logged in to
    if (target_.empty()) return false;
    out += send_targets(*directory_, initiator_, target_, portal_address_);
    return true;
  }
  const bool own = normalized_name(request) == normalized_name(target_);
  if (all_allowed || own) out += send_targets(*directory_, initiator_, request, portal_address_);
  return true;
}

void TextExchange::forget() {
  collected_.clear();
  unsent_.clear();
  text_bytes_ = 0;
  seen_ = 0;
  redeclared_.reset();
  tag_ = exchange_itt_ = kReservedTag;
}

}  // namespace faultlun::iscsi
