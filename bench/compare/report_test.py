"""Run with: python3 -m unittest discover -s bench/compare -p '*_test.py'"""

import pathlib
import tempfile
import unittest

import report as reports
from cases import Row
from measure import Sample


def row(case: str, slipway: list[float], buildkit: list[float], per: int = 1) -> Row:
    return Row(case, f"case {case}", "1/2", per,
               {"slipway": [Sample(s, 10 << 20) for s in slipway],
                "buildkit": [Sample(s, 40 << 20) for s in buildkit]})


def report(*rows: Row) -> reports.Report:
    return reports.Report("2026-01-01 00:00", "2 cores", {"slipway": "1", "buildkit": "2"}, list(rows))


class TableTest(unittest.TestCase):
    def test_shows_the_ratio_of_medians(self):
        text = reports.table(report(row("a", [1.0, 1.0, 9.0], [4.0, 4.0, 4.0])))
        self.assertIn("| 1/4.0 ", text)

    def test_divides_by_the_steps_of_one_build(self):
        text = reports.table(report(row("c", [0.2], [1.0], per=10)))
        self.assertIn("20.0 ms (n=1)", text)

    def test_a_failure_is_not_a_ratio(self):
        failed = row("a", [1.0], [2.0])
        failed.samples.pop("slipway")
        failed.failures["slipway"] = "exited 1"
        self.assertIn("| failed  | –", reports.table(report(failed)))

    def test_sizes_are_medians_of_the_cases_that_have_them(self):
        sized = row("g", [1.0, 1.0], [2.0, 2.0])
        for name, sent in (("slipway", 50_000_000), ("buildkit", 100_000_000)):
            for sample in sized.samples[name]:
                sample.sent_bytes = sent
        text = reports.table(report(sized, row("a", [1.0], [1.0])))
        sizes = [line for line in text.splitlines() if "| sent:" in line]
        self.assertEqual(1, len(sizes))
        self.assertIn("| 100 MB ", sizes[0])
        self.assertIn("| 1/2.0 ", sizes[0])

    def test_memory_is_the_peak_of_the_cases_of_one_kind(self):
        text = reports.table(report(row("a", [1], [1]), row("b", [1], [1]), row("d1", [1], [1])))
        memory = [line for line in text.splitlines() if "peak memory" in line]
        self.assertEqual(2, len(memory))
        self.assertIn("| 40 MiB", memory[0])


class SavedReportTest(unittest.TestCase):
    def test_a_case_measured_again_replaces_the_earlier_one(self):
        with tempfile.TemporaryDirectory() as folder:
            old, new = pathlib.Path(folder, "old"), pathlib.Path(folder, "new")
            reports.save(report(row("a", [1], [1]), row("b", [2], [2])), old)
            reports.save(report(row("a", [3], [3])), new)
            merged = reports.load([old, new])
        self.assertEqual([("a", 3), ("b", 2)],
                         [(each.case, each.samples["slipway"][0].seconds) for each in merged.rows])


if __name__ == "__main__":
    unittest.main()
