#!/usr/bin/env bash
# qemu-img writes a pseudo-random image onto a LUN and reads it back; both must be equal, and the holes must read as zeros.
# Usage: qemu_img.sh FAULTLUN
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
faultlun=${1:?usage: qemu_img.sh FAULTLUN}
tmp=$(mktemp -d)
portal=
# shellcheck source=/dev/null  # sets daemon, portal
. "$here/../support/daemon.sh"
trap end_of_test EXIT
need qemu-img cmp openssl
qemu-img --help | grep -q '\biscsi\b' || { echo "skipped: qemu-img has no iSCSI (qemu-block-extra)"; exit 77; }

name=iqn.2026-11.example.faultlun:lab
for block in 512 4096; do
  cat > "$tmp/config.json" << JSON
{"portals": [{"listen": "127.0.0.1:0"}], "control": {"listen": "127.0.0.1:0"},
 "targets": [{"name": "$name", "luns": [{"lun": 0, "backend": {"kind": "memory", "size": "96MiB"}, "block_size": $block}]}]}
JSON
  start_daemon "$faultlun" "$tmp/config.json"
  url=iscsi://$portal/$name/0
  # 40 MiB of data, a hole of 16 MiB, 40 MiB of data; the same octets in every run.
  head -c 83886080 /dev/zero | openssl enc -aes-128-ctr -nosalt -K 00112233445566778899aabbccddeeff -iv 0 > "$tmp/noise" 2> /dev/null
  truncate -s 96MiB "$tmp/source"
  dd if="$tmp/noise" of="$tmp/source" bs=1M count=40 conv=notrunc status=none
  dd if="$tmp/noise" of="$tmp/source" bs=1M count=40 skip=40 seek=56 conv=notrunc status=none
  qemu-img convert -n -f raw -O raw "$tmp/source" "$url"
  qemu-img convert -f raw -O raw "$url" "$tmp/back" 2> >(grep -v 'GET_LBA_STATUS failed' >&2)
  cmp "$tmp/source" "$tmp/back"
  qemu-img info -f raw "$url" | grep -q '96 MiB'
  stop_daemon
  rm -f "$tmp/source" "$tmp/back"
done
echo "two images of 96 MiB went there and back unchanged"
