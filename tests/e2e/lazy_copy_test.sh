#!/bin/bash
# A changed COPY above steps that a remote cache has: the layers below it are not fetched, and the image is
# the one that a build with all files makes.
source "$(dirname "$0")/lib.sh"

start_registry
skopeo copy -q --dest-tls-verify=false "$(busybox | sed s/oci-layout:../oci:/)" "docker://$registry/base:1"
mkdir context && cd context
mkdir dir && echo a >a.txt && echo b >dir/b.txt && echo c >c.txt
cat >Dockerfile <<DOCKERFILE
FROM $registry/base:1
RUN mkdir -p /srv/app/old /srv/gone && echo old >/srv/app/a.txt && ln -s srv/app /app \
 && chown -R 12:34 /srv/app && chmod 750 /srv/app && echo 'app:x:1000:2000::/:/bin/sh' >>/etc/passwd
RUN rm -r /srv/gone && echo run >/srv/app/run
WORKDIR /app/work
COPY a.txt /app/
COPY --chown=app dir /srv/gone/
COPY --link c.txt /linked/
CMD ["cat", "/app/a.txt"]
DOCKERFILE

fresh() { rm -rf "$SLIPWAY_ROOT"; }
mark() { lines=$(wc -l <"$work/registry.log"); }
# How many of the cache's layers the registry has sent since mark().
layers_sent() {
  local layer count=0
  for layer in $layers; do
    ! tail -n "+$((lines + 1))" "$work/registry.log" |
      grep -q "http.request.method=GET.*blobs/$layer.*http.response.status=200" || count=$((count + 1))
  done
  echo "$count"
}
# Everything about the files of a pushed image but when they were made.
files_of() {
  rm -rf "$work/layout" "$work/tree"
  skopeo copy -q --src-tls-verify=false "docker://$1" "oci:$work/layout:latest"
  unpack "$work/layout" "$work/tree"
  (cd "$work/tree" && find . -printf '%p %y %m %U:%G %l ' -type f -exec sha256sum {} \; -o -printf '%p %y %m %U:%G %l\n' | sort)
}
config_of() { skopeo inspect --config --tls-verify=false "docker://$1" | jq -c '[.config, [.history[] | del(.created)]]'; }

build --cache-to "type=registry,ref=$registry/cache:1,mode=max" -t "$registry/app:1" --push .
skopeo inspect --raw --tls-verify=false "docker://$registry/cache:1" >"$work/cache.json"
layers=$(jq -r '.layers[] | select(.mediaType | endswith("tar+gzip")).digest' "$work/cache.json")
equal "$(jq '[.layers[] | select(.annotations["io.slipway.layer.skeleton"])] | length' "$work/cache.json")" \
  "$(wc -w <<<"$layers")" "every layer names its skeleton"

# With all files: the store knows the steps.
echo changed >a.txt
build -t "$registry/app:whole" --push .
equal "$(ran RUN)" 0

# Without: three copies run again, of which the last two find their content changed below them.
fresh
mark
build --cache-from "$registry/cache:1" -t "$registry/app:lazy" --push .
equal "$(ran RUN)" 0
equal "$(ran 'COPY a.txt')" 1
equal "$(layers_sent)" 1 "the layer of COPY --link is put on top; no layer is fetched for a COPY"
equal "$(files_of "$registry/app:lazy")" "$(files_of "$registry/app:whole")"
equal "$(config_of "$registry/app:lazy")" "$(config_of "$registry/app:whole")"
equal "$(cat "$work/tree/srv/app/a.txt")" changed

# A cache that is written by such a build serves the next: everything is found.
fresh
build --cache-from "$registry/cache:1" --cache-to "type=registry,ref=$registry/cache:2,mode=max" \
  -t "$registry/app:again" --push .
fresh
mark
build --cache-from "$registry/cache:2" -t "$registry/app:found" --push .
equal "$(ran '(RUN|COPY)')" 0
equal "$(layers_sent)" 0
equal "$(skopeo inspect --tls-verify=false "docker://$registry/app:found" | jq -r .Digest)" \
  "$(skopeo inspect --tls-verify=false "docker://$registry/app:again" | jq -r .Digest)"

# The files are fetched when a step needs them, and what was copied is kept then.
fresh
sed 's|^CMD.*|RUN cat /app/a.txt /srv/gone/b.txt /srv/app/run >/all|' Dockerfile >"$work/Dockerfile.run"
build --cache-from "$registry/cache:1" -f "$work/Dockerfile.run" -o "type=local,dest=$work/out-run" .
equal "$(cat "$work/out-run/all")" $'changed\nb\nrun'
equal "$(cat "$work/out-run/linked/c.txt")" c
build -f "$work/Dockerfile.run" -o type=cacheonly .
equal "$(ran '(RUN|COPY)')" 0 "the store has learnt of all steps"

# Outputs that need the files fetch them too.
fresh
build --cache-from "$registry/cache:1" -t "x:latest" -o "type=oci,tar=false,dest=$work/oci" .
unpack "$work/oci" "$work/oci-tree"
equal "$(cat "$work/oci-tree/srv/app/a.txt" "$work/oci-tree/srv/app/run")" $'changed\nrun'

# In a directory, and a cache without skeletons.
build --cache-to "type=local,dest=$work/cache,mode=max" -o type=cacheonly .
fresh
echo again >a.txt
build --cache-from "type=local,src=$work/cache" -o "type=local,dest=$work/from-local" .
equal "$(cat "$work/from-local/srv/app/a.txt")" again
jq 'del(.layers[] | select(.mediaType | contains("skeleton")))
    | del(.layers[].annotations["io.slipway.layer.skeleton"])' "$work/cache.json" >"$work/plain.json"
curl -sf -X PUT -H "Content-Type: application/vnd.oci.image.manifest.v1+json" \
  --data-binary "@$work/plain.json" "http://$registry/v2/cache/manifests/plain"
fresh
build --cache-from "$registry/cache:plain" -t "$registry/app:plain" --push .
equal "$(ran RUN)" 0
files_of "$registry/app:plain" >/dev/null
equal "$(cat "$work/tree/srv/app/a.txt")" again

# A skeleton that is not what its digest says is not used, and not believed.
jq '.layers |= map(if .annotations["io.slipway.layer.skeleton"]
      then .annotations["io.slipway.layer.skeleton"] = "'"$(jq -r .config.digest "$work/cache.json")"' 1" else . end)' \
  "$work/cache.json" >"$work/wrong.json"
curl -sf -X PUT -H "Content-Type: application/vnd.oci.image.manifest.v1+json" \
  --data-binary "@$work/wrong.json" "http://$registry/v2/cache/manifests/wrong"
fresh
build --cache-from "$registry/cache:wrong" -t "$registry/app:wrong" --push .
equal "$(ran RUN)" 0
equal "$(files_of "$registry/app:wrong")" "$(files_of "$registry/app:plain")"
nothing_left
