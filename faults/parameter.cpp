#include "faults/parameter.hpp"

#include <algorithm>
#include <cassert>

namespace faultlun::faults {

std::size_t Arguments::index_of(std::string_view name) const {
  const auto found = std::ranges::find(parameters_, name, &Parameter::name);
  assert(found != parameters_.end() && "no such parameter in the fault table");
  return static_cast<std::size_t>(found - parameters_.begin());
}

std::size_t Arguments::choice(std::string_view name, std::size_t fallback) const {
  const auto index = index_of(name);
  const auto* word = std::get_if<std::string>(&values_[index]);
  if (word == nullptr) return fallback;
  const auto& choices = parameters_[index].choices;
  return static_cast<std::size_t>(std::ranges::find(choices, std::string_view(*word)) -
                                  choices.begin());
}

bool operator==(const Arguments& a, const Arguments& b) {
  return a.parameters_.data() == b.parameters_.data() && a.values_ == b.values_;
}

}  // namespace faultlun::faults
