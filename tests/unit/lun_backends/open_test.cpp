#include "lun_backends/open.hpp"

#include "device_bench.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace open_test {

using namespace faultlun::lun_backends;
using namespace faultlun::lun_backends::bench;
using Kind = BackendSpec::Kind;

namespace {

BackendSpec spec_of(Kind kind, std::uint64_t size_bytes) {
  BackendSpec spec;
  spec.kind = kind;
  spec.size_bytes = size_bytes;
  return spec;
}

std::string open_error(const BackendSpec& spec) {
  try {
    open(spec);
    return {};
  } catch (const OpenError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("each kind opens as itself, at its size") {
  const TemporaryFolder folder;
  BackendSpec file = spec_of(Kind::file, 8192);
  file.path = folder.file("disk.img");
  CHECK(open(spec_of(Kind::memory, 8192))->description() == "memory");
  CHECK(open(spec_of(Kind::null, 8192))->description() == "null");
  CHECK(open(spec_of(Kind::pattern, 8192))->description() == "pattern (writes dropped)");
  CHECK(open(file)->description().starts_with("file ("));
  CHECK(open(spec_of(Kind::memory, 8192))->size_bytes() == 8192);
  CHECK(open(file)->size_bytes() == 8192);
}

TEST_CASE("a pattern is opened with its block size and its way with writes") {
  BackendSpec spec = spec_of(Kind::pattern, 1u << 20);
  spec.block_size = 4096;
  spec.writes = BackendSpec::Writes::check;
  const auto device = open(spec);
  Bytes block(4096);
  fill_pattern(3, 4096, block);
  CHECK(read(*device, 3 * 4096, 4096) == block);
  CHECK_FALSE(write(*device, 3 * 4096, block));
  CHECK(write(*device, 4 * 4096, block) == errc::illegal_byte_sequence);
}

TEST_CASE("memory, pattern and null open at 8 EiB") {
  for (const Kind kind : {Kind::memory, Kind::pattern, Kind::null}) {
    const auto device = open(spec_of(kind, std::uint64_t{1} << 63));
    CHECK(device->size_bytes() == std::uint64_t{1} << 63);
    CHECK(read(*device, (std::uint64_t{1} << 63) - 512, 512).size() == 512);
  }
}

TEST_CASE("a device without a size is refused, and told how to give one") {
  CHECK(check(spec_of(Kind::memory, 0)) == "memory: no size; give a \"size\" such as \"1GiB\"");
  CHECK(check(spec_of(Kind::pattern, 0)) == "pattern: no size; give a \"size\" such as \"1GiB\"");
  CHECK(open_error(spec_of(Kind::null, 0)) == "null: no size; give a \"size\" such as \"1GiB\"");
}

TEST_CASE("a size that is no whole number of blocks is refused, and told the next that is") {
  CHECK(check(spec_of(Kind::memory, 1000)) ==
        "memory: size 1000 is not a multiple of the block size 512; use 1024");
  BackendSpec spec = spec_of(Kind::file, 4608);
  spec.path = "disk.img";
  spec.block_size = 4096;
  CHECK(open_error(spec) ==
        "disk.img: size 4608 is not a multiple of the block size 4096; use 8192");
}

TEST_CASE("a size beside the largest there is suggests none that does not exist") {
  CHECK(check(spec_of(Kind::memory, ~std::uint64_t{0})) ==
        "memory: size 18446744073709551615 is not a multiple of the block size 512; use "
        "18446744073709551104");
}

TEST_CASE("block sizes that devices cannot keep whole are refused") {
  for (const std::uint32_t size : {0u, 1u, 256u, 520u, 131072u}) {
    BackendSpec spec = spec_of(Kind::memory, 1u << 20);
    spec.block_size = size;
    CHECK(check(spec) == "memory: block size " + std::to_string(size) +
                             " is not a power of two from 512 to 65536; use 512 or 4096");
  }
  BackendSpec spec = spec_of(Kind::memory, 1u << 20);
  spec.block_size = 65536;
  CHECK(check(spec).empty());
}

TEST_CASE("checking a file makes none") {
  const TemporaryFolder folder;
  BackendSpec spec = spec_of(Kind::file, 8192);
  spec.path = folder.file("disk.img");
  CHECK(check(spec).empty());
  CHECK_FALSE(std::filesystem::exists(spec.path));
  CHECK(open_error(spec).empty());
  CHECK(std::filesystem::exists(spec.path));
}

TEST_CASE("what is wrong with a file is said by check and by open alike") {
  BackendSpec spec = spec_of(Kind::file, 0);
  CHECK(check(spec) == "file: no \"path\"; name the image or the block device");
  CHECK(open_error(spec) == check(spec));
}

}  // namespace open_test
