#!/bin/bash
# Ctrl-C, kill -9 and two builds at once: nothing is left behind, nothing runs twice, the next build goes on.
source "$(dirname "$0")/lib.sh"

base=$(busybox)
mkdir context && cd context
sleeper="sleep 1000.$$"  # no other run's
cat >Dockerfile <<EOF
FROM busybox
RUN echo first >/first
RUN echo sleeping; $sleeper
EOF

start_build() {
  setsid "$SLIPWAY" build --build-context "busybox=$base" . >"$work/out" 2>"$work/log" &
  pid=$!
  for _ in $(seq 200); do
    grep -q 'sleeping$' "$work/log" && return
    sleep 0.05
  done
  fail "the build did not get to its second step"
}

start_build
kill -INT "$pid"
code=0; wait "$pid" || code=$?
equal "$code" 130
logged 'CANCELED'
sleep 0.2
! pgrep -f "$sleeper" >/dev/null || fail "the step still runs after Ctrl-C"
nothing_left

start_build
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
for _ in $(seq 50); do pgrep -f "$sleeper" >/dev/null || break; sleep 0.1; done
! pgrep -f "$sleeper" >/dev/null || fail "the step still runs after kill -9"
nothing_left

# The next build finds what was finished, and finishes the rest.
sed -i "s|; $sleeper|; echo second >/second|" Dockerfile
build --build-context "busybox=$base" -o "type=local,dest=$work/local" .
logged 'CACHED'
equal "$(cat "$work/local/second")" second

# Two processes, one store: a step that both need runs once.
cat >Dockerfile <<'EOF'
FROM busybox
RUN sleep 1; date +%s%N >/when
EOF
for i in 1 2; do
  slipway build --build-context "busybox=$base" -o "type=local,dest=$work/both$i" . 2>"$work/log$i" &
  pids[i]=$!
done
wait "${pids[1]}" && wait "${pids[2]}" || fail "one of two builds failed: $(cat "$work/log1" "$work/log2")"
equal "$(cat "$work/both1/when")" "$(cat "$work/both2/when")" "both have the same run"
nothing_left
