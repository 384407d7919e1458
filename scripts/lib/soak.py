# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Hours of gpuvm-stress in slices with changing seeds; a report at the end.

Each slice is one process: every scenario, with 2 to 8 threads, stop-and-go and failing allocations now and then. Without a
combination the slices take turns: the presets, then each list, space, ref and allocator. With one (--preset, --list-strategy,
--space, --ref, --alloc) all slices have it and are longer, each scenario again and again in one process, so that memory
which is lost shows as a slope. A report is written after every slice: soak.md and soak.json in --out, and the former also
as --report. Ctrl-C ends it with a report on what ran.
"""

import argparse
import json
import os
import random
import re
import resource
import signal
import subprocess
import tempfile
import time

from lib import common, machine, safe, soak_report
from lib.common import REGRESSION, SKIPPED, USAGE, Stop, say

AXES = soak_report.AXES
OPTIONS = {"preset": "--preset=", "list": "--list-strategy=", "space": "--space=", "ref": "--ref=", "alloc": "--alloc="}
# Soaks run nicely, several beside other work: what is slow is not yet stuck.
WATCHDOG = "--watchdog=5m"


def catalogue():
    """The names in catalogue.def by kind, without the busted ones."""
    names = {}
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    with open(os.path.join(top, "catalogue.def"), encoding="utf-8") as f:
        for line in f:
            word = line.split()
            if len(word) >= 4 and not line.startswith("#") and "busted" not in word[2].split(","):
                names.setdefault(word[0], []).append(word[1])
    return names


def rotation(names):
    """Option lists, one per combination."""
    return [[OPTIONS[kind] + name] for kind in OPTIONS for name in names.get(kind, [])]


def slice_options(rng, base, seconds, passes):
    """One slice: the combination, and what varies from slice to slice."""
    options = base + ["--duration=%ds" % seconds, "--seed=%d" % rng.getrandbits(63), "--stat-interval=60m", WATCHDOG,
                      "--threads=%d" % rng.randint(2, 8)]
    if passes > 1:
        options.append("--repeat=%d" % passes)
    if rng.random() < 0.3:
        options.append("--stutter")
    if rng.random() < 0.3:
        options.append("--shuffle")
    if rng.random() < 0.3:
        options.append("--fail-alloc=%d" % rng.choice((20, 100, 1000)))
    return options


class Stress:
    """gpuvm-stress, a slice at a time; a signal is handed on, so that the slice ends with its report."""

    def __init__(self, path):
        self.path = path
        self.child = None
        self.stopped = False
        for s in (signal.SIGINT, signal.SIGTERM):
            signal.signal(s, self._stop)

    def _stop(self, number, _):
        self.stopped = True
        if self.child and self.child.poll() is None:
            self.child.send_signal(number)

    def ask(self, *options):
        """What it says to an option that runs nothing. Stop if it refuses."""
        p = subprocess.run([self.path, *options], capture_output=True, text=True, check=False)
        if p.returncode:
            raise Stop(USAGE, p.stderr.strip() or "%s failed" % self.path)
        return p.stdout.split("\n")[0]

    def run(self, options, tmp):
        """Exit status, its runs, the end of its stderr."""
        path, log = os.path.join(tmp, "slice.json"), os.path.join(tmp, "slice.log")
        with open(log, "w", encoding="utf-8") as err:
            # A process group of its own: Ctrl-C reaches it once, through _stop(). Not a session: where the kernel groups
            # tasks by session, nice says nothing to those of another one.
            self.child = subprocess.Popen([self.path, *options, "--json=" + path], stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=err, process_group=0)
            status = self.child.wait()
        runs = []
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                runs = json.load(f)["runs"]
            os.unlink(path)
        with open(log, encoding="utf-8", errors="replace") as f:
            return status, runs, f.read()[-20000:]


EXAMPLES = """  scripts/soak --hours=8
  scripts/soak --hours=1 --list-strategy=rcu_hash --out=build/soak/rcu_hash --report=docs/soak/rcu_hash.md"""
CODES = ("0 no violation; 1 a violation (it stops there, with the line that repeats it), or the report could not be written; "
         "2 usage; 4 nothing could run")


def hours(text):
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6})?", text, re.ASCII) or not 0 < float(text) <= 1000:
        raise argparse.ArgumentTypeError(f"'{text}': want hours, more than 0 and at most 1000, as in 8 or 0.5")
    return float(text)


def parse(argv):
    parser = common.parser("soak", __doc__, EXAMPLES, CODES)
    parser.add_argument("--hours", type=hours, required=True)
    for kind, option in OPTIONS.items():
        parser.add_argument(option.rstrip("="), dest=kind, metavar="NAME", help="keep to this one")
    parser.add_argument("--stress", default="build/gpuvm-stress")
    parser.add_argument("--out", default="build/soak", metavar="DIR")
    parser.add_argument("--report", metavar="FILE", help="the report once more, to commit (docs/soak/NAME.md)")
    parser.add_argument("--slice", type=common.count(1, 3600), metavar="SECONDS",
                        help="of one process; default 60 in rotation, 600 on one combination")
    parser.add_argument("--seed", type=common.count(0, 2**64 - 1), default=random.SystemRandom().getrandbits(63))
    args = parser.parse_args(argv)
    if not os.access(args.stress, os.X_OK) or os.path.isdir(args.stress):
        parser.error("--stress=%s: no such program; build it with `make DEBUG=1 stress-bin`" % args.stress)
    return args


def one_combination(args):
    """The options that pin it; none: rotation."""
    return [OPTIONS[kind] + getattr(args, kind) for kind in OPTIONS if getattr(args, kind) is not None]


def soak(args, stress, base, state):
    """Slices that last --hours together, until a violation or a signal."""
    combinations = [base] if base else rotation(catalogue())
    total = args.hours * 3600
    count = max(1, round(total / (args.slice or (600 if base else 60))))
    seconds = max(1, round(total / count))
    rng = random.Random(args.seed)
    idle = 0
    with tempfile.TemporaryDirectory() as tmp:
        for turn in range(count):
            options = slice_options(rng, combinations[turn % len(combinations)], seconds, seconds // 60 if base else 1)
            status, runs, err = stress.run(options, tmp)
            state["slices"].append({"options": options, "status": status, "runs": runs})
            say("%d of %d  %s  %s" % (turn + 1, count, " ".join(options), {0: "ok", 4: "skipped"}.get(status, "FAILED")))
            if status not in (0, 4):
                state["failure"] = "gpuvm-stress %s\nended with status %d\n%s" % (" ".join(options), status, err)
            write(args, state)
            idle = idle + 1 if status == 4 else 0
            if state["failure"] or stress.stopped or idle == len(combinations):
                return


def write(args, state):
    """The report on what ran so far; each file whole, or as it was."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    state["cpu_seconds"] = round(usage.ru_utime + usage.ru_stime, 1)
    text = soak_report.markdown(state)
    os.makedirs(args.out, exist_ok=True)
    safe.replace(os.path.join(args.out, "soak.json"), safe.as_json(state))
    for path in (os.path.join(args.out, "soak.md"), args.report):
        if path:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            safe.replace(path, text.encode())
    return text


def main(argv):
    args = parse(argv)
    stress = Stress(args.stress)
    base = one_combination(args)
    stress.ask(*base, "--list")
    state = {"schema": 2, "version": stress.ask("--version"), "machine": machine.slug(), "combination": base, "seed": args.seed,
             "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "slices": [], "failure": None}
    say("seed %d; report in %s" % (args.seed, args.report or args.out))
    write(args, state)  # what cannot be written is found out now, not in an hour
    soak(args, stress, base, state)
    print(write(args, state), end="")
    if state["failure"]:
        return REGRESSION
    return common.OK if soak_report.all_runs(state) else SKIPPED
