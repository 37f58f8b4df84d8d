// Rules by LBA: a sweep over the ends of all ranges makes disjoint stretches.
#include "faults/rule_set.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <set>

namespace faultlun::faults {
namespace {

/// References from stretches to rules, as a multiple of the number of ranges.  Deeply nested ranges
/// would make n² of them; the widest are then looked at always.
constexpr std::size_t kMaxReferencesPerRange = 16;
constexpr std::size_t kFreeReferences = 4096;
/// Of the coarse map, which answers most commands that no range touches: bits for each range, and
/// in all.
constexpr std::size_t kCoarseBitsPerRange = 16, kLeastCoarseBits = 4096, kMostCoarseBits = 1 << 20;

}  // namespace

std::vector<LbaIndex::Range> LbaIndex::build(std::vector<Range> ranges) {
  std::vector<Range> left_out;
  std::ranges::sort(ranges, {}, [](const Range& each) { return each.last - each.first; });
  while (!ranges.empty()) {
    std::map<std::uint64_t, std::vector<std::pair<std::uint32_t, bool>>> ends;
    for (const auto& range : ranges) {
      ends[range.first].emplace_back(range.rule, true);
      if (range.last != UINT64_MAX) ends[range.last + 1].emplace_back(range.rule, false);
    }
    starts_.clear(), first_rule_.clear(), rules_.clear();
    std::multiset<std::uint32_t> open;
    const std::size_t most = kFreeReferences + kMaxReferencesPerRange * ranges.size();
    bool fits = true;
    for (const auto& [at, changes] : ends) {
      for (const auto& [rule, begins] : changes) {
        if (begins)
          open.insert(rule);
        else
          open.erase(open.find(rule));
      }
      starts_.push_back(at);
      first_rule_.push_back(static_cast<std::uint32_t>(rules_.size()));
      rules_.insert(rules_.end(), open.begin(), open.end());
      fits = rules_.size() <= most;
      if (!fits) break;
    }
    if (fits) break;
    const auto half = ranges.begin() + static_cast<std::ptrdiff_t>(ranges.size() / 2);
    left_out.insert(left_out.end(), half, ranges.end());
    ranges.erase(half, ranges.end());
  }
  first_rule_.push_back(static_cast<std::uint32_t>(rules_.size()));
  if (ranges.empty()) {
    starts_.clear();
    return left_out;
  }
  lowest_ = std::ranges::min(ranges, {}, &Range::first).first;
  highest_ = std::ranges::max(ranges, {}, &Range::last).last;
  const int bits = static_cast<int>(std::bit_width(highest_ - lowest_));
  const auto coarse_bits = std::bit_ceil(
      std::clamp(ranges.size() * kCoarseBitsPerRange, kLeastCoarseBits, kMostCoarseBits));
  coarse_.assign(coarse_bits / 64, 0);
  const int kept = static_cast<int>(std::bit_width(coarse_bits)) - 1;
  coarse_shift_ = static_cast<unsigned>(std::max(0, bits - kept));
  for (std::size_t i = 0; i < starts_.size(); ++i) {
    if (first_rule_[i] == first_rule_[i + 1]) continue;
    const auto end = i + 1 < starts_.size() ? starts_[i + 1] - 1 : highest_;
    const auto last = (end - lowest_) >> coarse_shift_;
    for (auto at = (starts_[i] - lowest_) >> coarse_shift_; at <= last; ++at)
      coarse_[at / 64] |= std::uint64_t{1} << (at % 64);
  }
  return left_out;
}

bool LbaIndex::coarse_miss(std::uint64_t first, std::uint64_t last) const {
  if (last < lowest_ || first > highest_) return true;
  const auto from = (std::max(first, lowest_) - lowest_) >> coarse_shift_;
  const auto to = (std::min(last, highest_) - lowest_) >> coarse_shift_;
  return from == to && (coarse_[from / 64] >> (from % 64) & 1) == 0;
}

void LbaIndex::collect(std::uint64_t first, std::uint64_t last,
                       std::vector<std::uint32_t>& rules) const {
  if (starts_.empty() || coarse_miss(first, last)) return;
  auto at = std::ranges::upper_bound(starts_, first) - starts_.begin();
  if (at != 0) --at;
  for (auto i = static_cast<std::size_t>(at); i < starts_.size() && starts_[i] <= last; ++i)
    rules.insert(rules.end(), rules_.begin() + first_rule_[i], rules_.begin() + first_rule_[i + 1]);
}

}  // namespace faultlun::faults
