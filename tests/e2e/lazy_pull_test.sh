#!/bin/bash
# Of a base image no more is pulled than the build needs: its config where nothing reads its files, its layers' blobs
# where the output holds them, the files where a step runs.
source "$(dirname "$0")/lib.sh"

start_registry
skopeo copy -q --dest-tls-verify=false "$(busybox | sed s/oci-layout:../oci:/)" "docker://$registry/base:1"
layer=$(skopeo inspect --tls-verify=false "docker://$registry/base:1" | jq -r '.Layers[0]')
mkdir context && cd context
echo hello >a.txt
cat >Dockerfile <<DOCKERFILE
FROM $registry/base:1 AS metadata
ENV GREETING=hello
LABEL kind=metadata
CMD ["cat", "/a.txt"]
FROM metadata AS linked
COPY --link a.txt /
FROM linked
RUN cat /a.txt >/read
DOCKERFILE

fresh() { rm -rf "$SLIPWAY_ROOT"; lines=$(wc -l <"$work/registry.log"); }
# Whether the registry has sent the base's layer since fresh().
sent() {
  tail -n "+$((lines + 1))" "$work/registry.log" |
    grep -c "http.request.method=GET.*blobs/$layer.*http.response.status=200" || true
}
unpacked() { find "$SLIPWAY_ROOT/snapshots" -path '*/fs/bin/busybox' | wc -l; }

# What a build that reads nothing pushes is in the registry already.
fresh
build --target metadata -t "$registry/app:metadata" --push .
equal "$(sent)" 0
equal "$(skopeo inspect --tls-verify=false "docker://$registry/app:metadata" | jq -r '.Labels.kind, .Layers[0]')" \
  $'metadata\n'"$layer"
fresh
build --target linked -t "$registry/other/app:linked" --push .
equal "$(sent)" 0
skopeo copy -q --src-tls-verify=false "docker://$registry/other/app:linked" "oci:$work/pushed:latest"
unpack "$work/pushed" "$work/pushed-tree"
equal "$(cat "$work/pushed-tree/a.txt")" hello
[ -x "$work/pushed-tree/bin/busybox" ] || fail "the base's files are not in the image"

# The image is the one that a build with all files makes.
fresh
build -o type=cacheonly .
equal "$(sent)" 1
build --target linked -t "$registry/app:whole" --push .
equal "$(skopeo inspect --config --tls-verify=false "docker://$registry/app:whole" | jq -c '[.rootfs, .config]')" \
  "$(skopeo inspect --config --tls-verify=false "docker://$registry/other/app:linked" | jq -c '[.rootfs, .config]')"

# An output that holds the layers needs their blobs, but no files.
fresh
build --target linked -t x:latest -o "type=oci,tar=false,dest=$work/oci" .
equal "$(sent)" 1
equal "$(unpacked)" 0
unpack "$work/oci" "$work/oci-tree"
equal "$(cat "$work/oci-tree/a.txt")" hello
fresh
build --target linked -t x:latest .
equal "$(sent) $(unpacked)" "1 0"
slipway save -o "$work/saved.tar" x:latest >/dev/null 2>&1 || fail "save"
equal "$(skopeo inspect "oci-archive:$work/saved.tar" | jq ".Layers | length")" 2

# A step, and an output of files, needs them.
fresh
build -o "type=local,dest=$work/out-run" .
equal "$(cat "$work/out-run/read")" hello
fresh
build --target linked -o "type=local,dest=$work/out-linked" .
equal "$(cat "$work/out-linked/a.txt")" hello
[ -x "$work/out-linked/bin/busybox" ] || fail "the base's files are not there"
# The step is found again, whatever was asked for.
build --target linked -o "type=local,dest=$work/out-linked-2" .
equal "$(ran COPY)" 0

# A cache that such a build writes says what every other does.
fresh
build --target linked --cache-to "type=registry,ref=$registry/cache:1,mode=max" -t "$registry/app:cached" --push .
equal "$(sent)" 0
fresh
build --cache-from "$registry/cache:1" -o "type=local,dest=$work/out-cached" .
equal "$(ran COPY)" 0
equal "$(cat "$work/out-cached/read")" hello
nothing_left
