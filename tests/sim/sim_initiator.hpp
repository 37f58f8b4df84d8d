// A seeded initiator: logs in, sends random commands in random pieces, reads the answers slowly,
// loses patience, and knows what every answer has to look like.
#pragma once

#include "tests/sim/sim_world.hpp"

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>

namespace faultlun::sim {

class Initiator final : public daemon::Transport {
 public:
  Initiator(SimWorld& sim, unsigned number, std::uint64_t seed);
  ~Initiator() override;

  /// Does one random thing.
  void step();
  /// Sends nothing new; reads everything.  True while something is still owed.
  bool settle();
  /// Rules are at work: commands may never be answered, and connections may be dropped.  `lies`: so
  /// may task management, or it may say what is not true.
  void expect_faults(bool lies) {
    faults_ = true;
    lies_ = lies;
  }
  /// Sends a TARGET WARM RESET: what still waits here is aborted.
  void reset_target();
  /// The connection of now.
  daemon::Connection& connection() { return *connection_; }
  /// What went wrong, or "".
  const std::string& failure() const { return failure_; }
  std::size_t answered() const { return answered_; }

  void output_ready() override {}
  void input_wanted() override {}

 private:
  enum class Kind : std::uint8_t { read, write, other, task_management, nop };
  struct Pending {
    Kind kind = Kind::other;
    std::uint16_t lun = 0;
    std::uint32_t cmd_sn = 0, first_block = 0, blocks = 0;
    bytes::Buffer data;  ///< write: what goes out; read: what came
    std::uint32_t received = 0;
    std::uint32_t next_data_sn = 0;
    std::uint8_t function = 0;
    bool unknown_content = false;
  };

  void connect();
  void disconnect();
  void login();
  void send_random();
  void send_read_or_write(bool write);
  void send_other();
  void send_task_management();
  void send_task_management(std::uint8_t function);
  bool gone(std::uint32_t itt) const;
  void send_nop();
  void send_garbage();
  void push(bytes::Span header, bytes::View data);
  void command_header(bytes::Span header, std::uint32_t itt, std::uint16_t lun, std::uint8_t flags,
                      std::uint32_t length);
  void deliver();
  void collect();
  void take(bytes::View header, bytes::View data);
  void take_login(bytes::View header, bytes::View data);
  void take_data_in(bytes::View header, bytes::View data);
  void take_r2t(bytes::View header);
  void take_response(bytes::View header, bytes::View data);
  void take_task_management(bytes::View header);
  void finish(std::uint32_t itt, std::uint8_t status, bytes::View sense);
  void forget_lun(std::uint16_t lun, std::uint32_t before_cmd_sn, const std::string& why);
  void write_model(const Pending& pending, bool certain);
  void check_read(const Pending& pending);
  bool busy_blocks(std::uint16_t lun, std::uint32_t first, std::uint32_t count) const;
  void fail(const std::string& what);
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  SimWorld& sim_;
  unsigned number_;
  std::mt19937_64 random_;
  std::shared_ptr<daemon::Connection> connection_;
  bytes::Buffer to_target_, from_target_;
  bool logged_in_ = false, hostile_ = false, faults_ = false, lies_ = false;
  std::uint32_t cmd_sn_ = 0, max_cmd_sn_ = 0, next_itt_ = 1;
  std::optional<std::uint32_t> exp_stat_sn_;
  std::map<std::uint32_t, Pending> pending_;
  std::map<std::uint32_t, std::string>
      forgotten_;  ///< aborted tasks, and why they are thought to be
  struct Model {
    bytes::Buffer content;
    std::vector<bool> known;
  };
  Model models_[2];
  std::string failure_;
  std::size_t answered_ = 0;
};

}  // namespace faultlun::sim
