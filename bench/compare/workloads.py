"""The inputs of the cases, made deterministically under a scratch folder."""

import pathlib
import random
import re
import shutil
import subprocess

TRIVIAL_STEPS = 10
CONTEXT_FILES = 42_000
CONTEXT_BYTES = 820_000_000
# Small packages without dependencies: one is added per round.
PACKAGES = ["toolz", "wcwidth", "cachetools", "tomli-w", "more-itertools", "pyparsing", "iniconfig", "pathspec"]


def trivial_steps(folder: pathlib.Path, base: str, steps: int = TRIVIAL_STEPS) -> pathlib.Path:
    """A Dockerfile whose RUN steps do nothing, all of them new whenever the argument NONCE is."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"FROM {base}", "ARG NONCE", "ENV NONCE=$NONCE"]
    lines += [f"RUN : step {number}" for number in range(1, steps + 1)]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    return folder


def big_context(folder: pathlib.Path, base: str, files: int = CONTEXT_FILES,
                total: int = CONTEXT_BYTES) -> pathlib.Path:
    """A context of `files` files and about `total` bytes: many small ones, few large ones.

    Sizes follow a fixed long-tailed distribution; contents are half text-like, half random, so that
    they compress about 2:1. The same arguments give the same tree.
    """
    source = random.Random(42)
    weights = [source.paretovariate(1.1) for _ in range(files)]
    weights = [min(weight, 2000.0) for weight in weights]
    scale = total / sum(weights)
    noise = source.randbytes(1 << 20)
    text = (b"def handler(request): return {'status': 'ok', 'items': []}\n" * 20_000)[:1 << 20]
    tree = folder / "tree"
    for number, weight in enumerate(weights):
        path = tree / f"d{number % 60:02}" / f"s{number % 700:03}" / f"f{number:05}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_content(number, max(1, int(weight * scale)), noise, text))
    (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY tree /srv/tree\n")
    return folder


def _content(number: int, size: int, noise: bytes, text: bytes) -> bytes:
    parts = [f"{number}\n".encode()]
    left = size - len(parts[0])
    while left > 0:
        piece = min(left, 64 << 10)
        start = (number * 7919 + left) % (len(noise) - piece)
        parts.append((noise if (left >> 16) % 2 else text)[start:start + piece])
        left -= piece
    return b"".join(parts)[:size]


def touch_one(folder: pathlib.Path, round_number: int) -> None:
    """Changes the content (and size) of one small file in the middle of the tree."""
    path = sorted((folder / "tree" / "d30").rglob("*.dat"))[0]
    path.write_text(f"changed {round_number} {'x' * round_number}\n")


class Stack:
    """A private copy of a compose project (morgan/) whose sources can be edited.

    Its Dockerfiles name no `# syntax=` image: BuildKit would fetch a frontend from Docker Hub where it has
    the same one built in.
    """

    def __init__(self, source: pathlib.Path, folder: pathlib.Path):
        ignore = shutil.ignore_patterns("models", ".venv", "__pycache__", ".git", "node_modules")
        shutil.copytree(source, folder, ignore=ignore, symlinks=True)
        self.folder = folder
        for path in folder.rglob("*Dockerfile*"):
            path.write_text(re.sub(r"\A# syntax=[^\n]*\n", "", path.read_text()))
        self.compose = next(folder / name for name in ("compose.yaml", "docker-compose.yml")
                            if (folder / name).exists())

    def core_source(self) -> pathlib.Path:
        """The source file of core whose change is measured: its main module."""
        candidates = [path for path in (self.folder / "core").rglob("*.py")
                      if "tests" not in path.parts and path.name not in ("__init__.py",)]
        if not candidates:
            raise FileNotFoundError(f"{self.folder}/core has no Python source")
        return min(candidates, key=lambda path: (path.name not in ("main.py", "app.py"), str(path)))

    def edit_core(self, round_number: int) -> None:
        path = self.core_source()
        text = re.sub(r"\n# bench round \d+\n\Z", "\n", path.read_text())
        path.write_text(f"{text.rstrip()}\n# bench round {round_number}\n")

    def add_gpu_package(self, round_number: int) -> None:
        """Adds a package to the environment that tts and stt share, PyTorch included, and locks it again."""
        self._add_package(self.folder / "shared" / "gpu", round_number)

    def add_core_package(self, round_number: int) -> None:
        self._add_package(self.folder / "core", round_number)

    def _add_package(self, project: pathlib.Path, round_number: int) -> None:
        subprocess.run(["uv", "add", "--quiet", "--no-sync", "--project", str(project), PACKAGES[round_number]],
                       check=True, stdin=subprocess.DEVNULL)
