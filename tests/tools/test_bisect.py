# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""scripts/bisect on histories with a planted change."""

import os

from support import SEED, FakeRepo

ROW = "obtain/list:hash/vms:8"
QUICK = ("--launch=5ms", "--budget=5s", f"--seed={SEED}")


class Bisect(FakeRepo):
    def history(self, n, at, factor, broken=()):
        """n commits; the at-th changes the row's time."""
        out = []
        for i in range(n):
            self.put("core/note.h", f"/* {i} */\n")
            if i in broken:
                self.put("core/broken", "")
            elif os.path.exists(os.path.join(self.repo, "core/broken")):
                os.unlink(os.path.join(self.repo, "core/broken"))
            out.append(self.change(rows={ROW: factor} if i == at else {}))
        return out

    def bisect(self, *args):
        return self.tool("bisect", *args, *QUICK)

    def test_finds_the_commit_among_16(self):
        commits = self.history(16, 10, 1.05)
        code, out, err = self.bisect(self.base, "HEAD", ROW)
        self.assertEqual((code, out.split()[0]), (0, commits[10]), err)
        self.assertIn("against its parent", out)
        self.assertIn(" bad", err)

    def test_finds_what_made_it_faster(self):
        commits = self.history(6, 0, 0.9)
        code, out, err = self.bisect(self.base, "HEAD", ROW)
        self.assertEqual((code, out.split()[0]), (0, commits[0]), err)

    def test_skips_what_does_not_build(self):
        commits = self.history(8, 6, 1.1, broken=(3, 4))
        code, out, err = self.bisect(self.base, "HEAD", ROW)
        self.assertEqual((code, out.split()[0]), (0, commits[6]), err)
        self.assertIn("does not build: skipped", err)

    def test_names_all_if_the_culprit_does_not_build(self):
        commits = self.history(6, 2, 1.1, broken=(2, 3))
        code, out, err = self.bisect(self.base, "HEAD", ROW)
        self.assertEqual(code, 3, err)
        for i in (2, 3, 4):
            self.assertIn(commits[i][:12], out)
        self.assertNotIn(commits[1][:12], out)

    def test_refuses_noise(self):
        self.history(3, -1, 1)
        code, out, err = self.bisect(self.base, "HEAD", ROW)
        self.assertEqual((code, out), (3, ""))
        self.assertIn("nothing to bisect", err)

    def test_bad_input(self):
        self.history(2, 1, 1.1)
        for code, word, args in ((2, "unknown revision", ("nonesuch", "HEAD", ROW)), (2, "no ancestor", ("HEAD", "HEAD~1", ROW)),
                                 (2, "same commit", ("HEAD", "HEAD", ROW)), (2, "matches no", ("HEAD~1", "HEAD", "nonesuch")),
                                 (2, "matches 4", ("HEAD~1", "HEAD", "obtain")), (2, "regular", ("HEAD~1", "HEAD", "(")),
                                 (2, "--budget", ("HEAD~1", "HEAD", ROW, "--budget=x"))):
            got, out, err = self.tool("bisect", *args)
            self.assertEqual((got, out, word in err), (code, "", True), err)
        self.put("core/broken", "")
        self.commit()
        self.assertEqual(self.tool("bisect", "HEAD~1", "HEAD", ROW)[0], 125)
