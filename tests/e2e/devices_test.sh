#!/bin/bash
# RUN --device: devices that CDI files describe, asked for, allowed, missing, refused.
source "$(dirname "$0")/lib.sh"

base=$(busybox)
export SLIPWAY_CDI_DIRS=$work/cdi:$work/more
mkdir -p cdi context driver && cd context
echo library >../driver/file
cat >../cdi/spare.yaml <<END
cdiVersion: "0.6.0"
kind: example.com/spare
containerEdits:
  env: [ANY=yes]
devices:
  - name: 'null'
    containerEdits:
      env: [WHICH=null]
      deviceNodes:
        - {path: /dev/spare, hostPath: /dev/null}
      mounts:
        - {hostPath: $work/driver, containerPath: /opt/driver, options: [ro, bind]}
  - name: zero
    annotations: {org.mobyproject.buildkit.device.class: filler}
    containerEdits:
      env: [WHICH=zero]
      deviceNodes: [{path: /dev/spare, hostPath: /dev/zero}]
END
request() { printf 'FROM busybox\nRUN %s echo "$WHICH $ANY $(stat -c %%t:%%T /dev/spare 2>&1)"; cat /opt/driver/file 2>/dev/null; true\n' "$1" >Dockerfile; }
built() { build --progress plain -o type=cacheonly --build-context "busybox=$base" "$@" .; }
refused() { expect_exit 1 slipway build -o type=cacheonly --build-context "busybox=$base" "$@" .; }

request --device=example.com/spare=null
refused
logged 'device example.com/spare=null is requested by the build but not allowed'
logged -- '--allow device=example.com/spare=null'
logged '>>> RUN --device=example.com/spare=null'
refused --allow device=example.com/spare=zero
built --allow device=example.com/spare=null
logged 'null yes 1:3$'
logged 'library$'
built --allow device && equal "$(ran RUN)" 0 "the same devices are the same step"

# A class, all of a class, an annotation, an alias.
request --device=example.com/spare
built --allow device && equal "$(ran RUN)" 0 "a class is its first device"
request '--device=example.com/spare=*'
built --allow device && equal "$(ran RUN)" 1
logged 'zero yes 1:5$'
request --device=filler
built --allow device=example.com/spare=zero && logged 'zero yes 1:5$'
request --device=mine
built --allow device=example.com/spare=zero,alias=mine
equal "$(ran RUN)" 0 "an alias is its device"

# What is not there: an error for a required one, before anything runs.
request --device=example.com/other,required
printf 'FROM busybox\nRUN echo first\nRUN --device=example.com/other,required true\n' >Dockerfile
refused --allow device
logged 'device example.com/other is required, but there is none on this machine'
logged "CDI files .* in $work/cdi, $work/more"
not_logged 'echo first.*DONE'
request --device=example.com/other
built && logged '  stat: '
# ... until there is one: then the step is another one.
mkdir ../more
echo '{"cdiVersion": "0.6.0", "kind": "example.com/other",
       "devices": [{"name": "a", "containerEdits": {"env": ["WHICH=other"]}}]}' >../more/other.json
built --allow device=example.com/other && equal "$(ran RUN)" 1
logged 'other  stat: '

# Files with mistakes are named where a device is missing; what steps do not get is refused.
echo '{"cdiVersion": "0.6.0", "kind": "example.com/broken", "devices": [{"nam": "a"}]}' >../more/broken.json
request --device=example.com/broken,required
refused --allow device
logged "$work/more/broken.json:1: devices: nam is not known"
echo '{"cdiVersion": "1.1.0", "kind": "example.com/broken", "devices": [{"name": "a", "containerEdits":
       {"netDevices": [{"hostInterfaceName": "eth9", "name": "eth0"}]}}]}' >../more/broken.json
refused --allow device
logged 'device example.com/broken=a needs what steps do not get: netDevices'

# bake: the target asks, an own file needs no more.
echo '{"target": {"default": {"entitlements": ["device=example.com/spare=null"], "output": ["type=cacheonly"],
       "contexts": {"busybox": "'"$base"'"}}}}' >docker-bake.json
request --device=example.com/spare=null
slipway bake >"$work/out" 2>"$work/log" || fail "bake with a device"
nothing_left
