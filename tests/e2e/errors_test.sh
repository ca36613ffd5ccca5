#!/bin/bash
# Wrong input: the message names the line and the remedy, the exit code is 1, nothing is left behind.
source "$(dirname "$0")/lib.sh"

base=$(busybox)
refuse() { expect_exit 1 slipway build --build-context "busybox=$base" "$@"; }

mkdir context && cd context

printf 'FROM busybox\nRUNN echo\nCOPPY a b\n' >Dockerfile
refuse .
logged 'Dockerfile:2'
logged 'Dockerfile:3'
logged 'RUNN'
logged 'did you mean RUN'

printf 'FROM busybox\nRUN echo before\nRUN echo last words; exit 7\n' >Dockerfile
refuse .
logged 'last words'
logged '>>> RUN echo last words; exit 7'
logged 'did not complete successfully: exit code: 7'

printf 'FROM busybox\nCOPY missing /\n' >Dockerfile
refuse .
logged '>>> COPY missing /'
logged '"/missing": not found'

touch excluded && echo excluded >.dockerignore
printf 'FROM busybox\nCOPY excluded /\n' >Dockerfile
refuse .
logged 'hint: excluded is there, but .dockerignore excludes it'
rm .dockerignore

printf 'FROM busybox\nCOPY --from=nowhere.invalid/x /a /b\n' >Dockerfile
refuse .
logged 'nowhere.invalid'

printf 'FROM busybox\nRUN --mount=type=secret,id=token,required=true cat /run/secrets/token\n' >Dockerfile
refuse .
logged 'token'

printf 'FROM busybox\nRUN true\n' >Dockerfile
refuse --target nostage .
logged 'nostage'
refuse -f Nofile .
logged 'Nofile'
refuse --no-such-flag .
logged 'no-such-flag'
refuse "$work/no/such/directory"
logged 'no/such/directory'

# A Dockerfile cannot take the host's network; the user gives it.
printf 'FROM busybox\nRUN --network=host true\n' >Dockerfile
refuse .
logged 'network.host is not allowed'
logged '--allow network.host'
build --build-context "busybox=$base" --allow network.host .
build --build-context "busybox=$base" --network host .

# A failed build leaves no image and no half-written output.
printf 'FROM busybox\nRUN exit 1\n' >Dockerfile
refuse -t halfway -o "type=oci,dest=$work/out.tar" .
[ ! -e "$work/out.tar" ] || fail "a failed build left its output"
nothing_left
