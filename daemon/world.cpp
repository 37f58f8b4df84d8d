#include "daemon/world.hpp"

#include "protocol/scsi/sense_codes.hpp"

#include <algorithm>
#include <utility>

namespace faultlun::daemon {

std::shared_ptr<const LunMap> LunMap::of(std::vector<std::shared_ptr<LunHost>> units) {
  auto map = std::make_shared<LunMap>();
  std::ranges::sort(units, {}, [](const auto& unit) { return unit->number(); });
  for (auto& unit : units) {
    map->numbers.push_back(unit->number());
    map->by_number.resize(unit->number() + std::size_t{1});
    map->by_number[unit->number()] = std::move(unit);
  }
  return map;
}

std::shared_ptr<const LunMap> LunMap::plugged_in(std::shared_ptr<const LunMap> all) {
  std::vector<std::shared_ptr<LunHost>> units;
  for (const auto& unit : all->by_number)
    if (unit && !unit->removed()) units.push_back(unit);
  return units.size() == all->numbers.size() ? std::move(all) : of(std::move(units));
}

TargetHost::TargetHost(std::string name, std::uint16_t index, bool power_on_unit_attention,
                       std::shared_ptr<const LunMap> luns)
    : name_(std::move(name)),
      index_(index),
      power_on_unit_attention_(power_on_unit_attention),
      luns_(LunMap::plugged_in(luns)),
      configured_(std::move(luns)) {}

std::shared_ptr<const LunMap> TargetHost::luns() const {
  const std::lock_guard lock(mutex_);
  return luns_;
}

void TargetHost::set_luns(std::shared_ptr<const LunMap> luns) {
  const std::lock_guard lock(mutex_);
  configured_ = std::move(luns);
  luns_ = LunMap::plugged_in(configured_);
}

std::shared_ptr<const LunMap> TargetHost::configured_luns() const {
  const std::lock_guard lock(mutex_);
  return configured_;
}

bool TargetHost::refresh_luns() {
  const std::lock_guard lock(mutex_);
  auto now = LunMap::plugged_in(configured_);
  if (now->numbers == luns_->numbers) return false;
  luns_ = std::move(now);
  return true;
}

std::optional<scsi::SenseCode> TargetHost::first_attention(const std::string& initiator_port) {
  constexpr auto kPowerOn = scsi::sense("power_on_or_reset_occurred");
  constexpr auto kNexusLoss = scsi::sense("i_t_nexus_loss_occurred");
  const std::lock_guard lock(mutex_);
  const bool first = !known_ports_.contains(initiator_port);
  if (first && known_ports_.size() >= kMaxKnownPorts) known_ports_.clear();
  if (first) known_ports_.insert(initiator_port);
  if (!power_on_unit_attention_) return std::nullopt;
  return first ? kPowerOn : kNexusLoss;
}

void TargetHost::forget_ports() {
  const std::lock_guard lock(mutex_);
  known_ports_.clear();
}

bool SessionTable::exists(std::string_view initiator, const iscsi::Isid& isid, std::uint16_t tsih,
                          std::string_view target, std::uint16_t portal_group_tag) const {
  const SessionKey key{std::string(initiator), isid, std::string(target), portal_group_tag};
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  return found != entries_.end() && (tsih == 0 || found->second.tsih == tsih);
}

std::optional<iscsi::LiveSession> SessionTable::live(std::uint16_t tsih) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : entries_)
    if (entry.tsih == tsih) return entry.facts;
  return std::nullopt;
}

bool SessionTable::room() const {
  const std::lock_guard lock(mutex_);
  return entries_.size() < limit_;
}

std::uint16_t SessionTable::new_tsih() {
  const std::lock_guard lock(mutex_);
  do {
    ++last_tsih_;
  } while (last_tsih_ == 0 || (tsihs_.contains(last_tsih_) && tsihs_.size() < 0xffff));
  return last_tsih_;
}

std::shared_ptr<Connection> SessionTable::enter(const SessionKey& key, std::uint16_t tsih,
                                                iscsi::LiveSession facts,
                                                std::shared_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  auto& entry = entries_[key];
  if (entry.connection && --tsihs_[entry.tsih] == 0) tsihs_.erase(entry.tsih);
  ++tsihs_[tsih];
  entry.tsih = tsih;
  entry.facts = facts;
  return std::exchange(entry.connection, std::move(connection));
}

void SessionTable::leave(const SessionKey& key, const Connection* connection) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.connection.get() != connection) return;
  if (--tsihs_[found->second.tsih] == 0) tsihs_.erase(found->second.tsih);
  entries_.erase(found);
}

std::vector<std::shared_ptr<Connection>> SessionTable::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Connection>> out;
  out.reserve(entries_.size());
  for (const auto& [key, entry] : entries_)
    out.push_back(entry.connection);
  return out;
}

std::size_t SessionTable::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void SessionTable::set_limit(std::size_t limit) {
  const std::lock_guard lock(mutex_);
  limit_ = limit;
}

std::shared_ptr<TargetHost> World::find_target(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(
      targets_, name, [](const auto& target) { return std::string_view(target->name()); });
  return found == targets_.end() ? nullptr : *found;
}

std::vector<std::shared_ptr<TargetHost>> World::targets() const {
  const std::lock_guard lock(mutex_);
  return targets_;
}

void World::set_targets(std::vector<std::shared_ptr<TargetHost>> targets) {
  const std::lock_guard lock(mutex_);
  targets_ = std::move(targets);
}

std::shared_ptr<const faults::RuleSet> World::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

void World::set_rules(std::shared_ptr<const faults::RuleSet> rules) {
  const std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
}

std::shared_ptr<const faults::ReplaySet> World::replay() const {
  const std::lock_guard lock(mutex_);
  return replay_;
}

void World::set_replay(std::shared_ptr<const faults::ReplaySet> replay) {
  const std::lock_guard lock(mutex_);
  replay_ = std::move(replay);
}

std::shared_ptr<const iscsi::Directory> World::directory() const {
  const std::lock_guard lock(mutex_);
  return directory_;
}

void World::set_directory(std::shared_ptr<const iscsi::Directory> directory) {
  const std::lock_guard lock(mutex_);
  directory_ = std::move(directory);
}

ConnectionLimits World::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

void World::set_limits(ConnectionLimits limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
}

}  // namespace faultlun::daemon
