#include "daemon/build.hpp"

#include "config/identity.hpp"
#include "lun_backends/open.hpp"

namespace faultlun::daemon {
namespace {

scsi::LogicalUnitProfile profile_of(const config::Lun& lun, std::uint64_t size_bytes) {
  scsi::LogicalUnitProfile profile;
  profile.blocks = size_bytes / lun.block_size;
  profile.block_size = lun.block_size;
  profile.physical_block_exponent = config::physical_block_exponent(lun);
  profile.read_only = lun.read_only;
  profile.removable = lun.removable;
  profile.thin = lun.thin;
  profile.write_cache = lun.write_cache;
  profile.rotational = lun.rotational;
  profile.vendor = lun.vendor;
  profile.product = lun.product;
  profile.revision = lun.revision;
  profile.serial = lun.serial;
  const auto naa = config::naa_words(lun.naa);
  profile.naa[0] = naa[0];
  profile.naa[1] = naa[1];
  return profile;
}

iscsi::ChapAccount account_of(const std::optional<config::Auth>& auth,
                              const config::Secrets& secrets) {
  iscsi::ChapAccount account;
  if (!auth) return account;
  account.user = auth->user;
  account.secret = secrets.of(auth->secret_file);
  if (auth->mutual) {
    account.mutual_user = auth->mutual->user;
    account.mutual_secret = secrets.of(auth->mutual->secret_file);
  }
  return account;
}

}  // namespace

std::shared_ptr<LunHost> open_unit(const config::Lun& lun) {
  auto device = lun_backends::open(lun.backend);
  const auto size = device->size_bytes();
  if (size < lun.block_size)
    throw lun_backends::OpenError("LUN " + std::to_string(lun.lun) + ": its backend holds " +
                                  std::to_string(size) + " bytes, less than one block of " +
                                  std::to_string(lun.block_size) + "; give it a size");
  return std::make_shared<LunHost>(lun.lun, profile_of(lun, size), std::move(device));
}

iscsi::Directory directory_of(const config::Config& config, const config::Secrets& secrets,
                              std::span<const OpenPortal> portals) {
  iscsi::Directory directory;
  for (const auto& open : portals) {
    const auto address =
        open.portal.advertise.value_or(config::Endpoint{open.portal.listen.host, open.port});
    directory.portals.push_back({config::to_text(address), open.portal.group});
  }
  for (const auto& target : config.targets) {
    iscsi::TargetEntry entry;
    entry.name = target.name;
    entry.alias = target.alias;
    entry.portal_groups = target.portal_groups;
    entry.initiators = target.initiators;
    entry.chap = account_of(target.auth, secrets);
    if (target.redirect) {
      entry.redirect = iscsi::PortalAddress{config::to_text(target.redirect->address), 1};
      entry.redirect_permanent = target.redirect->permanent;
    }
    directory.targets.push_back(std::move(entry));
  }
  directory.discovery_chap = account_of(config.discovery_auth, secrets);
  directory.send_targets_all_in_normal_session = config.send_targets_all_in_normal_session;
  return directory;
}

}  // namespace faultlun::daemon
