# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""scripts/compare: two commits (or two stored records) to verdicts and an exit code."""

import os
import random
import re
import shlex
import sys

from . import build, choose, judge, machine, safe, sampler, show, store
from .common import (INCONCLUSIVE, OK, REGRESSION, SKIPPED, USAGE, Paint, Stop, clock, count, duration, parser, percent,
                     regex, say)
from .repo import Repo

EXAMPLES = """\
  scripts/compare main                             the working tree against main, 5 minutes
  scripts/compare v1 v2 --filter=^obtain           two commits, some rows
  scripts/compare HEAD~1 HEAD --gate --budget=10m  for a CI job: look at the exit status
  scripts/compare main --pairs=30                  a fixed number of pairs instead of a budget
  scripts/compare --stored main HEAD               the newest stored records of two commits, nothing is built
  scripts/compare results/*/*/A.json B.json        two records by name"""
LAUNCH_MIN_MS, LAUNCH_MAX_MS = 10, 30  # measured time per row of a launch
CODES = """0 compared (with --gate: nothing got slower); 1 SLOWER (with --gate) or a benchmark failed;
2 usage; 3 interrupted, environment refused, or (with --gate) some row may have got slower; 4 no row in common;
125 one side does not build"""


def arguments(argv):
    p = parser("compare", "Compare two commits by randomised interleaved pairs of launches.", EXAMPLES, CODES)
    p.add_argument("base", metavar="BASE", help="a revision, or a record's file")
    p.add_argument("head", metavar="HEAD", nargs="?", help="the same; default: the working tree as it is now")
    p.add_argument("--filter", metavar="REGEX", type=regex, help="only benchmarks whose name matches")
    p.add_argument("--budget", metavar="TIME", type=duration, default=300.0, help="measuring time (default 5m)")
    p.add_argument("--pairs", metavar="N", type=count(1, 10000), help="exactly that many pairs per row, no budget")
    p.add_argument("--threshold", metavar="PERCENT", type=percent, default=0.03, help="what matters (default 3%%)")
    p.add_argument("--gate", action="store_true", help="let the verdicts decide the exit status")
    p.add_argument("--json", metavar="FILE", help="write the comparison there")
    p.add_argument("--format", choices=["terminal", *show.FORMATS], default="terminal", help="of what is printed")
    p.add_argument("--bench-from", choices=["head", "base", "each"], default="head",
                   help="whose bench sources both sides are built with (default head)")
    p.add_argument("--all-rows", action="store_true", help="without --filter: every row, not only those of the presets linux and "
                   "default and of the strategies that differ")
    p.add_argument("--full", action="store_true", help="the full matrix instead of the quick profile")
    p.add_argument("--threads", metavar="LIST", help="thread counts, as in gpuvm-bench")
    p.add_argument("--launch", metavar="TIME", type=duration, help="measured time per launch (default: 10 to 30ms, so that "
                   "the budget reaches a dozen pairs)")
    p.add_argument("--windows", metavar="N", type=count(1, 1000), default=25, help="windows per launch (default 25)")
    p.add_argument("--seed", metavar="N", type=count(0, 2**63), help="of the order and the workloads (default random)")
    p.add_argument("--strict", action="store_true", help="refuse to measure if an environment check is not ok")
    p.add_argument("--allow", metavar="CHECK,...", default="", help="checks that --strict lets pass")
    p.add_argument("--stored", action="store_true", help="BASE and HEAD name stored records; build nothing")
    p.add_argument("--any-machine", action="store_true", help="compare records of different machines, without p-values")
    p.add_argument("--results", metavar="DIR", help="the store (default: results/ of the checkout)")
    p.add_argument("--no-store", action="store_true", help="keep no record")
    p.add_argument("--dry-run", action="store_true", help="build, then print the rows and how far the budget reaches")
    p.add_argument("--color", choices=["auto", "always", "never"], default="auto")
    args = p.parse_args(argv)
    unknown = set(filter(None, args.allow.split(","))) - set(machine.CHECKS)
    if unknown:
        p.error(f"--allow={','.join(sorted(unknown))}: want some of {', '.join(machine.CHECKS)}")
    if args.json and os.path.exists(args.json) and not os.path.isfile(args.json):
        p.error(f"--json={args.json}: not a regular file")
    return args


# ---- the end: print, write, exit code ----


