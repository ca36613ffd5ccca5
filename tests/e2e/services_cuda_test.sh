#!/bin/bash
# Morgan's CUDA services, with the real PyTorch: several gigabytes, so only with ./test.sh --full. Both are built, then each
# is started from its image; without models and a GPU its health has to say what is missing.
source "$(dirname "$0")/lib.sh"
source "$repository/tests/e2e/service_health.sh"
[ -n "${SLIPWAY_TEST_FULL:-}" ] || skip "only with ./test.sh --full"

cuda=$standins/nvidia-cuda-13.0.1-devel-ubuntu22.04
"$repository/tools/standin/make" nvidia/cuda:13.0.1-devel-ubuntu22.04 "$cuda" >/dev/null
cp -r "$repository/morgan" morgan && cd morgan

slipway bake -f compose.yaml --set "*.contexts.nvidia/cuda:13.0.1-devel-ubuntu22.04=oci-layout://$cuda" \
  --set "tts-service.tags=tts" --set "stt-service.tags=stt" tts-service stt-service >"$work/out" 2>"$work/log" ||
  fail "slipway bake exited with $?"
for service in tts stt; do
  equal "$(service_health "services/$service" "$service")" degraded
done
nothing_left
