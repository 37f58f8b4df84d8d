// INQUIRY: standard data and the vital product data pages, one table of pages.  SPC-4 §6.6, §7.8;
// SBC-3 §6.6.
#include "protocol/bytes/writer.hpp"
#include "protocol/scsi/execution.hpp"
#include "protocol/scsi/limits.hpp"

#include <algorithm>

namespace faultlun::scsi {
namespace {

constexpr std::uint8_t kIscsi = 5;  // PROTOCOL IDENTIFIER
constexpr std::uint8_t kVersionSpc4 = 0x06;
constexpr std::size_t kStandardBytes = 96;

struct VpdPage {
  std::uint8_t code;
  void (*put)(bytes::Writer& out, const LogicalUnitProfile& profile, const NexusPorts& ports);
};

void put_supported_pages(bytes::Writer& out, const LogicalUnitProfile& profile,
                         const NexusPorts& ports);

/// Unit Serial Number.
void put_serial(bytes::Writer& out, const LogicalUnitProfile& profile, const NexusPorts&) {
  out.octets(bytes::of(profile.serial).first(std::min<std::size_t>(profile.serial.size(), 36)));
}

/// One designation descriptor.  SPC-4 §7.8.6.
void put_designator(bytes::Writer& out, std::uint8_t code_set, std::uint8_t association,
                    std::uint8_t type, bytes::View designator) {
  const bool of_port = association != 0;  // then the protocol is told: PIV=1
  out.u8(static_cast<std::uint8_t>((of_port ? kIscsi << 4 : 0) | code_set));
  out.u8(static_cast<std::uint8_t>((of_port ? 0x80 : 0) | association << 4 | type));
  out.u8(0).u8(static_cast<std::uint8_t>(designator.size())).octets(designator);
}

/// A SCSI name string: UTF-8, ended and filled up to a multiple of four by zeros.
void put_name_string(bytes::Writer& out, std::uint8_t association, std::string_view name) {
  constexpr std::size_t kMaxName = 251;
  bytes::Writer text;
  const auto used = name.substr(0, kMaxName);
  text.padded_text(used, bytes::padded4(used.size() + 1), 0);
  put_designator(out, 3, association, 8, text.view());
}

/// Device Identification.  Windows takes the longest of the best kind that names the unit: NAA.
void put_identification(bytes::Writer& out, const LogicalUnitProfile& profile,
                        const NexusPorts& ports) {
  constexpr std::uint8_t kBinary = 1, kAscii = 2, kUnit = 0, kPort = 1, kDevice = 2;
  bytes::Writer naa;
  naa.be64(profile.naa[0]).be64(profile.naa[1]);
  put_designator(out, kBinary, kUnit, 3, naa.view());
  bytes::Writer vendor;
  vendor.padded_text(profile.vendor, 8).padded_text(profile.product, 16);
  vendor.octets(bytes::of(profile.serial).first(std::min<std::size_t>(profile.serial.size(), 36)));
  put_designator(out, kAscii, kUnit, 1, vendor.view());

  bytes::Writer relative_port, group;
  relative_port.be16(0).be16(ports.relative_target_port);
  put_designator(out, kBinary, kPort, 4, relative_port.view());
  group.be16(0).be16(ports.target_port_group);
  put_designator(out, kBinary, kPort, 5, group.view());
  put_name_string(out, kPort, ports.target_port);
  put_name_string(out, kDevice, ports.target_name);
}

/// Extended INQUIRY Data: only what is so.
void put_extended(bytes::Writer& out, const LogicalUnitProfile& profile, const NexusPorts&) {
  constexpr std::uint8_t kGroupSup = 0x10, kHeadSup = 0x04, kOrdSup = 0x02, kSimpSup = 0x01,
                         kVSup = 0x01;
  out.u8(0);
  out.u8(static_cast<std::uint8_t>(kGroupSup | kSimpSup |
                                   (profile.orders_tasks ? kHeadSup | kOrdSup : 0)));
  out.u8(kVSup);  // there is a volatile cache, on or off
  out.zeros(6);
  out.u8(kMaxSenseBytes);
  out.zeros(50);
}

/// Block Limits.
void put_block_limits(bytes::Writer& out, const LogicalUnitProfile& profile, const NexusPorts&) {
  const auto blocks = [&](std::uint64_t length) {
    return static_cast<std::uint32_t>(length / profile.block_size);
  };
  const auto physical = static_cast<std::uint32_t>(1U << profile.physical_block_exponent);
  out.u8(0);  // WSNZ=0
  out.u8(kMaxCompareAndWriteBlocks);
  out.be16(static_cast<std::uint16_t>(std::min<std::uint32_t>(physical, 0xffff)));
  out.be32(blocks(kMaxTransferBytes)).be32(blocks(kOptimalTransferBytes)).be32(0);
  out.be32(profile.thin ? kMaxUnmapBlocks : 0).be32(profile.thin ? kMaxUnmapDescriptors : 0);
  out.be32(profile.thin ? physical : 0)
      .be32(profile.thin ? 0x80000000 : 0);  // UGAVALID, alignment 0
  out.be64(blocks(kMaxWriteSameBytes));
  out.zeros(20);
}

/// Block Device Characteristics.
void put_characteristics(bytes::Writer& out, const LogicalUnitProfile& profile, const NexusPorts&) {
  out.be16(profile.rotational ? 7200 : 1);  // 1: non-rotating
  out.zeros(58);
}

/// Logical Block Provisioning: LBPU, LBPWS, LBPWS10, LBPRZ; thin.
void put_provisioning(bytes::Writer& out, const LogicalUnitProfile& profile, const NexusPorts&) {
  out.u8(0).u8(profile.thin ? 0xe4 : 0).u8(profile.thin ? 2 : 0).u8(0);
}

constexpr VpdPage kVpdPages[] = {
    {0x00, put_supported_pages}, {0x80, put_serial},       {0x83, put_identification},
    {0x86, put_extended},        {0xb0, put_block_limits}, {0xb1, put_characteristics},
    {0xb2, put_provisioning},
};
// Windows takes a list that is not ascending for an empty one.
static_assert(std::ranges::is_sorted(kVpdPages, std::ranges::less{}, &VpdPage::code));

void put_supported_pages(bytes::Writer& out, const LogicalUnitProfile&, const NexusPorts&) {
  for (const VpdPage& page : kVpdPages)
    out.u8(page.code);
}

}  // namespace

bytes::Buffer standard_inquiry(const LogicalUnitProfile& profile, const NexusPorts& ports,
                               std::uint8_t peripheral) {
  constexpr std::uint8_t kHiSup = 0x10, kResponseFormat = 0x02, kCmdQue = 0x02;
  bytes::Writer out;
  out.u8(peripheral).u8(profile.removable ? 0x80 : 0).u8(kVersionSpc4).u8(kHiSup | kResponseFormat);
  out.u8(kStandardBytes - 5).u8(0).u8(0).u8(kCmdQue);
  out.padded_text(profile.vendor, 8)
      .padded_text(profile.product, 16)
      .padded_text(profile.revision, 4);
  out.zeros(22);
  out.be16(0x00a0).be16(0x0460).be16(0x04c0);  // SAM-5, SPC-4, SBC-3
  out.be16(static_cast<std::uint16_t>(0x0960 + ports.iscsi_protocol_level));
  out.zeros(kStandardBytes - out.size());
  return std::move(out).take();
}

Plan plan_inquiry(Execution& execution) {
  const Cdb& cdb = execution.cdb();
  const bool vital_product_data = (cdb[1] & 0x01) != 0;
  const std::uint8_t code = cdb[2];
  if (!vital_product_data) {
    if (code != 0) return invalid_cdb_field(2);
    return parameter_data(standard_inquiry(execution.profile(), execution.around.ports, 0x00),
                          cdb.be16(3));
  }
  const auto* page = std::ranges::find(kVpdPages, code, &VpdPage::code);
  if (page == std::end(kVpdPages)) return invalid_cdb_field(2);
  bytes::Writer out;
  out.u8(0x00).u8(code).be16(0);
  page->put(out, execution.profile(), execution.around.ports);
  out.patch_be16(2, out.size() - 4);
  return parameter_data(std::move(out).take(), cdb.be16(3));
}

}  // namespace faultlun::scsi
