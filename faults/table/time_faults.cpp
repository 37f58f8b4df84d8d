// The time.* family: how long commands take, and what makes them wait.  Fault model 8.7.
#include "faults/table/time_build.hpp"

namespace faultlun::faults {
namespace {

constexpr std::string_view kWhenNames[] = {"before", "after"};

constexpr Parameter kService[] = {
    FAULTLUN_DISTRIBUTION_PARAMETERS,
    {.name = "per_kib",
     .kind = Kind::duration,
     .fallback = "\"0s\"",
     .meaning = "added for each KiB that the command transfers"},
    {.name = "lanes",
     .kind = Kind::number,
     .fallback = "(no limit)",
     .least = 1,
     .most = kMaxLanes,
     .meaning = "commands served at a time; others queue for a lane"},
    {.name = "seek",
     .kind = Kind::object,
     .fallback = "(none)",
     .members = kSeekMembers,
     .meaning = "added for the way from the end of the last access"},
    {.name = "ramp",
     .kind = Kind::object,
     .fallback = "(none)",
     .members = kRampMembers,
     .meaning = "a factor that changes over time since arming"},
    {.name = "wave",
     .kind = Kind::object,
     .fallback = "(none)",
     .members = kWaveMembers,
     .meaning = "active in the first part of each period only"},
    {.name = "burst",
     .kind = Kind::object,
     .fallback = "(none)",
     .members = kBurstMembers,
     .meaning = "Gilbert-Elliott chain, stepped by each match: active in bursts"},
    {.name = "until_idle",
     .kind = Kind::duration,
     .fallback = "(for ever)",
     .meaning = "over once nothing matched for this long"},
    {.name = "at_least",
     .kind = Kind::flag,
     .fallback = "true",
     .meaning = "counts time already spent; false: comes on top of it"},
    {.name = "when",
     .kind = Kind::choice,
     .fallback = "\"before\"",
     .choices = kWhenNames,
     .meaning = "before the medium is touched, or before the answer leaves"},
};
constexpr Parameter kData[] = {FAULTLUN_DISTRIBUTION_PARAMETERS};
constexpr Parameter kStall[] = {
    {.name = "every",
     .kind = Kind::duration,
     .required = true,
     .meaning = "one pause in each period of this length, from the second on"},
    {.name = "for",
     .kind = Kind::duration,
     .required = true,
     .meaning = "how long the unit pauses"},
    {.name = "jitter",
     .kind = Kind::duration,
     .fallback = "\"0s\"",
     .meaning = "a pause begins up to this much into its period"},
};
constexpr Parameter kIops[] = {
    {.name = "rate",
     .kind = Kind::number,
     .required = true,
     .least = 1,
     .most = kMaxRate,
     .meaning = "commands a second"},
    {.name = "burst",
     .kind = Kind::number,
     .fallback = "1",
     .least = 1,
     .most = kMaxRate,
     .meaning = "commands at once after a rest"},
};
constexpr Parameter kBandwidth[] = {
    {.name = "rate",
     .kind = Kind::size,
     .required = true,
     .least = 1,
     .most = kMaxRate,
     .meaning = "bytes a second"},
    {.name = "burst",
     .kind = Kind::size,
     .fallback = "\"64KiB\"",
     .least = 1,
     .most = kMaxRate,
     .meaning = "bytes at once after a rest"},
};
constexpr Parameter kCliff[] = {
    {.name = "budget",
     .kind = Kind::size,
     .required = true,
     .most = kMaxBudgetBytes,
     .meaning = "bytes that are fast"},
    {.name = "extra",
     .kind = Kind::duration,
     .required = true,
     .meaning = "how much longer each command takes beyond them"},
    {.name = "idle",
     .kind = Kind::duration,
     .fallback = "(never)",
     .meaning = "a rest of this length gives the budget back"},
};
constexpr Parameter kHold[] = {
    {.name = "tag",
     .kind = Kind::text,
     .fallback = "\"\"",
     .most = 64,
     .meaning = "what POST /v1/held/release may ask for"},
};
constexpr Parameter kReorder[] = {
    {.name = "window",
     .kind = Kind::number,
     .fallback = "2",
     .least = 2,
     .most = 4096,
     .meaning = "commands held before they are released together"},
    {.name = "for",
     .kind = Kind::duration,
     .fallback = "\"100ms\"",
     .meaning = "no command waits longer for the others"},
};

Built build_service(const Arguments& arguments) {
  Delay delay;
  if (auto complaint = read_service_time(arguments, delay.time)) return *std::move(complaint);
  delay.at_least = arguments.flag("at_least", true);
  delay.when = arguments.choice("when") == 0 ? When::before : When::after;
  return Action{delay};
}

Built build_data(const Arguments& arguments) {
  Pace pace;
  if (auto complaint = read_distribution(arguments, pace.gap)) return *std::move(complaint);
  return Action{pace};
}

Built build_stall(const Arguments& arguments) {
  Pause pause;
  pause.pattern.every = arguments.value<Time>("every");
  pause.pattern.length = arguments.value<Time>("for");
  pause.pattern.jitter = arguments.value<Time>("jitter");
  if (auto complaint = first(check(pause.pattern), {{"length", "for"}}))
    return *std::move(complaint);
  return Action{pause};
}

Built build_throttle(const Arguments& arguments, bool bytes, std::uint64_t burst) {
  Throttle throttle;
  throttle.bucket.rate = arguments.number("rate");
  throttle.bucket.burst = arguments.number("burst", burst);
  throttle.bytes = bytes;
  if (auto complaint = first(check(throttle.bucket))) return *std::move(complaint);
  return Action{throttle};
}
Built build_iops(const Arguments& arguments) {
  return build_throttle(arguments, false, 1);
}
Built build_bandwidth(const Arguments& arguments) {
  return build_throttle(arguments, true, 64 * 1024);
}

Built build_cliff(const Arguments& arguments) {
  Slowdown slowdown;
  slowdown.pattern.budget_bytes = arguments.number("budget");
  slowdown.pattern.extra = arguments.value<Time>("extra");
  slowdown.pattern.idle = arguments.value<Time>("idle");
  if (auto complaint = first(check(slowdown.pattern), {{"budget_bytes", "budget"}}))
    return *std::move(complaint);
  return Action{slowdown};
}

Built build_hold(const Arguments& arguments) {
  return Action{Hold{arguments.text("tag")}};
}

Built build_reorder(const Arguments& arguments) {
  Shuffle shuffle;
  shuffle.window = static_cast<std::uint32_t>(arguments.number("window", 2));
  shuffle.for_at_most = arguments.value<Time>("for", std::chrono::milliseconds(100));
  return Action{shuffle};
}

// clang-format off
constexpr FaultRow kTimeRows[] = {
  {.id = "time.service", .site = Site::cmd_complete, .parameters = kService, .build = build_service,
   .summary = "The command takes a time drawn from a distribution.",
   .wire = "Status (and Data-In) come no earlier than the time asked after the command and its Data-Out arrived; R2Ts are not delayed.",
   .host = "Latency. Windows: disk class timeout (10 s for classpnp unless TimeoutValue says else) then LUN reset; Linux: 30 s, then abort, LUN reset.",
   .example = R"j({"id":"slow-tail","match":{"op":"write"},"gate":{"p":0.01},"effect":{"time.service":{"dist":"lognormal","median_us":900,"sigma":0.6,"at_least":true,"lanes":8}}})j"},
  {.id = "time.data", .site = Site::cmd_datain, .parameters = kData, .build = build_data,
   .summary = "A gap between the Data-In PDUs of a command, and before each of its R2Ts.",
   .wire = "Data-In PDUs, and R2Ts, come one by one with the gap between them; the status comes by itself.",
   .host = "Long transfers while the connection lives: finds timers that are reset by progress, and those that are not.",
   .example = R"j({"id":"dribble","match":{"op":"read","blocks":{"min":256}},"effect":{"time.data":{"value_ms":20}}})j"},
  {.id = "time.stall", .site = Site::cmd_complete, .parameters = kStall, .build = build_stall,
   .summary = "The whole unit pauses for a while once in each period.",
   .wire = "Commands that arrive in a pause are answered at its end.",
   .host = "Like garbage collection or recalibration of a drive: latency spikes of all commands together.",
   .example = R"j({"id":"gc","match":{"lun":0},"effect":{"time.stall":{"every_ms":20000,"for_ms":1500,"jitter_ms":200}}})j"},
  {.id = "time.iops", .site = Site::cmd_complete, .parameters = kIops, .build = build_iops,
   .summary = "At most so many commands a second, over all sessions.",
   .wire = "Commands beyond the rate are answered when the bucket has a token for them.",
   .host = "Queues grow on the host; with deep queues commands reach their timeout.",
   .example = R"j({"id":"hundred","match":{"op":["read","write"]},"effect":{"time.iops":{"rate":100,"burst":10}}})j"},
  {.id = "time.bandwidth", .site = Site::cmd_complete, .parameters = kBandwidth, .build = build_bandwidth,
   .summary = "At most so many bytes a second, over all sessions.",
   .wire = "Commands beyond the rate are answered when the bucket has the bytes for them.",
   .host = "A limping disk: three orders of magnitude slower and still alive (fail-slow).",
   .example = R"j({"id":"limp","match":{"op":["read","write"]},"effect":{"time.bandwidth":{"rate":"100KiB","burst":"64KiB"}}})j"},
  {.id = "time.cliff", .site = Site::cmd_complete, .parameters = kCliff, .build = build_cliff,
   .summary = "Fast for a budget of bytes, then slow until the unit had a rest.",
   .wire = "Beyond the budget every command takes the extra time.",
   .host = "The write cache of a consumer SSD running full.",
   .example = R"j({"id":"slc","match":{"op":"write"},"effect":{"time.cliff":{"budget":"256MiB","extra_ms":40,"idle_ms":5000}}})j"},
  {.id = "time.hold", .site = Site::cmd_complete, .parameters = kHold, .build = build_hold,
   .summary = "The command waits until it is released, or aborted.",
   .wire = "Nothing, until POST /v1/held/release; task management answers as usual.",
   .host = "Command timeout, ABORT TASK; or, released in time, a very late answer.",
   .example = R"j({"id":"hold","match":{"op":"READ(10)"},"gate":{"nth":5},"effect":{"time.hold":{"tag":"fifth"}}})j"},
  {.id = "time.reorder", .site = Site::cmd_complete, .parameters = kReorder, .build = build_reorder,
   .summary = "Commands are collected and released in a seeded order.",
   .wire = "Answers come in another order than their commands.",
   .host = "Nothing wrong: SIMPLE tasks may complete in any order. Finds code that relies on it.",
   .example = R"j({"id":"mix","match":{"op":"read"},"effect":{"time.reorder":{"window":8,"for_ms":50}}})j"},
};
// clang-format on

}  // namespace

std::span<const FaultRow> time_faults() {
  return kTimeRows;
}

}  // namespace faultlun::faults
