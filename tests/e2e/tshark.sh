#!/usr/bin/env bash
# Wireshark's dissector reads a capture of our traffic: no malformed PDU, no expert error, and every kind of PDU seen.
# Usage: tshark.sh FAULTLUN E2E_TEST      the daemon's program, and the test program whose sessions are captured
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
faultlun=${1:?usage: tshark.sh FAULTLUN E2E_TEST}
sessions=${2:?usage: tshark.sh FAULTLUN E2E_TEST}
tmp=$(mktemp -d)
portal=
# shellcheck source=/dev/null  # sets daemon, portal
. "$here/../support/daemon.sh"
trap end_of_test EXIT
need tshark timeout

name=iqn.2026-11.example.faultlun:lab
cat > "$tmp/config.json" << JSON
{"portals": [{"listen": "127.0.0.1:0"}], "control": {"listen": "127.0.0.1:0"},
 "targets": [{"name": "$name", "luns": [{"lun": 0, "backend": {"kind": "memory", "size": "64MiB"}}]}]}
JSON
start_daemon "$faultlun" "$tmp/config.json"
port=${portal##*:}

capture() { # DURATION-LIMIT
  tshark -q -i lo -B 64 -f "tcp port $port" -w "$tmp/capture.pcapng" -a "duration:$1" > "$tmp/tshark.log" 2>&1 &
  tshark=$!
  for _ in $(seq 100); do
    grep -qs "Capture started\|Capturing on" "$tmp/tshark.log" && [ -s "$tmp/capture.pcapng" ] && return
    kill -0 "$tshark" 2> /dev/null || break
    sleep 0.1
  done
  echo "skipped: capturing on the loopback interface is not permitted here: $(tail -1 "$tmp/tshark.log")"
  kill "$tshark" 2> /dev/null || true
  exit 77
}
capture 60

# The test case of capture_test.cpp, at this daemon instead of one of its own.
FAULTLUN_PORTAL=$portal "$sessions" --test-case="captured: *" > "$tmp/sessions.log" 2>&1 || {
  echo "the sessions to capture failed:"
  cat "$tmp/sessions.log"
  exit 1
}
if command -v iscsi-ls > /dev/null; then
  iscsi-ls -s "iscsi://$portal" | grep -q "$name"
  iscsi-inq "iscsi://$portal/$name/0" > /dev/null
fi
sleep 1
kill -INT "$tshark"
wait "$tshark" || true

read_capture() { tshark -r "$tmp/capture.pcapng" -d "tcp.port==$port,iscsi" "$@" 2> /dev/null; }
# Retransmissions and lost segments are TCP's or the capture's affair, not ours.
bad=$(read_capture -Y '_ws.malformed || (_ws.expert.severity == error && !tcp.analysis.flags)' -T fields \
  -e frame.number -e _ws.col.Info -e _ws.expert.message)
if [ -n "$bad" ]; then
  echo "frames that the dissector finds wrong:"
  echo "$bad" | head -20
  exit 1
fi
missing=
for opcode in 0x01 0x02 0x03 0x04 0x05 0x06 0x00 0x20 0x21 0x22 0x23 0x24 0x25 0x26 0x31 0x3f; do
  read_capture -Y "iscsi.opcode == $opcode" -T fields -e frame.number | grep -q . || missing="$missing $opcode"
done
[ -z "$missing" ] || { echo "opcodes not seen in the capture:$missing"; exit 1; }
stop_daemon
echo "$(read_capture -Y iscsi -T fields -e frame.number | wc -l) frames, nothing malformed"
