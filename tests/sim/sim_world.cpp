#include "tests/sim/sim_world.hpp"

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

lun_backends::Progress MoodyDevice::start(lun_backends::Operation& operation) {
  if (random_() % 4 == 0) return memory_->start(operation);
  waiting_.push_back(&operation);
  return lun_backends::Progress::pending;
}

void MoodyDevice::finish_some(bool everything) {
  auto count = everything         ? waiting_.size()
               : waiting_.empty() ? 0
                                  : random_() % (waiting_.size() + 1);
  std::shuffle(waiting_.begin(), waiting_.end(), random_);
  while (count-- > 0) {
    auto* operation = waiting_.back();
    waiting_.pop_back();
    memory_->start(*operation);
    operation->on_done(*operation);
  }
}

SimWorld::SimWorld(std::uint64_t seed) : world(seed, 64) {
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

}  // namespace faultlun::sim
