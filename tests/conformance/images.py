#!/usr/bin/env python3
"""Whole images: every case of images/cases.json built by Slipway, compared as the corpus' diffbuild.py compares.

diffbuild.py drives `buildctl`; this file stands in for it (`--as-buildctl`) and runs `slipway build` with
the same inputs. Base images come from a registry on loopback that mkmirror.py fills, as named contexts.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77  # ctest's SKIP_RETURN_CODE

# Symlinks of the corpus, which may have been laid out as files.
LINKS = {"ctx/bud/symlink/tarball_latest.tar": "tarball.tar",
         "ctx/bud/symlink/tarball_latest.tar.gz": "tarball.tar.gz"}

# Here the reference ran into the time limit, so there is nothing to compare: a RUN that sleeps.
WITHOUT_ANSWER = ["bud/long-sleep_Dockerfile"]

# Different on purpose: docs/conformance.md says why.
DIFFERENT = ["bud__layers-squash_Dockerfile.hardlinks.json"]

sys.path.insert(0, str(REPO / "bench/compare"))


def skip(reason: str) -> None:
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def corpus(part: str) -> pathlib.Path:
    """A part of the conformance data; ends the runner as skipped where it is absent."""
    data = pathlib.Path(os.environ.get("SLIPWAY_CONFORMANCE", REPO.parent / "shared/conformance")) / part
    if not data.exists():
        skip(f"{data} is absent")
    return data


def as_buildctl(argv: list[str]) -> int:
    """Translates one `buildctl build` of diffbuild.py into `slipway build`."""
    options: dict[str, list[str]] = {}
    flags = [part for part in argv if part.startswith("--") and "=" in part]
    rest = [part for part in argv if part not in flags and part != "build"]
    for flag, value in zip(rest[::2], rest[1::2]):
        options.setdefault(flag, []).append(value)
    locals_ = dict(value.split("=", 1) for value in options["--local"])
    command = [os.environ["CONFORMANCE_SLIPWAY"], "build", "--progress=plain", "-o", options["--output"][0]]
    filename = ""
    for key, value in (option.split("=", 1) for option in options["--opt"]):
        if key == "filename":
            filename = value
        elif key.startswith("build-arg:"):
            command += ["--build-arg", f"{key.removeprefix('build-arg:')}={value}"]
    for context in shlex.split(os.environ["CONFORMANCE_CONTEXTS"]):
        command += ["--build-context", context]
    command += ["-f", os.path.join(locals_["dockerfile"], filename), locals_["context"]]
    code = subprocess.run(command, check=False).returncode
    if code:
        print(f"exit {code}", file=sys.stderr)  # diffbuild.py wants a reason
    return code


def mirror(folder: pathlib.Path) -> pathlib.Path:
    """The registry data with the corpus' base images, made once and kept."""
    kept = pathlib.Path(os.environ.get("CONFORMANCE_CACHE", os.path.expanduser("~/.cache/slipway-conformance")))
    data = kept / "mirror/data"
    if not data.exists():
        subprocess.run([sys.executable, str(folder / "mkmirror.py"), "/bin/busybox", str(kept / "mirror")],
                       check=True, stdout=subprocess.DEVNULL)
    return data


def named_contexts(data: pathlib.Path, host: str) -> list[str]:
    """`NAME=docker-image://HOST/NAME` for every tag of the mirror."""
    root = data / "docker/registry/v2/repositories"
    contexts = []
    for tags in sorted(root.rglob("_manifests/tags")):
        repository = str(tags.parent.parent.relative_to(root))
        for tag in sorted(path.name for path in tags.iterdir()):
            name = repository.removeprefix("library/") + ("" if tag == "latest" else f":{tag}")
            contexts.append(f"{name}=docker-image://{host}/{repository}:{tag}")
    return contexts


