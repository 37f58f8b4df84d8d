// SipHash-2-4 with 64-bit result.  Aumasson, Bernstein: "SipHash: a fast short-input PRF" (2012).
// Not for secrecy here: it is the one source of chance, the same on every machine.
#pragma once

#include <cstdint>
#include <string_view>

namespace faultlun::faults {

/// A hash under way.  A value: keep one that has seen a prefix, copy it, go on from there.
class SipHash {
 public:
  SipHash(std::uint64_t k0, std::uint64_t k1);

  void update(std::string_view bytes);

  /// The hash of everything so far; the object may go on afterwards.
  std::uint64_t finish() const;

  friend bool operator==(const SipHash&, const SipHash&) = default;

 private:
  void take(std::uint64_t word);
  void round();

  std::uint64_t v0_, v1_, v2_, v3_;
  std::uint64_t tail_ = 0;    // the bytes of an unfinished word, the first lowest
  std::uint64_t length_ = 0;  // bytes so far
};

std::uint64_t siphash_2_4(std::uint64_t k0, std::uint64_t k1, std::string_view bytes);

}  // namespace faultlun::faults
