#include "tests/sim/sim_initiator.hpp"

#include "protocol/bytes/hex.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace faultlun::sim {
namespace {

constexpr std::uint32_t kMaxBlocks = 192;
constexpr std::size_t kMaxPending = 8;

using Header = std::array<std::uint8_t, 48>;

}  // namespace

Initiator::Initiator(SimWorld& sim, unsigned number, std::uint64_t seed)
    : sim_(sim), number_(number), random_(seed), next_itt_((number + 1) << 24) {
  for (auto& model : models_) {
    model.content.assign(kOwnBlocks * kBlock, 0);
    model.shown = model.content;
    model.known.assign(kOwnBlocks, true);
    model.tainted.assign(kOwnBlocks, false);
  }
  connect();
}

Initiator::~Initiator() {
  for (const auto& each : former_)
    each->transport_closed();
  disconnect();
}

void Initiator::fail(const std::string& what) {
  if (failure_.empty()) failure_ = "initiator " + std::to_string(number_) + ": " + what;
}

// ---- connecting
// ---------------------------------------------------------------------------------------------

void Initiator::connect() {
  daemon::Arrival arrival;
  arrival.peer_address = "sim";
  arrival.directory = sim_.world.directory();
  connection_ = std::make_shared<daemon::Connection>(sim_.loop, sim_.world, arrival, *this);
  logged_in_ = hostile_ = leaving_ = false;
  to_target_.clear();
  from_target_.clear();
  exp_stat_sn_.reset();
  login();
}

void Initiator::disconnect() {
  if (!connection_) return;
  connection_->transport_closed();
  connection_.reset();
  for (const auto& [itt, pending] : pending_)
    forget(itt, pending, "the end of the connection");
  pending_.clear();
}

void Initiator::reconnect() {
  disconnect();
  connect();
}

void Initiator::reinstate() {
  if (connection_->closing()) return reconnect();
  former_.push_back(connection_);
  for (const auto& [itt, pending] : pending_)
    forget(itt, pending, "session reinstatement");
  pending_.clear();
  connect();
}

void Initiator::login() {
  Header header{};
  header[0] = 0x43;
  header[1] = 0x87;  // T, stage 1 to 3
  header[8] = 0x80;
  header[13] = static_cast<std::uint8_t>(number_);
  cmd_sn_ = static_cast<std::uint32_t>(random_());
  bytes::put_be32(header.data() + 16, next_itt_);
  bytes::put_be32(header.data() + 24, cmd_sn_);
  std::string text = "InitiatorName=iqn.2026-11.example:sim" + std::to_string(number_);
  text += '\0';
  for (const auto& pair :
       {"TargetName=" + std::string(kTargetName), std::string("SessionType=Normal"),
        std::string(pick(2) != 0 ? "InitialR2T=No" : "InitialR2T=Yes"),
        std::string("ImmediateData=Yes"), "FirstBurstLength=" + std::to_string(kFirstBurst),
        "MaxBurstLength=" + std::to_string(kMaxBurst), std::string("MaxOutstandingR2T=4"),
        "MaxRecvDataSegmentLength=" + std::to_string(kSegment)})
    text += pair + '\0';
  push(header, bytes::of(text));
}

void Initiator::push(bytes::Span header, bytes::View data) {
  bytes::put_be24(header.data() + 5, static_cast<std::uint32_t>(data.size()));
  to_target_.insert(to_target_.end(), header.begin(), header.end());
  to_target_.insert(to_target_.end(), data.begin(), data.end());
  to_target_.resize(bytes::padded4(to_target_.size()));
}

// ---- one random thing
// ---------------------------------------------------------------------------------------

void Initiator::step() {
  switch (pick(8)) {
    case 0:
    case 1:
    case 2:
      if (logged_in_ && pending_.size() < kMaxPending) send_random();
      // What is never answered gives room when it is aborted, or with the session.
      if (faults_ && logged_in_ && pending_.size() >= kMaxPending && pick(4) == 0) {
        if (functions_ && pending_.size() < 2 * kMaxPending) return send_task_management();
        reconnect();
      }
      break;
    case 3:
    case 4:
      deliver();
      break;
    case 5:
    case 6:
      collect();
      break;
    default:
      if (pick(400) == 0) return reconnect();
      if (faults_ && logged_in_ && pick(400) == 0) return reinstate();
      if (faults_ && logged_in_ && pick(400) == 0) send_logout();
  }
}

bool Initiator::settle() {
  if (hostile_) reconnect();
  deliver();
  collect();
  return !pending_.empty() || !to_target_.empty() || !logged_in_;
}

