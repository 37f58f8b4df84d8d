#include "tests/sim/sim_initiator.hpp"

#include "protocol/bytes/hex.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace faultlun::sim {
namespace {

constexpr std::uint32_t kBlock = 512;
constexpr std::uint32_t kOwnBlocks = 512;  // each initiator has a range of its own on each unit
constexpr std::uint32_t kMaxBlocks = 192;
constexpr std::size_t kMaxPending = 8;
constexpr std::uint32_t kFirstBurst = 16 * 1024, kMaxBurst = 32 * 1024, kSegment = 8 * 1024;

using Header = std::array<std::uint8_t, 48>;

std::uint32_t word(bytes::View header, std::size_t at) {
  return bytes::be32(header.data() + at);
}

}  // namespace

Initiator::Initiator(SimWorld& sim, unsigned number, std::uint64_t seed)
    : sim_(sim), number_(number), random_(seed) {
  for (auto& model : models_) {
    model.content.assign(kOwnBlocks * kBlock, 0);
    model.known.assign(kOwnBlocks, true);
  }
  connect();
}

Initiator::~Initiator() {
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
  logged_in_ = hostile_ = false;
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
    if (pending.kind == Kind::write) write_model(pending, false);
  pending_.clear();
  forgotten_.clear();
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
        if (pending_.size() < 2 * kMaxPending) return send_task_management();
        disconnect();
        connect();
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
      if (pick(400) != 0) break;
      disconnect();
      connect();
  }
}

bool Initiator::settle() {
  if (hostile_) {
    disconnect();
    connect();
  }
  deliver();
  collect();
  return !pending_.empty() || !to_target_.empty();
}

