// What the configuration says of a backend.  A plain struct; open.hpp turns it into a device.
#pragma once

#include <cstdint>
#include <string>

namespace faultlun::lun_backends {

struct BackendSpec {
  enum class Kind : std::uint8_t { memory, file, pattern, null };
  enum class Writes : std::uint8_t {
    drop,
    check
  };  ///< pattern: forget writes, or compare them with the pattern

  Kind kind = Kind::memory;
  std::uint64_t size_bytes = 0;    ///< file: 0 means as large as the file is
  std::string path;                ///< file only
  bool read_only = false;          ///< file: opened without write permission
  Writes writes = Writes::drop;    ///< pattern only
  std::uint32_t block_size = 512;  ///< logical block, the unit of the pattern
  friend bool operator==(const BackendSpec&, const BackendSpec&) = default;
};

}  // namespace faultlun::lun_backends
