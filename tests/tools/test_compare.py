# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""scripts/compare from the outside, on a repository with planted speeds."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from support import SCRIPTS, FakeRepo, verdicts

HASH8, HASH1, MUTEX8 = "obtain/list:hash/vms:8", "obtain/list:hash/vms:1", "obtain/list:mutex/vms:8"


class Verdicts(FakeRepo):
    def test_planted_change_is_called_on_its_row_only(self):
        self.change(rows={HASH8: 1.06, MUTEX8: 0.9})
        code, got, _ = self.compare(self.base, "HEAD", "--gate", "--pairs=20")
        want = dict.fromkeys(self.speed["rows"], "same")
        want.update({HASH8: "SLOWER", MUTEX8: "faster"})
        self.assertEqual(verdicts(got), want)
        self.assertEqual(code, 1)
        self.assertEqual(self.compare(self.base, "HEAD", "--pairs=20")[0], 0)  # without --gate

    def test_taking_turns_sees_through_bursts(self):
        """A machine that is 50 % slower at times, for longer than a window, and a change of 12 %."""
        base = self.change(burst=0.5)
        self.change(rows={HASH8: 1.12})
        _, got, err = self.compare(base, "HEAD", "--pairs=20")
        self.assertEqual(verdicts(got), dict(dict.fromkeys(self.speed["rows"], "same"), **{HASH8: "SLOWER"}), err)

    def test_binaries_that_cannot_take_turns(self):
        base = self.change(turns=False)
        self.change(turns=True, rows={HASH8: 1.1})
        for a, b, word in ((base, "HEAD", "SLOWER"), ("HEAD", base, "faster")):
            code, got, err = self.compare(a, b, "--pairs=20", "--bench-from=each")
            self.assertEqual((code, verdicts(got)[HASH8]), (0, word), err)

    def test_budget_stops_when_settled(self):
        self.change(rows={HASH8: 1.5})
        code, got, err = self.compare(self.base, "HEAD", "--budget=100s", "--gate")
        self.assertEqual((code, verdicts(got)[HASH8]), (1, "SLOWER"), err)
        self.assertLess(max(r["pairs"] for r in got["rows"]), 60)

    def test_same_tree_passes_the_gate(self):
        code, got, err = self.compare("HEAD", "HEAD", "--gate", "--pairs=20")
        self.assertEqual((code, set(verdicts(got).values())), (0, {"same"}), got)
        self.assertIn("A/A", err)

    def test_few_pairs_are_inconclusive(self):
        self.change(rows={HASH8: 2})
        code, got, _ = self.compare(self.base, "HEAD", "--pairs=3", "--gate")
        self.assertEqual((code, {r["p"] for r in got["rows"]}), (3, {None}))
        self.assertIn("no p-value", got["rows"][0]["why"])

    def test_more_allocations_fail_the_gate(self):
        self.speed["rows"][HASH1]["allocs"] = 2.0
        self.change()
        code, got, _ = self.compare(self.base, "HEAD", "--gate")
        row = next(r for r in got["rows"] if r["name"] == HASH1)
        self.assertEqual(row["counters"], [{"name": "allocs_per_op", "base": 1.0, "head": 2.0, "worse": True}])
        self.assertEqual(code, 1)

    def test_a_tail_is_seen(self):
        for row, tail in ((HASH1, 1024), (HASH8, 1024)):
            self.speed["rows"][row]["tail"] = tail
        base = self.change()
        self.speed["rows"][HASH1]["tail"] = 4096
        self.change()
        _, got, _ = self.compare(base, "HEAD", "--pairs=8")
        seen = {r["name"]: {l["quantile"]: (l["head_ns"], l["verdict"]) for l in r["latency"]} for r in got["rows"]}
        self.assertEqual(round(seen[HASH1][0.99][0]), 4096)
        self.assertEqual((seen[HASH1][0.99][1], seen[HASH1][0.5][1], seen[HASH8][0.99][1]), ("SLOWER", "same", "same"))

    def test_a_failing_benchmark_fails(self):
        self.speed["rows"][HASH1]["fails"] = "an object leaked"
        self.change()
        code, got, _ = self.compare(self.base, "HEAD")
        self.assertEqual((code, verdicts(got)[HASH1]), (1, "failed"))
        self.assertIn("an object leaked", next(r for r in got["rows"] if r["name"] == HASH1)["why"])

    def test_a_crash_takes_nobody_along(self):
        """The rows of one point share a process; what is listed but not run is skipped."""
        self.speed["rows"]["obtain/list:crash/vms:8"] = {"ns": 5}
        self.speed["rows"]["obtain/list:absent/vms:8"] = {"ns": 5}
        base = self.change()
        self.change(rows={HASH8: 1.2})
        code, got, _ = self.compare(base, "HEAD", "--pairs=20")
        want = dict.fromkeys(self.speed["rows"], "same")
        want.update({HASH8: "SLOWER", "obtain/list:crash/vms:8": "failed", "obtain/list:absent/vms:8": "skipped"})
        self.assertEqual((code, verdicts(got)), (1, want))

    def test_rows_of_one_side(self):
        self.speed["rows"]["new/x:1"] = {"ns": 5}
        self.change()
        code, got, _ = self.compare(self.base, "HEAD", "--gate", "--pairs=14")
        self.assertEqual((code, verdicts(got)["new/x:1"]), (0, "only in head"))
        self.assertEqual(self.compare(self.base, "HEAD", "--filter=^new")[0], 4)


