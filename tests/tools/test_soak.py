# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""scripts/soak on a gpuvm-stress that runs nothing: what it asks for, what it reports, how it ends."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from lib import soak, soak_report
from support import HERE, SCRIPTS

FAKE = os.path.join(HERE, "fake_stress.sh")


class Soak(unittest.TestCase):
    def setUp(self):
        tmp = tempfile.TemporaryDirectory(prefix="gpuvm-soak-test.")
        self.addCleanup(tmp.cleanup)
        self.dir = tmp.name
        self.out = os.path.join(self.dir, "out")
        self.log = os.path.join(self.dir, "log")

    def command(self, *args):
        return [sys.executable, os.path.join(SCRIPTS, "soak"), "--stress=" + FAKE, "--out=" + self.out, *args]

    def env(self, fake):
        return dict(os.environ, FAKE_LOG=self.log, **{k: str(v) for k, v in fake.items()})

    def soak(self, *args, hours="0.0003", **fake):
        p = subprocess.run(self.command("--hours=" + hours, *args), env=self.env(fake), capture_output=True, text=True,
                           timeout=60, check=False)
        return p.returncode, p.stdout, p.stderr

    def slices(self):
        with open(self.log) as f:
            return f.read().splitlines()

    def report(self):
        with open(os.path.join(self.out, "soak.json")) as f:
            return json.load(f)

    def test_rotation_visits_everything(self):
        names = soak.catalogue()
        options = [o for (o,) in soak.rotation(names)]
        for axis in ("preset", "space", "ref", "alloc"):
            for name in names[axis]:
                self.assertIn("--%s=%s" % (axis, name), options)
        for name in names["list"]:
            self.assertIn("--list-strategy=" + name, options)
        self.assertFalse([o for o in options if "busted" in o])
        code, _, err = self.soak("--slice=1", hours="0.015")
        self.assertEqual(code, 0, err)
        self.assertEqual([s.split()[0] for s in self.slices()], (options + options + options)[:54])

    def test_keeps_to_one_combination(self):
        code, out, err = self.soak("--list-strategy=rcu_hash", "--space=leaf", "--slice=1", hours="0.001")
        self.assertEqual(code, 0, err)
        self.assertEqual(len(self.slices()), 4)
        for line in self.slices():
            self.assertTrue(line.startswith("--list-strategy=rcu_hash --space=leaf --duration="), line)
        self.assertIn("# Soak: --list-strategy=rcu_hash --space=leaf", out)
        self.assertEqual(len({s["options"][3] for s in self.report()["slices"]}), len(self.slices()), "seeds repeat")

    def runs(self, slope, n=20):
        return [{"scenario": "s%d" % (i % 2), "verdict": "ok", "ended": 6 * (i + 1), "rss_kib": [1, 1, 10000 + i * slope],
                 "live": [5, 0]} for i in range(n)]

    def test_slope(self):
        m = soak_report.memory(self.runs(300))
        self.assertAlmostEqual(m["slope"], 3000)
        self.assertEqual((m["first"], m["last"], m["flat"], m["live"]), (10750, 15550, False, (0, 0)))
        self.assertTrue(soak_report.memory(self.runs(0))["flat"])
        self.assertTrue(soak_report.memory(self.runs(-300))["flat"])
        self.assertIsNone(soak_report.memory(self.runs(300, 7)))
        # A scenario that leaves more behind than the other is no slope.
        for r in (runs := self.runs(0)):
            r["rss_kib"][2] += 50000 * (r["scenario"] == "s1")
        self.assertAlmostEqual(soak_report.memory(runs)["slope"], 0)

    def test_reports_a_rise(self):
        # 60 s a pass: ten passes need --slice=600, and a soak that is long enough to ask for it.
        for slope, word in ((0, "1 of 1 processes flat"), (300, "**rises**")):
            p = subprocess.Popen(self.command("--hours=1", "--space=leaf"), env=self.env({"FAKE_SLOPE": slope, "FAKE_SLEEP": 1}),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            while p.poll() is None and not os.path.exists(self.log):
                time.sleep(0.01)
            p.send_signal(signal.SIGINT)
            out, err = p.communicate(timeout=30)
            self.assertEqual(p.returncode, 0, err)
            self.assertIn("--repeat=10", self.slices()[-1])
            os.unlink(self.log)
            self.assertIn(word, out)
        self.assertIn("| 0, 0 |", out)

    def test_stops_at_a_violation(self):
        report = os.path.join(self.dir, "docs", "x.md")
        code, out, err = self.soak("--report=" + report, FAKE_STATUS=1, hours="1")
        self.assertEqual((code, len(self.slices())), (1, 1), err)
        self.assertIn("**A violation was found.**", out)
        self.assertIn("repeat with: gpuvm-stress --seed=5", out)
        with open(report) as f:
            self.assertEqual(f.read(), out)

    def test_nothing_can_run(self):
        code, out, err = self.soak("--alloc=jemalloc", FAKE_STATUS=4, hours="1")
        self.assertEqual((code, len(self.slices())), (4, 1), err)
        self.assertIn("Nothing has run", out)
        self.assertEqual(self.soak(FAKE_STATUS=4, hours="1")[0], 4)

    def test_refuses(self):
        for word, args in (("--hours", ("--hours=0",)), ("--hours", ("--hours=-1",)), ("--hours", ("--hours=nan",)),
                           ("--hours", ("--hours=",)), ("--hours", ("--hours=1e2",)), ("--hours", ("--hours= 1",)),
                           ("--hours", ("--hours=1001",)), ("--slice", ("--slice=0",)), ("--slice", ("--slice=3601",)),
                           ("--slice", ("--slice=x",)), ("--seed", ("--seed=-1",)), ("--seed", ("--seed=18446744073709551616",)),
                           ("--space=none", ("--space=none",)), ("--stress", ("--stress=none",)), ("--stress", ("--stress=.",)),
                           ("--frob", ("--frob",)), ("stray", ("stray",)), ("--slic", ("--slic=3",))):
            code, out, err = self.soak(*args)
            self.assertEqual((code, out, word in err), (2, "", True), (args, err))
            self.assertFalse(os.path.exists(self.out), args)

    def test_a_report_that_cannot_be_written(self):
        for report in ("/dev/full", self.dir, "/proc/none/x.md"):
            code, _, err = self.soak("--report=" + report, hours="1")
            self.assertEqual((code, report in err, os.path.exists(self.log)), (1, True, False), err)
