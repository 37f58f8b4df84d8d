// The reply family of the fault table: parameter data that lies.  INQUIRY, vital product data, mode
// pages, capacity and REPORT LUNS are changed on their way out; the unit itself stays as it is.
// Fault model 8.4.
#include "faults/fault_table.hpp"

#include <string>
#include <utility>
#include <vector>

namespace faultlun::faults {
namespace {

constexpr std::uint8_t kCachingPage = 0x08, kWce = 0x04;
constexpr std::uint8_t kSerialPage = 0x80, kIdentificationPage = 0x83;
constexpr std::uint8_t kRemovable = 0x80;

constexpr std::string_view kHowWords[] = {"set", "xor", "or", "clear"};
constexpr std::string_view kOnlyWords[] = {"both", "10", "16"};

constexpr Parameter kEditMembers[] = {
    {.name = "offset",
     .kind = Kind::number,
     .required = true,
     .most = 0xffff,
     .meaning = "octets from the start of the data (scsi.mode: of the page)"},
    {.name = "hex",
     .kind = Kind::octets,
     .required = true,
     .least = 1,
     .most = 1024,
     .meaning = "what is put there; beyond the end of the data it is left out"},
    {.name = "how",
     .kind = Kind::choice,
     .fallback = R"("set")",
     .choices = kHowWords,
     .meaning = "set: in place of what is there; xor, or, clear: bit by bit"},
};
constexpr Parameter kEdits{.name = "edits",
                           .kind = Kind::objects,
                           .fallback = "(none)",
                           .least = 1,
                           .most = 64,
                           .members = kEditMembers,
                           .meaning = "octets to change, in order"};
constexpr Parameter kTruncate{
    .name = "truncate",
    .kind = Kind::number,
    .fallback = "(all)",
    .most = 0xffff,
    .meaning = "octets that are left; the lengths in the data still tell of all"};
constexpr Parameter kVendor{.name = "vendor",
                            .kind = Kind::text,
                            .fallback = "(the unit's)",
                            .most = 8,
                            .meaning = "T10 VENDOR IDENTIFICATION"};
constexpr Parameter kProduct{.name = "product",
                             .kind = Kind::text,
                             .fallback = "(the unit's)",
                             .most = 16,
                             .meaning = "PRODUCT IDENTIFICATION"};

constexpr Parameter kInquiryParameters[] = {
    kVendor,
    kProduct,
    {.name = "revision",
     .kind = Kind::text,
     .fallback = "(the unit's)",
     .most = 4,
     .meaning = "PRODUCT REVISION LEVEL"},
    {.name = "removable", .kind = Kind::flag, .fallback = "(as it is)", .meaning = "RMB"},
    kEdits,
    kTruncate,
};
constexpr Parameter kVpdParameters[] = {
    {.name = "page",
     .kind = Kind::number,
     .fallback = "(any page that holds what is changed)",
     .most = 0xff,
     .meaning = "PAGE CODE"},
    kVendor,
    kProduct,
    {.name = "serial",
     .kind = Kind::text,
     .fallback = "(the unit's)",
     .most = 128,
     .meaning = "PRODUCT SERIAL NUMBER, in page 80h and in the T10 designator of page 83h"},
    {.name = "naa",
     .kind = Kind::octets,
     .fallback = "(the unit's)",
     .least = 8,
     .most = 16,
     .meaning = "the NAA designator of page 83h: 8 or 16 octets"},
    kEdits,
    kTruncate,
};
constexpr Parameter kModeParameters[] = {
    {.name = "page",
     .kind = Kind::number,
     .fallback = "(edits need one)",
     .most = 0x3e,
     .meaning = "PAGE CODE of the page that the edits are in"},
    {.name = "wce",
     .kind = Kind::flag,
     .fallback = "(as it is)",
     .meaning = "WCE of the Caching page, a lie: the cache is as it was"},
    {.name = "write_protected",
     .kind = Kind::flag,
     .fallback = "(as it is)",
     .meaning = "WP of the header; writes are taken or refused as before (scsi.protect refuses)"},
    kEdits,
    kTruncate,
};
constexpr Parameter kCapacityParameters[] = {
    {.name = "last_lba",
     .kind = Kind::number,
     .fallback = "(the unit's)",
     .meaning = "RETURNED LOGICAL BLOCK ADDRESS; READ CAPACITY(10) says FFFFFFFFh beyond 32 bits"},
    {.name = "block_size",
     .kind = Kind::number,
     .fallback = "(the unit's)",
     .most = UINT32_MAX,
     .meaning = "LOGICAL BLOCK LENGTH IN BYTES"},
    {.name = "only",
     .kind = Kind::choice,
     .fallback = R"("both")",
     .choices = kOnlyWords,
     .meaning = "10 or 16: the other command goes on to tell the truth"},
    kEdits,
    kTruncate,
};
constexpr Parameter kLunsParameters[] = {
    {.name = "add",
     .kind = Kind::numbers,
     .fallback = "(none)",
     .least = 1,
     .most = 256,
     .meaning = "LUNs that are listed without a unit behind them"},
    {.name = "hide",
     .kind = Kind::numbers,
     .fallback = "(none)",
     .least = 1,
     .most = 256,
     .meaning = "LUNs that are left out although the unit answers"},
    kEdits,
    kTruncate,
};

Patch patch_of(const Arguments& arguments, Patch::Page page) {
  Patch patch;
  patch.page = page;
  for (const auto& given : arguments.value<std::vector<Arguments>>("edits")) {
    Patch::Edit edit;
    edit.offset = static_cast<std::uint32_t>(given.number("offset"));
    edit.octets = given.value<bytes::Buffer>("hex");
    edit.how = static_cast<Patch::Edit::How>(given.choice("how"));
    patch.edits.push_back(std::move(edit));
  }
  if (arguments.has("truncate"))
    patch.truncate = static_cast<std::uint32_t>(arguments.number("truncate"));
  return patch;
}

/// One or several bits of one octet on or off.
Patch::Edit bits(std::uint32_t offset, std::uint8_t mask, bool on) {
  using How = Patch::Edit::How;
  return {offset, {mask}, on ? How::set_bits : How::clear_bits};
}

std::vector<std::uint16_t> luns_of(const Arguments& arguments, std::string_view name) {
  std::vector<std::uint16_t> out;
  for (const auto lun : arguments.value<std::vector<std::uint64_t>>(name))
    out.push_back(static_cast<std::uint16_t>(lun));
  return out;
}

/// A patch that changes nothing is a mistake.
Built checked(Patch patch) {
  Patch nothing;
  nothing.page = patch.page;
  nothing.code = patch.code;
  nothing.only_10 = patch.only_10;
  nothing.only_16 = patch.only_16;
  if (patch == nothing) return Complaint{"", "nothing is changed; give at least one of the values"};
  return Action(std::move(patch));
}

Built build_inquiry(const Arguments& arguments) {
  auto patch = patch_of(arguments, Patch::Page::inquiry);
  patch.identity.vendor = arguments.maybe<std::string>("vendor");
  patch.identity.product = arguments.maybe<std::string>("product");
  patch.identity.revision = arguments.maybe<std::string>("revision");
  if (arguments.has("removable"))
    patch.edits.insert(patch.edits.begin(), bits(1, kRemovable, arguments.flag("removable")));
  return checked(std::move(patch));
}

Built build_vpd(const Arguments& arguments) {
  auto patch = patch_of(arguments, Patch::Page::vpd);
  patch.identity.vendor = arguments.maybe<std::string>("vendor");
  patch.identity.product = arguments.maybe<std::string>("product");
  patch.identity.serial = arguments.maybe<std::string>("serial");
  patch.identity.naa = arguments.value<bytes::Buffer>("naa");
  if (arguments.has("page")) patch.code = static_cast<std::uint8_t>(arguments.number("page"));
  const auto naa = patch.identity.naa.size();
  if (naa != 0 && naa != 8 && naa != 16) return Complaint{"naa", "a designator of 8 or 16 octets"};
  if (!patch.code && (!patch.edits.empty() || patch.truncate))
    return Complaint{"page", "edits and truncate are of one page; say which"};
  const bool of_identification =
      patch.identity.vendor || patch.identity.product || !patch.identity.naa.empty();
  if (patch.code && of_identification && *patch.code != kIdentificationPage)
    return Complaint{"page", "vendor, product and naa are in page 0x83"};
  if (patch.code && patch.identity.serial && *patch.code != kIdentificationPage &&
      *patch.code != kSerialPage)
    return Complaint{"page", "the serial number is in the pages 0x80 and 0x83"};
  return checked(std::move(patch));
}

Built build_mode(const Arguments& arguments) {
  auto patch = patch_of(arguments, Patch::Page::mode);
  if (arguments.has("page")) patch.code = static_cast<std::uint8_t>(arguments.number("page"));
  if (!patch.code && !patch.edits.empty())
    return Complaint{"page", "the edits are in which page? give its code"};
  if (arguments.has("wce")) {
    if (patch.code && *patch.code != kCachingPage)
      return Complaint{"wce", "WCE is in page 8; leave page out, or make another effect"};
    patch.code = kCachingPage;
    patch.edits.insert(patch.edits.begin(), bits(2, kWce, arguments.flag("wce")));
  }
  patch.write_protected = arguments.maybe<bool>("write_protected");
  return checked(std::move(patch));
}

Built build_capacity(const Arguments& arguments) {
  auto patch = patch_of(arguments, Patch::Page::capacity);
  patch.last_lba = arguments.maybe<std::uint64_t>("last_lba");
  if (arguments.has("block_size"))
    patch.block_size = static_cast<std::uint32_t>(arguments.number("block_size"));
  const auto only = arguments.choice("only");
  patch.only_10 = only == 1;
  patch.only_16 = only == 2;
  return checked(std::move(patch));
}

Built build_luns(const Arguments& arguments) {
  auto patch = patch_of(arguments, Patch::Page::luns);
  patch.add_luns = luns_of(arguments, "add");
  patch.hide_luns = luns_of(arguments, "hide");
  return checked(std::move(patch));
}

constexpr FaultRow kReplyRows[] = {
    {.id = "scsi.inquiry",
     .site = Site::cmd_datain,
     .parameters = kInquiryParameters,
     .build = build_inquiry,
     .summary = "Standard INQUIRY data with another identity, other bits, or cut short.",
     .wire =
         "The parameter data of INQUIRY with EVPD=0, changed; a cut shows as residual underflow.",
     .host =
         "Windows makes its hardware ID of vendor, product and revision, so a rescan finds a new "
         "disk; RMB turns it into removable media, whose queue freezes on errors.  Linux keeps "
         "what it read at the scan until a rescan.",
     .example =
         R"({"id": "other-firmware", "match": {"lun": 0, "op": "INQUIRY"}, "effect": {"scsi.inquiry": {"revision": "9999"}}})"},
    {.id = "scsi.vpd",
     .site = Site::cmd_datain,
     .parameters = kVpdParameters,
     .build = build_vpd,
     .summary = "A vital product data page with another identity, other octets, or cut short.",
     .wire =
         "The parameter data of INQUIRY with EVPD=1, changed; lengths follow a new serial number "
         "or designator.",
     .host =
         "Two units with one designator are two paths of one disk to MPIO and dm-multipath: data "
         "goes to the wrong unit.  Windows takes a list of pages that is not ascending for none, "
         "and wants page B1h to have length 3Ch.",
     .example =
         R"({"id": "same-disk", "match": {"lun": [0, 1], "op": "INQUIRY"}, "effect": {"scsi.vpd": {"serial": "DUPLICATE", "naa": "600140512345678900000000000000ff"}}})"},
    {.id = "scsi.mode",
     .site = Site::cmd_datain,
     .parameters = kModeParameters,
     .build = build_mode,
     .summary = "MODE SENSE data that lies: WCE, WP, or any octet of a page.",
     .wire = "The parameter data of MODE SENSE (6 and 10), changed inside the page wherever it is.",
     .host =
         "WCE=0: Windows and Linux send no SYNCHRONIZE CACHE, so a power cut loses what the cache "
         "holds.  WP=1: Windows mounts read-only, Linux makes the disk read-only at the scan.",
     .example =
         R"j({"id": "hidden-cache", "match": {"lun": 0, "op": ["MODE SENSE(6)", "MODE SENSE(10)"]}, "effect": {"scsi.mode": {"wce": false}}})j"},
    {.id = "scsi.readcap",
     .site = Site::cmd_datain,
     .parameters = kCapacityParameters,
     .build = build_capacity,
     .summary = "READ CAPACITY with another last block or block size; (10) and (16) may disagree.",
     .wire = "The parameter data of READ CAPACITY (10), (16) or both, changed.",
     .host =
         "A host believes it at the next scan or after 06/2A/09: too much leads to 05/21 at the "
         "end of the disk, too little hides data.  Windows asks (16) when (10) says FFFFFFFFh.",
     .example =
         R"({"id": "shrunk", "match": {"lun": 0, "op": "any"}, "effect": {"scsi.readcap": {"last_lba": 2047}}})"},
    {.id = "scsi.rlun",
     .site = Site::cmd_datain,
     .parameters = kLunsParameters,
     .build = build_luns,
     .summary = "REPORT LUNS that does not agree with the units that are there.",
     .wire = "The parameter data of REPORT LUNS with LUNs added or left out; its length follows.",
     .host = "A LUN that is left out disappears at the next scan (Windows: surprise removal, event "
             "157); one that is added is asked for INQUIRY, which says that nothing is there.",
     .example =
         R"({"id": "hidden-lun", "match": {"op": "REPORT LUNS"}, "effect": {"scsi.rlun": {"hide": [1], "add": [200]}}})"},
};

}  // namespace

std::span<const FaultRow> reply_faults() {
  return kReplyRows;
}

}  // namespace faultlun::faults
