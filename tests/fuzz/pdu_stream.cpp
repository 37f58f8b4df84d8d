// Octets as a full-feature connection: next_frame() → Session, with a host that runs, collects,
// completes, holds and aborts tasks. The first octets choose what login settled and how the host
// behaves; the rest is what the initiator sends.
#include "protocol/bytes/crc32c.hpp"
#include "protocol/iscsi/session.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

namespace faultlun::fuzz {
namespace {

namespace fx = iscsi::effect;

constexpr std::uint32_t kDeviceBytes = 64 * 1024;  // no command moves more
constexpr std::size_t kMostEffects = 100'000;      // far above what any input can cause

std::array<std::uint8_t, kDeviceBytes> medium{};
int pins = 0;

void unpin(void* /*pin*/) noexcept {
  --pins;
}

struct Options {
  std::uint8_t bits = 0, sizes = 0, window = 0, manners = 0;
};

iscsi::LoginResult login_of(const Options& options) {
  iscsi::LoginResult login;
  login.type =
      (options.bits & 0x80) != 0 ? iscsi::SessionType::discovery : iscsi::SessionType::normal;
  login.initiator_name = "iqn.2026-11.example:fuzz";
  if (login.type == iscsi::SessionType::normal)
    login.target_name = "iqn.2026-11.example.faultlun:lab";
  login.tsih = 1;
  login.cmd_sn = 1;
  login.stat_sn = 1;
  auto& p = login.parameters;
  p.header_digest = (options.bits & 0x01) != 0;
  p.data_digest = (options.bits & 0x02) != 0;
  p.initial_r2t = (options.bits & 0x04) != 0;
  p.immediate_data = (options.bits & 0x08) != 0;
  p.data_pdu_in_order = (options.bits & 0x10) != 0;
  p.data_sequence_in_order = (options.bits & 0x20) != 0;
  p.protocol_level = (options.bits & 0x40) != 0 ? 2 : 1;
  p.peer_max_recv_data_segment_length = 512u << (options.sizes & 0x07);
  p.our_max_recv_data_segment_length = 512u << ((options.sizes >> 3) & 0x07);
  p.max_burst_length = 512u << (options.sizes >> 5);
  p.first_burst_length = std::min(p.max_burst_length, 1024u);
  p.max_outstanding_r2t = static_cast<std::uint16_t>(1 + (options.window >> 5));
  return login;
}

/// Plays the daemon: a device of kDeviceBytes whose commands end now, later or never, as the input
/// says.
class Host {
 public:
  Host(const Options& options, const iscsi::Directory& directory)
      : manners_(options.manners),
        session_(login_of(options), directory, 1u + (options.window & 0x1f)),
        peer_(peer_framing(session_.login().parameters)) {
    session_.ask_before_task_management(manners_ % 4 == 3);
  }
  ~Host() {
    out_.clear();
    expect(pins == 0, "every pin is released when the outbox is cleared");
  }

  const iscsi::Session& session() const { return session_; }

  /// False when the session wants the connection closed.
  /// What else happens at the target after a PDU is in octet 3, which is reserved in most of them.
  bool receive(const iscsi::PduView& pdu) {
    session_.receive(pdu, now_, out_, effects_);
    perform_all();
    const auto events = pdu.header[3];
    if ((events & 0x0f) == manners_ % 16) end_held();
    if ((events & 0x20) != 0) session_.send_nop_in((events & 0x01) != 0, out_);
    if ((events & 0x40) != 0) session_.send_async_event(1 + (events & 0x03), 1, 2, 3, out_);
    if ((events & 0x80) != 0) pass_time();
    peer_.drain(out_);
    return open_;
  }

 private:
  struct Progress {
    std::uint32_t received = 0;
    bool collecting = false;
  };

  void perform_all() {
    for (std::size_t i = 0; i < effects_.size() && open_; ++i) {
      expect(i < kMostEffects, "one PDU has a bounded number of effects");
      const iscsi::Effect effect = effects_[i];
      std::visit([this](const auto& what) { perform(what); }, effect);
    }
    effects_.clear();
  }

  void pass_time() {
    now_ += std::chrono::milliseconds(1500);
    const auto due = session_.deadline();
    if (!due || *due > now_) return;
    session_.on_deadline(now_, out_, effects_);
    perform_all();
  }

  static iscsi::Framing peer_framing(const iscsi::Parameters& parameters) {
    return {parameters.header_digest, parameters.data_digest,
            parameters.peer_max_recv_data_segment_length};
  }

