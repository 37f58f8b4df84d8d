#include "protocol/iscsi/task_table.hpp"

#include "protocol/iscsi/session_cache.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace faultlun::iscsi {
namespace {

constexpr std::size_t kSpareSlabs = 256;  // per thread: under 512 KiB
constexpr std::size_t kSpareIndexes = 4;  // per thread
constexpr std::uint32_t kIdleShift = 32 - std::countr_zero(TaskTable::kIdleIndexEntries);
constexpr std::size_t kIdleSlabPointers =
    64;  // a longer list of slabs is freed when the table is empty

}  // namespace

TaskTable::~TaskTable() = default;

Task* TaskTable::find(std::uint32_t tag) const {
  if (tags_ == 0) return nullptr;
  const std::size_t mask = index_.size() - 1;
  for (std::size_t i = home(tag); index_[i].slot_and_one != 0; i = (i + 1) & mask)
    if (index_[i].tag == tag) return &at(index_[i].slot_and_one - 1);
  return nullptr;
}

Task& TaskTable::add(std::uint32_t tag) {
  if (free_ == kNoSlot) add_slab();
  if ((std::size_t{tags_} + 1) * 2 > index_.size())
    resize_index(std::max(kIdleIndexEntries, index_.size() * 2));
  const std::uint32_t slot = free_;
  Task& task = at(slot);
  free_ = task.next_free;
  task = Task{};
  task.slot = slot;
  task.initiator_task_tag = tag;
  task.in_use = true;
  task.tagged = true;
  insert(tag, slot);
  ++count_;
  return task;
}

void TaskTable::forget_tag(Task& task) {
  if (!task.tagged) return;
  task.tagged = false;
  const std::size_t mask = index_.size() - 1;
  std::size_t hole = home(task.initiator_task_tag);
  while (index_[hole].slot_and_one != task.slot + 1)
    hole = (hole + 1) & mask;
  // Closes the gap: an entry further on moves up when its home does not lie between the gap and
  // itself.
  for (std::size_t i = (hole + 1) & mask; index_[i].slot_and_one != 0; i = (i + 1) & mask) {
    if (((i - home(index_[i].tag)) & mask) < ((i - hole) & mask)) continue;
    index_[hole] = index_[i];
    hole = i;
  }
  index_[hole] = Entry{};
  --tags_;
}

void TaskTable::release(Task& task) {
  assert(task.in_use);
  forget_tag(task);
  task.in_use = false;
  task.extra.reset();
  task.next_free = free_;
  free_ = task.slot;
  if (--count_ == 0) trim();
}

std::size_t TaskTable::memory() const {
  return slabs_.size() * sizeof(Slab) + slabs_.capacity() * sizeof(slabs_[0]) +
         index_.capacity() * sizeof(Entry);
}

void TaskTable::insert(std::uint32_t tag, std::uint32_t slot) {
  const std::size_t mask = index_.size() - 1;
  std::size_t i = home(tag);
  while (index_[i].slot_and_one != 0)
    i = (i + 1) & mask;
  index_[i] = {tag, slot + 1};
  ++tags_;
}

void TaskTable::resize_index(std::size_t entries) {
  Index old = std::move(index_);
  index_ = Index();
  if (entries > kIdleIndexEntries)
    index_ = ThreadCache<Index, kSpareIndexes>::take();  // may be longer than asked
  if (index_.size() < entries) index_.assign(entries, Entry{});
  shift_ = 32 - static_cast<std::uint32_t>(std::countr_zero(index_.size()));
  tags_ = 0;
  for (const Entry& entry : old)
    if (entry.slot_and_one != 0) insert(entry.tag, entry.slot_and_one - 1);
  if (old.size() != kIdleIndexEntries) return;
  std::fill(old.begin(), old.end(), Entry{});
  idle_index_ = std::move(old);  // comes back when the table is empty
}

void TaskTable::add_slab() {
  auto slab = ThreadCache<std::unique_ptr<Slab>, kSpareSlabs>::take();
  if (!slab) slab = std::make_unique<Slab>();
  const auto first = static_cast<std::uint32_t>(slabs_.size()) * kSlabTasks;
  for (std::uint32_t i = kSlabTasks; i-- > 0;) {
    (*slab)[i].next_free = free_;
    free_ = first + i;
  }
  slabs_.push_back(std::move(slab));
}

/// Called when the last task has gone.
void TaskTable::trim() {
  if (index_.size() > kIdleIndexEntries) {  // all entries are empty again
    ThreadCache<Index, kSpareIndexes>::give(std::move(index_));
    index_ = std::move(idle_index_);
    idle_index_ = Index();
    shift_ = kIdleShift;
  }
  if (slabs_.size() <= 1) return;
  while (slabs_.size() > 1) {
    ThreadCache<std::unique_ptr<Slab>, kSpareSlabs>::give(std::move(slabs_.back()));
    slabs_.pop_back();
  }
  if (slabs_.capacity() > kIdleSlabPointers) {
    std::vector<std::unique_ptr<Slab>> few;
    few.push_back(std::move(slabs_.front()));
    slabs_ = std::move(few);
  }
  free_ = kNoSlot;
  for (std::uint32_t i = kSlabTasks; i-- > 0;) {
    at(i).next_free = free_;
    free_ = i;
  }
}

}  // namespace faultlun::iscsi
