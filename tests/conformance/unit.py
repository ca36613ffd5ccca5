#!/usr/bin/env python3
"""Shell words, ignore patterns, git and image references, platforms, sizes: `slipway debug oracle` on unit.jsonl."""

import json

import corpus


def difference(want: dict, got: dict) -> str | None:
    """An error has to be an error; its text is ours to choose. Anything else has to be the same value."""
    if "err" in want:
        return None if "err" in got else f"want an error ({want['err']}), got {json.dumps(got)}"
    return None if got == want else f"want {json.dumps(want)}, got {json.dumps(got)}"


def main() -> None:
    args = corpus.arguments(__doc__).parse_args()
    lines = (corpus.folder("unit") / "unit.jsonl").read_text().splitlines()
    cases = [case for case in map(json.loads, lines) if args.only in case["src"]]
    requests = "".join(json.dumps(case["req"]) + "\n" for case in cases).encode()
    done = corpus.run([args.slipway, "debug", "oracle"], requests)
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    missing = {"err": None, "missing": f"no answer; exit {done.returncode}: {done.stderr.decode()[-200:]}"}
    results = []
    for number, case in enumerate(cases):
        got = answers[number] if number < len(answers) else missing
        text = missing["missing"] if got is missing else difference(case["want"], got)
        results.append((f"{case['id']} {json.dumps(case['req'])}", text))
    corpus.finish("unit", results, args)


if __name__ == "__main__":
    main()
