# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Sampling: one process per sample, randomised interleaved pairs, until narrow enough or out of budget.

A pair is a launch of base and one of head with the same workload seed. They live at the same time and take turns, window by
window, in random order: what slows the machine down for longer than a window slows both (binaries that cannot take turns run one
after the other). Often it is a triple: base once more, which compared with base gives the noise floor (A/A). A row's samples
each come from another process; alternatives for the same work share their launches, as they do in the bench binary. A round
visits every row that is not settled, in random order.
"""

import functools
import itertools
import os
import random
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from . import judge, names, store
from .common import USAGE, Stop, clock, say

TIMEOUT = 120
AA_EVERY = 2  # A/A pairs with every second pair
FIRST_LOOK = 6  # pairs before a row may be settled
LAUNCHES = 2.5  # per pair, the A/A ones counted
BATCH = 12  # rows in a launch
OVERHEAD = 0.01  # seconds per row that are not measured time: its share of the start, set-up, calibration
RETRY = 10  # times longer
DEAR = 0.1  # a row whose first FIRST_LOOK pairs would take that part of the budget (or thrice its share) is left after one
DULL = 3  # after the first look, rows that show no difference are visited in every third round only


class Bench:
    """One built binary and the options every launch gets."""

    def __init__(self, binary, options, windows, launch_ms=50):
        self.binary, self.options = binary, options
        self.windows, self.launch_ms = windows, launch_ms
        self.context = {}
        # tmpfs: the binary flushes its file to the disk, which would only shake the next launch
        self.tmp = tempfile.mkdtemp(prefix="gpuvm-compare.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.env = dict(os.environ, LC_ALL="C", NO_COLOR="1")

    def close(self):
        shutil.rmtree(self.tmp, ignore_errors=True)

    def _run(self, args, timeout=TIMEOUT):
        return subprocess.run([self.binary, *args], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout, start_new_session=True)

    @property
    def exact(self):
        """The options when rows are named one by one: not the ones that choose rows."""
        return [o for o in self.options if o != "--quick"]

    @functools.cached_property
    def takes_turns(self):
        """An older binary cannot."""
        try:
            return b"--turns" in self._run(["--help"]).stdout
        except (OSError, subprocess.TimeoutExpired):
            return False

    def rows(self, pattern, quick=True):
        """Names of the benchmarks, in the binary's order; quick=False: of the full matrix."""
        try:
            done = self._run(["--list", *self.options] if quick else ["--list", *self.exact])
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Stop(1, f"{self.binary} cannot be run: {error}") from None
        if done.returncode:
            raise Stop(USAGE, f"{self.binary} --list {' '.join(self.options)}: "
                              f"{done.stderr.decode('utf-8', 'replace').strip()[-300:]}")
        names = [l for l in done.stdout.decode("utf-8", "replace").splitlines() if l and not l.startswith("#")]
        return [n for n in names if re.search(pattern, n)] if pattern else names

    def machine(self):
        """The fingerprint the binary prints."""
        try:
            text = self._run(["--version"]).stdout.decode("utf-8", "replace")
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Stop(1, f"{self.binary} cannot be run: {error}") from None
        m = re.search(r"^machine: (\S+)", text, re.MULTILINE)
        return store.slug(m.group(1)) if m else "unknown"


