#!/bin/bash
# A stand-in is an image that other tools read, is made once, and comes out the same again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
same() { [ "$1" = "$2" ] || fail "$3: '$1' is not '$2'"; }
inode() { stat -c %i "$folder/$1/index.json"; }

"$here/make" busybox:latest "$folder/one" >/dev/null
first=$(inode one)
"$here/make" busybox:latest "$folder/one" >/dev/null
same "$(inode one)" "$first" "a finished layout is kept"

"$here/make" busybox:latest "$folder/two" >/dev/null
diff -r "$folder/one" "$folder/two" >/dev/null || fail "two runs gave different images"

same "$(skopeo inspect --config "oci:$folder/one" | jq -r .config.Cmd[0])" sh "the command"
skopeo copy --quiet "oci:$folder/one:latest" "dir:$folder/copied" || fail "skopeo cannot read it"

umoci unpack --rootless --image "$folder/one:latest" "$folder/bundle" >/dev/null
same "$("$folder/bundle/rootfs/bin/echo" hello)" hello "an applet"

"$here/make" nothing:latest "$folder/none" 2>/dev/null && fail "an unknown name was accepted"
[ ! -e "$folder/none" ] || fail "a failed run left a layout behind"
echo "ok"
