#!/bin/bash
# Cache mounts: listed, removed, exported and imported by hand, and travelling with build caches.
source "$(dirname "$0")/lib.sh"

start_registry
skopeo copy -q --dest-tls-verify=false "$(busybox | sed s/oci-layout:../oci:/)" "docker://$registry/base:1"
mkdir context && cd context
# A tool with a cache: what is not in it has to come from a network that is not there. It unpacks into its
# cache, with links, names and times that have to survive.
cat >tool <<'TOOL'
#!/bin/sh
set -e
for package in "$@"; do
  if [ ! -f "/cache/archive/$package/lib" ]; then
    echo "downloading $package"
    [ ! -f /offline ] || { echo "no network for $package"; exit 1; }
    mkdir -p "/cache/archive/$package"
    head -c 3000000 /dev/urandom >"/cache/archive/$package/lib"
    ln "/cache/archive/$package/lib" "/cache/archive/$package/.wh.linked"
    touch -d "2001-02-03 04:05:06" "/cache/archive/$package/lib"
    ln -s "archive/$package" "/cache/$package"
  fi
  mkdir -p "/installed"; cp "/cache/$package/lib" "/installed/$package"
done
TOOL
chmod +x tool
dockerfile() {  # PACKAGES [LINE BEFORE THE STEP]
  cat >Dockerfile <<DOCKERFILE
FROM $registry/base:1 AS base
COPY tool /tool
RUN mkdir -p /seed && echo seed >/seed/file
FROM base
RUN --network=none --mount=type=cache,target=/other,id=other echo x >>/other/runs
${2:-}
RUN --network=none --mount=type=cache,target=/cache,sharing=locked \\
    --mount=type=cache,target=/seeded,from=base,source=/seed cat /seeded/file && /tool $1
DOCKERFILE
}
fresh() { rm -rf "$SLIPWAY_ROOT"; }
caches() { slipway cache-mount ls --format '{{.ID}} {{.Files}} {{.Uses}} {{.InUse}}' | sort; }
blobs_sent() { grep -c 'http.request.method=PUT.*blobs/uploads.*response.status=201' "$work/registry.log" || true; }

# ---- by hand
dockerfile 'one two three'
build -o type=cacheonly .
logged 'downloading three'
equal "$(caches)" $'/cache 9 1 false\n/seeded 1 1 false\nother 1 1 false'
slipway cache-mount ls | head -1 | grep -q '^ID  *BASE  *SIZE  *FILES  *LAST USED  *USES  *IN USE' || fail "no headings"
slipway cache-mount ls --format json | jq -es 'map(.Bytes | type) == ["number", "number", "number"]' >/dev/null

# To a file and back: a step without a network finds all it needs, and the cache is the same.
tree() {  # all that tools can see of the cache
  local number
  number=$(slipway cache-mount ls --format '{{.ID}} {{.Name}}' | sed -n 's/^\/cache cache-mount://p')
  (cd "$SLIPWAY_ROOT/cache-mounts/$number/.slipway-cache-$number" && find . -mindepth 1 -printf '%P %y %m %U:%G %n %T@ %l\n' | sort &&
    find . -type f -exec sha256sum {} + | sort)
}
tree >"$work/tree"
slipway cache-mount export -o "$work/caches.tar" >"$work/out" 2>"$work/log"
grep -q 'Exported /cache: 9MB in 9 files' "$work/out" || fail "said $(cat "$work/out")"
slipway cache-mount export -o "$work/again.tar" >/dev/null 2>&1
cmp "$work/caches.tar" "$work/again.tar" || fail "two exports differ"
fresh
slipway cache-mount import "$work/caches.tar" >"$work/out" 2>"$work/log"
equal "$(tree | diff "$work/tree" -)" ""
touch offline
sed -i 's|^COPY tool.*|COPY tool offline /|' Dockerfile
build -o type=cacheonly .
not_logged downloading
equal "$(caches | grep /cache)" '/cache 9 2 false'
rm offline

# To a registry: only what is new is sent. Into a directory: the same.
slipway cache-mount export --to "$registry/team/caches" >/dev/null 2>&1
skopeo inspect --raw --tls-verify=false "docker://$registry/team/caches" |
  jq -e '.artifactType == "application/vnd.slipway.cache-mounts.v1"' >/dev/null || fail "no artifact"
slipway cache-mount export -o "$work/layout/" >/dev/null 2>&1
dockerfile 'one two three four'
build -o type=cacheonly .
before=$(blobs_sent)
files=$(find "$work/layout/blobs" -type f | wc -l)
slipway cache-mount export --to "$registry/team/caches" >/dev/null 2>&1
slipway cache-mount export -o "$work/layout/" >/dev/null 2>&1
sent=$(($(blobs_sent) - before))
[ "$sent" -le 5 ] || fail "$sent blobs were sent for one more package"
[ $(($(find "$work/layout/blobs" -type f | wc -l) - files)) -le 6 ] || fail "the directory was written anew"
for source in "$registry/team/caches" "$work/layout"; do
  fresh
  slipway cache-mount import "$source" --id /cache >"$work/out" 2>"$work/log"
  equal "$(caches)" '/cache 12 1 false' "$source"
