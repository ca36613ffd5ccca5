#!/bin/bash
# The same build in two stores gives the same bytes; when two builds differ, `history diff` names what and who.
source "$(dirname "$0")/lib.sh"

base=$(busybox)
mkdir context && cd context
cat >Dockerfile <<'END'
FROM busybox AS builder
ARG SOURCE_DATE_EPOCH
RUN mkdir -p /out/deep && seq 100000 >/out/numbers && ln /out/numbers /out/deep/linked && ln -s numbers /out/link && \
    chown 12:34 /out/deep && chmod 4755 /out/deep/linked && date -d "@$SOURCE_DATE_EPOCH" >/out/when
FROM busybox
WORKDIR /app
COPY --from=builder /out ./out
COPY --link src src
ADD archive.tar.gz unpacked/
RUN for i in $(seq 60); do dd if=/dev/zero of=/app/big$i bs=1024 count=64; done 2>/dev/null; rm -rf /etc/removed
RUN echo "$(cat out/when)" >stamp
LABEL made=here
END
mkdir src && echo one >src/a && seq 1000 >src/b && tar -C src -czf archive.tar.gz a b

# Into OCI layouts: twice, in stores of their own, from copies of the context with other times.
made() {
  local name=$1
  shift
  cp -r . "$work/$name" && find "$work/$name" -exec touch -d "now - $((RANDOM % 999)) minutes" {} +
  SLIPWAY_ROOT=$work/store-$name build --build-context "busybox=$base" --build-arg SOURCE_DATE_EPOCH=1700000000 \
    --layer-split 1mb --provenance=false -o "type=oci,dest=$work/$name.oci,tar=false,rewrite-timestamp=true$compression" "$@" "$work/$name"
  rm -rf "${work:?}/$name"
}
digest() { jq -r .manifests[0].digest "$work/$1.oci/index.json"; }
for compression in "" ",compression=zstd,force-compression=true" ",compression=uncompressed,force-compression=true"; do
  made first
  sleep 1.1
  made second
  equal "$(digest first)" "$(digest second)" "two builds$compression"
  equal "$(cd "$work/first.oci" && find . -type f | sort | xargs cat | sha256sum)" \
    "$(cd "$work/second.oci" && find . -type f | sort | xargs cat | sha256sum)" "all bytes$compression"
  slipway history diff --exit-code "$work/first.oci" "oci-layout://$work/second.oci" >"$work/out"
  grep -q "The same image" "$work/out" || fail "history diff: $(cat "$work/out")"
  rm -rf "$work"/first.oci "$work"/second.oci "$work"/store-*
done

# What differs is told: by builds, by images, by layouts.
cat >Dockerfile <<'END'
FROM busybox
COPY src /src
RUN echo "$RANDOM$(cat /proc/sys/kernel/random/uuid)" >/id && mkdir /d && echo same >/d/same && touch /d/$(cat /variant)
LABEL variant=
END
variant() {
  sed -i "s/^LABEL.*/LABEL variant=$1/; s/^COPY.*/COPY src \/src\nRUN echo $1 >\/variant/" Dockerfile
  sed -i "/^RUN echo [a-z]* >/{n;/^RUN echo [a-z]* >/d}" Dockerfile
}
variant left && build --build-context "busybox=$base" -t left .
chmod 700 src/a && touch -d @1000000000 src/b && echo three >src/c
variant right && build --build-context "busybox=$base" -t right -o "type=image" -o "type=oci,dest=$work/right.oci,tar=false" .
expect_exit 1 slipway history diff --exit-code ^1 ^0
said() { grep -qE -- "$1" "$work/out" || fail "history diff does not say: $1
$(cat "$work/out")"; }
said 'config\.Labels\.variant: "left" -> "right"'
said '/src/a: mode 0644 -> 0700.*layer [0-9]+: COPY src /src'
said '/src/c: only in B \(file; layer [0-9]+: COPY src /src'
said '/id: content .*layer [0-9]+: RUN .*random'
said '/d/left: only in A'
said '/d/right: only in B'
! grep -qE '/(d/same|bin/busybox):' "$work/out" | grep -v mtime || fail "a file that is the same is named"
slipway history diff left "oci-layout://$work/right.oci" --format json >"$work/json"
equal "$(jq -c '[.Equal, (.Files[] | select(.Path == "/id") | .Changes[0], .A.Type, .B.Step[0:3])]' "$work/json")" \
  '[false,"content","file","RUN"]'
equal "$(jq -c '.Files[] | select(.Path == "/src/c") | [.Changes, .A]' "$work/json")" '[["only in B"],null]'
expect_exit 0 slipway history diff right "oci-layout://$work/right.oci"
expect_exit 1 slipway history diff left nothing
logged "nothing is no build, no local image and no OCI layout"
nothing_left
