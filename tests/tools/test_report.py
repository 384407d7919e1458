# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""scripts/report: self-contained, complete, and not shaken by what lies in the store."""

import html.parser
import json
import os
import random
import re
import shutil
import unittest

from lib import names, stats
from support import FakeRepo

HASH8 = "obtain/list:hash/vms:8"
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Checker(html.parser.HTMLParser):
    """Elements that load something, ids, and whether what is opened is closed."""

    def __init__(self):
        super().__init__()
        self.loads, self.ids, self.open, self.bad = [], [], [], []

    def handle_starttag(self, tag, attrs):
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            if key in ("src", "href", "xlink:href", "data", "action") and not (value or "").startswith("#"):
                self.loads.append((tag, value))
        if tag in ("script", "link", "iframe", "object", "embed"):
            self.loads.append((tag, ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.bad.append((tag, self.getpos()))


class Report(FakeRepo):
    def page(self, *args):
        code, out, err = self.tool("report", *args)
        self.assertEqual(code, 0, err)
        with open(out.strip()) as f:
            text = f.read()
        checker = Checker()
        checker.feed(text)
        self.assertEqual((checker.loads, checker.bad, checker.open), ([], [], []))
        self.assertEqual(len(checker.ids), len(set(checker.ids)))
        self.assertNotIn("<?xml", text)
        self.assertNotIn("@import", text)
        self.assertIsNone(re.search(r"url\((?!#)", text))
        return text

    def test_a_comparison(self):
        for row in self.speed["rows"].values():
            row["tail"] = 512
        base = self.change()
        self.change(rows={HASH8: 1.2})
        self.compare(base, "HEAD", "--pairs=20")
        text = self.page()
        for word in ("Comparison", "Run order", "Latency", "History", "Environment", "SLOWER", HASH8, base[:12], "vms", "governor",
                     "allocs_per_op 1"):
            self.assertIn(word, text)
        self.assertGreaterEqual(text.count("<svg"), 5)  # forest, case, latency, run order, history
        self.assertEqual(text.count(">percentile<"), 4)  # a panel for each row
        for form, word in (("md", f"**! SLOWER"), ("csv", f"{HASH8},SLOWER"), ("lkp", f"{HASH8}.ns_per_op"),
                           ("terminal", "(faster | slower)")):
            code, out, err = self.tool("report", f"--format={form}")
            self.assertEqual((code, word in out), (0, True), err)
        rows = json.loads(self.tool("report", "--format=json")[1])["rows"]
        self.assertEqual({r["verdict"] for r in rows if r["name"] == HASH8}, {"SLOWER"})

    def test_history_and_what_is_broken_in_it(self):
        for i in range(10):
            self.change(rows={HASH8: 1.3} if i == 5 else {})
            self.put("core/note.h", f"/* {i} */")
            self.commit()
            self.compare("HEAD", "--pairs=2", "--filter=hash")
        with open(os.path.join(os.path.dirname(self.records()[0]), "20200101T000000Z.json"), "w") as f:
            f.write('{"context"')
        text = self.page()
        self.assertIn("+30 %", text)
        self.assertIn("left out", self.tool("report")[2])

    def test_odd_names_are_escaped(self):
        self.compare("HEAD", "--pairs=1")
        path = next(p for p in self.records() if p.endswith("-head.json"))
        with open(path) as f:
            text = f.read()
        out = os.path.join(self.dir, "odd.json")
        with open(out, "w") as f:
            f.write(text.replace("obtain/list:mutex/vms:1", "a<b>&$x_1^2$/list:<script>alert(1)</script>/vms:1"))
        self.assertIn("&lt;script&gt;", self.page(out, "-o", os.path.join(self.dir, "odd.html")))

    def test_a_plain_run(self):
        self.compare("HEAD", "--pairs=1")
        path = next(p for p in self.records() if p.endswith("-base.json"))
        with open(path) as f:
            value = json.load(f)
        del value["gpuvm"]
        value["benchmarks"] = [dict(e, gpuvm={}) for e in value["benchmarks"]]
        out = os.path.join(os.path.dirname(path), "20990101T000000Z.json")
        with open(out, "w") as f:
            json.dump(value, f)
        self.assertIn(HASH8, self.page())
        self.assertIn("###", self.tool("report", "--format=terminal")[1])
        self.assertEqual(self.tool("report", "--format=md", out)[0], 0)

    def test_bad_input(self):
        for code, word, args in ((2, "no records", ()), (2, "cannot be read", ("none.json",)), (2, "base and head", ("a", "b", "c")),
                                 (2, "--format", ("--format=pdf",))):
            got, out, err = self.tool("report", *args)
            self.assertEqual((got, out, word in err), (code, "", True), err)
        self.compare("HEAD", "--pairs=1")
        shutil.rmtree(os.path.join(self.repo, "build"), ignore_errors=True)
        code, _, err = self.tool("report", "-o", "/proc/report.html")
        self.assertEqual((code, "-o FILE" in err), (1, True), err)
        self.assertEqual(self.tool("report", "--filter=nonesuch")[0], 2)


class Parts(unittest.TestCase):
    def test_change_points(self):
        rng = random.Random(4)
        logs = [rng.gauss(0, 0.01) + (0.1 if i >= 8 else 0) - (0.08 if i >= 20 else 0) for i in range(30)]
        self.assertEqual(stats.change_points(logs, 0.03), [8, 20])
        found = sum(bool(stats.change_points([rng.gauss(0, 0.1) for _ in range(30)], 0.03)) for _ in range(20))
        self.assertLessEqual(found, 2)
        self.assertEqual(stats.change_points([0, 0, 0, 1, 1, 1], 0.03), [])  # too short to say anything

    def test_names(self):
        members = names.by_case(["bind/space:leaf/alloc:glibc/vas:1/threads:1", "bind/space:leaf/alloc:glibc/vas:9/threads:1",
                                 "bind/space:leaf/alloc:glibc/vas:9/threads:2", "noop"])
        self.assertEqual((names.axis(members["bind"]), names.axis(members["noop"])), ("vas", None))
        grid = names.panels(members["bind"], "vas")
        self.assertEqual({k: {s: [x for x, _ in p] for s, p in v.items()} for k, v in grid.items()},
                         {"threads 1": {"leaf glibc": [1, 9]}, "threads 2": {"leaf glibc": [9]}})
