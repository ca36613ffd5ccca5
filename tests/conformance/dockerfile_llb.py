#!/usr/bin/env python3
"""Dockerfile to LLB: `slipway debug dump-llb --raw` made canonical by refllb, against the official ops.

Images are not resolved: `--stub-images` gives every image the digest sha256(reference) and a configuration
with only PATH, as the corpus was made.
"""

import pathlib
import tempfile

import corpus


def main() -> None:
    args = corpus.arguments(__doc__.splitlines()[0]).parse_args()
    folder = corpus.folder("dockerfiles")
    refllb = corpus.reference_program()
    # Where the parser already rejects (.ast.err), the conversion does too: dockerfile_ast.py has those.
    cases = [path for path in sorted(folder.rglob("*.ops")) if args.only in str(path)]
    # A Dockerfile with an .err and no .ops must be rejected; with both, the .err holds warnings.
    cases += [path for path in sorted(folder.rglob("*.err"))
              if args.only in str(path) and not path.name.endswith(".ast.err")
              and not path.with_suffix(".ops").exists()]

    def check(expected: pathlib.Path) -> str | None:
        dockerfile = expected.with_suffix("")
        command = [args.slipway, "debug", "dump-llb", "--raw", "--stub-images", "-f", str(dockerfile),
                   str(dockerfile.parent)]
        done = corpus.run(command)
        if expected.suffix == ".err":
            return None if done.returncode else f"accepted; official: {expected.read_text().strip()[-300:]}"
        if done.returncode:
            return f"rejected: {done.stderr.decode(errors='replace').strip()[-300:]}"
        with tempfile.NamedTemporaryFile(suffix=".pb") as raw:
            raw.write(done.stdout)
            raw.flush()
            canonical = corpus.run([refllb, "-in", "-mode", "ops", raw.name])
        if canonical.returncode:
            return f"refllb cannot read it: {canonical.stderr.decode()[-300:]}"
        want, got = expected.read_text(), canonical.stdout.decode()
        return None if want == got else corpus.first_difference(want, got)

    results = corpus.in_parallel(check, cases)
    corpus.finish("llb", [(str(path.relative_to(folder)), text) for path, text in results], args)


if __name__ == "__main__":
    main()
