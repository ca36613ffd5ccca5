#!/bin/bash
# Layers: made while later steps run, only of what is in the image, and split where they are big.
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

# A step with two big packages, in parts. It deletes, hides, replaces and links, too.
cat >Dockerfile <<'END'
FROM busybox AS base
RUN mkdir -p /opt/site-packages/old /opt/hidden && echo old >/opt/site-packages/old/f && echo x >/opt/hidden/x
RUN cd /opt && rm -r site-packages/old hidden && mkdir hidden site-packages/one site-packages/two && echo y >hidden/y \
 && head -c 36000000 /dev/urandom >site-packages/one/lib && head -c 36000000 /dev/urandom >site-packages/two/lib \
 && ln site-packages/one/lib site-packages/one/lib.2 && echo link >site-packages/two/l && ln site-packages/two/l /opt/l \
 && echo small >site-packages/small.py && chown 7:8 site-packages/two && chmod 2751 site-packages/one \
 && mkdir site-packages/empty && touch -t 200101010101 site-packages/empty site-packages hidden
RUN echo last >/last
END
image() { build --build-context "busybox=$base" -t image --layer-split="$2" -o "type=oci,dest=$work/$1,tar=false" .; }
listing() { (cd "$1" && find . -printf '%P %y %m %U:%G %s %T@ %l\n' | sort && find . -type f -exec sha256sum {} + | sort -k2 &&
             find . -type f -links +1 -printf '%i %P\n' | sort -k2 | awk '{ l[$1] = l[$1] " " $2 } END { for (i in l) print l[i] }' | sort); }
layers() { skopeo inspect "oci:$work/$1" | jq '.Layers | length'; }
image whole off
image split 30mb
equal "$(layers split)" $(($(layers whole) + 3)) "deleted files, one, two, the rest"
unpack "$work/whole" "$work/whole-tree" && unpack "$work/split" "$work/split-tree"
listing "$work/whole-tree" >"$work/whole-list" && listing "$work/split-tree" >"$work/split-list"
diff "$work/whole-list" "$work/split-list" >"$work/log" || fail "the parts are not the layer"
equal "$(skopeo inspect --config "oci:$work/split" | jq '.history | map(select(.empty_layer != true)) | length')" "$(layers split)"
skopeo inspect --config "oci:$work/split" | jq -r '.history[].comment' | grep -q 'part 2 of 4: opt/site-packages/one$' ||
  fail "the history does not name the parts"

# It is a base like any other, and its layers are used as they are.
cat >Dockerfile <<'END'
FROM split
RUN test ! -e /opt/site-packages/old && test ! -e /opt/hidden/x && [ "$(stat -c %a /opt/site-packages/one)" = 2751 ] && touch /on-top
END
build --build-context "split=oci-layout://$work/split" -t image -o "type=oci,dest=$work/on-top,tar=false" .
equal "$(skopeo inspect "oci:$work/on-top" | jq -c '.Layers[:-1]')" "$(skopeo inspect "oci:$work/split" | jq -c .Layers)"

expect_exit 1 slipway build --build-context "split=oci-layout://$work/split" --layer-split=big .
logged 'invalid value "big" of output option layer-split: auto, off or a size \(512mb\) expected'
