#include "faults/table/time_build.hpp"

#include <algorithm>
#include <string>

namespace faultlun::faults {
namespace {

/// Which parameters a shape has, and which of them it needs.
struct ShapeRow {
  std::string_view required[3], optional[2];
};
constexpr ShapeRow kShapes[] = {
    {{"value"}, {}},                 // const
    {{"max"}, {"min"}},              // uniform
    {{"mean", "sd"}, {"min"}},       // normal
    {{"median", "sigma"}, {}},       // lognormal
    {{"mean"}, {"min"}},             // exponential
    {{"scale"}, {"shape", "cap"}},   // pareto
    {{"p_slow", "slow"}, {"fast"}},  // bimodal
    {{"points"}, {}},                // empirical
    {{"trace"}, {"loop"}},           // trace
};
static_assert(std::size(kShapes) == kShapeNames.size());

constexpr std::string_view kOfShapes[] = {"value", "min",    "max",   "mean", "sd",     "median",
                                          "sigma", "scale",  "shape", "cap",  "p_slow", "fast",
                                          "slow",  "points", "trace", "loop"};

std::optional<Complaint> check_shape(const Arguments& arguments, std::size_t chosen) {
  const ShapeRow& row = kShapes[chosen];
  const auto is_of = [&](std::string_view name) {
    return std::ranges::find(row.required, name) != std::end(row.required) ||
           std::ranges::find(row.optional, name) != std::end(row.optional);
  };
  for (const auto name : row.required)
    if (!name.empty() && !arguments.has(name))
      return Complaint{std::string(name), "missing; the distribution \"" +
                                              std::string(kShapeNames[chosen]) + "\" needs it"};
  for (const auto name : kOfShapes)
    if (arguments.has(name) && !is_of(name))
      return Complaint{std::string(name), "is not for the distribution \"" +
                                              std::string(kShapeNames[chosen]) +
                                              "\"; leave it out or choose another `dist`"};
  return std::nullopt;
}

std::uint32_t scaled_to(const Ratio& ratio, std::uint64_t unit) {
  const auto scaled = static_cast<unsigned __int128>(ratio.numerator) * unit / ratio.denominator;
  return static_cast<std::uint32_t>(std::min<unsigned __int128>(scaled, UINT32_MAX));
}

Shape shape_of(const Arguments& arguments, std::size_t chosen) {
  const auto time = [&](std::string_view name) { return arguments.value<Time>(name); };
  switch (chosen) {
    case 1:
      return Uniform{time("min"), time("max")};
    case 2:
      return Normal{time("mean"), time("sd"), time("min")};
    case 3:
      return Lognormal{time("median"), arguments.value<Ratio>("sigma")};
    case 4:
      return Exponential{time("min"), time("mean")};
    case 5:
      return Pareto{time("scale"), arguments.value<Ratio>("shape", {1, 1}),
                    arguments.value<Time>("cap", kMaxDelay)};
    case 6:
      return Bimodal{arguments.value<Ratio>("p_slow"), time("fast"), time("slow")};
    case 7: {
      Empirical empirical;
      for (const auto& point : arguments.value<std::vector<Arguments>>("points"))
        empirical.points.push_back(
            {scaled_to(point.value<Ratio>("percent"), kBillion / 100), point.value<Time>("value")});
      return empirical;
    }
    case 8:
      return Trace{arguments.value<std::vector<Time>>("trace"), arguments.flag("loop", true)};
    default:
      return Constant{time("value")};
  }
}

/// The object given for a parameter, if any.
std::optional<Arguments> object(const Arguments& arguments, std::string_view name) {
  const auto given = arguments.value<std::vector<Arguments>>(name);
  return given.empty() ? std::nullopt : std::optional(given.front());
}

template <typename Part>
std::optional<Complaint> checked(const Part& part, std::string_view name) {
  auto complaints = check(part);
  if (complaints.empty()) return std::nullopt;
  auto& complaint = complaints.front();
  complaint.field = std::string(name) + "." + complaint.field;
  return std::move(complaint);
}

}  // namespace

std::optional<Complaint> first(
    Complaints complaints,
    std::initializer_list<std::pair<std::string_view, std::string_view>> names) {
  if (complaints.empty()) return std::nullopt;
  auto complaint = std::move(complaints.front());
  for (const auto& [inner, outer] : names)
    if (complaint.field == inner) complaint.field = outer;
  return complaint;
}

std::optional<Complaint> read_distribution(const Arguments& arguments, Distribution& distribution) {
  const auto chosen = arguments.choice("dist");
  if (auto complaint = check_shape(arguments, chosen)) return complaint;
  distribution.shape = shape_of(arguments, chosen);
  distribution.correlation = arguments.value<Ratio>("correlation");
  distribution.quantize = arguments.value<Time>("quantize");
  return first(check(distribution));
}

std::optional<Complaint> read_service_time(const Arguments& arguments, ServiceTime& time) {
  if (auto complaint = read_distribution(arguments, time.distribution)) return complaint;
  if (const auto per_kib = arguments.maybe<Time>("per_kib")) {
    time.per_kib = SizeTerm{*per_kib};
    if (auto complaint = checked(*time.per_kib, "per_kib")) return complaint;
  }
  if (const auto lanes = arguments.maybe<std::uint64_t>("lanes"))
    time.lanes = Lanes{static_cast<std::uint32_t>(*lanes)};
  if (const auto seek = object(arguments, "seek")) {
    time.seek = Seek{seek->value<Time>("per_gib"), seek->value<Time>("max", kMaxDelay)};
    if (auto complaint = checked(*time.seek, "seek")) return complaint;
  }
  if (const auto ramp = object(arguments, "ramp")) {
    const auto shape = ramp->choice("shape") == 0 ? Ramp::Shape::linear : Ramp::Shape::exponential;
    time.ramp =
        Ramp{scaled_to(ramp->value<Ratio>("from", {1, 1}), kPermille),
             scaled_to(ramp->value<Ratio>("to"), kPermille), ramp->value<Time>("over"), shape};
    if (auto complaint = checked(*time.ramp, "ramp")) return complaint;
  }
  if (const auto wave = object(arguments, "wave")) {
    time.wave =
        Wave{wave->value<Time>("period"), scaled_to(wave->value<Ratio>("duty", {1, 2}), kPermille)};
    if (auto complaint = checked(*time.wave, "wave")) return complaint;
  }
  if (const auto burst = object(arguments, "burst")) {
    time.burst = Burst{burst->value<Ratio>("p"), burst->value<Ratio>("r"),
                       burst->value<Ratio>("h", {0, 1}), burst->value<Ratio>("k", {1, 1})};
    if (auto complaint = checked(*time.burst, "burst")) return complaint;
  }
  if (const auto idle = arguments.maybe<Time>("until_idle")) {
    time.until_idle = UntilIdle{*idle};
    if (auto complaint = checked(*time.until_idle, "until_idle")) return complaint;
  }
  return std::nullopt;
}

}  // namespace faultlun::faults
