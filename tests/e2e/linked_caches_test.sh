#!/bin/bash
# Cache mounts that tools link out of: uv installs without copying, later steps cannot change what was
# linked, and a kill leaves the cache whole.
source "$(dirname "$0")/lib.sh"

python=$standins/python-3.11-slim
"$repository/tools/standin/make" python:3.11-slim "$python" >/dev/null
mkdir context && cd context
cat >Dockerfile <<'DOCKERFILE'
FROM python:3.11-slim AS uv
RUN --mount=type=cache,target=/root/.cache/pip \
    PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore pip install uv==0.13.9

FROM uv AS fetched
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv /venv && uv pip install --python /venv/bin/python idna==3.7 packaging==24.1

FROM uv AS installed
ARG AGAIN=1
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv /venv && uv pip install --offline --python /venv/bin/python idna==3.7 packaging==24.1 \
 && cd /venv/lib/python3.11/site-packages && find $PWD/*/ -name '*.py' -links 1 >/unlinked && find $PWD/*/ -name '*.py' -links +1 >/linked \
 && sha256sum $(cat /linked) >/sums

FROM installed
# In place, through the cache: what a tool with a bug would do.
RUN --mount=type=cache,target=/root/.cache/uv \
    find /root/.cache/uv -name core.py | while read -r file; do echo broken >>"$file"; done; \
    find /root/.cache/uv -name core.py -exec grep -l broken {} + >/broken; sha256sum -c --quiet /sums
RUN sha256sum -c --quiet /sums
DOCKERFILE
build --build-context "python:3.11-slim=oci-layout://$python" --target fetched .
not_logged 'Failed to hardlink'
build --build-context "python:3.11-slim=oci-layout://$python" -o "type=local,dest=$work/out-tree" .
not_logged 'Failed to hardlink'
[ -s "$work/out-tree/linked" ] || fail "nothing was linked"
[ ! -s "$work/out-tree/unlinked" ] || fail "not linked: $(cat "$work/out-tree/unlinked")"
[ -s "$work/out-tree/broken" ] || fail "nothing was changed in the cache"
[ ! -e "$work/out-tree/root/.cache/uv" ] || fail "the cache is in the image"

# The links are real: one inode in the store.
linked=$(find "$work/store/snapshots" -path '*/venv/lib/*' -name '__init__.py' -links +1 | head -1)
[ -n "$linked" ] || fail "no file of the snapshot is linked"
find "$work/store/cache-mounts" -samefile "$linked" | grep -q . || fail "$linked is not the cache's file"

# kill -9 while a step writes into a cache that others have linked from.
cat >Dockerfile <<'DOCKERFILE'
FROM busybox
ARG STEP
RUN --mount=type=cache,id=k,target=/k \
    case $STEP in \
      fill) for i in $(seq 200); do echo $i >/k/$i; done; ln /k/7 /seven;; \
      die) rm /k/1* && echo torn >/k/200 && mv /k/2 /k/moved && sleep 60;; \
      look) ls /k | wc -l >/count; cat /k/7 /k/200 >/content;; \
    esac
DOCKERFILE
base=$(busybox)
build --build-context "busybox=$base" --build-arg STEP=fill .
"$SLIPWAY" build --build-context "busybox=$base" --build-arg STEP=die . >"$work/out" 2>"$work/log" &
pid=$!
for _ in $(seq 200); do
  [ -n "$(find "$work/store/snapshots" -path '*/k/moved')" ] && break
  sleep 0.1
done
kill -9 $pid && wait $pid 2>/dev/null || true
build --build-context "busybox=$base" --build-arg STEP=look -o "type=local,dest=$work/look" .
equal "$(cat "$work/look/count")" 200
equal "$(cat "$work/look/content")" $'7\n200'
nothing_left
