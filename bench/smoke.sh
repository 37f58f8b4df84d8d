#!/usr/bin/env bash
# smoke.sh BENCH DAEMON DAEMON-WITHOUT-FAULTS: the benchmarks of the whole path run, and say what they are asked for.
# What the figures are, nobody looks at.
set -euo pipefail
bench=$1
shift

# says WHAT LINE...: each line, an extended regular expression, is in the output of `faultlun_bench WHAT --quick`.
says() {
  local what=$1 output line
  shift
  output=$("$bench" "$what" --quick "${programs[@]}")
  for line in "$@"; do
    grep -qE "$line" <<<"$output" || { printf 'no line "%s" in the output of %s:\n%s\n' "$line" "$what" "$output"; exit 1; }
  done
}

programs=("$@")
number='-?[0-9]+\.[0-9]+'
says rule-cost '^reads, 4 KiB, depth 32' '^writes, 4 KiB, depth 32' \
  "^no rules: $number % of throughput, .*\(limit 2 %\)" "^1,000 rules: $number % of throughput, .*\(limit 5 %\)"
cells=()
for asked in 500 5000 50000; do
  for commands in 1 1000 14025; do cells+=("^asked $asked us, $commands sent at once, [0-9]+ in progress at most .* 1 ms\$"); done
  cells+=("^asked $asked us, 4 in progress beside 1000 that are held" "^asked $asked us, 4 in progress beside 14025 that are held")
done
says latency "${cells[@]}" '^ +target +p50 +-?[0-9]+ +p99' '^ +initiator +p50' '^ +timer +p50'
