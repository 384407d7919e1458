# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Benchmark names: case/key:value/.../threads:N. A number is a parameter, a word is an alternative (a strategy)."""

import re

AXES = ("list", "space", "ref", "alloc", "peer")


class Name:
    def __init__(self, text):
        self.text = text
        self.case, *rest = text.split("/")
        self.words, self.numbers = {}, {}
        for part in rest:
            key, _, value = part.partition(":")
            if re.fullmatch(r"[0-9]+", value):
                self.numbers[key] = int(value)
            else:
                self.words[key] = value

    @property
    def point(self):
        """What it shares with its alternatives: everything but the strategies."""
        return (self.case, *sorted(self.numbers.items()), *sorted((k, v) for k, v in self.words.items() if k not in AXES))

    @property
    def alternative(self):
        """The strategies alone."""
        return " ".join(v for k, v in self.words.items() if k in AXES) or self.case

    @property
    def strategy(self):
        """What makes it an alternative to its neighbours; the case itself if nothing does."""
        return " ".join(self.words.values()) or self.case


def by_case(names):
    """{case: [Name]} in the given order."""
    out = {}
    for text in names:
        name = Name(text)
        out.setdefault(name.case, []).append(name)
    return out


def axis(members):
    """The parameter with the most values, which a curve runs over; None if nothing varies. Threads only if nothing else does."""
    values = {}
    for name in members:
        for key, value in name.numbers.items():
            values.setdefault(key, set()).add(value)
    varying = {k: len(v) for k, v in values.items() if len(v) > 1}
    return max(varying, key=lambda k: (k != "threads", varying[k]), default=None)


def panels(members, x):
    """{(other parameters as text): {strategy: [(x value, name)]}}, each sorted by x."""
    out = {}
    for name in members:
        rest = ", ".join(f"{k} {v}" for k, v in name.numbers.items() if k != x)
        out.setdefault(rest, {}).setdefault(name.strategy, []).append((name.numbers.get(x, 0), name.text))
    for lines in out.values():
        for points in lines.values():
            points.sort()
    return out
