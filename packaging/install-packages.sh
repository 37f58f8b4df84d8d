#!/usr/bin/env bash
# Installs the Debian packages named in the given lists, if any of them is missing.  Says what it installs, never asks,
# starts no service, and touches neither apt nor the network when everything is there.
# Usage: packaging/install-packages.sh LIST...
set -euo pipefail

mapfile -t wanted < <(sed 's/[[:space:]]*#.*//; /^[[:space:]]*$/d' "$@" | sort -u)
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
  sed -n 's/ installed$//p' || true)
mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}") <(sort -u <<<"$installed"))
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    printf 'faultlun: these packages are missing, and there is neither root nor sudo to install them: %s\n' \
      "${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
printf 'faultlun: installing %s\n' "${missing[*]}" >&2
if [[ " ${missing[*]} " == *" libboost1.81-dev "* ]] && dpkg-query -W libboost1.74-dev >/dev/null 2>&1; then
  printf 'faultlun: libboost1.81-dev takes the place of libboost1.74-dev (Debian allows only one of them)\n' >&2
fi

# A package that brings a daemon must not start it: we want its program, not its service.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0
  -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)
install_missing() { "${apt[@]}" install --no-install-recommends "${missing[@]}" >&2 </dev/null; }
update_lists() { "${apt[@]}" update >&2 </dev/null; }

# The lists of a fresh machine are empty or old: fetch them first or after a failure, not every time.
if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
  update_lists
  install_missing
elif ! install_missing; then
  printf 'faultlun: that failed; fetching the package lists and trying once more\n' >&2
  update_lists
  install_missing
fi
