#!/usr/bin/env python3
"""Dockerfile syntax trees: `slipway debug ast FILE` against the official parser's dump."""

import pathlib

import corpus


def main() -> None:
    args = corpus.arguments(__doc__).parse_args()
    folder = corpus.folder("dockerfiles")
    dumps = [path for path in sorted(folder.rglob("*.ast")) if args.only in str(path)]
    errors = [path for path in sorted(folder.rglob("*.ast.err")) if args.only in str(path)]

    def check(expected: pathlib.Path) -> str | None:
        rejected = expected.name.endswith(".ast.err")
        dockerfile = str(expected).removesuffix(".err").removesuffix(".ast")
        done = corpus.run([args.slipway, "debug", "ast", dockerfile])
        if rejected:
            return None if done.returncode else f"accepted; official: {expected.read_text().strip()}"
        if done.returncode:
            return f"rejected: {done.stderr.decode(errors='replace').strip()[-300:]}"
        want, got = expected.read_text(errors="replace"), done.stdout.decode(errors="replace")
        return None if want.rstrip("\n") == got.rstrip("\n") else corpus.first_difference(want, got)

    results = corpus.in_parallel(check, dumps + errors)
    corpus.finish("ast", [(str(path.relative_to(folder)), text) for path, text in results], args)


if __name__ == "__main__":
    main()
