# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Pictures, as matplotlib figures. Each series differs by marker and line style as well as by colour (Okabe and Ito's
palette), so they read in black and white and for the colour-blind; better and worse differ by shape.
"""

import io
import math
import re
import textwrap

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator  # noqa: E402

from . import names  # noqa: E402

COLOURS = ["#000000", "#E69F00", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#7F7F7F"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "*"]
LINES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2))]
WORSE, BETTER, NEUTRAL = "#D55E00", "#0072B2", "#606060"

STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd",
         "grid.linewidth": 0.6, "axes.titlesize": 10, "axes.titleweight": "bold", "legend.frameon": False, "svg.fonttype": "none",
         "font.family": "DejaVu Sans", "figure.constrained_layout.use": True, "axes.axisbelow": True}


def style(i):
    return {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)], "linestyle": LINES[i % len(LINES)],
            "markersize": 5, "linewidth": 1.4}


def time_text(ns, _=None):
    for limit, scale, unit in ((1e3, 1, "ns"), (1e6, 1e3, "µs"), (1e9, 1e6, "ms")):
        if ns < limit:
            return f"{ns / scale:.3g} {unit}"
    return f"{ns / 1e9:.3g} s"


def svg(figure, salt):
    """Inline SVG without XML head; ids differ between pictures of one page."""
    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": str(salt), "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = out.getvalue()
    text = text[text.index("<svg"):]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    return re.sub(r'<g id="[^"]*">', "<g>", text)


def _quartiles(samples):
    return np.percentile([s.ns for s in samples], [25, 50, 75])


def _log_axis(ax, values):
    """A logarithmic time axis with few, readable ticks; linear from 0 if everything lies close together."""
    low, high = min(values), max(values)
    if high / low > 8:
        ax.set_yscale("log")
        decades = math.log10(high / low)
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1, 3) if decades < 3 else (1,)))
        ax.yaxis.set_minor_locator(NullLocator())
    else:
        ax.set_ylim(0, high * 1.12)
    ax.yaxis.set_major_formatter(FuncFormatter(time_text))


def _places(xs):
    """{value: place on the axis}: logarithmic if the values span much; 0 then gets a place of its own to the left."""
    xs = sorted(xs)
    positive = [x for x in xs if x > 0]
    if len(xs) < 2 or not positive or xs[-1] < 8 * positive[0]:
        return {x: float(x) for x in xs}
    out = {x: math.log2(x) for x in positive}
    if xs[0] == 0:
        out[0] = out[positive[0]] - max(1.5, (out[xs[-1]] - out[positive[0]]) / 4)
    return out


def _x_axis(ax, places, key):
    at = sorted(places.values())
    label = {v: f"{x}" if x < 10000 else f"{x / 1024:.0f}Ki" if x % 1024 == 0 else f"{x / 1000:.0f}k" for x, v in places.items()}
    ax.xaxis.set_major_locator(FixedLocator(at))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels([label[v] for v in at])
    ax.set_xlabel({"vms": "VMs per buffer object", "vas": "mappings in the VM", "threads": "threads"}.get(key, key))
    pad = 0.06 * (at[-1] - at[0]) or 0.5
    ax.set_xlim(at[0] - pad, at[-1] + pad)


def curves(case, rows, cpus):
    """One case: strategies' medians over its parameter, a band from the first to the third quartile."""
    members = names.by_case(rows)[case]
    x = names.axis(members)
    if x is None:
        return dots(case, rows, members)
    grid = names.panels(members, x)
    order = list(dict.fromkeys(s for lines in grid.values() for s in lines))
    columns = min(3, len(grid))
    height = math.ceil(len(grid) / columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(height, columns, figsize=(3.9 * columns + 1.9, 3.1 * height), squeeze=False)
        for ax, (rest, lines) in zip(axes.flat, grid.items()):
            values = []
            places = _places({p[0] for points in lines.values() for p in points})
            for strategy, points in lines.items():
                px = [places[p[0]] for p in points]
                low, middle, high = np.array([_quartiles(rows[p[1]]) for p in points]).T
                look = style(order.index(strategy))
                ax.plot(px, middle, label=strategy, **look)
                ax.fill_between(px, low, high, color=look["color"], alpha=0.15, linewidth=0)
                if len(px) == 1:
                    ax.errorbar(px, middle, [middle - low, high - middle], color=look["color"], capsize=3)
                values += [*low, *high]
            _log_axis(ax, values)
            _x_axis(ax, places, x)
            if x == "threads" and max(places) > cpus:  # more threads than CPUs
                ax.axvspan((places.get(cpus, ax.get_xlim()[0]) + min(v for t, v in places.items() if t > cpus)) / 2,
                           ax.get_xlim()[1], color="#eeeeee", zorder=0)
            ax.set_title(rest or case)
        for ax in axes.flat[len(grid):]:
            ax.set_visible(False)
        for row in axes:
            row[0].set_ylabel("time per operation")
        handles = {h.get_label(): h for ax in axes.flat for h in ax.get_lines() if not h.get_label().startswith("_")}
        if len(handles) > 1:
            _legend_outside(figure, handles)
    return figure


def _legend_outside(figure, handles):
    """To the right of all panels, at the top."""
    if tuple(int(v) for v in matplotlib.__version__.split(".")[:2]) >= (3, 7):
        figure.legend(handles.values(), handles.keys(), loc="outside right upper")
        return
    edge = 1 - 1.8 / figure.get_figwidth()
    figure.legend(handles.values(), handles.keys(), loc="upper left", bbox_to_anchor=(edge + 0.005, 1))
    figure.get_layout_engine().set(rect=(0, 0, edge, 1))


def dots(case, rows, members):
    """A case without a parameter: one line per strategy, a bar over the middle half of its samples."""
    with plt.rc_context(STYLE):
        figure, ax = plt.subplots(figsize=(7, 0.8 + 0.34 * len(members)))
        for i, name in enumerate(reversed(members)):
            low, middle, high = _quartiles(rows[name.text])
            ax.plot([low, high], [i, i], color=NEUTRAL, linewidth=5, alpha=0.4, solid_capstyle="butt")
            ax.plot([middle], [i], color="black", marker="o", markersize=6)
            ax.annotate(time_text(middle), (high, i), textcoords="offset points", xytext=(8, -3), fontsize=8)
        ax.set_yticks(range(len(members)), [n.strategy for n in reversed(members)])
        ax.set_ylim(-0.6, len(members) - 0.4)
        ax.set_xlim(0, max(_quartiles(rows[n.text])[2] for n in members) * 1.18)
        ax.xaxis.set_major_formatter(FuncFormatter(time_text))
        ax.set_xlabel("time per operation")
    return figure


def forest(rows, threshold):
    """A comparison: each row's ratio with its interval; filled down = slower, filled up = faster, hollow = undecided."""
    shown = [r for r in rows if r.low is not None]
    with plt.rc_context(STYLE):
        figure, ax = plt.subplots(figsize=(8.5, 1.1 + 0.24 * len(shown)))
        ax.axvspan(-threshold * 100, threshold * 100, color="#eeeeee", zorder=0, label=f"threshold ±{threshold:.0%}")
        ax.axvline(0, color="black", linewidth=0.8)
        look = {"SLOWER": (WORSE, "v", WORSE), "faster": (BETTER, "^", BETTER), "same": (NEUTRAL, "o", NEUTRAL)}
        for i, r in enumerate(reversed(shown)):
            colour, marker, face = look.get(r.verdict, ("black", "o", "white"))
            low, middle, high = ((math.exp(v) - 1) * 100 for v in (r.low, r.log, r.high))
            ax.plot([low, high], [i, i], color=colour, linewidth=1.6 if r.verdict in look else 0.9,
                    linestyle="-" if r.verdict in look else "--")
            ax.plot([middle], [i], marker=marker, color=colour, markerfacecolor=face, markersize=6)
        ax.set_yticks(range(len(shown)), [r.name for r in reversed(shown)], fontsize=7.5)
        ax.set_ylim(-0.7, len(shown) - 0.3)
        reach = np.percentile([max(abs(math.exp(v) - 1) for v in (r.low, r.high)) for r in shown], 90) * 100
        reach = max(reach * 1.15, threshold * 200, *(abs(math.exp(r.log) - 1) * 115 for r in shown if r.verdict in ("SLOWER", "faster")), 0)
        ax.set_xlim(-reach, reach)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:+.0f} %" if reach > 8 else f"{v:+.1f} %"))
        ax.set_xlabel("faster  ◂  change of the time per operation, 95 % interval  ▸  slower")
        for word, (colour, marker, face) in [*look.items(), ("inconclusive", ("black", "o", "white"))]:
            if any(r.verdict == word or (word == "inconclusive" and r.verdict not in look) for r in shown):
                ax.plot([], [], marker=marker, color=colour, markerfacecolor=face, linestyle="none", label=word)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=5)
    return figure


