#!/bin/bash
# Morgan's CPU services, as a user builds them: both at once from compose.yaml, with real packages. Then each
# is started from its image and asked for its health.
source "$(dirname "$0")/lib.sh"
source "$repository/tests/e2e/service_health.sh"

python=$standins/python-3.11-slim
"$repository/tools/standin/make" python:3.11-slim "$python" >/dev/null
cp -r "$repository/morgan" morgan && cd morgan

bake() {
  slipway bake -f compose.yaml --set "*.contexts.python:3.11-slim=oci-layout://$python" \
    "$@" core llm-service >"$work/out" 2>"$work/log" || fail "slipway bake exited with $?"
}
bake --set core.tags=core --set llm-service.tags=llm --metadata-file "$work/meta.json"
equal "$(jq -c keys "$work/meta.json")" '["core","llm-service"]'
# The stage that both Dockerfiles begin with runs once: its step has one block in the log.
equal "$(ran 'RUN.*(apt-get|pip install)')" "$(grep -cE 'apt-get install|pip install' core/Dockerfile)"

service_health core core >/dev/null
service_health services/llm llm >/dev/null

# Nothing changed: nothing runs. One line of core's code: only what copies it runs.
bake
equal "$(ran 'RUN|COPY')" 0
echo "# changed" >>core/morgan_core/app.py
bake
equal "$(ran 'RUN')" 0
equal "$(ran 'COPY')" 1
nothing_left
