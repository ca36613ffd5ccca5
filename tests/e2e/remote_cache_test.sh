#!/bin/bash
# Remote caches: written to a registry, a directory and into images, found again by a store that knows
# nothing, fetched only as far as needed, and shared with BuildKit.
source "$(dirname "$0")/lib.sh"

start_registry
skopeo copy -q --dest-tls-verify=false "$(busybox | sed s/oci-layout:../oci:/)" "docker://$registry/base:1"
mkdir context && cd context
echo hello >a.txt && echo world >b.txt
cat >Dockerfile <<DOCKERFILE
FROM $registry/base:1 AS build
WORKDIR /src
COPY a.txt .
RUN cat a.txt >out.txt && echo built >>out.txt
RUN --mount=type=cache,target=/cache --mount=type=bind,source=b.txt,target=/b.txt cat /b.txt >>out.txt
FROM $registry/base:1
ENV X=1
COPY --from=build /src/out.txt /out.txt
COPY --link b.txt /linked/b.txt
RUN echo final >/final
RUN --mount=type=bind,from=build,source=/src,target=/m cp /m/out.txt /final2
CMD ["cat", "/out.txt"]
DOCKERFILE

# A machine that has built nothing yet.
fresh() { rm -rf "$SLIPWAY_ROOT"; }
# How many layers' bytes the registry has sent since the last call.
sent=0
layers_sent() {
  local now
  now=$(grep -c 'http.request.method=GET.*blobs/sha256.*http.response.status=200' "$work/registry.log" || true)
  echo $((now - sent))
  sent=$now
}

# mode=max: every step is found, those of the first stage too; the image is the same.
build --cache-to "type=registry,ref=$registry/cache:max,mode=max" -t "$registry/app:1" --push .
equal "$(ran '(RUN|COPY)')" 7
skopeo inspect --raw --tls-verify=false "docker://$registry/cache:max" |
  jq -e '.config.mediaType == "application/vnd.buildkit.cacheconfig.v0"' >/dev/null || fail "no cache manifest"
image=$(skopeo inspect --tls-verify=false "docker://$registry/app:1" | jq -r .Digest)
fresh
layers_sent >/dev/null
build --cache-from "$registry/cache:max" -t "$registry/app:2" --push .
equal "$(ran '(RUN|COPY)')" 0
equal "$(layers_sent)" 2 "the cache's and the base image's config, no layer"
equal "$(skopeo inspect --tls-verify=false "docker://$registry/app:2" | jq -r .Digest)" "$image"

# One file of the first stage changes: its other steps are found, only what follows runs.
echo changed >b.txt
fresh
build --cache-from "type=registry,ref=$registry/cache:max" -o "type=oci,tar=false,dest=$work/changed" -t x:latest .
equal "$(ran 'RUN cat a.txt')" 0
equal "$(ran 'RUN --mount=type=cache')" 1
unpack "$work/changed" "$work/changed-tree"
equal "$(cat "$work/changed-tree/out.txt")" $'hello\nbuilt\nchanged'
# What was fetched is in the store now: the next build needs no cache.
build -o type=cacheonly .
equal "$(ran '(RUN|COPY)')" 0
echo world >b.txt

# mode=min: the layers of the image alone. A change at the end finds what is below it.
build --cache-to "type=registry,ref=$registry/cache:min" -o type=cacheonly .
fresh
sed 's/echo final/echo other/' Dockerfile >"$work/Dockerfile.other"
build --cache-from "$registry/cache:min" -f "$work/Dockerfile.other" -o type=cacheonly .
equal "$(ran 'COPY --from')" 0
equal "$(ran 'RUN echo other')" 1

# Older formats, other compression.
build --cache-to "type=registry,ref=$registry/cache:index,mode=max,image-manifest=false" -o type=cacheonly .
build --cache-to "type=registry,ref=$registry/cache:docker,oci-mediatypes=false,mode=max" -o type=cacheonly .
build --cache-to "type=registry,ref=$registry/cache:zstd,mode=max,compression=zstd,force-compression=true" \
  -o type=cacheonly .
skopeo inspect --raw --tls-verify=false "docker://$registry/cache:zstd" | jq -e \
  'all(.layers[] | select(.mediaType | contains(".layer.skeleton.") | not); .mediaType == "application/vnd.oci.image.layer.v1.tar+zstd")' \
  >/dev/null || fail "not all are zstd"