def writable_copy(source: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """The corpus with the modes and links it was made with: COPY would show others."""
    shutil.copytree(source, target, symlinks=True)
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o220 if "ctx" in path.parts else 0o200))
    for link, destination in LINKS.items():
        (target / link).unlink()
        (target / link).symlink_to(destination)
    return target


def chosen(folder: pathlib.Path, only: str, every: int) -> str:
    """An expression for the names of the cases to build."""
    names = [case["id"] for case in json.loads((folder / "cases.json").read_text())]
    names = [name for name in names if re.search(only, name) and name not in WITHOUT_ANSWER]
    return f"^({'|'.join(re.escape(name) for name in names[::every])})$"


def forget_host_files(results: pathlib.Path) -> None:
    """mkmirror.py puts programs and libraries of this machine into alpine: their bytes are not Slipway's doing."""
    host = re.compile(r"(usr/)?(lib|lib64|bin|sbin)/.*|etc/ssl/.*|etc/(hosts|alpine-release)")
    for path in results.glob("*.json"):
        case = json.loads(path.read_text())
        for name, entry in case.get("fs", {}).items():
            if host.fullmatch(name):
                entry.pop("h", None)
                entry.pop("s", None)
        path.write_text(json.dumps(case))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slipway", default=str(REPO / "build/release/slipway"), help="the program under test")
    parser.add_argument("--show", type=int, default=10, help="how many differences to print")
    parser.add_argument("--only", default="", help="only cases whose name matches this expression")
    parser.add_argument("--every", type=int, default=1, help="build only each N-th case")
    args = parser.parse_args()
    if os.geteuid() != 0:
        skip("needs root")
    for program in ("docker-registry", "busybox"):
        if not shutil.which(program):
            skip(f"{program} is not installed")
    original = corpus("images")
    data = mirror(corpus("suite"))
    from registry import Registry  # bench/compare
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="slipway-images.") as scratch:
        folder = writable_copy(original, pathlib.Path(scratch) / "images")
        registry = Registry(pathlib.Path(scratch), data)
        try:
            shim = pathlib.Path(scratch) / "buildctl"
            shim.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} --as-buildctl "$@"\n')
            shim.chmod(0o755)
            env = {**os.environ, "CONFORMANCE_SLIPWAY": args.slipway,
                   "CONFORMANCE_CONTEXTS": shlex.join(named_contexts(data, registry.host)),
                   "SLIPWAY_ROOT": os.environ.get("SLIPWAY_ROOT", f"{scratch}/root")}
            out = f"{scratch}/out"
            build = [sys.executable, str(folder / "diffbuild.py"), "build", "--addr=unused", "--out", out,
                     "--buildctl", str(shim)]
            build += ["--only", chosen(folder, args.only, args.every)]
            subprocess.run(build, env=env, check=True)
            for results in (out, folder / "golden-ref"):
                forget_host_files(pathlib.Path(results))
            compared = subprocess.run([sys.executable, str(folder / "diffbuild.py"), "compare",
                                       str(folder / "golden-ref"), out], capture_output=True, text=True)
        finally:
            registry.stop()
    sys.exit(report(compared.stdout.splitlines(), args.show))


def report(lines: list[str], show: int) -> int:
    """Reads diffbuild's verdicts: `DIFF CASE` with the reasons indented below, then `N/M cases equal`."""
    different: dict[str, str] = {}
    for line in lines:
        if line.startswith("DIFF"):
            case = ""
        elif line.startswith("   "):
            case = case or line.strip()
            different[case] = different.get(case, "") + f"{line.strip()[:400]}\n    "
    equal = int(lines[-1].split("/")[0]) if lines else 0
    wrong = [text.rstrip() for case, text in different.items() if case not in DIFFERENT]
    print(*wrong[:show], sep="\n")
    print(f"images: {equal} of {equal + len(different)} equal, {len(different) - len(wrong)} different on purpose")
    return 0 if equal and not wrong else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--as-buildctl"]:
        sys.exit(as_buildctl(sys.argv[4:] if sys.argv[2] == "--addr" else sys.argv[2:]))
    main()
