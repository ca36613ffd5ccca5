#!/bin/bash
# Tests Morgan's services outside their images: ./morgan/test.sh core|llm|tts|stt ...
# Makes a virtual environment from the service's lock file, in the user's cache folder.
set -euo pipefail
cd "$(dirname "$0")"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/slipway/morgan-tests
export UV_CACHE_DIR=${UV_CACHE_DIR:-$cache/uv-cache} UV_PYTHON_DOWNLOADS=never
export PYTHONDONTWRITEBYTECODE=1

uv=$cache/uv/bin/uv
if [ ! -x "$uv" ]; then
  python3 -m venv "$cache/uv"
  "$cache/uv/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9
fi

for service in "$@"; do
  case $service in
    core) folder=core ;;
    llm | tts | stt) folder=services/$service ;;
    *) echo "usage: $0 core|llm|tts|stt ..." >&2; exit 2 ;;
  esac
  echo "== morgan $service"
  (
    cd "$folder"
    export UV_PROJECT_ENVIRONMENT=$cache/$service
    "$uv" sync --quiet --locked
    "$UV_PROJECT_ENVIRONMENT/bin/python" -m pytest -q -p no:cacheprovider
  )
done
