#!/usr/bin/env bash
# Configures (only when needed) and builds a preset of CMakePresets.json.  Quick when nothing changed; prints to
# standard error only; two builds of one checkout wait for each other.
# Usage: [FAULTLUN_UNITY=OFF] packaging/build.sh PRESET [TARGET...]   (OFF: each file by itself, for work on a few of them)
set -euo pipefail
preset=$1
shift
top=$(dirname "$(dirname "$(readlink -f "$0")")")
dir=$top/build/$preset
mkdir -p "$dir"
exec 9>"$dir/.lock" 1>&2
flock 9

# A checkout that moved has a cache of another place.
home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$dir/CMakeCache.txt" 2>/dev/null || true)
if [ -n "$home" ] && [ "$home" != "$top" ]; then
  printf 'faultlun: %s was configured for another checkout; starting afresh\n' "build/$preset"
  find "$dir" -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +
fi

if [ ! -f "$dir/build.ninja" ] || [ "$top/CMakePresets.json" -nt "$dir/build.ninja" ]; then
  launcher=()
  if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  cmake -S "$top" --preset "$preset" ${FAULTLUN_UNITY:+-DFAULTLUN_UNITY=$FAULTLUN_UNITY} "${launcher[@]}"
fi
ninja -C "$dir" "$@" 9>&-
