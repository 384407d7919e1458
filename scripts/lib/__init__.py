# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What scripts/compare, bisect, report and results share. See docs/compare.md for how the parts fit.

    common   exit codes, Stop, numbers from command lines, colour
    repo     git: revisions, dirty trees, composed trees, worktrees       (standard library only)
    build    cached builds by tree, compiler and flags                    (standard library only)
    store    results/: crash-safe records, their schema, reading          (standard library only)
    machine  fingerprint, environment checks, tuning commands             (standard library only)
    stats    signed rank, bootstrap, Benjamini-Hochberg, percentiles      (numpy, scipy)
    judge    samples to rows with verdicts
    sampler  launches, randomised interleaved pairs, budget, status line
    show     rows as terminal table, Markdown, CSV, JSON, LKP
    charts   SVG pictures (matplotlib);  page: the HTML report
"""