  std::uint32_t device_length(const iscsi::Task& task) const {
    return static_cast<std::uint32_t>(task.command.cdb.be16(7)) * 512 % (kDeviceBytes + 1);
  }

  void perform(const fx::RunTask& run) {
    auto& task = *run.task;
    expect(!tasks_.contains(&task), "a task runs once");
    tasks_[&task] = {};
    task.host = this;
    if (manners_ % 5 == 1 && task.command.cdb[0] % 2 == 1)
      return;  // held until a later PDU ends it
    if (task.writes && device_length(task) > 0) {
      const auto wanted = std::min(device_length(task), task.expected_data_transfer_length);
      const auto taken = std::min<std::size_t>(run.immediate_data.size(), wanted);
      tasks_[&task].received = static_cast<std::uint32_t>(taken);
      tasks_[&task].collecting = true;
      session_.collect(task, device_length(task), taken, out_, effects_);
    } else if (task.reads) {
      read(task);
    } else {
      complete(task);
    }
  }

  void perform(const fx::DataOut& piece) {
    expect(tasks_.contains(piece.task), "Data-Out comes for a running task");
    auto& progress = tasks_[piece.task];
    expect(progress.collecting, "Data-Out comes only to a task that collects");
    const auto wanted =
        std::min(device_length(*piece.task), piece.task->expected_data_transfer_length);
    expect(piece.offset <= wanted && piece.data.size() <= wanted - piece.offset,
           "Data-Out lies inside what was wanted");
    std::copy(piece.data.begin(), piece.data.end(), medium.begin() + piece.offset);
    progress.received += static_cast<std::uint32_t>(piece.data.size());
  }

  void perform(const fx::DataComplete& complete_data) {
    expect(tasks_.contains(complete_data.task), "data completes for a running task");
    auto& task = *complete_data.task;
    const auto wanted = std::min(device_length(task), task.expected_data_transfer_length);
    expect(tasks_[&task].received == wanted, "all that was wanted has come, once");
    complete(task);
  }

  /// Only for tasks that the daemon paces; this one lets every R2T go by itself.
  void perform(const fx::R2tDue&) { expect(false, "no transfer is paced here"); }

  void perform(const fx::DataFailed& failed) {
    expect(tasks_.contains(failed.task), "data fails for a running task");
    forget(*failed.task);
    session_.complete(*failed.task, scsi::check_condition(failed.sense), out_);
  }

  void perform(const fx::AbortTask& abort) {
    expect(tasks_.erase(abort.task) == 1, "only a running task is aborted, and once");
    if (manners_ % 7 < 3) {
      session_.discard(*abort.task);
    } else {
      aborted_.push_back(abort.task);  // an operation of ours still refers to it
    }
  }

  void perform(const fx::ManageTasks& request) {
    if (request.function % 2 == 0)
      session_.abort_tasks(request.lun, manners_ % 2 == 1, iscsi::AbortedBy::own_function, out_,
                           effects_);
    session_.finish_task_management(request.initiator_task_tag, 0, 0, out_);
  }

  /// The tag says what becomes of the function.
  void perform(const fx::JudgeTaskManagement& question) {
    const auto tag = question.initiator_task_tag;
    iscsi::TaskManagementVerdict verdict;
    verdict.act = static_cast<iscsi::TaskManagementVerdict::Act>(tag % 3);
    verdict.answered = tag % 5 != 0;
    verdict.hold_answer = tag % 7 == 0;
    if (tag % 11 == 0) verdict.response = 5;
    session_.judge(tag, verdict, out_, effects_);
    if (tag % 2 == 0) session_.release_task_management(tag, out_);
  }

  void perform(const fx::Close& close) {
    expect(close.text != nullptr, "a close says why");
    open_ = false;
  }

  void read(iscsi::Task& task) {
    iscsi::Session::DataInCursor cursor;
    cursor.device_length = device_length(task);
    cursor.total = std::min(device_length(task), task.expected_data_transfer_length);
    if (cursor.total == 0 || manners_ % 3 == 2) return complete(task);
    while (const auto allowed = session_.next_data_in(cursor)) {
      expect(allowed <= cursor.total - cursor.sent, "no more Data-In than there is");
      if (manners_ % 2 == 0) {
        ++pins;
        session_.put_data_in(task, cursor, bytes::View(medium).subspan(cursor.sent, allowed),
                             &medium, &unpin, out_);
      } else {
        const auto room = session_.room_for_data_in(task, cursor, allowed, out_);
        expect(room.size() == allowed, "room for what was asked");
        std::fill(room.begin(), room.end(), std::uint8_t{0x5a});
        session_.seal_data_in(room);
      }
    }
    forget(task);
    session_.finish_data_in(task);
  }

