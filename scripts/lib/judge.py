# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""From samples to rows with verdicts.

    SLOWER, faster   q < 0.05, and the whole interval lies beyond max(threshold, 2 x the row's A/A noise floor)
    same             the whole interval lies inside +-threshold
    inconclusive     anything else; says about how many more pairs would settle it
    marked           the two sides' bench sources differ for this row: shown, never judged
    failed           the benchmark failed on one side; skipped: the binary lists it but cannot run it
    only in base, only in head

Times are judged by statistics. Exact counters (the same in every launch of a side) differ or do not.
"""

import math

import numpy as np

from . import stats

ALPHA = 0.05
WORSE_IF_MORE = ("allocs_per_op", "bytes_per_op")  # these gate; other exact counters are shown
ORDER = ("failed", "SLOWER", "faster", "inconclusive", "marked", "same", "skipped", "only in base", "only in head")


class Row:
    def __init__(self, name):
        self.name = name
        self.verdict = "inconclusive"
        self.why = ""  # of the verdict, in words
        self.pairs = 0
        self.paired = True
        self.base = self.head = None  # median ns
        self.spread = (None, None)  # relative, per side: 1.4826 MAD / median
        self.log = self.low = self.high = None  # log ratio head / base and its interval
        self.p = self.q = self.floor = None
        self.more = None
        self.draws = None
        self.counters = []  # (name, base, head, worse)
        self.latency = []  # (quantile, base, head, log, low, high, verdict)
        self.oversubscribed = False

    @property
    def worse_counters(self):
        return [c for c in self.counters if c[3]]

    @property
    def red(self):
        return self.verdict in ("SLOWER", "failed") or (self.verdict != "marked" and bool(self.worse_counters))


def log_ratio(base, head):
    """Of two launches, window by window if they have as many: then what lasted longer than a window is in neither."""
    if len(base.windows) == len(head.windows) > 1:
        return float(np.median(np.log(head.windows) - np.log(base.windows)))
    return math.log(head.ns / base.ns)


def pair_logs(base, head):
    """Log ratios head/base of the pairs that both sides have, in order."""
    by_pair = {s.pair: s for s in base if s.pair is not None}
    return [log_ratio(by_pair[s.pair], s) for s in head if s.pair in by_pair]


def split(samples):
    """A row's samples by role: (base, base2, head)."""
    return tuple([s for s in samples if s.role == role] for role in ("base", "base2", "head"))


def limits(threshold, floor):
    """(same below this, red above that), as log ratios."""
    same = math.log1p(threshold)
    return same, max(same, 2 * (floor or 0.0))


def _median(samples):
    return float(np.median([s.ns for s in samples])) if samples else None


def _spread(samples):
    if len(samples) < 2:
        return None
    values = np.array([s.ns for s in samples])
    middle = np.median(values)
    return float(1.4826 * np.median(np.abs(values - middle)) / middle)


def measure(name, base, base2, head, paired=True):
    """A row with its effect, interval and p, not yet judged."""
    row = Row(name)
    row.paired = paired
    row.base, row.head, row.spread = _median(base), _median(head), (_spread(base), _spread(head))
    row.oversubscribed = any(s.counters.get("oversubscribed") for s in base + head)
    row.counters = exact_counters(base + base2, head)
    if paired:
        logs = pair_logs(base, head)
        row.pairs = len(logs)
        if logs:
            row.draws = stats.medians(logs)
            row.log, row.p = float(np.median(logs)), stats.signed_rank(logs)
        row.floor = stats.noise_floor(pair_logs(base, base2))
    elif base and head:
        row.pairs = min(len(base), len(head))
        x, y = np.log([s.ns for s in base]), np.log([s.ns for s in head])
        rng = np.random.default_rng(20080605)
        row.draws = (np.median(y[rng.integers(len(y), size=(stats.RESAMPLES, len(y)))], axis=1) -
                     np.median(x[rng.integers(len(x), size=(stats.RESAMPLES, len(x)))], axis=1))
        row.log = float(np.median(y) - np.median(x))
        row.p = stats.rank_sum(x, y)
    if row.draws is not None:
        row.low, row.high = stats.interval(row.draws, row.pairs)
    return row


def exact_counters(base, head):
    """[(name, base, head, worse)] of the counters that are exact on both sides and differ."""
    out = []
    if len(base) < 2 or len(head) < 2:
        return out
    names = {n for s in base + head for n in s.counters} - {"oversubscribed", "overlap_too_low"}
    for name in sorted(names):
        x, y = ({s.counters.get(name, 0.0) for s in side} for side in (base, head))
        if len(x) == 1 and len(y) == 1 and x != y:
            a, b = x.pop(), y.pop()
            out.append((name, a, b, name in WORSE_IF_MORE and b > a))
    return out


def judge(row, threshold):
    """Fill in verdict, why and more; q must be there."""
    same, red = limits(threshold, row.floor)
    if row.log is None:
        row.why = "nothing measured"
        return row
    if row.p is None:
        row.why = row.why or f"{row.pairs} pairs: no p-value below {stats.MIN_PAIRS}"
        row.more = max(1, stats.MIN_PAIRS - row.pairs) if not row.why.startswith("a pair takes") else None
        return row
    if row.paired and row.floor is None:
        row.why, row.more = "no noise floor yet", 1
        return row
    if row.q < ALPHA and row.low > red:
        row.verdict = "SLOWER"
    elif row.q < ALPHA and row.high < -red:
        row.verdict = "faster"
    elif -same < row.low and row.high < same:
        row.verdict = "same"
    else:
        row.more = stats.more_pairs(row.pairs, row.low, row.high, row.log, same)
        if row.low > same or row.high < -same:
            row.why = ("beyond the threshold, within the noise of A/A" if row.q < ALPHA else
                       "too many rows for this p" if row.p < ALPHA else "may be chance")
        else:
            row.why = f"about {row.more} more pairs" if row.more else "too close to the threshold"
    return row


def settled(row, threshold, rows):
    """Need this row not be sampled any more? Stricter than the verdict: it is asked again and again while sampling.

    Asking whether a difference is there after every pair would find one sooner or later; so here p must stand the whole
    number of rows (Bonferroni). Stopping because the interval is narrow does not depend on where it lies.
    """
    if row.p is None or row.floor is None:
        return False
    same, red = limits(threshold, row.floor)
    if -same < row.low and row.high < same:
        return True
    if row.low > red or row.high < -red:
        return row.p < ALPHA / max(1, rows)
    return row.high - row.low < same / 2  # narrow, yet undecided: at the threshold


def latency(base, head, threshold, floor_from):
    """p50 and p99 of merged histograms; by their intervals alone, and never part of the gate."""
    out = []
    x, y = ([s.histogram for s in side if s.histogram] for side in (base, head))
    again = [s.histogram for s in floor_from if s.histogram]
    for q in (0.50, 0.99) if x and y else ():
        got = stats.percentile_ratio(x, y, q)
        if got is None:
            continue
        aa = stats.percentile_ratio(x, again, q) if again else None
        _, red = limits(threshold, abs(aa[2]) if aa else None)
        word = "SLOWER" if got[3] > red else "faster" if got[4] < -red else "same" if abs(got[2]) < red else "inconclusive"
        out.append((q, *got, word))
    return out


def verdicts(by_row, threshold, order, paired=True, marked=(), failed=None, only=None, p_values=True, skipped=(), notes=None):
    """Rows in the given order, judged together: Benjamini-Hochberg over those that are neither marked nor failed.

    by_row: {name: samples with roles}; failed: {name: words}; only: {name: "base" or "head"}; notes: {name: why there is no more of it}.
    """
    failed, only, notes = failed or {}, only or {}, notes or {}
    rows = []
    for name in order:
        row = Row(name)
        if name in only:
            row.verdict = f"only in {only[name]}"
        elif name in skipped:
            row.verdict = "skipped"
        else:
            base, base2, head = split(by_row.get(name, []))
            row = measure(name, base, base2, head, paired)
            row.latency = latency(base, head, threshold, base2)
            row.why = notes.get(name, "")
            if not p_values:
                row.p, row.why = None, "no p-values here"
            if name in failed:
                row.verdict, row.why = "failed", failed[name]
            elif name in marked:
                row.verdict, row.why = "marked", "its bench sources differ"
        rows.append(row)
    judged = [r for r in rows if r.verdict == "inconclusive"]
    for row, q in zip(judged, stats.benjamini_hochberg([r.p for r in judged])):
        row.q = q
        judge(row, threshold)
    return rows


def overall(rows):
    """Geometric mean over the judged rows: (rows, log, low, high) or None."""
    counted = [r for r in rows if r.draws is not None and r.verdict in ("SLOWER", "faster", "same", "inconclusive")]
    got = stats.geometric_mean([r.draws for r in counted], [r.log for r in counted])
    return (len(counted), *got) if got else None
