# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rows for people and programs: terminal, Markdown, CSV, JSON, LKP. Colour and glyph go by better and worse, not by sign."""

import csv
import io
import json
import math

from .common import change, nanoseconds
from .judge import ORDER, overall

_COLOUR = {"SLOWER": "red", "failed": "red", "faster": "green", "inconclusive": "yellow", "same": "dim", "marked": "yellow"}
_GLYPH = {"SLOWER": "!", "failed": "!", "faster": "*", "inconclusive": "?", "same": "=", "marked": "~"}


def sort(rows):
    """The news first; the same verdict by the size of the effect, 'same' in the suite's order."""
    def key(item):
        place, row = item
        size = -abs(row.log) if row.log is not None and row.verdict in ("SLOWER", "faster") else 0
        return ORDER.index(row.verdict), size, place
    return [row for _, row in sorted(enumerate(rows), key=key)]


def _interval(row):
    if row.low is None:
        return ""
    return f"{(math.exp(row.low) - 1) * 100:+.1f} .. {(math.exp(row.high) - 1) * 100:+.1f} %"


def remark(row):
    """The verdict's second half."""
    parts = [row.why] if row.why and row.verdict != "same" else []
    if row.verdict == "inconclusive" and row.more and "more pairs" not in row.why:
        parts.append(f"about {row.more} more pairs")
    parts += [f"{name} {_short(a)} -> {_short(b)}{' (worse)' if worse else ''}" for name, a, b, worse in row.counters]
    if row.oversubscribed:
        parts.append("more threads than CPUs")
    return "; ".join(parts)


def _short(value):
    return f"{value:.4g}"


def cells(row):
    """The columns as text."""
    return [
        row.name,
        nanoseconds(row.base) if row.base is not None else "",
        nanoseconds(row.head) if row.head is not None else "",
        change(row.log) if row.log is not None else "",
        _interval(row),
        f"{row.q:.3f}" if row.q is not None else "-",
        f"{row.floor * 100:.1f} %" if row.floor is not None else "-",
        str(row.pairs),
        f"{_GLYPH.get(row.verdict, ' ')} {row.verdict}" + (f": {text}" if (text := remark(row)) else ""),
    ]


HEAD = ["benchmark", "base", "head", "change", "95 % interval", "q", "floor", "pairs", "verdict"]


def table(rows, paint):
    lines, plain = [HEAD] + [cells(r) for r in sort(rows)], [None] + sort(rows)
    width = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    out = []
    for row, line in zip(plain, lines):
        text = "  ".join([line[0].ljust(width[0])] + [line[i].rjust(width[i]) for i in range(1, 8)] + [line[8]]).rstrip()
        out.append(paint("bold" if row is None else _COLOUR.get(row.verdict), text))
        for q, base, head, log, low, high, word in row.latency if row else ():
            out.append(paint(_COLOUR.get(word) if word != "same" else "dim",
                             f"    p{q * 100:.0f} {nanoseconds(base)} -> {nanoseconds(head)}  {change(log)}  "
                             f"({(math.exp(low) - 1) * 100:+.1f} .. {(math.exp(high) - 1) * 100:+.1f} %) {word}"))
    return "\n".join(out)


def summary(rows, paint):
    n = {word: sum(r.verdict == word for r in rows) for word in ORDER}
    out = [", ".join(paint(_COLOUR.get(w), f"{n[w]} {w}") for w in ORDER if n[w])]
    worse = [r for r in rows if r.worse_counters and r.verdict != "marked"]
    if worse:
        out.append(paint("red", f"{len(worse)} with more allocations or bytes per operation"))
    got = overall(rows)
    if got:
        out.append(f"geometric mean over {got[0]} rows {change(got[1])} "
                   f"({(math.exp(got[2]) - 1) * 100:+.1f} .. {(math.exp(got[3]) - 1) * 100:+.1f} %)")
    return "; ".join(out)




