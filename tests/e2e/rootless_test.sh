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
as_user "./slipway du >/dev/null && ./slipway prune -af >/dev/null" || fail "du or prune failed"
nothing_left
