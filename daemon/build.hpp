// From the configuration to things that run: logical units with their devices, and the directory
// that login and discovery read.
#pragma once

#include "config/model.hpp"
#include "config/secrets.hpp"
#include "daemon/lun_host.hpp"
#include "protocol/iscsi/directory.hpp"

#include <memory>
#include <span>
#include <string>

namespace faultlun::daemon {

/// Opens the backend and puts a logical unit on it.  Throws std::runtime_error
/// (lun_backends::OpenError) with one clear line.
std::shared_ptr<LunHost> open_unit(const config::Lun& lun);

/// A portal as it really listens (port 0 replaced by the port that the system gave).
struct OpenPortal {
  config::Portal portal;
  std::uint16_t port = 0;
};

/// What login and discovery read.  A portal on a wildcard address without an advertised one keeps
/// the wildcard: SendTargets puts the address in its place at which the asking initiator reached
/// us.
iscsi::Directory directory_of(const config::Config& config, const config::Secrets& secrets,
                              std::span<const OpenPortal> portals);

}  // namespace faultlun::daemon
