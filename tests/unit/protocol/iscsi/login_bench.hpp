// A login seen from the initiator: builds Login Requests field by field, legal or not, and reads
// the answers.
#pragma once

#include "protocol/iscsi/login.hpp"
#include "protocol/iscsi/text.hpp"
#include "protocol/iscsi/wire.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::iscsi::test {

inline constexpr const char* kInitiator = "iqn.1991-05.com.microsoft:host";
inline constexpr const char* kTarget = "iqn.2026-11.example.faultlun:lab";
inline constexpr const char* kName = "InitiatorName=iqn.1991-05.com.microsoft:host";
inline constexpr const char* kTo = "TargetName=iqn.2026-11.example.faultlun:lab";

/// {"A=1", "B=2"} as the text of a data segment.
inline std::string text_of(const std::vector<std::string>& pairs) {
  std::string out;
  for (const auto& pair : pairs)
    out.append(pair).append(1, '\0');
  return out;
}

struct Request {
  unsigned csg = 1, nsg = 3;
  bool transit = true, more = false;
  std::string text{};
  std::uint8_t version_max = 0, version_min = 0;
  Isid isid{0x40, 0x00, 0x01, 0x37, 0x00, 0x02};
  std::uint16_t tsih = 0, cid = 1;
  std::uint32_t itt = 0x1234, cmd_sn = 100;
};

struct Reply {
  Login::State state = Login::State::failed;
  bool any = false;  ///< an answer came at all
  bytes::Buffer octets;
  wire::LoginResponseBhs bhs{};
  std::map<std::string, std::string> keys;
  std::string text{};

  unsigned status() const {
    return static_cast<unsigned>(bhs.status_class) << 8U | bhs.status_detail;
  }
  bool transit() const { return (bhs.flags & 0x80) != 0; }
  bool more() const { return (bhs.flags & 0x40) != 0; }
  unsigned csg() const { return bhs.flags >> 2U & 3U; }
  unsigned nsg() const { return bhs.flags & 3U; }
  bool has(const std::string& key) const { return keys.contains(key); }
  std::string operator[](const std::string& key) const {
    return has(key) ? keys.at(key) : "(absent)";
  }
};

class FakeSessions : public SessionIndex {
 public:
  bool exists(std::string_view, const Isid&, std::uint16_t tsih, std::string_view,
              std::uint16_t) const override {
    return live_tsih != 0 && (tsih == 0 || tsih == live_tsih);
  }
  std::optional<LiveSession> live(std::uint16_t) const override { return session; }
  bool room() const override { return has_room; }
  std::uint16_t new_tsih() override { return next++; }

  std::uint16_t live_tsih = 0, next = 7;
  LiveSession session{.cid = 1};
  bool has_room = true;
};

/// Octets that count up, so that challenges are known and never repeat.
inline void counting_random(bytes::Span out) {
  static std::uint8_t next = 0;
  for (auto& octet : out)
    octet = next++;
}

inline PduView view_of(bytes::View header, bytes::View data) {
  return {.header = header, .ahs = {}, .data = data};
}

class LoginBench {
 public:
  LoginBench() {
    TargetEntry lab;
    lab.name = kTarget;
    lab.portal_groups = {1};
    directory.targets.push_back(lab);
    directory.portals.push_back({"192.0.2.10:3260", 1});
  }

  TargetEntry& target() { return directory.targets.front(); }
  LoginContext context() {
    return {.directory = directory, .sessions = sessions, .random = counting_random};
  }
  void start() { login.emplace(context()); }

  Reply send(const Request& request) {
    wire::LoginRequestBhs bhs{};
    bhs.opcode = 0x43;
    const unsigned flags = (request.transit ? 0x80U : 0U) | (request.more ? 0x40U : 0U) |
                           request.csg << 2U | request.nsg;
    bhs.flags = static_cast<std::uint8_t>(flags);
    bhs.version_max = request.version_max;
    bhs.version_min = request.version_min;
    bhs.data_segment_length = static_cast<std::uint32_t>(request.text.size());
    std::copy(request.isid.begin(), request.isid.end(), bhs.isid);
    bhs.tsih = request.tsih;
    bhs.cid = request.cid;
    bhs.initiator_task_tag = request.itt;
    bhs.cmd_sn = request.cmd_sn;
    bytes::Buffer header(48);
    bytes::store(bytes::Span(header).first<48>(), bhs);
    return send_raw(header, bytes::of(request.text));
  }
  /// A request with these pairs; `shape` gives the rest.
  Reply send(const std::vector<std::string>& pairs, Request shape = {}) {
    shape.text = text_of(pairs);
    return send(shape);
  }

  Reply send_raw(bytes::View header, bytes::View data) {
    if (!login) start();
    Reply reply;
    reply.state = login->receive(view_of(header, data), reply.octets);
    read(reply);
    return reply;
  }

  Directory directory;
  FakeSessions sessions;
  std::optional<Login> login;

 private:
  void read(Reply& reply) {
    if (reply.octets.empty()) return;
    reply.any = true;
    REQUIRE(reply.octets.size() >= 48);
    reply.bhs = bytes::load<wire::LoginResponseBhs>(bytes::View(reply.octets).first<48>());
    const std::size_t length = reply.bhs.data_segment_length.value();
    REQUIRE(reply.octets.size() == 48 + bytes::padded4(length));
    reply.text = bytes::text(bytes::View(reply.octets).subspan(48, length));
    const bool in_pieces = reply.more() || in_pieces_;
    in_pieces_ = reply.more();
    if (in_pieces) return;  // the collected text alone holds whole pairs
    const auto parsed = parse_text(reply.text);
    CHECK(parsed.problem == nullptr);
    for (const auto& [key, value] : parsed.pairs) {
      CHECK((value == "NotUnderstood" || !reply.keys.contains(std::string(key))));
      reply.keys[std::string(key)] = value;
    }
  }

  bool in_pieces_ = false;
};

/// Stage 0 with nothing proved: T=0 unless said otherwise.
inline Request security_stage(bool transit = false, unsigned nsg = 1) {
  return {.csg = 0, .nsg = transit ? nsg : 0, .transit = transit};
}

}  // namespace faultlun::iscsi::test
