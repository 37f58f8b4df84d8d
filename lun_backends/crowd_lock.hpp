// A lock for many readers who rarely meet a writer.  A reader takes one of a few mutexes, mostly
// its thread's own; a writer takes them all.  Readers share no cache line, and a writer needs only
// wait for each mutex once, however busy the readers are (std::shared_mutex lets readers starve
// it).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>

namespace faultlun::lun_backends {

class CrowdLock {
 public:
  class Exclusive {
   public:
    explicit Exclusive(CrowdLock& lock) : lock_(lock) {
      for (auto& seat : lock_.seats_)
        seat.mutex.lock();
    }
    ~Exclusive() {
      for (auto& seat : lock_.seats_)
        seat.mutex.unlock();
    }
    Exclusive(const Exclusive&) = delete;
    Exclusive& operator=(const Exclusive&) = delete;

   private:
    CrowdLock& lock_;
  };

  [[nodiscard]] std::unique_lock<std::mutex> shared() {
    return std::unique_lock(seats_[own_seat()].mutex);
  }
  [[nodiscard]] Exclusive exclusive() { return Exclusive(*this); }

 private:
  static constexpr std::size_t kSeats = 8;
  struct alignas(64) Seat {
    std::mutex mutex;
  };

  static std::size_t own_seat() {
    static std::atomic<std::size_t> next{0};
    thread_local const std::size_t seat = next.fetch_add(1, std::memory_order_relaxed) % kSeats;
    return seat;
  }

  std::array<Seat, kSeats> seats_;
};

}  // namespace faultlun::lun_backends
