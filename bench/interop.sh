#!/bin/bash
# Whether other programs see the files of Morgan's images as Slipway does: builds services of the stack, pushes them, and
# compares, to the last attribute, what skopeo with umoci, podman and buildkitd make of each with Slipway's own tar output.
#
#   bench/interop.sh [--base NAME=OCI_LAYOUT]... [SERVICE...]      default: all services
#
# Needs root and the peers (bench/peers.sh); the CUDA services need about 40 GB below /var/tmp. What cannot be compared on
# this machine is named; the exit status is 1 where files differ.
source "$(cd "$(dirname "$0")/.." && pwd)/tests/e2e/lib.sh"
source "$repository/tests/e2e/trees.sh"
peers=${SLIPWAY_PEERS:-$HOME/.cache/slipway/peers}

contexts=()
while [ "${1:-}" = --base ]; do
  contexts+=(--set "*.contexts.${2%%=*}=oci-layout://$(realpath "${2#*=}")")
  shift 2
done
services=("$@")
[ $# -gt 0 ] || services=(core llm-service tts-service stt-service)
for program in skopeo umoci podman getfattr; do
  command -v "$program" >/dev/null || fail "needs $program"
done

# From where the file lies: its paths are those of whoever calls.
bake() {
  (cd "$repository/morgan" && slipway bake "${contexts[@]}" --set "*.network=host" "$@") >"$work/out" 2>"$work/log" ||
    fail "slipway bake exited with $?"
}
start_buildkit() {
  "$peers/buildkitd" --addr "unix://$work/buildkit.sock" --root "$work/buildkit" --oci-worker=true \
    --containerd-worker=false --oci-worker-net=host >"$work/buildkit.log" 2>&1 &
  background+=($!)
  for _ in $(seq 100); do [ -S "$work/buildkit.sock" ] && return; sleep 0.1; done
  fail "buildkitd did not start: $(tail -1 "$work/buildkit.log")"
}
buildkit() {
  "$peers/buildctl" --addr "unix://$work/buildkit.sock" build --frontend dockerfile.v0 --local context=on-top \
    --local dockerfile=on-top --progress=plain "$@" >"$work/out" 2>"$work/log" || fail "buildctl $* exited with $?"
}
agrees() { same "$1 ($service)" "$work/tree" && echo "$service: $1 agrees"; }
podman_here() { podman --root "$work/podman" --runroot "$work/podman-run" --storage-driver overlay "$@"; }

start_registry
start_buildkit
mkdir on-top
for service in "${services[@]}"; do
  image=$registry/$service
  bake --set "$service.tags=$image" --set "$service.output=type=image,push=true" "$service"
  bake --set "$service.output=type=tar,dest=$work/want.tar" "$service"
  untar want.tar tree
  listing tree >want
  rm -rf tree want.tar
  echo "$service: $(skopeo inspect --raw --tls-verify=false "docker://$image" | jq '.layers | length') layers, $(wc -l <want) lines to compare"

  skopeo copy -q --src-tls-verify=false "docker://$image" "oci:layout:latest" 2>log || fail "skopeo copy $image"
  unpack layout tree
  agrees "umoci"
  rm -rf layout tree

  podman_here pull -q --tls-verify=false "$image" >out 2>log || fail "podman pull $image"
  mounted=$(podman_here image mount "$image" 2>log) || fail "podman image mount $image"
  same "podman ($service)" "$mounted" && echo "$service: podman agrees"
  podman_here image unmount "$image" >/dev/null
  podman_here rmi -af >/dev/null 2>&1

  printf 'FROM %s\n' "$image" >on-top/Dockerfile
  buildkit --output "type=tar,dest=$work/buildkit.tar"
  untar buildkit.tar tree
  agrees "buildkitd"
  rm -rf buildkit.tar tree
done
