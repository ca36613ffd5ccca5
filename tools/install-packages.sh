#!/bin/bash
# Installs the Debian packages that a task needs; does nothing when they are there.
#   tools/install-packages.sh build|run|test|standin|fuzz ...
set -euo pipefail

build=(g++ cmake ninja-build ccache mold pkg-config nlohmann-json3-dev libfmt-dev libcli11-dev
       libprotobuf-dev protobuf-compiler libyaml-cpp-dev libssl-dev libcurl4-openssl-dev
       libsqlite3-dev libseccomp-dev libarchive-dev libbz2-dev liblzma-dev libacl1-dev zlib1g-dev libzstd-dev libisal-dev libdeflate-dev
       libmpfr-dev libre2-dev libutf8proc-dev libcrypt-dev
       libgtest-dev libgmock-dev libbenchmark-dev)
run=(crun passt git uidmap ca-certificates)
test=(docker-registry skopeo umoci podman runc busybox-static jq curl attr acl openssh-client
      python3 python3-venv mmdebstrap)
standin=(mmdebstrap busybox-static pigz python3 python3-pip)
fuzz=(clang-19 libclang-rt-19-dev)

wanted=()
for task in "$@"; do
  case $task in
    build) wanted+=("${build[@]}") ;;
    run) wanted+=("${run[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    standin) wanted+=("${standin[@]}") ;;
    fuzz) wanted+=("${fuzz[@]}") ;;
    *) echo "usage: $0 build|run|test|standin|fuzz ..." >&2; exit 2 ;;
  esac
done

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" != 0 ]; then
  echo "missing Debian packages, install them as root: apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "installing Debian packages: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
