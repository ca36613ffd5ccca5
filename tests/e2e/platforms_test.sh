#!/bin/bash
# Several platforms in one build: one solve, an index, in every output and in the local store.
source "$(dirname "$0")/lib.sh"

native=linux/$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
foreign=linux/s390x  # the one that a machine is least likely to emulate
both=$native,$foreign
start_registry
mkdir context && cd context
echo "native data" >data

# Base images that differ by platform, from a registry; no emulator is needed to copy.
cat >base.Dockerfile <<'EOF'
FROM scratch
ARG TARGETARCH
COPY data /data
LABEL arch=$TARGETARCH
EOF
build -f base.Dockerfile --platform "$both" -t "$registry/base:1" --push --metadata-file "$work/meta.json" \
  --iidfile "$work/iid" .
logged "exporting manifest list"
index=$(skopeo inspect --raw --tls-verify=false "docker://$registry/base:1")
equal "$(jq -r '.mediaType' <<<"$index")" application/vnd.oci.image.index.v1+json
equal "$(jq -r '[.manifests[].platform | .os + "/" + .architecture] | join(",")' <<<"$index")" "$both"
equal "sha256:$(printf %s "$index" | sha256sum | cut -d' ' -f1)" "$(jq -r '."containerimage.digest"' "$work/meta.json")"
equal "$(jq -r '."containerimage.config.digest"' "$work/meta.json")" null "an index has no config"
equal "$(cat "$work/iid")" "$(jq -r '."containerimage.digest"' "$work/meta.json")"
equal "$(skopeo inspect --tls-verify=false --override-arch s390x "docker://$registry/base:1" | jq -r .Labels.arch)" s390x

# Each platform starts from its own base; what they have in common is one step.
cat >Dockerfile <<EOF
FROM --platform=\$BUILDPLATFORM scratch AS common
COPY data /common
FROM $registry/base:1
ARG TARGETARCH
COPY --from=common /common /common
ENV ARCH=\$TARGETARCH
EOF
build --platform "$both" -o "type=oci,dest=$work/app,tar=false" -t app:latest .
equal "$(ran 'common 1/1')" 1 "the common stage"
logged "^#[0-9]+ \[$native stage-1 2/2\] COPY"
logged "^#[0-9]+ \[$foreign stage-1 2/2\] COPY"
for arch in "${native#*/}" s390x; do
  config=$(skopeo inspect --config --override-arch "$arch" "oci:$work/app:latest")
  equal "$(jq -r '[.architecture, .config.Labels.arch, (.config.Env[-1])] | join(" ")' <<<"$config")" "$arch $arch ARCH=$arch"
done

# Again: nothing runs, and the index is the same.
build --platform "$both" -o "type=oci,dest=$work/app2,tar=false,source-date-epoch=1" -t app:latest .
build --platform "$both" -o "type=oci,dest=$work/app3,tar=false,source-date-epoch=1" -t app:latest .
equal "$(ran COPY)" 0
cmp "$work/app2/index.json" "$work/app3/index.json"

# A cache has the steps of all platforms: with it another store runs none of them.
build --platform "$both" --cache-to "type=local,dest=$work/cache" -o type=cacheonly .
SLIPWAY_ROOT=$work/store2 build --platform "$both" --cache-from "type=local,src=$work/cache" \
  -o "type=oci,dest=$work/cached,tar=false,source-date-epoch=1" -t app:latest .
equal "$(ran 'COPY --from')" 0
cmp "$work/app2/index.json" "$work/cached/index.json"

# A registry that speaks Docker's types; one platform with an index; annotations at their places.
build --platform "$both" -t "$registry/docker:1" -o type=registry,oci-mediatypes=false .
equal "$(skopeo inspect --raw --tls-verify=false "docker://$registry/docker:1" | jq -r .mediaType)" \
  application/vnd.docker.distribution.manifest.list.v2+json
build --build-arg BUILDKIT_MULTI_PLATFORM=1 -t "$registry/one:1" --push .
equal "$(skopeo inspect --raw --tls-verify=false "docker://$registry/one:1" | jq '.manifests | length')" 1
build --platform "$both" -t "$registry/annotated:1" --push --annotation "index:where=index" \
  --annotation "manifest[$foreign]:where=foreign" --annotation manifest-descriptor:where=descriptor .
index=$(skopeo inspect --raw --tls-verify=false "docker://$registry/annotated:1")
equal "$(jq -r '[.annotations.where, .manifests[1].annotations.where] | join(" ")' <<<"$index")" "index descriptor"

