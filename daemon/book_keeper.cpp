#include "daemon/book_keeper.hpp"

#include "daemon/log.hpp"

#include <utility>

namespace faultlun::daemon {

BookKeeper::BookKeeper(Loop& loop, RuleBook& book, UsedUpRules& used_up)
    : loop_(loop), book_(book), used_up_(used_up) {
  book_.set_on_sooner([this] { loop_.post([this] { set_timer(); }); });
  used_up_.set_wake([this] { loop_.post([this] { settle_used_up(); }); });
}

BookKeeper::~BookKeeper() {
  book_.set_on_sooner({});
  used_up_.set_wake({});
}

/// The next deadline; none: no timer.
void BookKeeper::set_timer() {
  if (const auto next = book_.next_deadline())
    loop_.arm(*this, *next);
  else
    loop_.disarm(*this);
}

void BookKeeper::on_time(TimePoint now) {
  // It may have been put off since.
  if (const auto due = book_.next_deadline(); due && *due <= now) {
    const auto over = book_.expire(now, {});
    for (const auto& lease : over.leases)
      log::faults().info("lease ended lease={} reason=\"nobody kept it up\"", lease);
    for (const auto& rule : over.rules)
      log::faults().info("rule removed rule={} reason=\"its time is over\"", rule);
  }
  set_timer();
}

void BookKeeper::settle_used_up() {
  const auto waiting = used_up_.take();
  const auto outcomes = book_.exhausted(waiting, loop_.now(), {});
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (!outcomes[i].noted) continue;  // it was removed or replaced meanwhile
    log::faults().info("rule exhausted rule={}", waiting[i].rule);
    if (hook_) hook_(waiting[i].rule, outcomes[i]);
  }
}

}  // namespace faultlun::daemon
