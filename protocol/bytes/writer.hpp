// A growing big-endian builder.  Lengths that are known only later are reserved as slots and
// patched.
#pragma once

#include "protocol/bytes/bytes.hpp"

namespace faultlun::bytes {

class Writer {
 public:
  Writer& u8(std::uint8_t value) {
    out_.push_back(value);
    return *this;
  }
  Writer& be16(std::uint16_t value) {
    put_be16(grow(2), value);
    return *this;
  }
  Writer& be24(std::uint32_t value) {
    put_be24(grow(3), value);
    return *this;
  }
  Writer& be32(std::uint32_t value) {
    put_be32(grow(4), value);
    return *this;
  }
  Writer& be64(std::uint64_t value) {
    put_be64(grow(8), value);
    return *this;
  }
  Writer& zeros(std::size_t count) {
    grow(count);
    return *this;
  }
  Writer& octets(View value) {
    out_.insert(out_.end(), value.begin(), value.end());
    return *this;
  }
  /// `value` in exactly `width` octets: cut when longer, filled with `fill` when shorter.
  Writer& padded_text(std::string_view value, std::size_t width, std::uint8_t fill = ' ') {
    const auto used = value.substr(0, width);
    octets(of(used));
    out_.insert(out_.end(), width - used.size(), fill);
    return *this;
  }

  std::size_t size() const { return out_.size(); }
  /// Overwrites a slot written earlier; `at` is its offset in octets.
  void patch_u8(std::size_t at, std::size_t value) {
    *slot(at, 1) = static_cast<std::uint8_t>(value);
  }
  void patch_be16(std::size_t at, std::size_t value) {
    put_be16(slot(at, 2), static_cast<std::uint16_t>(value));
  }
  void patch_be32(std::size_t at, std::size_t value) {
    put_be32(slot(at, 4), static_cast<std::uint32_t>(value));
  }

  View view() const { return out_; }
  Buffer take() && { return std::move(out_); }

 private:
  /// All `width` octets of a slot must have been written.
  std::uint8_t* slot(std::size_t at, std::size_t width) {
    return &out_.at(at + width - 1) - (width - 1);
  }
  std::uint8_t* grow(std::size_t count) {
    out_.resize(out_.size() + count);
    return out_.data() + out_.size() - count;
  }

  Buffer out_;
};

}  // namespace faultlun::bytes
