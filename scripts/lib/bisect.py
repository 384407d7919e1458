# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""scripts/bisect: the commit between GOOD and BAD that changed one benchmark.

    C1  A step measures three builds, one launch of each per round in random order: GOOD, the candidate, BAD. The candidate
        belongs to the side of the anchors' middle on which it lies; so drift of the machine between steps does not matter.
    C2  A step only counts if in that very step the anchors still differ.
    C3  Before the first step GOOD and BAD are compared as scripts/compare would; without a verdict there is nothing to bisect.
    C4  What does not build, fails or stays undecided is skipped, as `git bisect skip` does.
    C5  The culprit is measured against its parent before it is named.
"""

import json
import math
import os
import random
import re
import subprocess
import time

import numpy as np

from . import build, judge, machine, sampler, stats
from .common import (CANNOT_BUILD, INCONCLUSIVE, OK, REGRESSION, USAGE, Stop, change, clock, count, duration, parser,
                     percent, say)
from .repo import Repo, Snapshot

EXAMPLES = """\
  scripts/bisect v1 main 'obtain_hit/list:rcu_hash/vms:1/threads:1'
  scripts/bisect HEAD~30 HEAD '^unbind/.*vas:1000' --budget=2m"""
CODES = """0 found and confirmed; 1 the benchmark failed; 2 usage; 3 no difference that can be told from noise, not
confirmed, or interrupted; 125 GOOD or BAD does not build"""
SURE = 0.99  # level of a step's intervals: there are several steps, and several looks in each
FIRST_LOOK = 8


def arguments(argv):
    p = parser("bisect", "Find the commit that changed a benchmark (for worse or better).", EXAMPLES, CODES)
    p.add_argument("good", metavar="GOOD", help="an older revision")
    p.add_argument("bad", metavar="BAD", help="a younger one, on which the benchmark differs")
    p.add_argument("bench", metavar="BENCH", help="a benchmark's name, or a regular expression that matches one name only")
    p.add_argument("--budget", metavar="TIME", type=duration, default=60.0, help="measuring time per step (default 60s)")
    p.add_argument("--threshold", metavar="PERCENT", type=percent, default=0.03, help="what is worth it (default 3%%)")
    p.add_argument("--bench-from", choices=["bad", "good", "each"], default="bad", help="whose bench sources (default bad)")
    p.add_argument("--full", action="store_true", help="rows of the full matrix instead of the quick profile")
    p.add_argument("--launch", metavar="TIME", type=duration, default=0.05, help="measured time per launch (default 50ms)")
    p.add_argument("--windows", metavar="N", type=count(1, 1000), default=25, help="windows per launch (default 25)")
    p.add_argument("--seed", metavar="N", type=count(0, 2**63), help="of the order and the workloads (default random)")
    p.add_argument("--json", metavar="FILE", help="write the steps there")
    return p.parse_args(argv)


class Failed(Exception):
    """The benchmark fails on one build."""


class Rounds:
    """Launches of several builds, one of each per round, in random order."""

    def __init__(self, row, benches, rng, budget, interrupt):
        self.row, self.benches, self.rng, self.budget, self.interrupt = row, benches, rng, budget, interrupt
        self.logs = {name: [] for name in benches}
        self.start = time.monotonic()

    def more(self):
        """One more round; False if the budget is spent."""
        n = len(next(iter(self.logs.values())))
        gone = time.monotonic() - self.start
        if self.interrupt.asked:
            raise KeyboardInterrupt
        if n and gone * (n + 1) / n > self.budget:
            return False
        names, got = list(self.benches), {}
        self.rng.shuffle(names)
        results = sampler.together([self.benches[n] for n in names], [self.row], self.rng.getrandbits(32), rng=self.rng)
        for name, (samples, failed) in zip(names, results):
            if self.row not in samples:
                raise Failed(f"{name}: {failed.get(self.row, 'skipped: not in this build?')}")
            got[name] = samples[self.row]
        same = len({len(s.windows) for s in got.values()}) == 1
        for name, sample in got.items():
            self.logs[name].append(np.log(sample.windows if same else [sample.ns]))
        return True

    def difference(self, a, b):
        """Log ratios a/b, round by round, each the median over its windows; b may be several names: their middle."""
        b = [b] if isinstance(b, str) else b
        return np.array([np.median(x - np.mean(ys, axis=0)) for x, *ys in zip(self.logs[a], *(self.logs[n] for n in b))])


def estimate(logs, level):
    return (float(np.median(logs)), *stats.interval(stats.medians(logs), len(logs), level))


class Bisect:
    def __init__(self, args, repo, builder, interrupt):
        self.args, self.repo, self.builder, self.interrupt = args, repo, builder, interrupt
        self.seed = args.seed if args.seed is not None else random.SystemRandom().getrandbits(32)
        self.rng = random.Random(self.seed)
        self.good, self.bad = repo.at(args.good), repo.at(args.bad)
        self.steps, self.benches, self.row = [], {}, None

    # ---- builds ----

    def bench(self, snapshot):
        if snapshot.commit not in self.benches:
            tree = snapshot.tree
            if self.args.bench_from != "each":
                tree = self.repo.with_bench_of(tree, (self.bad if self.args.bench_from == "bad" else self.good).tree)
            binary = self.builder.binary("base", snapshot, tree)
            options = [] if self.args.full else ["--quick"]
            self.benches[snapshot.commit] = sampler.Bench(binary, options, self.args.windows, max(1, round(self.args.launch * 1000)))
        return self.benches[snapshot.commit]

    def close(self):
        for bench in self.benches.values():
            bench.close()

    def find_row(self):
        names = self.bench(self.bad).rows(None)
        try:
            found = [self.args.bench] if self.args.bench in names else [n for n in names if re.search(self.args.bench, n)]
        except re.error as error:
            raise Stop(USAGE, f"'{self.args.bench}': not a regular expression: {error}") from None
        if not found:
            raise Stop(USAGE, f"'{self.args.bench}' matches no benchmark; build/gpuvm-bench --list --quick prints them")
        if len(found) > 1:
            raise Stop(USAGE, f"'{self.args.bench}' matches {len(found)} benchmarks; name one of them:\n    " + "\n    ".join(found[:20]))
        if found[0] not in self.bench(self.good).rows(None):
            raise Stop(USAGE, f"{found[0]} does not exist in {self.good.label}")
        self.row = found[0]

    # ---- measuring ----

    def anchors(self):
        """C3. The log ratio bad/good."""
        rounds = self.rounds(good=self.good, again=self.good, bad=self.bad)
        while True:
            more = rounds.more()
            if len(rounds.logs["bad"]) < FIRST_LOOK and more:
                continue
            logs = rounds.difference("bad", "good")
            middle, low, high = estimate(logs, stats.LEVEL)
            floor = stats.noise_floor(rounds.difference("again", "good")) or math.inf
            _, red = judge.limits(self.args.threshold, floor)
            p = stats.signed_rank(logs)
            different = p is not None and p < 0.01 and (low > red or high < -red)
            if different or not more:
                break
        self.note("anchors", self.bad, middle, low, high, len(logs), "differ" if different else "do not differ")
        if not different:
            raise Stop(INCONCLUSIVE, f"{self.row}: {self.good.label} and {self.bad.label} do not differ by more than noise "
                                     f"({change(middle)}, {change(low)} .. {change(high)}, p "
                                     f"{'-' if p is None else format(p, '.3f')}, {len(logs)} pairs); nothing to bisect. "
                                     "A longer --budget sees smaller differences")
        return middle

    def rounds(self, **snapshots):
        return Rounds(self.row, {n: self.bench(s) for n, s in snapshots.items()}, self.rng, self.args.budget, self.interrupt)

    def classify(self, candidate, sign):
        """C1, C2: 'good', 'bad' or 'skip'."""
        try:
            rounds = self.rounds(good=self.good, candidate=candidate, bad=self.bad)
            while True:
                more = rounds.more()
                if len(rounds.logs["bad"]) < FIRST_LOOK and more:
                    continue
                gap = estimate(sign * rounds.difference("bad", "good"), SURE)
                place = estimate(sign * rounds.difference("candidate", ["good", "bad"]), SURE)
                sure = gap[1] > 0 and (place[1] > 0 or place[2] < 0)
                if sure or not more:
                    break
        except Failed as failed:
            say(f"    {failed}: skipped")
            self.note("step", candidate, None, None, None, 0, "skip: " + str(failed))
            return "skip"
        except Stop as stop:
            if stop.code != CANNOT_BUILD:
                raise
            say("    does not build: skipped")
            self.note("step", candidate, None, None, None, 0, "skip: does not build")
            return "skip"
        word = "skip" if not sure else "bad" if place[0] > 0 else "good"
        to_good = estimate(rounds.difference("candidate", "good"), stats.LEVEL)
        self.note("step", candidate, *to_good, len(rounds.logs["bad"]), word if sure else "skip: undecided")
        return word

    def note(self, kind, snapshot, middle, low, high, pairs, word):
        self.steps.append({"kind": kind, "commit": snapshot.commit, "verdict": word, "pairs": pairs, "log_ratio": middle,
                           "low": low, "high": high})
        if middle is not None:
            say(f"    {snapshot.label}  {change(middle)} ({change(low)} .. {change(high)}), {pairs} pairs: {word}")

    # ---- history ----

    def search(self, sign):
        """[culprits]: one, or several between which everything had to be skipped. Measured anchors stay GOOD and BAD."""
        goods, young, skipped = [self.good.commit], self.bad.commit, set()
        while True:
            out = self.repo.git("rev-list", "--bisect-all", young, *[f"^{g}" for g in goods])
            left = [line.split()[0] for line in out.splitlines() if line]
            left = [c for c in left if c != young]
            todo = [c for c in left if c not in skipped]
            if not todo:
                return [young] + left
            commit = todo[0]
            say(f"{len(left) + 1} commits left, about {math.ceil(math.log2(len(left) + 1))} steps; trying {self.title(commit)}")
            word = self.classify(Snapshot(commit[:12], commit, self.repo.tree_of(commit)), sign)
            if word == "skip":
                skipped.add(commit)
            elif word == "good":
                goods.append(commit)
            else:
                young = commit

    def title(self, commit):
        return self.repo.git("log", "-1", "--format=%h %s", "--abbrev=12", commit).strip()

    def confirm(self, culprit):
        """C5. (log ratio, low, high) against its parent, and whether that is a difference."""
        parents = self.repo.git("rev-list", "--parents", "-1", culprit).split()[1:]
        parent = next((p for p in parents if p in [s["commit"] for s in self.steps if s["verdict"] == "good"]), parents[0])
        say(f"confirming against its parent {parent[:12]} ...")
        snapshots = {n: Snapshot(n, c, self.repo.tree_of(c)) for n, c in (("culprit", culprit), ("parent", parent))}
        rounds = self.rounds(**snapshots)
        while rounds.more():
            logs = rounds.difference("culprit", "parent")
            if len(logs) >= FIRST_LOOK and (stats.signed_rank(logs) or 1) < 0.005 and _clear(estimate(logs, SURE)):
                break
        logs = rounds.difference("culprit", "parent")
        got = estimate(logs, stats.LEVEL)
        p = stats.signed_rank(logs)
        sure = p is not None and p < 0.01 and _clear(got)
        self.note("confirmation", snapshots["culprit"], *got, len(logs), "confirmed" if sure else "not confirmed")
        return got, sure


def _clear(est):
    return est[1] > 0 or est[2] < 0


def check_order(repo, good, bad):
    if good.commit == bad.commit:
        raise Stop(USAGE, "GOOD and BAD are the same commit")
    try:
        repo.git("merge-base", "--is-ancestor", good.commit, bad.commit)
    except subprocess.CalledProcessError:
        raise Stop(USAGE, f"{good.name} is no ancestor of {bad.name}; `git merge-base {good.name} {bad.name}` names a "
                          "commit that is one of both") from None


def run(args, work):
    check_order(work.repo, work.good, work.bad)
    work.find_row()
    n = int(work.repo.git("rev-list", "--count", f"{work.good.commit}..{work.bad.commit}"))
    say(f"{work.row} on {work.bench(work.bad).machine()}: {n} commits from {work.good.label} to {work.bad.label}, about "
        f"{math.ceil(math.log2(n)) + 2} measurements of up to {clock(args.budget)}, seed {work.seed}")
    against = machine.objections(machine.environment(), set())
    if against:
        say("environment: " + ", ".join(": ".join(o.split(": ")[:2]) for o in against) + " (scripts/tune says more)")
    try:
        total = work.anchors()
        culprits = work.search(math.copysign(1, total))
        if len(culprits) > 1:
            print(f"one of these {len(culprits)}, the others could not be measured:")
            print("\n".join("  " + work.title(c) for c in culprits))
            return INCONCLUSIVE
        got, sure = work.confirm(culprits[0])
    except Failed as failed:
        say(f"bisect: {work.row}: {failed}")
        return REGRESSION
    print(work.repo.git("log", "-1", "--format=%H%n  %an, %ad%n  %s", "--date=short", culprits[0]).strip())
    print(f"  {work.row}: {change(got[0])} ({change(got[1])} .. {change(got[2])}) against its parent; "
          f"{change(total)} from {work.good.label} to {work.bad.label}")
    if not sure:
        say("not confirmed: against its parent the commit makes no difference that can be told from noise; a longer "
            "--budget may show one, or the change came in small steps")
    return OK if sure else INCONCLUSIVE


def main(argv):
    args = arguments(argv)
    repo = Repo(os.getcwd())
    with sampler.Interrupt() as interrupt:
        work = Bisect(args, repo, build.Builder(repo), interrupt)
        try:
            return run(args, work)
        except KeyboardInterrupt:
            say("interrupted; nothing is left behind but cached builds")
            return INCONCLUSIVE
        finally:
            work.close()
            if args.json and work.steps:
                with open(args.json, "w") as f:
                    json.dump({"row": work.row, "seed": work.seed, "good": work.good.commit, "bad": work.bad.commit,
                               "steps": work.steps}, f, indent=1)
