#!/bin/bash
# What other programs make of an image: in every compression, whole and split, its files are the same to
# the last attribute for skopeo and umoci, podman, BuildKit and Slipway itself.
source "$(dirname "$0")/lib.sh"
source "$repository/tests/e2e/trees.sh"

start_registry
base=$(busybox)
peers=${SLIPWAY_PEERS:-$HOME/.cache/slipway/peers}
missing() { echo "not compared with $1: $2"; }
has() { command -v "$1" >/dev/null; }

# busybox sets no extended attributes: the host's setfattr, with all that it needs.
mkdir -p tools context && cd context
has setfattr || skip "needs setfattr (Debian: attr)"
cp "$(command -v setfattr)" $(ldd "$(command -v setfattr)" | grep -o '/[^ ]*') ../tools/
loader=$(cd ../tools && echo ld-linux*)
capability=0x0100000200040000000000000000000000000000
cat >Dockerfile <<END
FROM busybox AS base
RUN mkdir -p /opt/hidden/deep /opt/packages/old /srv && echo x >/opt/hidden/deep/x && echo old >/opt/packages/old/f \\
 && echo kept >/srv/kept && echo gone >/srv/gone && ln -s kept /srv/link && ln /srv/kept /srv/kept.2
FROM base
RUN --mount=type=bind,from=tools,target=/tools cd /opt && rm -r hidden packages/old /srv/gone && mkdir hidden packages/one packages/two \\
 && echo y >hidden/y && seq 5000000 >packages/one/numbers && seq 2 4000000 >packages/two/numbers && ln packages/two/numbers packages/two/same \\
 && echo link >packages/one/l && ln packages/one/l /opt/apart && echo tool >/opt/tool && chown 12:34 /opt/tool && chmod 4755 /opt/tool \\
 && /tools/$loader --library-path /tools /tools/setfattr -n security.capability -v $capability /opt/hidden/y \\
 && /tools/$loader --library-path /tools /tools/setfattr -n user.note -v "two words" packages/one/l \\
 && mkfifo pipe && mkdir -m 1777 sticky && : >empty && mkdir "sp ace" && echo ü >"sp ace/ü" && ln -s ../nowhere "sp ace/dangling" \\
 && touch -t 200101010101 packages sticky packages/one/l && touch -h -t 200202020202 "sp ace/dangling" && rm /srv/link && mkdir /srv/link
RUN rm -r /opt/sticky && echo last >/opt/sticky && echo more >>/srv/kept && chmod 600 /srv/kept
CMD ["cat", "/opt/sticky"]
END
build_image() { build --build-context "busybox=$base" --build-context "tools=$work/tools" "$@" .; }

build_image -o "type=tar,dest=$work/want.tar"
untar "$work/want.tar" "$work/want-tree"
listing "$work/want-tree" >"$work/want"
for line in '^opt/hidden/y|f|' '^opt/sticky|f|' '^opt/tool|f|4755|12:34' '^opt/pipe|p|' '^srv/link|d|' 'user.note' 'security.capability' \
  '^ opt/apart opt/packages/one/l$'; do
  grep -q -- "$line" "$work/want" || fail "the tree that is compared lacks $line"
done
! grep -qE 'hidden/deep|srv/gone|landmark|stargz' "$work/want" || fail "the tree that is compared has too much"
mkdir "$work/local" && build_image -o "type=local,dest=$work/local"
(cd "$work/local" && find . -type f -exec sha256sum {} + | sort -k2) | diff - <(cd "$work/want-tree" && find . -type f -exec sha256sum {} + | sort -k2) >"$work/log" ||
  fail "type=local and type=tar differ"

formats="gzip zstd estargz zstd:chunked uncompressed"
variants=
for format in $formats; do
  for split in off 20mb; do
    name=$registry/app:${format/:/-}-$split
    build_image -o "type=registry,name=$name,compression=$format,layer-split=$split"
    variants+=" $name"
  done
done
layers() { skopeo inspect --raw --tls-verify=false "docker://$1" | jq '.layers | length'; }
equal "$(layers "$registry/app:estargz-20mb")" $(($(layers "$registry/app:estargz-off") + 3)) "deleted files, one, two, the rest"

if has umoci && has skopeo; then
  for name in $variants; do
    case $name in *zstd*) umoci --version | grep -q ' 0\.4' && { missing "umoci ($name)" "umoci 0.4 cannot read zstd"; continue; } ;; esac
    rm -rf "$work/layout" "$work/tree"
    skopeo copy -q --src-tls-verify=false "docker://$name" "oci:$work/layout:latest" 2>"$work/log" || fail "skopeo copy $name"
    unpack "$work/layout" "$work/tree"
    same "umoci ($name)" "$work/tree"
  done
else
  missing umoci "umoci or skopeo is not installed"
fi

