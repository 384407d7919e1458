# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The HTML report: one file, no network, no script. Sections are functions that return HTML or nothing."""

import html
import statistics

from . import charts, names, show, stats
from .common import nanoseconds

STYLE = """
body{font:15px/1.45 system-ui,"DejaVu Sans",sans-serif;color:#111;background:#fff;max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.2rem;border-bottom:1px solid #bbb}h3{font-size:1rem;margin-bottom:.2rem}
table{border-collapse:collapse;font-size:13px;margin:.6rem 0}th,td{padding:.15rem .55rem;text-align:right;white-space:nowrap}
th{border-bottom:2px solid #111;vertical-align:bottom}td{border-bottom:1px solid #ddd}
th:first-child,td:first-child,th:last-child,td:last-child{text-align:left}td:last-child{white-space:normal}
td:first-child{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:12px}
tr.SLOWER td,tr.failed td{background:#fbe6d8;font-weight:600}tr.faster td{background:#deedf7;font-weight:600}tr.same td{color:#555}
.bad{font-weight:600}.note{color:#444;font-size:13px;max-width:60rem}figure{margin:.8rem 0;overflow-x:auto}
svg{max-width:100%;height:auto}nav a{margin-right:1rem}pre{font-size:12px;overflow-x:auto;background:#f6f6f6;padding:.6rem}
@media print{body{margin:0;max-width:none}figure,tr{break-inside:avoid}}
"""


def text(value):
    return html.escape(str(value))


class Page:
    def __init__(self, title):
        self.title, self.sections, self.pictures = title, [], 0

    def add(self, anchor, heading, body):
        if body:
            self.sections.append((anchor, heading, body))

    def figure(self, figure, caption=""):
        self.pictures += 1
        picture = charts.svg(figure, self.pictures)
        return f"<figure>{picture}{f'<figcaption class=note>{caption}</figcaption>' if caption else ''}</figure>"

    def render(self):
        nav = "".join(f'<a href="#{a}">{text(h)}</a>' for a, h, _ in self.sections)
        body = "".join(f'<section id="{a}"><h2>{text(h)}</h2>{b}</section>\n' for a, h, b in self.sections)
        return ("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"
                f"<title>{text(self.title)}</title><style>{STYLE}</style></head>\n<body><h1>{text(self.title)}</h1>\n"
                f"<nav>{nav}</nav>\n{body}</body></html>\n")


def table(head, lines, classes=None):
    out = "<tr>" + "".join(f"<th>{text(c)}</th>" for c in head) + "</tr>\n"
    for i, line in enumerate(lines):
        kind = f' class="{classes[i]}"' if classes else ""
        out += f"<tr{kind}>" + "".join(f"<td>{text(c)}</td>" for c in line) + "</tr>\n"
    return f"<figure><table>{out}</table></figure>"


# ---- sections ----


def about(records):
    lines = []
    for record in records:
        meta = record.meta
        lines.append([meta.get("side", meta["kind"]), meta["label"], record.time, len(record.rows),
                      sum(map(len, record.rows.values())), meta.get("seed", record.context.get("seed", "")),
                      "interrupted" if meta.get("interrupted") else ""])
    return table(["record", "commit", "time (UTC)", "rows", "samples", "seed", ""], lines)


def comparison(page, rows, threshold):
    ordered = show.sort(rows)
    body = f"<p>{text(show.summary(rows, lambda _, t: t))}</p>"
    if any(r.low is not None for r in ordered):
        body += page.figure(charts.forest(ordered, threshold), "The grey band is the threshold; a hollow circle is undecided.")
    body += table(show.HEAD, [show.cells(r) for r in ordered], [r.verdict for r in ordered])
    return body


def cases(page, rows, cpus):
    out = []
    for case, members in names.by_case(rows).items():
        x = names.axis(members)
        note = "Line: median. Band: middle half of the samples."
        if x == "threads" or any("threads" in m.numbers for m in members):
            note += f" This machine has {cpus} CPUs" + (": no scaling curve follows from that." if cpus < 4 else ".")
        out.append(f"<h3>{text(case)}</h3>" + page.figure(charts.curves(case, rows, cpus), text(note)))
    return "".join(out)


def latency(page, sides):
    """{label: rows}. One record: a panel per point, a line per strategy. Two: a panel per row, a line per record."""
    merged = {}
    for label, rows in sides.items():
        for row, samples in rows.items():
            histogram = stats.merge([s.histogram for s in samples if s.histogram])
            if histogram:
                merged.setdefault(row, {})[label] = histogram
    cases = {}
    for case, members in names.by_case(merged).items():
        for name in members:
            if len(sides) > 1:
                cases.setdefault(case, {})[name.text.split("/", 1)[-1]] = merged[name.text]
            else:
                where = ", ".join(f"{k} {v}" for k, v in name.point[1:]) or case
                cases.setdefault(case, {}).setdefault(where, {})[name.alternative] = next(iter(merged[name.text].values()))
    if not cases:
        return "<p class=note>No case in these records takes latencies.</p>"
    note = "<p class=note>Sampled under load in an open loop: from when an operation was due. noop's are the clock's own.</p>"
    return note + "".join(f"<h3>{text(case)}</h3>" + page.figure(charts.percentiles(panels)) for case, panels in cases.items())


def all_rows(rows):
    lines = []
    for name, samples in rows.items():
        values = sorted(s.ns for s in samples)
        quarter = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
        counters = {k for s in samples for k in s.counters} - {"oversubscribed", "overlap_too_low"}
        exact = ", ".join(f"{c} {samples[0].counters.get(c, 0):.4g}" for c in sorted(counters)
                          if len({s.counters.get(c, 0.0) for s in samples}) == 1)
        lines.append([name, nanoseconds(quarter[1]), nanoseconds(quarter[0]), nanoseconds(quarter[2]), len(values), exact])
    return table(["benchmark", "median", "first quartile", "third quartile", "samples", "exact counters"], lines)


def history(page, by_case, labels):
    """{case: {row: (points, change points)}}"""
    if len(labels) < 2:
        return "<p class=note>Only one commit of this machine is stored: no history yet.</p>"
    out = ["<p class=note>Commits oldest first; bars are the middle half of the samples. A dotted line with a mark is a change point: "
           "a step that mere noise seldom gives (p &lt; 0.01; needs at least 8 commits). These runs lie apart in time, so "
           "drift of the machine looks like a change too: <code>scripts/bisect</code> tells them apart.</p>"]
    for case, series in by_case.items():
        for part in range(0, len(series), 8):
            some = dict(list(series.items())[part:part + 8])
            out.append(page.figure(charts.history(case, some, labels)))
    return "".join(out)


def environment(record):
    meta = record.meta
    out = ""
    if meta.get("environment"):
        out += table(["check", "verdict", "seen"], [[k, v[0], v[1]] for k, v in meta["environment"].items()])
    facts = {**(meta.get("fingerprint") or {}), **{k: v for k, v in record.context.items() if isinstance(v, (str, int, float))}}
    facts.update({k: meta[k] for k in ("command", "compiler", "make_variables", "bench_from", "tree") if meta.get(k)})
    out += table(["fact", "value"], [[k, v] for k, v in facts.items() if v is not None])
    if meta.get("diff"):
        cut = meta["diff"][:200000]
        out += f"<details><summary>difference to {text(meta['commit'][:12])}</summary><pre>{text(cut)}</pre></details>"
    return out
