// Who a logical unit is, when the configuration does not say: a serial number and an NAA identifier
// that follow from the target's name and the LUN alone, so that they are the same after every
// restart and on every machine.
//
//   h  = FNV-1a (64 bits) over: name, 00h, LUN (two octets, big-endian), 00h, then the finalizer of
//   SplitMix64 h2 = the same over: name, 00h, LUN, 01h serial = h as 16 hexadecimal digits NAA    =
//   6h, company id 02FA17h (24 bits), upper 36 bits of h2, h (64 bits)          SPC-4 §7.8.6.6.5
//
// 02FA17h has the "locally administered" bit set: it belongs to no manufacturer.
#pragma once

#include "config/model.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace faultlun::config {

struct Identity {
  std::string serial;  ///< 16 hexadecimal digits
  std::string naa;     ///< 32 hexadecimal digits, the first is 6
};

Identity identity_of(std::string_view target, std::uint16_t lun);

/// Gives every unit without a serial number or NAA identifier the derived one, and every target
/// without portal groups all there are.
void fill_derived(Config& config);

/// 32 hexadecimal digits as scsi::LogicalUnitProfile::naa wants them: big-endian words.
std::array<std::uint64_t, 2> naa_words(std::string_view digits);

}  // namespace faultlun::config
