# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A throw-away git repository whose builds are fake benchmarks with planted speeds."""

import copy
import json
import os
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.abspath(os.path.join(HERE, "..", "..", "scripts"))

MAKEFILE = """all: $(O)/gpuvm-bench
$(O)/gpuvm-bench: bench/fake_bench.c core/speed.h FORCE
\t@test ! -e core/broken || { echo 'core/x.c:1: error: planted'; exit 1; }
\t@mkdir -p $(O)
\t@gcc -Icore -o $@ bench/fake_bench.c -lm
FORCE:
"""

SEED = int(os.environ.get("GPUVM_SEED", 1))  # of compare's order, and through it of what the fakes draw

SPEED = {"noise": 0.004, "sleep_us": 0, "machine": "fake-2c-1g", "turns": True, "burst": 0.0,
         "rows": {f"obtain/list:{l}/vms:{v}": {"ns": 20.0 * v} for l in ("mutex", "hash") for v in (1, 8)}}


def header(speed):
    """SPEED as core/speed.h."""
    rows = "".join('\t{ "%s", %r, %r, %d, %s },\n' % (
        name, r["ns"], r.get("allocs", 1.0), r.get("tail", 0), '"%s"' % r["fails"] if "fails" in r else "NULL")
        for name, r in speed["rows"].items())
    return (f'#define NOISE {speed["noise"]}\n#define SLEEP_US {speed["sleep_us"]}\n#define MACHINE "{speed["machine"]}"\n'
            f'#define TURNS {int(speed["turns"])}\n#define BURST {speed["burst"]!r}\n'
            f"static const struct row rows[] = {{\n{rows}}};\n")


class FakeRepo(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="gpuvm-tools-test.")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.repo = os.path.join(self.dir, "repo")
        self.results = os.path.join(self.repo, "results")
        os.makedirs(os.path.join(self.repo, "bench", "case"))
        os.makedirs(os.path.join(self.repo, "core"))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "MAKE", "MFLAGS", "PYTHON"))}
        self.env.update(XDG_CACHE_HOME=os.path.join(self.dir, "cache"), HOME=self.dir, PYTHONDONTWRITEBYTECODE="1",
                        GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_NAME="t", GIT_AUTHOR_EMAIL="t@t", GIT_COMMITTER_NAME="t",
                        GIT_COMMITTER_EMAIL="t@t")
        self.git("init", "-q", "-b", "main")
        shutil.copy(os.path.join(HERE, "fake_bench.c"), os.path.join(self.repo, "bench"))
        self.put("Makefile", MAKEFILE)
        self.put(".gitignore", "/build/\n*.partial.jsonl\n")
        self.put("catalogue.def", "list mutex - a\ncase obtain - b\n")
        self.put("bench/case/obtain.c", "int obtain;\n")
        self.speed = copy.deepcopy(SPEED)
        self.base = self.change()

    def put(self, name, text):
        path = os.path.join(self.repo, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def git(self, *args):
        return subprocess.run(["git", "-C", self.repo, *args], env=self.env, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout.strip()

    def change(self, commit=True, **speeds):
        """Multiply rows' times by a factor; commit."""
        for row, factor in speeds.pop("rows", {}).items():
            self.speed["rows"][row]["ns"] *= factor
        self.speed.update(speeds)
        self.put("core/speed.h", header(self.speed))
        return self.commit() if commit else None

    def commit(self, message="change"):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def tool(self, name, *args, **kw):
        """(exit status, stdout, stderr)"""
        done = subprocess.run([os.path.join(SCRIPTS, name), *args], cwd=kw.pop("cwd", self.repo), stdin=subprocess.DEVNULL,
                              env=dict(self.env, **kw.pop("env", {})), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=120, **kw)
        self.assertNotIn("Traceback", done.stderr)
        return done.returncode, done.stdout, done.stderr

    def compare(self, *args, **kw):
        """The same with a short fixed design and the comparison read back: (exit status, comparison, stderr)."""
        out = os.path.join(self.dir, "out.json")
        given = [] if any(a.startswith(("--pairs", "--budget", "--stored")) for a in args) else ["--pairs=12"]
        if not any(a.startswith(("--seed", "--stored")) for a in args):
            given.append(f"--seed={SEED}")
        code, _, err = self.tool("compare", *args, *given, "--launch=5ms", f"--json={out}", **kw)
        value = None
        if os.path.exists(out):
            with open(out) as f:
                value = json.load(f)
            os.unlink(out)
        return code, value, err

    def records(self, partial=False):
        end = ".partial.jsonl" if partial else ".json"
        return sorted(os.path.join(d, n) for d, _, names in os.walk(self.results) for n in names if n.endswith(end))


def verdicts(value):
    return {r["name"]: r["verdict"] for r in value["rows"]}
