#!/bin/bash
# Dockerfiles checked without a build, and what builds say of the same: texts, formats, exit codes.
source "$(dirname "$0")/lib.sh"

mkdir context && cd context
printf 'FROM scratch\nENV A b\nCOPY Dockerfile /\n' >Dockerfile
finding='LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format \(line 2\)'

# A build tells and goes on; "error=true" ends it, from the file or the command line.
build -o type=cacheonly .
logged "^#[0-9]+ WARN: $finding$"
logged '^ 1 warning found \(use --debug to expand\):$'
logged "^ - $finding$"
expect_exit 1 slipway build -o type=cacheonly --build-arg BUILDKIT_DOCKERFILE_CHECK=error=true .
logged 'ERROR: lint violation found for rules: LegacyKeyValueFormat'
build -o type=cacheonly --build-arg BUILDKIT_DOCKERFILE_CHECK=skip=all .
not_logged WARN
build -o type=cacheonly --progress rawjson .
not_logged 'warning found'

# A check builds nothing.
expect_exit 1 slipway build --check .
grep -q '^Check complete, 1 warning has been found!$' "$work/out"
grep -q '^   2 | >>> ENV A b$' "$work/out"
not_logged COPY
expect_exit 1 slipway build --call=check,format=json .
grep -q '"ruleName": "LegacyKeyValueFormat"' "$work/out"
expect_exit 0 slipway build --call=check,ignorestatus=true .
expect_exit 1 slipway check --format github
grep -q '^::warning file=Dockerfile,line=2,endLine=2,title=LegacyKeyValueFormat::' "$work/out"
expect_exit 1 slipway check --format sarif
grep -q '"startLine": 2' "$work/out"

printf 'FROM scratch\nFROBNICATE\n' >Dockerfile
expect_exit 1 slipway check .
logged 'ERROR: dockerfile parse error on line 2: unknown instruction: FROBNICATE'

printf 'FROM scratch\nCOPY Dockerfile /\n' >Dockerfile
expect_exit 0 slipway build --check .
grep -q '^Check complete, no warnings found.$' "$work/out"
expect_exit 1 slipway build --call=outlines .
logged 'call=outlines is not known .did you mean outline'

# What a target can be given, and which targets there are.
mkdir described && cd described
cat >Dockerfile <<'END'
# VERSION of the base
ARG VERSION=3
# tools is for all
FROM scratch AS tools
ARG FLAGS
FROM scratch AS app
# TOKEN says who
ARG TOKEN=none VERSION
RUN --mount=type=secret,id=key,required --mount=type=ssh --mount=from=tools,target=/t true
END
expect_exit 0 slipway build --call=outline --build-arg FLAGS=-O2 .
equal "$(cat "$work/out")" 'TARGET: app

BUILD ARG   VALUE   DESCRIPTION
VERSION     3       of the base
FLAGS       -O2     
TOKEN       none    says who

SECRET   REQUIRED
key      true

SSH       REQUIRED
default   '
expect_exit 0 slipway build --call=outline,format=json --target tools .
equal "$(jq -c '[.name, .description, .args, (.sources[0] | @base64d | length)]' "$work/out")" \
  "[\"tools\",\"is for all\",[{\"name\":\"FLAGS\",\"location\":{\"ranges\":[{\"start\":{\"line\":5},\"end\":{\"line\":5}}]}}],$(wc -c <Dockerfile)]"
expect_exit 0 slipway build --call=targets .
equal "$(cat "$work/out")" 'TARGET        DESCRIPTION
tools         is for all
app (default) '
expect_exit 1 slipway build --call=outline --target nothing .
logged 'target stage "nothing" could not be found'
expect_exit 1 slipway build --call=outline,format=sarif .
logged 'are of checks'
cd ..

# Own rules name what a step cost when it last ran.
base=$(busybox)
mkdir app && cd app
mkdir bin src && printf '#!/bin/sh\nsleep 1\n' >bin/pip && chmod +x bin/pip && echo x >requirements.txt
printf 'FROM busybox\nCOPY . .\nRUN PATH=/bin:$PATH pip install -r requirements.txt\n' >Dockerfile
slow() { slipway "$@" --build-context "busybox=$base" .; }
expect_exit 1 slow check
grep -q '^WARNING: DependenciesAfterSource$' "$work/out"
if grep -q '^Cost:' "$work/out"; then fail "a cost of a step that never ran"; fi
slow build -o type=cacheonly >"$work/out" 2>"$work/log"
expect_exit 1 slow check
grep -qE '^Cost: [0-9]+\.[0-9]s \(build [a-z0-9]+\) each time a source file changes$' "$work/out"
expect_exit 0 slow build --check
expect_exit 0 slow check --format json
expect_exit 1 slow check --format json --rules all
cd ..

echo '{"group": {"default": {"targets": ["a", "b"]}},
       "target": {"a": {}, "b": {"dockerfile-inline": "FROM scratch\nENV A b\n"}}}' >docker-bake.json
expect_exit 1 slipway bake --check
equal "$(grep -cE '^(a|b)$' "$work/out")" 2
expect_exit 1 slipway bake --call=check,format=json
grep -q '"check": {' "$work/out"

# Other calls of bake: for all targets, or each its own; what has none is built.
cat >docker-bake.json <<'JSON'
{"target": {"a": {"description": "the first", "context": "described", "call": "targets"},
            "b": {"dockerfile-inline": "FROM scratch\nCOPY docker-bake.json /\n", "output": ["result"]}}}
JSON
expect_exit 0 slipway bake --call=targets a b
equal "$(head -5 "$work/out")" "a
the first

TARGET        DESCRIPTION
tools         is for all"
[ ! -e result ] || fail "a call built something"
expect_exit 0 slipway bake --call=outline,format=json a b
equal "$(jq -c '[.target | keys, .a.outline.name, .b.build.output[0].dest]' "$work/out")" '[["a","b"],"app","result"]'
expect_exit 0 slipway bake a b
equal "$(head -1 "$work/out")" a
[ -e result/docker-bake.json ] || fail "what has no call was not built"
