#include "tests/sim/sim_world.hpp"

#include "daemon/unit_changes.hpp"
#include "lun_backends/operation.hpp"

#include <algorithm>

namespace faultlun::sim {
namespace {

std::unique_ptr<lun_backends::BlockDevice> memory_of(std::uint64_t size_bytes) {
  lun_backends::BackendSpec spec;
  spec.size_bytes = size_bytes;
  return lun_backends::open(spec);
}

scsi::LogicalUnitProfile profile_of(const char* serial) {
  scsi::LogicalUnitProfile profile;
  profile.blocks = kLunBytes / 512;
  profile.serial = serial;
  profile.naa[0] = 0x6000000000000001;
  profile.naa[1] = static_cast<std::uint8_t>(serial[0]);
  return profile;
}

}  // namespace

MoodyDevice::MoodyDevice(std::uint64_t size_bytes, std::uint64_t seed)
    : memory_(memory_of(size_bytes)), random_(seed) {}

/// Nothing that came before it has a part of the same range, or both only read.
bool MoodyDevice::may_finish(std::size_t place) const {
  const auto& later = *waiting_[place];
  return std::none_of(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(place),
                      [&](const auto* earlier) {
                        using lun_backends::changes_content, lun_backends::length_of;
                        if (!changes_content(*earlier) && !changes_content(later)) return false;
                        return earlier->offset_bytes < later.offset_bytes + length_of(later) &&
                               later.offset_bytes < earlier->offset_bytes + length_of(*earlier);
                      });
}

lun_backends::Progress MoodyDevice::start(lun_backends::Operation& operation) {
  waiting_.push_back(&operation);
  if (random_() % 4 != 0 || !may_finish(waiting_.size() - 1))
    return lun_backends::Progress::pending;
  waiting_.pop_back();
  return memory_->start(operation);
}

void MoodyDevice::finish_some(bool everything) {
  auto count = everything         ? waiting_.size()
               : waiting_.empty() ? 0
                                  : random_() % (waiting_.size() + 1);
  while (count-- > 0 && !waiting_.empty()) {
    auto place = random_() % waiting_.size();
    while (!may_finish(place))
      --place;
    auto* operation = waiting_[place];
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(place));
    memory_->start(*operation);
    operation->on_done(*operation);
  }
}

void SimPublisher::publish(std::shared_ptr<const faults::RuleSet> rules, daemon::Done done) {
  for (const auto& each : rules->rules())
    ever_.insert_or_assign(each->lifetime->serial, each);
  const auto targets = world_.targets();
  keeper_.prepare(*rules, targets);
  world_.set_rules(rules);
  keeper_.retire(*rules, targets);
  loop_.post([this, rules, done = std::move(done)] {
    daemon::Barrier barrier;
    barrier.epoch = rules->epoch();
    for (const auto& each : world_.sessions.all())
      if (const auto adopted = each->adopt(rules))
        barrier.sessions.push_back(
            {adopted->alias, adopted->tsih, adopted->cmd_sn, adopted->stat_sn});
    done(std::move(barrier));
  });
}

const faults::InstalledRule* SimPublisher::find(std::uint64_t serial) const {
  const auto found = ever_.find(serial);
  return found == ever_.end() ? nullptr : found->second.get();
}

std::uint64_t SimPublisher::active() const {
  std::uint64_t sum = 0;
  for (const auto& [serial, rule] : ever_)
    sum += rule->lifetime->active.load();
  return sum;
}

SimWorld::SimWorld(std::uint64_t seed)
    : world(seed, 64),
      publisher(loop, world),
      book(seed, loop.now(), publisher),
      story(loop.journal()) {
  auto device = std::make_unique<MoodyDevice>(kLunBytes, seed ^ 0x9e3779b97f4a7c15);
  moody = device.get();
  std::vector<std::shared_ptr<daemon::LunHost>> units;
  units.push_back(
      std::make_shared<daemon::LunHost>(kInstantLun, profile_of("INSTANT"), memory_of(kLunBytes)));
  units.push_back(
      std::make_shared<daemon::LunHost>(kMoodyLun, profile_of("MOODY"), std::move(device)));
  target = std::make_shared<daemon::TargetHost>(std::string(kTargetName), std::uint16_t{0}, true,
                                                daemon::LunMap::of(std::move(units)));
  world.set_targets({target});
  auto directory = std::make_shared<iscsi::Directory>();
  iscsi::TargetEntry entry;
  entry.name = kTargetName;
  entry.portal_groups = {1};
  directory->targets.push_back(entry);
  directory->portals.push_back({"192.0.2.1:3260", 1});
  world.set_directory(directory);
}

bytes::Buffer SimWorld::truth(std::uint16_t lun, std::uint64_t offset_bytes,
                              std::uint64_t length_bytes) {
  auto& device = target->configured_luns()->find(lun)->device();
  bytes::Buffer octets(length_bytes);
  lun_backends::Operation read;
  read.offset_bytes = offset_bytes;
  read.into = octets;
  (lun == kMoodyLun ? moody->memory() : device.pristine()).start(read);
  return octets;
}

void SimWorld::heal() {
  daemon::heal_units(world, world.since_start(loop.now()));
  daemon::heal_media(world, book.rules()->epoch(), false);
  for (const auto& each : world.sessions.all())
    if (each->runner() != nullptr) each->runner()->release({});
}

}  // namespace faultlun::sim
