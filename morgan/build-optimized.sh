#!/bin/bash
# Builds Morgan's images with Slipway; on a fresh machine it sets up everything it needs.
set -euo pipefail

usage() {
  cat >&2 <<END
usage: $0 [all|core|llm|tts|stt|cuda|cpu] [no-cache]
  all       the four services, in parallel (default)
  cpu       core and llm              cuda      tts and stt
  no-cache  run every step again
BUILDKIT_PROGRESS=plain|tty|quiet|rawjson chooses how progress is shown.
END
  exit 2
}

cuda_base=nvidia/cuda:13.0.1-devel-ubuntu22.04
cpu_base=python:3.11-slim

[ $# -le 2 ] || usage
case ${1:-all} in
  all) targets=(core llm-service tts-service stt-service) bases=("$cpu_base" "$cuda_base") ;;
  cpu) targets=(core llm-service) bases=("$cpu_base") ;;
  cuda) targets=(tts-service stt-service) bases=("$cuda_base") ;;
  core) targets=(core) bases=("$cpu_base") ;;
  llm | tts | stt)
    targets=("$1-service")
    case $1 in llm) bases=("$cpu_base") ;; *) bases=("$cuda_base") ;; esac
    ;;
  *) usage ;;
esac
options=()
case ${2:-} in
  '') ;;
  no-cache) options+=(--no-cache) ;;
  *) usage ;;
esac

cd "$(dirname "$0")"

# The engine needs Linux; a Mac has it in a Lima virtual machine, which sees the same folders.
if [ "$(uname -s)" = Darwin ]; then
  command -v limactl >/dev/null || { echo "$0: on macOS, install Lima (limactl) first" >&2; exit 1; }
  exec limactl shell --workdir "$PWD" "${LIMA_INSTANCE:-default}" \
    sudo env BUILDKIT_PROGRESS="${BUILDKIT_PROGRESS:-auto}" ./build-optimized.sh "$@"
fi

../build.sh release >&2 # installs the packages it needs, too

if ! ../tools/standin/registry-reachable; then
  echo "Docker Hub cannot be reached: building on stand-in base images made from Debian packages" >&2
  ../tools/install-packages.sh standin
  standins=${XDG_CACHE_HOME:-$HOME/.cache}/slipway/standins
  for base in "${bases[@]}"; do
    layout=$standins/${base//[\/:]/-}
    ../tools/standin/make "$base" "$layout" >/dev/null
    options+=(--set "*.contexts.$base=oci-layout://$layout")
  done
fi

exec ../build/release/slipway bake -f compose.yaml ${options[@]+"${options[@]}"} "${targets[@]}"
