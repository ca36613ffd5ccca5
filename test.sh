#!/bin/bash
# Builds Slipway and runs all its tests: ./test.sh [--full | --sanitize] [ctest arguments...]
# --full      also tests the Morgan services that need PyTorch (several gigabytes), builds and starts their images
# --sanitize  instead, runs the unit tests and the fuzz harnesses with AddressSanitizer and UndefinedBehaviorSanitizer, and the
#             tests of the solver, the store and progress with ThreadSanitizer
set -euo pipefail
cd "$(dirname "$0")"
# A compiler cache serves every clone: paths count from the clone's root.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# make PRESET [TARGET...]
make() {
  local preset=$1
  shift
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
  cmake --build "build/$preset" ${1:+--target "$@"}
}
tests() { ctest --test-dir "build/$1" --output-on-failure --parallel 2 "${@:2}"; }

option=
case ${1:-} in --full | --sanitize) option=$1; shift ;; esac
./tools/install-packages.sh build run test
if [ "$option" = --sanitize ]; then
  threaded=(slipway_solver_test slipway_store_test slipway_progress_test)
  make tsan "${threaded[@]}"
  make asan
  tests tsan -L "^($(IFS='|'; echo "${threaded[*]}"))\$" "$@"
  tests asan -L '^(slipway_.*_test|fuzz)$' "$@"
else
  [ "$option" != --full ] || export SLIPWAY_TEST_FULL=1
  make release
  tests release "$@"
fi
