// Status of a Login Response: class * 256 + detail.  RFC 7143 §11.13.5.
#pragma once

#include <cstdint>
#include <string>

namespace faultlun::iscsi {

enum class LoginStatus : std::uint16_t {
  success = 0x0000,
  moved_temporarily = 0x0101,
  moved_permanently = 0x0102,
  initiator_error = 0x0200,
  authentication_failure = 0x0201,
  authorization_failure = 0x0202,
  not_found = 0x0203,
  target_removed = 0x0204,
  unsupported_version = 0x0205,
  too_many_connections = 0x0206,
  missing_parameter = 0x0207,
  cannot_include_in_session = 0x0208,
  session_type_not_supported = 0x0209,
  session_does_not_exist = 0x020a,
  invalid_during_login = 0x020b,
  target_error = 0x0300,
  service_unavailable = 0x0301,
  out_of_resources = 0x0302,
};

/// How one step of a login ended; `why` in words when not success.
struct LoginVerdict {
  LoginStatus status = LoginStatus::success;
  std::string why;
  bool ok() const { return status == LoginStatus::success; }
};

}  // namespace faultlun::iscsi
