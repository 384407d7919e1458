# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""scripts/calibrate: false alarms counted on the fake bench; what it plants is a function that does the same, slower."""

import os
import random
import re
import subprocess
import tempfile

from lib import calibrate
from support import FakeRepo

CORE = """int gpuvm_slow(const int *a, long b)
{
	return *a + (int)b;
}

void gpuvm_nothing(void)
{
}
"""
MAIN = """#include <stdio.h>
int gpuvm_slow(const int *a, long b);
int main(void)
{
	struct { int a; } s = { 1 };
	long i, sum = 0;

	for (i = 0; i < 1000000; i++)
		sum += gpuvm_slow(&s.a, i);
	printf("%ld", sum);
	return 0;
}
"""


class Calibrate(FakeRepo):
    def setUp(self):
        super().setUp()
        self.put("core/slow.c", CORE)
        self.commit()

    def test_false_alarms_are_counted(self):
        code, out, err = self.tool("calibrate", "aa", "--runs=2", "--budget=4s", "--sample=2", "--seed=1")
        self.assertEqual((code, len(re.findall(r"^run +\d: 2 rows", out, re.M))), (0, 2), err)
        self.assertIn("0 called SLOWER", out)

    def test_what_is_planted_does_the_same(self):
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(self.repo)
        with tempfile.TemporaryDirectory() as tmp:
            clone = calibrate.Clone(tmp, "gpuvm_slow", random.Random(1))
            sums = []
            for part in (0, 0.5):
                if part:
                    clone.slow_down(part)
                binary = os.path.join(tmp, "run")
                main = os.path.join(tmp, "main.c")
                with open(main, "w") as f:
                    f.write(MAIN)
                subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-o", binary, main, clone.file], check=True)
                sums.append(subprocess.run([binary], check=True, stdout=subprocess.PIPE, text=True).stdout)
            self.assertEqual(sums, [str(sum(range(1000000)) + 1000000)] * 2)
            with open(clone.file) as f:
                self.assertIn("#define PLANTED 500 ", f.read())
            self.assertEqual(clone.git(clone.dir, "rev-list", "--count", f"{clone.base}..HEAD"), "1")

    def test_bad_input(self):
        for args in (["plant", "--function=none"], ["plant", "--function=gpuvm_nothing"], ["plant", "--slower=0"], ["aa", "--runs=0"], ["what"]):
            self.assertEqual(self.tool("calibrate", *args)[0], 2, args)