if has podman; then
  for name in $variants; do
    podman_here pull -q --tls-verify=false "$name" >"$work/out" 2>"$work/log" || fail "podman pull $name"
    tree=$(podman_here image mount "$name" 2>"$work/log") || fail "podman image mount $name"
    same "podman ($name)" "$tree"
    podman_here image unmount "$name" >/dev/null
  done
  status=0
  podman_here run --rm --network=none --cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$registry/app:estargz-off" >"$work/out" 2>"$work/log" || status=$?
  # From 125 on it is podman that failed, which may be this machine's fault.
  if [ $status -ge 125 ]; then missing "podman run" "$(tail -1 "$work/log")"; else equal "$(cat "$work/out")" last; fi
  podman_here rmi -af >/dev/null 2>&1
else
  missing podman "podman is not installed"
fi

# Slipway itself, on a machine that has none of it; the layers of a base stay as they are, annotations too.
base_layers() { skopeo inspect --raw --tls-verify=false "docker://$1" | jq -c '[.layers[] | {digest, mediaType, annotations}]'; }
mkdir on-top
for name in $variants; do
  rm -rf "$SLIPWAY_ROOT" "$work/tree"
  printf 'FROM %s\n' "$name" >on-top/Dockerfile
  build -o "type=tar,dest=$work/again.tar" on-top
  untar "$work/again.tar" "$work/tree"
  same "Slipway ($name)" "$work/tree"
  printf 'FROM %s\nRUN test -p /opt/pipe && : >/on-top\n' "$name" >on-top/Dockerfile
  build -o "type=registry,name=$registry/on-top" on-top
  equal "$(base_layers "$registry/on-top" | jq -c '.[:-1]')" "$(base_layers "$name")" "$name"
done

# A format asked for is what comes out, whatever the base was in.
for format in estargz zstd:chunked gzip; do
  printf 'FROM %s\n' "$registry/app:estargz-off" >on-top/Dockerfile
  build -o "type=registry,name=$registry/forced,compression=$format,force-compression=true" on-top
  case $format in
    estargz) equal "$(base_layers "$registry/forced" | jq -c 'map(.annotations | length) | unique')" "[2]"
      equal "$(base_layers "$registry/forced" | jq -c '.[1:]')" "$(base_layers "$registry/app:estargz-off" | jq -c '.[1:]')" "all but busybox" ;;
    zstd:chunked) equal "$(base_layers "$registry/forced" | jq -c 'map(.annotations | length) | unique')" "[4]" ;;
    gzip) equal "$(base_layers "$registry/forced" | jq -c 'map(.annotations) | unique')" "[null]" ;;
  esac
done

# A cache holds the same layers, and an image of what was found there is the same image.
digest() { skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum; }
for format in estargz zstd:chunked; do
  cache=$registry/cache:${format/:/-}
  build_image -o "type=registry,name=$registry/cached,compression=$format" --cache-to "type=registry,ref=$cache,mode=max"
  before=$(digest "$registry/cached")
  rm -rf "$SLIPWAY_ROOT"
  build_image -o "type=registry,name=$registry/cached:again,compression=$format" --cache-from "$cache"
  equal "$(ran RUN)" 0 "steps found in the cache"
  equal "$(digest "$registry/cached:again")" "$before" "$format from a cache"
done

[ -x "$peers/buildkitd" ] || { missing BuildKit "it is not at $peers (SLIPWAY_PEERS)"; exit 0; }
"$peers/buildkitd" --addr "unix://$work/buildkit.sock" --root "$work/buildkit" --oci-worker=true \
  --containerd-worker=false --oci-worker-net=host >"$work/buildkit.log" 2>&1 &
background+=($!)
for _ in $(seq 100); do [ -S "$work/buildkit.sock" ] && break; sleep 0.1; done
buildkit() {
  "$peers/buildctl" --addr "unix://$work/buildkit.sock" build --frontend dockerfile.v0 --local context=on-top \
    --local dockerfile=on-top --progress=plain "$@" >"$work/out" 2>"$work/log" || fail "buildctl $* exited with $?"
}
for name in $variants; do
  rm -rf "$work/tree"
  printf 'FROM %s\nRUN test -p /opt/pipe && [ "$(cat /opt/sticky)" = last ]\n' "$name" >on-top/Dockerfile
  buildkit
  printf 'FROM %s\n' "$name" >on-top/Dockerfile  # a RUN leaves its time on /etc
  buildkit --output "type=tar,dest=$work/buildkit.tar"
  untar "$work/buildkit.tar" "$work/tree"
  same "BuildKit ($name)" "$work/tree"
done
# And what BuildKit makes of it in its own estargz comes back.
buildkit --output "type=image,name=$registry/app:buildkit,push=true,registry.insecure=true,compression=estargz,force-compression=true,oci-mediatypes=true"
printf 'FROM %s\n' "$registry/app:buildkit" >on-top/Dockerfile
rm -rf "$SLIPWAY_ROOT" "$work/tree"
build -o "type=tar,dest=$work/again.tar" on-top
untar "$work/again.tar" "$work/tree"
same "Slipway (BuildKit's estargz)" "$work/tree"
nothing_left
