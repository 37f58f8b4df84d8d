// A checked big-endian cursor.  After one short read every later read fails too and returns zero,
// so a record can be read field by field and asked for ok() once at its end.
#pragma once

#include "protocol/bytes/bytes.hpp"

namespace faultlun::bytes {

class Reader {
 public:
  explicit Reader(View octets) : rest_(octets) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return rest_.size(); }

  std::uint8_t u8() {
    return number<1>([](const std::uint8_t* p) { return *p; });
  }
  std::uint16_t be16() { return number<2>(&bytes::be16); }
  std::uint32_t be24() { return number<3>(&bytes::be24); }
  std::uint32_t be32() { return number<4>(&bytes::be32); }
  std::uint64_t be64() { return number<8>(&bytes::be64); }

  /// The next `count` octets, or none and a sticky failure when fewer are left.
  View take(std::size_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const View taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

 private:
  template <std::size_t Width, typename Load>
  auto number(Load load_number) -> decltype(load_number(nullptr)) {
    const View octets = take(Width);
    return octets.size() == Width ? load_number(octets.data()) : 0;
  }

  View rest_;
  bool ok_ = true;
};

}  // namespace faultlun::bytes
