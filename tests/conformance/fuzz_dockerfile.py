#!/usr/bin/env python3
"""Compares the graph and the image that Slipway and the official frontend make of Dockerfiles that nobody wrote.

    tests/conformance/fuzz_dockerfile.py [--refllb PROGRAM] [--slipway PROGRAM] [--runs N] [--seed N] [--keep DIR]

Dockerfiles of the corpus and lines made up here are mutated, with ignore files, build arguments, platforms, targets and
named contexts; `slipway debug dump-llb --image` and `refllb -frontend -mode json` must give the same ops (digests and
metadata) and image configuration, or both refuse. Exit code 1 when there were differences, 77 when refllb is missing.
"""
import json
import os
import pathlib
import subprocess
import sys

from dockerfiles import IGNORES, INSTRUCTIONS, LINES, any_dockerfile, seeds
from fuzzing import Comparison, arguments, need

# slipway's flags and refllb's options for the same.
OPTIONS = [
    ([], []),
    (["--build-arg=A=a/b", "--build-arg=BASE=busybox"], ["build-arg:A=a/b", "build-arg:BASE=busybox"]),
    (["--build-arg=HTTP_PROXY=http://p", "--build-arg=TOKEN=t"], ["build-arg:HTTP_PROXY=http://p", "build-arg:TOKEN=t"]),
    (["--build-arg=SOURCE_DATE_EPOCH=1000"], ["build-arg:SOURCE_DATE_EPOCH=1000"]),
    (["--target=build"], ["target=build"]),
    (["--target=0"], ["target=0"]),
    (["--platform=linux/arm64"], ["platform=linux/arm64"]),
    (["--platform=linux/arm/v7", "--target=Build"], ["platform=linux/arm/v7", "target=Build"]),
    (["--no-cache"], ["no-cache="]),
    (["--no-cache-filter=build"], ["no-cache=build"]),
    (["--label=a=b"], ["label:a=b"]),
    (["--add-host=h:1.2.3.4", "--shm-size=1m"], ["add-hosts=h=1.2.3.4", "shm-size=1048576"]),
    (["--network=host"], ["force-network-mode=host"]),
    (["--ulimit=nofile=1:2"], ["ulimit=nofile=1:2"]),
    (["--build-context=alpine=docker-image://busybox:1"], ["context:alpine=docker-image://busybox:1"]),
    (["--build-context=build=docker-image://alpine"], ["context:build=docker-image://alpine"]),
    (["--build-context=build=https://example.com/a.git#v1"], ["context:build=https://example.com/a.git#v1"]),
]
METADATA = {"ignore_cache": "ignoreCache", "progress_group": "progressGroup", "export_cache": "exportCache"}


def run(command: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(command, capture_output=True, timeout=60, env={"PATH": os.environ["PATH"], "HOME": "/tmp"})
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace").strip()


def metadata(found: dict) -> dict:
    found = {METADATA.get(key, key): value for key, value in found.items()}
    found.get("progressGroup", {}).pop("id", None)
    found.get("caps", {}).pop("source.local.unique", None)
    return {key: value for key, value in found.items() if value}


def image(config: dict | None) -> dict:
    config = dict(config or {})
    config.pop("created", None)
    config["history"] = config.get("history") or []
    config["rootfs"] = config.get("rootfs", {}).get("diff_ids") or []
    return config


def theirs(options, folder: pathlib.Path, flags: list[str]):
    """([(digest, metadata, op)], image), or None and why."""
    flags = [word for flag in flags for word in ("-opt", flag)]
    code, out, error = run([options.refllb, "-frontend", "-mode", "json", "-context", str(folder), *flags,
                            str(folder / "Dockerfile")])
    if code:
        return None, error
    result = json.loads(out)["results"][0]
    ops = [(op["digest"], metadata(op.get("metadata") or {}), op["op"]) for op in result["ops"] or []]
    return (ops, image(result.get("image"))), error


def ours(options, folder: pathlib.Path, flags: list[str]):
    code, out, error = run([options.slipway, "debug", "dump-llb", "--image", *flags, str(folder)])
    if code == 1:
        return None, error
    if code:
        return ([], {}), f"exit code {code}: {error}"
    *lines, config = (json.loads(line) for line in out.split("\n") if line)
    return ([(op["Digest"], metadata(op["OpMetadata"]), op["Op"]) for op in lines], image(config)), error


def difference(want, got) -> str | None:
    for i, (mine, other) in enumerate(zip(got[0][:-1], want[0][:-1])):  # the last one names the result
        if mine[:2] != other[:2]:
            return f"op {i}:\n  slipway: {json.dumps(mine)}\n  refllb:  {json.dumps(other)}"
    if len(want[0]) != len(got[0]):
        return f"slipway: {len(got[0])} ops, refllb: {len(want[0])}"
    if want[0] and want[0][-1][0] != got[0][-1][0]:
        return "another result"
    if want[1] != got[1]:
        keys = [key for key in {**want[1], **got[1]} if want[1].get(key) != got[1].get(key)]
        return "\n".join(f"image {key}:\n  slipway: {json.dumps(got[1].get(key))}\n  refllb:  {json.dumps(want[1].get(key))}"
                         for key in keys)
    return None


def compare(options, folder: pathlib.Path, flags: tuple[list[str], list[str]]) -> str | None:
    want, why_not = theirs(options, folder, flags[1])
    got, our_error = ours(options, folder, flags[0])
    if want is None or got is None:
        return None if want is got else f"slipway: {our_error if got is None else 'accepts'}\nrefllb:  {why_not if want is None else 'accepts'}"
    problem = difference(want, got)
    return f"{problem}\n{our_error}" if problem else None


def main() -> int:
    parser = arguments(__doc__, "refllb")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the inputs that make a difference")
    options = parser.parse_args()
    need(options.refllb)
    corpus = seeds()
    comparison = Comparison(options)
    for number, rng, folder in comparison.contexts(options.keep):
        text = any_dockerfile(rng, corpus, LINES + INSTRUCTIONS)
        (folder / "Dockerfile").write_text(text, errors="surrogateescape")
        (folder / ".dockerignore").write_text(rng.choice(IGNORES))
        flags = rng.choice(OPTIONS) if rng.random() < 0.7 else OPTIONS[0]
        problem = compare(options, folder, flags)
        if problem:
            comparison.tell(f"run {number} {' '.join(flags[0])}", problem)
    return comparison.finish()


if __name__ == "__main__":
    sys.exit(main())
