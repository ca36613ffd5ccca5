"""Builds the same workloads with Slipway, BuildKit and buildah and prints how they compare.

See README.md beside this file for the cases and what is measured.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import builders as known
import report as reports
import workloads
from cases import Bench, run_cases
from registry import Registry

REPO = pathlib.Path(__file__).resolve().parents[2]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/compare", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default="a,b,c,d,e", help="letters, comma separated")
    parser.add_argument("--builders", default="buildkit,slipway,buildah",
                        help="of slipway, slipway-zstd, buildkit, buildkit-zstd, buildah")
    parser.add_argument("--services", default="core,llm-service", help="compose services, or 'all'")
    parser.add_argument("--stack", type=pathlib.Path, default=REPO / "morgan", help="compose project")
    parser.add_argument("--base", action="append", default=[], metavar="NAME=OCI_LAYOUT",
                        help="stands in for the image NAME of the stack's Dockerfiles")
    parser.add_argument("--pull-base", type=pathlib.Path, metavar="OCI_LAYOUT", help="the image of case f")
    parser.add_argument("--slipway", type=pathlib.Path, default=REPO / "build/release/slipway")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--slow-repetitions", type=int, default=3, help="for the builds from nothing")
    parser.add_argument("--quick", action="store_true", help="one repetition, small context")
    parser.add_argument("--scratch", default="/var/tmp", help="where stores and contexts are made")
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    parser.add_argument("--save", type=pathlib.Path, metavar="FILE", help="keep the samples as JSON")
    parser.add_argument("--report", type=pathlib.Path, nargs="+", metavar="FILE",
                        help="measure nothing: print the table of saved runs")
    arguments = parser.parse_args()
    if "f" in arguments.cases.split(",") and not arguments.pull_base and not arguments.report:
        parser.error("case f needs --pull-base OCI_LAYOUT")
    return arguments


def make_builders(arguments: argparse.Namespace, folder: pathlib.Path) -> list[known.Builder]:
    peers = pathlib.Path(subprocess.run([REPO / "bench/peers.sh", "buildkitd", "buildctl", "buildx", "buildah",
                                         "docker-registry"], check=True, text=True,
                                        stdout=subprocess.PIPE).stdout.strip())
    makers = {
        "slipway": lambda: known.Slipway(folder, arguments.slipway.resolve()),
        "slipway-zstd": lambda: known.SlipwayZstd(folder, arguments.slipway.resolve()),
        "buildkit": lambda: known.BuildKit(folder, peers),
        "buildkit-zstd": lambda: known.BuildKitZstd(folder, peers),
        "buildah": lambda: known.Buildah(folder, peers),
    }
    return [makers[name]() for name in arguments.builders.split(",")]


def all_services(stack: workloads.Stack, buildx: pathlib.Path) -> list[str]:
    import json
    text = known.output_of(str(buildx), "bake", "-f", str(stack.compose), "--print")
    return sorted(json.loads(text)["target"])


def measure(arguments: argparse.Namespace, folder: pathlib.Path) -> reports.Report:
    wanted = set(arguments.cases.split(","))
    chosen = make_builders(arguments, folder)
    registry = Registry(folder)
    try:
        for builder in chosen:
            builder.start()
        stack, services, bases = None, [], {}
        if wanted & {"a", "b", "e", "g", "h", "i"}:
            stack = workloads.Stack(arguments.stack, folder / "stack")
            services = arguments.services.split(",")
            if services == ["all"]:
                peers = os.environ.get("SLIPWAY_PEERS", os.path.expanduser("~/.cache/slipway/peers"))
                services = all_services(stack, pathlib.Path(peers) / "buildx")
            for base in arguments.base:
                name, layout = base.split("=", 1)
                path, _, tag = name.partition(":")
                bases[name] = registry.push_oci_layout(pathlib.Path(layout), f"bases/{path}", tag or "latest")
        pulled = ""
        if "f" in wanted:
            pulled = registry.push_oci_layout(arguments.pull_base, "bases/pulled", "latest")
        bench = Bench(folder, registry, chosen, stack, services, bases, pulled,
                      1 if arguments.quick else arguments.repetitions,
                      1 if arguments.quick else arguments.slow_repetitions, arguments.quick,
                      lambda line: print(line, file=sys.stderr, flush=True))
        rows = run_cases(bench, wanted)
        return reports.new_report({builder.name: builder.version() for builder in chosen}, rows)
    finally:
        for builder in chosen:
            builder.stop()
        registry.stop()


def main() -> int:
    arguments = parse_arguments()
    if arguments.report:
        result = reports.load(arguments.report)
    else:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="slipway-bench.", dir=arguments.scratch))
        try:
            result = measure(arguments, folder)
        finally:
            if arguments.keep:
                print(f"logs: {folder}", file=sys.stderr)
            else:
                shutil.rmtree(folder, ignore_errors=True)
        if arguments.save:
            reports.save(result, arguments.save)
    print(reports.table(result))
    print()
    print(reports.footer(result))
    return 1 if any(reports.SUBJECT in row.failures for row in result.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
