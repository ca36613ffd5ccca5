"""Turns rows into a table, and keeps them in JSON between runs."""

import dataclasses
import datetime
import json
import os
import pathlib
import platform
import statistics

from cases import Row
from measure import Sample, median, peak

BASELINE = "buildkit"
SUBJECT = "slipway"


@dataclasses.dataclass
class Report:
    """The rows of one or more runs, and what they were measured on."""

    date: str
    machine: str
    versions: dict[str, str]
    rows: list[Row]


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{os.cpu_count()} cores, {memory:.0f} GiB memory, Linux {platform.release().split('-')[0]}"


def new_report(versions: dict[str, str], rows: list[Row]) -> Report:
    return Report(datetime.datetime.now().strftime("%Y-%m-%d %H:%M"), machine(), versions, rows)


def save(report: Report, path: pathlib.Path) -> None:
    path.write_text(json.dumps(dataclasses.asdict(report), indent=1) + "\n")


def load(paths: list[pathlib.Path]) -> Report:
    """Reads saved reports as one; a case measured again replaces the earlier measurement."""
    merged = Report("", "", {}, [])
    for path in paths:
        data = json.loads(path.read_text())
        rows = [_row(row) for row in data["rows"]]
        again = {row.case for row in rows}
        merged.rows = [row for row in merged.rows if row.case not in again] + rows
        merged.date, merged.machine = data["date"], data["machine"]
        merged.versions |= data["versions"]
    merged.rows.sort(key=lambda row: row.case)
    return merged


def _row(data: dict) -> Row:
    samples = {name: [Sample(**sample) for sample in many] for name, many in data["samples"].items()}
    return Row(**{**data, "samples": samples})


def _time(seconds: float) -> str:
    if seconds < 0.1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"


def _ratio(part: float, whole: float) -> str:
    return f"1/{whole / part:.1f}" if part < whole else f"{part / whole:.2f}"


def _spread(samples: list[Sample], per: int) -> str:
    count = f"n={len(samples)}"
    if len(samples) < 2:
        return count
    return f"{count}, ±{_time(statistics.stdev(sample.seconds for sample in samples) / per)}"


def _cells(row: Row, names: list[str]) -> list[str]:
    cells = []
    for name in names:
        many = row.samples.get(name)
        if many:
            cells.append(f"{_time(median(many) / row.per)} ({_spread(many, row.per)})")
        else:
            cells.append("failed" if name in row.failures else "–")
    return cells


def table(report: Report) -> str:
    """The report as a Markdown table, readable on a terminal as well."""
    names = [name for name in (BASELINE, SUBJECT, "buildkit-zstd", "slipway-zstd", "buildah") if name in report.versions]
    header = ["case", *names, f"{SUBJECT} / {BASELINE}", "goal"]
    lines = [header]
    for row in report.rows:
        both = row.samples.get(BASELINE) and row.samples.get(SUBJECT)
        ratio = _ratio(median(row.samples[SUBJECT]), median(row.samples[BASELINE])) if both else "–"
        lines.append([row.title, *_cells(row, names), ratio, f"≤ {row.goal}" if row.goal else ""])
    lines += _memory_lines(report, names)
    lines += _size_lines(report, names, "sent", "sent_bytes")
    lines += _size_lines(report, names, "disk used afterwards", "disk_bytes")
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def _memory_lines(report: Report, names: list[str]) -> list[list[str]]:
    """Peaks over the cases of one kind: the process that builds (slipway, buildah) or the daemon (buildkitd)."""
    kinds = {"services": {"a", "b", "e"}, "RUN steps": {"c"}, "COPY": {"d1", "d2", "d3"}, "pull": {"f"},
             "one package added": {"g"}, "export": {"h"}}
    lines = []
    for kind, cases in kinds.items():
        rows = [row for row in report.rows if row.case in cases]
        if not rows:
            continue
        peaks = {name: max((peak(row.samples[name]) for row in rows if row.samples.get(name)), default=0)
                 for name in names}
        cells = [f"{value >> 20} MiB" if value else "–" for value in peaks.values()]
        both = peaks.get(BASELINE) and peaks.get(SUBJECT)
        lines.append([f"peak memory of the build process: {kind}", *cells,
                      _ratio(peaks[SUBJECT], peaks[BASELINE]) if both else "–", "≤ 1"])
    return lines


def footer(report: Report) -> str:
    loads = [sample.load for row in report.rows for many in row.samples.values() for sample in many]
    busy = f"{min(loads):.1f} to {max(loads):.1f}" if loads else "unknown"
    versions = "; ".join(f"{name}: {version}" for name, version in report.versions.items())
    return (f"Machine: {report.machine}; load average during the runs {busy}. Date: {report.date}.\n"
            f"Versions: {versions}.\n"
            "Medians; n runs each, in turns; ± is the standard deviation.")


def _size_lines(report: Report, names: list[str], what: str, field: str) -> list[list[str]]:
    """Medians of a number of bytes, of the cases that looked at it."""
    lines = []
    for row in report.rows:
        sizes = {name: statistics.median(getattr(sample, field) for sample in row.samples[name])
                 for name in names if row.samples.get(name)}
        if not any(sizes.values()):
            continue
        cells = [f"{sizes[name] / 1e6:,.0f} MB" if sizes.get(name) else "–" for name in names]
        both = sizes.get(BASELINE) and sizes.get(SUBJECT)
        lines.append([f"{what}: {row.title}", *cells, _ratio(sizes[SUBJECT], sizes[BASELINE]) if both else "–", ""])
    return lines
