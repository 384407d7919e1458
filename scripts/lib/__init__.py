# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What scripts/compare, bisect, report and results share. See docs/compare.md for how the parts fit.

    common    exit codes, Stop, numbers from command lines, colour
    safe      files that are whole or not there; journals
    store     results/: records, their schema, reading, folding journals
    repo      git: revisions, dirty trees, composed trees, worktrees
    build     cached builds by tree, compiler and flags
    machine   fingerprint, environment checks, tuning commands
    stats     signed rank, bootstrap, Benjamini-Hochberg, percentiles, change points
    judge     samples to rows with verdicts
    sampler   launches, randomised interleaved pairs, budget, status line
    show      rows as terminal table, Markdown, CSV, JSON, LKP
    names     benchmark names: what is a parameter, what an alternative
    charts    pictures;  page: the HTML around them
    compare, bisect, report, results: the tools' main programs

Only stats, judge and sampler need numpy (and scipy), only charts matplotlib: recording a run needs neither.
"""
