#!/bin/bash
# Naive Dockerfiles fixed: the images stay what they are, and a change of code no longer installs the
# dependencies again.
source "$(dirname "$0")/lib.sh"

python=$standins/python-3.11-slim
"$repository/tools/standin/make" python:3.11-slim "$python" >/dev/null
base=(--build-context "python:3.11-slim=oci-layout://$python")

# Morgan's shape with small dependencies, and what lies around in a working copy.
mkdir repository && cd repository
projects=(core services/llm services/tts services/stt)
project() {
  mkdir -p "$1/$2" && echo "print('1')" >"$1/$2/app.py"
  printf '[project]\nname = "%s"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = [%s]\n\n[tool.uv]\npackage = false\n' \
    "$3" "$4" >"$1/pyproject.toml"
}
project shared morgan_shared morgan-shared '"idna==3.7"'
for each in "${projects[@]}"; do
  name=$(basename "$each")
  project "$each" "morgan_$name" "morgan-$name" '"morgan-shared", "packaging==24.1"'
  up=$(dirname "$each" | sed 's,[^/.]\+,..,g; s,^\.$,..,')
  [ "$each" = core ] || up=../..
  printf '\n[tool.uv.sources]\nmorgan-shared = { path = "%s/shared", package = false }\n' "$up" >>"$each/pyproject.toml"
  cp "$repository/tests/e2e/naive/$name.Dockerfile" "$each/Dockerfile"
done
cat >lock.Dockerfile <<'DOCKERFILE'
FROM python:3.11-slim AS lock
RUN pip install uv==0.13.9
COPY . /src
RUN for each in core services/llm services/tts services/stt; do uv lock --project /src/$each && mkdir -p /locks/$each && cp /src/$each/uv.lock /locks/$each/; done
FROM scratch
COPY --from=lock /locks /
DOCKERFILE
build "${base[@]}" -f lock.Dockerfile -o "type=local,dest=." .
rm lock.Dockerfile
cat >compose.yaml <<'YAML'
services:
  core: {build: {dockerfile: core/Dockerfile}}
  llm-service: {build: {dockerfile: services/llm/Dockerfile}}
  tts-service: {build: {dockerfile: services/tts/Dockerfile}}
  stt-service: {build: {dockerfile: services/stt/Dockerfile}}
YAML
mkdir -p .git/objects web/node_modules/x core/__pycache__ models
for file in .git/objects/pack web/node_modules/x/y models/voice.safetensors; do head -c 3000000 /dev/zero >"$file"; done
echo models/ >.gitignore
cp -r . ../naive

# The difference is a patch, and says by its exit code that there is one.
expect_exit 1 slipway fix .
cp "$work/out" ../fix.patch
logged '^could fix core/Dockerfile:6: PackageManagerWithoutCacheMount: a cache mount for pip, no --no-cache-dir$'
logged '^the context \.: 9[^ ]*MB become '
(cd ../naive && patch -p1 -s <../fix.patch)
expect_exit 0 slipway fix --write .
for file in core/Dockerfile services/{llm,tts,stt}/Dockerfile .dockerignore; do
  diff "$file" "../naive/$file" || fail "the patch makes another $file"
  cp "$repository/tests/e2e/naive/$(basename "$(dirname "$file")").Dockerfile" "../naive/$file" 2>/dev/null || true
done
rm ../naive/.dockerignore
expect_exit 0 slipway fix .
equal "$(cat "$work/out")" ""
equal "$(grep -c . .dockerignore)" 6
grep -qx models .dockerignore

# What the notes say is different, what differs in any two builds, and what no longer comes along.
tree() {
  local -a other=(\( -path ./root/.cache -o -path ./var/cache/apt -o -path ./var/lib/apt/lists -o -path ./var/log
    -o -path ./var/cache/ldconfig -o -path ./etc/apt/apt.conf.d/docker-clean -o -name __pycache__ -o -name uv_cache.json
    -o -path './*/.git' -o -path './*/node_modules' -o -path './*/models' -o -path './*/.dockerignore' -o -name Dockerfile
    \) -prune)
  (cd "$1" && find . "${other[@]}" -o -printf '%p %y %m %u %g %l\n' | LC_ALL=C sort
    find . "${other[@]}" -o -type f -exec sha256sum {} + | LC_ALL=C sort -k2)
}
check_service() { # FOLDER DOCKERFILE STEP WANTED
  local folder=$1 dockerfile=$2 service=$3 wanted=$4
  (cd "$folder" && build "${base[@]}" -f "$dockerfile" -o "type=local,dest=$work/tree-$service" .)
  (cd "$folder" && echo "print('2')" >>"$(dirname "$dockerfile")/morgan_$service/app.py" &&
    build "${base[@]}" -f "$dockerfile" .)
  equal "$(ran 'uv sync|RUN <<')" "$wanted" "steps of $folder/$dockerfile that install again"
}
for each in "${projects[@]}"; do
  service=$(basename "$each")
  check_service ../naive "$each/Dockerfile" "$service" 1
  mv "$work/tree-$service" "$work/naive-tree"
  check_service . "$each/Dockerfile" "$service" 0
  [ "$(cached_steps)" -gt 0 ] || fail "no step was cached"
  diff <(tree "$work/naive-tree") <(tree "$work/tree-$service") || fail "the images of $service differ"
  rm -rf "$work/naive-tree" "$work/tree-$service"
done

# Morgan itself.
cd .. && cp -r "$repository/morgan" morgan && cd morgan
for each in "${projects[@]}"; do cp "$repository/tests/e2e/naive/$(basename "$each").Dockerfile" "$each/Dockerfile"; done
expect_exit 0 slipway fix --write .
equal "$(grep -cE '^fixed .*: DependenciesAfterSource: ' "$work/log")" 4
not_logged '^left .*: DependenciesAfterSource: '
for each in "${projects[@]}"; do
  awk '/uv sync/ { synced = 1 } /^COPY \. / { copied = synced } END { exit !copied }' "$each/Dockerfile" ||
    fail "$each copies the source first"
done

# One rule, one file, other formats.
cd .. && mkdir one && cd one
printf 'FROM python:3.11-slim\nCOPY . .\nRUN pip install -r requirements.txt\n' >Dockerfile.app
echo idna==3.7 >requirements.txt
expect_exit 1 slipway fix "${base[@]}" -f Dockerfile.app --only DependenciesAfterSource .
equal "$(grep -c '^[+-][^+-]' "$work/out")" 3
expect_exit 1 slipway fix "${base[@]}" -f Dockerfile.app --skip DependenciesAfterSource --format json .
grep -q '"ruleName": "PackageManagerWithoutCacheMount"' "$work/out"
grep -q '"offset": ' "$work/out"
expect_exit 0 slipway fix "${base[@]}" -f Dockerfile.app --dockerignore-only .
expect_exit 1 slipway fix --only DependenciesAfterSauce .
logged 'did you mean DependenciesAfterSource'
printf '# check=skip=all\n' | cat - Dockerfile.app >Dockerfile.skips
expect_exit 0 slipway fix "${base[@]}" -f Dockerfile.skips .
chmod 640 Dockerfile.app && ln -s Dockerfile.app Dockerfile
expect_exit 0 slipway fix "${base[@]}" --write .
[ -L Dockerfile ] || fail "the symbolic link was replaced"
equal "$(stat -c %a Dockerfile.app)" 640
expect_exit 1 slipway fix -f missing .