void Initiator::send_random() {
  const auto dice = pick(100);
  if (dice < 40) return send_read_or_write(true);
  if (dice < 80) return send_read_or_write(false);
  if (dice < 92) return send_other();
  if (dice < 95) return send_nop();
  if (dice < 99) return send_task_management();
  if (pick(10) == 0) send_garbage();
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
  if (busy_blocks(pending.lun, pending.first_block, pending.blocks)) return;
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
  pending.lun = static_cast<std::uint16_t>(pick(3));  // 2 does not exist
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
    if (victim->second.kind == Kind::task_management || victim->second.kind == Kind::nop) return;
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
  std::array<bytes::View, 8> pieces;
  if (const auto due = connection_->deadline(); due && *due <= sim_.loop.now())
    connection_->on_deadline(sim_.loop.now());
  auto& out = connection_->out();
  for (auto rounds = pick(3); rounds < 3 && !out.empty(); ++rounds) {
    const auto count = out.gather(pieces);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto part = pick(3) == 0 ? pick(pieces[i].size() + 1) : pieces[i].size();
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
  if (connection_->closing() && out.empty()) {
    if (!faults_ && !hostile_ && failure_.empty() && logged_in_ && !pending_.empty())
      fail("the target closed the connection");
    disconnect();
    connect();
  }
}

// ---- what comes back
// ----------------------------------------------------------------------------------------

void Initiator::take(bytes::View header, bytes::View data) {
  const auto opcode = header[0];
  const bool has_status = opcode != 0x31 && (opcode != 0x25 || (header[1] & 1) != 0) &&
                          !(opcode == 0x20 && word(header, 16) == 0xffffffff);
  if (has_status) {
    if (exp_stat_sn_ && word(header, 24) != *exp_stat_sn_)
      return fail("StatSN is not the next one");
    exp_stat_sn_ = word(header, 24) + 1;
  }
  const auto max_cmd_sn = word(header, 32);
  if (logged_in_ && static_cast<std::int32_t>(max_cmd_sn - max_cmd_sn_) < 0)
    return fail("MaxCmdSN moved back");
  max_cmd_sn_ = max_cmd_sn;
  switch (opcode) {
    case 0x20: {
      const auto found = pending_.find(word(header, 16));
      if (found == pending_.end() || found->second.kind != Kind::nop)
        return fail("a NOP-In nobody asked for");
      if (!std::ranges::equal(found->second.data, data)) return fail("NOP-In echoed other data");
      pending_.erase(found);
      return;
    }
    case 0x21:
      return take_response(header, data);
    case 0x22:
      return take_task_management(header);
    case 0x23:
      return take_login(header, data);
    case 0x25:
      return take_data_in(header, data);
    case 0x31:
      return take_r2t(header);
    default:
      fail("unexpected opcode " + std::to_string(opcode));
  }
}

void Initiator::take_login(bytes::View header, bytes::View) {
  if (header[36] != 0) return fail("login refused");
  logged_in_ = (header[1] & 0x83) == 0x83;
}

void Initiator::take_data_in(bytes::View header, bytes::View data) {
  const auto found = pending_.find(word(header, 16));
  if (found == pending_.end()) {
    if (!gone(word(header, 16))) fail("Data-In for no command of ours");
    return;
  }
  auto& pending = found->second;
  if (word(header, 36) != pending.next_data_sn++) return fail("DataSN is not the next one");
  if (word(header, 40) != pending.received) return fail("Buffer Offset is not the next one");
  if (data.size() > kSegment) return fail("a segment over MaxRecvDataSegmentLength");
  pending.received += static_cast<std::uint32_t>(data.size());
  if (pending.kind == Kind::read) pending.data.insert(pending.data.end(), data.begin(), data.end());
  if ((header[1] & 1) != 0) finish(found->first, header[3], {});
}

void Initiator::take_r2t(bytes::View header) {
  const auto itt = word(header, 16);
  const auto found = pending_.find(itt);
  if (found == pending_.end()) {
    if (!gone(itt)) fail("an R2T for no command of ours");
    return;
  }
  const auto offset = word(header, 40), length = word(header, 44);
  const auto& all = found->second.data;
  if (length == 0 || length > kMaxBurst || offset > all.size() || length > all.size() - offset)
    return fail("an R2T outside the data");
  for (std::uint32_t done = 0, sn = 0; done < length; ++sn) {
    const auto size = std::min(length - done, kSegment);
    Header out{};
    out[0] = 0x05;
    out[1] = done + size == length ? 0x80 : 0;
    out[9] = header[9];
    bytes::put_be32(out.data() + 16, itt);
    std::memcpy(out.data() + 20, header.data() + 20, 4);
    bytes::put_be32(out.data() + 28, exp_stat_sn_.value_or(0));
    bytes::put_be32(out.data() + 36, sn);
    bytes::put_be32(out.data() + 40, offset + done);
    push(out, bytes::View(all).subspan(offset + done, size));
    done += size;
  }
}

/// A task that was said to be aborted, by a target that may lie.
bool Initiator::gone(std::uint32_t itt) const {
  return lies_ && forgotten_.contains(itt);
}

void Initiator::take_response(bytes::View header, bytes::View data) {
  finish(word(header, 16), header[3], data.size() > 2 ? data.subspan(2) : bytes::View{});
}

void Initiator::finish(std::uint32_t itt, std::uint8_t status, bytes::View sense) {
  const auto found = pending_.find(itt);
  if (found == pending_.end() && gone(itt)) return;
  if (found == pending_.end())
    return fail(forgotten_.contains(itt) ? "an answer for a task aborted by " + forgotten_[itt]
                                         : "an answer to nothing");
  auto pending = std::move(found->second);
  pending_.erase(found);
  ++answered_;
  if (status == 0x02 && sense.size() >= 14 && (sense[2] & 0x0f) == 6 &&
      (sense[12] == 0x29 || sense[12] == 0x2f))
    forget_lun(pending.lun, pending.cmd_sn,
               "unit attention " + bytes::to_hex(sense.subspan(12, 2)));
  if (pending.kind == Kind::write) write_model(pending, status == 0);
  if (status != 0) return;
  if (pending.kind == Kind::read) check_read(pending);
}

void Initiator::take_task_management(bytes::View header) {
  const auto found = pending_.find(word(header, 16));
  if (found == pending_.end()) return fail("a task management response to nothing");
  const auto pending = found->second;
  pending_.erase(found);
  ++answered_;
  if (header[2] != 0) {
    if (pending.function != 1 && !lies_) fail("task management refused");
    return;
  }
  switch (pending.function) {
    case 1:
      if (const auto victim = pending_.find(pending.first_block); victim != pending_.end()) {
        if (victim->second.kind == Kind::write) write_model(victim->second, false);
        forgotten_[victim->first] = "ABORT TASK";
        pending_.erase(victim);
      }
      return;
    case 2:
    case 4:
    case 5:
      return forget_lun(pending.lun, pending.cmd_sn,
                        "function " + std::to_string(pending.function));
    default:
      forget_lun(kInstantLun, pending.cmd_sn, "target reset");
      forget_lun(kMoodyLun, pending.cmd_sn, "target reset");
  }
}

/// Commands on this unit sent before `before_cmd_sn` that have no answer by now will have none.
void Initiator::forget_lun(std::uint16_t lun, std::uint32_t before_cmd_sn, const std::string& why) {
  for (auto it = pending_.begin(); it != pending_.end();) {
    const auto& pending = it->second;
    const bool earlier = static_cast<std::int32_t>(pending.cmd_sn - before_cmd_sn) < 0;
    if (pending.lun != lun || !earlier || pending.kind == Kind::task_management ||
        pending.kind == Kind::nop) {
      ++it;
      continue;
    }
    if (pending.kind == Kind::write) write_model(pending, false);
    forgotten_[it->first] = why;
    it = pending_.erase(it);
  }
}

void Initiator::write_model(const Pending& pending, bool certain) {
  auto& model = models_[pending.lun];
  std::ranges::copy(pending.data, model.content.begin() + pending.first_block * kBlock);
  for (std::uint32_t i = 0; i < pending.blocks; ++i)
    model.known[pending.first_block + i] = certain;
}

void Initiator::check_read(const Pending& pending) {
  if (pending.data.size() != pending.blocks * kBlock)
    return fail("a GOOD read of the wrong length");
  const auto& model = models_[pending.lun];
  for (std::uint32_t i = 0; i < pending.blocks; ++i) {
    const auto block = pending.first_block + i;
    if (model.known[block] && std::memcmp(pending.data.data() + i * kBlock,
                                          model.content.data() + block * kBlock, kBlock) != 0)
      return fail("block " + std::to_string(block) + " of unit " + std::to_string(pending.lun) +
                  " reads as something else");
  }
}

}  // namespace faultlun::sim
