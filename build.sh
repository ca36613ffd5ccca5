#!/bin/bash
# Builds Slipway: ./build.sh [release|dev|asan|tsan|fuzz] [target...]   (default: release, the program)
# The program is build/PRESET/slipway.
set -euo pipefail
cd "$(dirname "$0")"
# A compiler cache serves every clone: paths count from the clone's root.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

preset=${1:-release}
[ $# -gt 0 ] && shift
./tools/install-packages.sh build run
[ "$preset" != fuzz ] || ./tools/install-packages.sh fuzz
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
if [ $# -eq 0 ]; then set -- slipway; fi
exec cmake --build "build/$preset" --target "$@"
