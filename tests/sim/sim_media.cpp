// What an initiator knows of its blocks: what it wrote, and what it has to see of it when rules
// make the media lie.
#include "tests/sim/sim_initiator.hpp"

#include <algorithm>
#include <cstring>

namespace faultlun::sim {
namespace {

using faults::DataFault;
using Lies = DataFault::Kind;
using Lasting = DataFault::Lasting;

}  // namespace

/// Of the command; null: none.
const std::vector<Story::Struck>* Initiator::data_strikes(std::uint32_t itt) {
  const auto* tale = faults_ ? sim_.story.of(itt) : nullptr;
  return tale != nullptr && tale->struck_by("data.") ? &tale->strikes : nullptr;
}

/// What one strike makes of the blocks of a command.  False: that is not foretold.
bool Initiator::bend(const Story::Struck& strike, bytes::Span octets, bool& lasts) const {
  const auto* installed = sim_.publisher.find(strike.serial);
  if (installed == nullptr || strike.place >= installed->rule.effects.size()) return false;
  const auto& rule = installed->rule;
  const auto* fault = std::get_if<DataFault>(&rule.effects[strike.place].action);
  if (fault == nullptr) return true;
  lasts = fault->lasting != Lasting::transient;
  switch (fault->kind) {
    case Lies::flush_lie:
    case Lies::fua_lie:
    case Lies::caw_not_atomic:
    case Lies::unmap_lie:
      return true;
    default:
      break;
  }
  if (fault->lasting == Lasting::stuck || !rule.match.lbas.empty() ||
      rule.gate.key == faults::Key::lba)
    return false;
  if (fault->kind == Lies::zero) {
    std::ranges::fill(octets, std::uint8_t{0});
    return true;
  }
  if (fault->kind != Lies::set_bytes) return false;
  for (std::size_t i = 0; i < fault->octets.size(); ++i) {
    if (fault->offset + i >= octets.size()) break;
    auto& octet = octets[fault->offset + i];
    octet = fault->exclusive_or ? static_cast<std::uint8_t>(octet ^ fault->octets[i])
                                : fault->octets[i];
  }
  return true;
}

void Initiator::taint(const Pending& pending) {
  auto& model = models_[pending.lun];
  for (std::uint32_t i = 0; i < pending.blocks; ++i)
    model.tainted[pending.first_block + i] = true;
}

/// Not certain: nobody knows how much of it was stored.
void Initiator::note_write(std::uint32_t itt, const Pending& pending, bool certain) {
  auto& model = models_[pending.lun];
  const auto at = pending.first_block * kBlock;
  std::ranges::copy(pending.data, model.content.begin() + at);
  std::ranges::copy(pending.data, model.shown.begin() + at);
  for (std::uint32_t i = 0; i < pending.blocks; ++i)
    model.known[pending.first_block + i] = certain;
  const auto* strikes = data_strikes(itt);
  if (strikes == nullptr || pending.healed) return;
  const bytes::Span shown(model.shown.data() + at, pending.data.size());
  bool lasts = true;
  for (const auto& strike : *strikes)
    if (!certain || sim_.story.of(itt)->unmet || !bend(strike, shown, lasts)) return taint(pending);
}

void Initiator::note_read(std::uint32_t itt, const Pending& pending, bool good) {
  auto& model = models_[pending.lun];
  const auto* strikes = data_strikes(itt);
  if (!good) {
    if (strikes != nullptr && !pending.healed) taint(pending);
    return;
  }
  if (pending.data.size() != pending.blocks * kBlock)
    return fail("a GOOD read of the wrong length");
  if (pending.healed) return;  // made of what the media showed before
  const bytes::Span shown(model.shown.data() + pending.first_block * kBlock, pending.data.size());
  bytes::Buffer expected(shown.begin(), shown.end());
  if (strikes != nullptr) {
    for (const auto& strike : *strikes) {
      bytes::Buffer before = expected;
      bool lasts = false;
      if (sim_.story.of(itt)->unmet || !bend(strike, expected, lasts)) return taint(pending);
      if (!lasts) continue;
      for (std::size_t i = 0; i < expected.size(); ++i)
        if (before[i] != expected[i]) shown[i] = expected[i];
    }
  }
  if (sim_.story.displaced(pending.lun)) return;
  for (std::uint32_t i = 0; i < pending.blocks; ++i) {
    const auto block = pending.first_block + i;
    if (model.known[block] && !model.tainted[block] &&
        std::memcmp(pending.data.data() + i * kBlock, expected.data() + i * kBlock, kBlock) != 0)
      return fail("block " + std::to_string(block) + " of unit " + std::to_string(pending.lun) +
                  " reads as something else");
  }
}

void Initiator::healed() {
  for (auto& model : models_) {
    model.shown = model.content;
    model.tainted.assign(kOwnBlocks, false);
  }
  for (auto& [itt, pending] : pending_)
    pending.healed = sim_.story.of(itt) != nullptr;  // decided before
}

void Initiator::expect_truth() {
  for (std::uint16_t lun = 0; lun < 2; ++lun) {
    const auto& model = models_[lun];
    const auto truth = sim_.truth(lun, number_ * kOwnBlocks * kBlock, kOwnBlocks * kBlock);
    for (std::uint32_t block = 0; block < kOwnBlocks; ++block)
      if (model.known[block] && std::memcmp(truth.data() + block * kBlock,
                                            model.content.data() + block * kBlock, kBlock) != 0)
        return fail("the store of unit " + std::to_string(lun) +
                    " lacks what was written to block " + std::to_string(block));
  }
}

/// Until everything is answered.
void Initiator::pump() {
  for (int round = 0; round < 3000 && failure_.empty(); ++round) {
    if (!settle() && logged_in_) return;
    sim_.loop.run_some();
    sim_.moody->finish_some(true);
  }
  fail("no answer although nothing is the matter");
}

void Initiator::expect_perfection() {
  constexpr std::uint32_t kChunk = 128;
  constexpr int kMostAttentions = 100;
  const auto perform = [&](Kind kind, std::uint16_t lun, std::uint32_t first) {
    for (int attempt = 0; attempt < kMostAttentions && failure_.empty(); ++attempt) {
      Pending pending;
      pending.kind = kind;
      pending.lun = lun;
      pending.first_block = first;
      pending.blocks = kChunk;
      send_read_or_write(std::move(pending));
      pump();
      if (last_status_ == 0) return;
      const bool attention = last_status_ == 2 && last_sense_.size() > 13 &&
                             (last_sense_[0] & 0x7e) == 0x70 && (last_sense_[2] & 0x0f) == 6;
      if (!attention)
        return fail("status " + std::to_string(last_status_) + " although nothing is the matter");
    }
    fail("unit attentions do not end");
  };
  pump();
  for (std::uint16_t lun = 0; lun < 2; ++lun) {
    for (std::uint32_t first = 0; first < kOwnBlocks; first += kChunk)
      perform(Kind::read, lun, first);
    const auto first = static_cast<std::uint32_t>(pick(kOwnBlocks - kChunk));
    perform(Kind::write, lun, first);
    perform(Kind::read, lun, first);
  }
}

}  // namespace faultlun::sim
