#!/bin/bash
# Who puts a build's results on disk: a process that the build leaves behind, or the build itself where it is told to.
source "$(dirname "$0")/lib.sh"
command -v sqlite3 >/dev/null || skip "there is no sqlite3"

base=$(busybox)
mkdir context && cd context
printf 'FROM busybox\nARG N\nRUN echo $N >/n\n' >Dockerfile
build_n() { build --build-context "busybox=$base" --build-arg "N=$1" -t "sync:$1" .; }
unsafe() {
  for table in snapshots blobs records; do
    sqlite3 "$SLIPWAY_ROOT/metadata.db" "SELECT count(*) FROM $table WHERE unsafe_boot NOTNULL"
  done | paste -sd+ | bc
}
note=$SLIPWAY_ROOT/locks/unsynced
until_synced() {
  for _ in $(seq 300); do [ -e "$note" ] || [ "$(unsafe)" != 0 ] || break; sleep 0.1; done
  [ ! -e "$note" ] || fail "a note is left"
  equal "$(unsafe)" 0 "rows that no barrier covered"
}

# The build waits: SLIPWAY_SYNC=wait (lib.sh), or CI.
build_n 1
equal "$(unsafe)" 0
unset SLIPWAY_SYNC
CI=true build_n 2
equal "$(unsafe)" 0

# It does not wait, and what it leaves behind holds no pipe of its reader's.
export CI= SLIPWAY_SYNC=background
timeout 60 bash -c "'$SLIPWAY' build --build-context 'busybox=$base' --build-arg N=3 -t sync:3 . 2>&1 | cat" >"$work/log"
until_synced
mkdir "$work/volume" && mount -t tmpfs none "$work/volume" && cp Dockerfile "$work/volume"
(cd "$work/volume" && build_n 4)
umount "$work/volume" || { umount -l "$work/volume"; fail "what a build leaves behind stays in its directory"; }
until_synced
slipway tag sync:3 sync:4
until_synced

# Nobody may have come to it: the next sync does.
SLIPWAY_SYNC=wait build_n 5
sqlite3 "$SLIPWAY_ROOT/metadata.db" "UPDATE records SET unsafe_boot = (SELECT value FROM meta WHERE name = 'boot_id')"
printf . >"$note"
slipway sync
equal "$(unsafe)" 0
[ ! -e "$note" ] || fail "sync left the note"
for _ in $(seq 100); do pgrep -f "$work/store" >/dev/null || break; sleep 0.1; done
nothing_left
