#include "daemon/control/message.hpp"

#include <nlohmann/json.hpp>

namespace faultlun::daemon::control {

std::string_view Request::header(std::string_view lower_case_name) const {
  const auto found = headers.find(std::string(lower_case_name));
  return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

Response problem(unsigned status, std::string_view message) {
  const nlohmann::json body = {{"error", {{"message", message}}}};
  // The message may quote octets of the client that are no UTF-8.
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  Response response;
  response.status = status;
  response.body = body.dump(-1, ' ', false, kReplace) + "\n";
  return response;
}

Response no_content() {
  Response response;
  response.status = 204;
  return response;
}

}  // namespace faultlun::daemon::control
