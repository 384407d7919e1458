# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Builds of the bench binary, cached by tree, compiler and flags.

Two slots, "base" and "head", each a worktree whose objects stay, so that the next commit rebuilds only what differs. A
finished binary is copied out, by its key, in one rename: it is there whole or not at all.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile

from .common import CANNOT_BUILD, USAGE, Stop, say

VARIABLES = ("CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "RCU")
KEEP = 64  # cached builds; the oldest go


def make_variables():
    """What the user wants the build to see; make's own MAKEFLAGS (with BASE=, -n, ...) are not passed on."""
    return {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}


def compiler_versions(variables):
    out = []
    for name, default in (("CC", "gcc"), ("CXX", "g++")):
        command = variables.get(name, default).split()
        try:
            done = subprocess.run(command + ["--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        except (OSError, subprocess.CalledProcessError):
            raise Stop(CANNOT_BUILD, f"{name}={' '.join(command)} cannot be run; run scripts/bootstrap or set {name}") from None
        out.append(done.stdout.decode("utf-8", "replace").splitlines()[0])
    return out


def key(tree, variables, versions):
    text = json.dumps([tree, sorted(variables.items()), versions])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextlib.contextmanager
def _locked(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waiting for another build in the same cache ...")
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


class Builder:
    def __init__(self, repo):
        self.repo = repo
        self.variables = make_variables()
        self.versions = compiler_versions(self.variables)
        self.dir = os.path.join(repo.cache, "builds")

    def binary(self, slot, snapshot, tree):
        """The bench binary of a tree; built if it is not in the cache."""
        path = os.path.join(self.dir, key(tree, self.variables, self.versions), "gpuvm-bench")
        if os.path.exists(path):
            os.utime(os.path.dirname(path))
            return path
        try:
            with _locked(os.path.join(self.repo.cache, f"{slot}.lock")):
                if not os.path.exists(path):
                    self._build(slot, snapshot, tree, path)
        except OSError as error:
            raise Stop(USAGE, f"cannot write the cache {self.repo.cache}: {error.strerror}; free some space or set "
                              "XDG_CACHE_HOME to another directory") from None
        self._prune()
        return path

    def _build(self, slot, snapshot, tree, path):
        say(f"building {snapshot.label} ({snapshot.name}) ...")
        where = self.repo.checkout(slot, snapshot.commit, tree)
        out = os.path.join(where, "build")
        log = os.path.join(self.repo.cache, f"build-{slot}.log")
        if self._make(where, out, log):
            # Objects of another commit may be in the way; once more from nothing before giving up.
            shutil.rmtree(out, ignore_errors=True)
            if self._make(where, out, log):
                raise Stop(CANNOT_BUILD, self._why(snapshot, log))
        os.makedirs(self.dir, exist_ok=True)
        fresh = tempfile.mkdtemp(prefix="new.", dir=self.dir)
        shutil.copy2(os.path.realpath(os.path.join(out, "gpuvm-bench")), os.path.join(fresh, "gpuvm-bench"))
        if os.path.isdir(os.path.dirname(path)):
            shutil.rmtree(os.path.dirname(path))
        os.rename(fresh, os.path.dirname(path))

    def _make(self, where, out, log):
        """Not 0 if it failed."""
        env = {k: v for k, v in self.repo.own_env.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}
        command = ["make", f"-j{os.cpu_count() or 1}", f"O={out}", "DEBUG=", "SAN=", "all"]
        command += [f"{k}={v}" for k, v in self.variables.items()]
        with open(log, "w") as f:
            code = subprocess.run(command, cwd=where, env=env, stdin=subprocess.DEVNULL, stdout=f, stderr=f).returncode
            if not code and not os.path.exists(os.path.join(out, "gpuvm-bench")):
                f.write("make succeeded, but there is no gpuvm-bench in its output\n")
                code = 1
        return code

    @staticmethod
    def _why(snapshot, log):
        with open(log, errors="replace") as f:
            tail = [l.rstrip() for l in f if "error" in l.lower() or "no gpuvm-bench" in l or "***" in l][:12]
        return (f"{snapshot.label} ({snapshot.name}) does not build; --bench-from=each builds each side with its own "
                "bench sources\n    " + "\n    ".join(tail) + f"\n    whole log: {log}")

    def _prune(self):
        builds = sorted((os.path.getmtime(p), p) for p in (os.path.join(self.dir, n) for n in os.listdir(self.dir)))
        for _, old in builds[:-KEEP]:
            shutil.rmtree(old, ignore_errors=True)
