// The tasks of one session: slabs with a free list, found by Initiator Task Tag through an
// open-addressed table. Taking and giving back a task touches no allocator in the steady state, and
// an idle table keeps one slab and a small index; the rest goes to the thread's spare parts.
#pragma once

#include "protocol/iscsi/task.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace faultlun::iscsi {

class TaskTable {
 public:
  static constexpr std::uint32_t kSlabTasks = 8;
  static constexpr std::size_t kIdleIndexEntries = 32;

  TaskTable() = default;
  ~TaskTable();
  TaskTable(const TaskTable&) = delete;
  TaskTable& operator=(const TaskTable&) = delete;

  /// The task with this tag, or null.
  Task* find(std::uint32_t initiator_task_tag) const;

  /// A fresh task with this tag, which must not be in use.
  Task& add(std::uint32_t initiator_task_tag);

  /// The tag no longer leads to the task and may be used again.
  void forget_tag(Task& task);

  /// The task is gone; its memory may be given away at once.
  void release(Task& task);

  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }

  /// Every task, in the order of slots.  `visit` must not add or release tasks.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& slab : slabs_)
      for (Task& task : *slab)
        if (task.in_use) visit(task);
  }

  /// Octets of memory held, for tests.
  std::size_t memory() const;

 private:
  using Slab = std::array<Task, kSlabTasks>;
  struct Entry {
    std::uint32_t tag = 0;
    std::uint32_t slot_and_one = 0;  ///< 0: empty
  };
  using Index = std::vector<Entry>;

  Task& at(std::uint32_t slot) const { return (*slabs_[slot / kSlabTasks])[slot % kSlabTasks]; }
  std::size_t home(std::uint32_t tag) const { return (tag * 0x9e3779b1U) >> shift_; }
  void insert(std::uint32_t tag, std::uint32_t slot);
  void resize_index(std::size_t entries);
  void add_slab();
  void trim();

  std::vector<std::unique_ptr<Slab>> slabs_;
  Index index_;
  Index idle_index_;  ///< the small one, while a longer one is needed
  std::uint32_t shift_ = 32;
  std::uint32_t tags_ = 0;  ///< entries in use
  std::uint32_t count_ = 0;
  std::uint32_t free_ = kNoSlot;  ///< head of the free list
  static constexpr std::uint32_t kNoSlot = 0xffffffff;
};

}  // namespace faultlun::iscsi
