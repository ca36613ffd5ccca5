#!/bin/bash
# Images in a registry, in archives and in podman: others read what we wrote, and we what they wrote.
source "$(dirname "$0")/lib.sh"

base=$(busybox)
start_registry
mkdir context && cd context
printf 'FROM busybox\nRUN echo pushed >/file\nCMD ["cat", "/file"]\n' >Dockerfile

build --build-context "busybox=$base" -t "$registry/team/app:v1" -t "$registry/team/app:latest" --push \
  --metadata-file "$work/meta.json" --iidfile "$work/iid" .
digest=$(jq -r '."containerimage.digest"' "$work/meta.json")
equal "$(skopeo inspect --tls-verify=false "docker://$registry/team/app:v1" | jq -r .Digest)" "$digest"
equal "$(skopeo inspect --tls-verify=false "docker://$registry/team/app:latest" | jq -r .Digest)" "$digest"
equal "$(jq -r '."containerimage.config.digest"' "$work/meta.json")" "$(cat "$work/iid")"

# Pushed again: nothing travels. The registry's log has no upload.
uploads=$(grep -c 'http.request.method=POST' "$work/registry.log" || true)
build --build-context "busybox=$base" -t "$registry/team/app:v1" --push .
equal "$(grep -c 'http.request.method=POST' "$work/registry.log" || true)" "$uploads" "nothing to upload"

# A base image from a registry, and compression by zstd.
printf 'FROM %s/team/app:v1\nRUN echo more >>/file\n' "$registry" >Dockerfile
build -t "$registry/team/more:v1" -o "type=registry,compression=zstd,force-compression=true" .
skopeo inspect --raw --tls-verify=false "docker://$registry/team/more:v1" | jq -e \
  'all(.layers[]; .mediaType == "application/vnd.oci.image.layer.v1.tar+zstd")' >/dev/null ||
  fail "not all layers are zstd"
image=$(podman_here pull -q --tls-verify=false "$registry/team/more:v1")
equal "$(cat "$(podman_here image mount "$image")/file")" $'pushed\nmore'

# Archives: OCI and docker, read by podman.
build -t app:oci -o "type=oci,dest=$work/oci.tar" .
build -t app:docker -o "type=docker,dest=$work/docker.tar" .
for archive in oci docker; do
  image=$(podman_here load -q -i "$work/$archive.tar" | sed 's/.*: //')
  equal "$(cat "$(podman_here image mount "$image")/file")" $'pushed\nmore' "$archive archive"
done

# --load: into the engine of this machine, here a podman with a store of this test's own.
mkdir "$work/bin"
cat >"$work/bin/podman" <<EOF
#!/bin/bash
exec $(command -v podman) --root "$work/podman" --runroot "$work/podman-run" --storage-driver vfs "\$@"
EOF
chmod +x "$work/bin/podman"
PATH=$work/bin:$PATH build -t app:loaded --load .
equal "$(cat "$(podman_here image mount app:loaded)/file")" $'pushed\nmore' "a loaded image"
printf '#!/bin/sh\necho no room >&2\nexit 3\n' >"$work/bin/podman"
PATH=$work/bin:$PATH expect_exit 1 slipway build -t app:loaded --load .
logged 'podman load --quiet ended with code 3: no room'

# Local images: list, tag, push, pull, save, load, remove.
build -t app:local .
slipway tag app:local "$registry/team/tagged:v2"
slipway push "$registry/team/tagged:v2" 2>"$work/log"
slipway rmi "$registry/team/tagged:v2"
! slipway images | grep -q team/tagged || fail "a removed name is still listed"
slipway pull "$registry/team/tagged:v2" 2>"$work/log"
slipway images | grep -q 'team/tagged.*v2' || fail "a pulled image is not listed"
slipway save -o "$work/saved.tar" "$registry/team/tagged:v2"
skopeo inspect "oci-archive:$work/saved.tar" >/dev/null || skopeo inspect "docker-archive:$work/saved.tar" >/dev/null
slipway load -i "$work/saved.tar" 2>"$work/log"

# A registry that is not there: a clear error, exit code 1.
expect_exit 1 slipway build -t "localhost:1/nobody/x" --push .
logged 'localhost:1'
nothing_left
