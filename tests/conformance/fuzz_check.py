#!/usr/bin/env python3
"""Asks Slipway and the official frontend what is wrong with Dockerfiles that nobody wrote, and what they can be given.

    tests/conformance/fuzz_check.py [--refllb PROGRAM] [--slipway PROGRAM] [--runs N] [--seed N] [--keep DIR]

Dockerfiles of the corpus and lines made up here are mutated; `slipway debug check` and `refllb -mode lint`
must find the same: rule, text, lines, and whether the file can be built at all; the outlines and targets must be
equal, too. Files that make a difference
are kept. Exit code 1 when there were any, 77 when refllb is missing (../shared/conformance/tools/refllb).
"""
import argparse, collections, json, os, pathlib, random, shutil, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

LINES = """
FROM alpine
FROM scratch
FROM alpine AS build
FROM alpine as Build
from alpine as build
From alpine AS x
FROM build
FROM build AS other
FROM $BASE
FROM ${BASE:-alpine} AS b
FROM alpine:${VERSION}
FROM --platform=linux/amd64 alpine
FROM --platform=linux/arm64 alpine AS arm64
FROM --platform=$TARGETPLATFORM alpine
FROM --platform=${BUILDPLATFORM} alpine AS tools
FROM --platform=$TARGETPLATFROM alpine
FROM alpine AS scratch
FROM alpine AS context
ARG BASE
ARG BASE=alpine
ARG VERSION=3 OTHER
ARG VERSION
ARG TOKEN
ARG GITHUB_TOKEN_FILE=x
ARG X=${Y}
ARG X=1 Y=${X}2
ARG VERSION=${VERSION}-$BASE
ARG X=${UNSET:-$Z}
ENV A b
ENV A=b B=$A
ENV A=$C
ENV DB_PASSWORD=x
ENV API_KEY_VERSION 1
ENV PATH=/x:$PATH
LABEL a b
LABEL a=b c=$D
MAINTAINER me
CMD foo
CMD ["foo"]
cmd foo
ENTRYPOINT foo
ENTRYPOINT ["foo", "bar"]
HEALTHCHECK NONE
HEALTHCHECK --interval=1s CMD true
WORKDIR app
WORKDIR /app
WORKDIR $UNSET/x
WORKDIR "$A"
EXPOSE 80
EXPOSE 80/TCP 81/udp
EXPOSE 127.0.0.1:80:80
EXPOSE 8000-8002:8000-8002
EXPOSE $PORT
SHELL ["/bin/bash", "-c"]
SHELL ["cmd"]
USER $U
VOLUME /a $V
STOPSIGNAL $SIG
RUN echo $UNSET
RUN --mount=type=cache,target=/c,id=$ID true
RUN --mount=from=build,target=/x true
RUN --mount=type=secret,id=s$ID true
RUN --mount=type=secret,target=/x/key,required --mount=type=ssh true
RUN --mount=type=ssh,id=k,required true
RUN <<EOF\necho\nEOF
COPY a /
COPY . /
COPY / /x/
COPY ./dir/ ignored /x/
COPY dir/file $DEST/
COPY --from=build /a /b
COPY --from=0 /a /b
COPY --chown=$U:$G a /
COPY --link a* b? /
COPY <<EOF /f\n$UNSET\nEOF
COPY <<"EOF" /f\n$UNSET\nEOF
ADD ignored /x/
ADD https://example.com/a.tar.gz /x/
ADD --checksum=$SUM https://example.com/a /x
ADD https://github.com/a/b.git#main /src
ONBUILD COPY . /x
ONBUILD RUN echo $UNSET
ONBUILD ARG TRIGGERED=$X
RUN a \\\n\n  b
RUN a \\\n# comment\n  b
# check=skip=UndefinedVar
# check=skip=all
# check=error=true
# check=experimental=all
# check=skip=JSONArgsRecommended;error=true
# escape=`
# build is a stage
# VERSION is a version
# X is a letter
# build makes it
# says nothing
""".strip().split("\n")
LINES = [line.replace("\\n", "\n").replace("\\\\", "\\") for line in LINES]

