#!/bin/bash
# Installs the builders that Slipway is compared with, by package name:
#   buildkitd, buildctl, buildx   from the Go module proxy this machine is configured for
#   buildah, docker-registry      from Debian
#   refllb                        only where ../shared/conformance is present (reference LLB for tests/conformance)
#
#   bench/peers.sh [NAME...]      default: all of them; what is already there in the same version is kept
#
# The programs lie in ${SLIPWAY_PEERS:-$HOME/.cache/slipway/peers}; the last line printed is that folder.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
peers=${SLIPWAY_PEERS:-$HOME/.cache/slipway/peers}
buildkit_version=${BUILDKIT_VERSION:-v0.34.2}
buildx_version=${BUILDX_VERSION:-v0.38.2}
refllb_source=$repo/../shared/conformance/tools/refllb
mkdir -p "$peers"

scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/slipway-peers.XXXXXX")
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT

# present NAME VERSION: the program is there and was built from that version
present() { [ -x "$peers/$1" ] && [ "$(cat "$peers/$1.version" 2>/dev/null)" = "$2" ]; }

# build_go NAME PACKAGE MODULE VERSION: builds one program of a published module in a scratch module,
# because `go install` refuses modules with replace directives
build_go() {
  local name=$1 package=$2 module=$3 version=$4
  present "$name" "$version" && return
  echo "peers: building $name $version" >&2
  local dir=$scratch/$(basename "$module")
  mkdir -p "$dir"
  (
    cd "$dir"
    [ -f go.mod ] || go mod init scratch >/dev/null 2>&1
    go get "$module/$package@$version" >/dev/null 2>"$scratch/get.log" || { cat "$scratch/get.log" >&2; exit 1; }
    CGO_ENABLED=0 nice -n 5 go build -trimpath -o "$peers/$name.new" \
      -ldflags "-s -w -X $module/version.Version=$version" "$module/$package"
  )
  mv "$peers/$name.new" "$peers/$name"
  echo "$version" >"$peers/$name.version"
}

build_refllb() {
  if [ ! -d "$refllb_source" ]; then
    echo "peers: refllb skipped: $refllb_source is absent" >&2
    return
  fi
  local version
  version=$(cat "$refllb_source"/* | sha256sum | cut -c1-16)
  present refllb "$version" && return
  echo "peers: building refllb" >&2
  cp -r "$refllb_source" "$scratch/refllb"
  chmod -R u+w "$scratch/refllb"
  (cd "$scratch/refllb" && CGO_ENABLED=0 nice -n 5 go build -trimpath -o "$peers/refllb" .)
  echo "$version" >"$peers/refllb.version"
}

debian_package() {
  dpkg -s "$1" >/dev/null 2>&1 && return
  echo "peers: installing the Debian package $1" >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

[ $# -gt 0 ] || set -- buildah docker-registry refllb buildkitd buildctl buildx
for name in "$@"; do
  case $name in
    buildah | docker-registry) debian_package "$name" ;;
    refllb) build_refllb ;;
    buildkitd | buildctl) build_go "$name" "cmd/$name" github.com/moby/buildkit "$buildkit_version" ;;
    buildx) build_go buildx cmd/buildx github.com/docker/buildx "$buildx_version" ;;
    *) echo "peers: unknown name $name" >&2; exit 2 ;;
  esac
done
echo "$peers"
