#!/usr/bin/env python3
"""Compares `slipway bake --print` with `buildx bake --print` on compose files that are mutated. Run by hand.

The corpus' compose files and one made up here, with tokens, keys and lines of each other put in: both
programs must print the same targets, or both refuse."""
import sys

from baking import compare_mutations
from fuzzing import ROOT, Comparison, arguments, need

TOKENS = ['"', "'", "${", "}", "{", "[", "]", ": ", "- ", ",", "\n", " ", "  ", "null", "true", "1", ".", "*", "&a ", "*a", "<<: ",
          "${TEXT}", "${NONE:-x}", "${NONE-y}", "${NUM:+z}", "${NONE:?}", "$$", "$TEXT", "|\n", ">\n", "#", "!reset ", "!override ",
          "é", "\t", "~", "0x1f", "1e3", "1_000", "yes", "2024-01-01", "---\n", "@", "%", "\\", "!!str ", "!!int "]
LINES = ["build: .", "build: {}", "build:", "build: { context: dir, target: x }", "image: a:b", "image: ''", "context: dir",
         "context: ${TEXT}", "dockerfile: d", "dockerfile: ''", "dockerfile_inline: FROM scratch", "args: [A, B=1, TEXT]",
         "args: { A: 1, B: true, C: null, TEXT: , D: 1.50 }", "args: {}", "labels: [a=b, c]", "labels: { a: 1, b: }",
         "target: t", "cache_from: [a, 'type=local,src=b']", "cache_from: a", "cache_to: [type=inline]", "no_cache: true",
         "no_cache: 'yes'", "no_cache_filter: [a]", "pull: true", "pull: ${FLAG}", "network: host", "network: none",
         "platforms: [linux/amd64, linux/arm64]", "platforms: linux/amd64", "platform: linux/arm64", "tags: [a, a:b]",
         "extra_hosts: ['a:1.2.3.4', 'b=::1']", "extra_hosts: { a: 1.2.3.4 }", "extra_hosts: { a: [1.2.3.4, ::1] }",
         "shm_size: 64m", "shm_size: 1024", "ulimits: { nofile: 3 }", "ulimits: { nofile: { soft: 1, hard: 2 }, nproc: 1 }",
         "privileged: true", "isolation: x", "secrets: [a]", "secrets: [{ source: a, target: b }]", "ssh: [default]",
         "ssh: { a: /x }", "ssh: default", "entitlements: [network.host]", "additional_contexts: { a: ./b }",
         "additional_contexts: ['a=service:web']", "additional_contexts: { a: docker-image://alpine }", "profiles: [x]",
         "depends_on: [a]", "depends_on: { a: { condition: service_started } }", "extends: web", "extends: { service: web }",
         "x-bake: { tags: [a:b], platforms: linux/amd64 }", "x-bake: { output: type=oci, pull: true }",
         "x-bake: { cache-from: [type=gha], no-cache: true, contexts: { a: b } }", "x-bake: {}", "x-other: [1]", "web:", "a:",
         "env_file: x", "environment: { A: b }", "environment: [A=b]", "command: [a]", "ports: ['80:80']", "volumes: ['a:/b']",
         "deploy: { resources: { limits: { memory: 1g } } }", "provenance: true", "provenance: mode=max", "sbom: true",
         "services:", "name: n", "version: '3'", "secrets: { a: { environment: A } }", "secrets: { a: { file: ./f } }",
         "include: x.yaml", "networks: {}", "unknown: 1", "? a", "pull_policy: build", "attest: [type=sbom]", "outputs: [type=oci]"]


def main() -> int:
    options = arguments(__doc__, "buildx").parse_args()
    need(options.buildx)
    comparison = Comparison(options)
    example = (ROOT / "fuzz/seeds/compose/compose.yaml").read_text().replace("include:\n  - path: other.yaml\n", "").replace(", file: other.yaml", "")
    compare_mutations(comparison, "*/*.y*ml", "compose.yaml", TOKENS, LINES,
                      extra=[example, (ROOT / "morgan/compose.yaml").read_text()])
    return comparison.finish()


if __name__ == "__main__":
    sys.exit(main())