  void forget(iscsi::Task& task) {
    tasks_.erase(&task);
    task.host = nullptr;
  }

  void complete(iscsi::Task& task) {
    forget(task);
    scsi::Reply reply;
    if (task.command.cdb[1] % 4 == 3) {
      scsi::Sense sense;
      sense.code = {0x05, 0x24, 0x00};
      sense.information = 1;
      sense.field = scsi::FieldPointer{true, 2, 3};
      reply = scsi::check_condition(std::move(sense));
    } else if (task.reads) {
      reply.data_in.assign(task.command.cdb[4], 0x33);
      reply.data_in_length = reply.data_in.size();
    } else if (task.writes) {
      reply.data_out_length = device_length(task);
    }
    session_.complete(task, std::move(reply), out_);
  }

  /// Ends the tasks that were held; one that collects still waits for its data.
  void end_held() {
    for (auto* task : std::exchange(aborted_, {}))
      session_.discard(*task);
    std::vector<iscsi::Task*> held;
    for (const auto& [task, progress] : tasks_)
      if (!progress.collecting) held.push_back(task);
    for (auto* task : held)
      complete(*task);
  }

  std::uint8_t manners_;
  iscsi::Session session_;
  Peer peer_;
  iscsi::Outbox out_;
  iscsi::Effects effects_;
  std::map<iscsi::Task*, Progress> tasks_;
  std::vector<iscsi::Task*> aborted_;  ///< not discarded yet
  iscsi::TimePoint now_{std::chrono::hours(1)};
  bool open_ = true;
};

/// With digests on, no mutation of a digest would ever be right: they are computed here, over PDUs
/// as the input has them.
bytes::Buffer with_digests(bytes::View octets, const iscsi::Framing& framing) {
  bytes::Buffer out;
  const auto digest = [&out](bytes::View over) {
    std::uint8_t octets4[4];
    bytes::put_digest(octets4, bytes::crc32c(over));
    out.insert(out.end(), octets4, octets4 + 4);
  };
  Input input(octets);
  while (input.rest().size() >= iscsi::kBhsBytes) {
    const auto header = input.rest().first(iscsi::kBhsBytes);
    const auto head = input.take(iscsi::kBhsBytes + std::size_t{header[4]} * 4);
    out.insert(out.end(), head.begin(), head.end());
    if (framing.header_digest) digest(head);
    const auto data = input.take(bytes::padded4(bytes::be24(header.data() + 5)));
    out.insert(out.end(), data.begin(), data.end());
    if (framing.data_digest && !data.empty()) digest(data);
    if (framing.data_digest && !data.empty() && (header[3] & 0x10) != 0) out.back() ^= 0x01;
  }
  return out;
}

void run(bytes::View octets) {
  Input input(octets);
  Options options;
  options.bits = input.u8();
  options.sizes = input.u8();
  options.window = input.u8();
  options.manners = input.u8();
  iscsi::Directory directory;
  directory.targets.push_back({"iqn.2026-11.example.faultlun:lab", "lab", {1}, {}, {}, {}, false});
  directory.portals.push_back({"192.0.2.10:3260", 1});
  Host host(options, directory);
  const bool digests =
      host.session().framing().header_digest || host.session().framing().data_digest;
  const auto stream = digests ? with_digests(input.rest(), host.session().framing())
                              : bytes::Buffer(input.rest().begin(), input.rest().end());
  bytes::View rest(stream);
  while (true) {
    const auto frame = iscsi::next_frame(rest, host.session().framing());
    if (frame.state == iscsi::FrameState::incomplete) {
      expect(frame.length > rest.size(), "an incomplete PDU needs more than there is");
      break;
    }
    if (frame.state != iscsi::FrameState::pdu) break;
    expect(frame.length >= iscsi::kBhsBytes && frame.length <= rest.size(),
           "a PDU lies inside the stream");
    if (!host.receive(frame.pdu)) break;
    rest = rest.subspan(frame.length);
  }
}

}  // namespace
}  // namespace faultlun::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  faultlun::fuzz::run({data, size});
  return 0;
}
