// A bounded store of spare parts for one thread: what a busy session takes and gives back all the
// time never goes to the allocator, and what an idle one gave back serves the others.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace faultlun::iscsi {

template <typename T, std::size_t Limit>
class ThreadCache {
 public:
  ThreadCache() { alive() = true; }
  ~ThreadCache() { alive() = false; }
  ThreadCache(const ThreadCache&) = delete;
  ThreadCache& operator=(const ThreadCache&) = delete;

  /// A spare part, or T{}.
  static T take() {
    auto& parts = instance().parts_;
    if (!alive() || parts.empty()) return T{};
    T part = std::move(parts.back());
    parts.pop_back();
    return part;
  }

  /// Keeps the part unless there are enough, or the thread is ending.
  static void give(T part) {
    auto& parts = instance().parts_;
    if (alive() && parts.size() < Limit) parts.push_back(std::move(part));
  }

  static std::size_t size() { return instance().parts_.size(); }

 private:
  static ThreadCache& instance() {
    thread_local ThreadCache cache;
    return cache;
  }
  /// Outlives the cache: sessions in static storage may end after their thread's caches.
  static bool& alive() {
    thread_local bool value = false;
    return value;
  }

  std::vector<T> parts_;
};

}  // namespace faultlun::iscsi
