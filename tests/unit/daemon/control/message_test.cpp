#include "daemon/control/message.hpp"

#include <doctest/doctest.h>

namespace message_test {

using namespace faultlun::daemon::control;

TEST_CASE("a header that was not sent is empty") {
  Request request;
  request.headers["accept"] = "text/event-stream";
  CHECK(request.header("accept") == "text/event-stream");
  CHECK(request.header("if-match").empty());
}

TEST_CASE("a problem is JSON whatever octets its message quotes") {
  const auto response = problem(400, "no \"luck\" \xff");
  CHECK(response.status == 400);
  CHECK(response.body == "{\"error\":{\"message\":\"no \\\"luck\\\" \xef\xbf\xbd\"}}\n");
}

TEST_CASE("no content is 204") {
  CHECK(no_content().status == 204);
  CHECK(no_content().body.empty());
}

}  // namespace message_test