def bars(rows, paint, width=33):
    """The changes as bars around a middle line: what a plot would show, for people on ssh."""
    shown = [r for r in sort(rows) if r.low is not None]
    if not shown:
        return ""
    sizes = sorted(max(abs(r.low), abs(r.high)) for r in shown)
    reach = max(math.log(1.02), sizes[int(0.8 * (len(sizes) - 1))], *(abs(r.log) for r in shown if r.verdict in ("SLOWER", "faster")), 0)
    half, out = width // 2, []
    left = max(len(r.name) for r in shown)

    def column(log):
        return half + max(-half, min(half, round(log / reach * half)))

    for r in shown:
        line = [" "] * (2 * half + 1)
        for c in range(column(r.low), column(r.high) + 1):
            line[c] = "-"
        line[half] = "|" if line[half] == " " else "+"
        line[column(r.log)] = _GLYPH.get(r.verdict, "o") if r.verdict != "same" else "o"
        out.append(f"{r.name.ljust(left)}  {paint(_COLOUR.get(r.verdict), ''.join(line))}  {change(r.log)}")
    edge = (math.exp(reach) - 1) * 100
    out.append(" " * left + f"  {f'-{(1 - math.exp(-reach)) * 100:.0f} %'.ljust(half)}0{f'+{edge:.0f} %'.rjust(half)}  (faster | slower)")
    return "\n".join(out)


# ---- for programs ----


def row_object(row):
    return {
        "name": row.name, "verdict": row.verdict, "why": row.why, "base_ns": row.base, "head_ns": row.head,
        "ratio": math.exp(row.log) if row.log is not None else None,
        "ratio_low": math.exp(row.low) if row.low is not None else None,
        "ratio_high": math.exp(row.high) if row.high is not None else None,
        "p": row.p, "q": row.q, "noise_floor": row.floor, "pairs": row.pairs, "paired": row.paired, "more_pairs": row.more,
        "counters": [{"name": n, "base": a, "head": b, "worse": w} for n, a, b, w in row.counters],
        "latency": [{"quantile": q, "base_ns": b, "head_ns": h, "ratio": math.exp(l), "ratio_low": math.exp(lo),
                     "ratio_high": math.exp(hi), "verdict": w} for q, b, h, l, lo, hi, w in row.latency],
    }


def comparison_object(rows, about):
    """The whole comparison; `about` names the sides, the machine, the seed, the threshold."""
    got = overall(rows)
    mean = {"rows": got[0], "ratio": math.exp(got[1]), "ratio_low": math.exp(got[2]), "ratio_high": math.exp(got[3])} if got else None
    return dict(about, schema=1, geometric_mean=mean, rows=[row_object(r) for r in rows])


def as_json(rows, about):
    return json.dumps(comparison_object(rows, about), indent=1, allow_nan=False)


def markdown(rows, about):
    out = [f"### {about['base']} → {about['head']} on {about['machine']}", "",
           "| " + " | ".join(HEAD) + " |", "|---|" + "---:|" * 7 + "---|"]
    for row in sort(rows):
        line = cells(row)
        line[0] = f"`{line[0]}`"
        if row.red:
            line[8] = f"**{line[8]}**"
        out.append("| " + " | ".join(c.replace("|", "\\|") for c in line) + " |")
    return "\n".join(out + ["", summary(rows, lambda _, text: text)])


def as_csv(rows, _about):
    out = io.StringIO()
    keys = ["name", "verdict", "base_ns", "head_ns", "ratio", "ratio_low", "ratio_high", "p", "q", "noise_floor", "pairs",
            "more_pairs", "why"]
    writer = csv.DictWriter(out, keys, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row_object(row))
    return out.getvalue().rstrip("\n")


def _lkp_side(value, spread):
    return f"{value:12.4g} {f'±{spread * 100:3.0f}%' if spread is not None and spread >= 0.005 else '':6}"


def lkp(rows, about):
    """As the kernel's test robot prints it: base %stddev, %change, head %stddev, name."""
    out = [f"{about['base']:>18} {about['head']:>30}", f"{'-' * 18} {'-' * 30}",
           f"{'%stddev':>18} {'%change':>13} {'%stddev':>16}", f"{chr(92):>18} {'|':>13} {chr(92):>16}"]
    for row in sort(rows):
        if row.log is None:
            continue
        out.append(f"{_lkp_side(row.base, row.spread[0])}{(math.exp(row.log) - 1) * 100:+10.1f}% "
                   f"{_lkp_side(row.head, row.spread[1])} {row.name}.ns_per_op")
        for name, base, head, _ in row.counters:
            percent = f"{(head / base - 1) * 100:+10.1f}%" if base else f"{head - base:+10.4g} "
            out.append(f"{_lkp_side(base, None)}{percent} {_lkp_side(head, None)} {row.name}.{name}")
    return "\n".join(out)


FORMATS = {"md": markdown, "csv": as_csv, "json": as_json, "lkp": lkp}
