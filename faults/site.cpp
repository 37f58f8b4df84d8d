#include "faults/site.hpp"

#include <algorithm>
#include <iterator>

namespace faultlun::faults {
namespace {

// clang-format off
constexpr SiteRow kSites[] = {
  {Site::tcp_accept,   "tcp.accept",   Site::tcp_accept,  "a TCP connection arrives at a portal"},
  {Site::tcp_rx,       "tcp.rx",       Site::tcp_rx,      "octets arrive"},
  {Site::tcp_tx,       "tcp.tx",       Site::tcp_tx,      "octets leave"},
  {Site::login_rx,     "login.rx",     Site::login_rx,    "a Login Request is understood, before its answer"},
  {Site::login_tx,     "login.tx",     Site::login_tx,    "a Login Response leaves"},
  {Site::text_tx,      "text.tx",      Site::text_tx,     "a Text Response leaves"},
  {Site::pdu_rx,       "pdu.rx",       Site::pdu_rx,      "a PDU arrives in full-feature phase"},
  {Site::pdu_tx,       "pdu.tx",       Site::pdu_tx,      "a PDU leaves in full-feature phase"},
  {Site::cmd_enqueue,  "cmd.enqueue",  Site::cmd_enqueue, "a SCSI command's turn has come, in CmdSN order"},
  {Site::cmd_exec,     "cmd.exec",     Site::cmd_enqueue, "the logical unit is about to execute the command"},
  {Site::media_read,   "media.read",   Site::cmd_enqueue, "the medium has been read"},
  {Site::media_write,  "media.write",  Site::cmd_enqueue, "the medium is written"},
  {Site::media_flush,  "media.flush",  Site::cmd_enqueue, "the medium's cache is flushed"},
  {Site::cmd_status,   "cmd.status",   Site::cmd_enqueue, "status and sense of the command are chosen"},
  {Site::cmd_datain,   "cmd.datain",   Site::cmd_enqueue, "Data-In of the command leaves"},
  {Site::cmd_r2t,      "cmd.r2t",      Site::cmd_enqueue, "the command's Data-Out is asked for"},
  {Site::cmd_complete, "cmd.complete", Site::cmd_enqueue, "the command's answer is due"},
  {Site::tmf_rx,       "tmf.rx",       Site::tmf_rx,      "a task management function is about to act"},
  {Site::tmf_done,     "tmf.done",     Site::tmf_rx,      "a task management function is about to be answered"},
  {Site::ua_queue,     "ua.queue",     Site::cmd_enqueue, "a unit attention condition is established"},
  {Site::lu_state,     "lu.state",     Site::cmd_enqueue, "the state of a logical unit changes"},
  {Site::nexus_state,  "nexus.state",  Site::nexus_state, "an I_T nexus comes or goes"},
  {Site::path_state,   "path.state",   Site::path_state,  "the state of a path changes"},
};
// clang-format on

constexpr bool table_is_sound() {
  for (std::size_t i = 0; i < std::size(kSites); ++i)
    if (kSites[i].site != static_cast<Site>(i)) return false;
  return std::size(kSites) == static_cast<std::size_t>(Site::path_state) + 1;
}
static_assert(table_is_sound(), "one row for each site, in order");

}  // namespace

std::span<const SiteRow> site_table() {
  return kSites;
}

std::string_view name_of(Site site) {
  return kSites[static_cast<std::size_t>(site)].name;
}

std::optional<Site> find_site(std::string_view name) {
  const auto* row = std::ranges::find(kSites, name, &SiteRow::name);
  return row == std::end(kSites) ? std::nullopt : std::optional<Site>(row->site);
}

}  // namespace faultlun::faults
