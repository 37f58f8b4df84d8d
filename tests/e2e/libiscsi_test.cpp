// libiscsi, an initiator that others wrote, end to end.
#include "tests/e2e/lab.hpp"

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include <algorithm>
#include <memory>

namespace libiscsi_test {

using namespace faultlun::e2e;

namespace {

struct FreeContext {
  void operator()(iscsi_context* context) const { iscsi_destroy_context(context); }
};
struct FreeTask {
  void operator()(scsi_task* task) const { scsi_free_scsi_task(task); }
};
using Task = std::unique_ptr<scsi_task, FreeTask>;

struct Account {
  const char *user = nullptr, *secret = nullptr, *target_user = nullptr, *target_secret = nullptr;
};

/// A libiscsi session; connected() says whether login worked.
class Library {
 public:
  explicit Library(const TargetProcess& target,
                   const char* initiator = "iqn.2026-11.example.test:library",
                   const Account& account = {},
                   iscsi_header_digest digest = ISCSI_HEADER_DIGEST_NONE)
      : context_(iscsi_create_context(initiator)),
        portal_(target.portal().host + ":" + std::to_string(target.portal().port)) {
    REQUIRE(context_ != nullptr);
    iscsi_set_noautoreconnect(get(), 1);
    iscsi_set_timeout(get(), 20);
    iscsi_set_targetname(get(), kTargetName);
    iscsi_set_session_type(get(), ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(get(), digest);
    if (account.user) iscsi_set_initiator_username_pwd(get(), account.user, account.secret);
    if (account.target_user)
      iscsi_set_target_username_pwd(get(), account.target_user, account.target_secret);
    connected_ = iscsi_full_connect_sync(get(), portal_.c_str(), 0) == 0;
  }
  ~Library() {
    if (connected_) iscsi_logout_sync(get());
  }
  bool connected() const { return connected_; }
  iscsi_context* get() const { return context_.get(); }
  std::string error() const { return iscsi_get_error(context_.get()); }
  Task check(scsi_task* task, int status = SCSI_STATUS_GOOD) const {
    REQUIRE_MESSAGE(task != nullptr, error());
    CHECK_MESSAGE(task->status == status, error());
    return Task(task);
  }
  void write(std::uint64_t lba, Octets data) const {
    check(iscsi_write16_sync(get(), 0, lba, data.data(), static_cast<std::uint32_t>(data.size()),
                             512, 0, 0, 0, 0, 0));
  }
  Octets read(std::uint64_t lba, std::uint32_t length) const {
    const auto task = check(iscsi_read16_sync(get(), 0, lba, length, 512, 0, 0, 0, 0, 0));
    return Octets(task->datain.data, task->datain.data + task->datain.size);
  }

 private:
  std::unique_ptr<iscsi_context, FreeContext> context_;
  std::string portal_;
  bool connected_ = false;
};

}  // namespace

TEST_CASE("libiscsi logs in, identifies the disk and reads its capacity") {
  TargetProcess target;
  Library session(target);
  REQUIRE_MESSAGE(session.connected(), session.error());
  const auto inquired = session.check(iscsi_inquiry_sync(session.get(), 0, 0, 0, 255));
  const auto* standard =
      static_cast<scsi_inquiry_standard*>(scsi_datain_unmarshall(inquired.get()));
  REQUIRE(standard != nullptr);
  CHECK(standard->device_type == SCSI_INQUIRY_PERIPHERAL_DEVICE_TYPE_DIRECT_ACCESS);
  const auto ten = session.check(iscsi_readcapacity10_sync(session.get(), 0, 0, 0));
  const auto* capacity = static_cast<scsi_readcapacity10*>(scsi_datain_unmarshall(ten.get()));
  CHECK(capacity->lba == 131071);
  CHECK(capacity->block_size == 512);
  const auto sixteen = session.check(iscsi_readcapacity16_sync(session.get(), 0));
  const auto* large = static_cast<scsi_readcapacity16*>(scsi_datain_unmarshall(sixteen.get()));
  CHECK(large->returned_lba == 131071);
  CHECK(large->lbppbe == 3);
}

TEST_CASE("libiscsi writes and reads back from one block to 16 MiB") {
  TargetProcess target;
  Library session(target);
  REQUIRE_MESSAGE(session.connected(), session.error());
  for (const std::size_t length :
       {std::size_t{512}, std::size_t{4096}, std::size_t{65536}, std::size_t{1} << 20,
        (std::size_t{1} << 20) + 512, std::size_t{16} << 20}) {
    CAPTURE(length);
    const auto data = noise(length, length);
    session.write(8, data);
    CHECK(session.read(8, static_cast<std::uint32_t>(length)) == data);
  }
}

TEST_CASE("libiscsi works with header digests") {
  TargetProcess target;
  Library session(target, "iqn.2026-11.example.test:digest", {}, ISCSI_HEADER_DIGEST_CRC32C);
  REQUIRE_MESSAGE(session.connected(), session.error());
  const auto data = noise(4 << 20, 5);
  session.write(0, data);
  CHECK(session.read(0, 4 << 20) == data);
}

TEST_CASE("libiscsi authenticates by CHAP, one way and mutually, and not with a wrong secret") {
  LabConfig config;
  config.targets[0].user = "lab";
  config.targets[0].secret = "correct horse 12";
  config.targets[0].mutual_user = "target";
  config.targets[0].mutual_secret = "battery staple 7";
  TargetProcess target(config);
  const char* name = "iqn.2026-11.example.test:library";
  CHECK(Library(target, name, {"lab", "correct horse 12", nullptr, nullptr}).connected());
  CHECK(
      Library(target, name, {"lab", "correct horse 12", "target", "battery staple 7"}).connected());
  CHECK(!Library(target, name, {"lab", "wrong", nullptr, nullptr}).connected());
  CHECK(!Library(target, name, {"lab", "correct horse 12", "target", "wrong"}).connected());
  CHECK(!Library(target, name).connected());
}

TEST_CASE("libiscsi discovers the target and its portal") {
  TargetProcess target;
  const std::unique_ptr<iscsi_context, FreeContext> context(
      iscsi_create_context("iqn.2026-11.example.test:finder"));
  iscsi_set_session_type(context.get(), ISCSI_SESSION_DISCOVERY);
  const auto portal = target.portal().host + ":" + std::to_string(target.portal().port);
  REQUIRE(iscsi_connect_sync(context.get(), portal.c_str()) == 0);
  REQUIRE(iscsi_login_sync(context.get()) == 0);
  auto* found = iscsi_discovery_sync(context.get());
  REQUIRE_MESSAGE(found != nullptr, iscsi_get_error(context.get()));
  CHECK(std::string(found->target_name) == kTargetName);
  REQUIRE(found->portals != nullptr);
  CHECK(std::string(found->portals->portal) == portal + ",1");
  CHECK(found->next == nullptr);
  iscsi_free_discovery_data(context.get(), found);
  CHECK(iscsi_logout_sync(context.get()) == 0);
}

TEST_CASE("libiscsi unmaps, writes same and synchronizes the cache") {
  TargetProcess target;
  Library session(target);
  REQUIRE_MESSAGE(session.connected(), session.error());
  session.write(0, noise(1 << 20, 9));
  unmap_list list{64, 64};
  session.check(iscsi_unmap_sync(session.get(), 0, 0, 0, &list, 1));
  CHECK(session.read(64, 64 * 512) == Octets(64 * 512));
  auto block = noise(512, 10);
  session.check(iscsi_writesame16_sync(session.get(), 0, 256, block.data(), 512, 100, 0, 0, 0, 0));
  const auto same = session.read(256, 100 * 512);
  for (std::size_t i = 0; i < 100; ++i)
    CHECK(std::equal(block.begin(), block.end(),
                     same.begin() + static_cast<std::ptrdiff_t>(i * 512)));
  session.check(iscsi_synchronizecache10_sync(session.get(), 0, 0, 0, 0, 0));
  session.check(iscsi_synchronizecache16_sync(session.get(), 0, 0, 0, 0, 0));
}

TEST_CASE("libiscsi resets the unit, another session hears of it by a unit attention") {
  TargetProcess target;
  Library one(target, "iqn.2026-11.example.test:one"), two(target, "iqn.2026-11.example.test:two");
  REQUIRE(one.connected());
  REQUIRE(two.connected());
  CHECK(iscsi_task_mgmt_lun_reset_sync(one.get(), 0) == 0);
  const auto told = two.check(iscsi_testunitready_sync(two.get(), 0), SCSI_STATUS_CHECK_CONDITION);
  CHECK(told->sense.key == SCSI_SENSE_UNIT_ATTENTION);
  CHECK((told->sense.ascq >> 8) == 0x29);
  two.check(iscsi_testunitready_sync(two.get(), 0));
  const auto own = one.check(iscsi_testunitready_sync(one.get(), 0), SCSI_STATUS_CHECK_CONDITION);
  CHECK(own->sense.key == SCSI_SENSE_UNIT_ATTENTION);
}

}  // namespace libiscsi_test
