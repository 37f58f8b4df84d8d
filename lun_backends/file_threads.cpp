// The file engine for kernels and containers without io_uring: a few threads that block.
#include "lun_backends/file_engine.hpp"
#include "lun_backends/file_line.hpp"
#include "lun_backends/file_steps.hpp"
#include "lun_backends/quiet_thread.hpp"

#include <cerrno>
#include <condition_variable>
#include <fcntl.h>
#include <mutex>
#include <sys/uio.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace faultlun::lun_backends {
namespace {

std::int64_t perform(int file, const FileCall& call) {
  const auto offset = static_cast<off_t>(call.offset_bytes);
  const auto length = static_cast<off_t>(call.length_bytes);
  std::int64_t result = -1;
  switch (call.what) {
    case FileCall::What::read:
      result = pread(file, call.into, call.length_bytes, offset);
      break;
    case FileCall::What::write: {
      const iovec piece{const_cast<std::uint8_t*>(call.from), call.length_bytes};
      result = pwritev2(file, &piece, 1, offset, call.flags);
      break;
    }
    case FileCall::What::sync_data:
      result = fdatasync(file);
      break;
    case FileCall::What::fallocate:
      result = fallocate(file, call.flags, offset, length);
      break;
  }
  return result < 0 ? -errno : result;
}

class ThreadEngine final : public FileEngine {
 public:
  /// Throws std::system_error when there can be no thread.
  explicit ThreadEngine(int file) : FileEngine(file) {
    threads_.reserve(kFileThreads);
    add_thread();
  }
  ~ThreadEngine() override;

  void start(Operation& operation) override;
  std::string_view name() const override { return "threads"; }

 private:
  void add_thread();
  void work();

  std::mutex mutex_;
  std::condition_variable work_to_do_;
  FileLine line_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

ThreadEngine::~ThreadEngine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_to_do_.notify_all();
  for (auto& thread : threads_)
    thread.join();
}

void ThreadEngine::start(Operation& operation) {
  steps_.begin(operation);
  const std::lock_guard lock(mutex_);
  line_.join(operation);
  if (idle_ == 0 && threads_.size() < kFileThreads && !stopping_) {
    try {
      add_thread();
    } catch (const std::system_error&) {
      // The threads there are will come to it.
    }
  }
  work_to_do_.notify_one();
}

void ThreadEngine::add_thread() {
  threads_.push_back(start_quiet_thread("lun-file", [this] { work(); }));
}

void ThreadEngine::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    Operation* operation = line_.take();
    if (operation == nullptr) {
      // Whoever runs what is in the way of those waiting comes back for them.
      if (stopping_) return;
      ++idle_;
      work_to_do_.wait(lock);
      --idle_;
      continue;
    }
    if (idle_ != 0 && line_.may_take()) work_to_do_.notify_one();
    lock.unlock();
    while (!steps_.advance(*operation, perform(file_, steps_.next(*operation)))) {
    }
    lock.lock();
    line_.leave(*operation);
    if (line_.may_take() && idle_ != 0) work_to_do_.notify_one();
    lock.unlock();
    operation->on_done(*operation);
    lock.lock();
  }
}

}  // namespace

std::unique_ptr<FileEngine> make_thread_engine(int file, boost::system::error_code& why_not) {
  try {
    return std::make_unique<ThreadEngine>(file);
  } catch (const std::system_error& error) {
    why_not = {error.code().value(), boost::system::generic_category()};
    return nullptr;
  }
}

}  // namespace faultlun::lun_backends
