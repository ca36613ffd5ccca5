#!/bin/bash
# Builds Slipway and runs all its tests: ./test.sh [--full] [ctest arguments...]
# --full also tests the Morgan services that need PyTorch (several gigabytes) and builds their images.
set -euo pipefail
cd "$(dirname "$0")"
# A compiler cache serves every clone: paths count from the clone's root.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

if [ "${1:-}" = --full ]; then
  export SLIPWAY_TEST_FULL=1
  shift
fi
./tools/install-packages.sh build run test
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
cmake --build build/release
exec ctest --test-dir build/release --output-on-failure --parallel 2 "$@"
