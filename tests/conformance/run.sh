#!/usr/bin/env bash
# iscsi-test-cu (Debian's libiscsi-bin) against the lab LUN, every test in a process of its own.  What that LUN's nature
# rules out (it is no removable medium, not write-protected, too large for READ(6) to reach its end) runs again on a
# second and third unit; those lines say `@removable` or `@read_only` and do not count as passes of the lab LUN.
#
# The program counts a skipped test as passed and shows some skips only in its verbose log, so the log is read: a test
# passes only when nothing of it was skipped.  Fails when a test fails, when the skips differ from expected_skips.txt,
# or when no more than 156 pass (what tgt passes).
#
# Usage: run.sh FAULTLUN [SIZE]      the daemon's program file; the LUN's size (1GiB, the default lab LUN)
set -uo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
faultlun=${1:?usage: run.sh FAULTLUN [SIZE]}
size=${2:-1GiB}
least=157
limit=60  # seconds one test may take

tmp=$(mktemp -d)
portal=
daemon=
# shellcheck source=/dev/null  # sets daemon, portal
. "$here/../support/daemon.sh"
trap end_of_test EXIT
need iscsi-test-cu awk timeout

name=iqn.2026-11.example.faultlun:lab
cat > "$tmp/config.json" << JSON
{"portals": [{"listen": "127.0.0.1:0"}], "control": {"listen": "127.0.0.1:0"},
 "targets": [{"name": "$name", "luns": [
   {"lun": 0, "backend": {"kind": "memory", "size": "$size"}},
   {"lun": 1, "backend": {"kind": "memory", "size": "512MiB"}, "removable": true},
   {"lun": 2, "backend": {"kind": "memory", "size": "512MiB"}, "read_only": true}]}]}
JSON
start_daemon "$faultlun" "$tmp/config.json"
lun() { echo "iscsi://$portal/$name/$1"; }

# Each distinct SUITE.TEST once, under the first family that lists it.
iscsi-test-cu --list 2> /dev/null | awk -F. 'NF == 3 && !seen[$2 "." $3]++ { print $0 }' > "$tmp/tests"
[ -s "$tmp/tests" ] || { echo "iscsi-test-cu lists no tests"; exit 1; }

# One log -> "result<TAB>reason".  A skip says so in its last line; after a check that ran it makes the test partial.
cat > "$tmp/read.awk" << 'AWK'
function clean(s) {
  sub(/^ +/, "", s)
  sub(/^[0-9]+-[0-9]+-[0-9]+ [0-9]+:[0-9]+:[0-9.]+ +/, "", s)
  gsub(/[ \t\r]+/, " ", s)
  return s
}
function left_out(s) {
  return s ~ /\[SKIPP(ED|ING)\]/ || s ~ /Skipping/ || s ~ /Skip the read/ || s ~ /^SWP is not changeable/ ||
         s ~ /does not support 0-blocks/ || s ~ /^No tests for devices/ || s ~ /^PERSISTENT RESERVE op .* not supported/
}
function note(s) {
  s = clean(s)
  if (s == "" || verdict != "") return
  if (left_out(s)) { sub(/^\[SKIPP(ED|ING)\] */, "", s); skip = s; last = "skip"; return }
  last = "other"
  if (s ~ /^\[FAILED\]/ || s ~ /^iscsi_service failed/) failure = failure == "" ? s : failure
}
/^  Test: [^ ]+ \.\.\./ { begun = 1; line = $0; sub(/^  Test: [^ ]+ \.\.\./, "", line); $0 = line }
!begun { next }
/^Run Summary:/ { summary = 1 }
summary && $1 == "tests" { failed = $5 }
summary { next }
verdict == "" && /^(passed|FAILED)/ { verdict = substr($0, 1, 6); next }
verdict == "" && /(passed|FAILED)$/ { v = substr($0, length($0) - 5); note(substr($0, 1, length($0) - 6)); verdict = v; next }
verdict == "FAILED" && /^    [0-9]+\. / && failure == "" { failure = clean($0) }
{ note($0) }
END {
  if (!begun) print "fail\tthe test did not start"
  else if (rc == 124 || rc == 137) print "fail\tran past its time limit"
  else if (verdict == "") print "fail\tthe program died"
  else if (verdict == "FAILED" || failed > 0) print "fail\t" failure
  else if (skip == "") print "pass\t"
  else print (last == "skip" ? "skip" : "partial") "\t" skip
}
AWK

# SUITE-PATTERN LUN [TEST]: the outcome, of one TEST when the pattern means more than one.
run() {
  timeout -k 5 "$limit" iscsi-test-cu -V --dataloss --allow-sanitize -t "$1" "$(lun "$2")" "$(lun "$2")" \
    > "$tmp/raw" 2>&1 < /dev/null
  rc=$?
  awk -v test="${3:-}" '/^  Test: / { mine = (test == "" || $2 == test) } mine || /^Run Summary/ || test == ""' \
    "$tmp/raw" | awk -v rc="$rc" -f "$tmp/read.awk"
}
record() { # NAME OUTCOME
  printf '%s\t%s\n' "$1" "$2" | tee -a "$tmp/results"
  kill -0 "$daemon" 2> /dev/null || { echo "the target died during $1"; tail -20 "$tmp/daemon.log"; exit 1; }
}

: > "$tmp/results"
while read -r test; do
  short=${test#*.}
  case $short in
    # Looks at a flag that only the test before it sets: fails alone with every target.
    iSCSITMF.LUNResetSimpleAsync) outcome=$(run "${test%.*}" 0 LUNResetSimpleAsync) ;;
    *) outcome=$(run "$test" 0) ;;
  esac
  record "$short" "$outcome"
  case $short:$outcome in
    *emovable* | Read6.*) record "$short@removable" "$(run "$test" 1)" ;;
    *write-protected*) record "$short@read_only" "$(run "$test" 2)" ;;
  esac
done < "$tmp/tests"

# Skips and partial passes must be the expected ones, no more and no fewer.
awk -F'\t' '$2 == "skip" || $2 == "partial" { print $1 }' "$tmp/results" | sort > "$tmp/skipped"
sed -n 's/^\([A-Za-z0-9]*\.[^ :]*\): ..*/\1/p' "$here/expected_skips.txt" | sort > "$tmp/expected"
count() { awk -F'\t' -v r="$1" '$1 !~ /@/ && $2 == r { n++ } END { print n + 0 }' "$tmp/results"; }
passed=$(count pass)
failed=$(awk -F'\t' '$2 == "fail"' "$tmp/results" | wc -l)
bad=0
echo
if ! diff "$tmp/expected" "$tmp/skipped" > "$tmp/diff"; then
  echo "the skips differ from expected_skips.txt (< expected but ran, > skipped unexpectedly):"
  grep '^[<>]' "$tmp/diff"
  bad=1
fi
if [ "$failed" -gt 0 ]; then
  echo "failed:"
  awk -F'\t' '$2 == "fail" { print "  " $1 ": " $3 }' "$tmp/results"
  bad=1
fi
if [ "$passed" -lt "$least" ]; then
  echo "fewer than $least tests passed"
  bad=1
fi
stop_daemon || bad=1
echo "$(grep -vc @ "$tmp/results") tests of the lab LUN: $passed passed, $failed failed, $(count skip) skipped, $(count partial) in part"
exit "$bad"
