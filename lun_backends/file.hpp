// A raw image or a block device.  Missing images are made sparse at their size; an image that
// another program, or another LUN, has open for writing is refused.
//
// Reads and writes go through the page cache; a short read of what it holds is done at once.  FUA
// writes (RWF_DSYNC) and flushes (fdatasync) end only when the content is on the medium.  Discards
// punch holes, or write zeros where the file system cannot; either way the range reads as zeros.
// Operations that overlap take effect in the order in which they were started.
#pragma once

#include "lun_backends/block_device.hpp"
#include "lun_backends/file_engine.hpp"
#include "lun_backends/spec.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace faultlun::lun_backends {

enum class FileEngineChoice : std::uint8_t {
  automatic,  ///< io_uring where the kernel allows it, threads otherwise
  io_uring,
  threads,
};

/// Names the engine, "io_uring" or "threads", for tests and for kernels whose io_uring is not to be
/// trusted.
inline constexpr const char* kFileEngineVariable = "FAULTLUN_FILE_ENGINE";

class FileDevice final : public BlockDevice {
 public:
  /// Opens, makes and locks the file.  Throws OpenError.
  explicit FileDevice(const BackendSpec& spec,
                      FileEngineChoice choice = FileEngineChoice::automatic);
  /// Waits for the operations outstanding.
  ~FileDevice() override;
  FileDevice(const FileDevice&) = delete;
  FileDevice& operator=(const FileDevice&) = delete;

  std::uint64_t size_bytes() const override { return size_bytes_; }
  Progress start(Operation& operation) override;
  std::string description() const override;

 private:
  /// Closes the file after the engine has stopped using it.
  struct Descriptor {
    int value = -1;
    ~Descriptor();
  };

  Descriptor file_;
  std::uint64_t size_bytes_ = 0;
  bool read_only_ = false;
  std::unique_ptr<FileEngine> engine_;
};

/// What would keep a FileDevice from opening, as far as looking tells: an error text, or "".
std::string check_file(const BackendSpec& spec);

}  // namespace faultlun::lun_backends
