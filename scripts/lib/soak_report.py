# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a soak has shown, as Markdown: how long, how much, and whether memory stayed flat."""

AXES = ("list", "space", "ref", "alloc")


def all_runs(state):
    """Those that ran; a scenario may skip a build or a choice."""
    return [r for s in state["slices"] for r in s["runs"] if r["verdict"] != "skipped"]


def slope(groups):
    """One slope for all groups of (x, y), each with a level of its own, by least squares: y per x."""
    above = below = 0.0
    for points in groups:
        mx = sum(x for x, _ in points) / len(points)
        my = sum(y for _, y in points) / len(points)
        above += sum((x - mx) * (y - my) for x, y in points)
        below += sum((x - mx) ** 2 for x, _ in points)
    return above / below if below else 0.0


def memory(runs):
    """Of one process. None if it is too short to tell.

    Resident memory after each teardown, without the first time through the scenarios, which fills caches and heaps. A
    scenario leaves more behind for a while than another, so only its own times are compared. "live" is the first and the
    last count of objects after a teardown.
    """
    runs = [r for r in runs if r["verdict"] != "skipped"]
    kinds = {r["scenario"] for r in runs}
    runs = runs[len(kinds):]
    if len(runs) < 3 * len(kinds) or not runs:
        return None
    passes = [sum(r["rss_kib"][2] for r in part) / len(kinds) for part in (runs[:len(kinds)], runs[-len(kinds):])]
    per_minute = slope([[(r["ended"] / 60, r["rss_kib"][2]) for r in runs if r["scenario"] == k] for k in kinds])
    rise = per_minute * (runs[-1]["ended"] - runs[0]["ended"]) / 60
    return {"first": passes[0], "last": passes[1], "most": max(r["rss_kib"][2] for r in runs), "slope": per_minute,
            "flat": rise <= max(2048, passes[0] / 5), "live": (runs[0]["live"][1], runs[-1]["live"][1])}


def verdict(state, runs):
    hours = sum(r["seconds"] for r in runs) / 3600
    if state["failure"]:
        return ["**A violation was found.**", "", "```", state["failure"].strip()[-4000:], "```"]
    if not runs:
        return ["Nothing has run."]
    return ["No violation. With none in T hours, the rate is below 3/T: under %.1f per hour at 95 %% confidence, for this mix "
            "on this machine." % (3 / max(hours, 1e-9))]


def memory_table(state):
    """One line per process that was long enough."""
    rows = [(s, memory(s["runs"])) for s in state["slices"]]
    rows = [(s, m) for s, m in rows if m]
    if not rows:
        return []
    rising = sum(not m["flat"] for _, m in rows)
    text = ["", "## Memory", "", "One line per process. First, last: resident memory after the teardown of a run, mean over "
            "the scenarios, the second and the last time through them (the first one fills caches). Slope: by least squares, "
            "each scenario with a level of its own. Flat: a rise by less than 2 MiB or a fifth. Live: objects of the core after "
            "the first and the last such teardown (-1: a build that does not count).", "",
            "%d of %d processes flat; the steepest slope is %.1f KiB per minute." % (
                len(rows) - rising, len(rows), max(m["slope"] for _, m in rows)), "",
            "| what varies | minutes | first, KiB | last | most | KiB per minute | live | |", "|---|---|---|---|---|---|---|---|"]
    for s, m in rows:
        varies = " ".join(o for o in s["options"] if o.startswith(("--threads", "--stutter", "--shuffle", "--fail-alloc")))
        text.append("| `%s` | %.1f | %d | %d | %d | %+.1f | %d, %d | %s |" % (
            varies, s["runs"][-1]["ended"] / 60, m["first"], m["last"], m["most"], m["slope"], *m["live"],
            "flat" if m["flat"] else "**rises**"))
    return text


def grouped(runs, key):
    table = {}
    for r in runs:
        row = table.setdefault(key(r), {"runs": 0, "seconds": 0.0, "operations": 0, "growth": 0, "rss": 0, "live": 0})
        row["runs"] += 1
        row["seconds"] += r["seconds"]
        row["operations"] += r["operations"]
        row["growth"] = max(row["growth"], r["rss_kib"][1] - r["rss_kib"][0] if r["rss_kib"][0] else 0)
        row["rss"] = max(row["rss"], r["rss_kib"][1])
        row["live"] = max(row["live"], r["live"][0])
    return sorted(table.items())


def run_table(title, head, rows):
    text = ["", "## " + title, "", "Growth: the most that resident memory rose between the first tenth of a run and its end. Live: "
            "the most objects at any rest of the threads.", "",
            "| %s | runs | minutes | M operations | growth, KiB | most resident, KiB | live |" % " | ".join(head),
            "|" + "---|" * (len(head) + 6)]
    for key, row in rows:
        text.append("| %s | %d | %.1f | %.1f | %d | %d | %d |" % (
            " | ".join(key), row["runs"], row["seconds"] / 60, row["operations"] / 1e6, row["growth"], row["rss"], row["live"]))
    return text


def markdown(state):
    runs = all_runs(state)
    what = " ".join(state["combination"]) or "everything in rotation"
    text = ["# Soak: %s" % what, "",
            "%s, machine %s, begun %s, seed %d: %.2f hours of runs (%.2f of processor time), %d runs in %d processes, %.2f G "
            "operations." % (state["version"], state["machine"], state["started"], state["seed"],
                             sum(r["seconds"] for r in runs) / 3600, state["cpu_seconds"] / 3600, len(runs),
                             len(state["slices"]), sum(r["operations"] for r in runs) / 1e9), ""]
    text += verdict(state, runs) + memory_table(state)
    if runs:
        text += run_table("Strategies", AXES, grouped(runs, lambda r: tuple(r[a] for a in AXES)))
        text += run_table("Scenarios", ("scenario",), grouped(runs, lambda r: (r["scenario"],)))
    return "\n".join(text) + "\n"
