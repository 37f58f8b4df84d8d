#include "lun_backends/file.hpp"

#include "lun_backends/open.hpp"
#include "lun_backends/operation.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <linux/fs.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace faultlun::lun_backends {
namespace {

constexpr mode_t kNewFileMode = 0600;  // a disk's content is its owner's business
constexpr auto kLargestFile = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());

std::string reason(int error) {
  return std::strerror(error);
}

std::string bytes(std::uint64_t count) {
  return std::to_string(count) + " bytes";
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// What to do about an errno of open().
std::string remedy_for(int error, const BackendSpec& spec) {
  switch (error) {
    case ENOENT:
      return "create the folder \"" + folder_of(spec.path) + "\" or correct \"path\"";
    case ENOTDIR:
      return "correct \"path\": a part of it is a file, not a folder";
    case EACCES:
    case EPERM:
      return spec.read_only ? "give the daemon's user permission to read it"
                            : "give the daemon's user permission to write it, or set \"read_only\"";
    case EROFS:
      return "set \"read_only\", or move the image to a file system that can be written";
    case EBUSY:
      return "unmount it or stop whatever uses it";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    case ENOSPC:
      return "free some space, or put the image elsewhere";
    default:
      return "correct \"path\" or repair what it names";
  }
}

std::string cannot(const char* what, int error, const BackendSpec& spec) {
  return spec.path + ": cannot " + what + ": " + reason(error) + "; " + remedy_for(error, spec);
}

std::string not_a_disk(const BackendSpec& spec) {
  return spec.path + ": is neither a regular file nor a block device; name a raw image or a disk";
}

/// What is wrong with the size of the thing found; "" when it fits the configuration.
std::string check_size(const BackendSpec& spec, std::uint64_t found, bool is_block_device) {
  if (spec.size_bytes != 0 && found != spec.size_bytes) {
    std::string text = spec.path + ": is " + bytes(found) + ", the configuration says " +
                       bytes(spec.size_bytes) + "; ";
    if (is_block_device) return text + "leave out \"size\" to take the device as it is";
    return text + "leave out \"size\" to take the file as it is, or resize it: truncate -s " +
           std::to_string(spec.size_bytes) + " \"" + spec.path + "\"";
  }
  if (found == 0)
    return spec.path + ": is empty; remove it and give a \"size\", or name another file";
  if (found % spec.block_size != 0)
    return spec.path + ": is " + bytes(found) + ", not a multiple of the block size " +
           std::to_string(spec.block_size) + "; resize it: truncate -s " +
           std::to_string(found - found % spec.block_size) + " \"" + spec.path +
           "\" (cuts the end off), or choose another \"block_size\"";
  return {};
}

std::string check_spec(const BackendSpec& spec) {
  if (spec.path.empty()) return "file: no \"path\"; name the image or the block device";
  if (spec.path.find('\0') != std::string::npos)
    return "file: \"path\" contains a zero byte; correct it";
  if (spec.size_bytes > kLargestFile)
    return spec.path + ": a file cannot have " + bytes(spec.size_bytes) + "; " +
           bytes(kLargestFile) + " is the most, or use the memory or pattern backend";
  return {};
}

std::string check_missing(const BackendSpec& spec) {
  if (spec.read_only)
    return spec.path +
           ": does not exist and is to be opened read-only; create it, correct "
           "\"path\", or remove \"read_only\"";
  if (spec.size_bytes == 0)
    return spec.path + ": does not exist; give a \"size\" to create it, or correct \"path\"";
  return {};
}

/// Makes the image, sparse.  Whatever fails leaves no file behind.
int create(const BackendSpec& spec) {
  const int file = ::open(spec.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kNewFileMode);
  if (file < 0) throw OpenError(cannot("create", errno, spec));
  if (ftruncate(file, static_cast<off_t>(spec.size_bytes)) == 0) return file;
  const int error = errno;
  unlink(spec.path.c_str());
  close(file);
  if (error == EFBIG || error == EINVAL)
    throw OpenError(spec.path + ": its file system cannot hold a file of " +
                    bytes(spec.size_bytes) +
                    "; choose a smaller \"size\", another file system, or the memory backend");
  throw OpenError(cannot("create", error, spec));
}

int open_or_create(const BackendSpec& spec) {
  struct stat found {};
  if (stat(spec.path.c_str(), &found) != 0) {
    if (errno != ENOENT) throw OpenError(cannot("open", errno, spec));
    if (const auto text = check_missing(spec); !text.empty()) throw OpenError(text);
    return create(spec);
  }
  if (!S_ISREG(found.st_mode) && !S_ISBLK(found.st_mode)) throw OpenError(not_a_disk(spec));
  int flags = (spec.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC;
  // On a block device O_EXCL means: not while it is mounted or part of something else.
  if (S_ISBLK(found.st_mode) && !spec.read_only) flags |= O_EXCL;
  const int file = ::open(spec.path.c_str(), flags);
  if (file < 0) throw OpenError(cannot("open", errno, spec));
  return file;
}

/// Locks of the open file, not of the process: two LUNs of one daemon exclude each other as two
/// daemons do.
void lock(int file, const BackendSpec& spec) {
  struct flock whole {};
  whole.l_type = spec.read_only ? F_RDLCK : F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (fcntl(file, F_OFD_SETLK, &whole) == 0) return;
  if (errno == EAGAIN || errno == EACCES)
    throw OpenError(
        spec.path + ": is in use by another LUN or another program" +
        (spec.read_only ? " that writes it" : "") +
        "; give each LUN its own image, or stop the other one (an image may be shared when "
        "all open it with \"read_only\")");
  throw OpenError(spec.path + ": cannot lock: " + reason(errno) +
                  "; put the image on a file system that supports locks");
}

std::uint64_t size_of(int file, const struct stat& found, const BackendSpec& spec) {
  if (S_ISREG(found.st_mode)) return static_cast<std::uint64_t>(found.st_size);
  std::uint64_t size = 0;
  if (ioctl(file, BLKGETSIZE64, &size) != 0)
    throw OpenError(spec.path + ": cannot tell its size: " + reason(errno) +
                    "; name a disk or an image");
  return size;
}

FileEngineChoice choice_from_environment() {
  const char* text = std::getenv(kFileEngineVariable);
  if (text == nullptr || *text == '\0') return FileEngineChoice::automatic;
  if (std::string_view(text) == "io_uring") return FileEngineChoice::io_uring;
  if (std::string_view(text) == "threads") return FileEngineChoice::threads;
  throw OpenError(std::string(kFileEngineVariable) + "=" + text +
                  ": no such engine; say \"io_uring\" or \"threads\", or unset it");
}

std::unique_ptr<FileEngine> make_engine(int file, const BackendSpec& spec,
                                        FileEngineChoice choice) {
  if (choice == FileEngineChoice::automatic) choice = choice_from_environment();
  boost::system::error_code why_not;
  if (choice != FileEngineChoice::threads) {
    if (auto engine = make_ring_engine(file, why_not)) return engine;
    if (choice == FileEngineChoice::io_uring)
      throw OpenError(spec.path + ": io_uring is not to be had here: " + why_not.message() +
                      "; allow io_uring_setup, or use the threads engine (" + kFileEngineVariable +
                      "=threads)");
  }
  if (auto engine = make_thread_engine(file, why_not)) return engine;
  throw OpenError(spec.path + ": cannot start a thread: " + why_not.message() +
                  "; raise the limit of processes (ulimit -u, or the container's pids limit)");
}

}  // namespace

FileDevice::Descriptor::~Descriptor() {
  if (value >= 0) close(value);
}

FileDevice::FileDevice(const BackendSpec& spec, FileEngineChoice choice)
    : read_only_(spec.read_only) {
  if (const auto text = check_spec(spec); !text.empty()) throw OpenError(text);
  file_.value = open_or_create(spec);
  lock(file_.value, spec);
  struct stat found {};
  if (fstat(file_.value, &found) != 0) throw OpenError(cannot("look at", errno, spec));
  if (!S_ISREG(found.st_mode) && !S_ISBLK(found.st_mode)) throw OpenError(not_a_disk(spec));
  size_bytes_ = size_of(file_.value, found, spec);
  if (const auto text = check_size(spec, size_bytes_, S_ISBLK(found.st_mode)); !text.empty())
    throw OpenError(text);
  engine_ = make_engine(file_.value, spec, choice);
}

FileDevice::~FileDevice() = default;

Progress FileDevice::start(Operation& operation) {
  if (!fits(operation, size_bytes_))
    return finish_badly(operation, boost::system::errc::invalid_argument, size_bytes_);
  if (read_only_ && changes_content(operation))
    return finish_badly(operation, boost::system::errc::read_only_file_system,
                        operation.offset_bytes);
  const bool flush = operation.kind == Operation::Kind::flush;
  if (flush ? read_only_ : length_of(operation) == 0) return finish_well(operation);
  if (operation.kind == Operation::Kind::read && engine_->read_now(operation))
    return finish_well(operation);
  engine_->start(operation);
  return Progress::pending;
}

std::string FileDevice::description() const {
  return "file (" + std::string(engine_->name()) + (read_only_ ? ", read-only)" : ")");
}

std::string check_file(const BackendSpec& spec) {
  if (auto text = check_spec(spec); !text.empty()) return text;
  struct stat found {};
  if (stat(spec.path.c_str(), &found) != 0) {
    if (errno != ENOENT) return cannot("open", errno, spec);
    if (auto text = check_missing(spec); !text.empty()) return text;
    if (access(folder_of(spec.path).c_str(), W_OK | X_OK) != 0)
      return cannot("create", errno, spec);
    return {};
  }
  if (!S_ISREG(found.st_mode) && !S_ISBLK(found.st_mode)) return not_a_disk(spec);
  if (access(spec.path.c_str(), spec.read_only ? R_OK : R_OK | W_OK) != 0)
    return cannot("open", errno, spec);
  if (S_ISBLK(found.st_mode)) return {};  // only open() can tell its size
  return check_size(spec, static_cast<std::uint64_t>(found.st_size), false);
}

}  // namespace faultlun::lun_backends
