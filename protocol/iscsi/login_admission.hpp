// Whether a login may go on at all: names, target, access list, portal group, session handles,
// room. RFC 7143 §6.3 (required keys), §6.3.1 (ISID, TSIH and CID), §11.13.5 (which status says
// what).
#pragma once

#include "protocol/iscsi/login.hpp"
#include "protocol/iscsi/login_status.hpp"
#include "protocol/iscsi/negotiation.hpp"

#include <string>

namespace faultlun::iscsi {

struct SessionHandle {
  Isid isid{};
  std::uint16_t tsih = 0, cid = 0;
};

struct Admission {
  LoginVerdict verdict;
  std::string redirect;  ///< TargetAddress of a moved target
  SessionType type = SessionType::normal;
  std::string initiator_name, target_name, target_alias;
  ChapAccount account;
  bool reinstates = false;
  Parameters parameters;  ///< where the negotiation starts from
};

/// Judges the keys of the first whole Login Request.
Admission admit(const LoginContext& context, const Declared& keys, const SessionHandle& handle);

}  // namespace faultlun::iscsi
