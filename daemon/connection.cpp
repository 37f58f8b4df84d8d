#include "daemon/connection.hpp"

#include "daemon/injection.hpp"
#include "daemon/log.hpp"
#include "daemon/seed.hpp"
#include "daemon/task_management.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace faultlun::daemon {
namespace {

std::string hex_of(const iscsi::Isid& isid) {
  char text[2 * sizeof(iscsi::Isid) + 1];
  for (std::size_t i = 0; i < isid.size(); ++i)
    std::snprintf(text + 2 * i, 3, "%02x", isid[i]);
  return text;
}

/// "192.0.2.1" of "192.0.2.1:3260", "2001:db8::1" of "[2001:db8::1]:3260".
std::string host_of(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return address;
  if (address.front() == '[') return address.substr(1, colon - 2);
  return address.substr(0, colon);
}

}  // namespace

using iscsi::FrameState;

Connection::Connection(Loop& loop, World& world, Arrival arrival, Transport& transport)
    : loop_(loop),
      world_(world),
      arrival_(std::move(arrival)),
      transport_(transport),
      limits_(world.limits()),
      opened_(loop.now()),
      last_heard_(opened_) {
  iscsi::LoginContext context{.directory = *arrival_.directory,
                              .sessions = world_.sessions,
                              .portal_group_tag = arrival_.portal_group_tag,
                              .random = &entropy,
                              .portal_address = arrival_.local_address,
                              .command_window = limits_.command_window,
                              .judge = this};
  login_ = std::make_unique<iscsi::Login>(context);
}

Connection::~Connection() {
  drop_session();
}

bool Connection::accepts_input() const {
  return (phase_ == Phase::login || phase_ == Phase::full_feature) &&
         out_.size() < kOutboxHighWater;
}

std::string_view Connection::phase_name() const {
  constexpr std::string_view kNames[] = {"login", "reinstating", "full_feature", "closing"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Phase::closing) + 1);
  return kNames[static_cast<std::size_t>(phase_)];
}

// ---- bytes in
// -----------------------------------------------------------------------------------------------

std::size_t Connection::receive(bytes::View octets) {
  receiving_ = true;
  last_heard_ = loop_.now();
  wanted_ = iscsi::kBhsBytes;
  gives_way_ = false;
  const auto matched = runner_ ? runner_->matched() : 0;
  std::size_t used = 0;
  while (accepts_input()) {
    iscsi::Framing framing;
    if (session_) framing = session_->framing();
    const auto frame = iscsi::next_frame(octets.subspan(used), framing);
    if (frame.state == FrameState::incomplete) {
      wanted_ = frame.length;
      break;
    }
    if (frame.state != FrameState::pdu) {
      const bool digest = frame.state == FrameState::bad_header_digest;
      loop_.counters().add(digest ? Metric::digest_errors : Metric::protocol_errors);
      close_after_flush(digest ? "header digest error" : "data segment longer than declared");
      break;
    }
    used += frame.length;
    receive_pdu(frame.pdu);
    if (runner_ && runner_->matched() - matched >= kMatchedPerTurn) {
      gives_way_ = true;
      break;
    }
  }
  if (ping_sent_ && session_ && !session_->nop_in_outstanding()) ping_sent_.reset();
  receiving_ = false;
  octets_received_ += used;
  return used;
}

void Connection::receive_pdu(const iscsi::PduView& pdu) {
  loop_.counters().add(Metric::pdus_received);
  ++pdus_received_;
  if (phase_ == Phase::login) return receive_login(pdu);
  session_->receive(pdu, last_heard_, out_, effects_);
  perform_all();
  if (runner_) runner_->tell_management_ends();
}

// ---- login
// --------------------------------------------------------------------------------------------------

void Connection::receive_login(const iscsi::PduView& pdu) {
  bytes::Buffer answer;
  const auto state = login_->receive(pdu, answer);
  if (state == iscsi::Login::State::full_feature) {
    held_answer_ = std::move(answer);
    return login_done();
  }
  out_.append(answer);
  if (state == iscsi::Login::State::more) return;
  loop_.counters().add(Metric::logins_failed);
  if (!refusal_told_ && login_->status() != 0)
    tell_refusal(login_->initiator_name(), login_->status(), 0, 0);
  log::iscsi().info("login failed peer={} status={:#06x} reason=\"{}\"", arrival_.peer_address,
                    login_->status(), login_->failure());
  close_after_flush("login failed");
}

