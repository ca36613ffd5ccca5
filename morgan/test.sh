#!/bin/bash
# Tests Morgan's services outside their images: ./morgan/test.sh [--if-full] core|llm|tts|stt ...
# Makes a virtual environment from each service's lock file, in the user's cache folder.
# --if-full skips (77) unless ./test.sh --full runs: tts and stt need gigabytes of PyTorch.
set -euo pipefail
cd "$(dirname "$0")"

if [ "${1:-}" = --if-full ]; then
  shift
  [ -n "${SLIPWAY_TEST_FULL:-}" ] || { echo "skipped: only with ./test.sh --full"; exit 77; }
fi

cache=${XDG_CACHE_HOME:-$HOME/.cache}/slipway/morgan-tests
export UV_CACHE_DIR=${UV_CACHE_DIR:-$cache/uv-cache} UV_PYTHON_DOWNLOADS=never
export PYTHONDONTWRITEBYTECODE=1

install_uv() {
  [ -x "$cache/uv/bin/uv" ] && return
  python3 -m venv "$cache/uv"
  "$cache/uv/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9
}

mkdir -p "$cache"
exec 9>"$cache/lock" # two services may be tested at once
flock 9
install_uv
flock --unlock 9

for service in "$@"; do
  case $service in
    core) folder=core ;;
    llm | tts | stt) folder=services/$service ;;
    *) echo "usage: $0 [--if-full] core|llm|tts|stt ..." >&2; exit 2 ;;
  esac
  echo "== morgan $service"
  (
    cd "$folder"
    export UV_PROJECT_ENVIRONMENT=$cache/$service
    "$cache/uv/bin/uv" sync --quiet --locked
    "$UV_PROJECT_ENVIRONMENT/bin/python" -m pytest -q -p no:cacheprovider
  )
done
