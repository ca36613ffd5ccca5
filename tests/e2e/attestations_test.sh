#!/bin/bash
# Provenance and SBOM: where BuildKit stores them, without secrets in mode=min, and only when asked for.
source "$(dirname "$0")/lib.sh"

start_registry
mkdir -p context/var/lib/dpkg context/etc && cd context
printf 'Package: bash\nStatus: install ok installed\nVersion: 5.2-1\nArchitecture: amd64\n' >var/lib/dpkg/status
printf 'ID=debian\nVERSION_ID="12"\n' >etc/os-release
cat >Dockerfile <<'EOF'
FROM scratch
ARG TOKEN
LABEL token=$TOKEN
COPY var /var
COPY etc /etc
EOF

raw() { skopeo inspect --raw --tls-verify=false "docker://$registry/$1"; }
blob() { curl -sSf "http://$registry/v2/app/blobs/$1"; }
# The predicate of a type: predicate REFERENCE TYPE
predicate() {
  local attestation layer
  attestation=$(raw "$1" | jq -r '.manifests[] | select(.annotations["vnd.docker.reference.type"]) | .digest')
  layer=$(raw "${1%:*}@$attestation" |
    jq -r --arg type "$2" '.layers[] | select(.annotations["in-toto.io/predicate-type"] == $type) | .digest')
  blob "$layer"
}

# Nothing is asked for: one manifest.
build -t "$registry/app:plain" --push .
equal "$(raw app:plain | jq -r .mediaType)" application/vnd.oci.image.manifest.v1+json

build -t "$registry/app:min" --push --provenance=true --sbom=true --build-arg TOKEN=tell-nobody \
  --metadata-file "$work/meta.json" .
