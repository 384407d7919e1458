# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The statistics against brute force, and their false alarms and hits on simulated machines."""

import itertools
import math
import random
import unittest

import numpy as np
from lib import judge, stats
from lib.store import Sample


def exact_signed_rank(logs):
    """By enumeration of all signs."""
    ranks = {v: i + 1 for i, v in enumerate(sorted(map(abs, logs)))}
    seen = sum(ranks[abs(v)] for v in logs if v > 0)
    middle = sum(ranks.values()) / 2
    sums = [sum(r for r, s in zip(ranks.values(), signs) if s) for signs in itertools.product((0, 1), repeat=len(logs))]
    return sum(abs(s - middle) >= abs(seen - middle) for s in sums) / len(sums)


class Basics(unittest.TestCase):
    def test_signed_rank_is_exact(self):
        rng = random.Random(1)
        for n in (6, 7, 9):
            for shift in (0, 0.5, 2):
                logs = [rng.gauss(shift, 1) for _ in range(n)]
                self.assertAlmostEqual(stats.signed_rank(logs), exact_signed_rank(logs), places=9)

    def test_no_p_below_six_pairs(self):
        self.assertIsNone(stats.signed_rank([1, 2, 3, 4, 5]))
        self.assertAlmostEqual(stats.signed_rank([1, 2, 3, 4, 5, 6]), 2 / 64)

    def test_identical_pairs_are_no_difference(self):
        self.assertEqual(stats.signed_rank([0.0] * 8), 1.0)
        self.assertGreater(stats.signed_rank([0.0, 0.1, -0.1, 0.1, -0.1, 0.0, 0.0]), 0.5)

    def test_benjamini_hochberg(self):
        got = stats.benjamini_hochberg([0.04, None, 0.01, 0.03, 0.02])
        for a, b in zip(got, [0.04, None, 0.04, 0.04, 0.04]):
            self.assertTrue(a == b or math.isclose(a, b))
        got = stats.benjamini_hochberg([0.001, 0.5, 0.9])
        self.assertTrue(all(math.isclose(a, b) for a, b in zip(got, [0.003, 0.75, 0.9])))

    def test_median_interval_covers(self):
        rng = np.random.default_rng(7)
        inside = 0
        for _ in range(400):
            low, high = stats.interval(stats.medians(rng.normal(0.1, 1, 15), 500), 15)
            inside += low <= 0.1 <= high
        self.assertGreater(inside, 400 * 0.93)
        self.assertLess(inside, 400 * 0.995)

    def test_same_samples_same_output(self):
        logs = [0.01 * i for i in range(9)]
        self.assertTrue((stats.medians(logs) == stats.medians(logs)).all())

    def test_geometric_mean(self):
        draws = [np.full(100, math.log(2)), np.full(100, math.log(8))]
        mean, low, high = stats.geometric_mean(draws, [math.log(2), math.log(8)])
        self.assertTrue(math.isclose(math.exp(mean), 4) and math.isclose(low, high))

    def test_noise_floor(self):
        self.assertIsNone(stats.noise_floor([0.1, 0.2]))
        self.assertAlmostEqual(stats.noise_floor([0.02] * 6), 0.02)
        self.assertGreater(stats.noise_floor([0.1, -0.1, 0.1, -0.1, 0.1, -0.1]), 0.02)

    def test_more_pairs(self):
        self.assertIsNone(stats.more_pairs(12, -0.02, 0.08, 0.03, 0.03))  # exactly at the threshold
        few, many = (stats.more_pairs(12, -w, w, 0.0, 0.03) for w in (0.035, 0.12))
        self.assertTrue(1 <= few <= 10 and 150 <= many <= 300, (few, many))

    def test_percentiles_of_merged_histograms(self):
        rng = random.Random(3)
        values = [rng.randrange(1, 1000) for _ in range(5000)]
        parts = [{}, {}, {}]
        for i, v in enumerate(values):
            parts[i % 3][v] = parts[i % 3].get(v, 0) + 1
        merged = stats.merge(parts)
        for q in (0.5, 0.99):
            self.assertEqual(stats.percentile(merged, q), sorted(values)[math.ceil(q * len(values)) - 1])
        base, head, log, low, high = stats.percentile_ratio(parts, [{2 * k: n for k, n in p.items()} for p in parts], 0.5)
        self.assertTrue(math.isclose(head / base, 2) and low <= log <= high and math.isclose(math.exp(log), 2))


def machine(rng, rows, pairs, effect=None, noise=0.02):
    """Samples as a bad machine gives them: skewed, with bursts and slow drift that both sides of a pair share."""
    out, drift, order = {}, 0.0, 0
    for row in range(rows):
        name, samples = f"row{row}", []
        for pair in range(pairs):
            drift = 0.95 * drift + rng.gauss(0, noise)
            roles = ["base", "head"] + (["base2"] if pair < 6 or pair % 2 else [])
            rng.shuffle(roles)
            for role in roles:
                ns = 100 * math.exp(drift + rng.gauss(0, noise / 2) + rng.expovariate(1) * noise + 0.3 * (rng.random() < 0.04))
                if role == "head" and effect and name in effect:
                    ns *= effect[name]
                samples.append(Sample(name, ns, role=role, pair=pair, order=order))
                order += 1
        out[name] = samples
    return out


