#include "config/validate.hpp"

#include "protocol/iscsi/directory.hpp"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <limits>
#include <set>
#include <unordered_map>
#include <utility>

namespace faultlun::config {

namespace {

constexpr std::string_view kNameForms[] = {"iqn.", "eui.", "naa."};
constexpr std::size_t kMaxIscsiNameBytes = 223;  // RFC 7143 §4.2.7.1
constexpr std::size_t kMaxAliasBytes = 255;      // RFC 7143 §13.6
constexpr std::size_t kMaxVendor = 8;
constexpr std::size_t kMaxProduct = 16;
constexpr std::size_t kMaxRevision = 4;
constexpr std::size_t kMaxSerial = 36;
constexpr std::size_t kNaaDigits = 32;
constexpr std::uint32_t kMaxPhysicalExponent = 15;  // four bits in READ CAPACITY(16)

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

bool has_upper_case(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string indexed(std::string_view array, std::size_t index) {
  return std::string(array) + "[" + std::to_string(index) + "]";
}

class Validator {
 public:
  Validator(const Config& config, const LunPath& lun_path) : config_(config), lun_path_(lun_path) {}

  Findings run() {
    check_portals();
    check_control();
    if (config_.discovery_auth) check_auth(*config_.discovery_auth, "discovery_auth");
    if (config_.targets.empty())
      warn("targets", "empty: there is nothing to log in to; leave the key out for the lab target");
    for (std::size_t t = 0; t < config_.targets.size(); ++t)
      check_target(t);
    check_identities();
    check_files();
    return std::move(findings_);
  }

 private:
  void fail(std::string path, std::string message) {
    findings_.errors.add(std::move(path), std::move(message));
  }
  void warn(std::string path, std::string message) {
    findings_.warnings.add(std::move(path), std::move(message));
  }
  std::string lun_at(std::size_t target, std::size_t position) const {
    if (lun_path_) return lun_path_(target, position);
    return indexed(indexed("targets", target) + ".luns", position);
  }

  void check_portals();
  void check_control();
  void check_auth(const Auth& auth, const std::string& path);
  void check_target(std::size_t t);
  void check_target_name(std::size_t t);
  void check_initiator(const std::string& pattern, const std::string& path);
  void check_lun(std::size_t t, std::size_t l);
  void check_blocks(const Lun& lun, const std::function<std::string()>& path);
  void check_identity_texts(const Lun& lun, const std::function<std::string()>& path);
  void check_identities();
  void check_files();

  const Config& config_;
  const LunPath& lun_path_;
  Findings findings_;
  std::unordered_map<std::string, std::size_t> target_names_;
};

void Validator::check_portals() {
  const auto& portals = config_.portals;
  if (portals.empty())
    fail("portals",
         "empty, so nobody can connect; add one or leave the key out for 127.0.0.1:3260");
  if (portals.size() > kMaxPortals) fail("portals", "more than 256; remove some");
  for (std::size_t i = 0; i < portals.size(); ++i) {
    const std::string path = indexed("portals", i);
    const auto parsed = parse_listen(to_text(portals[i].listen));
    if (!parsed.value) fail(path + ".listen", parsed.error);
    if (portals[i].advertise) {
      const auto reachable = parse_reachable(to_text(*portals[i].advertise));
      if (!reachable.value) fail(path + ".advertise", reachable.error);
    }
    if (portals[i].group == 0) fail(path + ".group", "is 0; use a number from 1 to 65535");
    for (std::size_t j = 0; j < i; ++j) {
      const std::string other = to_text(portals[j].listen) + " of " + indexed("portals", j);
      if (listeners_clash(portals[i].listen, portals[j].listen))
        fail(path + ".listen", to_text(portals[i].listen) + " clashes with " + other +
                                   "; use another port or remove one of the two");
      if (portals[i].advertise && portals[i].advertise == portals[j].advertise)
        warn(path + ".advertise", "the same address as " + indexed("portals", j) +
                                      " advertises; initiators cannot tell the two apart");
    }
  }
}

void Validator::check_control() {
  const Control& control = config_.control;
  const auto is_token = [&](const Auth& auth) {
    return auth.secret_file == control.token_file ||
           (auth.mutual && auth.mutual->secret_file == control.token_file);
  };
  bool shared = config_.discovery_auth && is_token(*config_.discovery_auth);
  for (const Target& target : config_.targets)
    shared = shared || (target.auth && is_token(*target.auth));
  if (shared && !control.token_file.empty())
    fail("control.token_file", "is the file of a CHAP secret too; use a file of its own");
  if (!control.unix_path.empty()) return;  // file permissions guard it
  const auto parsed = parse_listen(to_text(control.listen));
  const auto ip = parse_ip(control.listen.host);
  if (!parsed.value || !ip) {
    fail("control.listen", parsed.error);
    return;
  }
  if (!is_loopback(*ip) && control.token_file.empty())
    fail("control.listen", to_text(control.listen) +
                               " is open to the network and there is no token; add \"token_file\", "
                               "or listen on 127.0.0.1 or unix:PATH");
  for (std::size_t i = 0; i < config_.portals.size(); ++i)
    if (listeners_clash(control.listen, config_.portals[i].listen))
      fail("control.listen", to_text(control.listen) + " clashes with " + indexed("portals", i) +
                                 ".listen; use another port");
}

void Validator::check_auth(const Auth& auth, const std::string& path) {
  if (auth.user.empty()) fail(path + ".user", "is empty; write the name that the initiator gives");
  if (auth.secret_file.empty())
    fail(path + ".secret_file", "is empty; write the name of the file with the secret");
  if (!auth.mutual) return;
  if (auth.mutual->user.empty())
    fail(path + ".mutual.user", "is empty; write the name that the target gives");
  if (auth.mutual->secret_file.empty())
    fail(path + ".mutual.secret_file", "is empty; write the name of the file with the secret");
  if (auth.mutual->secret_file == auth.secret_file)
    fail(path + ".mutual.secret_file",
         "the same file as the initiator's secret; the two secrets must differ (RFC 7143 §9.2.1), "
         "use another file");
}

void Validator::check_target_name(std::size_t t) {
  const std::string& name = config_.targets[t].name;
  const std::string path = indexed("targets", t) + ".name";
  std::string reason = explain_name(name);
  if (reason.empty() && has_upper_case(name))
    reason = in_quotes(name) +
             " has upper-case letters, which initiators fold (RFC 7143 §4.2.7.2); write " +
             in_quotes(lower_case(name));
  if (!reason.empty()) fail(path, reason);
  const auto [other, fresh] = target_names_.emplace(lower_case(name), t);
  if (!fresh && !name.empty())
    fail(path, in_quotes(name) + " is the name of " + indexed("targets", other->second) +
                   " too; give each target its own");
}

void Validator::check_initiator(const std::string& pattern, const std::string& path) {
  const std::size_t wild = pattern.find_first_of("*?");
  if (pattern.empty()) {
    fail(path, "is empty and matches nobody; write a name or a pattern, or remove it");
  } else if (wild == std::string::npos) {
    if (const std::string reason = explain_name(pattern); !reason.empty())
      fail(path, "matches nobody: " + reason);
  } else if (pattern.size() > kMaxIscsiNameBytes) {
    fail(path, "has " + std::to_string(pattern.size()) + " bytes; a name has at most 223");
  } else {
    const std::string head = lower_case(pattern.substr(0, std::min<std::size_t>(wild, 4)));
    const bool possible =
        std::any_of(std::begin(kNameForms), std::end(kNameForms),
                    [&](std::string_view form) { return form.starts_with(head); });
    if (!possible)
      fail(path, in_quotes(pattern) +
                     " matches nobody: every name begins with iqn., eui. or naa.; begin with that "
                     "or with *");
  }
}

void Validator::check_target(std::size_t t) {
  const Target& target = config_.targets[t];
  const std::string path = indexed("targets", t);
  check_target_name(t);
  if (target.alias.size() > kMaxAliasBytes)
    fail(path + ".alias",
         "has " + std::to_string(target.alias.size()) + " bytes; the most is 255 (RFC 7143 §13.6)");
  std::set<std::uint16_t> groups;
  for (std::size_t i = 0; i < target.portal_groups.size(); ++i) {
    const std::uint16_t group = target.portal_groups[i];
    const auto in_group = [&](const Portal& portal) { return portal.group == group; };
    const std::string at = indexed(path + ".portal_groups", i);
    if (!config_.portals.empty() &&
        std::none_of(config_.portals.begin(), config_.portals.end(), in_group))
      fail(at, "no portal is in group " + std::to_string(group) +
                   "; add one or name a group that exists");
    if (!groups.insert(group).second)
      fail(at, "names group " + std::to_string(group) + " a second time; remove it");
  }
  if (target.auth) check_auth(*target.auth, path + ".auth");
  for (std::size_t i = 0; i < target.initiators.size(); ++i)
    check_initiator(target.initiators[i], indexed(path + ".initiators", i));
  if (target.redirect) {
    const auto parsed = parse_reachable(to_text(target.redirect->address));
    if (!parsed.value) fail(path + ".redirect.address", parsed.error);
  }
  if (target.luns.empty() && !target.redirect)
    warn(path + ".luns", "empty: an initiator finds no disk behind this target");
  std::unordered_map<std::uint16_t, std::size_t> numbers;
  for (std::size_t l = 0; l < target.luns.size(); ++l) {
    check_lun(t, l);
    const auto [other, fresh] = numbers.emplace(target.luns[l].lun, l);
    if (!fresh)
      fail(lun_at(t, l) + ".lun", "LUN " + std::to_string(target.luns[l].lun) + " is defined by " +
                                      lun_at(t, other->second) +
                                      " too; give each unit its own number");
  }
}

void Validator::check_blocks(const Lun& lun, const std::function<std::string()>& path) {
  using Kind = lun_backends::BackendSpec::Kind;
  const std::uint64_t size = lun.backend.size_bytes;
  if (lun.block_size != 512 && lun.block_size != 4096) {
    fail(path() + ".block_size", "is " + std::to_string(lun.block_size) + "; use 512 or 4096");
    return;
  }
  if (!std::has_single_bit(lun.physical_block_size) || lun.physical_block_size < lun.block_size) {
    fail(path() + ".physical_block_size", "is " + std::to_string(lun.physical_block_size) +
                                              "; use a power of two that is at least block_size (" +
                                              std::to_string(lun.block_size) + ")");
  } else if (lun.physical_block_size >> kMaxPhysicalExponent > lun.block_size) {
    fail(path() + ".physical_block_size",
         "is " + std::to_string(lun.physical_block_size) + "; the most is 32768 logical blocks");
  }
  if (size == 0 && lun.backend.kind != Kind::file)
    fail(path() + ".backend.size", "is 0; write a size like \"1GiB\"");
  if (size % lun.block_size != 0)
    fail(path() + ".backend.size",
         std::to_string(size) + " bytes are no whole number of blocks of " +
             std::to_string(lun.block_size) + "; use " +
             std::to_string(std::max<std::uint64_t>(size - size % lun.block_size, lun.block_size)) +
             " or a size like \"1GiB\"");
  if (lun.backend.kind == Kind::file &&
      size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    fail(path() + ".backend.size",
         "no file can be as large as that; the most is 8 EiB less one block (a pattern can be "
         "larger)");
}

void Validator::check_identity_texts(const Lun& lun, const std::function<std::string()>& path) {
  struct Field {
    const char* name;
    const std::string& text;
    std::size_t least, most;
  };
  const Field fields[] = {{".vendor", lun.vendor, 0, kMaxVendor},
                          {".product", lun.product, 0, kMaxProduct},
                          {".revision", lun.revision, 0, kMaxRevision},
                          {".serial", lun.serial, 1, kMaxSerial}};
  const auto printable = [](char c) { return c >= 0x20 && c <= 0x7e; };
  for (const Field& field : fields) {
    if (field.text.size() < field.least || field.text.size() > field.most)
      fail(path() + field.name, in_quotes(field.text) + " has " +
                                    std::to_string(field.text.size()) + " bytes; use " +
                                    std::to_string(field.least) + " to " +
                                    std::to_string(field.most) + " ASCII characters");
    if (!std::all_of(field.text.begin(), field.text.end(), printable))
      fail(path() + field.name,
           in_quotes(field.text) +
               " has characters that SCSI does not allow there; use printable ASCII");
  }
  if (lun.naa.size() != kNaaDigits || !is_hex(lun.naa) || lun.naa[0] != '6')
    fail(path() + ".naa", in_quotes(lun.naa) +
                              " is no NAA identifier of format 6, the only one this version has; "
                              "write 32 hexadecimal "
                              "digits without 0x, the first a 6, or leave the key out");
}

void Validator::check_lun(std::size_t t, std::size_t l) {
  using Kind = lun_backends::BackendSpec::Kind;
  const Lun& lun = config_.targets[t].luns[l];
  const std::function<std::string()> path = [&] { return lun_at(t, l); };
  if (lun.lun > kMaxLun)
    fail(path() + ".lun", std::to_string(lun.lun) + " is too large; use a number from 0 to 16383");
  check_blocks(lun, path);
  check_identity_texts(lun, path);
  if (lun.thin && lun.backend.kind == Kind::pattern)
    fail(path() + ".thin",
         "a pattern cannot forget blocks, so it cannot be thin; remove the key or use a memory "
         "backend");
  if (lun.backend.kind == Kind::file && lun.backend.path.empty())
    fail(path() + ".backend.path", "is empty; say where the file is");
}

void Validator::check_identities() {
  struct Owner {
    std::size_t target, position;
  };
  std::unordered_map<std::string_view, Owner> serials;
  std::unordered_map<std::string_view, Owner> naas;
  for (std::size_t t = 0; t < config_.targets.size(); ++t) {
    for (std::size_t l = 0; l < config_.targets[t].luns.size(); ++l) {
      const Lun& lun = config_.targets[t].luns[l];
      const auto again = [&](auto& seen, const std::string& text, const char* key) {
        const auto [other, fresh] = seen.emplace(text, Owner{t, l});
        if (fresh || text.empty()) return;
        const Target& target = config_.targets[other->second.target];
        // The same name and number give the same identity; that has been complained about already.
        if (target.luns[other->second.position].lun == lun.lun &&
            lower_case(target.name) == lower_case(config_.targets[t].name))
          return;
        fail(lun_at(t, l) + key, in_quotes(text) + " belongs to " +
                                     lun_at(other->second.target, other->second.position) +
                                     " too; hosts would take the two for one disk, give each its "
                                     "own or leave the key out");
      };
      again(serials, lun.serial, ".serial");
      again(naas, lun.naa, ".naa");
    }
  }
}

void Validator::check_files() {
  std::unordered_map<std::string, std::pair<std::size_t, std::size_t>> files;
  for (std::size_t t = 0; t < config_.targets.size(); ++t) {
    for (std::size_t l = 0; l < config_.targets[t].luns.size(); ++l) {
      const Lun& lun = config_.targets[t].luns[l];
      if (lun.backend.path.empty()) continue;
      const auto [other, fresh] = files.emplace(
          std::filesystem::path(lun.backend.path).lexically_normal().string(), std::pair(t, l));
      if (fresh) continue;
      const auto [other_t, other_l] = other->second;
      if (lun.read_only && config_.targets[other_t].luns[other_l].read_only) continue;
      fail(lun_at(t, l) + ".backend.path",
           in_quotes(lun.backend.path) + " is the file of " + lun_at(other_t, other_l) +
               " too; use another file, or make both units read_only");
    }
  }
}

}  // namespace

std::string explain_name(std::string_view name) {
  const std::string form = lower_case(std::string(name.substr(0, 4)));
  const std::string_view rest = name.substr(std::min<std::size_t>(4, name.size()));
  if (name.size() > kMaxIscsiNameBytes)
    return "has " + std::to_string(name.size()) +
           " bytes; an iSCSI name has at most 223 (RFC 7143 §4.2.7.1)";
  if (std::find(std::begin(kNameForms), std::end(kNameForms), form) == std::end(kNameForms))
    return in_quotes(name) +
           " is no iSCSI name; begin with iqn., eui. or naa., like "
           "\"iqn.2026-11.example.faultlun:lab\"";
  if (form == "eui." && (rest.size() != 16 || !is_hex(rest)))
    return in_quotes(name) + " is no iSCSI name; eui. takes 16 hexadecimal digits";
  if (form == "naa." && ((rest.size() != 16 && rest.size() != 32) || !is_hex(rest)))
    return in_quotes(name) + " is no iSCSI name; naa. takes 16 or 32 hexadecimal digits";
  if (iscsi::valid_name(name)) return {};
  return in_quotes(name) +
         " is no iSCSI name; write iqn., year and month, a dot and a reversed domain name, "
         "letters, digits and - . : only, like "
         "\"iqn.2026-11.example.faultlun:lab\"";
}

Findings validate(const Config& config, const LunPath& lun_path) {
  return Validator(config, lun_path).run();
}

}  // namespace faultlun::config