def finish(args, rows, about, interrupted=False):
    paint = Paint(args.color, sys.stdout)
    if args.format != "terminal":
        print(show.FORMATS[args.format](rows, about))
    else:
        print(show.table(rows, paint))
        chart = show.bars(rows, paint)
        if chart:
            print("\n" + chart)
        print("\n" + show.summary(rows, paint))
        print(f"a row is red if q < {judge.ALPHA} and its interval lies beyond max({args.threshold:.1%}, 2 x its floor)")
    if args.json:
        try:
            safe.replace(args.json, (show.as_json(rows, about) + "\n").encode())
        except OSError as error:
            raise Stop(REGRESSION, f"cannot write {args.json}: {error.strerror}") from None
    return exit_code(args, rows, interrupted)


def may_be_slower(row, threshold):
    """Inconclusive, and a regression beyond the threshold cannot be excluded."""
    return row.verdict == "inconclusive" and (row.high is None or row.p is None or row.high > judge.limits(threshold, None)[0])


def exit_code(args, rows, interrupted=False):
    if any(r.verdict == "failed" for r in rows):
        return REGRESSION
    if not any(r.verdict in ("SLOWER", "faster", "same", "inconclusive") for r in rows):
        say("no benchmark that could be judged exists on both sides")
        return SKIPPED
    if args.gate and any(r.red for r in rows):
        return REGRESSION
    if interrupted or (args.gate and any(may_be_slower(r, args.threshold) for r in rows)):
        return INCONCLUSIVE
    return OK


# ---- stored records ----


def newest(root, name, any_machine):
    """The newest record of a revision: of this machine, or of any if told."""
    repo = Repo(os.getcwd())
    commit = repo.commit(name)
    found = [p for p in store.paths(root) if store.label_of(p) == commit[:12]]
    here = [p for p in found if store.machine_of(p) == machine.slug()]
    if here or (found and any_machine):
        return (here or found)[-1]
    if found:
        raise Stop(INCONCLUSIVE, f"{name}: there are records of other machines only ({store.machine_of(found[-1])}); "
                                 "--any-machine compares them without p-values")
    raise Stop(USAGE, f"{name}: no record of {commit[:12]} in {root}; `scripts/results list` shows what there is")


def from_records(args, root):
    if args.head is None:
        raise Stop(USAGE, "two records are needed to compare stored ones: name BASE and HEAD")
    a, b = (store.read(x if os.path.exists(x) else newest(root, x, args.any_machine)) for x in (args.base, args.head))
    foreign = a.machine != b.machine
    if foreign and not args.any_machine:
        raise Stop(INCONCLUSIVE, f"different machines ({a.machine}, {b.machine}): nothing follows from comparing their times; "
                                 "--any-machine does it all the same, without p-values")
    same_session = a.meta.get("session") and a.meta.get("session") == b.meta.get("session")
    paired = bool(same_session and not foreign and a.meta.get("side") == "base" and b.meta.get("side") == "head")
    one_process = not (a.meta["kind"] == b.meta["kind"] == "compare")
    by_row = {}
    for record, role in ((a, "base"), (b, "head")):
        for name, samples in record.rows.items():
            for s in samples:
                if not paired:
                    s.role, s.pair = role, None
                by_row.setdefault(name, []).append(s)
    order = [n for n in dict.fromkeys([*a.rows, *b.rows, *a.failed, *b.failed]) if not args.filter or re.search(args.filter, n)]
    only = {n: "base" if n in a.rows else "head" for n in order if (n in a.rows) != (n in b.rows)}
    rows = judge.verdicts(by_row, args.threshold, order, paired, failed={**a.failed, **b.failed}, only=only,
                          p_values=not foreign and not one_process)
    for note, when in (("different machines: no p-values", foreign),
                       ("windows of one process are not independent: no p-values; `scripts/compare` measures pairs", one_process),
                       ("measured at different times: drift of the machine looks like a difference", not paired)):
        if when:
            say(note)
    about = {"base": a.label, "head": b.label, "machine": a.machine if not foreign else f"{a.machine}, {b.machine}",
             "threshold": args.threshold, "seed": a.meta.get("seed"), "records": [a.path, b.path]}
    return finish(args, rows, about)


# ---- measuring ----


def check_environment(args):
    """What the checks saw; refuses with --strict."""
    seen = machine.environment()
    against = machine.objections(seen, set(args.allow.split(",")))
    if against and args.strict:
        raise Stop(INCONCLUSIVE, "the environment is not fit for measuring; `scripts/tune` prints what would mend it\n    " +
                   "\n    ".join(against))
    if against:
        say("environment: " + ", ".join(f"{o.split(':')[0]} {o.split(':')[1].strip()}" for o in against) +
            " (scripts/tune says more)")
    return seen