void Initiator::send_random() {
  const auto dice = pick(100);
  if (dice < 40) return send_read_or_write(true);
  if (dice < 80) return send_read_or_write(false);
  if (dice < 92) return send_other();
  if (dice < 95) return send_nop();
  if (dice < 99) return functions_ ? send_task_management() : send_nop();
  if (!faults_ && pick(10) == 0) send_garbage();
}

void Initiator::command_header(bytes::Span header, std::uint32_t itt, std::uint16_t lun,
                               std::uint8_t flags, std::uint32_t length) {
  header[0] = 0x01;
  header[1] = flags;
  header[9] = static_cast<std::uint8_t>(lun);
  bytes::put_be32(header.data() + 16, itt);
  bytes::put_be32(header.data() + 20, length);
  bytes::put_be32(header.data() + 24, cmd_sn_);
  bytes::put_be32(header.data() + 28, exp_stat_sn_.value_or(0));
}

bool Initiator::busy_blocks(std::uint16_t lun, std::uint32_t first, std::uint32_t count) const {
  return std::ranges::any_of(pending_, [&](const auto& entry) {
    const auto& other = entry.second;
    return other.lun == lun && other.blocks != 0 && first < other.first_block + other.blocks &&
           other.first_block < first + count;
  });
}

void Initiator::send_read_or_write(bool write) {
  Pending pending;
  pending.kind = write ? Kind::write : Kind::read;
  pending.lun = static_cast<std::uint16_t>(pick(2));
  pending.blocks = 1 + static_cast<std::uint32_t>(pick(pick(4) == 0 ? kMaxBlocks : 8));
  pending.first_block = static_cast<std::uint32_t>(pick(kOwnBlocks - pending.blocks));
  if (!busy_blocks(pending.lun, pending.first_block, pending.blocks))
    send_read_or_write(std::move(pending));
}

void Initiator::send_read_or_write(Pending pending) {
  const bool write = pending.kind == Kind::write;
  pending.cmd_sn = cmd_sn_;
  const auto length = pending.blocks * kBlock;
  const auto itt = next_itt_++;
  Header header{};
  std::size_t immediate = 0;
  if (write) {
    pending.data.resize(length);
    for (auto& octet : pending.data)
      octet = static_cast<std::uint8_t>(random_());
    immediate = std::min<std::size_t>({length, kSegment, pick(3) * 4096});
  }
  command_header(header, itt, pending.lun, static_cast<std::uint8_t>(write ? 0xa1 : 0xc1), length);
  header[32] = write ? 0x2a : 0x28;
  bytes::put_be32(header.data() + 34, number_ * kOwnBlocks + pending.first_block);
  header[39] = 0;
  header[40] = static_cast<std::uint8_t>(pending.blocks);
  ++cmd_sn_;
  push(header, bytes::View(pending.data).first(immediate));
  pending_[itt] = std::move(pending);
}

void Initiator::send_other() {
  static constexpr std::uint8_t kCdbs[][16] = {{0x00},
                                               {0x12, 0, 0, 0, 96},
                                               {0x12, 1, 0x83, 0, 255},
                                               {0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64},
                                               {0x25},
                                               {0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32},
                                               {0x1a, 0, 0x3f, 0, 192},
                                               {0x35},
                                               {0xff},
                                               {0x03, 0, 0, 0, 18}};
  Pending pending;
  pending.lun = static_cast<std::uint16_t>(pick(kNoLun + 1));
  pending.cmd_sn = cmd_sn_;
  const auto itt = next_itt_++;
  Header header{};
  command_header(header, itt, pending.lun, 0xc1, 4096);
  std::memcpy(header.data() + 32, kCdbs[pick(std::size(kCdbs))], 16);
  ++cmd_sn_;
  push(header, {});
  pending_[itt] = pending;
}

void Initiator::send_task_management() {
  static constexpr std::uint8_t kFunctions[] = {1, 1, 1, 2, 4, 5, 6};
  send_task_management(kFunctions[pick(std::size(kFunctions))]);
}

void Initiator::reset_target() {
  if (logged_in_ && !hostile_) send_task_management(6);
}

void Initiator::send_task_management(std::uint8_t function) {
  Pending pending;
  pending.kind = Kind::task_management;
  pending.function = function;
  pending.lun = static_cast<std::uint16_t>(pick(2));
  pending.cmd_sn = cmd_sn_;
  const auto itt = next_itt_++;
  Header header{};
  command_header(header, itt, pending.lun, static_cast<std::uint8_t>(0x80 | pending.function), 0);
  header[0] = 0x42;
  if (pending.function == 1) {
    if (pending_.empty()) return;
    auto victim = pending_.begin();
    std::advance(victim, static_cast<std::ptrdiff_t>(pick(pending_.size())));
    if (!is_command(victim->second)) return;
    pending.first_block = victim->first;
    header[9] = static_cast<std::uint8_t>(victim->second.lun);
    bytes::put_be32(header.data() + 20, victim->first);
    bytes::put_be32(header.data() + 32, victim->second.cmd_sn);
  } else {
    bytes::put_be32(header.data() + 20, 0xffffffff);
  }
  push(header, {});
  pending_[itt] = pending;
}

