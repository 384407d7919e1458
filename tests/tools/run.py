# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Runs tests/tools/test_*.py and ends as a cmocka program does, so that scripts/run-tests can count."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "scripts")]
sys.dont_write_bytecode = True


class Result(unittest.TestResult):
    def _report(self, test, error):
        print(f"[  FAILED  ] {test.id()}")
        print("".join(f"    {line}\n" for line in self._exc_info_to_string(error, test).splitlines()), flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._report(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._report(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"[  SKIPPED ] {test.id()}: {reason}")


def matching(suite, words):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from matching(test, words)
        elif not words or any(w in test.id() for w in words):
            yield test


def main(words):
    tests = unittest.TestSuite(matching(unittest.defaultTestLoader.discover(HERE), words))
    result = Result()
    tests.run(result)
    bad = len(result.failures) + len(result.errors)
    print(f"[  PASSED  ] {result.testsRun - bad - len(result.skipped)} test(s).")
    if bad:
        print(f"[  FAILED  ] {bad} test(s), listed above")
    return 1 if bad or not result.testsRun else 0


sys.exit(main(sys.argv[1:]))
