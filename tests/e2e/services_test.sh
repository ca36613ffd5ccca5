#!/bin/bash
# Morgan's CPU services, as a user builds them: both at once from compose.yaml, with real packages. Then each
# is started from its image and asked for its health.
source "$(dirname "$0")/lib.sh"

python=$standins/python-3.11-slim
"$repository/tools/standin/make" python:3.11-slim "$python" >/dev/null
cp -r "$repository/morgan" morgan && cd morgan

bake() {
  slipway bake -f compose.yaml --set "*.contexts.python:3.11-slim=oci-layout://$python" \
    "$@" core llm-service >"$work/out" 2>"$work/log" || fail "slipway bake exited with $?"
}
bake --set "core.output=type=local,dest=$work/core" --set "llm-service.output=type=local,dest=$work/llm" \
  --metadata-file "$work/meta.json"
equal "$(jq -c keys "$work/meta.json")" '["core","llm-service"]'
# The stage that both Dockerfiles begin with runs once: its step has one block in the log.
equal "$(ran 'RUN.*(apt-get|pip install)')" "$(grep -cE 'apt-get install|pip install' core/Dockerfile)"

# Runs a command in a root file system with network, processes and /proc of its own, asks for its health from
# beside it, and prints the answer: health ROOT PORT COMMAND...
health() {
  unshare --net --mount --pid --fork bash -c '
    root=$1 port=$2; shift 2
    ip link set lo up
    mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev"
    chroot --userspec=10001:10001 "$root" /usr/bin/env -i PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
      HOME=/tmp sh -c "cd /app && exec \"\$@\"" sh "$@" >"$root.log" 2>&1 &
    for _ in $(seq 150); do
      curl -s "http://127.0.0.1:$port/health" && exit
      sleep 0.2
    done
    cat "$root.log" >&2; exit 1' health "$@"
}
health "$work/core" 8000 uvicorn morgan_core.app:app --host 0.0.0.0 --port 8000 >"$work/core.json" ||
  fail "core does not answer"
jq -e .status "$work/core.json" >/dev/null || fail "core's health is $(cat "$work/core.json")"
port=$(sed -nE 's/^EXPOSE ([0-9]+)/\1/p' services/llm/Dockerfile)
health "$work/llm" "$port" uvicorn morgan_llm.app:app --host 0.0.0.0 --port "$port" >"$work/llm.json" ||
  fail "llm does not answer"
jq -e .status "$work/llm.json" >/dev/null || fail "llm's health is $(cat "$work/llm.json")"

# Nothing changed: nothing runs. One line of core's code: only what copies it runs.
bake
equal "$(ran 'RUN|COPY')" 0
echo "# changed" >>core/morgan_core/app.py
bake
equal "$(ran 'RUN')" 0
equal "$(ran 'COPY')" 1
nothing_left
