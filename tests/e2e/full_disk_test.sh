#!/bin/bash
# A disk that fills up in the middle of a build, wherever that is: a message that says what to do, a store that
# prune can empty, and a next build that makes the right image.
if [ -z "${SLIPWAY_FULL_MOUNTS:-}" ] && [ "$(id -u)" = 0 ]; then
  SLIPWAY_FULL_MOUNTS=1 exec unshare -m "$0"  # what is mounted here goes with us
fi
source "$(dirname "$0")/lib.sh"

base=$(busybox)
mkdir -p context/files && cd context
for i in $(seq 100); do head -c 20000 /dev/urandom >"files/$i"; done
cat >Dockerfile <<'EOF'
FROM busybox AS one
RUN for i in 1 2 3 4; do dd if=/dev/urandom of=/data$i bs=100000 count=10 || exit 1; done
COPY files /files
FROM busybox
COPY --from=one /data1 /files /made/
RUN --mount=type=cache,target=/cache dd if=/dev/zero of=/cache/file bs=100000 count=10 && cat /made/* >/all
EOF
build_here() {
  slipway build --build-context "busybox=$base" -t full:v1 "$@" . >"$work/out" 2>"$work/log"
}
store_of() { mkdir "$work/$1"; mount -t tmpfs -o "size=$2" none "$work/$1"; export SLIPWAY_ROOT=$work/$1/store; }

store_of enough 200m
build_here || fail "the build fails with room enough"
needed=$(($(du -sm "$SLIPWAY_ROOT" | cut -f1) + 4))
umount "$work/enough"

failed=0
for step in $(seq 3 12); do
  store_of "disk$step" $((needed * step * 1024 / 12))k
  if ! build_here; then
    failed=$((failed + 1))
    logged 'No space left on device'
    logged '^hint: .*the disk of the store .*slipway prune'
    slipway du >"$work/out" 2>"$work/log" || fail "du fails at $step/12"
    slipway prune -af >"$work/out" 2>"$work/log" || fail "prune fails at $step/12"
    rmdir "$SLIPWAY_ROOT/tmp/trash" 2>/dev/null || true  # stays, for those who throw things away beside prune
    equal "$(ls "$SLIPWAY_ROOT/snapshots" "$SLIPWAY_ROOT/blobs/sha256" "$SLIPWAY_ROOT/tmp" | wc -w)" 4 "left at $step/12"
    mount -o "remount,size=200m" "$work/disk$step"
    build_here || fail "the build fails after prune ($step/12)"
    not_logged 'WARNING'
  fi
  slipway save full:v1 2>"$work/log" | SLIPWAY_ROOT=$work/other slipway load -q >"$work/out"
  umount "$work/disk$step"
done
[ $failed -ge 4 ] || fail "only $failed of 10 disks were too small"

# A disk that something else has filled to the last byte can be pruned.
store_of other_use 200m
build_here || fail "the build fails with room enough"
slipway rmi full:v1 >"$work/out"
cat /dev/zero >"$work/other_use/filler" 2>/dev/null || true
slipway prune -af >"$work/out" 2>"$work/log" || fail "prune fails on a full disk"
equal "$(slipway du --filter type=regular --format '{{.ID}}')" ""
rm "$work/other_use/filler"
build_here || fail "the build fails after prune of a full disk"

# No inodes: not damage, nothing is set aside.
umount "$work/other_use"
mkdir "$work/inodes"
mount -t tmpfs -o size=200m,nr_inodes=3000 none "$work/inodes"
export SLIPWAY_ROOT=$work/inodes/store
build_here || fail "the build fails with inodes enough"
(set +e; for i in $(seq 3000); do : >"$work/inodes/$i" || exit 0; done) 2>/dev/null
echo changed >files/1
expect_exit 102 slipway build --build-context "busybox=$base" .
logged '^hint: .*the disk of the store .*slipway prune'
! ls "$SLIPWAY_ROOT"/*damaged* 2>/dev/null || fail "a full disk is taken for damage"
slipway prune -af >"$work/out" 2>"$work/log" || fail "prune fails without inodes"
find "$work/inodes" -maxdepth 1 -type f -delete
build_here || fail "the build fails after prune"

# A destination that is full is another matter: the store is not to blame.
mkdir "$work/small"
mount -t tmpfs -o size=1m none "$work/small"
for output in type=oci,dest=FILE.tar type=tar,dest=FILE.tar type=local,dest=FILE; do
  expect_exit 102 slipway build --build-context "busybox=$base" -o "${output/FILE/$work/small/out}" .
  logged 'No space left on device'
  logged "^hint: .*$work/small"
  not_logged 'slipway prune'
  [ "$output" = "type=local,dest=FILE" ] || equal "$(ls "$work/small")" "" "$output leaves something"
  rm -rf "$work/small/out"
done
umount "$work/small" "$work/inodes"
nothing_left