index=$(raw app:min)
equal "$(jq -r '.manifests | length' <<<"$index")" 2
equal "$(jq -r '.manifests[1] | .platform.os + "/" + .platform.architecture' <<<"$index")" unknown/unknown
equal "$(jq -r '.manifests[1].annotations["vnd.docker.reference.digest"]' <<<"$index")" "$(jq -r '.manifests[0].digest' <<<"$index")"
provenance=$(predicate app:min https://slsa.dev/provenance/v1)
equal "$(jq -r '.subject[0].name' <<<"$provenance")" "pkg:docker/$registry/app@min?platform=linux%2F$(jq -r '.manifests[0].platform.architecture' <<<"$index")"
equal "$(jq -r '.predicate.buildDefinition.externalParameters.configSource.path' <<<"$provenance")" Dockerfile
equal "$(jq -r '.predicate.runDetails.metadata.buildkit_completeness.request' <<<"$provenance")" false
! grep -q tell-nobody <<<"$provenance" || fail "provenance of mode=min tells a build argument"
equal "$(jq -r '."buildx.build.provenance".buildDefinition.internalParameters.builderPlatform' "$work/meta.json")" \
  "$(jq -r '.predicate.buildDefinition.internalParameters.builderPlatform' <<<"$provenance")"
sbom=$(predicate app:min https://spdx.dev/Document)
equal "$(jq -r '.predicate.spdxVersion' <<<"$sbom")" SPDX-2.3
equal "$(jq -r '[.predicate.packages[].externalRefs[0].referenceLocator | select(.)] | join(" ")' <<<"$sbom")" \
  "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12"

build -t "$registry/app:max" --push --attest type=provenance,mode=max,builder-id=https://example.com/1 \
  --build-arg TOKEN=told .
provenance=$(predicate app:max https://slsa.dev/provenance/v1)
equal "$(jq -r '.predicate.buildDefinition.externalParameters.request.args["build-arg:TOKEN"]' <<<"$provenance")" told
equal "$(jq -r '.predicate.runDetails.builder.id' <<<"$provenance")" https://example.com/1
equal "$(jq -r '.predicate.runDetails.metadata.buildkit_metadata.source.infos[0].data' <<<"$provenance" | base64 -d)" "$(cat Dockerfile)"
jq -e '.predicate.buildDefinition.internalParameters.buildConfig.llbDefinition[0].op.Op' <<<"$provenance" >/dev/null ||
  fail "mode=max has no steps"

# An unchanged image has an unchanged SBOM; images with attestations are used as others.
build -t "$registry/app:sbom" --push --sbom=true .
before=$(predicate app:sbom https://spdx.dev/Document)
build -t "$registry/app:sbom" --push --sbom=true .
equal "$(predicate app:sbom https://spdx.dev/Document)" "$before"
printf 'FROM %s/app:max\nCOPY etc/os-release /more\n' "$registry" >next.Dockerfile
build -f next.Dockerfile .
podman_here pull -q --tls-verify=false "$registry/app:min" >/dev/null || fail "podman cannot pull it"

# Off by one flag where a file turns it on; what is not known is refused.
cat >compose.yaml <<EOF
services:
  app:
    image: $registry/app:compose
    build: {context: ., provenance: true}
EOF
slipway bake -f compose.yaml --push >"$work/out" 2>"$work/log" || fail "bake exited with $?"
equal "$(raw app:compose | jq '.manifests | length')" 2
slipway bake -f compose.yaml --push --provenance=false >"$work/out" 2>"$work/log" || fail "bake exited with $?"
equal "$(raw app:compose | jq '.manifests | length')" 0
expect_exit 1 slipway build --attest type=provenance,mod=max .
logged 'mode'
expect_exit 1 slipway build --attest type=provenence .
logged 'provenance'
expect_exit 1 slipway build --attest type=sbom,generator=example.com/scanner .
logged 'generator'

# Outputs of files have them beside the files, which are what they are about.
cat >files.Dockerfile <<'EOF'
FROM scratch
ARG TARGETARCH
COPY etc /etc
COPY etc/os-release /only-$TARGETARCH
EOF
shape() { find . -printf '%P %y %m\n' | sort; jq -S '[.subject, .predicateType]' $(find . -name '*provenance*' | sort); }
files() { (cd "$1" && shape | grep -v '^ d '); }
in_tar() { rm -rf unpacked && mkdir unpacked && tar -xf "$1" -C unpacked && files unpacked; }
multi='--platform linux/amd64,linux/arm64'
build -f files.Dockerfile --provenance=true --sbom=true -o ../made .
equal "$(jq -r .predicate.spdxVersion ../made/sbom.spdx.json)" SPDX-2.3
equal "$(jq -c '[.subject[].name]' ../made/provenance.json)" '["etc/os-release","only-'"$(jq -r .predicate.buildDefinition.internalParameters.targetPlatform ../made/provenance.json | cut -d/ -f2)"'"]'
equal "$(jq -r '.subject[0].digest.sha256' ../made/sbom.spdx.json)" "$(sha256sum <etc/os-release | cut -d' ' -f1)"
build -f files.Dockerfile --attest type=provenance,inline-only=true -o ../inline .
[ ! -e ../inline/provenance.json ] || fail "an inline-only attestation is in an output of files"
expect_exit 1 slipway build -f files.Dockerfile --attest type=provenance,filename=sbom.spdx.json --sbom=true -o ../twice .
logged 'duplicate attestation path name sbom.spdx.json'
expect_exit 1 slipway build -f files.Dockerfile $multi --provenance=true -o type=local,dest=../one,platform-split=false .
logged 'cannot overwrite etc/os-release'
nothing_left

# The same names, modes and statements as BuildKit's.
peers=${SLIPWAY_PEERS:-$HOME/.cache/slipway/peers}
[ -x "$peers/buildkitd" ] || { echo "BuildKit is not at $peers (SLIPWAY_PEERS): not compared with it"; exit 0; }
"$peers/buildkitd" --addr "unix://$work/buildkit.sock" --root "$work/buildkit" --oci-worker=true \
  --containerd-worker=false --oci-worker-net=host >"$work/buildkit.log" 2>&1 &
background+=($!)
for _ in $(seq 100); do [ -S "$work/buildkit.sock" ] && break; sleep 0.1; done
cat >apart.Dockerfile <<'EOF'
FROM scratch
ARG TARGETARCH
COPY etc/os-release /only-$TARGETARCH
EOF
# same_files DOCKERFILE OUTPUT ATTESTATION FLAG... : a directory, or an archive where OUTPUT says so
same_files() {
  local dockerfile=$1 output=$2 attestation=$3
  shift 3
  local platforms=() look=files
  [ $# = 0 ] || platforms=(--opt platform=linux/amd64,linux/arm64 --opt multi-platform=true)
  case $output in type=tar*) look=in_tar ;; esac
  rm -rf ../ours ../theirs
  build -f "$dockerfile" --attest "type=provenance,$attestation" "$@" -o "$output,dest=../ours" .
  "$peers/buildctl" --addr "unix://$work/buildkit.sock" build --frontend dockerfile.v0 --local context=. \
    --local dockerfile=. --opt filename="$dockerfile" --opt attest:provenance="$attestation" "${platforms[@]}" \
    --output "$output,dest=../theirs" >"$work/out" 2>"$work/log" || fail "buildctl exited with $?"
  equal "$($look ../ours)" "$($look ../theirs)" "$dockerfile $output $attestation $*"
}
same_files files.Dockerfile type=local mode=min
same_files files.Dockerfile type=local,attestation-prefix=about- mode=max,filename=a/b.json
same_files files.Dockerfile type=tar mode=min
same_files files.Dockerfile type=local mode=min $multi
same_files files.Dockerfile type=tar mode=min $multi
same_files files.Dockerfile type=local,platform-split=true mode=min
same_files files.Dockerfile type=local mode=min,inline-only=true
same_files apart.Dockerfile type=local,platform-split=false mode=min $multi