for format in index docker zstd; do
  fresh
  build --cache-from "$registry/cache:$format" -o "type=local,dest=$work/$format" .
  equal "$(ran '(RUN|COPY)')" 0 "$format"
  equal "$(cat "$work/$format/final2")" $'hello\nbuilt\nworld'
done

# Inside the image.
fresh
build --cache-to type=inline -t "$registry/app:inline" --push .
fresh
build --cache-from "$registry/app:inline" -t "$registry/app:again" --cache-to type=inline --push .
equal "$(ran 'COPY --from')" 0
equal "$(ran 'RUN echo final')" 0
equal "$(skopeo inspect --tls-verify=false "docker://$registry/app:again" | jq -r .Digest)" \
  "$(skopeo inspect --tls-verify=false "docker://$registry/app:inline" | jq -r .Digest)"

# A layer that is split has its parts in the cache, and the image is the same again.
mkdir "$work/big"
cat >"$work/big/Dockerfile" <<DOCKERFILE
FROM $registry/base:1
RUN mkdir -p /opt/site-packages/one /opt/site-packages/two && cd /opt/site-packages \
 && head -c 36000000 /dev/urandom >one/lib && head -c 36000000 /dev/urandom >two/lib
RUN echo x >/x
DOCKERFILE
fresh
build --layer-split 30mb --cache-to "type=registry,ref=$registry/cache:split" -t "$registry/big:1" --push "$work/big"
image=$(skopeo inspect --tls-verify=false "docker://$registry/big:1" | jq -r .Digest)
[ "$(skopeo inspect --tls-verify=false "docker://$registry/big:1" | jq '.Layers | length')" -gt 3 ] || fail "no split"
for store in empty filled; do
  [ $store = filled ] || fresh
  build --layer-split 30mb --cache-from "$registry/cache:split" -t "$registry/big:$store" --push "$work/big"
  equal "$(ran 'RUN')" 0
  equal "$(skopeo inspect --tls-verify=false "docker://$registry/big:$store" | jq -r .Digest)" "$image" "$store"
  build --layer-split 30mb --cache-from "$registry/cache:split" -o "type=local,dest=$work/big-$store" "$work/big"
done
equal "$(wc -c <"$work/big-empty/opt/site-packages/one/lib")" 36000000

# In a directory; its first use is no error, and tags live side by side.
fresh
build --cache-from "type=local,src=$work/cache" --cache-to "type=local,dest=$work/cache,mode=max" -o type=cacheonly .
logged 'WARN: cannot use the cache'
build --cache-to "type=local,dest=$work/cache,tag=other" -o type=cacheonly .
fresh
build --cache-from "type=local,src=$work/cache" -o "type=local,dest=$work/from-local" .
equal "$(ran '(RUN|COPY)')" 0
equal "$(cat "$work/from-local/out.txt")" $'hello\nbuilt\nworld'
digest=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "latest").digest' \
  "$work/cache/index.json")
fresh
build --cache-from "type=local,src=$work/cache,digest=$digest" -o type=cacheonly .
equal "$(ran '(RUN|COPY)')" 0

# A source that is not there warns; the next one is asked.
fresh
build --cache-from "$registry/cache:nothing" --cache-from "$registry/cache:max" -o type=cacheonly .
logged 'WARN: cannot use the cache .*cache:nothing'
equal "$(ran '(RUN|COPY)')" 0
# A target that cannot be written is an error, unless that is to be ignored.
expect_exit 1 slipway build --cache-to "type=registry,ref=localhost:1/x" -o type=cacheonly .
build --cache-to "type=registry,ref=localhost:1/x,ignore-error=true" -o type=cacheonly .
logged 'WARN: .*localhost:1'
# What is not there is refused by name.
expect_exit 1 slipway build --cache-to type=gha -o type=cacheonly .
logged 'type=gha is not supported'
expect_exit 1 slipway build --cache-to "type=registry,ref=$registry/x,mod=max" -o type=cacheonly .
logged 'did you mean "mode"'

# Bake and compose files have the same keys.
cat >docker-bake.json <<JSON
{"target": {"app": {"context": ".", "cache-from": ["$registry/cache:max"],
  "cache-to": ["type=local,dest=$work/bake-cache"], "output": ["type=cacheonly"]}}}