IGNORES = ["", "ignored\n", "*\n", "**\n", "dir\n", "dir/*\n", "a\n!b\n", "**/file\n", "/dir\n", "*.md\nignored/\n"]
OPTIONS = [[], [], [], ["BUILDKIT_DOCKERFILE_CHECK=skip=UndefinedVar"], ["BUILDKIT_DOCKERFILE_CHECK=experimental=all"],
           ["BASE=busybox"], ["BUILDKIT_DOCKERFILE_CHECK=skip=all;error=true"], ["VERSION=9", "TOKEN=t"]]
CHARACTERS = " \t\\$#={}'\"-/:,;`\nAa0@<_."


def seeds(folder):
    texts = []
    for lint in sorted(folder.rglob("*.lint")) if folder.exists() else []:
        file = lint.with_suffix("")
        text = file.read_text(errors="surrogateescape") if file.exists() else ""
        if 0 < len(text) < 4000 and "syntax" not in text:  # refllb plays every frontend, Slipway only one
            texts.append(text)
    return texts


def generated(rng):
    lines = [rng.choice(LINES) for _ in range(rng.randint(1, 12))]
    if rng.random() < 0.9:
        lines.insert(rng.choice([0, 0, min(1, len(lines)), min(2, len(lines))]), rng.choice(LINES[:18]))
    return "\n".join(lines) + "\n"


def mutated(rng, text):
    lines = text.split("\n")
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(lines))
        kind = rng.randrange(8)
        if kind == 0:
            lines.insert(at, rng.choice(LINES))
        elif kind == 1:
            lines[at] = rng.choice(LINES)
        elif kind == 2 and len(lines) > 1:
            del lines[at]
        elif kind == 3:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif kind == 4 and lines[at]:
            words = lines[at].split(" ")
            i = rng.randrange(len(words))
            words[i] = rng.choice([str.lower, str.upper, str.title])(words[i])
            lines[at] = " ".join(words)
        elif kind == 5 and lines[at]:
            words = lines[at].split(" ")
            words[rng.randrange(len(words))] = rng.choice(["$A", "${FOO}", "${A:-b}", "${X:+y}", "${X:?}", "$PAHT", "a"])
            lines[at] = " ".join(words)
        elif lines[at]:
            i = rng.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:i] + rng.choice(CHARACTERS) + lines[at][i + rng.randrange(2):]
    return "\n".join(lines)


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--refllb", default=shutil.which("refllb") or "refllb")
    parser.add_argument("--slipway", default=str(ROOT / "build/release/slipway"))
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--keep", type=pathlib.Path)
    args = parser.parse_args()
    if not shutil.which(args.refllb):
        print("skipped: no refllb; build tools/refllb of the conformance data and name it with --refllb")
        return 77
    data = pathlib.Path(os.environ.get("SLIPWAY_CONFORMANCE", ROOT.parent / "shared/conformance"))
    corpus = seeds(data / "dockerfiles")
    rng = random.Random(args.seed)
    different = 0
    with tempfile.TemporaryDirectory(prefix="fuzz-check-") as temporary:
        for run in range(args.runs):
            folder = pathlib.Path(temporary) / "context"
            folder.mkdir()
            text = generated(rng)
            if corpus and rng.random() < 0.4:
                text = rng.choice(corpus)
            if rng.random() < 0.7:
                text = mutated(rng, text)
            (folder / "Dockerfile").write_text(text, errors="surrogateescape")
            ignore = rng.choice(IGNORES)
            if ignore:
                (folder / ".dockerignore").write_text(ignore)
            build_args = rng.choice(OPTIONS)
            problem = difference(args, folder, build_args)
            if problem:
                different += 1
                print(f"run {run} {build_args} .dockerignore {ignore!r}\n{problem}", flush=True)
                if args.keep:
                    shutil.copytree(folder, args.keep / f"{args.seed}-{run}", dirs_exist_ok=True)
            shutil.rmtree(folder)
    print(f"seed {args.seed}: {args.runs - different} of {args.runs} equal")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
