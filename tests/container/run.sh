#!/usr/bin/env bash
# Builds the real image with a real Docker engine and starts it: ready, healthy, attachable, unprivileged, and gone in time.
# Needs no registry and leaves nothing behind outside build/container: the base image is made by mmdebstrap, the engine runs in a
# mount namespace of its own without any network change, and the container has no network but its own loopback.
# Exits 77 (skipped) with a `SKIP:` line where the kernel or the machine does not let us.
# Usage: tests/container/run.sh [PROGRAM], the iscsi-ls to log in with.
set -euo pipefail
top=$(dirname "$(readlink -f "$0")")/../..
top=$(readlink -f "$top")
state=$top/build/container
iscsi_ls=${1:-iscsi-ls}
PATH=/usr/bin:/usr/sbin:/bin:/sbin:$PATH  # the engine's own client: a newer one wants a plugin for BuildKit

skip() {
  printf 'SKIP: %s\n' "$*"
  exit 77
}
fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}
step() { printf '%s  %s\n' "$(date +%T)" "$*"; }

# ---- outside: what it takes, the base image, then again inside a mount namespace of its own ----------------------------
if [ "${FAULTLUN_CONTAINER_INSIDE:-}" != 1 ]; then
  [ "$(id -u)" -eq 0 ] || skip "building an image needs root here"
  for tool in mmdebstrap dockerd docker mount nsenter "$iscsi_ls"; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
  done
  unshare -m --propagation private true 2>/dev/null || skip "the kernel gives us no mount namespace"
  mkdir -p "$state"
  exec 9>"$state/.lock"
  flock 9
  # A base image older than a week would miss security fixes; the package mirror is asked for a new one.
  if [ -z "$(find "$state/base.tar" -mtime -7 2>/dev/null)" ]; then
    step "making the base image with mmdebstrap"
    rm -rf "$state/docker" "$state/base.tar"
    # shellcheck disable=SC2016  # $1 is mmdebstrap's
    mmdebstrap --quiet --variant=apt --include=ca-certificates \
      --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
      --dpkgopt='path-exclude=/usr/share/locale/*' \
      --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' bookworm "$state/base.tmp.tar" ||
      skip "mmdebstrap could not make a base image (see above)"
    mv "$state/base.tmp.tar" "$state/base.tar"
  fi
  FAULTLUN_CONTAINER_INSIDE=1 exec unshare -m --propagation private "$0" "$iscsi_ls"
fi

# ---- inside ----------------------------------------------------------------------------------------------------------
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
  umount -R /sys/fs/cgroup 2>/dev/null || true
  mount -t cgroup2 none /sys/fs/cgroup || skip "no cgroup2 here"
fi
run=$(mktemp -d)
name=faultlun-$$
engine=
export DOCKER_HOST=unix://$run/docker.sock DOCKER_BUILDKIT=1 DOCKER_CONFIG=$run/client

cleanup() {
  if [ -n "$engine" ]; then
    docker rm -f "$name" >/dev/null 2>&1 || true
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
  fi
  umount "$run"/exec/netns/* 2>/dev/null || true
  rm -rf "$run"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

start_engine() {  # STORAGE-DRIVER
  dockerd --data-root "$state/docker" --exec-root "$run/exec" --pidfile "$run/docker.pid" --host "$DOCKER_HOST" \
    --bridge=none --iptables=false --ip6tables=false --ip-masq=false --ip-forward=false \
    --storage-driver "$1" >"$state/dockerd.log" 2>&1 9>&- &
  engine=$!
  for _ in $(seq 150); do
    if docker version >/dev/null 2>&1; then return 0; fi
    kill -0 "$engine" 2>/dev/null || break
    sleep 0.2
  done
  kill "$engine" 2>/dev/null || true
  wait "$engine" 2>/dev/null || true
  engine=
  return 1
}
step "starting an engine"
if ! start_engine overlay2 && ! start_engine vfs; then
  tail -n 5 "$state/dockerd.log"
  skip "a Docker engine does not start here (see above)"
fi

docker image inspect debian:bookworm-slim >/dev/null 2>&1 || docker import "$state/base.tar" debian:bookworm-slim >/dev/null
step "building the image"
# The unit tests ran outside, in three builds; FAULTLUN_IMAGE_UNIT_TESTS=ON runs them in here as well.
if ! docker build --network host --progress plain --build-arg "UNIT_TESTS=${FAULTLUN_IMAGE_UNIT_TESTS:-OFF}" \
  -t faultlun:test "$top" >"$state/build.log" 2>&1; then
  tail -n 60 "$state/build.log"
  fail "docker build (the whole log is build/container/build.log)"
fi
step "built: $(docker image inspect -f '{{.Size}}' faultlun:test | awk '{printf "%d MB", $1 / 1e6}')"

logs() { docker logs "$name" 2>&1; }
in_container() { docker inspect -f "$1" "$name"; }
docker run -d --name "$name" --network none --read-only --cap-drop ALL --security-opt no-new-privileges faultlun:test \
  >/dev/null || fail "docker run"

for _ in $(seq 100); do
  if docker logs "$name" 2>/dev/null | grep -q '^ready '; then break; fi
  sleep 0.1
done
docker logs "$name" 2>/dev/null | grep '^ready ' || {
  logs
  fail "no ready line within 10 s"
}
step "ready"

pid=$(in_container '{{.State.Pid}}')
awk '/^Uid:/ && ($2 != 10001 || $3 != 10001) {exit 1}' "/proc/$pid/status" || fail "it does not run as uid 10001"
awk '/^Cap(Eff|Prm|Amb):/ && $2 !~ /^0+$/ {exit 1}' "/proc/$pid/status" || fail "it has capabilities"
step "uid 10001, no capabilities"

listed=$(timeout 20 nsenter --net="/proc/$pid/ns/net" "$iscsi_ls" -s iscsi://127.0.0.1:3260) || {
  logs
  fail "iscsi-ls could not log in"
}
printf '%s\n' "$listed"
grep -q 'iqn.2026-11.example.faultlun:lab' <<<"$listed" || fail "the lab target is not listed"
grep -qi 'lun:0' <<<"$listed" || fail "LUN 0 is not listed"
if grep -q '0\.0\.0\.0' <<<"$listed"; then fail "0.0.0.0 is advertised"; fi
step "discovery and login"

health=
for _ in $(seq 200); do
  health=$(in_container '{{.State.Health.Status}}')
  if [ "$health" != starting ]; then break; fi
  sleep 0.1
done
[ "$health" = healthy ] || {
  docker inspect -f '{{json .State.Health}}' "$name"
  fail "the health check says $health"
}
step "healthy"

before=$(date +%s%N)
docker stop -t 20 "$name" >/dev/null
took=$((($(date +%s%N) - before) / 1000000))
status=$(in_container '{{.State.ExitCode}}')
[ "$status" -eq 0 ] || {
  logs
  fail "SIGTERM: exit status $status"
}
[ "$took" -lt 5000 ] || fail "SIGTERM: it took $took ms"
step "SIGTERM: exit status 0 after $took ms"

if command -v docker-compose >/dev/null; then
  docker-compose -f "$top/compose.yaml" config -q || fail "compose.yaml"
  step "compose.yaml is valid"
fi