class Rows(FakeRepo):
    """Which rows are measured if nobody says (lib/choose.py)."""

    CATALOGUE = ("list mutex - a\nlist hash - a\nlist other - a\nlist other_kind - a\nspace tree - a\ncase obtain - b\n"
                 "preset linux list=mutex,space=tree linux\npreset default list=hash,space=tree best\npreset odd list=other,space=tree x\n")

    def setUp(self):
        super().setUp()
        self.put("catalogue.def", self.CATALOGUE)
        self.put("core/list/other.c", "int a;\n")
        self.put("core/list/other_kind.c", "int a;\n")
        for name in ("lookup/space:tree/vas:1024", "bind/space:tree/vas:64", "bind/space:tree/vas:65536", "bind/space:tree/vas:1024",
                     "lookup/space:tree/vas:65536", "mix/space:tree/vas:65536", "obtain/list:other/vms:1", "obtain/list:other_kind/vms:1", "bind/space:tree/writer:none/vas:8", "bind/space:tree/writer:sleeping/vas:8", "noop",
                     "floor_obtain", "price_walk/how:rcu/length:1", "price_alloc/alloc:glibc", "obtain/peer:linux-6.12/vms:1"):
            self.speed["rows"][name] = {"ns": 5}
        self.base = self.change()

    def rows(self, *args):
        code, out, err = self.tool("compare", *args, "--dry-run")
        self.assertEqual(code, 0, err)
        return set(out.split()), err

    def test_those_of_the_two_presets(self):
        got, err = self.rows("HEAD")
        want = {"obtain/list:mutex/vms:1", "obtain/list:mutex/vms:8", "obtain/list:hash/vms:1", "obtain/list:hash/vms:8",
                "bind/space:tree/writer:none/vas:8", "price_alloc/alloc:glibc", "bind/space:tree/vas:64", "bind/space:tree/vas:1024",
                "lookup/space:tree/vas:1024"}
        self.assertEqual(got, want)
        self.assertIn("of 19:", err)
        self.put("core/list/other.c", "int b;\n")
        self.assertEqual(self.rows("HEAD")[0], want | {"obtain/list:other/vms:1"})
        self.put("core/list/other_kind.c", "int b;\n")
        self.assertEqual(self.rows("HEAD")[0], want | {"obtain/list:other/vms:1", "obtain/list:other_kind/vms:1"})

    def test_on_demand_the_others(self):
        self.assertEqual(len(self.rows("HEAD", "--all-rows")[0]), 19)
        got, err = self.rows("HEAD", "--filter=other|noop")
        self.assertEqual(got, {"obtain/list:other/vms:1", "obtain/list:other_kind/vms:1", "noop"})
        self.assertNotIn("--all-rows", err)


