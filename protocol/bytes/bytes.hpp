// Names for runs of octets, and loads and stores of big-endian numbers in them.
#pragma once

#include <boost/endian/conversion.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace faultlun::bytes {

using View = std::span<const std::uint8_t>;  ///< octets we only look at
using Span = std::span<std::uint8_t>;        ///< octets we may change
using Buffer = std::vector<std::uint8_t>;    ///< octets we own

/// A struct that may lie on the wire: no padding surprises, no invariants, alignment 1.
template <typename T>
concept WireStruct = std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> &&
                     alignof(T) == 1;

/// Copies a T out of exactly sizeof(T) octets.
template <WireStruct T>
T load(std::span<const std::uint8_t, sizeof(T)> from) {
  T value;
  std::memcpy(&value, from.data(), sizeof(T));
  return value;
}

/// Copies a T into exactly sizeof(T) octets.
template <WireStruct T>
void store(std::span<std::uint8_t, sizeof(T)> to, const T& value) {
  std::memcpy(to.data(), &value, sizeof(T));
}

inline std::uint16_t be16(const std::uint8_t* p) {
  return boost::endian::load_big_u16(p);
}
inline std::uint32_t be24(const std::uint8_t* p) {
  return boost::endian::load_big_u24(p);
}
inline std::uint32_t be32(const std::uint8_t* p) {
  return boost::endian::load_big_u32(p);
}
inline std::uint64_t be48(const std::uint8_t* p) {
  return boost::endian::load_big_u48(p);
}
inline std::uint64_t be64(const std::uint8_t* p) {
  return boost::endian::load_big_u64(p);
}
inline void put_be16(std::uint8_t* p, std::uint16_t v) {
  boost::endian::store_big_u16(p, v);
}
inline void put_be24(std::uint8_t* p, std::uint32_t v) {
  boost::endian::store_big_u24(p, v);
}
inline void put_be32(std::uint8_t* p, std::uint32_t v) {
  boost::endian::store_big_u32(p, v);
}
inline void put_be64(std::uint8_t* p, std::uint64_t v) {
  boost::endian::store_big_u64(p, v);
}

/// The octets of a text, and a text over octets.  The one place that casts between the two.
inline View of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text(View octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

/// `length` rounded up to the next multiple of four (iSCSI segments are padded, RFC 7143 §11.1).
constexpr std::size_t padded4(std::size_t length) {
  return (length + 3) & ~std::size_t{3};
}

}  // namespace faultlun::bytes
