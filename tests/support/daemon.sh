# shellcheck shell=bash disable=SC2154
# Sourced by test scripts: the daemon as a background process.
# start_daemon FAULTLUN CONFIG   waits for the ready line; sets `portal` (ADDRESS:PORT of the first portal) and `daemon`
# stop_daemon                    SIGTERM; fails unless it exits 0
# $tmp must be a directory of the caller's, which end_of_test removes; `trap end_of_test EXIT` does.
daemon=
portal=

start_daemon() {
  "$1" serve --config "$2" > "$tmp/ready" 2> "$tmp/daemon.log" &
  daemon=$!
  for _ in $(seq 200); do
    grep -q '^ready ' "$tmp/ready" && break
    kill -0 "$daemon" 2> /dev/null || break
    sleep 0.05
  done
  portal=$(sed -n 's/^ready iscsi=\([^ ,]*\).*/\1/p' "$tmp/ready")
  [ -n "$portal" ] && return
  echo "the target did not start:"
  cat "$tmp/daemon.log"
  exit 1
}

stop_daemon() {
  local rc
  [ -n "$daemon" ] || return 0
  kill "$daemon" 2> /dev/null
  wait "$daemon"
  rc=$?
  daemon=
  [ "$rc" = 0 ] && return
  echo "the target ended with status $rc:"
  tail -20 "$tmp/daemon.log"
  return 1
}

end_of_test() {
  stop_daemon || true
  rm -rf "$tmp"
}

need() { # PROGRAM...: 77 tells ctest that the test was skipped
  local program
  for program; do
    command -v "$program" > /dev/null || { echo "skipped: $program is not installed"; exit 77; }
  done
}
