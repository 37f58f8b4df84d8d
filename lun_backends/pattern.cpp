#include "lun_backends/pattern.hpp"

#include "lun_backends/operation.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <endian.h>

namespace faultlun::lun_backends {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::size_t kComparePiece = 4096;  // bytes made on the stack at a time to compare with

std::uint8_t* store_word(std::uint64_t lba, std::uint64_t index, std::uint8_t* at) {
  const std::uint64_t word = htobe64(pattern_word(lba, index));
  std::memcpy(at, &word, kWord);
  return at + kWord;
}

/// From any byte of a block to at most its end; returns how many bytes that made.
std::size_t fill_block(std::uint64_t lba, std::size_t begin, std::size_t block_size,
                       std::span<std::uint8_t> into) {
  const std::size_t length = std::min(into.size(), block_size - begin);
  std::uint8_t* at = into.data();
  std::uint8_t* const end = at + length;
  std::uint64_t index = begin / kWord;
  if (const std::size_t skip = begin % kWord; skip != 0 && length != 0) {
    std::array<std::uint8_t, kWord> word;
    store_word(lba, index++, word.data());
    const std::size_t head = std::min(kWord - skip, length);
    std::memcpy(at, word.data() + skip, head);
    at += head;
  }
  while (static_cast<std::size_t>(end - at) >= kWord)
    at = store_word(lba, index++, at);
  if (at != end) {
    std::array<std::uint8_t, kWord> word;
    store_word(lba, index, word.data());
    std::memcpy(at, word.data(), static_cast<std::size_t>(end - at));
  }
  return length;
}

void fill_from(std::uint64_t offset_bytes, std::uint32_t block_size, std::span<std::uint8_t> into) {
  std::uint64_t lba = offset_bytes / block_size;
  std::size_t begin = offset_bytes % block_size;
  while (!into.empty()) {
    into = into.subspan(fill_block(lba++, begin, block_size, into));
    begin = 0;
  }
}

}  // namespace

void fill_pattern(std::uint64_t lba, std::uint32_t block_size, std::span<std::uint8_t> into) {
  while (!into.empty())
    into = into.subspan(fill_block(lba++, 0, block_size, into));
}

PatternDevice::PatternDevice(std::uint64_t size_bytes, std::uint32_t block_size,
                             BackendSpec::Writes writes)
    : size_bytes_(size_bytes), block_size_(block_size), writes_(writes) {
  assert(block_size != 0);
  assert(block_size % kWord == 0);
}

Progress PatternDevice::start(Operation& operation) {
  if (!fits(operation, size_bytes_))
    return finish_badly(operation, boost::system::errc::invalid_argument, size_bytes_);
  if (operation.kind == Operation::Kind::read)
    fill_from(operation.offset_bytes, block_size_, operation.into);
  if (operation.kind == Operation::Kind::write && writes_ == BackendSpec::Writes::check)
    return check_write(operation);
  return finish_well(operation);
}

Progress PatternDevice::check_write(Operation& operation) const {
  std::array<std::uint8_t, kComparePiece> expected;
  std::uint64_t offset_bytes = operation.offset_bytes;
  for (auto rest = operation.from; !rest.empty();) {
    const auto piece = rest.first(std::min(rest.size(), kComparePiece));
    fill_from(offset_bytes, block_size_, std::span(expected).first(piece.size()));
    const auto [wrong, right] = std::mismatch(piece.begin(), piece.end(), expected.begin());
    if (wrong != piece.end())
      return finish_badly(operation, boost::system::errc::illegal_byte_sequence,
                          offset_bytes + static_cast<std::uint64_t>(wrong - piece.begin()));
    offset_bytes += piece.size();
    rest = rest.subspan(piece.size());
  }
  return finish_well(operation);
}

std::string PatternDevice::description() const {
  return writes_ == BackendSpec::Writes::check ? "pattern (writes checked)"
                                               : "pattern (writes dropped)";
}

}  // namespace faultlun::lun_backends
