"""Where the corpora lie, how a case is run, and how a runner ends. Shared by the runners beside it."""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterable

REPO = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--slipway", default=str(REPO / "build/release/slipway"), help="the program under test")
    parser.add_argument("--at-least", type=int, default=None, help="cases that have to pass (default: all)")
    parser.add_argument("--show", type=int, default=10, help="how many differences to print")
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    return parser


def skip(reason: str) -> None:
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def folder(part: str) -> pathlib.Path:
    """A part of the conformance data; ends the runner as skipped where it is absent."""
    data = pathlib.Path(os.environ.get("SLIPWAY_CONFORMANCE", REPO.parent / "shared/conformance")) / part
    if not data.exists():
        skip(f"{data} is absent")
    return data


def reference_program() -> str:
    """The official frontend as a program, built on first use."""
    built = subprocess.run([str(REPO / "bench/peers.sh"), "refllb"], capture_output=True, text=True)
    program = pathlib.Path(built.stdout.strip() or "/nowhere") / "refllb"
    if not program.exists():
        skip(f"refllb cannot be built here: {built.stderr.strip()[-300:]}")
    return str(program)


def run(command: list[str], stdin: bytes = b"", timeout: float = 60) -> subprocess.CompletedProcess:
    return subprocess.run(command, input=stdin, capture_output=True, timeout=timeout)


def in_parallel(check: Callable[[pathlib.Path], str | None],
                cases: Iterable[pathlib.Path]) -> list[tuple[pathlib.Path, str | None]]:
    """Runs `check` on every case, one per core at a time; None means equal, a text says what differs."""
    cases = list(cases)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(zip(cases, pool.map(check, cases)))


def first_difference(want: str, got: str) -> str:
    for number, (left, right) in enumerate(zip(want.splitlines(), got.splitlines()), 1):
        if left != right:
            return f"line {number}\n    want {left[:300]}\n    got  {right[:300]}"
    return f"want {len(want.splitlines())} lines, got {len(got.splitlines())}"


def finish(name: str, results: list[tuple[str, str | None]], args: argparse.Namespace) -> None:
    """Prints the differences and the count, and exits 1 when fewer pass than must."""
    different = [(case, text) for case, text in results if text is not None]
    for case, text in different[:args.show]:
        print(f"{case}: {text}")
    if len(different) > args.show:
        print(f"... and {len(different) - args.show} more")
    passed = len(results) - len(different)
    wanted = len(results) if args.at_least is None or args.only else args.at_least
    print(f"{name}: {passed} of {len(results)} equal, {wanted} required")
    sys.exit(0 if passed >= wanted else 1)
