"""What the differential fuzzers share: where things lie, how a text is changed, how differences are told."""
import argparse
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = pathlib.Path(os.environ.get("SLIPWAY_CONFORMANCE", ROOT.parent / "shared/conformance"))
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def arguments(description: str, peer: str) -> argparse.ArgumentParser:
    """The flags of every fuzzer; `peer` is the program that Slipway has to agree with."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slipway", default=str(ROOT / "build/release/slipway"))
    parser.add_argument(f"--{peer}", default=peer)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop earlier")
    parser.add_argument("--show", type=int, default=30, help="how many differences to print")
    return parser


def need(program: str) -> None:
    """Ends the fuzzer as skipped where the program to compare with is missing."""
    if not shutil.which(program):
        print(f"skipped: {program} is missing (bench/peers.sh makes it)")
        sys.exit(SKIPPED)


class Comparison:
    """Counts inputs and differences, and prints the first of those."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.end = time.monotonic() + options.seconds
        self.compared = 0
        self.different = 0

    def runs(self):
        """(number, generator): each run has a generator of its own, so that it can be had again with --seed."""
        for number in range(self.options.runs):
            if time.monotonic() > self.end:
                return
            yield number, random.Random(self.options.seed * 1_000_003 + number)

    def contexts(self, keep: pathlib.Path | None):
        """(number, generator, folder): each run has an empty build context, of which a copy stays in `keep` where it
        makes a difference."""
        with tempfile.TemporaryDirectory(prefix="fuzz-") as temporary:
            folder = pathlib.Path(temporary) / "context"
            for number, rng in self.runs():
                folder.mkdir()
                before = self.different
                yield number, rng, folder
                self.compared += 1
                if keep and self.different > before:
                    shutil.copytree(folder, keep / f"{self.options.seed}-{number}", dirs_exist_ok=True)
                shutil.rmtree(folder)

    def tell(self, *lines: object) -> None:
        self.different += 1
        if self.different <= self.options.show:
            print(*lines, sep="\n", end="\n\n", flush=True)

    def finish(self) -> int:
        print(f"seed {self.options.seed}: {self.compared} compared, {self.different} different")
        return 1 if self.different else 0


def mutated(text: str, others: list[str], tokens: list[str], rng: random.Random, lines: list[str] = []) -> str:
    """One to three changes: tokens put in, characters and lines taken away, doubled, or taken from `others`;
    `lines` are put in with the indentation of their neighbours."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        rows = text.split("\n")
        row = rng.randrange(len(rows))
        roll = rng.random()
        if roll < 0.3:
            text = text[:at] + rng.choice(tokens) + text[at:]
            continue
        if roll < 0.5:
            text = text[:at] + text[at + rng.randint(1, 6):]
            continue
        if roll < 0.6:
            rows.insert(rng.randrange(len(rows) + 1), rows[row])
        elif roll < 0.7:
            del rows[row]
        elif roll < 0.85 and lines:
            indentation = rows[row][:len(rows[row]) - len(rows[row].lstrip())]
            rows.insert(row + 1, indentation + rng.choice(lines))
        else:
            rows.insert(rng.randrange(len(rows) + 1), rng.choice(rng.choice(others).split("\n")))
        text = "\n".join(rows)
    return text
