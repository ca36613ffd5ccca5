#!/bin/bash
# Layers: made while later steps run, only of what is in the image.
source "$(dirname "$0")/lib.sh"

base=$(busybox)
mkdir context && cd context
cat >Dockerfile <<'END'
FROM busybox AS tools
RUN head -c 30000000 /dev/urandom >/big-tool

FROM busybox
RUN head -c 20000000 /dev/urandom >/data
COPY --from=tools /bin/busybox /copied
RUN sleep 6
END
big_blobs() { find "$SLIPWAY_ROOT/blobs" -size +10000k 2>/dev/null | wc -l; }

# The layer of the first step is there before the last one ends.
slipway build --build-context "busybox=$base" -t image . >"$work/log" 2>&1 &
pid=$!
background+=($pid)
for _ in $(seq 100); do
  [ "$(big_blobs)" = 0 ] || break
  kill -0 $pid 2>/dev/null || break
  sleep 0.1
done
kill -0 $pid 2>/dev/null || fail "no layer was made while the last step ran"
wait $pid || fail "the build failed"
equal "$(big_blobs)" 1 "the stage that is only copied from needs no layer"

# An output without layers makes none.
rm -rf "$SLIPWAY_ROOT"
build --build-context "busybox=$base" -o "type=local,dest=$work/tree" .
equal "$(big_blobs)" 0

# A build that fails leaves the layer that it was at behind, or nothing; either way it ends soon.
rm -rf "$SLIPWAY_ROOT"
sed -i 's/RUN sleep 6/RUN false/' Dockerfile
expect_exit 1 slipway build --build-context "busybox=$base" -t image .
