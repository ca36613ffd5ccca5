#!/usr/bin/env python3
"""Asks Slipway and the official libraries about random shell words, ignore files, ignore patterns, git references, image
references, platforms and sizes. Run by hand.

`dockerfile_oracle` (a program of the tests) and `refllb -mode oracle` answer the same questions. Exit code 77 when
refllb is missing.
"""
import json
import random
import subprocess
import sys

from fuzzing import CORPUS, ROOT, Comparison, arguments, need

ENVIRONMENT = ["A=a", "B=b c", "PATH=/usr/bin:/bin", "EMPTY=", "STAR=x*y?z", "DOTS=v1.2.3-rc.1", "UNI=äé한", "QUOTE='\"", "SLASH=a/b/c"]
WORDS = ["$A", "$B", "${A}", "$NONE", "${NONE}", "${EMPTY}", "$STAR", "${A:-", "${NONE:-", "${EMPTY:-", "${EMPTY-", "${NONE-", "${A:+", "${NONE+",
         "${NONE:?", "${EMPTY?", "${DOTS#", "${DOTS##", "${DOTS%", "${DOTS%%", "${SLASH##", "${PATH/", "${PATH//", "${SLASH/", "${STAR//",
         "${UNI#", "${UNI/", "${UNI%", "*/", "/*", "*.", ".*", "?", "[a-c]", "[^a]", "[!a]", "v", "/", ":", "}", "}", "}", "}", "'", "\"", "\\", "\\$", "\\}", "\\/",
         "\\*", "\\\\", "`", " ", "  ", "\t", "\n", "a", "b", "ä", "한", "#", "##", "%", "$", "$$", "$1", "$12", "${1}", "$*", "$@", "$?", "$-", "${", "${}", "${:", "${A",
         "${A:", "${A:x}", "${#A}", "${A!}", "$é", "\r", "=", "<<", "x y", "\u00a0", "\ufeff"]
PATTERNS = ["*", "**", "?", "a", "b", "ab", "a*", "*b", "[a-c]", "[^a]", "[\\]]", "\\*", "\\!", "a.b", ".", "..", "", "**a", "a**", "a?b",
            "é", "{a}", "(a)", "a+", "$", " a", "a ", "!", "#a", ".a", "]"]
# Alone: the official library sees what is wrong with a pattern only when it comes to it.
MALFORMED = ["[", "[a", "[]", "[a-]", "[-a]", "\\", "[c-a]", "[^]", "[\\"]
PATHS = ["a", "1", "d", "b", "ab", "abc", "a.b", ".a", "aXb", "é", "*", "[", "-", "!", "#a", "a b", "(a)", "a+"]
GIT = ["https://", "http://", "git://", "ssh://", "git@", "github.com", "example.com", ":", "/", "a", "b.git", ".git", "#", "#main", ":sub/dir", "?", "&", "ref=v1",
       "tag=x", "branch=y", "subdir=c", "checksum=0123abcd", "submodules=false", "keep-git-dir=1", "mtime=commit", "fetch-by-commit=true", "=", "user:pw@", ":443", "..", "%20", "%", "@", "refs/heads/x",
       "gitlab.com", "./a", "~", "[::1]", "\\", " ", "é", "0123456789012345678901234567890123456789"]
REFERENCES = ["alpine", "a", "A", "docker.io", "library", "index.docker.io", "localhost", "reg.lan", ":5000", "/", "/", ":", ":latest", ":1.2_3-x", "@", "@sha256:", "a" * 64,
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "@sha512:", "_", "__", "___", "-", "--", ".", "..", "[::1]", "0", "b" * 128, "x" * 200, "é", " "]
PLATFORMS = ["linux", "windows", "darwin", "amd64", "arm64", "arm", "x86_64", "aarch64", "armhf", "armel", "i386", "386", "/", "/", "v7", "v8", "v1", "v2", "8", "7", "7.1", "riscv64", "ppc64le",
             "(10.0.1)", "(10.0+win32k)", "(", ")", "+", "*", "local", "", "Linux", "AMD64", "macos", "mips64le", "x86-64", "i686", "loong64", " "]
SIZES = ["0", "1", "64", "1.5", "-1", ".5", "5.", "1e3", "k", "K", "kb", "KiB", "m", "MB", "MiB", "g", "gb", "t", "p", "e", "b", "B", "i", " ", "  ", "+", "0x1f", "_", ",", "inf", "nan", "99999999999999999999"]


