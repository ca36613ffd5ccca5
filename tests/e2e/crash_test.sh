#!/bin/bash
# kill -9 and power cuts at random points of a build: the next build succeeds and makes the image that a clean
# store makes, and prune leaves nothing. SLIPWAY_CRASH_ROUNDS and SLIPWAY_CRASH_SEED say how often and where.
#
# A power cut: the store is on an ext4 of its own that is shut down without writing its journal, then mounted again.
# Before that, the log of the database or some of the files are synced, so that what is on disk is torn: rows whose
# files were lost, files without rows.
if [ -z "${SLIPWAY_CRASH_MOUNTS:-}" ] && [ "$(id -u)" = 0 ]; then
  SLIPWAY_CRASH_MOUNTS=1 exec unshare -m "$0"  # what is mounted here goes with us
fi
source "$(dirname "$0")/lib.sh"
for tool in mkfs.ext4 sqlite3 python3; do command -v $tool >/dev/null || skip "there is no $tool"; done

rounds=${SLIPWAY_CRASH_ROUNDS:-50}
seed=${SLIPWAY_CRASH_SEED:-1}
RANDOM=$seed

disk=$work/disk
mkdir "$disk"
truncate -s 1G "$work/image"
mkfs.ext4 -q "$work/image"
plug_in() { mount -o loop "$work/image" "$disk"; }
plug_in || skip "there are no loop devices"

base=$(busybox)
mkdir -p context/files && cd context
for i in $(seq 150); do printf '%0300d\n' "$i" >"files/$i"; done
seq 200000 >files/big
cat >files/step.sh <<'EOF'
# The cache must be whole: each of its files has its digest beside it.
set -e
cd /cache
for sum in *.sum; do [ ! -e "$sum" ] || sha256sum -c -s "$sum" || { echo "TORN CACHE: $sum"; exit 9; }; done
cat /files/big /round >new && mv new "file-$(cat /round)"
sha256sum "file-$(cat /round)" >new && mv new "file-$(cat /round).sum"
mkdir -p /out/lib && ln -s lib /out/link
for i in 1 2 3 4 5 6 7 8; do head -c ${i}00000 /files/big >/out/lib/$i; done
ln /out/lib/1 /out/lib/hard
EOF
cat >Dockerfile <<'EOF'
FROM busybox AS one
COPY files /files
RUN --mount=type=cache,target=/cache --mount=type=bind,source=round,target=/round sh /files/step.sh
FROM busybox
COPY --from=one /out /out
COPY --link files /files
RUN --mount=type=bind,source=round,target=/round rm -r /out/lib/8 && cp -r /out /copy && echo done >/files/1
EOF
arguments=(build --build-context "busybox=$base" --build-arg SOURCE_DATE_EPOCH=1700000000
  -o "type=image,name=crash:v1,rewrite-timestamp=true" --iidfile "$work/id" .)

echo 0 >round
SLIPWAY_ROOT=$work/clean slipway "${arguments[@]}" 2>"$work/log" || fail "the first build failed"
wanted=$(cat "$work/id")
started=$(date +%s%N)
rm -rf "$work/clean"
SLIPWAY_ROOT=$work/clean slipway "${arguments[@]}" 2>"$work/log" || fail "the second build failed"
longest=$((($(date +%s%N) - started) / 1000000))
equal "$(cat "$work/id")" "$wanted" "two clean builds"
export SLIPWAY_ROOT=$disk/store

cut_power() {
  python3 - "$disk" "$RANDOM" <<'EOF'
import fcntl, os, random, struct, sys
disk, chance = sys.argv[1], random.Random(int(sys.argv[2]))
kind = chance.randrange(3)
files = [os.path.join(disk, "store/metadata.db-wal")] if kind > 0 else []
if kind == 2:
    for directory, _, names in os.walk(os.path.join(disk, "store")):
        files += [os.path.join(directory, name) for name in names if chance.random() < 0.2]
for path in files:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        continue
    os.fsync(file)
    os.close(file)
EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
root = os.open(disk, os.O_RDONLY)
fcntl.ioctl(root, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
EOF
}

# The machine starts again: what was written under its last boot id was written under another one.
power_up() {
  # What the build left running ends when the disk is gone; on a busy machine that takes its time.
  for _ in $(seq 600); do umount "$disk" 2>/dev/null && break; sleep 0.1; done
  # Other namespaces may still have it: then a mount would give the file system that was shut down.
  for _ in $(seq 600); do losetup -j "$work/image" | grep -q . || break; sleep 0.1; done
  ! losetup -j "$work/image" | grep -q . || fail "the disk is still in use"
  plug_in || fail "the disk cannot be mounted again"
  [ -s "$SLIPWAY_ROOT/metadata.db" ] || return 0
  [ -n "$(sqlite3 "$SLIPWAY_ROOT/metadata.db" .tables)" ] || return 0
  sqlite3 "$SLIPWAY_ROOT/metadata.db" "UPDATE meta SET value = 'before' WHERE name = 'boot_id'"
  for table in snapshots blobs records cache_mounts; do
    sqlite3 "$SLIPWAY_ROOT/metadata.db" "UPDATE $table SET unsafe_boot = 'before' WHERE unsafe_boot NOTNULL"
  done
}

nothing_but_the_store() {
  slipway rmi crash:v1 >"$work/out" 2>&1 || true
  slipway prune -af >"$work/out" 2>"$work/log" || fail "prune failed"
  rmdir "$SLIPWAY_ROOT/tmp/trash" 2>/dev/null || true  # stays, for those who throw things away beside prune
  for place in snapshots:empty blobs/sha256: cache-mounts: tmp:; do
    equal "$(ls "$SLIPWAY_ROOT/${place%%:*}")" "${place#*:}" "left in ${place%%:*} after round $round"
  done
  counted=$(slipway du --format '{{.Bytes}}' | paste -sd+ | bc)
  there=$(du -sB1 "$SLIPWAY_ROOT" | cut -f1)
  [ $((counted - there)) -lt 65536 ] && [ $((there - counted)) -lt 65536 ] || fail "du says $counted, there is $there"
}

for round in $(seq "$rounds"); do
  echo "$round" >round
  setsid "$SLIPWAY" "${arguments[@]}" >"$work/out" 2>"$work/crashed" &
  pid=$!
  sleep "$(printf '0.%03d' $((RANDOM * longest / 32768 % 1000)))"
  kind=$((RANDOM % 2))
  if [ $kind = 0 ]; then
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  else
    cut_power
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    power_up
  fi
  slipway "${arguments[@]}" >"$work/out" 2>"$work/log" || fail "round $round (kind $kind, seed $seed): the build failed"
  equal "$(cat "$work/id")" "$wanted" "round $round, kind $kind, seed $seed"
  [ $kind = 1 ] || not_logged '^WARNING'
  [ $((round % 10)) != 0 ] || nothing_but_the_store
done
nothing_but_the_store
umount "$disk"
nothing_left
