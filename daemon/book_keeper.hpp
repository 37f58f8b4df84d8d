// What the book of rules needs done without anybody asking: rules and leases whose time is over are
// removed, at that time; rules that are used up get what life.on_exhaust says.  Lives on a loop of
// its own, which sleeps while there is nothing to do: making a set of many rules takes a while, and
// no command should wait for it.
#pragma once

#include "daemon/loop.hpp"
#include "daemon/rule_book.hpp"
#include "daemon/used_up.hpp"

#include <functional>
#include <string_view>

namespace faultlun::daemon {

class BookKeeper final : public Timed {
 public:
  /// What scenarios want to know.  Called on the keeper's loop, once for each lifetime that ends
  /// so.
  using OnExhausted = std::function<void(std::string_view rule, const Exhaustion&)>;

  /// From now on the keeper is told of deadlines and of rules that are used up.  Everything named
  /// here outlives the keeper, or calls it no more.
  BookKeeper(Loop& loop, RuleBook& book, UsedUpRules& used_up);
  ~BookKeeper() override;
  BookKeeper(const BookKeeper&) = delete;
  BookKeeper& operator=(const BookKeeper&) = delete;

  /// Before the loop runs.
  void set_on_exhausted(OnExhausted hook) { hook_ = std::move(hook); }

  void on_time(TimePoint now) override;

 private:
  void set_timer();
  void settle_used_up();

  Loop& loop_;
  RuleBook& book_;
  UsedUpRules& used_up_;
  OnExhausted hook_;
};

}  // namespace faultlun::daemon
