"""`bake --print` of Slipway and of buildx on files that are mutated: what fuzz_bake.py and fuzz_compose.py share."""
import json
import os
import pathlib
import re
import subprocess
import tempfile

from fuzzing import CORPUS, Comparison, mutated

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/tmp", "DOCKER_CONFIG": "/tmp/none", "NUM": "7",
               "TEXT": "from outside", "LIST": "a,b", "MAP": "k:v", "FLAG": "1"}


def print_targets(program: str, folder: pathlib.Path, file: str, *targets: str):
    """The JSON, or None where the program refuses, and what it said."""
    command = [program, "bake", "-f", file, "--print", *targets]
    try:
        done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "timeout", None
    if done.returncode not in (0, 1):
        return f"exit {done.returncode}", done.stderr.decode(errors="replace")[-500:]
    if done.returncode != 0:
        return None, done.stderr.decode(errors="replace").strip().split("\n")[-1]
    return json.loads(done.stdout), None


def differs_on_purpose(ours, our_error: str | None, theirs, their_error: str | None) -> bool:
    """Of what docs/conformance.md lists, that which mutations often come to."""
    if theirs is None and their_error:
        # What the machine lacks is looked for when building; what services do at run time does not matter.
        return ("no such file" in their_error or "SSH_AUTH_SOCK" in their_error
                or re.search(r"services\.[^. ]+\.(?!build\b)\w+|invalid (container|host)Port", their_error) is not None)
    return ours is None and "unknown key" in (our_error or "")  # likely a typo


def compare_mutations(comparison: Comparison, pattern: str, file: str, tokens: list[str], lines: list[str] = [],
                      targets: list[str] = [], extra: list[str] = []) -> None:
    """Mutates the corpus' bake files of that name (and `extra` texts) as `file`; both programs must accept and print, or
    refuse, alike."""
    options = comparison.options
    texts = [path.read_text() for path in sorted((CORPUS / "bake/cases").glob(pattern))] + extra
    with tempfile.TemporaryDirectory(prefix="fuzz-bake-") as name:
        folder = pathlib.Path(name)
        for number, rng in comparison.runs() if texts else []:
            text = mutated(rng.choice(texts), texts, tokens, rng, lines)
            (folder / file).write_text(text)
            theirs, their_error = print_targets(options.buildx, folder, file, *targets)
            ours, our_error = print_targets(options.slipway, folder, file, *targets)
            if differs_on_purpose(ours, our_error, theirs, their_error):
                continue
            comparison.compared += 1
            if ours != theirs:
                comparison.tell(f"run {number}:", text, f"slipway: {our_error or json.dumps(ours)}",
                                f"buildx:  {their_error or json.dumps(theirs)}")
