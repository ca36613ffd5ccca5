#!/bin/bash
# An ordinary user with subordinate ids builds Morgan's core service: no root, no daemon.
source "$(dirname "$0")/lib.sh"

python=$standins/python-3.11-slim
"$repository/tools/standin/make" python:3.11-slim "$python" >/dev/null
user=slipway-e2e-$$
useradd --create-home --home-dir "$work/home" --shell /bin/bash "$user"
remove_user() { userdel "$user" 2>/dev/null || true; }
trap 'remove_user; finish' EXIT
grep -q "^$user:" /etc/subuid || usermod --add-subuids 700000-765535 --add-subgids 700000-765535 "$user"

# The user can read what the build needs, and nothing of it needs root.
chmod 755 "$work"
cp -r "$repository/morgan" "$python" "$SLIPWAY" "$work/home/"
chown -R "$user:" "$work/home"
as_user() {
  setpriv --reuid "$user" --regid "$user" --init-groups --reset-env env HOME="$work/home" \
    PATH="$PATH" BUILDKIT_PROGRESS=plain bash -c "cd ~ && $1"
}
as_user "cd morgan && ../slipway bake --set '*.contexts.python:3.11-slim=oci-layout://$work/home/python-3.11-slim' \
  --set 'core.output=type=oci,dest=../image,tar=false' --set core.tags=core core" \
  >"$work/out" 2>"$work/log" || fail "the build as $user exited with $?"
unpack "$work/home/image" "$work/rootfs"
[ -x "$work/rootfs/opt/venv/bin/uvicorn" ] || fail "the image has no uvicorn"
equal "$(stat -c %u "$work/rootfs/app/morgan_core")" 0 "files copied from the context belong to root"

# Again: all cached. And the store is the user's own.
as_user "./slipway build --build-context python:3.11-slim=oci-layout://$work/home/python-3.11-slim -f morgan/core/Dockerfile morgan" \
  >"$work/out" 2>"$work/log" || fail "the second build as $user exited with $?"
equal "$(ran 'RUN|COPY')" 0

# A copy on a cached result fetches no layer for a user either, and whiteouts below it count.
start_registry
mkdir "$work/home/copy"
layout=$(busybox)
cp -r "${layout#oci-layout://}" "$work/home/busybox"
cat >"$work/home/copy/Dockerfile" <<'DOCKERFILE'
FROM base
RUN mkdir -p /srv/app/gone && echo old >/srv/app/gone/old
RUN rm -r /srv/app/gone && mkdir /srv/app/gone && rm -r /srv/app/gone
COPY a.txt /srv/app/gone/
DOCKERFILE
echo first >"$work/home/copy/a.txt"
chown -R "$user:" "$work/home/copy" "$work/home/busybox"
base="--build-context base=oci-layout://$work/home/busybox"
as_user "./slipway build $base --cache-to type=registry,ref=$registry/cache,mode=max -o type=cacheonly copy" \
  >"$work/out" 2>"$work/log" || fail "a cache was not written"
echo second >"$work/home/copy/a.txt"
lines=$(wc -l <"$work/registry.log")
as_user "SLIPWAY_ROOT=\$HOME/fresh ./slipway build $base --cache-from $registry/cache -t $registry/copy:1 --push copy" \
  >"$work/out" 2>"$work/log" || fail "the copy on a cached result"
equal "$(ran RUN) $(ran COPY)" "0 1"
for layer in $(skopeo inspect --raw --tls-verify=false "docker://$registry/cache" |
  jq -r '.layers[] | select(.mediaType | endswith("tar+gzip")).digest'); do
  ! tail -n "+$((lines + 1))" "$work/registry.log" | grep -q "http.request.method=GET.*blobs/$layer" || fail "$layer was fetched"
done
skopeo copy -q --src-tls-verify=false "docker://$registry/copy:1" "oci:$work/copied:latest"
unpack "$work/copied" "$work/copied-tree"
equal "$(ls "$work/copied-tree/srv/app/gone")" a.txt
as_user "./slipway du >/dev/null && ./slipway prune -af >/dev/null" || fail "du or prune failed"
nothing_left
