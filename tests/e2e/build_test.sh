#!/bin/bash
# A build, the same again, and with changes: what runs, what is cached, what is in the image.
source "$(dirname "$0")/lib.sh"

base=$(busybox)
mkdir context && cd context
cat >Dockerfile <<'EOF'
FROM busybox AS base
ARG GREETING=hello
ENV A=1 B="two words"
WORKDIR /app
RUN echo "$GREETING" >greeting && echo worker:x:1234:1235::/:/bin/sh >>/etc/passwd && echo worker:x:1235: >>/etc/group
COPY --chown=worker:worker src ./src
RUN ["cp", "src/file", "copied"]
RUN rm /etc/issue || true; rm -rf /etc/removed; mkdir -p /etc/kept

FROM base
LABEL who="me"
EXPOSE 8080
VOLUME /data
USER worker
HEALTHCHECK --interval=5s CMD true
ENTRYPOINT ["/bin/sh", "-c"]
CMD ["cat copied"]
EOF
mkdir src && echo one >src/file && echo other >src/other

build --build-context "busybox=$base" -t image -o "type=oci,dest=$work/image,tar=false" .
equal "$(cached_steps)" 0 "a first build has nothing to reuse"

unpack "$work/image" "$work/rootfs"
equal "$(cat "$work/rootfs/app/greeting")" hello
equal "$(cat "$work/rootfs/app/copied")" one
equal "$(stat -c %u:%g "$work/rootfs/app/src/file")" 1234:1235
[ ! -e "$work/rootfs/etc/issue" ] || fail "a removed file is still in the image"

config() { skopeo inspect --config "oci:$work/image" | jq -c "$1"; }
equal "$(config '.config.Env[-2:]')" '["A=1","B=two words"]'
equal "$(config .config.User)" '"worker"'
equal "$(config .config.WorkingDir)" '"/app"'
equal "$(config .config.ExposedPorts)" '{"8080/tcp":{}}'
equal "$(config .config.Volumes)" '{"/data":{}}'
equal "$(config .config.Labels)" '{"who":"me"}'
equal "$(config .config.Entrypoint)" '["/bin/sh","-c"]'
equal "$(config .config.Cmd)" '["cat copied"]'

# The same again: every step is found, the image is the same.
digest=$(jq -r .manifests[0].digest "$work/image/index.json")
rm -rf "$work/image"
build --build-context "busybox=$base" -t image -o "type=oci,dest=$work/image,tar=false" .
equal "$(ran 'RUN|COPY')" 0
equal "$(jq -r .manifests[0].digest "$work/image/index.json")" "$digest" "nothing changed"

# New times and a copied tree are no change; only content counts.
touch src/* && cp -r . "$work/copy"
build --build-context "busybox=$base" "$work/copy"
equal "$(ran 'RUN|COPY')" 0

# One file changes: what copies it and what follows run again, what comes before does not.
echo changed >src/file
build --build-context "busybox=$base" -t image -o "type=oci,dest=$work/changed,tar=false" .
unpack "$work/changed" "$work/rootfs2"
equal "$(cat "$work/rootfs2/app/copied")" changed
equal "$(ran 'RUN echo')" 0
equal "$(ran 'COPY|RUN ..cp|RUN rm')" 3

# A build argument reaches only what uses it.
build --build-context "busybox=$base" --build-arg GREETING=hi -o "type=local,dest=$work/local" .
equal "$(cat "$work/local/app/greeting")" hi

# --target stops at a stage; -q prints the image ID alone.
id=$(slipway build -q --target base --build-context "busybox=$base" . 2>"$work/log")
[[ "$id" =~ ^sha256:[0-9a-f]{64}$ ]] || fail "-q printed \"$id\""

# The Dockerfile alone from stdin, and with a context. Nothing can be copied from a context that is not there.
build --build-context "busybox=$base" -o "type=local,dest=$work/stdin" - <<<$'FROM busybox\nRUN echo piped >/piped'
equal "$(cat "$work/stdin/piped")" piped
build --build-context "busybox=$base" -o "type=local,dest=$work/stdin" -f - . <<<$'FROM scratch\nCOPY src/file /'
equal "$(cat "$work/stdin/file")" changed
expect_exit 1 slipway build --build-context "busybox=$base" - <<<$'FROM scratch\nCOPY file /'
logged '"/file": not found'

# --no-cache runs everything.
build --no-cache --build-context "busybox=$base" .
equal "$(ran 'RUN')" 3
nothing_left