class Launch:
    """One process that measures some rows; with turns=True it waits before each window until it is its turn."""

    def __init__(self, bench, rows, seed, longer=1, turns=False):
        self.bench, self.rows, self.seed = bench, rows, seed
        self.out = os.path.join(bench.tmp, f"launch-{next(_serial)}.json")
        self.deadline = time.monotonic() + TIMEOUT
        self.error = self.process = self.give = self.take = None
        pattern = "|".join(re.sub(r"([^A-Za-z0-9_:/-])", r"[\1]", row).replace("[^]", r"\^") for row in rows)
        args = [bench.binary, *bench.exact, f"--duration={bench.launch_ms * longer}ms", f"--windows={bench.windows}",
                f"--filter=^({pattern})$", f"--seed={seed}", f"--json={self.out}"]
        theirs = ()
        if turns:
            (read_go, self.give), (self.take, write_done) = os.pipe(), os.pipe()
            theirs = (read_go, write_done)
            args.append(f"--turns={read_go},{write_done}")
        try:
            # A session of its own: Ctrl-C is for us; the launch in flight ends by itself.
            self.process = subprocess.Popen(args, env=bench.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.PIPE, start_new_session=True, pass_fds=theirs)
        except OSError as error:
            self.error = str(error)
        for fd in theirs:
            os.close(fd)

    def turn(self):
        """Let it go on; True if it wants another turn, False if it has ended (or has to)."""
        try:
            os.write(self.give, b".")
        except OSError:  # it has ended
            return False
        return self.waits()

    def waits(self):
        """True once it waits for its turn, False if it has ended (or has to)."""
        if self.process is None:
            return False
        ready, _, _ = select.select([self.take], [], [], max(0, self.deadline - time.monotonic()))
        if not ready:
            self.process.kill()
            self.error = f"no end within {TIMEOUT} s"
        return bool(ready) and bool(os.read(self.take, 1))

    def result(self):
        """({row: sample}, {row: what went wrong}); a row that the binary skips (not built in, say) is in neither."""
        if self.process is None:
            return {}, dict.fromkeys(self.rows, self.error)
        try:
            _, err = self.process.communicate(timeout=max(0.1, self.deadline - time.monotonic()))
            # A process that was killed has said nothing, even if it left something.
            value = store.parse(self.out) if os.path.exists(self.out) and self.process.returncode >= 0 else {}
            windows, failed = store.samples("the launch", value.get("benchmarks", []))
        except subprocess.TimeoutExpired:
            return {}, dict.fromkeys(self.rows, f"no end within {TIMEOUT} s")
        except Stop as stop:
            return {}, dict.fromkeys(self.rows, str(stop))
        if self.error:
            return {}, dict.fromkeys(self.rows, self.error)
        self.bench.context = value.get("context", self.bench.context)
        code = self.process.returncode
        if not code and value.get("benchmarks") is not None:
            return {row: _one(row, self.seed, windows[row]) for row in self.rows if row in windows}, failed
        last = (err.decode("utf-8", "replace").strip().splitlines() or ["no output"])[-1][:200]
        how = f"killed by signal {-code}" if code < 0 else f"exit status {code}"
        got = {row: _one(row, self.seed, windows[row]) for row in self.rows if row in windows and row not in failed}
        return got, {row: failed.get(row, f"{how}: {last}") for row in self.rows if row not in got}

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        for fd in (self.give, self.take):
            if fd is not None:
                os.close(fd)
        for name in os.listdir(self.bench.tmp):
            if name.startswith(os.path.basename(self.out)):
                os.unlink(os.path.join(self.bench.tmp, name))


_serial = itertools.count()


def together(benches, rows, seed, longer=1, rng=None):
    """Launch several binaries at once, each measuring a window in its turn; results as Launch.result() in the given order."""
    turns = len(benches) > 1 and all(b.takes_turns for b in benches)
    launches, results = [], []
    try:
        for bench in benches:  # one after the other: none is set up while another one measures
            launches.append(Launch(bench, rows, seed, longer, turns))
            if turns:
                launches[-1].waits()
            else:
                results.append(launches[-1].result())
        going = list(launches) if turns else []
        while going:
            (rng or random).shuffle(going)
            going = [launch for launch in going if launch.turn()]
        return results or [launch.result() for launch in launches]
    finally:
        for launch in launches:
            launch.close()


def _one(row, seed, windows):
    """A launch's windows as one sample: medians of times, means of counters, histograms merged. All windows' times stay, in
    their order: those of two launches that took turns belong together one by one."""
    good = [w for w in windows if not w.counters.get("overlap_too_low")] or windows
    names = {n for w in good for n in w.counters}
    counters = {n: statistics.fmean(w.counters.get(n, 0.0) for w in good) for n in names}
    histograms = [w.histogram for w in good if w.histogram]
    merged = {}
    for h in histograms:
        for upper, n in h.items():
            merged[upper] = merged.get(upper, 0) + n
    return store.Sample(row, statistics.median(w.ns for w in good), statistics.median(w.cpu_ns for w in good),
                        counters=counters, windows=[w.ns for w in windows], histogram=merged or None,
                        threads=good[0].threads, seed=seed)


