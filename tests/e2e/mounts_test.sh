#!/bin/bash
# RUN --mount: all five types with their options, and nothing of them in the image.
source "$(dirname "$0")/lib.sh"

base=$(busybox)
mkdir -p context/tree && cd context
echo data >tree/file
printf s3cret >"$work/token"

cat >Dockerfile <<'EOF'
FROM busybox AS other
RUN mkdir /o && echo from-stage >/o/f

FROM busybox
ARG RUN_ID
RUN --mount=type=bind,source=tree,target=/mnt/tree cat /mnt/tree/file >/bound && ! touch /mnt/tree/no
RUN --mount=type=bind,source=tree,target=/mnt/rw,rw echo gone >/mnt/rw/file
RUN --mount=type=bind,from=other,source=/o,target=/o cat /o/f >/stage
RUN --mount=type=cache,target=/cache,id=c echo "$RUN_ID" >>/cache/runs; cp /cache/runs /runs
RUN --mount=type=cache,target=/cache,id=owned,sharing=locked,uid=5,gid=6,mode=0750 stat -c %a:%u:%g /cache >/cache-mode
RUN --mount=type=tmpfs,target=/t,size=1m touch /t/x && mount | grep -q ' /t type tmpfs'
RUN --mount=type=secret,id=token,mode=0440,uid=7 cat /run/secrets/token | wc -c >/length; stat -c %a:%u /run/secrets/token >/secret-mode
RUN --mount=type=secret,id=token,env=TOKEN test "${#TOKEN}" = 6
RUN --mount=type=secret,id=optional true
EOF
build --build-context "busybox=$base" --build-arg RUN_ID=first --secret "id=token,src=$work/token" \
  -t image -o "type=oci,dest=$work/image,tar=false" .
unpack "$work/image" "$work/rootfs"
cd "$work/rootfs"
equal "$(cat bound)" data
equal "$(cat stage)" from-stage
equal "$(cat runs)" first
equal "$(cat cache-mode)" 750:5:6
equal "$(cat length)" 6
equal "$(cat secret-mode)" 440:7
for stub in mnt cache t run/secrets o; do
  [ ! -e "$stub" ] || fail "the mount point /$stub is in the image"
done
equal "$(cat "$work/context/tree/file")" data "rw bind mounts do not reach the context"

# The cache is there for the next build; the secret is nowhere.
cd "$work/context"
build --build-context "busybox=$base" --build-arg RUN_ID=second --secret "id=token,src=$work/token" \
  -o "type=local,dest=$work/second" .
equal "$(cat "$work/second/runs")" $'first\nsecond'
if grep -rq s3cret "$work/store" "$work/image" "$work/log"; then fail "the secret was written down"; fi

# A changed secret is no reason to run again.
echo other >"$work/token"
build --build-context "busybox=$base" --build-arg RUN_ID=second --secret "id=token,src=$work/token" .
not_logged '^#[0-9]+ [0-9.]+ '

# An ssh agent's socket.
eval "$(ssh-agent -s)" >/dev/null
background+=("$SSH_AGENT_PID")
printf 'FROM busybox\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"\n' >Dockerfile
build --build-context "busybox=$base" --ssh default .
nothing_left

# A key file: an agent that ends with the build.
mkdir -m 700 "$work/keys"
ssh-keygen -q -t ed25519 -N '' -f "$work/keys/key"
ssh-keygen -q -t ed25519 -N secret -f "$work/keys/locked"
build --build-context "busybox=$base" --no-cache --ssh "default=$work/keys/key" .
expect_exit 1 slipway build --build-context "busybox=$base" --no-cache --ssh "default=$work/keys/locked" .
logged 'ssh key .*locked: it has a passphrase'
nothing_left