ROLES = {"base": ("o", "#000000", "base"), "base2": ("x", "#7F7F7F", "base again (A/A)"), "head": ("^", "#E69F00", "head"),
         None: ("o", "#000000", "window")}


def run_order(rows):
    """Every sample over the order in which it was taken, relative to its row's median: drift and bursts show."""
    with plt.rc_context(STYLE):
        figure, ax = plt.subplots(figsize=(8.5, 2.8))
        everything = []
        for role, (marker, colour, label) in ROLES.items():
            points = []
            for samples in rows.values():
                middle = np.median([s.ns for s in samples])
                points += [(s.order if s.order is not None else i, (s.ns / middle - 1) * 100)
                           for i, s in enumerate(samples) if s.role == role]
            if points:
                px, py = np.array(points).T
                ax.plot(px, py, linestyle="none", marker=marker, markersize=3.2, color=colour, alpha=0.75, label=label,
                        markerfacecolor="none" if role == "head" else colour, markeredgewidth=0.8)
                everything += list(py)
        ax.axhline(0, color="black", linewidth=0.8)
        low, high = np.percentile(everything, [1, 99])
        ax.set_ylim(min(-5, low * 1.3), max(5, high * 1.3))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:+.0f} %"))
        ax.set_xlabel("order in which the samples were taken")
        ax.set_ylabel("against its row's median")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=4)
    return figure


