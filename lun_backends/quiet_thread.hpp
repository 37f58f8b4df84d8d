// A thread that no signal interrupts: signals belong to the daemon's own threads.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <system_error>
#include <thread>
#include <utility>

namespace faultlun::lun_backends {

/// `name`: at most 15 characters, seen in top -H.  Throws std::system_error.
template <typename F>
std::thread start_quiet_thread(const char* name, F work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  if (const int error = pthread_sigmask(SIG_SETMASK, &all, &before); error != 0)
    throw std::system_error(error, std::generic_category());
  struct Restore {
    const sigset_t& mask;
    ~Restore() { pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
  } const restore{before};
  std::thread thread(std::move(work));  // inherits the mask
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace faultlun::lun_backends