class Interrupt:
    """The first Ctrl-C (or TERM) asks to stop after the launch in flight, a later one insists.

    One that comes with it is its echo: timeout(1) signals the process, and then its group, of which it is one."""

    ECHO = 1.0

    def __init__(self):
        self.asked = None

    def __enter__(self):
        self.old = {s: signal.signal(s, self._on) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for s, handler in self.old.items():
            signal.signal(s, handler)

    def _on(self, *_):
        if self.asked is not None:
            if time.monotonic() - self.asked >= self.ECHO:
                raise KeyboardInterrupt
            return
        self.asked = time.monotonic()
        say("\nstopping; what was measured is kept and reported")


class Status:
    """The live line: how far, how long, how wide."""

    def __init__(self, total, quiet=False):
        self.total, self.quiet = total, quiet
        self.tty = sys.stderr.isatty()
        self.last = 0.0
        self.start = time.monotonic()

    def show(self, settled, pair, left, widest):
        now = time.monotonic()
        if self.quiet or now - self.last < (0.2 if self.tty else 20):
            return
        self.last = now
        text = (f"pair {pair}  {settled}/{self.total} rows settled  {clock(now - self.start)} gone, "
                f"about {clock(left)} left{widest}")
        if self.tty:
            columns = shutil.get_terminal_size().columns
            print("\r\033[K" + text[:columns - 1], end="", file=sys.stderr, flush=True)
        else:
            say(text)

    def clear(self):
        if self.tty and not self.quiet:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class Plan:
    """How much to sample: a fixed number of pairs, or until settled within a budget in seconds."""

    def __init__(self, budget, pairs, threshold, seed):
        self.budget, self.pairs, self.threshold = budget, pairs, threshold
        self.rng = random.Random(seed)


class Sampler:
    """Samples by row, failures by row. `journal` has add(line), path and error."""

    def __init__(self, base, head, rows, plan, journal, status):
        self.bench = {"base": base, "base2": base, "head": head}
        self.rows, self.plan, self.journal, self.status = rows, plan, journal, status
        self.samples = {row: [] for row in rows}
        self.failed = {}
        self.settled, self.suspects, self.skipped = set(), set(), set()
        self.alone = {}  # row: how much longer its launches are; those that once failed
        self.dear = {}  # row: in words
        self.cost = {}  # seconds a row adds to a launch
        self.width = {}
        self.order = 0
        self.start = time.monotonic()
        self.complained = False

    def elapsed(self):
        return time.monotonic() - self.start

    def open(self):
        done = (self.settled, self.failed, self.skipped, self.dear)
        return [r for r in self.rows if not any(r in d for d in done)]

    def run(self, interrupt):
        """Sample; True if it ended because it was asked to."""
        pair = 0
        while not interrupt.asked and self.open() and not (self.plan.pairs and pair >= self.plan.pairs):
            if not self._round(pair, interrupt):
                break
            pair += 1
            self._look(pair)
        self.status.clear()
        return interrupt.asked is not None

    def _round(self, pair, interrupt):
        """A pair of every row that is due, as far as the budget goes. False if it did not reach any."""
        batches, any_done = self._batches(self._due(pair)), False
        self.plan.rng.shuffle(batches)
        for batch in batches:
            if interrupt.asked:
                return False
            if self._affordable(batch):
                self._pair(batch, pair)
                any_done = True
            self.status.show(len(self.settled), pair + 1, self._left(pair), self._widest())
        return any_done

    def _due(self, pair):
        """Late in a run those that may differ, and the others now and then.

        Which rows get more samples depends on what was seen; what is concluded from a row's samples does not.
        """
        rows = self.open()
        if self.plan.pairs or pair < FIRST_LOOK or pair % DULL == 0:
            return rows
        return [r for r in rows if r in self.suspects] or rows

    def _batches(self, rows):
        """Alternatives for the same work share a process: starting one costs more than measuring a row."""
        groups = {}
        for row in rows:
            name = names.Name(row)
            key = (row,) if row in self.alone else name.point
            groups.setdefault(key, []).append(row)
        return [g[i:i + BATCH] for g in groups.values() for i in range(0, len(g), BATCH)]

    def _dear(self, row):
        if self.plan.budget is None or row in self.alone:
            return False
        return self.cost[row] * LAUNCHES * FIRST_LOOK > max(DEAR, 3 / len(self.rows)) * self.plan.budget

    def _affordable(self, batch):
        return self.plan.budget is None or self.elapsed() + LAUNCHES * sum(self.cost.get(r, 0) for r in batch) <= self.plan.budget

    def _pair(self, batch, pair):
        roles = ["base", "head"]
        if pair % AA_EVERY == 0:
            roles.append("base2")
        self.plan.rng.shuffle(roles)
        seed, longer = self.plan.rng.getrandbits(32), self.alone.get(batch[0], 1)
        seed, longer = self.plan.rng.getrandbits(32), self.alone.get(batch[0], 1)
        begun, taken, failed, seen = time.monotonic(), [], {}, set()
        results = together([self.bench[role] for role in roles], batch, seed, longer, self.plan.rng)
        for role, (got, errors) in zip(roles, results):
            failed.update({row: f"{'head' if role == 'head' else 'base'}: {error}" for row, error in errors.items()})
            seen |= {*got, *errors}
            for sample in got.values():
                sample.role, sample.pair, sample.order = role, pair, self.order
                taken.append(sample)
            self.order += 1
        self.skipped.update(r for r in batch if r not in seen)
        for row in batch:
            self.cost[row] = (time.monotonic() - begun) / len(roles) / len(batch)
            if self._dear(row):
                self.dear[row] = (f"a pair takes {self.cost[row] * LAUNCHES:.1f} s, too much of this budget: --filter it, or a longer "
                                  "--budget")
        complete = {r for r in batch if sum(s.row == r for s in taken) == len(roles)}
        self._keep([s for s in taken if s.row in complete])  # the whole pair or nothing of it
        self._fail(failed)

    def _fail(self, failed):
        """A failure counts if it comes again in a longer launch of that row alone: a neighbour may have broken the process,
        and with little time some cases see too little of what they verify."""
        for row, why in failed.items():
            if row in self.alone:
                self.failed[row] = why
            self.alone[row] = RETRY

    def _keep(self, taken):
        for sample in taken:
            self.samples[sample.row].append(sample)
            if not self.journal.add(store.to_line(sample)) and not self.complained:
                self.complained = True
                self.status.clear()
                say(f"cannot write {self.journal.path}: {self.journal.error.strerror}; going on without a journal")

    def _look(self, pair):
        """After a round: which rows need no more?"""
        if self.plan.pairs or pair < judge.stats.MIN_PAIRS:
            return
        for row in self.open():
            got = judge.measure(row, *judge.split(self.samples[row]))
            if got.low is None:
                continue
            self.width[row] = (got.high - got.low) / 2
            (self.suspects.add if abs(got.log) > self.width[row] / 2 else self.suspects.discard)(row)
            if got.pairs >= FIRST_LOOK and judge.settled(got, self.plan.threshold, len(self.rows)):
                self.settled.add(row)

    def _left(self, pair):
        to_do = LAUNCHES * sum(self.cost.get(r, 0.05) for r in self.open())
        left = to_do * max(0, (self.plan.pairs or max(FIRST_LOOK, pair + 2)) - pair)
        return left if self.plan.budget is None else min(left, self.plan.budget - self.elapsed())

    def _widest(self):
        still = {r: w for r, w in self.width.items() if r not in self.settled}
        if not still:
            return ""
        row = max(still, key=still.get)
        return f"  widest +-{still[row] * 100:.1f} % {row}"
