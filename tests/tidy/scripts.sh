#!/usr/bin/env bash
# Shell scripts through shellcheck, the service unit through systemd's own reader, the man page through groff, the compose file through a
# YAML reader: whatever of these the machine has.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
bad=0

shellcheck run test .ci/run packaging/*.sh packaging/completion/*.bash tests/*/*.sh || bad=1

if command -v systemd-analyze >/dev/null; then
  # The unit names a program that is not installed here; everything else it says counts.
  said=$(systemd-analyze --man=no verify packaging/systemd/faultlun.service 2>&1 | grep -F 'faultlun' |
    grep -vE 'is not executable|Failed to create .*/start' || true)
  if [ -n "$said" ]; then
    printf '%s\n' "$said"
    bad=1
  fi
else
  echo 'no systemd-analyze: the service unit is not checked'
fi

if command -v groff >/dev/null; then
  said=$(groff -man -Tutf8 -ww -z packaging/faultlun.1 2>&1)
  if [ -n "$said" ]; then
    printf '%s\n' "$said"
    bad=1
  fi
else
  echo 'no groff: the man page is not checked'
fi
exit "$bad"
