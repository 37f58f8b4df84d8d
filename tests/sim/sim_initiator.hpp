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

inline constexpr std::uint32_t kBlock = 512;
inline constexpr std::uint32_t kOwnBlocks = 512;  ///< each initiator has so many on each unit
inline constexpr std::uint32_t kFirstBurst = 16 * 1024, kMaxBurst = 32 * 1024, kSegment = 8 * 1024;

class Initiator final : public daemon::Transport {
 public:
  Initiator(SimWorld& sim, unsigned number, std::uint64_t seed);
  ~Initiator() override;

  /// Does one random thing.
  void step();
  /// Sends nothing new; reads everything.  True while something is still owed.
  bool settle();
  /// Rules are at work: what the journal says of a command is what has to be seen of it.  Commands
  /// may be left without an answer, functions may fail or lie, and connections may be dropped.
  void expect_faults() { faults_ = true; }
  /// Nobody aborts anything, so that nothing may be aborted, and only a rule may silence a command.
  void send_no_functions() { functions_ = false; }
  /// Sends a TARGET WARM RESET: what still waits here is aborted.
  void reset_target();
  /// Another connection takes the place of this one, which knows nothing of it.
  void reinstate();
  /// The transport breaks, and a new one comes.
  void reconnect();
  /// Every overlay of the media is gone.
  void healed();
  /// When nothing moves any more: everything is answered but what was aborted or silenced.
  void expect_only_silence();
  /// The pristine stores have what was written.
  void expect_truth();
  /// Takes what the target still says and lets it close; nobody comes again.
  void part();
  /// What the connection of now holds although nothing is going on, or "".
  std::string leftovers() const;
  /// With nothing the matter: all blocks are read, some are written, and nothing goes wrong.
  void expect_perfection();
  /// The connection of now.
  daemon::Connection& connection() { return *connection_; }
  /// What went wrong, or "".
  const std::string& failure() const { return failure_; }
  std::size_t answered() const { return answered_; }
  /// Hash of all octets that came, in order.
  std::uint64_t transcript() const { return transcript_; }

  void output_ready() override {}
  void input_wanted() override {}

 private:
  enum class Kind : std::uint8_t { read, write, other, task_management, nop, logout };
  struct Pending {
    Kind kind = Kind::other;
    std::uint16_t lun = 0;
    std::uint32_t cmd_sn = 0, first_block = 0, blocks = 0;
    bytes::Buffer data;  ///< write: what goes out; read: what came
    std::uint32_t received = 0;
    std::uint32_t next_data_sn = 0;
    std::uint8_t function = 0;
    bool healed = false;  ///< sent before the media were healed
  };

  static bool is_command(const Pending& pending) {
    return pending.kind == Kind::read || pending.kind == Kind::write || pending.kind == Kind::other;
  }
  void connect();
  void disconnect();
  void login();
  void send_random();
  void send_read_or_write(bool write);
  void send_read_or_write(Pending pending);
  void send_other();
  void send_task_management();
  void send_task_management(std::uint8_t function);
  void send_logout();
  void send_nop();
  void send_garbage();
  void push(bytes::Span header, bytes::View data);
  void command_header(bytes::Span header, std::uint32_t itt, std::uint16_t lun, std::uint8_t flags,
                      std::uint32_t length);
  void deliver();
  void collect();
  void take_octets();
  void bury_former();
  void take(bytes::View header, bytes::View data);
  void take_login(bytes::View header, bytes::View data);
  void take_data_in(bytes::View header, bytes::View data);
  void take_r2t(bytes::View header);
  void take_response(bytes::View header, bytes::View data);
  void take_task_management(bytes::View header);
  void take_async_event(bytes::View header);
  void take_reject(bytes::View header, bytes::View data);
  void finish(std::uint32_t itt, std::uint8_t status, bytes::View sense);
  void expect_told(std::uint32_t itt, std::uint8_t status);
  void forget_lun(std::uint16_t lun, std::uint32_t before_cmd_sn, const std::string& why);
  void forget(std::uint32_t itt, const Pending& pending, const std::string& why);
  // sim_media.cpp
  const std::vector<Story::Struck>* data_strikes(std::uint32_t itt);
  void note_write(std::uint32_t itt, const Pending& pending, bool certain);
  void note_read(std::uint32_t itt, const Pending& pending, bool good);
  bool bend(const Story::Struck& strike, bytes::Span octets, bool& lasts) const;
  void taint(const Pending& pending);
  void pump();
  bool busy_blocks(std::uint16_t lun, std::uint32_t first, std::uint32_t count) const;
  void fail(const std::string& what);
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  SimWorld& sim_;
  unsigned number_;
  std::mt19937_64 random_;
  std::shared_ptr<daemon::Connection> connection_;
  std::vector<std::shared_ptr<daemon::Connection>> former_;  ///< replaced, not yet closed
  bytes::Buffer to_target_, from_target_;
  bool logged_in_ = false, hostile_ = false, leaving_ = false, faults_ = false, functions_ = true;
  std::uint32_t cmd_sn_ = 0, max_cmd_sn_ = 0, next_itt_;
  std::optional<std::uint32_t> exp_stat_sn_;
  std::map<std::uint32_t, Pending> pending_;
  std::map<std::uint32_t, std::string>
      forgotten_;  ///< aborted tasks, and why they are thought to be
  struct Model {
    bytes::Buffer content;  ///< what was written
    bytes::Buffer shown;    ///< what reads see of it
    std::vector<bool> known;
    std::vector<bool> tainted;  ///< damaged in a way that is not foretold
  };
  Model models_[2];
  std::string failure_;
  std::size_t answered_ = 0;
  std::uint64_t transcript_ = 0xcbf29ce484222325;
  std::uint8_t last_status_ = 0;
  bytes::Buffer last_sense_;
};

}  // namespace faultlun::sim