faults::SessionFacts Connection::facts_of(std::string_view initiator, const iscsi::Isid& isid,
                                          std::string_view target) const {
  faults::SessionFacts facts;
  facts.initiator = initiator;
  facts.isid = hex_of(isid);
  facts.target = target;
  facts.portal = arrival_.portal_index;
  facts.portal_group_tag = arrival_.portal_group_tag;
  facts.source = host_of(arrival_.peer_address);
  return facts;
}

/// Rules may refuse a login, or leave it without an answer.
iscsi::LoginOrder Connection::judge(std::string_view initiator, const iscsi::Isid& isid,
                                    std::string_view target) {
  constexpr std::uint16_t kNotFound = 0x0203;
  const auto rules = world_.rules();
  if (rules->ignores_logins() || world_.replay()) return {};  // logins are not replayed
  const auto session = facts_of(initiator, isid, target);
  faults::Facts facts;
  facts.site = faults::Site::login_rx;
  facts.session = &session;
  facts.now = world_.since_start(loop_.now());
  const faults::InstalledRule* why = nullptr;
  const auto then = faults::decide_login(*rules, facts, why);
  if (then == faults::Drop::Then::nothing) return {};
  for (const auto& effect : why->rule.effects)
    if (std::holds_alternative<faults::Drop>(effect.action)) count_injected(*why, effect);
  log::faults().info("login of {} {} rule={}", initiator,
                     then == faults::Drop::Then::silent ? "left without an answer" : "refused",
                     why->rule.id);
  const bool silent = then == faults::Drop::Then::silent;
  tell_refusal(initiator, silent ? std::uint16_t{0} : kNotFound, why->lifetime->serial,
               silent ? JournalEntry::silent : 0);
  if (silent) return {iscsi::LoginOrder::Kind::silence, 0, ""};
  return {iscsi::LoginOrder::Kind::refuse, kNotFound, "a rule says that there is no such target"};
}

void Connection::tell_refusal(std::string_view initiator, std::uint16_t status, std::uint64_t rule,
                              std::uint8_t flag) {
  refusal_told_ = true;
  loop_.journal().add(JournalEntry::login_refused(world_.refused_logins.add(initiator), status,
                                                  rule, world_.since_start(loop_.now()), flag));
}

void Connection::login_done() {
  const auto& result = login_->result();
  const bool unnamed = result.target_name.empty();
  key_ = {result.initiator_name, result.isid,
          unnamed ? "discovery@" + std::to_string(arrival_.portal_index) : result.target_name,
          result.portal_group_tag};
  summary_ = {result.initiator_name,
              result.target_name,
              arrival_.peer_address,
              result.tsih,
              result.cid,
              result.portal_group_tag,
              result.type == iscsi::SessionType::discovery};
  auto former = world_.sessions.enter(
      key_, result.tsih, {result.type, result.cid, result.parameters}, shared_from_this());
  in_table_ = true;
  if (!former) return enter_full_feature();
  // RFC 7143 §6.3.5: the old session ends, its nexus is lost, and only then does this login go on.
  phase_ = Phase::reinstating;
  loop_.counters().add(Metric::sessions_reinstated);
  auto self = shared_from_this();
  former->loop().post([self, former] {
    former->end_session("reinstated by a new login");
    self->loop_.post([self] {
      if (self->phase_ != Phase::reinstating) return;
      self->enter_full_feature();
      self->notify_output();
      self->transport_.input_wanted();
    });
  });
}

void Connection::enter_full_feature() {
  auto target = world_.find_target(login_->result().target_name);
  const bool discovery = login_->result().type == iscsi::SessionType::discovery;
  out_.append(held_answer_);
  held_answer_ = {};
  session_ = std::make_unique<iscsi::Session>(login_->result(), *arrival_.directory,
                                              limits_.command_window);
  if (!discovery && target) {
    auto facts = facts_of(summary_.initiator, session_->login().isid, summary_.target);
    facts.target_index = target->index();
    facts.tsih = summary_.tsih;
    facts.first_cmd_sn = session_->login().cmd_sn;
    const auto number = world_.aliases.enter(facts);
    runner_ = std::make_unique<TaskRunner>(loop_, world_, *session_, out_, std::move(target),
                                           budget_, std::move(facts), number);
    session_->ask_before_task_management(true);  // the journal tells of every function
    runner_->set_on_output([this] { notify_output(); });
    runner_->set_on_drop([this] { loop_.post([self = shared_from_this()] { self->drop(true); }); });
  }
  login_.reset();
  phase_ = Phase::full_feature;
  wanted_ = iscsi::kBhsBytes;
  loop_.counters().add(Metric::logins_succeeded);
  log::iscsi().info("session up initiator={} target={} tsih={} peer={}{}", summary_.initiator,
                    summary_.target, summary_.tsih, summary_.peer, discovery ? " discovery" : "");
  if (!discovery && !runner_) close_after_flush("the target was removed during login");
}

