// Configurations drawn from a seed, valid by construction.
#pragma once

#include "config/identity.hpp"
#include "config/model.hpp"
#include "tests/unit/config/random_rule.hpp"

#include <cstdint>
#include <random>
#include <string>

namespace faultlun::config::test {

class RandomConfig {
 public:
  explicit RandomConfig(std::uint64_t seed) : engine_(seed) {}

  Config draw() {
    Config config;
    if (coin()) config.seed = engine_();
    const std::uint64_t portals = 1 + below(4);
    for (std::uint64_t i = 0; i < portals; ++i)
      config.portals.push_back(portal(static_cast<std::uint16_t>(3260 + i)));
    config.control = control();
    if (coin()) config.discovery_auth = auth();
    config.send_targets_all_in_normal_session = coin();
    config.limits = limits();
    const std::uint64_t targets = below(4);
    for (std::uint64_t i = 0; i < targets; ++i)
      config.targets.push_back(target(i, config));
    RandomRule rules(engine_());
    for (std::uint64_t i = below(4); i > 0; --i)
      config.rules.push_back(rules.draw(i));
    for (auto& rule : config.rules)
      rule.match.after_fault.reset();  // of a rule that is not there
    fill_derived(config);
    return config;
  }

 private:
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  bool coin() { return below(2) == 0; }
  std::uint16_t number(std::uint64_t least, std::uint64_t most) {
    return static_cast<std::uint16_t>(least + below(most - least + 1));
  }

  /// Letters, digits and what JSON must escape.
  std::string text(std::size_t least, std::size_t most) {
    constexpr char kCharacters[] = "abcXYZ019 .-_\"\\/{}[]:,";
    std::string out;
    for (std::size_t i = least + below(most - least + 1); i > 0; --i)
      out.push_back(kCharacters[below(sizeof kCharacters - 1)]);
    return out;
  }
  std::string file() { return text(1, 20) + "é" + std::to_string(++files_); }
  std::chrono::microseconds time(std::uint64_t least_ms, std::uint64_t most_ms) {
    const std::uint64_t us = least_ms * 1000 + below((most_ms - least_ms) * 1000 + 1);
    return std::chrono::microseconds(static_cast<std::int64_t>(
        coin() ? us : us / 1'000'000 * 1'000'000 + (us < 1'000'000 ? us : 0)));
  }

  Portal portal(std::uint16_t port) {
    constexpr const char* kHosts[] = {"127.0.0.1", "0.0.0.0", "::", "2001:db8::1", "fe80::1%eth0"};
    Portal out;
    out.listen = {kHosts[below(5)], coin() ? port : std::uint16_t{0}};
    if (coin()) out.advertise = Endpoint{coin() ? "disks.example" : "2001:db8::2", port};
    out.group = number(1, coin() ? 2 : 65535);
    return out;
  }

  Control control() {
    Control out;
    out.listen.port = number(8000, 9000);
    if (coin()) out.token_file = file();
    if (!coin()) return out;
    if (coin())
      out.unix_path = text(1, 60);
    else
      out.listen.host = "::1";
    if (!out.unix_path.empty()) out.listen = Control{}.listen;
    return out;
  }

  Auth auth() {
    Auth out{text(1, 255), file(), {}};
    if (coin()) out.mutual = Auth::Account{text(1, 255), file()};
    return out;
  }

  Limits limits() {
    Limits out;
    out.max_sessions = number(1, 65535);
    out.max_connections_per_portal = number(1, 65535);
    out.command_window = number(1, 65535);
    out.login_timeout = time(100, 3'600'000);
    out.nop_interval = time(0, 86'400'000);
    out.nop_timeout = time(100, 3'600'000);
    return out;
  }

  Target target(std::uint64_t index, const Config& config) {
    Target out;
    out.name = "iqn.2026-11.example:" + std::to_string(index);
    out.alias = text(0, 255);
    if (coin()) out.portal_groups = {config.portals[below(config.portals.size())].group};
    if (coin()) out.auth = auth();
    if (coin()) out.initiators = {"iqn.*", "*:host?"};
    if (coin()) out.redirect = Redirect{{"disks.example", number(1, 65535)}, coin()};
    out.power_on_unit_attention = coin();
    std::uint16_t next = 0;
    for (std::uint64_t i = below(6); i > 0; --i) {
      next = static_cast<std::uint16_t>(next + number(1, 2000));
      out.luns.push_back(lun(next));
    }
    return out;
  }

  Lun lun(std::uint16_t lun_number) {
    using BackendKind = lun_backends::BackendSpec::Kind;
    Lun out;
    out.lun = lun_number;
    out.block_size = coin() ? 512 : 4096;
    out.physical_block_size = out.block_size << below(16);
    out.read_only = coin();
    out.removable = coin();
    out.write_cache = coin();
    out.rotational = coin();
    out.vendor = text(0, 8);
    out.product = text(0, 16);
    out.revision = text(0, 4);
    if (coin()) out.serial = text(1, 20) + std::to_string(++files_);
    if (coin())
      out.naa = identity_of("another", lun_number)
                    .naa.replace(0, 7, "6" + std::to_string(100000 + ++files_));
    out.backend.kind = static_cast<BackendKind>(below(4));
    out.backend.size_bytes = (1 + below(coin() ? 1000 : std::uint64_t{1} << 50)) * out.block_size;
    if (out.backend.kind == BackendKind::file) out.backend.path = file();
    if (out.backend.kind == BackendKind::file && coin()) out.backend.size_bytes = 0;
    if (out.backend.kind == BackendKind::pattern && coin())
      out.backend.writes = lun_backends::BackendSpec::Writes::check;
    out.thin = out.backend.kind != BackendKind::pattern && coin();
    out.backend.block_size = out.block_size;
    out.backend.read_only = out.read_only;
    return out;
  }

  std::mt19937_64 engine_;
  std::uint64_t files_ = 0;
};

}  // namespace faultlun::config::test