done
# What is there stays as it is; --replace takes the import.
number=$(slipway cache-mount ls --format '{{.Name}}')
number=${number#cache-mount:}
data=$SLIPWAY_ROOT/cache-mounts/$number/.slipway-cache-$number
rm "$data/archive/one/lib" && echo mine >"$data/archive/one/lib" && echo mine >"$data/mine"
rm -rf "$data/archive/two"
slipway cache-mount import "$registry/team/caches" >/dev/null 2>&1
equal "$(cat "$data/archive/one/lib" "$data/mine")" $'mine\nmine'
equal "$(stat -c %s "$data/archive/two/lib")" 3000000
slipway cache-mount import "$registry/team/caches" --replace >/dev/null 2>&1
[ ! -e "$data/mine" ] || fail "--replace kept what was there"

# Limits.
slipway cache-mount export -o "$work/small.tar" --max-size 7mb >"$work/out" 2>"$work/log"
logged 'cache mount /cache: .* what was used longest ago, is left out'
expect_exit 1 slipway cache-mount export -o "$work/none.tar" --max-size 1 cache-mount:1
[ ! -e "$work/none.tar" ] || fail "a file was written"
expect_exit 1 slipway cache-mount import "$registry/team/caches" --max-size 5mb
logged 'more than --max-size 5mb'
# Errors and what to do.
expect_exit 1 slipway cache-mount export -o "$work/x.tar" /cahce
logged 'no cache mount /cahce \(did you mean /cache\?\)'
expect_exit 1 slipway cache-mount export
logged 'hint: name a file with -o FILE'
expect_exit 1 slipway cache-mount import "$registry/base:1"
logged 'holds no cache mounts'
expect_exit 1 slipway cache-mount import ./nothing.tar
expect_exit 1 slipway cache-mount import "$registry/team/caches" --id nothing
logged 'it has: '
head -c 100000 "$work/caches.tar" >"$work/torn.tar"
fresh
expect_exit 1 slipway cache-mount import "$work/torn.tar"
equal "$(caches)" ""

# Removing; what a step uses stays.
slipway cache-mount import "$work/caches.tar" >/dev/null 2>&1
printf 'FROM %s/base:1\nRUN --mount=type=cache,target=/cache sleep 1000\n' "$registry" >"$work/Dockerfile.wait"
"$SLIPWAY" build -f "$work/Dockerfile.wait" -o type=cacheonly . >/dev/null 2>&1 &
builder=$!
background+=("$builder")
for _ in $(seq 200); do caches | grep -q '^/cache .*true' && break; sleep 0.1; done
expect_exit 1 slipway cache-mount rm /cache
logged 'a step is using it'
slipway cache-mount rm --all >"$work/out" 2>"$work/log"
logged '/cache stays'
equal "$(caches | cut -d' ' -f1)" /cache
# Exports wait for the step and end when they are told to.
expect_exit 130 timeout --foreground --preserve-status -s INT 2 "$SLIPWAY" cache-mount export -o "$work/waited.tar"
kill "$builder"; wait "$builder" || true
slipway cache-mount rm /cache >/dev/null
equal "$(caches)" ""

# kill -9 in the middle of an import: the old cache or the new one.
for delay in 0.02 0.05 0.1 0.2 0.3; do
  fresh
  slipway cache-mount import "$work/caches.tar" --id other >/dev/null 2>&1
  "$SLIPWAY" cache-mount import "$work/caches.tar" >/dev/null 2>&1 &
  sleep "$delay"; kill -9 $! 2>/dev/null || true; wait $! 2>/dev/null || true
  caches | while read -r id files _; do
    case $id in /cache) equal "$files" 9 ;; /seeded | other) equal "$files" 1 ;; esac
  done
done
nothing_left

# ---- beside a build cache
dockerfile 'one two three'
fresh
build --cache-to "type=registry,ref=$registry/cache:ci,mode=max" -t "$registry/app:1" --push .
skopeo inspect --raw --tls-verify=false "docker://$registry/cache:ci.cache-mounts" |
  jq -e '.config.mediaType == "application/vnd.slipway.cache-mounts.config.v1+json"' >/dev/null || fail "no cache mounts"
