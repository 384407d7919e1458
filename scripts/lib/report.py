# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""scripts/report: stored records as one HTML file, or as text for reviews, spreadsheets, programs and terminals."""

import os
import subprocess
import sys

import numpy as np

from . import judge, machine, safe, show, stats, store
from .common import INCONCLUSIVE, OK, REGRESSION, USAGE, Paint, Stop, nanoseconds, parser, percent, regex, say
from .repo import Repo

EXAMPLES = """\
  scripts/report                                       the newest record or comparison of this machine: build/report.html
  scripts/report A-base.json A-head.json -o cmp.html   one comparison
  scripts/report --format=md                           for a review
  scripts/report --format=terminal                     for people on ssh"""
CODES = "0 written; 1 cannot be written; 2 usage, or no such record; 3 records of different machines"


def arguments(argv):
    p = parser("report", "Report on stored records.", EXAMPLES, CODES)
    p.add_argument("record", nargs="*", help="one record, or base and head (default: the newest)")
    p.add_argument("-o", "--output", metavar="FILE", help="default: build/report.html for HTML, else stdout")
    p.add_argument("--format", choices=["html", "terminal", *show.FORMATS], default="html")
    p.add_argument("--filter", metavar="REGEX", type=regex, help="only benchmarks whose name matches")
    p.add_argument("--threshold", metavar="PERCENT", type=percent, default=0.03)
    p.add_argument("--results", metavar="DIR", help="the store (default: results/ of the checkout)")
    p.add_argument("--color", choices=["auto", "always", "never"], default="auto")
    args = p.parse_args(argv)
    if len(args.record) > 2:
        p.error("one record, or base and head")
    return args


def _other_side(path):
    """The other record of a comparison, if it lies in the store."""
    for a, b in (("-head.json", "-base.json"), ("-base.json", "-head.json")):
        if path.endswith(a):
            name = os.path.basename(path)[:-len(a)] + b
            where = os.path.dirname(os.path.dirname(os.path.abspath(path)))
            found = [os.path.join(where, d, name) for d in sorted(os.listdir(where)) if os.path.exists(os.path.join(where, d, name))]
            return found[0] if found else None
    return None


def choose(args, root):
    """(base record or None, head record)"""
    given = list(args.record)
    if not given:
        files = store.paths(root, machine.slug()) or store.paths(root)
        if not files:
            raise Stop(USAGE, f"{root}: no records; `make bench` and `make compare` store them")
        given = [files[-1]]
    if len(given) == 1 and (other := _other_side(given[0])):
        given.append(other)
    records = [store.read(p) for p in given]
    if len(records) == 2:
        if records[0].machine != records[1].machine:
            raise Stop(INCONCLUSIVE, f"different machines ({records[0].machine}, {records[1].machine}): not in one report; "
                                     "`scripts/compare --any-machine` shows two side by side")
        if records[0].meta.get("side") == "head":
            records.reverse()
    return (records[0] if len(records) == 2 else None), records[-1]


def wanted(record, args):
    import re
    return {n: s for n, s in record.rows.items() if not args.filter or re.search(args.filter, n)}


def compared(args, base, head):
    """Rows with verdicts, of two records."""
    paired = bool(base.meta.get("session")) and base.meta.get("session") == head.meta.get("session")
    by_row = {}
    for record, role in ((base, "base"), (head, "head")):
        for name, samples in wanted(record, args).items():
            for s in samples:
                if not paired:
                    s.role, s.pair = role, None
            by_row.setdefault(name, []).extend(samples)
    a, b = wanted(base, args), wanted(head, args)
    only = {n: "base" if n in a else "head" for n in by_row if (n in a) != (n in b)}
    one_process = not base.meta["kind"] == head.meta["kind"] == "compare"
    return judge.verdicts(by_row, args.threshold, list(dict.fromkeys([*b, *a])), paired, failed={**base.failed, **head.failed},
                          only=only, p_values=not one_process)


# ---- history ----


def commit_order(labels):
    """Labels oldest first: by git's history if it knows them, a dirty tree behind its commit, the others as they came."""
    try:
        repo = Repo(os.getcwd())
        known = repo.git("rev-list", "--topo-order", "--reverse", "--all").split()
    except (Stop, subprocess.CalledProcessError):
        known = []
    place = {c[:12]: i for i, c in enumerate(known)}
    came = {label: i for i, label in enumerate(labels)}
    return sorted(labels, key=lambda l: (place.get(l[:12], len(known)), "-dirty" in l, came[l]))


