#include "config/read.hpp"

#include "config/identity.hpp"
#include "config/lun_range.hpp"
#include "config/rules.hpp"
#include "config/text_file.hpp"

#include <algorithm>
#include <span>

namespace faultlun::config {

namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kMaxUnixPathBytes = 107;  // sun_path less the NUL
constexpr std::size_t kMaxTextField = 4096;     // validate() knows the real limits of names
constexpr std::size_t kMaxChapName = 255;
constexpr std::string_view kLunPlaceholder = "{lun}";
constexpr std::uint16_t kNoLun = 0xffff;  // an entry whose number could not be read

Endpoint read_endpoint(const Value& value, Parsed<Endpoint> (*parse)(std::string_view)) {
  const auto text = value.text(1, kMaxTextField);
  if (!text) return {};
  auto parsed = parse(*text);
  if (!parsed.value) value.fail(parsed.error);
  return parsed.value.value_or(Endpoint{});
}

Portal read_portal(const Value& value) {
  Object in(value, shape("portal"));
  Portal portal;
  portal.listen = read_endpoint(in.required("listen"), parse_listen);
  if (const Value advertise = in.optional("advertise"); advertise.present())
    portal.advertise = read_endpoint(advertise, parse_reachable);
  take(in.optional("group").whole<std::uint16_t>(1, 65535), portal.group);
  in.finish();
  return portal;
}

Control read_control(const Value& value) {
  Object in(value, shape("control"));
  Control control;
  if (const Value listen = in.optional("listen"); listen.present()) {
    if (const auto text = listen.text(1, kMaxTextField)) {
      if (const std::string error = read_control_address(*text, control); !error.empty())
        listen.fail(error);
    }
  }
  take(in.optional("token_file").text(1, kMaxPathBytes), control.token_file);
  in.finish();
  return control;
}

Auth read_auth(const Value& value) {
  Object in(value, shape("auth"));
  Auth auth;
  take(in.required("user").text(1, kMaxChapName), auth.user);
  take(in.required("secret_file").text(1, kMaxPathBytes), auth.secret_file);
  if (const Value mutual = in.optional("mutual"); mutual.present()) {
    Object inner(mutual, shape("mutual"));
    Auth::Account account;
    take(inner.required("user").text(1, kMaxChapName), account.user);
    take(inner.required("secret_file").text(1, kMaxPathBytes), account.secret_file);
    inner.finish();
    auth.mutual = std::move(account);
  }
  in.finish();
  return auth;
}

Limits read_limits(const Value& value) {
  Object in(value, shape("limits"));
  Limits limits;
  take(in.optional("max_sessions").whole<std::uint16_t>(1, 65535), limits.max_sessions);
  take(in.optional("max_connections_per_portal").whole<std::uint16_t>(1, 65535),
       limits.max_connections_per_portal);
  take(in.optional("command_window").whole<std::uint16_t>(1, 65535), limits.command_window);
  take(in.optional("login_timeout").duration(milliseconds(100), hours(1)), limits.login_timeout);
  take(in.optional("nop_interval").duration(microseconds(0), hours(24)), limits.nop_interval);
  take(in.optional("nop_timeout").duration(milliseconds(100), hours(1)), limits.nop_timeout);
  in.finish();
  return limits;
}

void only_for(const Value& value, lun_backends::BackendSpec::Kind kind,
              lun_backends::BackendSpec::Kind wanted) {
  if (!value.present() || kind == wanted) return;
  value.fail("only a backend of kind \"" +
             std::string(kBackendKinds[static_cast<std::size_t>(wanted)]) +
             "\" has it, this is \"" + std::string(kBackendKinds[static_cast<std::size_t>(kind)]) +
             "\"; remove it or change the kind");
}

lun_backends::BackendSpec read_backend(const Value& value) {
  using Kind = lun_backends::BackendSpec::Kind;
  using Writes = lun_backends::BackendSpec::Writes;
  Object in(value, shape("backend"));
  lun_backends::BackendSpec spec;
  const auto kind = in.required("kind").one_of(kBackendKinds);
  if (kind) spec.kind = static_cast<Kind>(*kind);
  const Value size = in.optional("size");
  const Value path = in.optional("path");
  const Value writes = in.optional("writes");
  if (take(size.size_bytes(), spec.size_bytes) && spec.size_bytes == 0)
    size.fail("is 0; write a size like \"1GiB\"");
  take(path.text(1, kMaxPathBytes), spec.path);
  if (const auto chosen = writes.one_of(kPatternWrites)) spec.writes = static_cast<Writes>(*chosen);
  if (kind) {
    only_for(path, spec.kind, Kind::file);
    only_for(writes, spec.kind, Kind::pattern);
    if (!size.present() && spec.kind != Kind::file && value.is_object())
      size.fail("missing; add a size like \"1GiB\"");
    if (!path.present() && spec.kind == Kind::file && value.is_object())
      path.fail("missing; say where the file is, like \"disk.img\"");
  }
  if (!kind && !size.present())
    spec.size_bytes = std::uint64_t{1} << 30;  // the kind is the problem, not the size
  in.finish();
  return spec;
}

void replace_placeholder(std::string& path, std::uint16_t lun) {
  const std::string number = std::to_string(lun);
  for (std::size_t at = path.find(kLunPlaceholder); at != std::string::npos;
       at = path.find(kLunPlaceholder, at + number.size()))
    path.replace(at, kLunPlaceholder.size(), number);
}

struct LunEntry {
  LunRange range{kNoLun, kNoLun};
  Lun lun;  ///< the number is not set
};

void check_range(const LunEntry& entry, const Value& backend, const Value& serial,
                 const Value& naa) {
  if (entry.range.first == entry.range.last) return;
  const bool is_file = entry.lun.backend.kind == lun_backends::BackendSpec::Kind::file &&
                       !entry.lun.backend.path.empty();
  if (is_file && entry.lun.backend.path.find(kLunPlaceholder) == std::string::npos)
    backend.problems().add(
        backend.path() + ".path",
        "the same file for every LUN of a range; put {lun} into it, like \"disk{lun}.img\"");
  for (const Value* value : {&serial, &naa})
    if (value->present())
      value->fail(
          "the same for every LUN of a range; leave it out (each unit gets its own) or write one "
          "entry per unit");
}

LunEntry read_lun(const Value& value) {
  Object in(value, shape("lun"));
  LunEntry entry;
  Lun& lun = entry.lun;
  if (const Value number = in.required("lun"); number.present())
    take(read_lun_range(number), entry.range);
  in.optional("type").one_of(kLunTypes);  // there is one
  const Value backend = in.required("backend");
  if (backend.present()) lun.backend = read_backend(backend);
  take(in.optional("block_size").whole<std::uint32_t>(1, 1u << 24), lun.block_size);
  take(in.optional("physical_block_size").whole<std::uint32_t>(1, 1u << 28),
       lun.physical_block_size);
  take(in.optional("read_only").boolean(), lun.read_only);
  take(in.optional("removable").boolean(), lun.removable);
  using Kind = lun_backends::BackendSpec::Kind;
  lun.thin = lun.backend.kind == Kind::memory || lun.backend.kind == Kind::file;
  take(in.optional("thin").boolean(), lun.thin);
  take(in.optional("write_cache").boolean(), lun.write_cache);
  take(in.optional("rotational").boolean(), lun.rotational);
  take(in.optional("vendor").text(0, kMaxTextField), lun.vendor);
  take(in.optional("product").text(0, kMaxTextField), lun.product);
  take(in.optional("revision").text(0, kMaxTextField), lun.revision);
  const Value serial = in.optional("serial");
  const Value naa = in.optional("naa");
  take(serial.text(1, kMaxTextField), lun.serial);
  if (take(naa.text(1, kMaxTextField), lun.naa))
    for (char& c : lun.naa)
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  lun.backend.block_size = lun.block_size;
  lun.backend.read_only = lun.read_only;
  check_range(entry, backend, serial, naa);
  in.finish();
  return entry;
}

/// Appends the units of every entry; stops at kMaxLuns of all targets.
void read_luns(const Value& value, Target& target, std::vector<std::uint32_t>& entries,
               std::size_t& total) {
  std::uint32_t index = 0;
  for (const Value& item : value.items(kMaxLuns)) {
    const LunEntry entry = read_lun(item);
    for (std::uint32_t number = entry.range.first; number <= entry.range.last; ++number) {
      if (total == kMaxLuns) {
        item.fail("more than 65536 LUNs in all targets; remove some");
        return;
      }
      ++total;
      Lun lun = entry.lun;
      lun.lun = static_cast<std::uint16_t>(number);
      replace_placeholder(lun.backend.path, lun.lun);
      target.luns.push_back(std::move(lun));
      entries.push_back(index);
    }
    ++index;
  }
}

Redirect read_redirect(const Value& value) {
  Object in(value, shape("redirect"));
  Redirect redirect;
  redirect.address = read_endpoint(in.required("address"), parse_reachable);
  take(in.optional("permanent").boolean(), redirect.permanent);
  in.finish();
  return redirect;
}

Target read_target(const Value& value, std::vector<std::uint32_t>& entries,
                   std::size_t& total_luns) {
  Object in(value, shape("target"));
  Target target;
  take(in.required("name").text(1, kMaxTextField), target.name);
  take(in.optional("alias").text(0, kMaxTextField), target.alias);
  if (const Value groups = in.optional("portal_groups"); groups.present()) {
    const auto items = groups.items(kMaxPortals);
    for (const Value& item : items)
      if (const auto group = item.whole<std::uint16_t>(1, 65535))
        target.portal_groups.push_back(*group);
    if (items.empty() && groups.is_array())
      groups.fail(
          "empty, so nobody reaches the target; name a group or leave the key out for every group");
  }
  if (const Value auth = in.optional("auth"); auth.present()) target.auth = read_auth(auth);
  for (const Value& item : in.optional("initiators").items(kMaxInitiators))
    target.initiators.push_back(item.text(0, kMaxTextField).value_or(std::string{}));
  read_luns(in.required("luns"), target, entries, total_luns);
  if (const Value redirect = in.optional("redirect"); redirect.present())
    target.redirect = read_redirect(redirect);
  take(in.optional("power_on_unit_attention").boolean(), target.power_on_unit_attention);
  in.finish();
  return target;
}

}  // namespace

