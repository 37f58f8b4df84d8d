"""Writes the seeds of the fuzz targets into corpus/: small, valid conversations for the fuzzer to break.
Run it after changing what a target reads first, and commit what it writes."""
import base64
import hashlib
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
TARGET = b"TargetName=iqn.2026-11.example.faultlun:lab\0"
NAME = b"InitiatorName=iqn.2026-11.example:fuzz\0"


def pdu(opcode, flags=0x80, data=b"", itt=1, lun=b"\0" * 8, specific=b"", immediate=False, ahs=b""):
    """48 octets of header, `specific` from octet 20 on, then the data segment, padded."""
    head = bytes([opcode | (0x40 if immediate else 0), flags, 0, 0, len(ahs) // 4]) + len(data).to_bytes(3, "big")
    head += lun + struct.pack(">I", itt) + specific.ljust(28, b"\0")
    return head + ahs + data + b"\0" * (-len(data) % 4)


def command(itt, sn, cdb, length=0, read=False, write=False, data=b"", final=True, immediate=False):
    flags = (0x80 if final else 0) | (0x40 if read else 0) | (0x20 if write else 0) | 1
    return pdu(0x01, flags, data, itt, specific=struct.pack(">III", length, sn, 1) + cdb.ljust(16, b"\0"), immediate=immediate)


def data_out(itt, ttt, sn, offset, data, final=True):
    return pdu(0x05, 0x80 if final else 0, data, itt, specific=struct.pack(">IIIIII", ttt, 0, 1, 0, sn, offset))


def read_10(lba, blocks):
    return struct.pack(">BBIBHB", 0x28, 0, lba, 0, blocks, 0)


def write_10(lba, blocks):
    return struct.pack(">BBIBHB", 0x2A, 0, lba, 0, blocks, 0)


NONE = 0xFFFFFFFF


def pdu_streams():
    plain, window, manners = 0x3C, 0x3F, 0  # InitialR2T, ImmediateData, in order
    def options(bits=plain, sizes=0xFF, window=window, manners=manners):
        return bytes([bits, sizes, window, manners])
    reads = b"".join(command(i, i, read_10(i, 8), 4096, read=True) for i in range(1, 5))
    write = command(1, 1, write_10(0, 2), 1024, write=True, data=b"w" * 512) + data_out(1, 1, 0, 512, b"d" * 512)
    unsolicited = command(1, 1, write_10(0, 2), 1024, write=True, final=False) + data_out(1, NONE, 0, 0, b"u" * 1024)
    nop = pdu(0x00, 0x80, b"ping", 9, specific=struct.pack(">III", NONE, 1, 1))
    silent_nop = pdu(0x00, 0x80, b"", NONE, specific=struct.pack(">III", NONE, 1, 1), immediate=True)
    abort = pdu(0x02, 0x81, b"", 5, specific=struct.pack(">IIII", 1, 2, 1, 1), immediate=True)
    reset = pdu(0x02, 0x85, b"", 6, specific=struct.pack(">IIII", NONE, 2, 1, 0), immediate=True)
    text = pdu(0x04, 0x80, b"SendTargets=All\0", 7, specific=struct.pack(">III", NONE, 1, 1))
    logout = pdu(0x06, 0x80, b"", 8, specific=struct.pack(">III", 0, 1, 1))
    snack = pdu(0x10, 0x80, b"", 8, specific=struct.pack(">III", NONE, 0, 1))
    ahs = struct.pack(">HBB", 17, 1, 0) + b"\x7f" * 16
    long_cdb = pdu(0x01, 0xC1, b"", 1, specific=struct.pack(">III", 512, 1, 1) + b"\x7f".ljust(16, b"\0"), ahs=ahs)
    def with_events(octets, events): return octets[:3] + bytes([events]) + octets[4:]
    held = command(1, 1, b"\x01", 0)
    yield "reads", options() + reads
    yield "nop_in_and_events", options() + with_events(nop, 0x21) + with_events(nop, 0x41) + with_events(nop, 0x60)
    yield "aborted_then_time", options(manners=1) + held + with_events(abort, 0x82) + with_events(reset, 0x82) + with_events(nop, 0x82)
    yield "aborted_held_by_us", options(manners=6) + command(1, 1, b"\x01", 0) + abort + reset + with_events(nop, 0x82)
    yield "bad_data_digest", options(bits=plain | 2) + with_events(nop, 0x10) + with_events(write[:560], 0x10) + write[560:]
    yield "bad_data_out_digest", options(bits=plain | 2) + write[:560] + with_events(write[560:], 0x10)
    yield "gap_then_abort", options() + command(3, 3, b"\0", 0) + abort + command(2, 2, b"\0", 0) + command(1, 1, b"\0", 0)
    yield "reads_pinned_digests", options(bits=plain | 3, manners=2) + reads + logout
    yield "reads_copied_digests", options(bits=plain | 3, manners=3) + reads + nop
    yield "write_immediate_r2t", options() + write
    yield "write_unsolicited", options(bits=0x38) + unsolicited
    yield "write_out_of_order", options(bits=0x08) + write
    yield "nops", options() + nop + silent_nop
    yield "held_then_aborted", options(manners=1) + command(1, 1, b"\x01", 0) + abort + reset + nop
    yield "held_window_of_one", options(window=0, manners=1) + command(1, 1, b"\x01", 0) + command(2, 2, b"\0", 0)
    yield "discovery", options(bits=plain | 0x80) + text + logout
    yield "text_small_segments", options(sizes=0) + text + nop
    yield "protocol_level_2", options(bits=plain | 0x40) + pdu(0x02, 0x8C, b"", 5, specific=struct.pack(">III", NONE, 1, 1), immediate=True)
    yield "snack_and_unknown", options() + snack + pdu(0x1E, 0x80, b"", 3, specific=struct.pack(">III", 0, 1, 1))
    yield "extended_cdb", options() + long_cdb
    yield "out_of_order_sn", options() + command(2, 2, b"\0", 0) + command(1, 1, b"\0", 0)


def login_pdu(data, csg=1, nsg=3, transit=True, more=False, tsih=0, itt=1):
    flags = (0x80 if transit else 0) | (0x40 if more else 0) | csg << 2 | nsg
    head = bytes([0x43, flags, 0, 0, 0]) + len(data).to_bytes(3, "big") + bytes.fromhex("400001370000") + struct.pack(">HI", tsih, itt)
    return head + struct.pack(">HHII", 0, 0, 1, 1) + b"\0" * 16 + data + b"\0" * (-len(data) % 4)


def logins():
    normal = b"SessionType=Normal\0"
    keys = (b"HeaderDigest=CRC32C,None\0DataDigest=None\0ImmediateData=Yes\0InitialR2T=No\0MaxBurstLength=262144\0"
            b"FirstBurstLength=65536\0MaxRecvDataSegmentLength=0x40000\0MaxConnections=8\0ErrorRecoveryLevel=2\0"
            b"MaxOutstandingR2T=16\0DefaultTime2Wait=2\0DefaultTime2Retain=0\0DataPDUInOrder=Yes\0DataSequenceInOrder=Yes\0"
            b"TaskReporting=FastAbort,RFC3720\0iSCSIProtocolLevel=2\0IFMarker=No\0OFMarkInt=1~2\0X-com.example.a=1\0")
    chap = b"AuthMethod=CHAP,None\0"

    def response(name, octets):  # login.cpp fills identifier and challenge with 0x42; a challenge is as long as the digest
        digest = hashlib.new(name)
        digest.update(b"\x42" + b"a secret of some length" + b"\x42" * digest.digest_size)
        return b"CHAP_N=user\0CHAP_R=" + octets(digest.digest()) + b"\0"

    def in_hex(value): return b"0x" + value.hex().encode()
    def in_base64(value): return b"0b" + base64.b64encode(value)
    first = NAME + TARGET + normal
    yield "direct", b"\0" + login_pdu(first + keys)
    yield "discovery", b"\0" + login_pdu(NAME + b"SessionType=Discovery\0")
    yield "two_stages", b"\0" + login_pdu(first + b"AuthMethod=None\0", 0, 1) + login_pdu(keys.replace(b"iSCSIProtocolLevel=2\0", b""), 1, 3)
    yield "text_in_pieces", b"\0" + login_pdu(first[:40], transit=False, more=True) + login_pdu(first[40:])
    for name, wishes in [("chap", 0x04), ("chap_mutual", 0x08)]:
        back = b"CHAP_I=7\0CHAP_C=0x0102030405060708\0" if wishes == 8 else b""
        yield name, bytes([wishes]) + login_pdu(first + chap, 0, 1) + login_pdu(b"CHAP_A=5,7\0", 0, 1) + login_pdu(response("md5", in_hex) + back, 0, 1) + login_pdu(keys)
    yield "chap_base64", b"\x04" + login_pdu(first + chap, 0, 1) + login_pdu(b"CHAP_A=8,6\0", 0, 1) + login_pdu(response("sha3_256", in_base64), 0, 3)
    yield "chap_wrong", b"\x04" + login_pdu(first + chap, 0, 1) + login_pdu(b"CHAP_A=7\0", 0, 1) + login_pdu(b"CHAP_N=user\0CHAP_R=0x00\0", 0, 3)
    yield "redirected", b"\x20" + login_pdu(first)
    yield "not_allowed", b"\x10" + login_pdu(first.replace(b":fuzz", b":other"))
    yield "no_room", b"\x02" + login_pdu(first)
    yield "reinstates", b"\x01" + login_pdu(first, tsih=7)
    yield "no_such_session", b"\0" + login_pdu(first, tsih=8)
    yield "no_such_target", b"\0" + login_pdu(first.replace(b":lab", b":none"))
    yield "no_names", b"\0" + login_pdu(keys)
    yield "not_a_login", b"\0" + pdu(0x00, 0x80, b"ping", 9)


def cdb_record(cdb, data=b"", how=0, event=None):
    wide = len(cdb) > 16
    how |= (0x40 if wide else 0) | (0x20 if event is not None else 0)
    return bytes([how]) + cdb.ljust(32 if wide else 16, b"\0") + bytes([len(data)]) + data + (bytes([event]) if event is not None else b"")


def cdbs():
    ready = cdb_record(b"\0")  # takes the unit attention away
    def six(op, *rest): return bytes([op, *rest])
    simple = {
        "inquiry": [bytes([0x12, 0, 0, 0, 255, 0])] + [bytes([0x12, 1, page, 0, 255, 0]) for page in (0, 0x80, 0x83, 0x86, 0xB0, 0xB1, 0xB2)],
        "capacity": [bytes([0x25]), bytes([0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32])],
        "reads": [six(0x08, 0, 0, 1, 1), read_10(0, 8), read_10(4095, 1), read_10(4095, 2),
                  struct.pack(">BBIIBB", 0xA8, 0, 1, 2, 0, 0), struct.pack(">BBQIBB", 0x88, 8, 1, 2, 0, 0)],
        "writes": [six(0x0A, 0, 0, 1, 1), write_10(0, 8), struct.pack(">BBQIBB", 0x8A, 0x18, 1, 2, 0, 0), struct.pack(">BBIBHB", 0x2E, 2, 0, 0, 1, 0)],
        "verify": [struct.pack(">BBIBHB", 0x2F, 2, 0, 0, 1, 0), struct.pack(">BBQIBB", 0x8F, 6, 1, 2, 0, 0)],
        "sync": [bytes([0x35]), struct.pack(">BBQIBB", 0x91, 2, 1, 2, 0, 0)],
        "mode_sense": [bytes([0x1A, 0, 0x3F, 0xFF, 255]), bytes([0x5A, 0, 0x3F, 0, 0, 0, 0, 1, 0]), bytes([0x1A, 8, 0x48, 0, 64]), bytes([0x1A, 0, 0xCA, 0, 64])],
        "request_sense": [bytes([0x03, 0, 0, 0, 18]), bytes([0x03, 1, 0, 0, 252])],
        "start_stop": [bytes([0x1B, 0, 0, 0, 0]), b"\0", bytes([0x1B, 0, 0, 0, 1]), bytes([0x1E, 0, 0, 0, 1]), bytes([0x1B, 0, 0, 0, 2])],
        "reports": [bytes([0xA0, 0, 0, 0, 0, 0, 0, 0, 1, 0]), bytes([0xA0, 0, 1, 0, 0, 0, 0, 0, 1, 0]), bytes([0xA3, 0x0C, 0x80, 0, 0, 0, 0, 0, 8, 0]),
                    bytes([0xA3, 0x0C, 3, 0x9E, 0, 0x10, 0, 0, 1, 0]), bytes([0xA3, 0x0D, 0x80, 0, 0, 0, 0, 0, 0, 16])],
        "reserve": [bytes([0x16]), bytes([0x17])],
        "unknown": [bytes([0xFF] * 16), bytes([0x7F, 0, 0, 0, 0, 0, 0, 24, 0, 9]).ljust(32, b"\0")],
    }
    for name, list_of in simple.items():
        yield name, b"\0" + ready + b"".join(cdb_record(c) for c in list_of)
    unmap = struct.pack(">HHI", 38, 32, 0) + struct.pack(">QII", 8, 8, 0) + struct.pack(">QII", 64, 1, 0)
    mode_6 = bytes([0, 0, 0, 0, 8, 18, 4]) + b"\0" * 17
    mode_10 = bytes(8) + bytes([0x0A, 10, 4]) + b"\0" * 9
    yield "unmap", b"\0" + ready + cdb_record(bytes([0x42, 0, 0, 0, 0, 0, 0, 0, len(unmap)]), unmap)
    yield "write_same", b"\0" + ready + cdb_record(struct.pack(">BBIBHB", 0x41, 8, 0, 0, 8, 0), b"s" * 200) + cdb_record(struct.pack(">BBQIBB", 0x93, 9, 0, 8, 0, 0))
    yield "mode_select", b"\0" + ready + cdb_record(bytes([0x15, 0x10, 0, 0, len(mode_6)]), mode_6) + cdb_record(bytes([0x55, 0x10, 0, 0, 0, 0, 0, 0, len(mode_10)]), mode_10)
    yield "medium_errors", b"\0" + ready + b"".join(cdb_record(read_10(0, 8), how=h) for h in range(6))
    yield "events_two_nexuses", b"\0" + b"".join(cdb_record(b"\0", how=0x80 * (i % 2), event=i) for i in range(16))
    yield "read_only", b"\x02" + cdb_record(write_10(0, 1)) + cdb_record(bytes([0x1A, 0, 0x3F, 0, 255]))
    yield "removable_4k", b"\x05" + cdb_record(bytes([0x1B, 0, 0, 0, 2])) + cdb_record(b"\0") + cdb_record(read_10(0, 1))


def configs():
    yield "empty", b"{}"
    yield "contract", b"""{"seed": "0x5eed",
  "portals": [{"listen": "0.0.0.0:3260", "advertise": "192.0.2.10:3260", "group": 1}],
  "control": {"listen": "127.0.0.1:8326", "token_file": "token"},
  "targets": [{"name": "iqn.2026-11.example.faultlun:lab", "alias": "lab", "portal_groups": [1],
    "auth": {"user": "lab", "secret_file": "chap", "mutual": {"user": "target", "secret_file": "mutual"}},
    "initiators": ["iqn.1991-05.com.microsoft:*"],
    "luns": [{"lun": 0, "type": "disk", "backend": {"kind": "memory", "size": "1GiB"}},
      {"lun": 1, "type": "disk", "backend": {"kind": "file", "path": "disk1.img", "size": "10GiB"}, "block_size": 4096},
      {"lun": "2-54", "type": "disk", "backend": {"kind": "pattern", "size": "1TiB"}}]}],
  "rules": []}"""
    yield "small", b'{"targets":[{"name":"iqn.2026-11.example:a","luns":[{"lun":0,"backend":{"kind":"null","size":1048576}}]}]}'
    yield "ipv6", b'{"portals":[{"listen":"[::1]:3260","group":2}],"control":{"listen":"[::1]:0"}}'
    yield "limits", b'{"limits":{"max_sessions":8,"login_timeout":"250ms","nop_interval":"1s"}}'
    yield "wrong_types", b'{"portals":{},"targets":[1,{"name":7,"luns":"x"}],"seed":-1}'
    yield "twice", b'{"seed":1,"seed":2,"unknown":null}'
    yield "not_json", b'{"targets": [,]}'
    yield "rules_match", b"""[{"id":"a","observe":true,"match":{"initiator":"iqn.*","session":["a,*"],"target":"t","source":"::1","portal":1,
  "tpg":"0x1","lun":["2-54",60],"op":["READ(10)","write","0x41","any"],"sa":16,"cdb":{"value":"28 00","mask":"ff00","len":2},
  "lba":[7,{"start":"0x1000","len":64,"mode":"within"}],"blocks":{"min":1,"max":128},"fua":true,"dpo":false,"group":[1],"control":3,
  "task_attr":"simple","outstanding":{"min":2},"immediate":false,"payload":{"offset":4,"hex":"4649 4c45","mask":"ffffffff"},"attempt":2,
  "first_touch":true,"rewrites":{"max":3},"not":[{"vpd":131},{"not":{"mode_page":8}}]}},
  {"id":"b","observe":true,"where":"tmf.rx","match":{"tmf":["ABORT TASK",5],"op":"tmf"}},
  {"id":"c","observe":true,"match":{"after_fault":{"rule":"a","within_ms":50,"commands":7}}}]"""
    yield "rules_gate", b"""{"rules":[{"id":"a","observe":true,"note":"n","gate":{"key":"content","skip":10,"every":50,"burst":3,"repeat":5,"times":7,
  "p":0.02,"run_gate":"1/3","budget_bytes":"1MiB","window":{"since":"mark","mark":"m","after_ms":5,"for":"2s"},"cycle":{"up_s":1,"down":"250ms"},
  "max_active":4},"life":{"armed":false,"priority":-3,"ttl_ms":60000,"lease":"l","owner":"me","tags":["a","b"],"on_exhaust":{"goto":"next"},
  "once_per":"lba","scope":"global","must_fire":true}},{"id":"b","observe":true,"gate":{"nth":7}}]}"""
    yield "rules_effect", b"""[{"id":"busy","match":{"op":"READ(10)"},"gate":{"every":3},"effect":{"scsi.status":{"status":"BUSY"}}},
  {"id":"tail","gate":{"p":1e-2},"effect":[{"time.service":{"dist":"lognormal","median_us":900,"sigma":0.6}},{"time.stall":{"every":"20s","for_ms":1500}}]},
  {"id":"ladder","effect":{"tmf.ladder":[{"tmf":"ABORT_TASK","do":"fail"},{"tmf":"LOGICAL_UNIT_RESET","do":"never"}]}},
  {"id":"weak","effect":{"scsi.medium":{"asc":"11/00","information":"first_bad","partial":true,"heal":"on_write"}}}]"""
    yield "rules_in_config", b'{"rules":[{"id":"a","observe":true,"match":{"lun":0,"op":"read"},"gate":{"p":"1/3"}}]}'
    yield "rules_wrong", b'[{"id":"a b","match":{"lun":"x","op":"raed","lba":{"start":-1}},"gate":{"every":0,"p":2},"effect":{"x":1},"life":{"ttl":5}},{"id":"a b"}]'


for name, seeds in {"pdu_stream": pdu_streams, "login": logins, "cdb": cdbs, "config": configs}.items():
    folder = HERE / "corpus" / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("seed_*"):
        old.unlink()
    for seed, octets in seeds():
        (folder / f"seed_{seed}").write_bytes(octets)