def history(args, root, of_machine):
    """({case: {row: (points, change points)}}, labels) over every readable record of a machine."""
    by_label = {}
    for path in store.paths(root, of_machine):
        try:
            record = store.read(path)
        except Stop as stop:
            say(f"report: left out: {stop}")
            continue
        for name, samples in wanted(record, args).items():
            by_label.setdefault(record.label, {}).setdefault(name, []).extend(s.ns for s in samples)
    labels = commit_order(list(by_label))
    out = {}
    for row in dict.fromkeys(r for rows in by_label.values() for r in rows):
        points = [tuple(np.percentile(by_label[l][row], [25, 50, 75])) if row in by_label[l] else None for l in labels]
        have = [i for i, p in enumerate(points) if p]
        if len(have) > 1:
            breaks = [have[k] for k in stats.change_points(np.log([points[i][1] for i in have]), np.log1p(args.threshold))]
            out.setdefault(row.split("/")[0], {})[row] = (points, breaks)
    return out, [l if "-dirty" not in l else l[:12] + "+" for l in labels]


# ---- output ----


def as_html(args, root, base, head):
    from . import page as pages  # matplotlib: only for HTML
    title = f"gpuvm-bench: {base.label + ' → ' if base else ''}{head.label} on {head.machine}"
    page = pages.Page(title)
    rows = wanted(head, args)
    cpus = (head.meta.get("fingerprint") or {}).get("cpus") or head.context.get("num_cpus") or 1
    page.add("about", "Records", pages.about([r for r in (base, head) if r]))
    everything = {n: list(s) for n, s in rows.items()}
    if base:
        for name, samples in wanted(base, args).items():
            everything.setdefault(name, []).extend(samples)
        page.add("comparison", "Comparison", pages.comparison(page, compared(args, base, head), args.threshold))
    page.add("cases", "Cases" + (f" ({head.label})" if base else ""), pages.cases(page, rows, cpus))
    page.add("latency", "Latency", pages.latency(page, {r.label: wanted(r, args) for r in (base, head) if r}))
    page.add("order", "Run order", page.figure(pages.charts.run_order(everything), "A slope is drift of the machine, a cloud above "
                                               "the line a burst of foreign load. In a comparison both sides share it.") if everything else "")
    by_case, labels = history(args, root, head.machine)
    page.add("history", "History", pages.history(page, by_case, labels))
    page.add("rows", "All rows", pages.all_rows(rows))
    page.add("environment", "Environment", pages.environment(head))
    return page.render()


def single(args, head):
    """A plain record for the terminal: medians as bars, within each case."""
    from . import names
    rows, out = wanted(head, args), [f"{head.label} on {head.machine}, {head.time}"]
    left = max((len(n) for n in rows), default=0)
    for case, members in names.by_case(rows).items():
        values = {m.text: float(np.median([s.ns for s in rows[m.text]])) for m in members}
        most = max(values.values())
        out.append("")
        out += [f"{name.ljust(left)}  {nanoseconds(v):>10}  {'#' * max(1, round(v / most * 40))}" for name, v in values.items()]
    return "\n".join(out)


def as_text(args, base, head):
    paint = Paint(args.color if not args.output else "never", sys.stdout)
    if base is None:
        if args.format == "terminal":
            return single(args, head)
        base = head  # one record in a format for comparisons: against itself is its table
        rows = []
        for name, samples in wanted(head, args).items():
            row = judge.Row(name)
            row.verdict, row.base, row.pairs = "only in head", None, len(samples)
            row.head = float(np.median([s.ns for s in samples]))
            rows.append(row)
    else:
        rows = compared(args, base, head)
    about = {"base": base.label, "head": head.label, "machine": head.machine, "threshold": args.threshold}
    if args.format == "terminal":
        return "\n\n".join((show.table(rows, paint), show.bars(rows, paint), show.summary(rows, paint)))
    return show.FORMATS[args.format](rows, about)


def main(argv):
    args = arguments(argv)
    root = args.results or os.path.join(Repo(os.getcwd()).top, "results")
    base, head = choose(args, root)
    if not wanted(head, args) and not (base and wanted(base, args)):
        raise Stop(USAGE, f"{head.path}: no samples" + (f" that match --filter={args.filter}" if args.filter else ""))
    if args.format != "html" and not args.output:
        print(as_text(args, base, head))
        return OK
    content = as_html(args, root, base, head) if args.format == "html" else as_text(args, base, head) + "\n"
    out = args.output or os.path.join(Repo(os.getcwd()).top, "build", "report.html")
    try:
        os.makedirs(os.path.dirname(out) or ".", exist_ok=True)
        safe.replace(out, content.encode("utf-8", "replace"))
    except OSError as error:
        raise Stop(REGRESSION, f"cannot write {out}: {error.strerror}; -o FILE writes elsewhere") from None
    print(out)
    return OK