class Sides(FakeRepo):
    def test_working_tree_with_untracked_files(self):
        self.change(commit=False, rows={HASH8: 1.2})
        self.put("core/new.c", "int x;\n")
        before = self.git("status", "--porcelain")
        code, got, _ = self.compare("HEAD", "--pairs=14")
        self.assertEqual(verdicts(got)[HASH8], "SLOWER")
        self.assertIn("-dirty-", got["head"])
        head, = (p for p in self.records() if p.endswith("-head.json"))
        with open(head) as f:
            meta = json.load(f)["gpuvm"]
        self.assertIn("+int x;", meta["diff"])
        self.assertEqual((meta["commit"], meta["dirty"], os.path.basename(os.path.dirname(head))), (self.base, True, got["head"]))
        after = self.git("status", "--porcelain").replace("?? results/", "").strip()
        self.assertEqual(before.strip(), after)  # nothing of the user's was touched
        self.assertEqual(got["head"], self.compare("HEAD", "--pairs=1")[1]["head"])  # records do not make a tree dirtier

    def test_bench_sources_come_from_one_side(self):
        """base's bench has a row less; with head's bench on both sides there is none that differs."""
        with open(os.path.join(self.repo, "bench", "fake_bench.c")) as f:
            text = f.read()
        self.put("bench/fake_bench.c", text.replace("if (regexec(", "if (!strchr(rows[i].name, '8') || regexec("))
        self.commit()
        self.assertEqual(set(verdicts(self.compare(self.base, "HEAD", "--pairs=1")[1])), {HASH8, MUTEX8})
        self.assertEqual(len(self.compare(self.base, "HEAD", "--pairs=1", "--bench-from=base")[1]["rows"]), 4)
        each = verdicts(self.compare(self.base, "HEAD", "--pairs=1", "--bench-from=each")[1])
        self.assertEqual((each[HASH8], each[HASH1]), ("marked", "only in base"))

    def test_differing_case_is_marked_and_not_gated(self):
        self.put("bench/case/obtain.c", "int other;\n")
        self.change(rows={HASH8: 2})
        code, got, _ = self.compare(self.base, "HEAD", "--bench-from=each", "--gate")
        self.assertEqual((code, set(verdicts(got).values())), (4, {"marked"}))
        self.assertEqual(verdicts(self.compare(self.base, "HEAD")[1])[HASH8], "SLOWER")

    def test_a_repository_cloned_anew_where_one_was(self):
        """The cache's worktrees are those of the old one, which is gone."""
        self.assertEqual(self.compare(self.base, "HEAD", "--pairs=1")[0], 0)
        for _ in range(2):  # neither side is built yet
            self.change(rows={HASH8: 1.1})
        fresh = self.repo + ".fresh"
        self.git("clone", "-q", self.repo, fresh)
        shutil.rmtree(self.repo)
        os.rename(fresh, self.repo)
        code, _, err = self.compare("HEAD~1", "HEAD", "--pairs=1")
        self.assertEqual(code, 0, err)

    def test_builds_are_cached(self):
        self.assertIn("building", self.compare(self.base, "HEAD", "--pairs=1")[2])
        self.assertNotIn("building", self.compare(self.base, "HEAD", "--pairs=1")[2])
        self.assertIn("building", self.compare(self.base, "HEAD", "--pairs=1", env={"CFLAGS": "-O3"})[2])

    def test_from_a_subdirectory(self):
        self.assertEqual(self.compare("HEAD", "--pairs=1", cwd=os.path.join(self.repo, "core"))[0], 0)
        self.assertTrue(self.records())


