# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Which rows are measured if nobody names any.

The quick profile has a row for every strategy at every point: hundreds, most of them about strategies that a change does not
touch. A budget of minutes over all of them would leave all of them undecided. So, without --filter and --all-rows:

    R1  a row is taken if each of its strategies is in the preset "linux" or "default" of the catalogue, or has a file of its own
        (core/<axis>/<strategy>*) that differs between the two sides;
    R2  rows that run no core code are left out: the floors, the price list's walks, Linux's own code;
    R3  address spaces have SMALL mappings where the quick profile has more: filling a large one takes most of a second in each
        launch, and where its nodes happen to lie in the caches differs from launch to launch by more than most changes do;
    R4  rows beside somebody who sleeps are left out: one operation may take as long as all of another row.

All other parameters (VMs, threads, ...) are the quick profile's.
"""

import os
import re

from .names import Name

SMALL = 1024
NO_CORE = re.compile(r"noop|floor_.*|price_walk|price_rcu")


def presets(catalogue):
    """{axis: {strategies}} of the presets linux and default."""
    out = {}
    for line in catalogue.splitlines():
        m = re.match(r"preset\s+(linux|default)\s+(\S+)", line)
        for part in m.group(2).split(",") if m else ():
            axis, _, strategy = part.partition("=")
            out.setdefault(axis, set()).add(strategy)
    return out


def changed(repo, base, head, catalogue):
    """{axis: {strategies}} that have a file of their own which differs between two trees."""
    files = [repo.ls(tree, "core/") for tree in (base, head)]
    differ = [os.path.split(p) for p in set(files[0]) | set(files[1]) if files[0].get(p) != files[1].get(p)]
    out = {}
    for line in catalogue.splitlines():
        m = re.match(r"(list|space|ref|alloc)\s+(\w+)\s", line)
        if m and any(where == f"core/{m.group(1)}" and re.match(rf"{m.group(2)}(_\w+)?\.[ch]$", name) for where, name in differ):
            out.setdefault(m.group(1), set()).add(m.group(2))
    return out


def rows(quick, full, known, touched):
    """Those of the quick profile that R1 and R2 take, R3 applied (from the full one); all if the catalogue has no presets."""
    if not known:
        return quick
    out, full = [], set(full)
    for text in quick:
        name = Name(text)
        if name.numbers.get("vas", 0) > SMALL:
            text = text.replace(f"/vas:{name.numbers['vas']}", f"/vas:{SMALL}")
            if text not in full or text in quick:
                continue
        strategies = {k: v for k, v in name.words.items() if k in known}
        taken = all(v in known[k] or v in touched.get(k, ()) for k, v in strategies.items())
        if taken and "peer" not in name.words and "sleeping" not in name.words.values() and not NO_CORE.fullmatch(name.case):
            out.append(text)
    return out
