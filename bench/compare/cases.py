"""The measured cases. Each measures every builder in turns and returns rows for the report."""

import dataclasses
import os
import pathlib
import shutil
import time
from collections.abc import Callable

import workloads
from builders import Builder
from measure import BuildFailed, Sample, disk_bytes
from registry import Registry


@dataclasses.dataclass
class Row:
    """One line of the table: the samples (or the failure) of every builder."""

    case: str
    title: str
    goal: str = ""
    per: int = 1  # the time shown is divided by this: steps in one build
    samples: dict[str, list[Sample]] = dataclasses.field(default_factory=dict)
    failures: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Bench:
    """What the cases share. `say` reports progress."""

    folder: pathlib.Path
    registry: Registry
    builders: list[Builder]
    stack: workloads.Stack | None
    services: list[str]
    bases: dict[str, str]
    pulled: str  # the base that case f pulls
    repetitions: int
    slow_repetitions: int
    quick: bool
    say: Callable[[str], None]

    def in_turns(self, row: Row, repetitions: int, before: Callable[[int], None],
                 measure: Callable[[Builder, int], Sample]) -> Row:
        """Lets every builder measure once per round, each round starting with another builder."""
        for number in range(repetitions):
            before(number)
            turn = number % len(self.builders)
            for builder in self.builders[turn:] + self.builders[:turn]:
                if builder.name in row.failures:
                    continue
                os.sync()  # nobody pays for what another has left in memory
                try:
                    sample = measure(builder, number)
                except BuildFailed as failure:
                    row.failures[builder.name] = str(failure)
                    self.say(f"{row.title}: {builder.name} failed: {failure}")
                    continue
                row.samples.setdefault(builder.name, []).append(sample)
                self.say(f"{row.title}: {builder.name} {sample.seconds:.2f} s, "
                         f"{sample.peak_bytes >> 20} MiB, load {sample.load:.1f}")
        return row

    def clean_all(self) -> None:
        for builder in self.builders:
            builder.clean()

    def pushed_prefix(self, builder: Builder, generation: str) -> str:
        return f"bench/{builder.name}-{generation}"

    def push_counted(self, builder: Builder, generation: str) -> Sample:
        """As push(), with what it sent."""
        before = self.registry.stored_bytes()
        sample = self.push(builder, generation)
        sample.sent_bytes = self.registry.stored_bytes() - before
        self.say(f"{builder.name} sent {sample.sent_bytes / 1e6:.1f} MB")
        return sample

    def tags(self, builder: Builder, generation: str) -> dict[str, str]:
        prefix = self.pushed_prefix(builder, generation)
        return {service: f"{self.registry.host}/{prefix}/{service}:latest" for service in self.services}

    def build(self, builder: Builder) -> Sample:
        """Builds the services and makes no layers."""
        return builder.build_stack(self.stack, self.services, self.tags(builder, "unused"), self.bases)

    def push(self, builder: Builder, generation: str, cache: dict[str, str] | None = None) -> Sample:
        """Builds and pushes the services to repositories of this builder and generation."""
        prefix = self.pushed_prefix(builder, generation)
        sample = builder.push_stack(self.stack, self.services, self.tags(builder, generation), self.bases, cache)
        for service in self.services:
            self.registry.manifest_digest(f"{prefix}/{service}", "latest")
        return sample


def nothing(_: int) -> None:
    pass


def trivial_steps(bench: Bench) -> list[Row]:
    base = bench.registry.push_busybox()
    context = workloads.trivial_steps(bench.folder / "steps", base)
    row = Row("c", "ten trivial RUN steps, per step", "1/4", workloads.TRIVIAL_STEPS)
    for builder in bench.builders:
        warm_up(bench, row, builder, lambda b: b.build(context, {"NONCE": f"warm-{os.getpid()}"}))
    nonce = lambda builder, number: {"NONCE": f"{builder.name}-{os.getpid()}-{number}"}
    bench.in_turns(row, bench.repetitions, nothing, lambda b, n: b.build(context, nonce(b, n)))
    return [row]


def warm_up(bench: Bench, row: Row, builder: Builder, build: Callable[[Builder], Sample]) -> None:
    """One build that is not counted: it brings the base image and leaves a warm cache."""
    try:
        build(builder)
    except BuildFailed as failure:
        row.failures[builder.name] = str(failure)
        bench.say(f"{row.title}: {builder.name} failed to warm up: {failure}")


def start_anew(builder: Builder) -> None:
    """Forgets the builder's store. What was written and removed before is nobody's to wait for: neither the disk, nor
    ext4, which for a minute looks for inodes other than those that were freed (recently_deleted() of ialloc.c: 4 s of
    a pull of 5,000 files)."""
    builder.clean()
    os.sync()
    time.sleep(61)


def big_copy(bench: Bench) -> list[Row]:
    base = bench.registry.push_busybox()
    files, size = (2_000, 40_000_000) if bench.quick else (workloads.CONTEXT_FILES, workloads.CONTEXT_BYTES)
    context = workloads.big_context(bench.folder / "context", base, files, size)
    what = f"COPY of {size // 1_000_000} MB in {files:,} files"
    first = Row("d1", f"{what}: first", "1/3")
    unchanged = Row("d2", f"{what}: unchanged", "1/10")
    changed = Row("d3", f"{what}: one file changed", "1/5")

    def from_nothing(builder: Builder, _: int) -> Sample:
        start_anew(builder)
        return builder.build(context, {})

    bench.in_turns(first, bench.slow_repetitions, nothing, from_nothing)
    unchanged.failures = dict(first.failures)
    bench.in_turns(unchanged, bench.repetitions, nothing, lambda b, _: b.build(context, {}))
    changed.failures = dict(unchanged.failures)
    bench.in_turns(changed, bench.repetitions, lambda n: workloads.touch_one(context, n),
                   lambda b, _: b.build(context, {}))
    bench.clean_all()
    shutil.rmtree(context)
    return [first, unchanged, changed]