std::string read_control_address(std::string_view text, Control& control) {
  if (text.starts_with("unix:")) {
    const std::string_view path = text.substr(5);
    if (path.empty()) return "\"unix:\" has no path; write one, like \"unix:/run/faultlun.sock\"";
    if (path.size() > kMaxUnixPathBytes)
      return "the path has " + std::to_string(path.size()) +
             " bytes and a Unix socket's has at most 107; use a shorter one";
    control.unix_path = path;
    return {};
  }
  auto parsed = parse_listen(text);
  if (!parsed.value) return parsed.error + ", or \"unix:PATH\"";
  control.listen = *parsed.value;
  control.unix_path.clear();
  return {};
}

std::string control_address_text(const Control& control) {
  return control.unix_path.empty() ? to_text(control.listen) : "unix:" + control.unix_path;
}

Portal default_portal() {
  return {.listen = {"127.0.0.1", 3260}, .advertise = {}, .group = 1};
}

Target default_target() {
  Lun lun;
  lun.backend.size_bytes = std::uint64_t{1} << 30;
  Target target;
  target.name = "iqn.2026-11.example.faultlun:lab";
  target.alias = "lab";
  target.luns.push_back(std::move(lun));
  return target;
}

Reading read_config(const Value& root) {
  Reading out;
  Config& config = out.config;
  Object in(root, shape("config"));
  in.optional("$schema").text(0, kMaxPathBytes);
  if (const auto seed = in.optional("seed").seed()) config.seed = seed;
  if (const Value portals = in.optional("portals"); portals.present()) {
    for (const Value& item : portals.items(kMaxPortals))
      config.portals.push_back(read_portal(item));
  } else {
    config.portals.push_back(default_portal());
  }
  if (const Value control = in.optional("control"); control.present())
    config.control = read_control(control);
  if (const Value auth = in.optional("discovery_auth"); auth.present())
    config.discovery_auth = read_auth(auth);
  take(in.optional("send_targets_all_in_normal_session").boolean(),
       config.send_targets_all_in_normal_session);
  if (const Value limits = in.optional("limits"); limits.present())
    config.limits = read_limits(limits);
  std::size_t total_luns = 0;
  if (const Value targets = in.optional("targets"); targets.present()) {
    for (const Value& item : targets.items(kMaxTargets))
      config.targets.push_back(read_target(item, out.lun_entries.emplace_back(), total_luns));
  } else {
    config.targets.push_back(default_target());
    out.lun_entries.push_back({0});
  }
  config.rules = read_rules(in.optional("rules"));
  in.finish();
  fill_derived(config);
  return out;
}

}  // namespace faultlun::config
