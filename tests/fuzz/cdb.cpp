// Octets as SCSI commands for one logical unit: records of a CDB, the parameter list that comes
// with it, and how the medium takes it. plan() → plan_with_data() → finish(), from two nexuses,
// with everything a plan promises checked against the capacity.
#include "protocol/scsi/logical_unit.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <array>

namespace faultlun::fuzz {
namespace {

constexpr std::uint64_t kBlocks = 4096;
constexpr int kMostCommands = 100;
constexpr std::size_t kMostDataIn = 1 << 20;     // parameter data of 16384 LUNs is a quarter of it
constexpr std::uint64_t kMostDataOut = 1 << 24;  // the longest parameter list a CDB can name

scsi::LogicalUnitProfile profile_of(std::uint8_t bits) {
  scsi::LogicalUnitProfile profile;
  profile.blocks = kBlocks;
  profile.block_size = (bits & 0x01) != 0 ? 4096 : 512;
  profile.physical_block_exponent = profile.block_size == 512 ? 3 : 0;
  profile.read_only = (bits & 0x02) != 0;
  profile.removable = (bits & 0x04) != 0;
  profile.thin = (bits & 0x08) == 0;
  profile.write_cache = (bits & 0x10) == 0;
  profile.serial = "0123456789abcdef";
  profile.naa[0] = 0x6001405000000000;
  return profile;
}

class Unit {
 public:
  explicit Unit(std::uint8_t bits) : profile_(profile_of(bits)), unit_(profile_) {
    ports_.initiator_port = "iqn.2026-11.example:fuzz,i,0x400001370000";
    ports_.target_name = "iqn.2026-11.example.faultlun:lab";
    ports_.target_port = "iqn.2026-11.example.faultlun:lab,t,0x0001";
    unit_.attach(1,
                 bits % 2 == 0 ? std::optional<scsi::SenseCode>({0x06, 0x29, 0x00}) : std::nullopt);
    unit_.attach(2, std::nullopt);
  }

  void execute(scsi::NexusId nexus, const scsi::Command& command, bytes::View list,
               std::uint8_t how) {
    const auto access = scsi::plan_access(command, profile_);
    const bool straight =
        access && (access->write ? unit_.straight_write(nexus) : unit_.straight_read(nexus));
    auto plan = unit_.plan(nexus, command, around());
    if (straight) compare(*access, plan);
    if (const auto* need = std::get_if<scsi::NeedData>(&plan)) {
      expect(need->bytes <= kMostDataOut, "a parameter list has a limit");
      plan = unit_.plan_with_data(nexus, command, around(),
                                  list.first(std::min<std::size_t>(list.size(), need->bytes)));
      expect(!std::holds_alternative<scsi::NeedData>(plan), "data is asked for once");
    }
    if (const auto* reply = std::get_if<scsi::Reply>(&plan)) return check(*reply);
    std::visit([this](const auto& what) { check_range(what); }, plan);
    scsi::MediumResult result;
    result.outcome = static_cast<scsi::MediumResult::Outcome>(how % 6);
    check(unit_.finish(nexus, command, plan, result));
  }

  void happen(std::uint8_t what) {
    switch (what % 8) {
      case 0:
        return unit_.reset(static_cast<scsi::ResetKind>(what / 8 % 4));
      case 1:
        return unit_.raise({0x06, 0x2a, 0x01}, 1);
      case 2:
        return unit_.raise_for(2, {0x06, 0x2a, 0x09});
      case 3:
        unit_.detach(2);
        return unit_.attach(2, scsi::SenseCode{0x06, 0x29, 0x07});
      default:
        return;
    }
  }

 private:
  scsi::Surroundings around() const { return {ports_, luns_}; }
  std::uint64_t capacity() const { return profile_.blocks * profile_.block_size; }

  void inside(std::uint64_t offset, std::uint64_t length) const {
    expect(offset <= capacity() && length <= capacity() - offset, "a plan stays inside the medium");
    expect(offset % profile_.block_size == 0 && length % profile_.block_size == 0,
           "a plan names whole blocks");
  }
  template <typename Ranged>
  void check_range(const Ranged& plan) const {
    inside(plan.offset_bytes, plan.length_bytes);
  }
  void check_range(const scsi::UnmapMedium& plan) const {
    for (const auto& extent : plan.extents)
      inside(extent.offset_bytes, extent.length_bytes);
  }
  void check_range(const scsi::WriteSame& plan) const {
    inside(plan.offset_bytes, plan.length_bytes);
    expect(plan.block.size() == profile_.block_size, "WRITE SAME repeats one block");
  }
  void check_range(const scsi::Reply&) const {}
  void check_range(const scsi::NeedData&) const {}

  static void check(const scsi::Reply& reply) {
    expect((reply.status == scsi::Status::check_condition) == reply.sense.has_value(),
           "sense comes with CHECK CONDITION alone");
    expect(reply.data_in.size() <= kMostDataIn, "parameter data has a limit");
    if (!reply.sense) return;
    for (const bool descriptor : {false, true}) {
      const auto octets = scsi::build_sense(*reply.sense, descriptor);
      expect(octets.length >= 8 && octets.length <= octets.octets.size(),
             "sense data fits its buffer");
      const auto back = scsi::parse_sense(octets.view());
      expect(back && back->code == reply.sense->code, "sense data reads back");
    }
  }

  /// The straight path must never differ from plan().
  void compare(const scsi::Access& access, const scsi::Plan& plan) const {
    if (const auto* read = std::get_if<scsi::ReadMedium>(&plan)) {
      expect(!access.write && access.offset_bytes == read->offset_bytes &&
                 access.length_bytes == read->length_bytes,
             "plan_access() equals plan() for reads");
    } else if (const auto* write = std::get_if<scsi::WriteMedium>(&plan)) {
      expect(access.write && access.offset_bytes == write->offset_bytes &&
                 access.length_bytes == write->length_bytes,
             "plan_access() equals plan() for writes");
    } else {
      expect(false, "plan_access() takes only what plan() takes to the medium");
    }
  }

  scsi::LogicalUnitProfile profile_;
  scsi::NexusPorts ports_;
  std::array<std::uint16_t, 3> luns_{0, 1, 300};
  scsi::LogicalUnit unit_;
};

void run(bytes::View octets) {
  Input input(octets);
  Unit unit(input.u8());
  for (int i = 0; i < kMostCommands && !input.rest().empty(); ++i) {
    const auto how = input.u8();
    const auto cdb = input.take((how & 0x40) != 0 ? 32 : 16);
    scsi::Command command;
    command.cdb = scsi::Cdb(cdb);
    command.attribute = static_cast<scsi::TaskAttribute>(how % 8);
    const auto list = input.take(input.u8());
    const auto shape = scsi::describe(command.cdb);
    expect(!shape.name.empty() || (!shape.reads && !shape.writes),
           "what the table lacks touches no medium");
    unit.execute((how & 0x80) != 0 ? 2 : 1, command, list, how);
    if ((how & 0x20) != 0) unit.happen(input.u8());
  }
}

}  // namespace
}  // namespace faultlun::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  faultlun::fuzz::run({data, size});
  return 0;
}