def stack_rows(bench: Bench, wanted: set[str]) -> list[Row]:
    """Cases a, b, e and g."""
    names = f"{len(bench.services)} services ({', '.join(bench.services)})"
    cold = Row("e", f"{names} from nothing, push", "1/1.5")
    same = Row("a", f"{names}, nothing changed, push", "1/5")
    line = Row("b", "one source line of core changed, push", "1/2")
    package = Row("g", "one package added beside PyTorch, push", "1/15")

    def from_nothing(builder: Builder, number: int) -> Sample:
        start_anew(builder)
        try:
            sample = bench.push(builder, f"cold{number}")
            sample.disk_bytes = disk_bytes(builder.folder)
            bench.say(f"{builder.name} keeps {sample.disk_bytes / 1e9:.1f} GB")
            return sample
        finally:
            # The whole stack is tens of gigabytes for each builder: only one has it at a time.
            builder.clean()
            bench.registry.forget(bench.pushed_prefix(builder, f"cold{number}"))

    if "e" in wanted:
        bench.in_turns(cold, bench.slow_repetitions, nothing, from_nothing)
    same.failures = dict(cold.failures)
    if wanted & {"a", "b", "g"}:
        for builder in bench.builders:
            if builder.name not in same.failures:
                warm_up(bench, same, builder, lambda b: bench.push(b, "warm"))
    line.failures = dict(same.failures)
    if "a" in wanted:
        bench.in_turns(same, bench.repetitions, nothing, lambda b, _: bench.push(b, "warm"))
    if "b" in wanted:
        bench.in_turns(line, bench.repetitions, bench.stack.edit_core, lambda b, _: bench.push(b, "warm"))
    package.failures = dict(line.failures)
    if "g" in wanted:
        bench.in_turns(package, bench.slow_repetitions, bench.stack.add_gpu_package,
                       lambda b, _: bench.push_counted(b, "warm"))
    return [row for row in (same, line, cold, package) if row.case in wanted]


def remote_cache(bench: Bench) -> list[Row]:
    names = ", ".join(bench.services)
    same = Row("i1", f"{names} on a fresh store, warm registry cache: nothing changed, push", "1/2")
    line = Row("i2", "… one source line of core changed", "1/10")
    package = Row("i3", "… one dependency of core added", "1/4")

    def reference(builder: Builder) -> str:
        return f"type=registry,ref={bench.registry.host}/{bench.pushed_prefix(builder, 'cache')}:warm"

    def warm(builder: Builder) -> None:
        bench.push(builder, "cached", {"cache-to": f"{reference(builder)},mode=max"})

    # Small stores: keeping them is quicker than the wait of start_anew(), for the same reason.
    def on_fresh_store(builder: Builder, _: int) -> Sample:
        builder.clean(keep_files=True)
        os.sync()
        return bench.push(builder, "cached", {"cache-from": reference(builder)})

    for builder in bench.builders:
        warm_up(bench, same, builder, warm)
    rows = [same, line, package]
    for row, edit in zip(rows, (nothing, bench.stack.edit_core, bench.stack.add_core_package)):
        row.failures = dict(same.failures)
        bench.in_turns(row, bench.slow_repetitions, edit, on_fresh_store)
    bench.clean_all()
    return rows


def export_stack(bench: Bench) -> list[Row]:
    row = Row("h", f"export of {', '.join(bench.services)}, built before, not pushed", "1/10")

    def first_export(builder: Builder, _: int) -> Sample:
        start_anew(builder)
        try:
            bench.build(builder)
            os.sync()
            return builder.export_stack(bench.stack, bench.services, bench.tags(builder, "unused"), bench.bases)
        finally:
            builder.clean()

    bench.in_turns(row, bench.slow_repetitions, nothing, first_export)
    return [row]


def pull_base(bench: Bench) -> list[Row]:
    context = workloads.trivial_steps(bench.folder / "pull", bench.pulled, steps=1)
    row = Row("f", "pull and unpack of a big base, one trivial RUN step", "1/4")

    def from_nothing(builder: Builder, _: int) -> Sample:
        start_anew(builder)
        try:
            return builder.build(context, {})
        finally:
            builder.clean()

    bench.in_turns(row, bench.slow_repetitions, nothing, from_nothing)
    return [row]


def run_cases(bench: Bench, wanted: set[str]) -> list[Row]:
    rows: list[Row] = []
    if wanted & {"a", "b", "e", "g"}:
        rows += stack_rows(bench, wanted)
    if "h" in wanted:
        rows += export_stack(bench)
    if "i" in wanted:
        rows += remote_cache(bench)
    if "c" in wanted:
        rows += trivial_steps(bench)
    if "d" in wanted:
        rows += big_copy(bench)
    if "f" in wanted:
        rows += pull_base(bench)
    return rows
