"""Dockerfiles that nobody wrote: the corpus' and lines made up here, mutated."""
import random

from fuzzing import CORPUS

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

# Beside those that rules look at: what the conversion has to tell apart.
INSTRUCTIONS = """
FROM alpine@sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
FROM --platform=${TARGETOS}/${TARGETARCH} alpine AS here
FROM ${TARGETSTAGE:-base}
ARG TARGETPLATFORM
ARG TARGETARCH TARGETVARIANT BUILDOS
ARG HTTP_PROXY
ARG SOURCE_DATE_EPOCH
ENV A=${B:-x} C="$A $B" D='$A'
ENV A=${B#*/} C=${A//a/b} D=${A:+x}
ENV EMPTY= QUOTED="a b" ESC=a\\ b
LABEL a="$A" "b c"=d
USER 1000:1000
USER $A:${B}
WORKDIR a/../b
WORKDIR /c/./d//
WORKDIR ..
RUN a && b
RUN ["a", "b c"]
RUN ["a", "b"
RUN --mount=type=bind,target=/x,rw true
RUN --mount=type=bind,from=alpine,source=/a,target=/x true
RUN --mount=type=cache,target=/c true
RUN --mount=type=cache,target=c,sharing=locked,mode=0700,uid=1,gid=2 true
RUN --mount=type=cache,target=/c,from=build,source=a,id=x true
RUN --mount=type=tmpfs,target=/t,size=1m true
RUN --mount=type=secret,id=s,env=S true
RUN --mount=type=secret,target=/s,required true
RUN --mount=type=ssh,id=a,mode=0444 true
RUN --mount=target=$A true
RUN --network=none true
RUN --network=host true
RUN --security=sandbox true
RUN <<EOF cat > /x\n$A\n${B}\nEOF
RUN <<A cat && <<-B sh\na\nA\n\tb\nB
RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF
RUN python3 <<'EOF'\nprint(1)\nEOF
COPY --from=build /a* /b/
COPY --from=alpine /etc/passwd x
COPY --from=$A /a /b
COPY --chmod=755 a /a
COPY --chmod=u=rwX,go=rX a /a
COPY --chmod=${A} a b c /d/
COPY --chown=1:2 --link a b /c/
COPY --link=false --chown=root a /
COPY --parents a/./b/c /d/
COPY --parents --exclude=*.log --exclude=b ./a/** /d
COPY ["a b", "c", "/d/"]
COPY --exclude=**/x . .
COPY a b c
COPY a* /x
COPY <<A <<"B" /x/\n$A\nA\n$B\nB
COPY --chmod=644 <<-A x\n\ta\nA
ADD a.tar /x
ADD --unpack a.tar.gz /x/
ADD --unpack=false a.tar /x/
ADD --unpack https://example.com/a.tar.gz /x/
ADD https://example.com/a?b=c /x/
ADD --chmod=600 --chown=5 https://example.com/ /x
ADD --checksum=sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad https://example.com/a /x
ADD --keep-git-dir=true https://github.com/a/b.git /src
ADD git@github.com:a/b.git#v1:sub /src
ADD https://github.com/a/b.git?ref=v1&subdir=c&submodules=false /src/
ADD --link https://example.com/a b /x/
ADD --exclude=*.md . /x
VOLUME ["/a", "/b c"]
VOLUME /a /b
STOPSIGNAL SIGKILL
STOPSIGNAL 9
HEALTHCHECK --interval=5s --timeout=1m --start-period=2h --start-interval=1s --retries=3 CMD a b
HEALTHCHECK CMD ["a"]
ENTRYPOINT []
CMD []
CMD
SHELL ["/bin/sh", "-e"]
ONBUILD COPY --from=build a /x
ONBUILD HEALTHCHECK NONE
EXPOSE 80-82/udp 90
# escape=\\
""".strip().split("\n")
INSTRUCTIONS = [line.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\") for line in INSTRUCTIONS]
WORDS = ["$A", "${FOO}", "${A:-b}", "${X:+y}", "${X:?}", "$PAHT", "a", "/", ".", "./a/", "..", "--link", "--from=build", "--chmod=0644",
         "--chown=a:b", "--parents", "--exclude=a", "--platform=$BUILDPLATFORM", "--network=none", "<<EOF", "AS", "''", '"a b"', "\\",
         "--mount=type=cache,target=/c", "--mount=type=bind,target=/b", "[", '["a"]', "80/tcp", "A=b", "#", "--checksum=sha256:0", "--unpack"]

IGNORES = ["", "ignored\n", "*\n", "**\n", "dir\n", "dir/*\n", "a\n!b\n", "**/file\n", "/dir\n", "*.md\nignored/\n"]
CHARACTERS = " \t\\$#={}'\"-/:,;`\nAa0@<_."


def seeds() -> list[str]:
    """The corpus' Dockerfiles. Without "syntax": refllb plays every frontend, Slipway only one."""
    texts = []
    for lint in sorted((CORPUS / "dockerfiles").rglob("*.lint")):
        file = lint.with_suffix("")
        text = file.read_text(errors="surrogateescape") if file.exists() else ""
        if 0 < len(text) < 4000 and "syntax" not in text:
            texts.append(text)
    return texts


def generated(rng: random.Random, made_up: list[str] = LINES) -> str:
    lines = [rng.choice(made_up) for _ in range(rng.randint(1, 12))]
    if rng.random() < 0.9:
        lines.insert(rng.choice([0, 0, min(1, len(lines)), min(2, len(lines))]), rng.choice(LINES[:18]))
    return "\n".join(lines) + "\n"


def mutated(rng: random.Random, text: str, made_up: list[str] = LINES) -> str:
    """One to four changes, of lines, words and characters."""
    lines = text.split("\n")
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(lines))
        kind = rng.randrange(8)
        if kind == 0:
            lines.insert(at, rng.choice(made_up))
        elif kind == 1:
            lines[at] = rng.choice(made_up)
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
            words[rng.randrange(len(words))] = rng.choice(WORDS)
            lines[at] = " ".join(words)
        elif lines[at]:
            i = rng.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:i] + rng.choice(CHARACTERS) + lines[at][i + rng.randrange(2):]
    return "\n".join(lines)


def any_dockerfile(rng: random.Random, corpus: list[str], made_up: list[str] = LINES) -> str:
    text = rng.choice(corpus) if corpus and rng.random() < 0.4 else generated(rng, made_up)
    return mutated(rng, text, made_up) if rng.random() < 0.7 else text
