#include "config/lun_range.hpp"

#include "config/model.hpp"
#include "config/units.hpp"

namespace faultlun::config {

namespace {

constexpr std::size_t kMaxRangeBytes = 4096;

std::optional<std::uint16_t> lun_number(std::string_view digits) {
  const auto number = parse_decimal(digits);
  if (!number || *number > kMaxLun) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

}  // namespace

std::optional<LunRange> read_lun_range(const Value& value) {
  if (!value.is_text()) {
    const auto number = value.whole<std::uint16_t>(0, kMaxLun);
    return number ? std::optional<LunRange>({*number, *number}) : std::nullopt;
  }
  const auto text = value.text(1, kMaxRangeBytes);
  if (!text) return std::nullopt;
  const std::size_t dash = text->find('-');
  const auto first = lun_number(std::string_view(*text).substr(0, dash));
  const auto last =
      dash == std::string::npos ? first : lun_number(std::string_view(*text).substr(dash + 1));
  if (!first || !last) {
    value.fail(in_quotes(*text) +
               " is no LUN or range of LUNs; write numbers from 0 to 16383, like 7 or \"2-54\"");
    return std::nullopt;
  }
  if (*first > *last) {
    value.fail(in_quotes(*text) + " runs backwards; write the smaller number first");
    return std::nullopt;
  }
  return LunRange{*first, *last};
}

}  // namespace faultlun::config