// ---- effects
// ------------------------------------------------------------------------------------------------

void Connection::perform_all() {
  // Effects may add effects (a write whose data is already here); each is copied because the vector
  // may move.
  for (std::size_t i = 0; i < effects_.size() && phase_ == Phase::full_feature; ++i) {
    const iscsi::Effect effect = effects_[i];
    perform(effect);
  }
  effects_.clear();
}

void Connection::perform(const iscsi::Effect& effect) {
  namespace fx = iscsi::effect;
  if (const auto* run = std::get_if<fx::RunTask>(&effect)) {
    if (!runner_) return;
    runner_->set_now(last_heard_);
    runner_->run(*run->task, run->immediate_data, effects_);
    if (const auto* wanted = runner_->drop_wanted()) drop(wanted->reset);
  } else if (const auto* data = std::get_if<fx::DataOut>(&effect)) {
    runner_->data_out(*data->task, data->offset, data->data);
  } else if (const auto* complete = std::get_if<fx::DataComplete>(&effect)) {
    runner_->set_now(last_heard_);
    runner_->data_complete(*complete->task);
  } else if (const auto* due = std::get_if<fx::R2tDue>(&effect)) {
    runner_->r2t_due(*due->task);
  } else if (const auto* failed = std::get_if<fx::DataFailed>(&effect)) {
    runner_->data_failed(*failed->task, failed->sense);
  } else if (const auto* abort = std::get_if<fx::AbortTask>(&effect)) {
    if (runner_) runner_->abort(*abort->task);
  } else if (const auto* manage = std::get_if<fx::ManageTasks>(&effect)) {
    if (!runner_) return;
    const auto fault = management_faults_.take(manage->initiator_task_tag);
    manage_tasks(*this, world_, *manage, fault ? &*fault : nullptr,
                 world_.since_start(loop_.now()));
  } else if (const auto* arrived = std::get_if<fx::JudgeTaskManagement>(&effect)) {
    if (runner_) judge_task_management(*arrived);
  } else if (const auto* close = std::get_if<fx::Close>(&effect)) {
    using Why = fx::Close::Why;
    if (close->why == Why::protocol_error || close->why == Why::format_error)
      loop_.counters().add(Metric::protocol_errors);
    if (close->why == Why::logout && runner_) runner_->note_logout();
    close_after_flush(close->text);
  }
}

/// A function is about to act: the rules may have something in store for it.
void Connection::judge_task_management(const iscsi::effect::JudgeTaskManagement& arrived) {
  runner_->set_now(last_heard_);
  const auto combined = management_faults_.judge(arrived, runner_->decide(arrived), loop_.now(),
                                                 *session_, out_, effects_);
  if (combined.drop) return drop(true);
  if (combined.fault.collateral) lose_other_tasks(*this, world_, arrived.lun, combined.fault);
}

void Connection::respond(std::uint32_t initiator_task_tag, std::uint8_t response,
                         std::uint32_t additional) {
  if (phase_ != Phase::full_feature) return;  // a session that has ended says nothing more
  session_->finish_task_management(initiator_task_tag, response, additional, out_);
  if (runner_) runner_->tell_management_ends();
  notify_output();
}

std::set<std::uint16_t> Connection::abort_tasks(std::optional<std::uint16_t> lun,
                                                bool task_aborted_status, iscsi::AbortedBy by) {
  std::set<std::uint16_t> units;
  if (!session_ || !runner_) return units;
  iscsi::Effects effects;
  session_->abort_tasks(lun, task_aborted_status, by, out_, effects);
  for (const auto& effect : effects) {
    if (const auto* abort = std::get_if<iscsi::effect::AbortTask>(&effect);
        abort && abort->task->lun)
      units.insert(*abort->task->lun);
    perform(effect);
  }
  notify_output();
  return units;
}

// ---- time
// ---------------------------------------------------------------------------------------------------

