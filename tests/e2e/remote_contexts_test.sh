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
import http.server, os, subprocess
class Handler(http.server.SimpleHTTPRequestHandler):
    def smart(self):  # as servers of repositories answer
        path, _, query = self.path[len("/smart"):].partition("?")
        env = dict(os.environ, GIT_PROJECT_ROOT=os.getcwd(), GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path,
                   QUERY_STRING=query, REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""),
                   HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
                   GIT_PROTOCOL=self.headers.get("Git-Protocol", ""))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        head, _, rest = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE).stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items(): self.send_header(name, value)
        self.end_headers()
        self.wfile.write(rest)
    def do_POST(self): self.smart()
    def do_GET(self):
        if self.path.startswith("/smart/"): return self.smart()
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

# A password in a URL is for the server only: not in logs, records, the image or what is said about it.
git init -q --bare www/part.git && git clone -q www/part.git part 2>/dev/null
(cd part && echo inside >file && git add file && git -c user.name=t -c user.email=t@t commit -q -m part && git push -q origin HEAD)
for module in part gone; do
  made checkout -q -b "with-$module" v1
  git config -f repo/.gitmodules submodule.m.path m && git config -f repo/.gitmodules "submodule.m.url" "../$module.git"
  made update-index --add --cacheinfo "160000,$(git -C part rev-parse HEAD),m" && made add .gitmodules && made commit -q -m module
  git -C repo push -q ../www/repo.git "with-$module"
done
made checkout -q main
secret=${url/#http:\/\//http:\/\/me:s3cr3t@}
tells_nobody() { ! grep -rq s3cr3t log result store/history meta image 2>/dev/null || fail "$1: the password is in $(grep -rl s3cr3t log result store/history meta image)"; }
touch meta
built "$secret/smart/repo.git?branch=with-part&keep-git-dir=1" && has m/file inside
tells_nobody "a repository with a submodule"
equal "$(git -C result config submodule.m.url)" "$url/smart/part.git"
expect_exit 1 slipway build "$secret/smart/repo.git?branch=with-gone"
tells_nobody "a submodule that is gone"
for context in context.tar just.Dockerfile smart/repo.git; do
  rm -rf image && build --provenance=mode=max -o type=oci,dest=image,tar=false --metadata-file meta "$secret/$context"
  tells_nobody "$context"
done
built --build-context "repo=$secret/smart/repo.git#v1" --build-context "other=$secret/context.tar" - <Dockerfile.named && has of-git first
built -f "$secret/just.Dockerfile" repo
expect_exit 1 slipway build -f missing "$secret/context.tar"
tells_nobody "other ways to name it"

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