# Files: a folder for each platform.
build --platform "$both" -o "$work/files" .
equal "$(cat "$work/files/${native/\//_}/common" "$work/files/linux_s390x/data")" $'native data\nnative data'
build --platform "$both" -o "type=tar,dest=$work/out.tar" .
tar -tf "$work/out.tar" linux_s390x/common >/dev/null || fail "the archive has no folder for s390x"
expect_exit 1 slipway build --platform "$both" -o "type=local,dest=$work/merged,platform-split=false" .
logged 'platform-split=true'
expect_exit 1 slipway build --platform "$both" -o "type=docker,dest=$work/docker.tar" .
logged 'manifest lists'

# The local store: list, tag, push, save, load, remove, and FROM.
build --platform "$both" -t multi:1 .
equal "$(slipway images multi --format '{{.Repository}} {{.Platform}}')" "multi $both"
slipway tag multi:1 "$registry/multi:2"
slipway push "$registry/multi:2" >"$work/out" 2>"$work/log"
equal "$(skopeo inspect --raw --tls-verify=false "docker://$registry/multi:2" | jq '.manifests | length')" 2
slipway save -o "$work/multi.tar" multi:1 2>"$work/log"
slipway rmi multi:1 "$registry/multi:2" >/dev/null
equal "$(slipway load -i "$work/multi.tar" 2>"$work/log")" "Loaded image: multi:1"
echo "FROM multi:1" >local.Dockerfile
build -f local.Dockerfile --platform "$foreign" -o "type=oci,dest=$work/local,tar=false" -t l:latest .
equal "$(skopeo inspect --config --override-arch s390x "oci:$work/local:latest" | jq -r .architecture)" s390x

# A step that this machine cannot run is refused with what to do, before it starts.
cat >foreign.Dockerfile <<'EOF'
FROM scratch
COPY data /bin/sh
EOF
build -f foreign.Dockerfile --platform "$foreign" -t foreign:1 .
printf 'FROM foreign:1\nRUN echo hello\n' >run.Dockerfile
if ! slipway build -f run.Dockerfile --platform "$foreign" . >"$work/out" 2>"$work/log"; then
  logged 'steps of linux/s390x cannot run'
  logged 'qemu-user-static'
  logged 'run.Dockerfile:2'
  not_logged 'xec format error'
fi

# Where there is an emulator such a step runs. It is registered for this test when it is not yet.
emulator=$(command -v qemu-aarch64-static || true)
if [ -n "$emulator" ] && [ "$native" = linux/amd64 ]; then
  # exit(0) for arm64; executor/platform_probe.cc makes the same.
  base64 -d >exit <<<"f0VMRgIBAQAAAAAAAAAAAAIAtwABAAAAeABAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAEAAOAABAAAAAAAAAAEAAAAF\
AAAAAAAAAAAAAAAAAEAAAAAAAAAAQAAAAAAAhAAAAAAAAACEAAAAAAAAAAAAAQAAAAAAAACA0qgLgNIBAADU"
  chmod +x exit
  if ! ./exit 2>/dev/null; then
    handlers=$work/binfmt && mkdir "$handlers" && mount -t binfmt_misc binfmt_misc "$handlers"
    forget_handler() {
      [ ! -e "$handlers/slipway-e2e" ] || echo -1 >"$handlers/slipway-e2e"
      umount "$handlers"
    }
    trap 'forget_handler; finish' EXIT
    printf '%s' ':slipway-e2e:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:' \
      '\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:' "$emulator:F" >"$work/handler"
    cat "$work/handler" >"$handlers/register"
  fi
  printf 'FROM scratch\nCOPY exit /exit\nRUN ["/exit"]\n' >emulated.Dockerfile
  build -f emulated.Dockerfile --platform linux/arm64 --no-cache -t emulated:1 .
  equal "$(ran 'RUN')" 1
  if [ -n "${handlers:-}" ]; then
    forget_handler
    trap finish EXIT
  fi
fi

# Bake: a target for several platforms on another one's.
cat >docker-bake.hcl <<EOF
target "base" {
  dockerfile = "base.Dockerfile"
  platforms = ["$native", "$foreign"]
}
target "default" {
  dockerfile = "bake.Dockerfile"
  contexts = { below = "target:base" }
  platforms = ["$native", "$foreign"]
  output = ["type=oci,dest=$work/baked,tar=false"]
  tags = ["baked:latest"]
}
EOF
printf 'FROM below\nCOPY data /more\n' >bake.Dockerfile
slipway bake >"$work/out" 2>"$work/log" || fail "bake exited with $?"
equal "$(skopeo inspect --config --override-arch s390x "oci:$work/baked:latest" | jq -r .config.Labels.arch)" s390x
nothing_left
