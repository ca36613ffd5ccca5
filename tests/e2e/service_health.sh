# For the tests that start Morgan's services from their images; sourced after lib.sh.

# service_health SERVICE_FOLDER IMAGE: the state that /health gives when the service runs in the IMAGE of the store, as its
# user, by the command of its Dockerfile. The whole answer is then in $work/IMAGE/health.json.
service_health() {
  local port command
  port=$(sed -nE 's/^EXPOSE ([0-9]+)$/\1/p' "$1/Dockerfile")
  command=$(sed -nE 's/^CMD \["(uvicorn.*)"\]$/\1/p' "$1/Dockerfile" | sed 's/", "/ /g')
  mkdir -p "$work/$2"
  cat >"$work/$2/Dockerfile" <<EOF
FROM $2 AS started
RUN --network=none <<END
$command &
for try in \$(seq 600); do
  python -c 'import urllib.request as r; print(r.urlopen("http://127.0.0.1:$port/health").read().decode())' \\
    >/tmp/health.json 2>/dev/null && exit
  kill -0 \$! || exit
  sleep 0.2
done
exit 1
END
FROM scratch
COPY --from=started /tmp/health.json /
EOF
  slipway build --progress=plain -o "type=local,dest=$work/$2" "$work/$2" >"$work/out" 2>"$work/log" ||
    fail "$2 does not answer"
  jq -er .status "$work/$2/health.json" || fail "$2's health is $(cat "$work/$2/health.json")"
}
