// Octets as the login phase of a connection: each record is one Login PDU, or anything else, for
// Login::receive(). The first octet chooses the target's wishes (CHAP, a redirect, a live session,
// no room).
#include "protocol/iscsi/login.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <string_view>

namespace faultlun::fuzz {
namespace {

constexpr int kMostPdus = 200;

class Sessions final : public iscsi::SessionIndex {
 public:
  explicit Sessions(std::uint8_t wishes) : wishes_(wishes) {}
  bool exists(std::string_view, const iscsi::Isid&, std::uint16_t tsih, std::string_view,
              std::uint16_t) const override {
    return (wishes_ & 0x01) != 0 && tsih == 7;
  }
  bool room() const override { return (wishes_ & 0x02) == 0; }
  std::uint16_t new_tsih() override { return 9; }

 private:
  std::uint8_t wishes_;
};

void same_challenge(bytes::Span out) {
  std::fill(out.begin(), out.end(), std::uint8_t{0x42});
}

iscsi::Directory directory_of(std::uint8_t wishes) {
  iscsi::Directory directory;
  iscsi::TargetEntry lab;
  lab.name = "iqn.2026-11.example.faultlun:lab";
  lab.alias = "lab";
  lab.portal_groups = {1};
  if ((wishes & 0x04) != 0) lab.chap = {"user", "a secret of some length", "", ""};
  if ((wishes & 0x08) != 0)
    lab.chap = {"user", "a secret of some length", "target", "another secret, longer"};
  if ((wishes & 0x10) != 0) lab.initiators = {"iqn.2026-11.example:f*"};
  if ((wishes & 0x20) != 0) lab.redirect = iscsi::PortalAddress{"[2001:db8::1]:3260", 2};
  if ((wishes & 0x40) != 0) directory.discovery_chap = {"finder", "a secret for discovery", "", ""};
  directory.targets.push_back(lab);
  directory.portals = {{"192.0.2.10:3260", 1}, {"[2001:db8::1]:3260", 2}};
  return directory;
}

/// One answer: a Login Response, or a Reject, whole and padded.
void check_answer(bytes::View octets, iscsi::Login::State state) {
  if (octets.empty())
    return expect(state == iscsi::Login::State::failed, "silence only when the connection closes");
  const iscsi::Framing before_negotiation{};
  while (!octets.empty()) {
    const auto frame = iscsi::next_frame(octets, before_negotiation);
    expect(frame.state == iscsi::FrameState::pdu,
           "whole PDUs, none longer than 8192 octets of data");
    expect(frame.pdu.opcode() == 0x23 || frame.pdu.opcode() == 0x3f,
           "a Login Response or a Reject");
    if (frame.pdu.opcode() == 0x23) {
      const bool good = frame.pdu.header[36] == 0;
      expect(good == (state != iscsi::Login::State::failed),
             "status class 0 exactly when login goes on");
      if (!frame.pdu.data.empty() && (frame.pdu.header[1] & 0x40) == 0)
        expect(frame.pdu.data.back() == 0, "text ends with NUL");
    }
    octets = octets.subspan(frame.length);
  }
}

void check_result(const iscsi::LoginResult& result) {
  const auto& p = result.parameters;
  expect(result.tsih != 0, "TSIH is not zero");
  expect(!result.initiator_name.empty() && result.initiator_name.size() <= iscsi::kMaxNameBytes,
         "an initiator has a name");
  expect(result.type == iscsi::SessionType::discovery || !result.target_name.empty(),
         "a normal session has a target");
  expect(p.peer_max_recv_data_segment_length >= 512 &&
             p.peer_max_recv_data_segment_length < (1u << 24),
         "MaxRecvDataSegmentLength in range");
  expect(p.max_burst_length >= 512 && p.max_burst_length <= iscsi::kMaxBurstLength,
         "MaxBurstLength in range");
  expect(p.first_burst_length >= 512 && p.first_burst_length <= p.max_burst_length,
         "FirstBurstLength in range");
  expect(p.max_outstanding_r2t >= 1 && p.max_outstanding_r2t <= iscsi::kMaxOutstandingR2T,
         "MaxOutstandingR2T in range");
  expect(p.max_connections == 1 && p.error_recovery_level == 0,
         "what is not offered is not settled");
}

void run(bytes::View octets) {
  Input input(octets);
  const auto wishes = input.u8();
  const auto directory = directory_of(wishes);
  Sessions sessions(wishes);
  iscsi::Login login(iscsi::LoginContext{directory, sessions, 1, &same_challenge});
  for (int i = 0; i < kMostPdus; ++i) {
    const auto frame = iscsi::next_frame(input.rest(), {});
    if (frame.state != iscsi::FrameState::pdu) return;
    bytes::Buffer answer;
    const auto state = login.receive(frame.pdu, answer);
    check_answer(answer, state);
    if (state == iscsi::Login::State::full_feature) return check_result(login.result());
    if (state == iscsi::Login::State::failed)
      return expect(!login.failure().empty(), "a failed login says why");
    input.take(frame.length);
  }
}

}  // namespace
}  // namespace faultlun::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  faultlun::fuzz::run({data, size});
  return 0;
}
