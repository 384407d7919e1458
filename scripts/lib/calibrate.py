# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""scripts/calibrate: the promises of compare and bisect, tried on this machine.

    aa       a commit against itself, again and again: nothing may be called SLOWER (or faster)
    plant    one core function made slower by a known part: called, on the rows that use it and on no other
    bisect   the same in one of 16 commits: found

A slowdown is planted in a throw-away clone: the function is wrapped, its time is taken, and a part of it is owed; when a
microsecond is owed the wrapper spins for as long. Base has the same wrapper with nothing owed: the two differ in one word of
data, so that neither code nor where it lies differs (which made rows that never call it 11 % slower).
"""

import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import time

from .common import INCONCLUSIVE, OK, REGRESSION, USAGE, Stop, clock, count, duration, parser, percent, regex, say
from .repo import Repo

EXAMPLES = """\
  scripts/calibrate aa --runs=20 --budget=1m        false alarms
  scripts/calibrate plant                           5 % in gpuvm_lookup(), 5 minutes
  scripts/calibrate bisect --slower=12%             found among 16 commits?"""
CODES = "0 as promised; 1 not: a false alarm, a miss; 2 usage; 3 some that should have been called stayed undecided"

FUNCTION = "gpuvm_lookup"
USED_BY = "^(lookup|lookup_beside|mix_space)/"
ROW = "lookup/space:rbtree_mutex/vas:65536/threads:1"

WRAPPER = """
#include <x86intrin.h>
#define PLANTED 0 /* thousandths */
static volatile unsigned int planted_part = PLANTED;

