#include "config/keys.hpp"

#include <algorithm>
#include <cassert>

namespace faultlun::config {

namespace {

// clang-format off
constexpr Key kConfig[] = {
  {"$schema", kOptional, "string", "(none)", "Where an editor finds the schema. The daemon does not look at it."},
  {"seed", kOptional, "number or \"0x…\" string", "(random, printed at start)", "The seed of every chance the daemon takes, 64 bits."},
  {"portals", kOptional, "array of portal", "[{\"listen\": \"127.0.0.1:3260\"}]", "Addresses that initiators connect to, at least one."},
  {"control", kOptional, "control", "{\"listen\": \"127.0.0.1:8326\"}", "The control API."},
  {"discovery_auth", kOptional, "auth", "(none)", "CHAP for discovery sessions. Without it anyone may ask for the list of targets."},
  {"send_targets_all_in_normal_session", kOptional, "boolean", "false", "Answer SendTargets=All in a normal session too, which RFC 7143 Appendix C refuses."},
  {"limits", kOptional, "limits", "{}", "What the daemon spends on its peers at most."},
  {"targets", kOptional, "array of target", "(the lab target)", "The iSCSI targets."},
  {"rules", kOptional, "array of rule", "[]", "Fault rules, at most 20,000: docs/rules.md. In order of installation."},
};

constexpr Key kPortal[] = {
  {"listen", kRequired, "\"ADDRESS:PORT\"", "", "IP address and port to listen on. Port 0 asks the system for one; 0.0.0.0 and [::] mean every address of the family."},
  {"advertise", kOptional, "\"ADDRESS:PORT\"", "(the address the connection came to)", "Address or host name that SendTargets tells initiators, for a portal behind NAT or in a container."},
  {"group", kOptional, "number 1 to 65535", "1", "Portal group tag."},
};

constexpr Key kControl[] = {
  {"listen", kOptional, "\"ADDRESS:PORT\" or \"unix:PATH\"", "\"127.0.0.1:8326\"", "Where the control API listens. Port 0 asks the system for one."},
  {"token_file", kOptional, "string", "(none)", "File with the token that a caller must show. Required when the address is not a loopback address."},
};

constexpr Key kAuth[] = {
  {"user", kRequired, "string", "", "CHAP name that the initiator gives."},
  {"secret_file", kRequired, "string", "", "File with the secret that the initiator proves: text (one newline at the end does not count) or 0x and hexadecimal digits."},
  {"mutual", kOptional, "mutual", "(none)", "The target proves itself to the initiator too."},
};

constexpr Key kMutual[] = {
  {"user", kRequired, "string", "", "CHAP name that the target gives."},
  {"secret_file", kRequired, "string", "", "File with the secret that the target proves. It must differ from the initiator's."},
};

constexpr Key kLimits[] = {
  {"max_sessions", kOptional, "number 1 to 65535", "4096", "Sessions at one time. The login of one more ends with status 0302h."},
  {"max_connections_per_portal", kOptional, "number 1 to 65535", "8192", "Connections at one time, logged in or not. One more is closed at once."},
  {"command_window", kOptional, "number 1 to 65535", "16384", "Commands that a session may have at the target: MaxCmdSN less ExpCmdSN, plus one."},
  {"login_timeout", kOptional, "duration 100ms to 1h", "\"15s\"", "A connection that has not logged in by then is closed."},
  {"nop_interval", kOptional, "duration 0s to 24h", "\"0s\"", "Silence after which the target pings the initiator with a NOP-In. 0s: never."},
  {"nop_timeout", kOptional, "duration 100ms to 1h", "\"5s\"", "A ping that is not answered by then ends the connection."},
};

constexpr Key kTarget[] = {
  {"name", kRequired, "string", "", "iSCSI name in lower case, iqn., eui. or naa., at most 223 bytes."},
  {"alias", kOptional, "string", "\"\"", "TargetAlias, at most 255 bytes."},
  {"portal_groups", kOptional, "array of number", "(every group)", "Tags of the portal groups that lead to the target."},
  {"auth", kOptional, "auth", "(none)", "CHAP for normal sessions. Without it anyone whom `initiators` lets in may log in."},
  {"initiators", kOptional, "array of string", "[]", "Names that may see the target and log in; * stands for any text, ? for one character. Empty: anyone."},
  {"luns", kRequired, "array of lun", "", "The logical units."},
  {"redirect", kOptional, "redirect", "(none)", "Send every login elsewhere (status 0101h or 0102h)."},
  {"power_on_unit_attention", kOptional, "boolean", "true", "A new nexus starts with the unit attention 29/00 (power on)."},
};

constexpr Key kRedirect[] = {
  {"address", kRequired, "\"ADDRESS:PORT\"", "", "Address or host name that initiators are sent to."},
  {"permanent", kOptional, "boolean", "false", "Status 0102h (moved permanently) instead of 0101h (temporarily)."},
};

constexpr Key kLun[] = {
  {"lun", kRequired, "number 0 to 16383 or \"FIRST-LAST\"", "", "Logical unit number, or a range of units that are alike, each with a store of its own."},
  {"type", kOptional, "\"disk\"", "\"disk\"", "Kind of device."},
  {"backend", kRequired, "backend", "", "Where the blocks live."},
  {"block_size", kOptional, "512 or 4096", "512", "Bytes in a logical block."},
  {"physical_block_size", kOptional, "number", "4096", "Bytes in a physical block: a power of two, at least block_size."},
  {"read_only", kOptional, "boolean", "false", "Writes end with DATA PROTECT."},
  {"removable", kOptional, "boolean", "false", "The medium can be ejected (RMB)."},
  {"thin", kOptional, "boolean", "(true for memory and file)", "Thin provisioning: UNMAP and WRITE SAME with UNMAP. Not for a pattern, which cannot forget blocks."},
  {"write_cache", kOptional, "boolean", "true", "The write cache (WCE) is on at power on."},
  {"rotational", kOptional, "boolean", "false", "Says it is a spinning disk instead of a solid-state one."},
  {"vendor", kOptional, "string", "\"FAULTLUN\"", "INQUIRY vendor, at most 8 printable ASCII characters."},
  {"product", kOptional, "string", "\"VIRTUAL DISK\"", "INQUIRY product, at most 16."},
  {"revision", kOptional, "string", "\"0001\"", "INQUIRY revision, at most 4."},
  {"serial", kOptional, "string", "(from target name and LUN)", "Unit serial number (VPD 80h), at most 36 printable ASCII characters, different for every unit."},
  {"naa", kOptional, "string", "(from target name and LUN)", "NAA identifier (VPD 83h): 32 hexadecimal digits, the first a 6 (format 6), different for every unit."},
};

constexpr Key kBackend[] = {
  {"kind", kRequired, "\"memory\", \"file\", \"pattern\" or \"null\"", "", "memory: sparse RAM. file: image or block device. pattern: content computed from the LBA. null: reads zeros, forgets writes."},
  {"size", kOptional, "size", "(of the file)", "Capacity, a multiple of block_size. Only a file may leave it out."},
  {"path", kOptional, "string", "(none)", "file only: where it is, seen from the working directory. {lun} stands for the number of the unit."},
  {"writes", kOptional, "\"drop\" or \"check\"", "\"drop\"", "pattern only: forget writes, or compare them with the pattern."},
};

constexpr Shape kShapes[] = {
  {"config", "(the whole file)", kConfig},
  {"portal", "portals[]", kPortal},
  {"control", "control", kControl},
  {"limits", "limits", kLimits},
  {"target", "targets[]", kTarget},
  {"auth", "targets[].auth, discovery_auth", kAuth},
  {"mutual", "targets[].auth.mutual, discovery_auth.mutual", kMutual},
  {"redirect", "targets[].redirect", kRedirect},
  {"lun", "targets[].luns[]", kLun},
  {"backend", "targets[].luns[].backend", kBackend},
};
// clang-format on

}  // namespace

std::span<const Shape> shapes() {
  return kShapes;
}

const Shape& shape(std::string_view name) {
  for (const auto list : {shapes(), rule_shapes(), scenario_shapes()}) {
    const auto found = std::ranges::find(list, name, &Shape::name);
    if (found != list.end()) return *found;
  }
  assert(false && "no such shape");
  return kShapes[0];
}

}  // namespace faultlun::config
