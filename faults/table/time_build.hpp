// How arguments become distributions and service times: inside the time.* family.
#pragma once

#include "faults/fault_table.hpp"

#include <initializer_list>
#include <optional>
#include <utility>

namespace faultlun::faults {

inline constexpr std::string_view kRampShapes[] = {"linear", "exponential"};
// clang-format off
inline constexpr Parameter kPointMembers[] = {
  {.name = "percent", .kind = Kind::decimal, .required = true, .meaning = "so many percent of all delays …"},
  {.name = "value", .kind = Kind::duration, .required = true, .meaning = "… are no longer than this"},
};
inline constexpr Parameter kSeekMembers[] = {
  {.name = "per_gib", .kind = Kind::duration, .required = true, .meaning = "for each GiB between the two accesses"},
  {.name = "max", .kind = Kind::duration, .fallback = "(no limit)", .meaning = "the longest way takes this long"},
};
inline constexpr Parameter kRampMembers[] = {
  {.name = "from", .kind = Kind::decimal, .fallback = "1", .meaning = "factor when the rule is armed"},
  {.name = "to", .kind = Kind::decimal, .required = true, .meaning = "factor at the end"},
  {.name = "over", .kind = Kind::duration, .required = true, .meaning = "how long it takes to get there"},
  {.name = "shape", .kind = Kind::choice, .fallback = "\"linear\"", .choices = kRampShapes, .meaning = "the way between"},
};
inline constexpr Parameter kWaveMembers[] = {
  {.name = "period", .kind = Kind::duration, .required = true, .meaning = "length of one wave"},
  {.name = "duty", .kind = Kind::decimal, .fallback = "0.5", .meaning = "the part of it that is slow, 0 to 1"},
};
inline constexpr Parameter kBurstMembers[] = {
  {.name = "p", .kind = Kind::decimal, .required = true, .meaning = "probability to go from good to bad"},
  {.name = "r", .kind = Kind::decimal, .required = true, .meaning = "probability to go from bad to good"},
  {.name = "h", .kind = Kind::decimal, .fallback = "0", .meaning = "probability that a match in the bad state is spared"},
  {.name = "k", .kind = Kind::decimal, .fallback = "1", .meaning = "probability that a match in the good state is spared"},
};

// The distribution object of the fault model, spread into the fault's own parameters.
#define FAULTLUN_DISTRIBUTION_PARAMETERS                                                                                          \
  {.name = "dist", .kind = Kind::choice, .fallback = "\"const\"", .choices = kShapeNames, .meaning = "the distribution"},          \
  {.name = "value", .kind = Kind::duration, .fallback = "(none)", .meaning = "const: the time"},                                   \
  {.name = "min", .kind = Kind::duration, .fallback = "\"0s\"", .meaning = "uniform, normal, exponential: never less"},            \
  {.name = "max", .kind = Kind::duration, .fallback = "(none)", .meaning = "uniform: never more"},                                 \
  {.name = "mean", .kind = Kind::duration, .fallback = "(none)", .meaning = "normal, exponential: the mean"},                      \
  {.name = "sd", .kind = Kind::duration, .fallback = "(none)", .meaning = "normal: standard deviation"},                           \
  {.name = "median", .kind = Kind::duration, .fallback = "(none)", .meaning = "lognormal: the median"},                            \
  {.name = "sigma", .kind = Kind::decimal, .fallback = "(none)", .meaning = "lognormal: sigma, 0 to 8"},                           \
  {.name = "scale", .kind = Kind::duration, .fallback = "(none)", .meaning = "pareto: never less"},                                \
  {.name = "shape", .kind = Kind::decimal, .fallback = "1", .meaning = "pareto: the smaller, the longer the tail"},                \
  {.name = "cap", .kind = Kind::duration, .fallback = "(10000 hours)", .meaning = "pareto: never more"},                           \
  {.name = "p_slow", .kind = Kind::decimal, .fallback = "(none)", .meaning = "bimodal: probability of `slow`"},                    \
  {.name = "fast", .kind = Kind::duration, .fallback = "\"0s\"", .meaning = "bimodal: the usual time"},                            \
  {.name = "slow", .kind = Kind::duration, .fallback = "(none)", .meaning = "bimodal: the other time"},                            \
  {.name = "points", .kind = Kind::objects, .fallback = "(none)", .most = kMaxPercentiles, .members = kPointMembers,               \
   .meaning = "empirical: a table of percentiles, rising"},                                                                        \
  {.name = "trace", .kind = Kind::durations, .fallback = "(none)", .most = kMaxTraceValues, .meaning = "trace: one time after the other"}, \
  {.name = "loop", .kind = Kind::flag, .fallback = "true", .meaning = "trace: begins again after the last"},                       \
  {.name = "correlation", .kind = Kind::decimal, .fallback = "0", .meaning = "of each time with the one before, 0 to below 1"},    \
  {.name = "quantize", .kind = Kind::duration, .fallback = "\"0s\"", .meaning = "times are multiples of this"}
// clang-format on

/// The first complaint, with the names of fields as the rule has them.
std::optional<Complaint> first(
    Complaints complaints,
    std::initializer_list<std::pair<std::string_view, std::string_view>> names = {});

/// Nothing when all is well; else what is wrong.
std::optional<Complaint> read_distribution(const Arguments& arguments, Distribution& distribution);
std::optional<Complaint> read_service_time(const Arguments& arguments, ServiceTime& time);

}  // namespace faultlun::faults
