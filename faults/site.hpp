// Injection points: where on the way of a connection, a login, a PDU, a command or a task
// management function a fault strikes, in the order in which they are passed.
//
// What is decided and what strikes are two moments.  Everything about a command is decided at
// `cmd.enqueue`, in CmdSN order, before the logical unit hears of it; the effect then strikes at
// its own point (`time.service` at cmd.complete, `data.flip` at media.read).  A task management
// function is decided at `tmf.rx`, a login at `login.rx`, a connection at `tcp.accept`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace faultlun::faults {

enum class Site : std::uint8_t {
  tcp_accept,
  tcp_rx,
  tcp_tx,
  login_rx,
  login_tx,
  text_tx,
  pdu_rx,
  pdu_tx,
  cmd_enqueue,
  cmd_exec,
  media_read,
  media_write,
  media_flush,
  cmd_status,
  cmd_datain,
  cmd_r2t,
  cmd_complete,
  tmf_rx,
  tmf_done,
  ua_queue,
  lu_state,
  nexus_state,
  path_state,
};

struct SiteRow {
  Site site;
  std::string_view name;  ///< "cmd.enqueue"
  Site decided_at;        ///< where a rule that strikes here is decided
  std::string_view meaning;
};
std::span<const SiteRow> site_table();
std::string_view name_of(Site site);
std::optional<Site> find_site(std::string_view name);

}  // namespace faultlun::faults
