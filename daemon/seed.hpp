// The one place that asks the operating system for entropy.
#pragma once

#include "protocol/bytes/bytes.hpp"

#include <cstdint>

namespace faultlun::daemon {

/// A seed for a run that was not given one; the daemon prints it, so that the run can be repeated.
std::uint64_t entropy_seed();

/// Unpredictable octets, for CHAP challenges (RFC 7143 §9.2.1).  Never fails: the kernel's
/// generator blocks until it is ready.
void entropy(bytes::Span out);

}  // namespace faultlun::daemon