class Machines(unittest.TestCase):
    def test_identical_code_is_called_identical(self):
        """A/A, 20 runs of 40 rows: at most about 5 % below 0.05 before correction, never SLOWER."""
        rng = random.Random(11)
        below = total = 0
        for _ in range(20):
            rows = judge.verdicts(machine(rng, 40, 12), 0.03, [f"row{i}" for i in range(40)])
            below += sum(r.p < 0.05 for r in rows)
            total += len(rows)
            self.assertFalse([r for r in rows if r.verdict in ("SLOWER", "faster")])
        self.assertLess(below / total, 0.065)
        self.assertGreater(below / total, 0.02)  # a test that never fires would pass the above too

    def test_five_percent_is_found_on_the_right_rows(self):
        rng = random.Random(12)
        slow = {"row3": 1.05, "row7": 1.05, "row11": 0.93}
        rows = judge.verdicts(machine(rng, 20, 80, slow, noise=0.01), 0.03, [f"row{i}" for i in range(20)])
        got = {r.name: r.verdict for r in rows if r.verdict not in ("same",)}
        self.assertEqual(got, {"row3": "SLOWER", "row7": "SLOWER", "row11": "faster"})

    def test_two_percent_is_the_same_at_three(self):
        rng = random.Random(13)
        rows = judge.verdicts(machine(rng, 4, 120, {"row1": 1.015}, noise=0.008), 0.03, [f"row{i}" for i in range(4)])
        self.assertEqual({r.verdict for r in rows}, {"same"})

    def test_noise_floor_holds_red_back(self):
        """base2 differs from base as much as head does: whatever it is, it is not the change."""
        samples = []
        for pair in range(20):
            for role, ns in (("base", 100), ("base2", 110), ("head", 110)):
                samples.append(Sample("row", ns + pair * 0.01, role=role, pair=pair, order=0))
        row, = judge.verdicts({"row": samples}, 0.03, ["row"])
        self.assertEqual(row.verdict, "inconclusive")
        self.assertIn("noise of A/A", row.why)

    def test_few_pairs_say_so(self):
        row, = judge.verdicts(machine(random.Random(1), 1, 5, {"row0": 2.0}), 0.03, ["row0"])
        self.assertIsNone(row.p)
        self.assertEqual(row.verdict, "inconclusive")
        self.assertIn("no p-value", row.why)

    def test_settling_does_not_invent_differences(self):
        """Asked after every pair, as the sampler does: identical code must not be settled as different."""
        rng = random.Random(14)
        for _ in range(25):
            samples = machine(rng, 1, 40)["row0"]
            for n in range(12, 40):
                row = judge.measure("row0", *judge.split([s for s in samples if s.pair < n]))
                if judge.settled(row, 0.03, 20):
                    self.assertTrue(row.low < math.log(1.03) and row.high > -math.log(1.03))


    def test_settling_as_different_needs_a_p_for_all_rows(self):
        row = judge.Row("r")
        row.low, row.high, row.log, row.floor = 0.05, 0.20, 0.10, 0.001
        for p, rows, want in ((0.01, 1, True), (0.01, 20, False), (0.001, 20, True), (0.06, 1, False)):
            row.p = p
            self.assertEqual(judge.settled(row, 0.03, rows), want)
        row.floor = 0.04  # twice that is above the interval's lower end
        self.assertFalse(judge.settled(row, 0.03, 20))


class Counters(unittest.TestCase):
    @staticmethod
    def samples(role, values):
        return [Sample("r", 10, role=role, pair=i, counters={"allocs_per_op": v}) for i, v in enumerate(values)]

    def test_exact_ones_differ_or_do_not(self):
        base = self.samples("base", [2.0] * 8)
        self.assertEqual(judge.exact_counters(base, self.samples("head", [2.0] * 8)), [])
        self.assertEqual(judge.exact_counters(base, self.samples("head", [3.0] * 8)), [("allocs_per_op", 2.0, 3.0, True)])
        self.assertEqual(judge.exact_counters(base, self.samples("head", [1.0] * 8)), [("allocs_per_op", 2.0, 1.0, False)])

    def test_varying_ones_are_not_judged(self):
        self.assertEqual(judge.exact_counters(self.samples("base", [2.0, 2.1]), self.samples("head", [3.0, 3.0])), [])

    def test_more_allocations_are_red(self):
        samples = machine(random.Random(2), 1, 30, noise=0.005)["row0"]
        for s in samples:
            s.counters = {"allocs_per_op": 2.0 if s.role == "head" else 1.0}
        row, = judge.verdicts({"row0": samples}, 0.03, ["row0"])
        self.assertEqual(row.verdict, "same")
        self.assertTrue(row.red)
