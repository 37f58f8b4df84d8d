// Octets for the tests' own initiator: big-endian numbers, CRC32C, hex, time.  Shares nothing with
// the target, so that a mistake there is not repeated here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace faultlun::support {

using Octets = std::vector<std::uint8_t>;

std::uint16_t get16(const std::uint8_t* p);
std::uint32_t get24(const std::uint8_t* p);
std::uint32_t get32(const std::uint8_t* p);
std::uint64_t get64(const std::uint8_t* p);
void put16(std::uint8_t* p, std::uint16_t v);
void put24(std::uint8_t* p, std::uint32_t v);
void put32(std::uint8_t* p, std::uint32_t v);
void put64(std::uint8_t* p, std::uint64_t v);

/// CRC32C (Castagnoli, reflected) as iSCSI uses it, RFC 7143 Appendix A.4; `data` may be continued
/// through `crc`.
std::uint32_t crc32c(const std::uint8_t* data, std::size_t length, std::uint32_t crc = 0);

Octets octets_of(std::string_view text);
std::string text_of(const Octets& octets);
std::string hex(const std::uint8_t* data, std::size_t length);
Octets from_hex(std::string_view digits);

/// `length` octets that depend on the seed alone; different seeds differ within the first few
/// octets.
Octets noise(std::size_t length, std::uint64_t seed);
/// A small generator for seeded tests (splitmix64): the same everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(next() % limit); }

 private:
  std::uint64_t state_;
};

/// Milliseconds of a clock that only goes forward.
std::int64_t now_ms();
void pause_ms(int milliseconds);

}  // namespace faultlun::support