PERCENTILES = [(2, "50"), (10, "90"), (100, "99"), (1000, "99.9"), (10000, "99.99"), (100000, "99.999")]


def _percentile_lines(ax, histograms, order):
    """One panel: latency over the percentile, on a scale of 1 / (part beyond)."""
    values, farthest = [], 10
    for label, histogram in histograms.items():
        uppers, total = np.array(sorted(histogram), float), sum(histogram.values())
        share = np.cumsum([histogram[int(u)] for u in uppers]) / total
        beyond = 1 / np.maximum(1 - share, 1 / total)
        look = style(order.index(label))
        ax.step(np.concatenate([[1], beyond[:-1], [beyond[-1]]]), np.concatenate([[uppers[0]], uppers]), where="post", label=label,
                color=look["color"], linestyle=look["linestyle"], linewidth=1.4)
        values += list(uppers)
        farthest = max(farthest, total)
    ticks = dict(t for t in PERCENTILES if t[0] <= farthest)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(list(ticks)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: ticks.get(round(v), "")))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(1, farthest)
    ax.set_xlabel("percentile")
    _log_axis(ax, values)
    ax.yaxis.set_minor_formatter(NullFormatter())


def percentiles(panels):
    """Latency percentiles, side by side: {title: {label: histogram}}."""
    order = list(dict.fromkeys(label for histograms in panels.values() for label in histograms))
    columns = min(3, len(panels))
    height = math.ceil(len(panels) / columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(height, columns, figsize=(3.9 * columns + 1.9, 2.9 * height), squeeze=False)
        for ax, (title, histograms) in zip(axes.flat, panels.items()):
            _percentile_lines(ax, histograms, order)
            ax.set_title(textwrap.fill(title, 34), fontsize=8)
        for ax in axes.flat[len(panels):]:
            ax.set_visible(False)
        for row in axes:
            row[0].set_ylabel("latency, at most")
        handles = {h.get_label(): h for ax in axes.flat for h in ax.get_lines()}
        _legend_outside(figure, {label: handles[label] for label in order})
    return figure


def history(case, series, labels):
    """{row: (values by commit or None, change points)}: medians with quartile bars, commits oldest first."""
    with plt.rc_context(STYLE):
        figure, ax = plt.subplots(figsize=(8.5, 3.2))
        values, marks = [], []
        for i, (row, (points, breaks)) in enumerate(series.items()):
            have = [(k, p) for k, p in enumerate(points) if p]
            px = [k for k, _ in have]
            low, middle, high = np.array([p for _, p in have]).T
            look = style(i)
            ax.plot(px, middle, label=row.split("/", 1)[-1], **look)
            ax.vlines(px, low, high, color=look["color"], linewidth=0.8)
            values += [*low, *high]
            for k in breaks:
                before, after = (np.median([p[1] for p in part if p]) for part in (points[:k], points[k:]))
                ax.axvline(k - 0.5, color=look["color"], linestyle=":", linewidth=1.2)
                ax.annotate(f"{(after / before - 1) * 100:+.0f} %", (k - 0.5, 1.0), xycoords=("data", "axes fraction"),
                            textcoords="offset points", xytext=(0, 3 + 9 * (marks.count(k))), ha="center", fontsize=7)
                ax.plot([k], [points[k][1]], marker=look["marker"], color="none", markeredgecolor=WORSE, markersize=11,
                        markeredgewidth=1.6)
                marks.append(k)
        _log_axis(ax, values)
        ax.set_xticks(range(len(labels)), labels, rotation=60, ha="right", fontsize=7)
        ax.set_xlim(-0.5, len(labels) - 0.5)
        ax.set_ylabel("time per operation")
        ax.set_title(case, pad=16)
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7)
    return figure