# Nothing changed: nothing is fetched of them.
fresh
gets() { grep -c 'http.request.method=GET.*ci.cache-mounts' "$work/registry.log" || true; }
before=$(gets)
build --cache-from "$registry/cache:ci" -t "$registry/app:2" --push .
equal "$(ran 'RUN')" 0
equal "$(gets)" "$before" "requests for cache mounts"
equal "$(caches)" ""
# One package more, on a fresh machine: its step downloads only that.
dockerfile 'one two three four'
fresh
build --cache-from "$registry/cache:ci" --cache-to "type=registry,ref=$registry/cache:ci,mode=max" -o type=cacheonly .
logged 'downloading four'
not_logged 'downloading (one|two|three)'
equal "$(ran 'RUN.*other')" 0
# The cache of the step that was found was never here, but it still travels.
equal "$(caches | cut -d' ' -f1)" $'/cache\n/seeded'
fresh
slipway cache-mount import "$registry/cache:ci" >"$work/out" 2>"$work/log"
equal "$(caches)" $'/cache 12 1 false\n/seeded 1 1 false\nother 1 1 false'
# Off, and with a limit.
fresh
build --cache-from "type=registry,ref=$registry/cache:ci,cache-mounts=false" -o type=cacheonly --no-cache .
logged 'downloading one'
build --cache-to "type=registry,ref=$registry/cache:off,mode=max,cache-mounts=false" -o type=cacheonly .
build --cache-to "type=registry,ref=$registry/cache:min" -o type=cacheonly .
for tag in off min; do
  ! skopeo inspect --raw --tls-verify=false "docker://$registry/cache:$tag.cache-mounts" >/dev/null 2>&1 ||
    fail "cache mounts travel with $tag"
done
build --cache-to "type=registry,ref=$registry/cache:limit,cache-mounts=7mb" -o type=cacheonly .
logged 'WARN: cache mount /cache: .* left out'
# In a directory.
build --cache-to "type=local,dest=$work/cache,mode=max" -o type=cacheonly .
fresh
dockerfile 'one two three four five'
build --cache-from "type=local,src=$work/cache" -o type=cacheonly .
logged 'downloading five'
not_logged 'downloading (one|four)'
# A source whose cache mounts are damaged is a warning.
fresh
blob() { echo "$work/cache/blobs/sha256/${1#sha256:}"; }
manifest=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "latest.cache-mounts").digest' \
  "$work/cache/index.json")
for layer in $(jq -r '.layers[].digest' "$(blob "$manifest")"); do truncate -s 100 "$(blob "$layer")"; done
dockerfile 'one two three four five six' 'RUN true'
build --cache-from "type=local,src=$work/cache,cache-mounts=true" -o type=cacheonly .
logged 'downloading one'
logged 'WARN: import cache mount /cache'
# The registry's garbage collection keeps what has a tag.
docker-registry garbage-collect -m "$work/registry.yml" >/dev/null 2>&1 || fail "garbage-collect failed"
fresh
slipway cache-mount import "$registry/cache:ci" >/dev/null 2>"$work/log"
equal "$(caches | wc -l)" 3
nothing_left

# BuildKit still reads the cache, from a registry and from a directory.
peers=${SLIPWAY_PEERS:-$HOME/.cache/slipway/peers}
[ -x "$peers/buildkitd" ] || { echo "BuildKit is not at $peers (SLIPWAY_PEERS): not compared with it"; exit 0; }
"$peers/buildkitd" --addr "unix://$work/buildkit.sock" --root "$work/buildkit" --oci-worker=true \
  --containerd-worker=false --oci-worker-net=host >"$work/buildkit.log" 2>&1 &
background+=($!)
for _ in $(seq 100); do [ -S "$work/buildkit.sock" ] && break; sleep 0.1; done
dockerfile 'one two three'
fresh
rm -rf "$work/cache"
build --cache-to "type=registry,ref=$registry/cache:peer,mode=max" \
  --cache-to "type=local,dest=$work/cache,mode=max" -o type=cacheonly .
buildkit() {
  "$peers/buildctl" --addr "unix://$work/buildkit.sock" build --frontend dockerfile.v0 --local context=. \
    --local dockerfile=. --progress=plain "$@" >"$work/out" 2>"$work/log" || fail "buildctl exited with $?"
  not_logged downloading
  "$peers/buildctl" --addr "unix://$work/buildkit.sock" prune --all >/dev/null 2>&1
}
for from in "type=registry,ref=$registry/cache:peer,registry.insecure=true" "type=local,src=$work/cache"; do
  buildkit --import-cache "$from" --output "type=local,dest=$work/buildkit-out"
  equal "$(stat -c %s "$work/buildkit-out/installed/two")" 3000000
done
# And what BuildKit writes there does not disturb the cache mounts.
buildkit --import-cache "type=registry,ref=$registry/cache:peer,registry.insecure=true" \
  --export-cache "type=registry,ref=$registry/cache:peer,mode=max,registry.insecure=true"
fresh
slipway cache-mount import "$registry/cache:peer" >/dev/null 2>&1
equal "$(caches | wc -l)" 3
