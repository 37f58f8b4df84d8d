// The file engine on io_uring: one thread owns the ring, so nothing in it needs a lock.  start()
// leaves the operation in a mailbox and rings a bell (an eventfd read that the ring keeps
// outstanding) only when the thread sleeps; what has gathered meanwhile is submitted with one
// system call, together with the wait.
#include "lun_backends/file_engine.hpp"
#include "lun_backends/file_line.hpp"
#include "lun_backends/file_steps.hpp"
#include "lun_backends/quiet_thread.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <future>
#include <liburing.h>
#include <mutex>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace faultlun::lun_backends {
namespace {

// One entry per running operation and one for the bell: no submission ever waits for room.
constexpr unsigned kRingEntries = FileLine::kMaxRunning + 1;
static_assert((kRingEntries & (kRingEntries - 1)) == 0);

class RingEngine final : public FileEngine {
 public:
  explicit RingEngine(int file) : FileEngine(file) {}
  ~RingEngine() override;

  /// 0, or a negative errno: then the engine is good for nothing.
  int open();

  void start(Operation& operation) override;
  std::string_view name() const override { return "io_uring"; }

 private:
  int set_up_ring();
  void work();
  bool collect_mail();
  void submit(Operation& operation);
  void listen_to_bell();
  void reap();
  void finish(Operation& operation);
  io_uring_sqe* next_entry();

  int bell_ = -1;
  std::thread thread_;

  std::mutex mutex_;  // the mailbox: what start() and the destructor tell the thread
  OperationQueue mailbox_;
  bool asleep_ = false;
  bool stopping_ = false;

  // The thread's own.
  io_uring ring_{};
  FileLine line_;
  bool bell_heard_ = true;
  std::uint64_t bell_value_ = 0;
};

RingEngine::~RingEngine() {
  if (thread_.joinable()) {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      wake = asleep_;
      asleep_ = false;
    }
    if (wake) (void)eventfd_write(bell_, 1);
    thread_.join();
  }
  if (bell_ >= 0) close(bell_);
}

int RingEngine::open() {
  bell_ = eventfd(0, EFD_CLOEXEC);
  if (bell_ < 0) return -errno;
  std::promise<int> promise;
  auto opened = promise.get_future();
  // The ring is made by the thread that uses it, so the kernel may leave out its own locks.
  try {
    thread_ = start_quiet_thread("lun-file-ring", [this, promise = std::move(promise)]() mutable {
      const int result = set_up_ring();
      promise.set_value(result);
      if (result == 0) work();
    });
  } catch (const std::system_error& error) {
    return -error.code().value();
  }
  return opened.get();
}

int RingEngine::set_up_ring() {
  // Newer kernels do better when told that one thread submits and reaps; older ones do not know the
  // words.
  int result = -EINVAL;
  for (const unsigned flags : {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0u}) {
    io_uring_params parameters{};
    parameters.flags = flags;
    result = io_uring_queue_init_params(kRingEntries, &ring_, &parameters);
    if (result == 0 && (parameters.features & IORING_FEAT_FAST_POLL) == 0) {  // before 5.7
      io_uring_queue_exit(&ring_);
      return -ENOSYS;
    }
    if (result != -EINVAL) break;
  }
  return result;
}

void RingEngine::start(Operation& operation) {
  steps_.begin(operation);
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    mailbox_.push(operation);
    wake = asleep_;
    asleep_ = false;
  }
  // Cannot fail: the counter would have to reach 2^64 - 1.
  if (wake) (void)eventfd_write(bell_, 1);
}

void RingEngine::work() {
  while (collect_mail()) {
    if (bell_heard_) listen_to_bell();
    while (Operation* operation = line_.take())
      submit(*operation);
    // Errors are EINTR or a shortage that passes; entries not taken stay in the ring for the next
    // round.
    if (io_uring_submit_and_wait(&ring_, 1) < 0) std::this_thread::yield();
    {
      const std::lock_guard lock(mutex_);
      asleep_ = false;
    }
    reap();
  }
  // The kernel holds the address of bell_value_ until it has answered.
  if (!bell_heard_) (void)eventfd_write(bell_, 1);
  while (!bell_heard_) {
    (void)io_uring_submit_and_wait(&ring_, 1);
    reap();
  }
  io_uring_queue_exit(&ring_);
}

/// False when there is nothing left to do and nothing more to come.
bool RingEngine::collect_mail() {
  const std::lock_guard lock(mutex_);
  line_.join(mailbox_);
  asleep_ = true;  // from here on start() must ring, or this thread may wait for ever
  return !(stopping_ && line_.is_empty());
}

void RingEngine::listen_to_bell() {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_read(entry, bell_, &bell_value_, sizeof bell_value_, 0);
  io_uring_sqe_set_data(entry, nullptr);
  bell_heard_ = false;
}

void RingEngine::submit(Operation& operation) {
  const FileCall call = steps_.next(operation);
  const auto length = static_cast<unsigned>(call.length_bytes);
  io_uring_sqe* entry = next_entry();
  switch (call.what) {
    case FileCall::What::read:
      io_uring_prep_read(entry, file_, call.into, length, call.offset_bytes);
      break;
    case FileCall::What::write:
      io_uring_prep_write(entry, file_, call.from, length, call.offset_bytes);
      entry->rw_flags = call.flags;
      break;
    case FileCall::What::sync_data:
      io_uring_prep_fsync(entry, file_, IORING_FSYNC_DATASYNC);
      break;
    case FileCall::What::fallocate:
      io_uring_prep_fallocate(entry, file_, call.flags, static_cast<off_t>(call.offset_bytes),
                              static_cast<off_t>(call.length_bytes));
      break;
  }
  io_uring_sqe_set_data(entry, &operation);
}

io_uring_sqe* RingEngine::next_entry() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  // Only entries that the kernel did not take for want of something fill the ring; they were taken
  // by now or will be.
  while (entry == nullptr) {
    io_uring_submit(&ring_);
    entry = io_uring_get_sqe(&ring_);
  }
  return entry;
}

void RingEngine::reap() {
  std::array<io_uring_cqe*, kRingEntries> done;
  const unsigned count = io_uring_peek_batch_cqe(&ring_, done.data(), kRingEntries);
  for (unsigned i = 0; i < count; ++i) {
    auto* operation = static_cast<Operation*>(io_uring_cqe_get_data(done[i]));
    const std::int64_t result = done[i]->res;
    if (operation == nullptr)
      bell_heard_ = true;
    else if (steps_.advance(*operation, result))
      finish(*operation);
    else
      submit(*operation);
  }
  io_uring_cq_advance(&ring_, count);
}

void RingEngine::finish(Operation& operation) {
  line_.leave(operation);
  operation.on_done(operation);
}

}  // namespace

std::unique_ptr<FileEngine> make_ring_engine(int file, boost::system::error_code& why_not) {
  auto engine = std::make_unique<RingEngine>(file);
  const int result = engine->open();
  if (result == 0) return engine;
  why_not = {-result, boost::system::generic_category()};
  return nullptr;
}

}  // namespace faultlun::lun_backends
