# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The statistics, on log ratios: symmetric for faster and slower, and additive.

    S1  A pair is two launches next to each other in time, in random order. If the two sides are the same code, swapping
        them changes nothing, so the log ratio of a pair is distributed symmetrically around 0 whatever the noise looks
        like. That is all the signed-rank test needs; it needs no normal distribution and no equal variances.
    S2  Fewer than MIN_PAIRS pairs give no p-value: with 5 the smallest possible one is 2/32 > 0.05.
    S3  The same samples give the same output: the bootstrap's generator is seeded by a constant.
"""

import math
import warnings

import numpy as np

# scipy.stats takes most of a second to import, numpy a tenth: only who gets as far as a p-value pays for it.

MIN_PAIRS = 6
RESAMPLES = 2000
LEVEL = 0.95


def signed_rank(logs):
    """Two-sided p of 'the median log ratio is 0'; None below MIN_PAIRS (S2)."""
    import scipy.stats
    logs = np.asarray(logs, float)
    if len(logs) < MIN_PAIRS:
        return None
    if not np.any(logs):
        return 1.0
    exact = len(logs) <= 50 and np.all(logs) and len(set(np.abs(logs))) == len(logs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "too small for the normal approximation": ties among few values; it is conservative
        return float(scipy.stats.wilcoxon(logs, method="exact" if exact else "approx").pvalue)


def rank_sum(a, b):
    """Two-sided p for samples that are not paired (stored records of different runs); None below MIN_PAIRS each."""
    import scipy.stats
    if min(len(a), len(b)) < MIN_PAIRS:
        return None
    return float(scipy.stats.mannwhitneyu(a, b, alternative="two-sided").pvalue)


def medians(values, resamples=RESAMPLES):
    """Medians of bootstrap resamples (S3)."""
    values = np.asarray(values, float)
    rng = np.random.default_rng(20080605)
    return np.median(values[rng.integers(len(values), size=(resamples, len(values)))], axis=1)


def interval(draws, n, level=LEVEL):
    """The central part of bootstrap draws of n values.

    Resampling n values understates their spread: the plain 95 % part covers 90 % with a dozen of them. So the part taken
    is that of a t distribution (the "expanded percentile" interval): 97.9 % for n = 12, 95.3 % for n = 100.
    """
    import scipy.special
    t = scipy.special.stdtrit(max(1, n - 1), (1 + level) / 2) * math.sqrt(n / max(1, n - 1))
    tail = float(scipy.special.ndtr(-t))
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def benjamini_hochberg(ps):
    """q-values for p-values; None stays None and is not counted."""
    known = [(p, i) for i, p in enumerate(ps) if p is not None]
    qs = [None] * len(ps)
    least = 1.0
    for rank, (p, i) in sorted(((r + 1, pi) for r, pi in enumerate(sorted(known))), reverse=True):
        least = min(least, p * len(known) / rank)
        qs[i] = least
    return qs


def noise_floor(logs):
    """What comparing identical code with itself shows: the median A/A difference, or its standard error if larger.

    Twice that is at least the half-width of the A/A interval. None if there is too little to say it (3 pairs).
    """
    if len(logs) < 3:
        return None
    low, high = interval(medians(logs), len(logs))
    return max(abs(float(np.median(logs))), (high - low) / 4)


def geometric_mean(draws, estimates):
    """Over rows, with an interval from the rows' own bootstrap draws: (log mean, low, high)."""
    if not estimates:
        return None
    low, high = interval(np.mean(np.asarray(draws), axis=0), 1000)
    return float(np.mean(estimates)), low, high


def more_pairs(pairs, low, high, estimate, threshold):
    """About how many pairs are missing until the interval fits on one side of the threshold; None: hopeless.

    The half-width shrinks with the square root of the number of pairs and must fall below the estimate's distance to
    the nearer one of -threshold and +threshold.
    """
    distance = abs(abs(estimate) - threshold)
    half = (high - low) / 2
    if half <= 0 or distance <= 0:
        return None
    need = math.ceil(pairs * (1.1 * half / distance) ** 2)
    return max(1, need - pairs) if need - pairs <= 500 else None


# ---- latency histograms: {upper bound in ns: count}, mergeable ----


def merge(histograms):
    total = {}
    for h in histograms:
        for upper, n in h.items():
            total[upper] = total.get(upper, 0) + n
    return total


def percentile(histogram, q):
    """The upper bound of the bucket where the q-th part of all counts is reached."""
    left = q * sum(histogram.values())
    for upper in sorted(histogram):
        left -= histogram[upper]
        if left <= 0:
            return upper
    return None


def percentile_ratio(base, head, q, resamples=500):
    """(base, head, log ratio, low, high) of a percentile of merged histograms; launches are resampled for the interval."""
    uppers = sorted(merge(base + head))
    if not uppers:
        return None
    rng = np.random.default_rng(20080605)
    sides = []
    for histograms in (base, head):
        counts = np.array([[h.get(u, 0) for u in uppers] for h in histograms], float)
        picks = rng.integers(len(counts), size=(resamples, len(counts)))
        sums = np.vstack([counts.sum(axis=0)[None], counts[picks].sum(axis=1)])
        cumulated = sums.cumsum(axis=1)
        if not cumulated[0, -1]:
            return None
        where = (cumulated >= q * cumulated[:, -1:]).argmax(axis=1)
        sides.append(np.log(np.maximum(np.array(uppers, float), 1e-9))[where])
    logs = sides[1] - sides[0]
    low, high = interval(logs[1:], min(len(base), len(head)))
    return math.exp(sides[0][0]), math.exp(sides[1][0]), float(logs[0]), low, high


# ---- history ----


def change_points(logs, threshold, level=0.01):
    """Indices at which a series of log medians steps to another level, each by more than the threshold.

    The split into the two most different means is kept if independent noise of the same size would seldom give one like it;
    then the same on either side. The noise's size is taken from successive differences, which a few steps hardly touch.
    Three values on each side at least, and eight in all, so nothing is said about short histories.
    """
    logs = np.asarray(logs, float)
    n = len(logs)
    if n < 8:
        return []
    rng = np.random.default_rng(20080605)
    at, seen = _best_split(logs)
    chance = np.mean([_best_split(noise)[1] >= seen for noise in rng.normal(size=(1000, n))])
    if chance >= level or abs(np.median(logs[at:]) - np.median(logs[:at])) < threshold:
        return []
    return [*change_points(logs[:at], threshold, level), at, *(at + k for k in change_points(logs[at:], threshold, level))]


def _best_split(logs):
    """(index, statistic) of the split into the two most different means, in units of the noise."""
    n = len(logs)
    k = np.arange(3, n - 2)
    left = np.cumsum(logs)[2:n - 3]
    difference = np.abs(left / k - (logs.sum() - left) / (n - k))
    noise = max(1.4826 * np.median(np.abs(np.diff(logs))) / math.sqrt(2), 1e-9)
    weight = difference * np.sqrt(k * (n - k) / n) / noise
    best = int(np.argmax(weight))
    return int(k[best]), float(weight[best])
