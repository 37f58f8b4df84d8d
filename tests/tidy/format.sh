#!/usr/bin/env bash
# Is every source laid out as .clang-format says?  `tests/tidy/format.sh --fix` makes it so.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

tool=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$tool" ] || ! "$tool" --version | grep -q 'version 14\.'; then
  echo 'SKIP: no clang-format 14 (another version lays out differently)'
  exit 77
fi
mode=(--dry-run -Werror)
if [ "${1:-}" = --fix ]; then mode=(-i); fi
if ! git rev-parse --git-dir >/dev/null 2>&1; then
  echo 'SKIP: not a git checkout'
  exit 77
fi
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp' | sort -u)
present=()
for file in "${files[@]}"; do if [ -f "$file" ]; then present+=("$file"); fi; done
printf '%s\0' "${present[@]}" | xargs -0 -n 16 -P "$(nproc)" "$tool" --style=file "${mode[@]}"
