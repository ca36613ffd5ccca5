#!/bin/bash
# Build contexts that are elsewhere: git repositories, archives and Dockerfiles behind URLs, archives on stdin.
source "$(dirname "$0")/lib.sh"
command -v git >/dev/null || skip "needs git"

unset "${!GIT_@}"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
made() { git -C "$work/repo" -c user.name=t -c user.email=t@t "$@"; }

# A repository with two branches, behind "dumb" http, as any file server has it.
mkdir -p repo/sub && made init -q -b main
cat >repo/Dockerfile <<'END'
FROM scratch
COPY . /
END
cat >repo/sub/Dockerfile <<'END'
FROM scratch
ARG SOURCE_DATE_EPOCH
LABEL epoch=$SOURCE_DATE_EPOCH
COPY file /only
END
cp repo/Dockerfile repo/sub/other.Dockerfile
printf 'file\n' >repo/.dockerignore
echo first >repo/file && echo sub >repo/sub/file
made add -A && GIT_COMMITTER_DATE=@1234567890 made commit -q -m first --date=@1000000000
made tag v1 && echo second >repo/file && made commit -q -am second
made branch feature && echo third >repo/file && made commit -q -am third
commit=$(made rev-parse v1)
mkdir www && git clone -q --bare repo www/repo.git && git -C www/repo.git update-server-info
cp repo/Dockerfile www/just.Dockerfile
for flag in "" z j J; do tar -C repo --exclude .git -c"${flag}"f "www/context.tar$flag" .; done
tar -C repo --exclude .git --zstd -cf www/context.tarzst .
cat >serve.py <<'END'
import http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/private/"):
            if self.headers.get("Authorization") not in ("Bearer s3cret", "basic eC1hY2Nlc3MtdG9rZW46czNjcmV0"):
                return self.send_error(401)
            self.path = self.path[len("/private"):]
        super().do_GET()
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
END
(cd www && exec python3 ../serve.py >../port) &
background+=($!)
for _ in $(seq 100); do [ -s port ] || sleep 0.1; done
url=http://127.0.0.1:$(cat port)

# The files of the result: built ARGUMENTS...
built() { rm -rf "$work/result" && build -o "$work/result" "$@"; }
has() { equal "$(cat "$work/result/$1")" "$2"; }

built "$url/repo.git"
has file third  # .dockerignore is for directories that are sent
[ ! -e result/.git ] || fail ".git is there unasked"
built "$url/repo.git#v1" && has file first
built "$url/repo.git#feature" && has file second
built "$url/repo.git?ref=$commit" && has file first
built "$url/repo.git?branch=feature&keep-git-dir=1" && has file second
[ -d result/.git ] || fail "keep-git-dir=1 kept nothing"
built --build-arg BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 "$url/repo.git#v1"
[ -d result/.git ] || fail "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 kept nothing"
built "$url/repo.git#v1:sub" && has only sub
built -f sub/other.Dockerfile "$url/repo.git?ref=v1&checksum=${commit:0:12}" && has file first
built "$url/repo.git#v1"
equal "$(ran 'COPY')" 0 "the same commit is built once"
expect_exit 1 slipway build "$url/repo.git?ref=v1&checksum=0123456"
logged "expected checksum to match 0123456"
expect_exit 1 slipway build "$url/repo.git#nothing"
logged "has no ref nothing"
expect_exit 1 slipway build -f missing "$url/repo.git"
logged "read Dockerfile missing: no such file"
expect_exit 1 slipway build "$url/repo.git?what=1"
logged 'unexpected query "what"'

# Dockerfiles from somewhere else.
built -f "$work/repo/sub/Dockerfile" --build-context x=. "$url/repo.git#v1:sub" && has only sub
built -f - "$url/repo.git#v1" <repo/Dockerfile && has file first
built -f "$url/just.Dockerfile" repo
[ ! -e result/file ] || fail ".dockerignore of a directory was not read"

# Archives in every compression, and a lone Dockerfile.
for name in context.tar context.tarz context.tarj context.tarJ context.tarzst; do
  built "$url/$name" && has file third && has sub/file sub
  built - <"www/$name" && has file third
done
built -f sub/Dockerfile --build-arg SOURCE_DATE_EPOCH=1 - <www/context.tarz && has only third
built "$url/context.tar?signature=$(printf %05000d 0)" && has file third  # longer than a path
built -f sub/Dockerfile "$url/context.tar?signature=$(printf %05000d 0)" && has only third
built - <www/context.tar
equal "$(ran 'COPY')" 0 "the same bytes are the same context"
built "$url/just.Dockerfile" && has context "$(cat repo/Dockerfile)"
printf 'FROM scratch\nCOPY --from=repo /file /of-git\nADD %s/just.Dockerfile /of-http\n' "$url" >Dockerfile.named
built --build-context "repo=$url/repo.git#v1" - <Dockerfile.named && has of-git first
expect_exit 1 slipway build -f x - <Dockerfile.named
logged "two Dockerfiles: x"
expect_exit 1 slipway build -f - - <Dockerfile.named
logged "stdin cannot be both"

# Secrets for both; nobody else gets in.
expect_exit 1 slipway build "$url/private/context.tar"
logged "HTTP status 401"
expect_exit 1 slipway build "$url/private/repo.git"
printf s3cret >token
built --secret id=HTTP_AUTH_TOKEN_127.0.0.1,src=token "$url/private/context.tar" && has file third
built --secret id=GIT_AUTH_TOKEN,src=token "$url/private/repo.git" && has file third
host=${url#http://}
built --secret "id=GIT_AUTH_TOKEN.$host,src=token" "$url/private/repo.git#v1" && has file first

# The time of the context.
epoch() {
  rm -rf "$work/image" && build -o "type=oci,dest=$work/image,tar=false" --build-arg SOURCE_DATE_EPOCH=context "$@"
  local config
  config=$(jq -r .manifests[0].digest "$work/image/index.json")
  config=$(jq -r .config.digest "$work/image/blobs/sha256/${config#sha256:}")
  jq -c '[.created, .config.Labels.epoch]' "$work/image/blobs/sha256/${config#sha256:}"
}
equal "$(epoch "$url/repo.git#v1:sub")" '["2009-02-13T23:31:30Z","1234567890"]'
touch -d @1500000000 repo/sub/file && touch -d @1400000000 repo/sub/*ockerfile
tar -C repo/sub -cf dated.tar .
equal "$(epoch - <dated.tar)" '["2017-07-14T02:40:00Z","1500000000"]'
touch -d @1600000000 www/context.tar
equal "$(epoch -f sub/Dockerfile "$url/context.tar")" '["2020-09-13T12:26:40Z","1600000000"]'

# compose and bake.
cat >compose.yaml <<END
services:
  app: {build: {context: "$url/repo.git#v1:sub"}}
  other: {build: {context: "$url/context.tar", dockerfile: sub/Dockerfile}}
END
rm -rf result && slipway bake --set "*.output=type=local,dest=result" app >out 2>log || fail "bake app"
has only sub
rm -rf result && slipway bake --set "*.output=type=local,dest=result" other >out 2>log || fail "bake other"
has only third
cat >named.json <<END
{"target": {"default": {"contexts": {"repo": "$url/repo.git#v1"}, "output": ["result"],
 "dockerfile-inline": "FROM scratch\nCOPY --from=repo /file /of-git\n"}}}
END
rm -rf result && slipway bake -f named.json >out 2>log || fail "bake named"
has of-git first
nothing_left