class BadInput(FakeRepo):
    def refused(self, code, word, *args, **kw):
        got, _, err = self.compare(*args, **kw)
        self.assertEqual(got, code, err)
        self.assertIn(word, err)

    def test_command_lines(self):
        for args in (("--budget=0",), ("--budget=-1s",), ("--budget=5",), ("--budget=nan",), ("--budget=1e9m",), ("--pairs=0",),
                     ("--pairs=-1",), ("--pairs=1e3",), ("--pairs= 7",), ("--pairs=0x10",), ("--pairs=99999999999999999999999",),
                     ("--threshold=0",), ("--threshold=101%",), ("--threshold=inf",), ("--filter=(",), ("--filter=",),
                     ("--seed=-1",), ("--bench-from=both",), ("--frobnicate",), ("--allow=luck",), ("extra", "words"),
                     ("--gat",), ("--windows=0",), ("--launch=0s",)):
            got, out, err = self.tool("compare", "HEAD", *args)
            self.assertEqual(got, 2, (args, err))
            self.assertEqual(out, "")
            self.assertIn(args[0].split("=")[0].strip("-") if args[0] != "extra" else "words", err)
        self.assertEqual(self.tool("compare")[0], 2)
        self.assertEqual(self.records(), [])

    def test_revisions(self):
        self.refused(2, "unknown revision 'nonesuch'", "nonesuch")
        self.refused(2, "unknown revision", "HEAD", "HEAD~99")
        self.refused(2, "unknown revision", "HEAD:core")
        self.refused(2, "unknown revision", "")
        self.refused(2, "not in a git repository", "HEAD", cwd=self.dir, env={"GIT_CEILING_DIRECTORIES": self.dir})

    def test_a_side_that_does_not_build(self):
        self.put("core/broken", "")
        self.commit()
        self.refused(125, "planted", "HEAD~1", "HEAD")
        self.refused(125, "planted", "HEAD", "HEAD~1")
        self.refused(125, "cannot be run", "HEAD~1", env={"CC": "no-such-compiler"})

    def test_filter_without_a_match(self):
        self.refused(2, "matches no benchmark", "HEAD", "--filter=nonesuch")

    def test_dirty_submodule(self):
        other = os.path.join(self.dir, "other")
        subprocess.run(["git", "init", "-q", other], check=True, env=self.env)
        for cmd in (["commit", "-q", "--allow-empty", "-m", "x"],):
            subprocess.run(["git", "-C", other, *cmd], check=True, env=self.env)
        self.git("-c", "protocol.file.allow=always", "submodule", "add", other, "sub")
        self.commit()
        self.assertEqual(self.compare("HEAD", "--pairs=1")[0], 0)
        self.put("sub/file", "x")
        self.refused(2, "submodule sub", "HEAD")

    def test_places_that_cannot_be_written(self):
        self.put("file", "x")
        self.refused(1, "--results=DIR", "HEAD", "--pairs=1", "--results=file/results")
        self.refused(1, "--results=DIR", "HEAD", "--pairs=1", "--results=/proc/results")
        self.refused(2, "XDG_CACHE_HOME", "HEAD", env={"XDG_CACHE_HOME": os.path.join(self.repo, "file")})
        code, _, err = self.tool("compare", "HEAD", "--json=/dev/full")
        self.assertEqual((code, "regular file" in err), (2, True))
        code, out, err = self.tool("compare", "HEAD", "--pairs=1", "--launch=5ms", "--json=/proc/x.json")
        self.assertEqual((code, "/proc/x.json" in err, len(self.records())), (1, True, 2), err)  # the records are safe

    def test_full_stdout_and_closed_stdout(self):
        cmd = [os.path.join(SCRIPTS, "compare"), "HEAD", "--pairs=1", "--launch=5ms"]
        with open("/dev/full", "w") as full:
            done = subprocess.run(cmd, cwd=self.repo, env=self.env, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual((done.returncode, "Traceback" in done.stderr), (1, False), done.stderr)
        self.assertEqual(len(self.records()), 2)

    def test_strict_refuses_what_is_not_ok(self):
        code, _, err = self.compare("HEAD", "--strict", env={"MALLOC_CONF": "junk:true"})
        self.assertEqual((code, "allocator: bad" in err), (3, True), err)
        self.assertEqual(self.records(), [])
        checks = "governor,boost,smt,load,pressure,steal,throttling,quota,clock,aslr,allocator"
        self.assertEqual(self.compare("HEAD", "--pairs=1", "--strict", f"--allow={checks}")[0], 0)

    def test_tune_touches_nothing(self):
        code, out, _ = self.tool("tune")
        self.assertIn(code, (0, 3))
        self.assertEqual(len([l for l in out.splitlines() if not l.startswith(" ")]), 11)
        self.assertEqual(self.tool("tune", "--apply=luck")[0], 2)


class Stored(FakeRepo):
    def setUp(self):
        super().setUp()
        self.change(rows={HASH8: 1.2})
        self.live = self.compare(self.base, "HEAD", "--pairs=14", "--seed=7")[1]
        self.a, self.b = sorted(self.records(), key=lambda p: p.endswith("-head.json"))

    def rewrite(self, path, **meta):
        with open(path) as f:
            value = json.load(f)
        value["gpuvm"].update(meta)
        out = os.path.join(self.dir, os.path.basename(path))
        with open(out, "w") as f:
            json.dump(value, f)
        return out

    def test_the_same_comparison_without_building(self):
        for args in ((self.a, self.b), ("--stored", "HEAD~1", "HEAD", "--any-machine")):
            code, got, err = self.compare(*args, "--pairs=14")
            self.assertEqual(code, 0, err)
            key = lambda r: r["name"]
            self.assertEqual(sorted(got["rows"], key=key), sorted(self.live["rows"], key=key))
            self.assertNotIn("building", err)

    def test_google_benchmarks_own_tool_reads_them(self):
        tool = "/usr/share/benchmark/compare.py"
        if not os.path.exists(tool):
            self.skipTest("libbenchmark-tools is not installed")
        done = subprocess.run(["/usr/bin/python3", tool, "--no-color", "-a", "benchmarks", self.a, self.b], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=True)
        change = float(next(l for l in done.stdout.splitlines() if l.startswith(f"{HASH8}_median")).split()[1])
        self.assertTrue(0.17 < change < 0.23, done.stdout)
        self.assertIn("OVERALL_GEOMEAN", done.stdout)

    def test_other_sessions_are_not_paired(self):
        code, got, err = self.compare(self.rewrite(self.a, session="other"), self.b)
        self.assertIn("different times", err)
        self.assertFalse(got["rows"][0]["paired"])
        self.assertIsNotNone(got["rows"][0]["p"])

    def test_another_machine_is_refused_unless_told(self):
        other = self.rewrite(self.b, machine="other-9000")
        code, got, err = self.compare(self.a, other)
        self.assertEqual((code, got), (3, None))
        self.assertIn("--any-machine", err)
        code, got, _ = self.compare(self.a, other, "--any-machine")
        self.assertEqual((code, {r["p"] for r in got["rows"]}), (0, {None}))

    def test_runs_of_one_process_get_no_p_values(self):
        code, got, err = self.compare(self.rewrite(self.a, kind="run", session=None), self.rewrite(self.b, kind="run"))
        self.assertEqual({r["p"] for r in got["rows"]}, {None})
        self.assertIn("one process", err)

    def test_missing_and_broken_ones(self):
        self.assertEqual(self.compare(self.a)[0], 2)
        self.assertEqual(self.compare(self.a, "none.json")[0], 2)
        self.put("cut.json", open(self.b).read()[:500])
        code, _, err = self.compare(self.a, "cut.json")
        self.assertEqual((code, "cut short" in err), (2, True))
        self.git("commit", "-q", "--allow-empty", "-m", "unmeasured")
        code, _, err = self.compare("--stored", "HEAD~1", "HEAD")
        self.assertEqual((code, "no record of" in err or "other machines" in err), (2, True) if "no record" in err else (3, True))

    def test_results_list_show_prune(self):
        code, out, _ = self.tool("results", "list")
        self.assertEqual((code, out.count("-base.json"), "compare as head" in out), (0, 1, True))
        code, out, _ = self.tool("results", "show", self.b)
        self.assertIn(HASH8, out)
        self.assertEqual(self.tool("results", "prune")[0], 2)
        self.assertIn("would remove", self.tool("results", "prune", "--keep=0")[1])
        self.assertEqual(len(self.records()), 2)
        self.tool("results", "prune", "--keep=0", "--older-than=1h", "--yes")
        self.assertEqual(len(self.records()), 2)
        self.tool("results", "prune", "--keep=0", "--yes")
        self.assertEqual(self.records(), [])

    def test_formats(self):
        for form, word in (("md", "| `obtain/"), ("csv", "name,verdict,"), ("lkp", "%change"), ("json", '"schema": 1')):
            code, out, _ = self.tool("compare", self.a, self.b, f"--format={form}")
            self.assertEqual((code, word in out), (0, True), form)
        self.assertNotIn("\033", out)
        self.assertIn("\033[31m", self.tool("compare", self.a, self.b, "--color=always")[1])


class Interrupted(FakeRepo):
    def start(self):
        self.change(commit=True, sleep_us=20000)
        child = subprocess.Popen([os.path.join(SCRIPTS, "compare"), "HEAD", "--budget=100s", "--launch=5ms"], cwd=self.repo,
                                 env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.records(partial=True)
            if found and open(found[0]).read().count("\n") > 40:
                return child
            time.sleep(0.05)
        self.fail("it never got going")

    def test_ctrl_c_keeps_and_reports(self):
        child = self.start()
        child.send_signal(signal.SIGINT)
        time.sleep(0.02)
        child.send_signal(signal.SIGINT)  # its echo, as of timeout(1)
        out, err = child.communicate(timeout=30)
        self.assertEqual((child.returncode, HASH8 in out, "Traceback" in err), (3, True, False), err)
        self.assertEqual((len(self.records()), self.records(partial=True)), (2, []))
        self.assertIn("interrupted", self.tool("results", "list")[1])

    def test_kill_9_loses_nothing_that_was_measured(self):
        child = self.start()
        self.assertIn("still being written", self.tool("results", "recover")[2])
        child.kill()
        child.communicate(timeout=30)
        journal, = self.records(partial=True)
        lines = open(journal).read().count("\n") - 1
        self.assertIn("interrupted after", self.tool("results", "list")[1])
        code, out, _ = self.tool("results", "recover")
        self.assertEqual((code, len(out.split()), self.records(partial=True)), (0, 2, []))
        shown = [json.loads(self.tool("results", "show", "--json", p)[1]) for p in out.split()]
        self.assertEqual(sum(r["samples"] for s in shown for r in s["rows"].values()), lines)
        self.assertEqual(self.compare(*sorted(out.split()), "--any-machine")[0], 0)


if __name__ == "__main__":
    unittest.main()
