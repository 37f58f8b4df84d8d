#include "daemon/control/conditions.hpp"

#include <cstdio>
#include <vector>

namespace faultlun::daemon::control {
namespace {

constexpr std::string_view kBlank = " \t";

struct Tags {
  bool any = false;  ///< "*"
  std::vector<std::string_view> tags;
  bool is_sound = true;

  /// Strong comparison counts no weak tag (RFC 9110 §8.8.3.2).
  bool has(std::string_view etag, bool is_strong) const {
    if (etag.empty()) return false;
    if (any) return true;
    for (auto tag : tags) {
      if (tag.starts_with("W/")) {
        if (is_strong) continue;
        tag.remove_prefix(2);
      }
      if (tag == etag) return true;
    }
    return false;
  }
};

void skip_blank(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
}

/// "*", or "\"a\", W/\"b\"" (RFC 9110 §13.1.1).
Tags parse_tags(std::string_view text) {
  Tags found;
  skip_blank(text);
  if (text.starts_with('*')) {
    text.remove_prefix(1);
    skip_blank(text);
    found.any = true;
    found.is_sound = text.empty();
    return found;
  }
  while (true) {
    const std::size_t start = text.starts_with("W/") ? 2 : 0;
    const auto end =
        text.substr(start).starts_with('"') ? text.find('"', start + 1) : std::string_view::npos;
    if (end == std::string_view::npos) break;
    found.tags.push_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
    skip_blank(text);
    if (text.empty()) return found;
    if (text.front() != ',') break;
    text.remove_prefix(1);
    skip_blank(text);
  }
  found.is_sound = false;
  return found;
}

Response bad_tags(std::string_view field) {
  return problem(400, std::string(field) +
                          " holds no entity tag; send \"*\", or the ETag of an earlier answer with "
                          "its quotes");
}

Response failed(const std::string& message, const std::string& current_etag) {
  Response response = problem(412, message);
  if (!current_etag.empty()) response.headers.emplace_back("ETag", current_etag);
  return response;
}

}  // namespace

std::string etag_of(std::uint64_t revision) {
  return "\"r" + std::to_string(revision) + "\"";
}

std::string etag_of(std::string_view body) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: stable, and nobody attacks it but its owner
  for (const char octet : body)
    hash = (hash ^ static_cast<unsigned char>(octet)) * 0x100000001b3;
  char text[20];
  std::snprintf(text, sizeof text, "\"%016llx\"", static_cast<unsigned long long>(hash));
  return text;
}

std::optional<Response> check_conditions(const Request& request, const std::string& current_etag) {
  const bool is_read = request.method == "GET" || request.method == "HEAD";
  if (request.headers.contains("if-match")) {
    const Tags wanted = parse_tags(request.header("if-match"));
    if (!wanted.is_sound) return bad_tags("If-Match");
    if (!wanted.has(current_etag, true))
      return failed(current_etag.empty()
                        ? "If-Match: there is nothing here to match; send it without If-Match"
                        : "If-Match: this was changed meanwhile and is " + current_etag +
                              " now; read it again, then change that",
                    current_etag);
  }
  if (request.headers.contains("if-none-match")) {
    const Tags unwanted = parse_tags(request.header("if-none-match"));
    if (!unwanted.is_sound) return bad_tags("If-None-Match");
    if (unwanted.has(current_etag, false)) {
      if (!is_read)
        return failed("If-None-Match: this exists and is " + current_etag +
                          "; send it without If-None-Match to change it",
                      current_etag);
      Response unchanged;
      unchanged.status = 304;
      unchanged.headers.emplace_back("ETag", current_etag);
      return unchanged;
    }
  }
  return std::nullopt;
}

}  // namespace faultlun::daemon::control
