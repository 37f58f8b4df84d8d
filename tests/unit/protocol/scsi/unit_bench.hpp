// One logical unit with two nexuses attached, and short ways to ask it and to say what it answered.
#pragma once

#include "protocol/bytes/hex.hpp"
#include "protocol/scsi/logical_unit.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <ostream>
#include <string>

namespace faultlun::scsi {

inline LogicalUnitProfile small_disk() {
  LogicalUnitProfile profile;
  profile.blocks = 2048;
  profile.serial = "SN0001";
  profile.naa[0] = 0x6001122334455667;
  profile.naa[1] = 0x8899aabbccddeeff;
  return profile;
}

inline LogicalUnitProfile removable_disk() {
  auto profile = small_disk();
  profile.removable = true;
  return profile;
}

/// A disk that knows every command of the table.
inline LogicalUnitProfile whole_block_disk() {
  auto profile = small_disk();
  profile.physical_block_exponent = 0;
  return profile;
}

inline LogicalUnitProfile thick_disk() {
  auto profile = small_disk();
  profile.thin = false;
  return profile;
}

inline LogicalUnitProfile protected_disk() {
  auto profile = small_disk();
  profile.read_only = true;
  return profile;
}

/// "5/24/00 cdb 1.4 info 17": code, field pointer, INFORMATION.
inline std::string say(const Sense& sense) {
  char code[16];
  std::snprintf(code, sizeof code, "%X/%02X/%02X", static_cast<unsigned>(sense.code.key),
                static_cast<unsigned>(sense.code.asc), static_cast<unsigned>(sense.code.ascq));
  std::string out = code;
  if (sense.field) {
    out += (sense.field->in_cdb ? " cdb " : " list ") + std::to_string(sense.field->byte);
    if (sense.field->bit >= 0) out += "." + std::to_string(sense.field->bit);
  }
  if (sense.information) out += " info " + std::to_string(*sense.information);
  return out;
}

/// "GOOD", "RESERVATION CONFLICT", or the sense of a CHECK CONDITION.
inline std::string say(const Reply& reply) {
  if (reply.status != Status::check_condition) return std::string(name_of(reply.status));
  return reply.sense ? say(*reply.sense) : "CHECK CONDITION without sense";
}

using Octets = std::initializer_list<std::uint8_t>;
inline Cdb cdb_of(Octets octets) {
  const bytes::Buffer buffer(octets);
  return Cdb(buffer);
}

struct UnitBench {
  static constexpr NexusId kFirst = 1, kSecond = 2;

  explicit UnitBench(const LogicalUnitProfile& profile = small_disk()) : unit(profile) {
    ports.initiator_port = "iqn.2026-11.example:host,i,0x000001370000";
    ports.target_name = "iqn.2026-11.example:disk";
    ports.target_port = "iqn.2026-11.example:disk,t,0x0001";
    unit.attach(kFirst, std::nullopt);
    unit.attach(kSecond, std::nullopt);
  }

  Plan plan(const Cdb& cdb, NexusId nexus = kFirst) { return unit.plan(nexus, {cdb}, around()); }

  /// The whole life of a command on a medium that never fails; `list` is the Data-Out.
  Reply ask(const Cdb& cdb, NexusId nexus = kFirst, bytes::View list = {}) {
    const Command command{cdb};
    Plan made = unit.plan(nexus, command, around());
    if (std::holds_alternative<NeedData>(made))
      made = unit.plan_with_data(nexus, command, around(), list);
    return unit.finish(nexus, command, made, {});
  }
  Reply ask(Octets cdb, NexusId nexus = kFirst) { return ask(cdb_of(cdb), nexus); }
  Reply send(Octets cdb, const bytes::Buffer& list, NexusId nexus = kFirst) {
    return ask(cdb_of(cdb), nexus, list);
  }

  std::string said(Octets cdb, NexusId nexus = kFirst) { return say(ask(cdb, nexus)); }
  std::string said_to(Octets cdb, const bytes::Buffer& list, NexusId nexus = kFirst) {
    return say(send(cdb, list, nexus));
  }
  std::string ready(NexusId nexus = kFirst) { return said({0x00, 0, 0, 0, 0, 0}, nexus); }

  /// The plan for a CDB when it is of kind T; fails the test otherwise.
  template <typename T>
  T planned(Octets cdb, NexusId nexus = kFirst) {
    const Plan made = plan(cdb_of(cdb), nexus);
    REQUIRE(std::holds_alternative<T>(made));
    return std::get<T>(made);
  }

  Surroundings around() const { return {ports, luns}; }

  NexusPorts ports;
  std::vector<std::uint16_t> luns{0};
  LogicalUnit unit;
};

}  // namespace faultlun::scsi
