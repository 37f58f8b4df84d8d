#include "tests/support/control_client.hpp"

#include <doctest/doctest.h>

namespace faultlun::support {

nlohmann::json ControlAnswer::json() const {
  auto tree = nlohmann::json::parse(body, nullptr, false);
  REQUIRE_MESSAGE(!tree.is_discarded(), "no JSON: " << body);
  return tree;
}

ControlAnswer ControlClient::call(const std::string& method, const std::string& path,
                                  const std::string& body, const std::string& headers) const {
  const auto host = url_.substr(url_.find("//") + 2);
  const auto colon = host.rfind(':');
  Endpoint endpoint;
  endpoint.host = host.substr(0, colon);
  endpoint.port = static_cast<std::uint16_t>(std::stoi(host.substr(colon + 1)));
  Connection connection(endpoint);
  const std::string request = method + " " + path + " HTTP/1.0\r\nHost: " + host +
                              "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
                              headers + "\r\n" + body;
  connection.write(Octets(request.begin(), request.end()));
  std::string text;
  for (std::uint8_t octet = 0; connection.read(&octet, 1, 30000);)
    text += static_cast<char>(octet);
  ControlAnswer answer;
  const auto end = text.find("\r\n\r\n");
  REQUIRE_MESSAGE(end != std::string::npos, method << " " << path << ": no HTTP answer: " << text);
  answer.headers = text.substr(0, end);
  answer.body = text.substr(end + 4);
  answer.status = static_cast<unsigned>(std::stoi(text.substr(text.find(' ') + 1)));
  return answer;
}

ControlAnswer ControlClient::put_rule(const std::string& json) const {
  auto answer = post("/v1/rules", json);
  REQUIRE_MESSAGE(answer.ok(), answer.body << "\nrule: " << json);
  return answer;
}

void ControlClient::remove_rule(const std::string& id) const {
  const auto answer = call("DELETE", "/v1/rules/" + id);
  REQUIRE_MESSAGE(answer.ok(), answer.body);
}

std::uint64_t ControlClient::counter(const std::string& id, const std::string& name) const {
  return get("/v1/rules/" + id).json()["state"][name].get<std::uint64_t>();
}

}  // namespace faultlun::support
