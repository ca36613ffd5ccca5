#!/bin/bash
# Automatic collection after a build, prune beside a running build, and layers that are made again after their blobs
# were dropped: always the same bytes.
source "$(dirname "$0")/lib.sh"

base=$(busybox)
mkdir context && cd context
for i in $(seq 40); do seq $((i * 1000)) $((i * 1500)) >"file$i"; done
cat >Dockerfile <<'EOF'
FROM busybox AS files
COPY file* /files/
RUN mkdir /made && for f in /files/*; do sort -r $f >/made/$(basename $f); done
FROM files
RUN echo more >>/made/file7
EOF
build_with() { build --build-context "busybox=$base" -o "type=image,name=made:v1,$1" --build-arg SOURCE_DATE_EPOCH=1 --iidfile "$work/id" .; }
blobs() { slipway du --filter type=blob,inuse=false --format '{{.ID}}'; }

# Layers that were dropped are the same when they are made again: all of them, then one at a time, so that the others'
# pieces are copied from.
for how in compression=gzip compression=zstd compression=gzip,compression-level=9; do
  build_with "$how"
  wanted=$(cat "$work/id")
  slipway rmi made:v1 >"$work/out"
  slipway prune -f --filter type=blob >"$work/out"
  equal "$(blobs | wc -l)" 1 "only the layer of the base image cannot be made again"
  build_with "$how"
  equal "$(ran RUN)" 0 "no step runs again"
  equal "$(cat "$work/id")" "$wanted" "$how: all layers made again"
  slipway rmi made:v1 >"$work/out"
  for blob in $(blobs); do
    slipway prune -f --filter "id=$blob" >"$work/out"
    build_with "$how"
    equal "$(cat "$work/id")" "$wanted" "$how: $blob made again"
    slipway rmi made:v1 >"$work/out"
  done
done

# A collection that is due runs behind the build and takes what is above the limit; one that is not does not.
export SLIPWAY_GC=on SLIPWAY_GC_MAX_USED_SPACE=1
build_with compression=gzip
sleep 1
[ -n "$(slipway du --filter type=regular --format '{{.ID}}')" ] || fail "a collection that was not due"
touch -d '2 hours ago' "$SLIPWAY_ROOT/locks/collected"
build_with compression=gzip
for _ in $(seq 100); do
  [ -n "$(slipway du --filter type=regular --format '{{.ID}}')" ] || break
  sleep 0.1
done
equal "$(slipway du --filter type=regular --format '{{.ID}}')" "" "the collection did not run"
[ -n "$(find "$SLIPWAY_ROOT/locks/collected" -mmin -1)" ] || fail "the collection is not noted"
for _ in $(seq 100); do pgrep -f "prune --gc" >/dev/null || break; sleep 0.1; done
slipway save made:v1 2>"$work/log" | SLIPWAY_ROOT=$work/other slipway load -q >"$work/out"
export SLIPWAY_GC=off

# What a running build uses stays.
cat >Dockerfile <<'EOF'
FROM busybox
RUN --mount=type=cache,target=/cache echo first >/first; echo cached >/cache/it
RUN --mount=type=cache,target=/cache echo sleeping; sleep 4; cat /first /cache/it
EOF
slipway build --build-context "busybox=$base" . >"$work/out" 2>"$work/log" &
pid=$!
for _ in $(seq 200); do ! grep -q 'sleeping$' "$work/log" || break; sleep 0.05; done
SLIPWAY_GC_MAX_USED_SPACE=1 slipway prune --gc -f >"$work/pruned"
slipway prune -af >>"$work/pruned"
wait "$pid" || fail "the build lost what it used"
logged ' cached$'

# Mistakes are named.
expect_exit 1 slipway prune --gc --all -f
logged 'goes with no filter'
SLIPWAY_GC_MAX_USED_SPACE=lots expect_exit 1 slipway prune --gc -f
logged 'SLIPWAY_GC_MAX_USED_SPACE'
equal "$(slipway prune -f --keep-duration 1h)" "Total: 0B"
expect_exit 1 slipway prune -f --keep-duration soon
nothing_left
