#include "lun_backends/open.hpp"

#include "lun_backends/file.hpp"
#include "lun_backends/memory.hpp"
#include "lun_backends/null_device.hpp"
#include "lun_backends/pattern.hpp"

#include <bit>
#include <new>

namespace faultlun::lun_backends {
namespace {

// Blocks must not straddle the memory device's chunks, and patterns are made of 64-bit words.
constexpr std::uint32_t kSmallestBlock = 512;
constexpr std::uint32_t kLargestBlock = kChunkBytes;

const char* name_of(BackendSpec::Kind kind) {
  switch (kind) {
    case BackendSpec::Kind::memory:
      return "memory";
    case BackendSpec::Kind::file:
      return "file";
    case BackendSpec::Kind::pattern:
      return "pattern";
    case BackendSpec::Kind::null:
      return "null";
  }
  return "backend";
}

}  // namespace

std::string check(const BackendSpec& spec) {
  const std::string who =
      spec.kind == BackendSpec::Kind::file && !spec.path.empty() ? spec.path : name_of(spec.kind);
  if (!std::has_single_bit(spec.block_size) || spec.block_size < kSmallestBlock ||
      spec.block_size > kLargestBlock)
    return who + ": block size " + std::to_string(spec.block_size) +
           " is not a power of two from 512 to 65536; use 512 or 4096";
  if (spec.size_bytes == 0 && spec.kind != BackendSpec::Kind::file)
    return who + ": no size; give a \"size\" such as \"1GiB\"";
  if (const std::uint64_t rest = spec.size_bytes % spec.block_size; rest != 0) {
    const std::uint64_t below = spec.size_bytes - rest;
    const std::uint64_t above = below + spec.block_size;  // 0 when there is none
    return who + ": size " + std::to_string(spec.size_bytes) +
           " is not a multiple of the block size " + std::to_string(spec.block_size) + "; use " +
           std::to_string(above != 0 ? above : below);
  }
  return spec.kind == BackendSpec::Kind::file ? check_file(spec) : std::string();
}

std::unique_ptr<BlockDevice> open(const BackendSpec& spec) {
  if (const auto text = check(spec); !text.empty()) throw OpenError(text);
  try {
    switch (spec.kind) {
      case BackendSpec::Kind::memory:
        return std::make_unique<MemoryDevice>(spec.size_bytes);
      case BackendSpec::Kind::file:
        return std::make_unique<FileDevice>(spec);
      case BackendSpec::Kind::pattern:
        return std::make_unique<PatternDevice>(spec.size_bytes, spec.block_size, spec.writes);
      case BackendSpec::Kind::null:
        return std::make_unique<NullDevice>(spec.size_bytes);
    }
  } catch (const std::bad_alloc&) {
    throw OpenError(std::string(name_of(spec.kind)) +
                    ": no memory to open it; configure fewer LUNs or give the daemon more memory");
  }
  throw OpenError("backend: unknown kind; use memory, file, pattern or null");
}

}  // namespace faultlun::lun_backends