%(returns)s%(name)s(%(parameters)s)
{
	static __thread unsigned long long owed;
	unsigned long long from = __rdtsc(), to, now;
	%(returns)s ret = planted_%(name)s(%(arguments)s);

	to = __rdtsc();
	owed += (to - from) * planted_part;
	if (owed > 3000000) {
		do
			now = __rdtsc();
		while ((now - to) * 1000 < owed);
		owed = 0;
	}
	return ret;
}
"""


def arguments(argv):
    p = parser("calibrate", "Try on this machine what compare and bisect promise.", EXAMPLES, CODES)
    sub = p.add_subparsers(dest="what", required=True, metavar="aa|plant|bisect")
    aa = sub.add_parser("aa", allow_abbrev=False, help="a commit against itself")
    aa.add_argument("--runs", metavar="N", type=count(1, 1000), default=20)
    aa.add_argument("--sample", metavar="N", type=count(1, 10000), default=24,
                    help="rows in each run, drawn anew from those that compare takes by itself (default 24)")
    plant = sub.add_parser("plant", allow_abbrev=False, help="a slower function is called on the right rows only")
    bisect = sub.add_parser("bisect", allow_abbrev=False, help="a slower function is found among 16 commits")
    for s, budget in ((aa, 60.0), (plant, 300.0), (bisect, 60.0)):
        s.add_argument("--budget", metavar="TIME", type=duration, default=budget, help=f"of each run or step (default {budget:.0f}s)")
        s.add_argument("--seed", metavar="N", type=count(0, 2**32 - 1), help="default random")
        s.add_argument("--json", metavar="FILE", help="write what came out there")
    plant.add_argument("--filter", metavar="REGEX", type=regex, help="only these rows (default: what compare takes by itself)")
    for s, slower in ((plant, 0.05), (bisect, 0.12)):
        s.add_argument("--slower", metavar="PERCENT", type=percent, default=slower, help=f"by so much (default {slower:.0%})".replace("%", "%%"))
        s.add_argument("--function", metavar="NAME", default=FUNCTION, help=f"of core/ (default {FUNCTION})")
    plant.add_argument("--used-by", metavar="REGEX", type=regex, default=USED_BY, help=f"the rows that use it (default {USED_BY})")
    bisect.add_argument("--row", metavar="NAME", default=ROW, help=f"the row to bisect (default {ROW})")
    return p.parse_args(argv)


def tool(where, name, *args):
    """Run one of our scripts on the repository at `where`; its exit status and stdout."""
    script = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", name)
    done = subprocess.run([sys.executable, script, *args], cwd=where, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    return done.returncode, done.stdout


def compare(where, seed, *args):
    """The comparison as an object."""
    with tempfile.TemporaryDirectory() as tmp:
        out = os.path.join(tmp, "comparison.json")
        code, _ = tool(where, "compare", *args, "--no-store", f"--seed={seed}", f"--json={out}")
        if not os.path.exists(out):
            raise Stop(code or REGRESSION, "the comparison did not end; its message is above")
        with open(out) as f:
            return json.load(f)


# ---- aa ----


def aa(args, rng):
    repo, runs = Repo(os.getcwd()), []
    every = tool(repo.top, "compare", "HEAD", "HEAD", "--dry-run")[1].split()
    for i in range(args.runs):
        begun, load = time.monotonic(), os.getloadavg()[0]
        names = rng.sample(every, min(args.sample, len(every)))
        got = compare(repo.top, rng.getrandbits(32), "HEAD", "HEAD", f"--budget={args.budget:g}s", "--full",
                      f"--filter=^({'|'.join(map(re.escape, names))})$")
        rows = [r for r in got["rows"] if r["p"] is not None]
        words = [r["verdict"] for r in got["rows"]]
        runs.append({"rows": len(got["rows"]), "with_p": len(rows), "p_below_05": sum(r["p"] < 0.05 for r in rows), "load": load,
                     "same": words.count("same"), "SLOWER": words.count("SLOWER"), "faster": words.count("faster"),
                     "failed": words.count("failed"), "called": [r for r in got["rows"] if r["verdict"] in ("SLOWER", "faster")]})
        r = runs[-1]
        print(f"run {i + 1:3}: {r['rows']} rows, {r['p_below_05']} of {r['with_p']} with p < 0.05, {r['SLOWER']} SLOWER, "
              f"{r['faster']} faster, {r['same']} same, load {load:.1f}, {clock(time.monotonic() - begun)}", flush=True)
    total = {k: sum(r[k] for r in runs) for k in ("with_p", "p_below_05", "same", "SLOWER", "faster", "failed")}
    share = total["p_below_05"] / max(1, total["with_p"])
    print(f"{len(runs)} runs of {runs[0]['rows']} rows: {total['p_below_05']} of {total['with_p']} rows ({share:.1%}) have p < 0.05 before "
          f"correction; {total['SLOWER']} called SLOWER, {total['faster']} faster, {total['same']} same")
    expected = 0.05 * total["with_p"]
    too_many = total["p_below_05"] > expected + 2.33 * math.sqrt(0.95 * expected)  # chance would give more in 1 of 100 cases
    return {"runs": runs, "total": total}, REGRESSION if total["SLOWER"] or too_many else OK


# ---- planting ----


class Clone:
    """A throw-away clone with a wrapper around one function, and commits that set how slow it is."""

    def __init__(self, where, function, rng):
        self.dir, self.rng = os.path.join(where, "clone"), rng
        self.git(None, "clone", "-q", "--shared", Repo(os.getcwd()).top, self.dir)
        self.file = self.wrap(function)
        self.base = self.commit("base")

    def git(self, where, *args):
        user = ["-c", "user.name=calibrate", "-c", "user.email=calibrate@localhost", "-c", "commit.gpgsign=false"]
        try:
            return subprocess.run(["git", *user, *args], cwd=where, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True).stdout.strip()
        except subprocess.CalledProcessError as error:
            raise Stop(USAGE, f"git {args[0]}: {error.stderr.strip()}") from None

    def wrap(self, function):
        """Rename the definition, append the wrapper. The definition must be on one line, as in C files here."""
        for where, _, names in os.walk(os.path.join(self.dir, "core")):
            for name in (n for n in names if n.endswith(".c")):
                path = os.path.join(where, name)
                with open(path) as f:
                    text = f.read()
                m = re.search(rf"^((?:\w+ )+\*?){function}\(([^)\n]*)\)\n\{{", text, re.M)
                if m and not m.group(1).startswith(("static", "void ")):
                    names = ", ".join(re.search(r"(\w+)$", p.strip()).group(1) for p in m.group(2).split(","))
                    text = text.replace(m.group(0), m.group(0).replace(f"{m.group(1)}{function}", f"static {m.group(1)}planted_{function}"))
                    text += WRAPPER % {"returns": m.group(1), "name": function, "parameters": m.group(2), "arguments": names}
                    with open(path, "w") as f:
                        f.write(text)
                    return path
        raise Stop(USAGE, f"--function={function}: core/ has no public definition of it that returns something")

    def commit(self, message):
        self.git(self.dir, "commit", "-q", "-a", "--allow-empty", "-m", message)
        return self.git(self.dir, "rev-parse", "HEAD")

    def slow_down(self, part):
        with open(self.file) as f:
            text = f.read()
        with open(self.file, "w") as f:
            f.write(text.replace("#define PLANTED 0 ", f"#define PLANTED {round(part * 1000)} "))
        return self.commit("slower")

    def touch(self, i):
        """A commit that changes nothing but what is built: a number in the file."""
        with open(self.file, "a") as f:
            f.write(f"extern char gpuvm__touched_{i};\n")
        return self.commit(f"change {i}")


def plant(args, rng):
    with tempfile.TemporaryDirectory(prefix="gpuvm-calibrate.") as tmp:
        clone = Clone(tmp, args.function, rng)
        clone.slow_down(args.slower)
        got = compare(clone.dir, rng.getrandbits(32), clone.base, "HEAD", f"--budget={args.budget:g}s",
                      *([f"--filter={args.filter}"] if args.filter else []))
    rows = got["rows"]
    right = [r for r in rows if re.search(args.used_by, r["name"])]
    wrong = [r for r in rows if r not in right and r["verdict"] == "SLOWER"]
    for r in right + wrong:
        print(f"{r['name']:62} {(r['ratio'] - 1) * 100:+6.1f} % ({(r['ratio_low'] - 1) * 100:+.1f} .. {(r['ratio_high'] - 1) * 100:+.1f}), "
              f"{r['pairs']} pairs, floor {(r['noise_floor'] or 0) * 100:.1f} %: {r['verdict']}{' (WRONG)' if r in wrong else ''}"
              if r["ratio"] else f"{r['name']:62} {r['verdict']}")
    n = sum(r["verdict"] == "SLOWER" for r in right)
    others = len(rows) - len(right)
    word = {w: sum(r["verdict"] == w for r in rows if r not in right) for w in ("same", "inconclusive", "faster", "failed")}
    print(f"{args.slower:.0%} in {args.function}(): {n} of the {len(right)} rows that use it called SLOWER; of the {others} others {len(wrong)} "
          f"SLOWER, {', '.join(f'{v} {k}' for k, v in word.items() if v)}")
    missed = [r for r in right if r["verdict"] in ("same", "faster")]
    return {"comparison": got}, REGRESSION if wrong or missed or not n else OK if n == len(right) else INCONCLUSIVE


def bisect(args, rng):
    with tempfile.TemporaryDirectory(prefix="gpuvm-calibrate.") as tmp:
        clone = Clone(tmp, args.function, rng)
        at, commits = rng.randrange(16), []
        for i in range(16):
            commits.append(clone.slow_down(args.slower) if i == at else clone.touch(i))
        begun = time.monotonic()
        code, out = tool(clone.dir, "bisect", clone.base, "HEAD", args.row, f"--budget={args.budget:g}s", f"--seed={rng.getrandbits(32)}")
    found = out.split()[0] if out.split() else ""
    print(out.rstrip())
    print(f"{args.slower:.0%} planted in commit {at + 1} of 16; bisect named {'it' if found == commits[at] else 'another' if found else 'none'} "
          f"after {clock(time.monotonic() - begun)}")
    return {"planted": commits[at], "found": found, "status": code}, OK if found == commits[at] and code == OK else REGRESSION


def main(argv):
    args = arguments(argv)
    seed = args.seed if args.seed is not None else random.SystemRandom().getrandbits(32)
    say(f"seed {seed}")
    result, code = {"aa": aa, "plant": plant, "bisect": bisect}[args.what](args, random.Random(seed))
    if args.json:
        with open(args.json, "w") as f:
            json.dump(dict(result, seed=seed), f, indent=1)
    return code