void Initiator::send_logout() {
  Pending pending;
  pending.kind = Kind::logout;
  const auto itt = next_itt_++;
  Header header{};
  command_header(header, itt, 0, 0x80, 0);
  header[0] = 0x46;
  push(header, {});
  pending_[itt] = pending;
}

void Initiator::send_nop() {
  Pending pending;
  pending.kind = Kind::nop;
  pending.data = {1, 2, 3, 4, 5};
  const auto itt = next_itt_++;
  Header header{};
  command_header(header, itt, 0, 0x80, 0xffffffff);
  header[0] = 0x40;
  push(header, pending.data);
  pending_[itt] = pending;
}

/// From here on nothing is certain on this connection but that the target survives it.
void Initiator::send_garbage() {
  hostile_ = true;
  Header header{};
  for (auto& octet : header)
    octet = static_cast<std::uint8_t>(random_());
  bytes::Buffer data(pick(300));
  if (pick(2) != 0) bytes::put_be32(header.data() + 24, cmd_sn_);
  header[4] = pick(2) != 0 ? 0 : header[4];
  push(header, data);
}

// ---- moving bytes
// -------------------------------------------------------------------------------------------

void Initiator::deliver() {
  if (to_target_.empty() || !connection_->accepts_input()) return;
  const auto count = pick(4) == 0 ? 1 + pick(to_target_.size()) : to_target_.size();
  // As a socket would: what is not used stays in front.
  const bytes::Buffer piece(to_target_.begin(),
                            to_target_.begin() + static_cast<std::ptrdiff_t>(count));
  const auto used = connection_->receive(piece);
  if (used > count) return fail("more octets used than there were");
  to_target_.erase(to_target_.begin(), to_target_.begin() + static_cast<std::ptrdiff_t>(used));
}

void Initiator::collect() {
  bury_former();
  if (const auto due = connection_->deadline(); due && *due <= sim_.loop.now())
    connection_->on_deadline(sim_.loop.now());
  take_octets();
  if (connection_->closing() && connection_->out().empty()) {
    if (!faults_ && !hostile_ && !leaving_ && failure_.empty() && logged_in_ && !pending_.empty())
      fail("the target closed the connection");
    reconnect();
  }
}

void Initiator::part() {
  bury_former();
  if (!connection_) return;
  take_octets();
  if (connection_->closing() && connection_->out().empty()) disconnect();
}

/// Nothing more comes from a connection once another has taken its place.
void Initiator::bury_former() {
  std::erase_if(former_, [&](const auto& each) {
    if (!each->closing()) return false;
    if (!each->out().empty() && connection_ && connection_->logged_in())
      fail("a session that was replaced says something");
    each->transport_closed();
    return true;
  });
}

void Initiator::take_octets() {
  std::array<bytes::View, 8> pieces;
  auto& out = connection_->out();
  for (auto rounds = pick(3); rounds < 3 && !out.empty(); ++rounds) {
    const auto count = out.gather(pieces);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto part = pick(3) == 0 ? pick(pieces[i].size() + 1) : pieces[i].size();
      for (const auto octet : pieces[i].first(part))
        transcript_ = (transcript_ ^ octet) * 0x100000001b3;
      from_target_.insert(from_target_.end(), pieces[i].begin(),
                          pieces[i].begin() + static_cast<std::ptrdiff_t>(part));
      taken += part;
      if (part != pieces[i].size()) break;
    }
    out.consume(taken);
  }
  std::size_t used = 0;
  while (from_target_.size() - used >= 48) {
    const auto rest = bytes::View(from_target_).subspan(used);
    const auto data = bytes::be24(rest.data() + 5);
    const auto whole = 48 + bytes::padded4(data);
    if (rest.size() < whole) break;
    if (!hostile_) take(rest.first(48), rest.subspan(48, data));
    used += whole;
  }
  from_target_.erase(from_target_.begin(),
                     from_target_.begin() + static_cast<std::ptrdiff_t>(used));
}

std::string Initiator::leftovers() const {
  auto* runner = connection_->runner();
  if (runner == nullptr) return "a session is not up although nothing is the matter";
  if (runner->under_rules() != 0 || !runner->list().empty())
    return std::to_string(runner->list().size()) + " commands are left";
  if (connection_->budget().used() != 0)
    return std::to_string(connection_->budget().used()) + " octets are not given back";
  return "";
}

}  // namespace faultlun::sim