JSON
fresh
slipway bake app >"$work/out" 2>"$work/log" || fail "bake exited with $?"
equal "$(ran '(RUN|COPY)')" 0
[ -f "$work/bake-cache/index.json" ] || fail "bake wrote no cache"
cat >compose.yaml <<YAML
services:
  app:
    image: $registry/app:compose
    build: {context: ., cache_from: ["$registry/cache:max"], cache_to: ["type=registry,ref=$registry/cache:compose"]}
YAML
fresh
slipway bake -f compose.yaml --push app >"$work/out" 2>"$work/log" || fail "bake exited with $?"
equal "$(ran '(RUN|COPY)')" 0
skopeo inspect --raw --tls-verify=false "docker://$registry/cache:compose" >/dev/null
nothing_left

# BuildKit reads what we wrote, and we what it wrote.
peers=${SLIPWAY_PEERS:-$HOME/.cache/slipway/peers}
[ -x "$peers/buildkitd" ] || { echo "BuildKit is not at $peers (SLIPWAY_PEERS): not compared with it"; exit 0; }
"$peers/buildkitd" --addr "unix://$work/buildkit.sock" --root "$work/buildkit" --oci-worker=true \
  --containerd-worker=false --oci-worker-net=host >"$work/buildkit.log" 2>&1 &
background+=($!)
for _ in $(seq 100); do [ -S "$work/buildkit.sock" ] && break; sleep 0.1; done
buildkit() {
  "$peers/buildctl" --addr "unix://$work/buildkit.sock" build --frontend dockerfile.v0 --local context=. \
    --local dockerfile=. --progress=plain "$@" >"$work/out" 2>"$work/log" || fail "buildctl exited with $?"
}
# How many steps whose name matches were not found. One that is found and fetched is not always shown as cached.
missed() {
  awk -v pattern="$1" '
    /^#[0-9]+ \[/ && $0 ~ pattern { step[$1] = 1 }
    /^#[0-9]+ CACHED/ || /^#[0-9]+ sha256:/ { found[$1] = 1 }
    END { for (s in step) n += !(s in found); print n + 0 }' "$work/log"
}
buildkit --import-cache "type=registry,ref=$registry/cache:max,registry.insecure=true" \
  --output "type=local,dest=$work/buildkit-out"
equal "$(missed '(RUN|COPY|WORKDIR)')" 0 "BuildKit finds what Slipway wrote"
equal "$(cat "$work/buildkit-out/final2")" $'hello\nbuilt\nworld'
"$peers/buildctl" --addr "unix://$work/buildkit.sock" prune --all >/dev/null 2>&1
buildkit --import-cache "type=registry,ref=$registry/app:inline,registry.insecure=true" \
  --output "type=local,dest=$work/buildkit-inline"
equal "$(missed 'RUN echo final')" 0 "BuildKit finds Slipway's inline cache"
"$peers/buildctl" --addr "unix://$work/buildkit.sock" prune --all >/dev/null 2>&1
buildkit --export-cache "type=registry,ref=$registry/cache:buildkit,mode=max,registry.insecure=true" \
  --export-cache "type=local,dest=$work/buildkit-cache,mode=max" \
  --output "type=image,name=$registry/app:buildkit,push=true,registry.insecure=true" --export-cache type=inline
fresh
build --cache-from "$registry/cache:buildkit" -o "type=local,dest=$work/from-buildkit" .
equal "$(ran '(RUN|COPY|WORKDIR)')" 0 "Slipway finds what BuildKit wrote"
equal "$(cat "$work/from-buildkit/final2")" $'hello\nbuilt\nworld'
fresh
build --cache-from "type=local,src=$work/buildkit-cache" -o type=cacheonly .
equal "$(ran '(RUN|COPY|WORKDIR)')" 0 "Slipway finds what BuildKit wrote into a directory"
fresh
build --cache-from "$registry/app:buildkit" -o type=cacheonly .
equal "$(ran 'RUN echo final')" 0 "Slipway finds BuildKit's inline cache"
# The records of both are the same, whichever builder wrote them.
build --cache-to "type=local,dest=$work/slipway-cache,mode=max" -o type=cacheonly .
records() {
  local manifest config
  manifest=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "latest").digest' "$1/index.json")
  config=$(jq -r .config.digest "$1/blobs/sha256/${manifest#sha256:}")
  jq -r '.records[] | .digest' "$1/blobs/sha256/${config#sha256:}" | sort
}
equal "$(records "$work/slipway-cache")" "$(records "$work/buildkit-cache")" "records"
