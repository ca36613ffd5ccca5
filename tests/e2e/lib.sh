# Shared by the end-to-end tests: a store and a scratch directory of their own, checks, a registry.
# Each test: source this, then build, look, compare. SLIPWAY names the program under test.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SLIPWAY=${SLIPWAY:-$repository/build/release/slipway}
standins=${XDG_CACHE_HOME:-$HOME/.cache}/slipway/standins

fail() { echo "FAIL: $*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 77; }

[ -x "$SLIPWAY" ] || fail "no program at $SLIPWAY"
if [ "$(id -u)" != 0 ]; then skip "needs root"; fi

work=$(mktemp -d /var/tmp/slipway-e2e.XXXXXX)
export SLIPWAY_GC=off SLIPWAY_SYNC=wait  # nothing may go on behind a test
export SLIPWAY_ROOT=$work/store DOCKER_CONFIG=$work/docker BUILDKIT_PROGRESS=plain
mkdir "$work/docker" && echo "{}" >"$work/docker/config.json"
unset SOURCE_DATE_EPOCH
background=()
finish() {
  status=$?
  for pid in "${background[@]}"; do kill "$pid" 2>/dev/null || true; done
  [ $status = 0 ] || { [ -f "$work/log" ] && tail -40 "$work/log" >&2; }
  rm -rf --one-file-system "$work"
}
trap finish EXIT
cd "$work"

slipway() { "$SLIPWAY" "$@"; }

# Builds with the arguments; progress goes to $work/log. Fails the test when the build fails.
build() { slipway build "$@" >"$work/out" 2>"$work/log" || fail "slipway build $* exited with $?"; }

# Runs a command that must exit with CODE; its stderr goes to $work/log.
expect_exit() {
  local want=$1 got=0
  shift
  "$@" >"$work/out" 2>"$work/log" || got=$?
  [ "$got" = "$want" ] || fail "$* exited with $got, not $want"
}

# The log of the last build has (or has not) a line that matches.
logged() { grep -qE -- "$1" "$work/log" || fail "the log has no line matching: $1"; }
not_logged() { ! grep -qE -- "$1" "$work/log" || fail "the log has a line matching: $1"; }
cached_steps() { grep -cE '^#[0-9]+ CACHED$' "$work/log" || true; }

# How many steps whose name matches PATTERN really ran in the last build: ran 'RUN'
ran() {
  awk -v pattern="$1" '
    /^#[0-9]+ \[/ { name[$1] = $0 }
    /^#[0-9]+ DONE / && name[$1] ~ pattern { n++ }
    END { print n + 0 }' "$work/log"
}

equal() { [ "$1" = "$2" ] || fail "got \"$1\", want \"$2\"${3:+ ($3)}"; }

# The busybox base image: an OCI layout, made once per machine from Debian's package.
busybox() {
  local layout=$standins/busybox
  "$repository/tools/standin/make" busybox:latest "$layout" >/dev/null
  echo "oci-layout://$layout"
}

# A registry on loopback; sets $registry to HOST:PORT.
start_registry() {
  cat >"$work/registry.yml" <<EOF
version: 0.1
storage: {filesystem: {rootdirectory: $work/registry}, delete: {enabled: true}}
http: {addr: "127.0.0.1:0"}
EOF
  docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
  background+=($!)
  local port=
  for _ in $(seq 100); do
    port=$(sed -nE 's/.*listening on 127\.0\.0\.1:([0-9]+).*/\1/p' "$work/registry.log" | head -1)
    [ -z "$port" ] || break
    sleep 0.1
  done
  [ -n "$port" ] || fail "the registry did not start: $(cat "$work/registry.log")"
  registry=localhost:$port
}

# The file system of an image in an OCI layout, unpacked by umoci: unpack LAYOUT DIR. The image must have
# been built with a name whose tag is "latest".
unpack() {
  umoci raw unpack --image "$1:latest" "$2" >"$work/umoci.log" 2>&1 ||
    fail "umoci cannot unpack $1: $(cat "$work/umoci.log")"
}

# podman with a store of this test's own.
podman_here() { podman --root "$work/podman" --runroot "$work/podman-run" --storage-driver vfs "$@"; }

# Nothing of this test's store may still be mounted or running.
nothing_left() {
  ! grep -q "$work" /proc/mounts || fail "mounts are left: $(grep "$work" /proc/mounts)"
  ! pgrep -f "$work/store" >/dev/null || fail "processes are left: $(pgrep -af "$work/store")"
}