def sides(args, repo):
    """(base, head) snapshots and the trees to build."""
    base = repo.at(args.base)
    head = repo.at(args.head) if args.head else repo.working_tree()
    trees = {"base": base.tree, "head": head.tree}
    if args.bench_from == "head":
        trees["base"] = repo.with_bench_of(base.tree, head.tree)
    elif args.bench_from == "base":
        trees["head"] = repo.with_bench_of(head.tree, base.tree)
    return base, head, trees


def marked_rows(args, repo, base, head, names):
    """Rows whose bench sources differ between the sides (--bench-from=each)."""
    if args.bench_from != "each":
        return set()
    harness, cases = repo.differing_cases(base.tree, head.tree)
    return {n for n in names if harness or n.split("/")[0] in cases}


class Session:
    """The records and the journal of one comparison."""

    def __init__(self, args, root, where, about, metas):
        self.on = not args.no_store
        self.metas, self.about = metas, about
        if not self.on:
            return
        stamp = os.path.basename(store.new_name(store.directory(root, where, metas["head"]["label"]), "-head"))[:-len("-head.json")]
        self.paths = {side: os.path.join(store.directory(root, where, metas[side]["label"]), f"{stamp}-{side}.json")
                      for side in ("base", "head")}
        header = {"meta": about, "context": {"machine": where},
                  "sides": {s: {"path": self.paths[s], "meta": metas[s]} for s in self.paths}}
        try:
            self.journal = safe.Journal(self.paths["head"] + store.PARTIAL, header)
        except OSError as error:
            raise Stop(REGRESSION, f"cannot write {error.filename}: {error.strerror}; --results=DIR stores elsewhere, "
                                   "--no-store keeps nothing") from None

    def add(self, line):
        return self.journal.add(line) if self.on else True

    path = property(lambda self: self.journal.path)
    error = property(lambda self: self.journal.error)

    def close(self, context, taken, failed, comparison, interrupted):
        """Fold into two records; only then may the journal go."""
        if not self.on:
            return
        for side, path in self.paths.items():
            of_side = [s for s in taken if (s.role == "head") == (side == "head")]
            if of_side:
                meta = dict(self.about, **self.metas[side], interrupted=interrupted)
                if side == "head":
                    meta["comparison"] = comparison
                store.write(path, store.fold(context, meta, of_side, failed))
        self.journal.close(remove=True)
        if taken:
            say(f"records: {self.paths['base']}\n         {self.paths['head']}")
        else:
            for path in self.paths.values():
                try:
                    os.rmdir(os.path.dirname(path))
                except OSError:
                    pass


def side_meta(snapshot, side, other):
    diff = snapshot.diff if len(snapshot.diff) <= 4 << 20 else snapshot.diff[:4 << 20] + "\n[cut at 4 MiB]\n"
    return {"side": side, "other": other.label, "label": snapshot.label, "commit": snapshot.commit, "tree": snapshot.tree,
            "dirty": bool(snapshot.dirty), "diff": diff}


def launch_ms(args, rows):
    """Shorter launches and more of them, rather than few pairs: what differs from launch to launch is not in a launch."""
    if args.launch:
        return max(1, round(args.launch * 1000))
    if args.pairs:
        return LAUNCH_MAX_MS
    share = args.budget / max(1, rows) / (sampler.FIRST_LOOK * sampler.LAUNCHES)
    return round(min(LAUNCH_MAX_MS, max(LAUNCH_MIN_MS, (share - sampler.OVERHEAD) * 1000)))


def open_benches(args, binaries):
    options = ([] if args.full else ["--quick"]) + ([f"--threads={args.threads}"] if args.threads else [])
    return {side: sampler.Bench(path, options, args.windows) for side, path in binaries.items()}


def from_commits(args, root):
    repo = Repo(os.getcwd())
    base, head, trees = sides(args, repo)
    builder = build.Builder(repo)
    binaries = {side: builder.binary(side, snapshot, trees[side]) for side, snapshot in (("base", base), ("head", head))}
    benches = open_benches(args, binaries)
    try:
        return measure(args, root, repo, base, head, builder, benches, trees)
    finally:
        for bench in benches.values():
            bench.close()


