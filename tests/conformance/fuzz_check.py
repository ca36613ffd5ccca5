#!/usr/bin/env python3
"""Asks Slipway and the official frontend what is wrong with Dockerfiles that nobody wrote, and what they can be given.

    tests/conformance/fuzz_check.py [--refllb PROGRAM] [--slipway PROGRAM] [--runs N] [--seed N] [--keep DIR]

Dockerfiles of the corpus and lines made up here are mutated; `slipway debug check` and `refllb -mode lint`
must find the same: rule, text, lines, and whether the file can be built at all; the outlines and targets must be
equal, too. Files that make a difference are kept. Exit code 1 when there were any, 77 when refllb is missing (../shared/conformance/tools/refllb).
"""
import collections
import json
import pathlib
import subprocess
import sys

from dockerfiles import IGNORES, any_dockerfile, seeds
from fuzzing import Comparison, arguments, need

OPTIONS = [[], [], [], ["BUILDKIT_DOCKERFILE_CHECK=skip=UndefinedVar"], ["BUILDKIT_DOCKERFILE_CHECK=experimental=all"],
           ["BASE=busybox"], ["BUILDKIT_DOCKERFILE_CHECK=skip=all;error=true"], ["VERSION=9", "TOKEN=t"]]


def findings(report):
    found = collections.Counter()
    for warning in report.get("warnings") or []:
        detail = warning["detail"]
        if warning["ruleName"] == "UndefinedArgInFrom":  # a map's order decides among equally near names there
            detail = detail.split(" (did you mean")[0]
        ranges = tuple((r["start"].get("line", 0), r["end"].get("line", 0)) for r in warning["location"].get("ranges", []))
        found[(warning["ruleName"], detail, ranges)] += 1
    return found


def ask(command):
    done = subprocess.run(command, capture_output=True, timeout=60)
    try:
        return json.loads(done.stdout), done.stderr.decode(errors="replace")
    except ValueError:
        return None, done.stderr.decode(errors="replace")


def outline(report):
    """What must be equal of an outline: where stages that are not in line have the same name, BuildKit takes any of them."""
    names = lambda key: sorted(entry["name"] for entry in report.get(key) or [])
    found = [report.get("name"), report.get("description"), report.get("sources")]
    found += [names("args"), names("secrets"), names("ssh")]
    for target in report.get("targets") or []:
        found.append(sorted(target.items(), key=str))
    return found


def full(report):
    entries = lambda key: sorted(report.get(key) or [], key=lambda entry: json.dumps(entry, sort_keys=True))
    return [entries(key) for key in ("args", "secrets", "ssh")]


def call_difference(args, call, file, options, flags, folder):
    want, want_error = ask([args.refllb, "-mode", call, *options, file])
    got, got_error = ask([args.slipway, "debug", "check", f"--call={call}", *flags, str(folder)])
    if want is None and "panic:" in want_error:  # it lists no targets where a comment is for checks
        return None
    if want is None or got is None:
        return None if want is got else f"{call}: want {want_error or want}\ngot  {got_error or got}"
    if outline(want) != outline(got):
        return f"{call}: want {want}\ngot  {got}"
    stages = pathlib.Path(file).read_text(errors="surrogateescape").lower().count("from")
    if stages < 3 and full(want) != full(got):
        return f"{call}: want {full(want)}\ngot  {full(got)}"
    return None


def difference(args, folder, build_args):
    file = str(folder / "Dockerfile")
    options = [word for arg in build_args for word in ("-opt", "build-arg:" + arg)]
    flags = [word for arg in build_args for word in ("--build-arg", arg)]
    for call in ("outline", "targets"):
        problem = call_difference(args, call, file, options, flags, folder)
        if problem:
            return problem
    want, want_error = ask([args.refllb, "-mode", "lint", *options, file])
    got, got_error = ask([args.slipway, "debug", "check", *flags, str(folder)])
    if want is None or got is None:
        return None if want is got else f"want {want_error or 'a report'}\ngot  {got_error or 'a report'}"
    want_broken, got_broken = want.get("buildError"), got.get("buildError")
    if (want_broken is None) != (got_broken is None):
        return f"want error {want_broken}\ngot  error {got_broken}"
    want_found, got_found = findings(want), findings(got)
    if want_found == got_found:
        return None
    lines = [f"  missed  {key}" for key in (want_found - got_found)] + [f"  made up {key}" for key in (got_found - want_found)]
    return "\n".join(lines) + (f"\n  ({want_broken['message']} / {got_broken['message']})" if want_broken else "")


def main():
    parser = arguments(__doc__, "refllb")
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    need(options.refllb)
    corpus = seeds()
    comparison = Comparison(options)
    for run, rng, folder in comparison.contexts(options.keep):
        (folder / "Dockerfile").write_text(any_dockerfile(rng, corpus), errors="surrogateescape")
        ignore = rng.choice(IGNORES)
        if ignore:
            (folder / ".dockerignore").write_text(ignore)
        build_args = rng.choice(OPTIONS)
        problem = difference(options, folder, build_args)
        if problem:
            comparison.tell(f"run {run} {build_args} .dockerignore {ignore!r}", problem)
    return comparison.finish()


if __name__ == "__main__":
    sys.exit(main())