def pieces(rng: random.Random, values: list[str], most: int) -> str:
    return "".join(rng.choice(values) for _ in range(rng.randint(1, most)))


def path_of(rng: random.Random, values: list[str], most: int) -> str:
    return "/".join(rng.choice(values) for _ in range(rng.randint(1, most)))


def edited(rng: random.Random, text: str, values: list[str]) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(["", rng.choice(values)]) + text[at + rng.randrange(3):]


def question(rng: random.Random, known: dict[str, list[dict]]) -> dict:
    kind = rng.choice(["word", "word", "words", "ignore", "ignore", "ignorefile", "gitref", "ref", "platform", "size"])
    values = {"word": WORDS, "words": WORDS, "gitref": GIT, "ref": REFERENCES, "platform": PLATFORMS, "size": SIZES,
              "ignorefile": PATTERNS + ["\n", "\n", "\r\n", "/", "./", "../", "\t", "\ufeff"], "ignore": PATTERNS}[kind]
    if kind in known and rng.random() < 0.3:
        asked = dict(rng.choice(known[kind]))
        asked["in"] = edited(rng, asked["in"], values)
        return asked
    if kind == "ignore":
        patterns = [rng.choice(["", "", "!", "/"]) + path_of(rng, PATTERNS, 4) for _ in range(rng.randint(1, 4))]
        if rng.random() < 0.1:
            patterns = [path_of(rng, PATTERNS + MALFORMED * 3, 3)]
        return {"f": kind, "patterns": patterns, "in": path_of(rng, PATHS, 4)}
    asked = {"f": kind, "in": pieces(rng, values, 12 if kind in ("word", "words", "ignorefile") else 8)}
    if kind in ("word", "words"):
        asked["env"] = ENVIRONMENT
        if rng.random() < 0.2:
            asked["escape"] = "`"
    return asked


def answers(command: list[str], questions: list[dict]) -> list[dict]:
    text = "".join(json.dumps(each) + "\n" for each in questions)
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=300)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if len(found) != len(questions):
        sys.exit(f"{command[0]} ended at {json.dumps(questions[len(found)])}: {done.stderr.decode(errors='replace')}")
    return found


def same(asked: dict, want: dict, got: dict) -> bool:
    """Shell words promise BuildKit's error texts; of the others, an error has to be an error."""
    if asked["f"] in ("words", "ignorefile"):
        want = {"out": []} if want == {"out": None} else want
    # On purpose (docs/conformance.md): malformed patterns and sizes without end are errors always.
    if asked["f"] == "ignore" and want == {"out": False} and "syntax error in pattern" in got.get("err", ""):
        return True
    if asked["f"] == "size" and want == {"out": -1 << 63} and "err" in got:
        return True
    if asked["f"] in ("word", "words") or "err" not in want:
        return {"out": want.get("out"), "err": want.get("err")} == {"out": got.get("out"), "err": got.get("err")}
    return "err" in got


def main() -> int:
    parser = arguments(__doc__, "refllb")
    parser.add_argument("--oracle", default=str(ROOT / "build/release/src/frontend/dockerfile/dockerfile_oracle"))
    parser.add_argument("--questions", type=int, default=1000, help="in each run")
    options = parser.parse_args()
    need(options.refllb)
    known: dict[str, list[dict]] = {}
    unit = CORPUS / "unit/unit.jsonl"
    for line in unit.read_text().splitlines() if unit.exists() else []:
        asked = json.loads(line)["req"]
        known.setdefault(asked["f"], []).append(asked)
    comparison = Comparison(options)
    for _, rng in comparison.runs():
        questions = [question(rng, known) for _ in range(options.questions)]
        wants = answers([options.refllb, "-mode", "oracle"], questions)
        for asked, want, got in zip(questions, wants, answers([options.oracle], questions)):
            comparison.compared += 1
            if not same(asked, want, got):
                comparison.tell(json.dumps(asked, ensure_ascii=False), f"  want {json.dumps(want, ensure_ascii=False)}",
                                f"  got  {json.dumps(got, ensure_ascii=False)}")
    return comparison.finish()


if __name__ == "__main__":
    sys.exit(main())