def choose_rows(args, repo, base, head, trees, benches):
    """{side: rows}, and how many there would be."""
    names = {side: bench.rows(args.filter) for side, bench in benches.items()}
    total = len(set(names["base"]) | set(names["head"]))
    if not args.filter and not args.all_rows:
        catalogue = repo.file(trees["head"], "catalogue.def")
        touched = choose.changed(repo, base.tree, head.tree, catalogue)
        names = {side: choose.rows(rows, benches[side].rows(None, quick=False), choose.presets(catalogue), touched)
                 for side, rows in names.items()}
    return names, total


def measure(args, root, repo, base, head, builder, benches, trees):
    names, total = choose_rows(args, repo, base, head, trees, benches)
    common = [n for n in names["head"] if n in set(names["base"])]
    order = list(dict.fromkeys(names["head"] + names["base"]))
    if not order:
        raise Stop(USAGE, f"--filter={args.filter}: matches no benchmark; build/gpuvm-bench --list prints them")
    only = {n: "base" if n in names["base"] else "head" for n in order if n not in common}
    for bench in benches.values():
        bench.launch_ms = launch_ms(args, len(common))
    marked = marked_rows(args, repo, base, head, common)
    seed = args.seed if args.seed is not None else random.SystemRandom().getrandbits(32)
    where = benches["head"].machine()
    announce(args, base, head, where, common, total, seed, benches["head"].launch_ms)
    if not all(b.takes_turns for b in benches.values()):
        say("a side's bench cannot take turns, window by window: bursts of foreign load will not cancel out")
    if args.dry_run:
        print("\n".join(common))
        return OK
    environment = check_environment(args)
    about = {"kind": "compare", "machine": where, "time": store.utc(), "seed": seed, "session": f"{store.utc()}-{seed:x}",
             "command": "scripts/compare " + shlex.join(sys.argv[1:]), "fingerprint": machine.fingerprint(),
             "environment": environment, "compiler": builder.versions, "make_variables": builder.variables,
             "bench_from": args.bench_from, "threshold": args.threshold}
    session = Session(args, root, where, about, {"base": side_meta(base, "base", head), "head": side_meta(head, "head", base)})
    plan = sampler.Plan(None if args.pairs else args.budget, args.pairs, args.threshold, seed)
    work = sampler.Sampler(benches["base"], benches["head"], common, plan, session, sampler.Status(len(common)))
    with sampler.Interrupt() as interrupt:
        try:
            interrupted = work.run(interrupt)
        except KeyboardInterrupt:
            interrupted = True
    rows = judge.verdicts(work.samples, args.threshold, order, marked=marked, failed=work.failed, only=only,
                          skipped=work.skipped, notes=work.dear)
    about = {"base": base.label, "head": head.label, "machine": where, "threshold": args.threshold, "seed": seed}
    code = None
    try:
        code = finish(args, rows, about, interrupted)
    finally:
        context = dict(benches["head"].context, machine=where)
        session.close(context, [s for row in common for s in work.samples[row]], work.failed, show.comparison_object(rows, about), interrupted)
    say(f"measured {clock(work.elapsed())}; the same order again: --seed={seed}")
    return code


def announce(args, base, head, where, rows, total, seed, milliseconds):
    say(f"{base.label} ({base.name}) against {head.label} ({head.name}) on {where}: {len(rows)} rows")
    if len(rows) < total:
        say(f"of {total}: those of the presets linux and default, and of strategies whose own files differ, with small address "
            "spaces; --all-rows takes all, --filter=REGEX those you name")
    if base.tree == head.tree:
        say("both sides are the same tree: this is an A/A run, every difference is noise")
    per_pair = len(rows) * sampler.LAUNCHES * (milliseconds / 1000 + sampler.OVERHEAD)
    if not args.pairs and per_pair * judge.stats.MIN_PAIRS > args.budget:
        say(f"a round of pairs takes about {clock(per_pair)}: the budget does not reach {judge.stats.MIN_PAIRS} pairs; "
            f"narrow it with --filter or give --budget={round(per_pair * 12 / 60 + 1)}m")
    say(f"{'up to ' + clock(args.budget) if not args.pairs else str(args.pairs) + ' pairs, about ' + clock(per_pair * args.pairs)}, "
        f"launches of {milliseconds} ms, threshold {args.threshold:.1%}, seed {seed}")


def results_root(args):
    if args.results:
        return args.results
    try:
        return os.path.join(Repo(os.getcwd()).top, "results")
    except Stop:
        return "results"


def main(argv):
    args = arguments(argv)
    root = results_root(args)
    records = [x for x in (args.base, args.head) if x and x.endswith(".json")]
    if args.stored or records:
        return from_records(args, root)
    return from_commits(args, root)
