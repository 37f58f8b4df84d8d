// What is asked of a request before a handler sees it: a readable target, a host name that is ours,
// the token.  Pure; http.cpp does the sockets.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace faultlun::daemon::control {

/// A request target taken apart (RFC 9112 §3.2).
struct RequestTarget {
  std::string path;                          ///< "/v1/sessions", still percent-encoded
  std::map<std::string, std::string> query;  ///< decoded, '+' is a space
  std::string authority;  ///< of the absolute form, which overrules the Host header
};

/// Origin form ("/path?query") or absolute form ("http://host/path?query").  Returns what is wrong
/// with it, or nothing.  A key given twice is an error: two readers could disagree about it.
std::string parse_request_target(std::string_view text, RequestTarget& target);

/// A page of any site can make a browser send requests here by letting its own name resolve to
/// 127.0.0.1 (DNS rebinding), but not with another Host than that name.  So on loopback only
/// localhost, 127.0.0.1, [::1] and `addresses` (IP addresses without brackets) are served.  The
/// port is free: it differs behind a forwarded one.
bool is_host_allowed(std::string_view host, std::span<const std::string> addresses);

/// `authorization` is "Bearer TOKEN" with this token.  Takes a time that depends on the length of
/// what was given only.  An empty token asks for nothing.
bool is_token_right(std::string_view authorization, std::string_view token);

/// Why a body cannot be read, or "".  Every body here is JSON and is parsed as that whatever its
/// type says: curl -d calls everything a form, and who sends JSON by hand must not need a header
/// for it. A form with files and a compressed body cannot be meant, though, so they are named.
std::string problem_with_content(std::string_view type, std::string_view encoding);

}  // namespace faultlun::daemon::control
