// The scsi family of the fault table: status, sense, and the other ways in which a target says no
// (or nothing at all).  Fault model 8.4; what hosts do is from the published sources of Windows'
// class driver and from measurements with Linux 6.1.
#include "faults/table/scsi_build.hpp"
#include "protocol/scsi/sense.hpp"

#include <algorithm>

namespace faultlun::faults {
namespace {

constexpr std::string_view kWhenWords[] = {"before", "after"};
constexpr std::string_view kFormatWords[] = {"auto", "fixed", "descriptor"};
constexpr std::string_view kInformationWords[] = {"none", "lba"};
constexpr std::string_view kFieldWords[] = {"cdb", "data"};
constexpr std::string_view kMissingWords[] = {"absent", "long", "short", "response_code"};
constexpr std::string_view kParityWords[] = {"47/00", "47/01", "47/02", "47/03", "47/05", "4B/00",
                                             "4B/03", "08/02", "08/03", "48/00", "43/00"};
constexpr std::string_view kSelectionWords[] = {"lun_absent",      "report_luns_hides",
                                                "connect_timeout", "login_not_found",
                                                "sense_0B4500",    "silent"};
constexpr std::string_view kHealWords[] = {"never", "on_write", "after_n"};
constexpr std::string_view kFirstBadWords[] = {"first_bad", "none"};
constexpr std::string_view kReportWords[] = {"on_request", "unit_attention", "recovered"};
constexpr std::string_view kCheckWords[] = {"guard", "app", "ref"};
constexpr std::string_view kDetectedWords[] = {"transfer", "medium"};
constexpr std::string_view kModeWords[] = {"check", "pass_through"};

// Parameters that several faults share.
constexpr Parameter kKey{.name = "key",
                         .kind = Kind::sense_key,
                         .fallback = "(the key that the sense table has with asc)",
                         .most = 0x0f,
                         .meaning = "SENSE KEY, by name or number"};
constexpr Parameter kWhen{
    .name = "when",
    .kind = Kind::choice,
    .fallback = R"("before")",
    .choices = kWhenWords,
    .meaning =
        "before: the unit never hears of the command and the medium is not touched; after: "
        "the command is carried out and this answer takes the place of its own"};
constexpr Parameter kPartial{
    .name = "partial",
    .kind = Kind::number,
    .fallback = "(none before, all after)",
    .most = UINT32_MAX,
    .meaning = "blocks that are delivered (reads) or stored (writes) before the answer"};

constexpr Parameter code_parameter(std::string_view fallback, std::string_view meaning) {
  return {.name = "asc", .kind = Kind::sense_code, .fallback = fallback, .meaning = meaning};
}

constexpr Parameter kFieldMembers[] = {
    {.name = "in",
     .kind = Kind::choice,
     .fallback = R"("cdb")",
     .choices = kFieldWords,
     .meaning = "C/D: the CDB, or the parameter list"},
    {.name = "byte",
     .kind = Kind::number,
     .required = true,
     .most = 0xffff,
     .meaning = "octet that is wrong, from 0"},
    {.name = "bit",
     .kind = Kind::number,
     .fallback = "(the whole octet)",
     .most = 7,
     .meaning = "most significant bit of the field that is wrong"},
};
constexpr Parameter kField{.name = "field",
                           .kind = Kind::object,
                           .fallback = "(none)",
                           .members = kFieldMembers,
                           .meaning = "field pointer in SENSE KEY SPECIFIC"};
constexpr Parameter kProgress{.name = "progress",
                              .kind = Kind::number,
                              .fallback = "(none)",
                              .most = 0xffff,
                              .meaning = "progress indication in SENSE KEY SPECIFIC, in 65536ths"};

constexpr Parameter kSenseParameters[] = {
    kKey,
    code_parameter("\"00/00\"", "ASC/ASCQ; key or asc must be given, unless raw is"),
    {.name = "format",
     .kind = Kind::choice,
     .fallback = R"("auto")",
     .choices = kFormatWords,
     .meaning = "auto: as D_SENSE of the Control mode page says"},
    {.name = "deferred",
     .kind = Kind::flag,
     .fallback = "false",
     .meaning = "response code 71h or 73h: an error of an earlier command"},
    {.name = "information",
     .kind = Kind::choice,
     .fallback = R"("none")",
     .choices = kInformationWords,
     .meaning = "lba: INFORMATION is the first block of the command"},
    {.name = "information_value",
     .kind = Kind::number,
     .fallback = "(none)",
     .meaning = "INFORMATION as a number; beyond 32 bits only the descriptor format has it"},
    {.name = "command_specific",
     .kind = Kind::number,
     .fallback = "(none)",
     .meaning = "COMMAND SPECIFIC INFORMATION"},
    kField,
    kProgress,
    {.name = "retry_count",
     .kind = Kind::number,
     .fallback = "(none)",
     .most = 0xffff,
     .meaning = "actual retry count in SENSE KEY SPECIFIC"},
    {.name = "ili", .kind = Kind::flag, .fallback = "false", .meaning = "incorrect length"},
    {.name = "filemark", .kind = Kind::flag, .fallback = "false", .meaning = "FILEMARK bit"},
    {.name = "eom", .kind = Kind::flag, .fallback = "false", .meaning = "end of medium"},
    {.name = "raw",
     .kind = Kind::octets,
     .fallback = "(built of the rest)",
     .least = 1,
     .most = scsi::kMaxRawSenseBytes,
     .meaning = "these octets are the sense data, whatever they are"},
    {.name = "truncate",
     .kind = Kind::number,
     .fallback = "(the length that it has)",
     .least = 1,
     .most = scsi::kMaxRawSenseBytes,
     .meaning = "length of the sense data: cut, or filled with zeros"},
    kWhen,
    kPartial,
};

constexpr Parameter kStatusParameters[] = {
    {.name = "status",
     .kind = Kind::text,
     .required = true,
     .most = 32,
     .meaning = "BUSY, TASK SET FULL, RESERVATION CONFLICT, ACA ACTIVE, TASK ABORTED, CONDITION "
                "MET, GOOD (with spaces or underscores), or any octet: \"0x14\""},
    {.name = "qualifier",
     .kind = Kind::number,
     .fallback = "0",
     .most = 0xffff,
     .meaning =
         "STATUS QUALIFIER; of BUSY and TASK SET FULL a retry delay: bits 15..14 scope, bits "
         "13..0 tenths of a second.  Sent in sessions of iSCSIProtocolLevel 2 alone"},
    kWhen,
    kPartial,
};

constexpr Parameter kMissingParameters[] = {
    {.name = "variant",
     .kind = Kind::choice,
     .fallback = R"("absent")",
     .choices = kMissingWords,
     .meaning = "absent: no data segment; long, short: a length that hosts do not expect; "
                "response_code: one that no standard has"},
    kKey,
    code_parameter("\"0B/00/00\"", "what the sense data says, where there is any"),
    {.name = "length",
     .kind = Kind::number,
     .fallback = "(252 for long, 4 for short)",
     .least = 1,
     .most = scsi::kMaxRawSenseBytes,
     .meaning = "octets of sense data: cut, or filled with zeros"},
    {.name = "response_code",
     .kind = Kind::number,
     .fallback = "127",
     .most = 0x7f,
     .meaning = "RESPONSE CODE of the variant of that name"},
    kWhen,
    kPartial,
};

constexpr Parameter kParityParameters[] = {
    {.name = "variant",
     .kind = Kind::choice,
     .fallback = R"("47/00")",
     .choices = kParityWords,
     .meaning = "47/00 SCSI parity, 47/01 data phase CRC, 47/02 parity in ST data phase, 47/03 "
                "iuCRC, 47/05 protocol service CRC, 4B/00 data phase, 4B/03 ACK/NAK timeout, 48/00 "
                "initiator detected error, 43/00 message error (all ABORTED COMMAND); 08/02 and "
                "08/03 parity and CRC of the unit's link (HARDWARE ERROR)"},
    kWhen,
    kPartial,
};

constexpr Parameter kSelectionParameters[] = {
    {.name = "variant",
     .kind = Kind::choice,
     .required = true,
     .choices = kSelectionWords,
     .meaning =
         "lun_absent: INQUIRY has qualifier 011b, all else is 05/25/00; report_luns_hides: "
         "REPORT LUNS leaves units out that answer all the same; connect_timeout: the "
         "connection is reset and new ones of this initiator get no answer to their login; "
         "login_not_found: reset, and logins are refused with 0203h; sense_0B4500: 0B/45/00; "
         "silent: the command is never answered, task management is"},
    {.name = "luns",
     .kind = Kind::numbers,
     .fallback = "(none)",
     .least = 1,
     .most = 256,
     .meaning = "report_luns_hides: the units that are left out"},
    {.name = "listed",
     .kind = Kind::flag,
     .fallback = "false",
     .meaning =
         "lun_absent: REPORT LUNS goes on to list the unit; otherwise it leaves the unit out, at "
         "whatever LUN it is asked, while a rule without clauses beside lun and those about the "
         "session is at work: it has struck in the session, or needs no luck and no count to"},
};

constexpr Parameter kMediumParameters[] = {
    kKey,
    code_parameter("\"11/00\"",
                   "reads 11/00, 11/01, 11/04; writes 0C/02, 03/00; recovered 17/01, 18/02; or any "
                   "other of MEDIUM ERROR, RECOVERED ERROR and HARDWARE ERROR.  03/xx and 0C/xx "
                   "strike writes, the others reads, unless the rule says which commands"),
    {.name = "heal",
     .kind = Kind::choice,
     .fallback = R"("never")",
     .choices = kHealWords,
     .meaning = "on_write: a block that is written is good from then on; after_n: a block is good "
                "after heal_after errors"},
    {.name = "heal_after",
     .kind = Kind::number,
     .fallback = "(only with after_n)",
     .least = 1,
     .most = UINT32_MAX,
     .meaning = "errors until a block heals by itself"},
    {.name = "information",
     .kind = Kind::choice,
     .fallback = R"("first_bad")",
     .choices = kFirstBadWords,
     .meaning = "INFORMATION is the first bad block of the command, or is not valid"},
    {.name = "partial",
     .kind = Kind::flag,
     .fallback = "false",
     .meaning = "blocks before the first bad one are transferred"},
};

constexpr Parameter kHardwareParameters[] = {
    code_parameter("\"44/00\"", "44/00, 15/01, 3E/01, 40/80 to 40/FF, 32/00, or any other"),
    {.name = "sticky",
     .kind = Kind::flag,
     .fallback = "false",
     .meaning = "the unit is dead from the first firing on, for everybody, until lu.online"},
    kWhen,
    kPartial,
};

constexpr Parameter kNotReadyParameters[] = {
    code_parameter("\"04/00\"",
                   "04/00, 01, 02, 03, 04, 07, 09, 0A, 0B, 0C, 12, 1B; 3A/00, 01, 02; "
                   "or any other"),
    kProgress,
    {.name = "time_left",
     .kind = Kind::duration,
     .fallback = "(none)",
     .meaning = "INFORMATION: milliseconds until the unit is ready"},
    {.name = "for",
     .kind = Kind::duration,
     .fallback = "(for this command alone)",
     .meaning = "the unit is not ready for this long, for everybody; 04/01, 04/04 and 04/1B show "
                "progress"},
    kWhen,
    kPartial,
};

constexpr Parameter kAbortParameters[] = {
    code_parameter("\"00/00\"", "00/00, 2E/00 to 2E/02, 0E/03, 4E/00, or any other"),
    kWhen,
    kPartial,
};
constexpr Parameter kProtectParameters[] = {
    code_parameter("\"27/00\"",
                   "27/00, 27/01, 27/07, 20/02, or any other; every command that the "
                   "rule matches gets it, so say op write"),
    kWhen,
    kPartial,
};
constexpr Parameter kIllegalParameters[] = {
    code_parameter("\"20/00\"",
                   "20/00, 21/00 (with INFORMATION), 24/00, 25/00, 26/00, or any "
                   "other"),
    kField,
    kWhen,
    kPartial,
};
constexpr Parameter kPredictParameters[] = {
    code_parameter("\"5D/10\"", "5D/xx, failure prediction; 0B/xx, a warning"),
    {.name = "report",
     .kind = Kind::choice,
     .fallback = R"("on_request")",
     .choices = kReportWords,
     .meaning = "on_request: an informational exception, reported as the mode page 1Ch says (by "
                "default REQUEST SENSE has it); unit_attention: 06 for everybody; recovered: the "
                "command succeeds with 01"},
};
constexpr Parameter kProtectionParameters[] = {
    {.name = "check",
     .kind = Kind::choice,
     .fallback = R"("guard")",
     .choices = kCheckWords,
     .meaning = "which of the three fields is wrong: 10/01, 10/02, 10/03"},
    {.name = "detected",
     .kind = Kind::choice,
     .fallback = R"("transfer")",
     .choices = kDetectedWords,
     .meaning = "transfer: 0B, the data was spoilt on its way; medium: 03, on the medium"},
    {.name = "mode",
     .kind = Kind::choice,
     .fallback = R"("check")",
     .choices = kModeWords,
     .meaning = "check: the target finds it; pass_through is refused: units here have no "
                "protection information"},
    kWhen,
    kPartial,
};

constexpr FaultRow kScsiRows[] = {
    {.id = "scsi.sense",
     .site = Site::cmd_status,
     .parameters = kSenseParameters,
     .build = build_sense_fault,
     .summary = "CHECK CONDITION with any sense data, in fixed, descriptor or deferred form.",
     .wire = "SCSI Response with status 02h and the sense data in its data segment, instead of the "
             "command's own answer or after its data.",
     .host =
         "The sense key decides.  Windows retries READ and WRITE four times: at once after 0, "
         "6, 9, A, D, E, F, after one second after B, after ten after 02/04/01; never after 3, "
         "7, 8 and most of 4 and 5.  Linux retries 6 and B at once, five times, and gives up at "
         "once after 3 (reads), 4, 5 and 7.",
     .example =
         R"({"id": "third-time-lucky", "match": {"op": ["read", "write"], "attempt": {"max": 2}}, "gate": {"p": 0.02, "key": "content"}, "effect": {"scsi.sense": {"key": "ABORTED_COMMAND", "asc": "2E/02"}}})"},
    {.id = "scsi.status",
     .site = Site::cmd_status,
     .parameters = kStatusParameters,
     .build = build_status,
     .summary = "Any status but CHECK CONDITION, with or without a status qualifier.",
     .wire =
         "SCSI Response with this status and without data segment; STATUS QUALIFIER in octets 8 "
         "and 9 at iSCSIProtocolLevel 2.",
     .host =
         "BUSY and TASK SET FULL: Storport holds the unit back and tries again every 250 ms, 20 "
         "times by its registry (4.9 s against 5.1 s shows the limit), then the class driver "
         "four times; Linux requeues at once until retries x timeout, and lowers its queue "
         "depth after TASK SET FULL.  RESERVATION CONFLICT: no retry (Windows DEVICE_BUSY, Linux "
         "EBADE).  TASK ABORTED and ACA ACTIVE: retried at once.",
     .example =
         R"({"id": "busy-4900ms", "match": {"initiator": "iqn.1991-05.com.microsoft:*", "lun": 0}, "gate": {"window": {"since": "arm", "for_ms": 4900}}, "effect": {"scsi.status": {"status": "BUSY"}}, "life": {"ttl_ms": 60000}})"},
    {.id = "scsi.sense_missing",
     .site = Site::cmd_status,
     .parameters = kMissingParameters,
     .build = build_sense_missing,
     .summary = "CHECK CONDITION without sense data, or with sense data of the wrong size or form.",
     .wire =
         "SCSI Response with status 02h: no data segment, or a SenseLength that does not go with "
         "what is in it, or a RESPONSE CODE outside of 70h to 73h.",
     .host =
         "Windows without valid sense: IO_DEVICE_ERROR, four retries, event 153 (event 11 if the "
         "port reports a failed autosense); an unknown response code is read as fixed format.  "
         "Linux takes sense without a known response code for none and retries.  A driver that "
         "trusts the lengths reads beyond its buffer.",
     .example =
         R"({"id": "no-autosense", "match": {"lun": 0, "op": "read"}, "gate": {"every": 10}, "effect": {"scsi.sense_missing": {"variant": "absent"}}})",
     .illegal = true},
    {.id = "scsi.parity",
     .site = Site::cmd_status,
     .parameters = kParityParameters,
     .build = build_parity,
     .summary = "The errors of a bus: parity, CRC, broken data phase, bad message.",
     .wire = "CHECK CONDITION with 0B/47, 0B/4B, 0B/48, 0B/43 or 04/08; the session is as it was.",
     .host = "Windows: IO_DEVICE_ERROR, four retries one second apart, event 153; 04/08/03 is what "
             "Microsoft's AHCI miniport reports with SRB_STATUS_PARITY_ERROR, and the one hardware "
             "error that is retried.  Linux: retried at once without a word; the sixth in a row is "
             "EIO.",
     .example =
         R"({"id": "parity-burst", "match": {"lun": 0, "op": "write", "blocks": {"min": 128}}, "gate": {"skip": 10, "burst": 3, "repeat": 5, "every": 50}, "effect": {"scsi.parity": {"variant": "47/01"}}, "life": {"on_exhaust": "disarm"}})"},
    {.id = "scsi.selection_timeout",
     .site = Site::cmd_exec,
     .parameters = kSelectionParameters,
     .build = build_selection_timeout,
     .summary = "The unit or the target is not there: six things a host may take for a selection "
                "timeout.",
     .wire =
         "lun_absent: INQUIRY qualifier 011b, else 05/25/00; report_luns_hides: a shorter list; "
         "connect_timeout: RST, then logins without answer; login_not_found: RST, then Login "
         "Response 0203h; sense_0B4500: CHECK CONDITION; silent: nothing.",
     .host =
         "Windows: 05/25 is NO_SUCH_DEVICE without retry and a failover of MSDSM; a target that "
         "cannot be reached until LinkDownTime or MaxRequestHoldTime is over gives iScsiPrt 1, "
         "disk events 15 or 157; 0B/45/00 is an aborted command, four retries.  Linux: 05/25 "
         "fails at once, 0B/45/00 is retried, silence ends in ABORT TASK.",
     .example =
         R"({"id": "lun-gone", "match": {"lun": 3}, "gate": {"skip": 100}, "effect": {"scsi.selection_timeout": {"variant": "lun_absent"}}})"},
    {.id = "scsi.medium",
     .site = Site::media_read,
     .parameters = kMediumParameters,
     .build = build_medium,
     .summary = "Bad blocks: medium errors, write errors and recovered errors, which may heal.",
     .wire =
         "CHECK CONDITION with INFORMATION the first bad block, with or without the data before "
         "it; recovered errors come with all data.  The rule's lba match says which blocks.",
     .host =
         "Windows: DEVICE_DATA_ERROR at once, event 7 with the offset from INFORMATION; 01/17 and "
         "01/18 succeed with event 33.  Linux: ENODATA at once on reads, EIO after five retries "
         "on writes; recovered errors succeed and are logged.",
     .example =
         R"({"id": "weak-sectors", "match": {"lun": 1, "op": "read", "lba": {"start": 4096, "len": 64}}, "effect": {"scsi.medium": {"asc": "11/00", "information": "first_bad", "partial": true, "heal": "on_write"}}})"},
    {.id = "scsi.hardware",
     .site = Site::cmd_status,
     .parameters = kHardwareParameters,
     .build = build_hardware,
     .summary = "HARDWARE ERROR, once or for the rest of the unit's life.",
     .wire = "CHECK CONDITION with sense key 4; sticky: every command but INQUIRY, REPORT LUNS and "
             "REQUEST SENSE gets it from then on.",
     .host = "Windows: DEVICE_HARDWARE_ERROR without retry, event 154 (with LegacyErrorHandling 8 "
             "retries and event 11); MSDSM tries 3E/02 on another path.  Linux: EREMOTEIO at once, "
             "\"critical target error\".",
     .example =
         R"({"id": "dead-disk", "match": {"lun": 2, "op": "write"}, "gate": {"nth": 1000}, "effect": {"scsi.hardware": {"asc": "3E/01", "sticky": true}}})"},
    {.id = "scsi.not_ready",
     .site = Site::cmd_status,
     .parameters = kNotReadyParameters,
     .build = build_not_ready,
     .summary = "NOT READY in all its forms, for one command or for a stretch of time.",
     .wire =
         "CHECK CONDITION with sense key 2, with progress in SENSE KEY SPECIFIC or the time left "
         "in INFORMATION when asked for.",
     .host =
         "Windows: 04/01 and 04/07 four retries ten seconds apart, 04/02 and unlisted ones START "
         "UNIT and four retries at once, 04/00, 04/03, 04/04 and 3A/xx none; MSDSM asks for the "
         "target port groups after 04/0A to 04/0C.  Linux: 04/01 is retried, 04/02 is EIO.",
     .example =
         R"({"id": "spinning-up", "match": {"lun": 0, "op": "any"}, "gate": {"times": 1}, "effect": {"scsi.not_ready": {"asc": "04/01", "for": "15s"}}})"},
    {.id = "scsi.abort",
     .site = Site::cmd_status,
     .parameters = kAbortParameters,
     .build = build_abort,
     .summary = "ABORTED COMMAND: the target gave up and the host should try again.",
     .wire = "CHECK CONDITION with sense key Bh.",
     .host = "Windows: IO_DEVICE_ERROR, four retries one second apart, event 153.  Linux: five "
             "retries at once, then EIO.",
     .example =
         R"({"id": "command-timeout", "match": {"op": "read"}, "gate": {"p": 0.001}, "effect": {"scsi.abort": {"asc": "2E/02"}}})"},
    {.id = "scsi.protect",
     .site = Site::cmd_status,
     .parameters = kProtectParameters,
     .build = build_protect,
     .summary = "DATA PROTECT: the medium becomes write protected, or space has run out.",
     .wire =
         "CHECK CONDITION with sense key 7; the WP bit of MODE SENSE does not follow (scsi.mode "
         "sets it).",
     .host = "Windows: 27/07 is DISK_RESOURCES_EXHAUSTED with event 150 and an offline disk, other "
             "27/xx IO_DEVICE_ERROR, 20/02 MEDIA_WRITE_PROTECTED; none is retried.  Linux: "
             "EREMOTEIO, 27/07 is ENOSPC.",
     .example =
         R"({"id": "thin-pool-full", "match": {"lun": 1, "op": "write"}, "gate": {"skip": 5000}, "effect": {"scsi.protect": {"asc": "27/07"}}})"},
    {.id = "scsi.illegal",
     .site = Site::cmd_status,
     .parameters = kIllegalParameters,
     .build = build_illegal,
     .summary = "ILLEGAL REQUEST: a command or a field is not supported from now on.",
     .wire = "CHECK CONDITION with sense key 5, with a field pointer when one is given.",
     .host =
         "Windows: no retry; 24/00 to a WRITE with FUA turns FUA off for good, 24/00 to MODE SENSE "
         "page 3Fh makes it ask for page 08h, 21/00 inside the capacity is retried after five "
         "seconds, 25/00 is NO_SUCH_DEVICE.  Linux: EREMOTEIO; after 20/00 it stops using UNMAP "
         "and WRITE SAME.",
     .example =
         R"({"id": "no-unmap", "match": {"op": "unmap"}, "effect": {"scsi.illegal": {"asc": "20/00"}}})"},
    {.id = "scsi.predict",
     .site = Site::lu_state,
     .parameters = kPredictParameters,
     .build = build_predict,
     .summary = "The unit predicts its own failure.",
     .wire =
         "REQUEST SENSE returns 00/5D/xx, or a unit attention 06/5D/xx, or the command succeeds "
         "with 01/5D/xx.",
     .host =
         "Windows: event 52 once, and a WMI failure prediction event with the ASCQ as reason; a "
         "unit attention costs one retry.  Linux: logged; smartd reads REQUEST SENSE.",
     .example =
         R"({"id": "smart-trip", "match": {"lun": 0}, "gate": {"nth": 1}, "effect": {"scsi.predict": {"asc": "5D/10", "report": "unit_attention"}}})"},
    {.id = "data.pi",
     .site = Site::cmd_status,
     .parameters = kProtectionParameters,
     .build = build_protection_information,
     .summary = "A check of protection information fails.",
     .wire =
         "CHECK CONDITION with 0B/10/01 to 03, or 03/10/01 to 03, INFORMATION the command's first "
         "block.  The data itself is right: units here have no protection information.",
     .host = "Windows: 0B is retried four times one second apart, 03 fails at once with event 7.  "
             "Linux: EILSEQ at once where the disk is used with protection, else as any 0B or 03.",
     .example =
         R"({"id": "guard-check", "match": {"op": "read"}, "gate": {"every": 100}, "effect": {"data.pi": {"check": "guard", "detected": "transfer"}}})"},
};

}  // namespace

std::span<const FaultRow> scsi_faults() {
  return kScsiRows;
}

}  // namespace faultlun::faults
