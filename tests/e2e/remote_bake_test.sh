#!/bin/bash
# Bake definitions that are elsewhere: in a git repository, in an archive, alone behind a URL.
source "$(dirname "$0")/lib.sh"
command -v git >/dev/null || skip "needs git"

unset "${!GIT_@}"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

mkdir -p repo/sub repo/files www here
cat >repo/docker-bake.hcl <<'END'
variable "WHO" { default = "nobody" }
target "default" { output = ["result"] }
target "sub" {
  context = "sub"
  output = ["result"]
}
target "named" {
  contexts = { files = "files" }
  dockerfile-inline = "FROM scratch\nCOPY --from=files /name /\n"
  output = ["result"]
}
target "mine" {
  context = BAKE_CMD_CONTEXT
  dockerfile-inline = "FROM scratch\nCOPY name /\nLABEL who=${WHO}\n"
  output = ["result"]
}
target "mine-with-file" { context = BAKE_CMD_CONTEXT }
target "greedy" {
  contexts = { etc = "cwd:///etc" }
  dockerfile-inline = "FROM scratch\nCOPY --from=etc /hostname /\n"
  output = ["result"]
}
END
printf 'FROM scratch\nCOPY files/name /\n' >repo/Dockerfile
printf 'FROM scratch\nCOPY only /\n' >repo/sub/Dockerfile
echo '{"target": {"default": {"output": ["result"]}}}' >repo/sub/docker-bake.json
echo sub >repo/sub/only && echo file >repo/files/name && echo here >here/name
git -C repo init -q -b main && git -C repo add -A
git -C repo -c user.name=t -c user.email=t@t commit -q -m all
git clone -q --bare repo www/repo.git && git -C www/repo.git update-server-info
tar -C repo --exclude .git -czf www/all.tgz .
cp repo/docker-bake.hcl www/
(cd www && exec python3 -u -m http.server --bind 127.0.0.1 0) >port 2>/dev/null &
background+=($!)
for _ in $(seq 100); do [ -s port ] || sleep 0.1; done
url=http://127.0.0.1:$(sed -nE 's/.* port ([0-9]+) .*/\1/p' port)

cd here
baked() { rm -rf result && slipway bake "$@" >"$work/out" 2>"$work/log" || fail "bake $* exited with $?"; }
has() { equal "$(cat "result/$1")" "$2"; }

for where in "$url/repo.git" "$url/all.tgz"; do
  baked "$where" && has name file
  baked "$where" sub && has only sub
  baked "$where" named && has name file
  baked "$where" mine && has name here
  baked --var WHO=me "$where" "$url/repo.git#main:files" mine && has name file
done
baked "$url/repo.git#main:sub" && has only sub
baked "$url/all.tgz#:sub" && has only sub
baked -f sub/docker-bake.json "$url/repo.git" && has name file

# A local file over those that are there; a lone file's contexts are here.
printf 'target "default" { context = "sub" }\n' >over.hcl
baked -f docker-bake.hcl -f cwd://over.hcl "$url/repo.git" && has only sub
baked "$url/docker-bake.hcl" mine && has name here
printf 'FROM scratch\nCOPY name /\n' >local.Dockerfile
baked --set default.dockerfile=cwd://local.Dockerfile "$url/repo.git#main" --set default.context=files && has name file

slipway bake --print "$url/repo.git#main" sub 2>/dev/null >"$work/out"
equal "$(jq -r .target.sub.context "$work/out")" "$url/repo.git#main:sub"
equal "$(slipway bake --list targets "$url/repo.git" 2>/dev/null | wc -l)" 7
equal "$(slipway bake --call=targets "$url/repo.git" sub 2>/dev/null | tail -1)" "(default) "

# Somebody else's definition stays in this directory unless it is allowed more.
expect_exit 1 slipway bake "$url/repo.git" greedy
logged 'asks for what is not allowed: fs.read=/etc$'
logged -- '--allow fs.read=/etc$'
baked --allow fs.read=/etc "$url/repo.git" greedy && [ -e result/hostname ]
expect_exit 1 slipway bake --set sub.output=type=local,dest=../result "$url/repo.git" sub
logged "fs.write=$(realpath ..)/result"
expect_exit 1 slipway bake "$url/repo.git" mine-with-file
logged 'dockerfile = "cwd://Dockerfile"'
expect_exit 1 slipway bake -f missing.hcl "$url/repo.git"
logged 'read missing.hcl: no such file in'
expect_exit 1 slipway bake "$url/repo.git#main:files"
logged 'no compose or bake file in'
cd .. && nothing_left
