# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""git: revisions, the working tree as a tree object, trees composed of two sides, worktrees outside the checkout.

Nothing here writes to the user's index, working tree, refs or object store, but for the registration of the worktrees
that `git worktree add` makes. New objects (a dirty tree, a composed one) go to an object directory in the cache, which
has the user's as alternate.
"""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile

from .common import CANNOT_BUILD, USAGE, Stop

RESULTS = ":(exclude,glob)results/*/**"  # records in the checkout do not make it dirty


class Snapshot:
    """One side: a commit, or the working tree on top of one."""

    def __init__(self, name, commit, tree, dirty=None, diff=""):
        self.name = name  # as the user called it
        self.commit = commit
        self.tree = tree
        self.dirty = dirty  # 12 digits of the dirty tree, None if clean
        self.diff = diff

    @property
    def label(self):
        """The directory's name in the store."""
        return self.commit[:12] + (f"-dirty-{self.dirty}" if self.dirty else "")


def cache_home():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "gpuvm-bench")


class Repo:
    def __init__(self, where):
        self.where = where
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        self.env.update(LC_ALL="C", GIT_OPTIONAL_LOCKS="0", GIT_TERMINAL_PROMPT="0")
        try:
            self.top = self.git("rev-parse", "--show-toplevel").strip()
        except FileNotFoundError:
            raise Stop(USAGE, "git is not installed; run scripts/bootstrap") from None
        except subprocess.CalledProcessError:
            raise Stop(USAGE, f"{where} is not in a git repository: commits cannot be compared without one") from None
        common = os.path.realpath(os.path.join(self.top, self.git("rev-parse", "--git-common-dir").strip()))
        objects = os.path.realpath(os.path.join(self.top, self.git("rev-parse", "--git-path", "objects").strip()))
        self.cache = os.path.join(cache_home(), hashlib.sha256(common.encode()).hexdigest()[:12])
        self.own_env = dict(self.env, GIT_OBJECT_DIRECTORY=os.path.join(self.cache, "objects"),
                            GIT_ALTERNATE_OBJECT_DIRECTORIES=objects)

    def git(self, *args, env=None, cwd=None, text=True, stdin=None):
        done = subprocess.run(["git", *args], cwd=cwd or getattr(self, "top", self.where), env=env or self.env,
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        return done.stdout.decode("utf-8", "replace") if text else done.stdout

    def own(self, *args, **kw):
        """git with the cache's object directory."""
        self._make_cache()
        try:
            return self.git(*args, env=dict(self.own_env, **kw.pop("extra", {})), **kw)
        except subprocess.CalledProcessError as error:
            raise Stop(USAGE, f"git {args[0]} failed: {error.stderr.decode('utf-8', 'replace').strip()[-400:]}") from None

    def _make_cache(self):
        try:
            os.makedirs(self.own_env["GIT_OBJECT_DIRECTORY"], exist_ok=True)
        except OSError as error:
            raise Stop(USAGE, f"cannot write the cache {self.cache}: {error.strerror}; set XDG_CACHE_HOME to a "
                              "directory you can write") from None

    # ---- what the user named ----

    def commit(self, rev):
        try:
            return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}").strip()
        except subprocess.CalledProcessError:
            pass
        hint = "`git log --oneline` lists commits"
        if os.path.exists(os.path.join(self.git("rev-parse", "--git-dir").strip(), "shallow")):
            hint = "this clone is shallow: `git fetch --unshallow` (in a workflow: fetch-depth: 0)"
        raise Stop(USAGE, f"unknown revision '{rev}'; {hint}")

    def tree_of(self, commit):
        return self.git("rev-parse", f"{commit}^{{tree}}").strip()

    def at(self, rev):
        commit = self.commit(rev)
        return Snapshot(rev, commit, self.tree_of(commit))

    def working_tree(self):
        """The checkout as it is now, untracked files included, records left out."""
        commit = self.commit("HEAD")
        self._refuse_dirty_submodules()
        clean = self.tree_of(commit)
        with self.scratch_index() as index:
            self.own("read-tree", commit, extra=index)
            self.own("add", "-A", "--", ".", RESULTS, extra=index)
            tree = self.own("write-tree", extra=index).strip()
        if tree == clean:
            return Snapshot("the working tree", commit, clean)
        diff = self.own("diff", "--binary", clean, tree)
        return Snapshot("the working tree", commit, tree, tree[:12], diff)

    def _refuse_dirty_submodules(self):
        status = self.git("status", "--porcelain=v2", "--ignore-submodules=none")
        for line in status.splitlines():
            m = re.match(r"[12] \S+ S(\S)(\S)(\S) (?:\S+ ){5,6}(.*)", line)
            if m and (m.group(2) != "." or m.group(3) != "."):
                raise Stop(USAGE, f"submodule {m.group(4)} has changes that are not committed, so no record could name "
                                  "what was measured; commit or stash them in there")

    @contextlib.contextmanager
    def scratch_index(self):
        self._make_cache()
        fd, path = tempfile.mkstemp(prefix="index.", dir=self.cache)
        os.close(fd)
        os.unlink(path)  # git wants none rather than an empty one
        try:
            yield {"GIT_INDEX_FILE": path}
        finally:
            for leftover in (path, path + ".lock"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(leftover)

    # ---- trees ----

    def ls(self, tree, path):
        """{path: object} below a path of a tree."""
        out = self.own("ls-tree", "-r", "-z", tree, "--", path)
        rows = (row.split("\t", 1) for row in out.split("\0") if row)
        return {name: meta.split()[2] for meta, name in rows}

    def file(self, tree, path):
        return self.own("cat-file", "blob", f"{tree}:{path}") if self.ls(tree, path) else ""

    def with_bench_of(self, tree, other):
        """tree, but with bench/ and the catalogue's lines of kind 'case' taken from other: what is measured is tree's core."""
        if self.ls(tree, "bench/") == self.ls(other, "bench/") and self._cases(tree) == self._cases(other):
            return tree
        catalogue = [l for l in self.file(tree, "catalogue.def").splitlines() if not l.startswith("case ")]
        text = "\n".join(catalogue + self._cases(other)) + "\n"
        with self.scratch_index() as index:
            self.own("read-tree", tree, extra=index)
            self.own("rm", "-r", "-f", "-q", "--cached", "--ignore-unmatch", "--", "bench", extra=index)
            self.own("read-tree", "--prefix=bench/", f"{other}:bench", extra=index)
            if self.ls(tree, "catalogue.def"):
                blob = self.own("hash-object", "-w", "--stdin", stdin=text.encode()).strip()
                self.own("update-index", "--cacheinfo", f"100644,{blob},catalogue.def", extra=index)
            return self.own("write-tree", extra=index).strip()

    def _cases(self, tree):
        return [l for l in self.file(tree, "catalogue.def").splitlines() if l.startswith("case ")]

    def differing_cases(self, a, b):
        """(harness differs, {names of the cases whose own file differs})."""
        x, y = self.ls(a, "bench/"), self.ls(b, "bench/")
        differ = {p for p in set(x) | set(y) if x.get(p) != y.get(p) and re.search(r"\.(c|h|cc)$", p)}
        cases = {m.group(1) for p in differ if (m := re.fullmatch(r"bench/case/(\w+)\.c", p))}
        return any(not p.startswith("bench/case/") for p in differ), cases

    # ---- worktrees ----

    def _is_worktree(self, path):
        """Of this repository; not of one that was here before and was cloned anew."""
        try:
            common = self.git("rev-parse", "--git-common-dir", cwd=path).strip()
            ours = self.git("rev-parse", "--git-common-dir").strip()
        except (OSError, subprocess.CalledProcessError):
            return False
        return os.path.realpath(os.path.join(path, common)) == os.path.realpath(os.path.join(self.top, ours))

    def checkout(self, slot, commit, tree):
        """The worktree of a slot, showing a tree; only files that differ are touched, so make has little to do."""
        path = os.path.join(self.cache, "trees", slot)
        self._make_cache()
        try:
            if not self._is_worktree(path):
                shutil.rmtree(path, ignore_errors=True)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                # -f: a worktree of that name may still be registered although somebody emptied the cache
                self.git("worktree", "add", "-f", "--detach", "--no-checkout", path, commit)
            self.git("update-ref", "--no-deref", "HEAD", commit, cwd=path)
            self.git("read-tree", "--reset", "-u", tree, cwd=path, env=self.own_env)
        except subprocess.CalledProcessError as error:
            raise Stop(CANNOT_BUILD, f"cannot check {commit[:12]} out in {path}: "
                                     f"{error.stderr.decode('utf-8', 'replace').strip()[-400:]}") from None
        return path
