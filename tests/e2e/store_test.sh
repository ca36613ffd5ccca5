#!/bin/bash
# What is in the store: listed, formatted, saved and loaded, counted, pruned; and the builds of before.
source "$(dirname "$0")/lib.sh"

base=$(busybox)
mkdir context && cd context
printf 'FROM busybox\nRUN echo one && echo made >/made\nCMD ["cat", "/made"]\n' >Dockerfile
build --build-context "busybox=$base" -t made:v1 .
id=$(slipway images -q made)

# Lists: by name, by template, as JSON; names by ID.
equal "$(slipway images --format '{{.Repository}}:{{.Tag}}')" made:v1
equal "$(slipway images --format json 'ma*' | jq -r .Tag)" v1
equal "$(slipway images --no-trunc -q | cut -c8-19)" "$id"
slipway tag "$id" other/name
equal "$(slipway images --format '{{.Repository}}:{{.Tag}}' | sort | paste -sd' ')" "made:v1 other/name:latest"
expect_exit 1 slipway tag mde:v1 x
logged 'did you mean made:v1'
expect_exit 1 slipway rmi "$id"
equal "$(slipway rmi other/name)" "Untagged: other/name:latest"
expect_exit 1 slipway rmi other/name
slipway rmi -f other/name

# Archives of both kinds and a layout: the same image comes back, in another store too.
digest=$(slipway images --format '{{.Digest}}' made)
for kind in oci docker; do
  slipway save --format $kind made:v1 2>"$work/log" >"$work/$kind.tar"
  equal "$(SLIPWAY_ROOT=$work/$kind-store slipway load <"$work/$kind.tar" 2>"$work/log")" "Loaded image: made:v1"
  equal "$(SLIPWAY_ROOT=$work/$kind-store slipway images --format '{{.Digest}}')" "$digest" "$kind archive"
done
skopeo copy -q "oci-archive:$work/oci.tar" "oci:$work/layout:v1"
equal "$(slipway load -q -i "$work/layout")" "Loaded image ID: $digest"
expect_exit 1 slipway save -o "$work/none.tar" none
[ ! -e "$work/none.tar" ] || fail "a failed save leaves a file"
printf 'no archive' >"$work/bad.tar"
expect_exit 1 slipway load -i "$work/bad.tar"

# What du counts is what is there (a running program's own scratch aside).
counted=$(slipway du --format '{{.Bytes}}' | paste -sd+ | bc)
there=$(du -sB1 "$SLIPWAY_ROOT" | cut -f1)
[ $((counted - there)) -lt 65536 ] && [ $((there - counted)) -lt 65536 ] || fail "du says $counted, there is $there"

# Prune asks first; it removes results, but not what named images need.
expect_exit 1 slipway prune </dev/null
slipway prune --dry-run >"$work/out"
[ "$(slipway du --filter type=regular --format '{{.ID}}' | wc -l)" -gt 0 ] || fail "--dry-run removed something"
slipway prune -af >"$work/out"
equal "$(slipway du --filter type=regular --format '{{.ID}}')" ""
slipway save made:v1 2>"$work/log" | SLIPWAY_ROOT=$work/after slipway load -q >"$work/out"
equal "$(cat "$work/out")" "Loaded image: made:v1"

# History: the builds, what they said, how they failed.
printf 'FROM busybox\nRUN echo before; exit 3\n' >Dockerfile
expect_exit 1 slipway build --build-context "busybox=$base" .
equal "$(slipway history ls --format '{{.Status}}' | paste -sd' ')" "error completed"
ref=$(slipway history ls -q --filter status=completed)
slipway history logs "${ref:0:10}" >"$work/log"
logged '^#[0-9]+ [0-9.]+ one$'
slipway history logs --step 'echo before' >"$work/log"
logged 'before$' && not_logged 'load build definition'
equal "$(slipway history inspect "$ref" --format json | jq -r .Status)" completed
slipway history rm --all
equal "$(slipway history ls -q)" ""
nothing_left
