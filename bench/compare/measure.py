"""Runs one command and measures it: wall time, exit code, peak resident memory."""

import dataclasses
import os
import pathlib
import statistics
import subprocess
import time


@dataclasses.dataclass
class Sample:
    """One run of one build. `peak_bytes` belongs to the builder's engine (process or daemon)."""

    seconds: float
    peak_bytes: int = 0
    load: float = 0.0
    sent_bytes: int = 0  # by which the registry grew, where that was looked at
    disk_bytes: int = 0  # what the builder's store holds afterwards, where that was looked at


class BuildFailed(Exception):
    """A builder could not do the work; the message ends with its last lines."""


def peak_rss(pid: int) -> int:
    """High-water mark of the resident set of a live process, in bytes; 0 when it is gone."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def peak_rss_of_tree(pid: int) -> int:
    """The largest peak among a process and those of its descendants that run the same program.

    `slipway` works in a child that lives in namespaces of its own; the steps it starts are other programs.
    """
    try:
        program = os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return 0
    largest, pending = 0, [pid]
    while pending:
        each = pending.pop()
        try:
            if os.readlink(f"/proc/{each}/exe") != program:
                continue
            for thread in os.listdir(f"/proc/{each}/task"):
                children = pathlib.Path(f"/proc/{each}/task/{thread}/children").read_text()
                pending += map(int, children.split())
        except OSError:
            continue
        largest = max(largest, peak_rss(each))
    return largest


def disk_bytes(folder: pathlib.Path) -> int:
    """What a store takes on disk: allocated blocks, each inode once, nothing that is mounted in it."""
    done = subprocess.run(["du", "-xsB1", str(folder)], capture_output=True, text=True, check=False)
    return int(done.stdout.split()[0]) if done.stdout else 0


def reset_peak_rss(pid: int) -> None:
    """Makes the kernel forget the high-water mark of a process (proc(5), clear_refs)."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def run(command: list[str], log: pathlib.Path, env: dict[str, str] | None = None,
        cwd: str | None = None, timeout: float = 3600) -> Sample:
    """Runs `command` with its output appended to `log`. Raises BuildFailed unless it exits 0.

    The peak memory is polled from /proc while the process lives: wait4's ru_maxrss would also count
    the steps (uv, python) that the builder starts and reaps.
    """
    with log.open("ab") as out:
        out.write(f"\n$ {' '.join(command)}\n".encode())
        out.flush()
        start_of_output = out.tell()
        peak = 0
        start = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                 env={**os.environ, **(env or {})}, cwd=cwd)
        while True:
            peak = max(peak, peak_rss_of_tree(child.pid))
            try:
                child.wait(timeout=0.03)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() - start > timeout:
                    child.kill()
                    child.wait()
                    raise BuildFailed(f"{command[0]}: no end after {timeout:.0f} s")
        seconds = time.monotonic() - start
    if child.returncode != 0:
        with log.open("rb") as text:
            text.seek(start_of_output)
            tail = text.read()[-1500:].decode(errors="replace")
        raise BuildFailed(f"{' '.join(command[:3])} … exited {child.returncode}\n{tail}")
    return Sample(seconds, peak, os.getloadavg()[0])


def median(samples: list[Sample]) -> float:
    return statistics.median(sample.seconds for sample in samples)


def peak(samples: list[Sample]) -> int:
    return max(sample.peak_bytes for sample in samples)
