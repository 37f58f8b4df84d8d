// Sequence numbers: 32-bit serial arithmetic and the window of command numbers.  RFC 7143 §4.2.2.1,
// RFC 1982.
#pragma once

#include <cstdint>

namespace faultlun::iscsi {

/// `a` comes before `b`, counting round the 32-bit circle (A3.08).
constexpr bool serial_less(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

/// ExpCmdSN and MaxCmdSN of a session.  Every numbered task at the target takes one place of the
/// window until it is gone, so MaxCmdSN = ExpCmdSN - 1 + (size - tasks).  A task begins only
/// together with an advance of ExpCmdSN: therefore MaxCmdSN never moves backwards and never lies
/// below ExpCmdSN - 1 (A3.07).
class CommandWindow {
 public:
  CommandWindow(std::uint32_t first, std::uint32_t size) : expected_(first), size_(size) {}

  enum class Place : std::uint8_t {
    next,
    ahead,
    outside
  };  ///< outside: a duplicate or out of the window

  std::uint32_t expected() const { return expected_; }
  std::uint32_t max() const { return expected_ - 1 + room(); }
  /// MaxCmdSN once `tasks` more have ended.
  std::uint32_t max_after(std::uint32_t tasks) const { return max() + tasks; }
  std::uint32_t room() const { return size_ - tasks_; }

  Place place(std::uint32_t cmd_sn) const {
    const std::uint32_t distance = cmd_sn - expected_;
    if (distance >= room()) return Place::outside;
    return distance == 0 ? Place::next : Place::ahead;
  }

  void advance() { ++expected_; }  ///< the next command counts as received
  void begin_task() { ++tasks_; }  ///< after advance()
  void end_task() { --tasks_; }

 private:
  std::uint32_t expected_;
  std::uint32_t size_;
  std::uint32_t tasks_ = 0;
};

}  // namespace faultlun::iscsi