std::optional<TimePoint> Connection::deadline() const {
  if (close_by_) return close_by_;
  if (phase_ == Phase::login || phase_ == Phase::reinstating)
    return opened_ + limits_.login_timeout;
  if (phase_ != Phase::full_feature) return std::nullopt;
  auto next = session_->deadline();
  const auto sooner = [&next](TimePoint at) { next = next ? std::min(*next, at) : at; };
  if (const auto due = management_faults_.deadline()) sooner(*due);
  if (ping_sent_)
    sooner(*ping_sent_ + limits_.nop_timeout);
  else if (limits_.nop_interval > Duration::zero() && runner_)
    sooner(last_heard_ + limits_.nop_interval);
  return next;
}

void Connection::on_deadline(TimePoint now) {
  const auto due = deadline();
  if (!due || *due > now) return;
  receiving_ = true;
  if (close_by_ && *close_by_ <= now) {
    close_by_.reset();
    close_after_flush("no logout after it was asked for");
  } else if (phase_ != Phase::full_feature) {
    loop_.counters().add(Metric::connections_timed_out);
    close_after_flush("login not finished in time");
  } else {
    session_->on_deadline(now, out_, effects_);
    perform_all();
    if (session_ && runner_) {
      management_faults_.on_deadline(now, *session_, out_, effects_);
      perform_all();
      if (runner_) runner_->tell_management_ends();
    }
    if (ping_sent_ && *ping_sent_ + limits_.nop_timeout <= now) {
      loop_.counters().add(Metric::connections_timed_out);
      close_after_flush("no answer to a NOP-In");
    } else if (session_ && !ping_sent_ && limits_.nop_interval > Duration::zero() && runner_ &&
               last_heard_ + limits_.nop_interval <= now) {
      session_->send_nop_in(true, out_);
      ping_sent_ = now;
    }
  }
  receiving_ = false;
}

// ---- the end
// ------------------------------------------------------------------------------------------------

void Connection::notify_output() {
  if (!receiving_ && transport_open_) transport_.output_ready();
}

void Connection::drop_session() {
  if (in_table_) world_.sessions.leave(key_, this);
  in_table_ = false;
  if (runner_) loop_.counters().add(Metric::tasks_aborted, session_->task_count());
  runner_.reset();
  effects_.clear();
}

void Connection::close_after_flush(std::string_view why) {
  if (phase_ == Phase::closing) return;
  log::iscsi().info("connection ends peer={} initiator={} reason=\"{}\"", arrival_.peer_address,
                    summary_.initiator, why);
  phase_ = Phase::closing;
  close_by_.reset();
  drop_session();
  notify_output();
}

/// A rule says so.
void Connection::drop(bool reset) {
  if (phase_ == Phase::closing) return;
  reset_wanted_ = reset;
  end_session("a rule drops the connection");
}

std::optional<Connection::Adopted> Connection::adopt(std::shared_ptr<const faults::RuleSet> rules) {
  if (!runner_ || !session_) return std::nullopt;
  runner_->adopt(std::move(rules));
  return Adopted{runner_->facts().alias(), summary_.target, summary_.tsih, session_->next_cmd_sn(),
                 session_->next_stat_sn()};
}

void Connection::end_session(std::string_view why) {
  out_.clear();  // nothing more may reach the initiator from a session that is gone
  close_after_flush(why);
}

void Connection::transport_closed() {
  transport_open_ = false;
  if (phase_ != Phase::closing) close_after_flush("the peer closed the connection");
  out_.clear();
}

void Connection::shut_down() {
  if (session_ && phase_ == Phase::full_feature && runner_) {
    const auto& parameters = session_->login().parameters;
    session_->send_async_event(3, 0, parameters.default_time2wait, parameters.default_time2retain,
                               out_);
  }
  close_after_flush("the target shuts down");
}

void Connection::request_logout(std::uint16_t seconds) {
  if (!session_ || phase_ != Phase::full_feature || !runner_) return;
  session_->send_async_event(1, 0, 0, seconds, out_);
  close_by_ = loop_.now() + std::chrono::seconds(seconds);
  notify_output();
}

void Connection::replace_directory(std::shared_ptr<const iscsi::Directory> directory) {
  if (phase_ == Phase::login) return;  // the login goes on with what it began with
  if (session_) session_->set_directory(*directory);
  arrival_.directory = std::move(directory);
}

}  // namespace faultlun::daemon
