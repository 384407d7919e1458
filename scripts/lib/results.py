# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""scripts/results: what lies in the store, and how it gets there from a plain run."""

import datetime
import json
import os
import statistics

from . import machine, safe, store
from .common import OK, REGRESSION, USAGE, Stop, count, duration, nanoseconds, parser, say
from .repo import Repo

EXAMPLES = """\
  scripts/results list                          machines, commits, records, interrupted runs
  scripts/results show results/*/*/*.json       what a record says
  scripts/results recover                       fold what interrupted runs left into records
  scripts/results prune --keep=3 --yes          three records per commit, the others go (without --yes: only names them)
  scripts/results path --bench=build/gpuvm-bench   where the next record belongs (run-bench asks)"""
CODES = "0 fine; 1 something could not be written or removed; 2 usage, or no such record"


def arguments(argv):
    p = parser("results", "List, show, recover and prune stored records.", EXAMPLES, CODES)
    p.add_argument("--results", metavar="DIR", help="the store (default: results/ of the checkout)")
    sub = p.add_subparsers(dest="command", required=True, metavar="COMMAND")
    sub.add_parser("list", allow_abbrev=False, help="machines, commits and records")
    show = sub.add_parser("show", allow_abbrev=False, help="print records")
    show.add_argument("record", nargs="+")
    show.add_argument("--json", action="store_true", help="the provenance and medians as JSON")
    sub.add_parser("recover", allow_abbrev=False, help="fold the journals of interrupted runs into records")
    prune = sub.add_parser("prune", allow_abbrev=False, help="remove old records")
    prune.add_argument("--keep", metavar="N", type=count(0, 10000), help="keep the newest N of each commit")
    prune.add_argument("--older-than", metavar="TIME", type=duration, help="only records older than that, as in 72h")
    prune.add_argument("--yes", action="store_true", help="do it")
    path = sub.add_parser("path", allow_abbrev=False, help="make the directory for a new record, print the record's name")
    path.add_argument("--machine", required=True, help="as `gpuvm-bench --version` prints it")
    record = sub.add_parser("record", allow_abbrev=False, help="add commit, tree, diff and environment to a record")
    record.add_argument("record")
    return p.parse_args(argv)


def _root(args):
    return args.results or os.path.join(Repo(os.getcwd()).top, "results")


def do_list(args, root):
    files, journals = store.paths(root), store.paths(root, partial=True)
    if not files and not journals:
        say(f"{root}: no records; `make bench` and `make compare` store them")
        return OK
    last = None
    for path in sorted(files + journals, key=lambda p: (store.machine_of(p), os.path.basename(p))):
        if store.machine_of(path) != last:
            last = store.machine_of(path)
            print(last)
        print(f"  {_line(path)}")
    return OK


def _line(path):
    if path.endswith(store.PARTIAL):
        lines = len(safe.read_journal(path))
        return f"{path}  still running, or interrupted after {max(0, lines - 1)} samples: `scripts/results recover`"
    try:
        record = store.read(path)
    except Stop as stop:
        return f"{stop}  (unreadable)"
    what = record.meta["kind"] + (f" as {record.meta['side']}" if "side" in record.meta else "")
    return (f"{path}  {what}, {len(record.rows)} rows, {sum(map(len, record.rows.values()))} samples"
            f"{', ' + str(len(record.failed)) + ' failed' if record.failed else ''}"
            f"{', interrupted' if record.meta.get('interrupted') else ''}")


def _summary(record):
    return {name: {"median_ns": statistics.median(s.ns for s in of_row), "samples": len(of_row)}
            for name, of_row in record.rows.items()}


def do_show(args, root):
    for path in args.record:
        record = store.read(path)
        meta = {k: v for k, v in record.meta.items() if k not in ("diff", "comparison")}
        if args.json:
            print(json.dumps({"path": path, "meta": meta, "rows": _summary(record), "failed": record.failed}, indent=1))
            continue
        print(f"{path}: {meta['kind']} of {meta['label']} on {meta['machine']} {record.time}")
        for key in ("side", "other", "session", "seed", "command", "bench_from", "tree", "compiler", "make_variables"):
            if meta.get(key):
                print(f"  {key}: {meta[key]}")
        for name, value in (meta.get("environment") or {}).items():
            print(f"  {name}: {value[0]}: {value[1]}")
        if record.meta.get("diff"):
            print(f"  diff: {len(record.meta['diff'])} bytes; in the record under gpuvm.diff")
        width = max(map(len, record.rows), default=0)
        for name, row in _summary(record).items():
            print(f"  {name.ljust(width)}  {nanoseconds(row['median_ns']):>10}  {row['samples']} samples")
        for name, why in record.failed.items():
            print(f"  {name.ljust(width)}  FAILED: {why}")
    return OK


def do_recover(args, root):
    made = []
    for path in store.paths(root, partial=True):
        if _in_use(path):
            say(f"{path}: still being written")
            continue
        made += store.recover(path)
    print("\n".join(made) if made else "nothing to recover")
    return OK


def _in_use(path):
    """Has some process it open?"""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if any(os.path.realpath(f"/proc/{pid}/fd/{fd}") == os.path.realpath(path) for fd in os.listdir(f"/proc/{pid}/fd")):
                return True
        except OSError:
            continue
    return False


def _age(path):
    stamp = datetime.datetime.strptime(os.path.basename(path)[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    return (datetime.datetime.now(datetime.timezone.utc) - stamp).total_seconds()


def do_prune(args, root):
    if args.keep is None and args.older_than is None:
        raise Stop(USAGE, "prune wants --keep=N, --older-than=TIME or both")
    by_label = {}
    for path in store.paths(root):
        by_label.setdefault(os.path.dirname(path), []).append(path)
    gone = [p for files in by_label.values() for p in files[:len(files) - (args.keep or 0)]
            if args.older_than is None or _age(p) > args.older_than]
    for path in gone:
        print(path if args.yes else f"would remove {path}")
        if args.yes:
            _remove(path)
    if gone and not args.yes:
        say("nothing was removed; --yes does it")
    return OK


def _remove(path):
    try:
        os.unlink(path)
        if os.path.exists(path[:-len(".json")] + ".diff"):
            os.unlink(path[:-len(".json")] + ".diff")
        os.removedirs(os.path.dirname(path))
    except OSError as error:
        if os.path.exists(path):
            raise Stop(REGRESSION, f"cannot remove {path}: {error.strerror}") from None


def do_path(args, root):
    """Without git (a tarball) the commit is unknown, and that is what the directory says."""
    try:
        label = Repo(os.getcwd()).working_tree().label
    except Stop as stop:
        say(f"results: {stop}")
        label = "unknown"
    print(store.new_name(store.directory(root, args.machine, label)))
    return OK


def do_record(args, root):
    """Provenance into a file that the bench binary has just written; whole or not at all."""
    value = store.parse(args.record)
    store.read(args.record)
    meta = {"schema": store.SCHEMA, "kind": "run", "label": store.label_of(args.record), "time": store.utc(),
            "machine": store.machine_of(args.record), "fingerprint": machine.fingerprint(),
            "environment": machine.environment()}
    try:
        snapshot = Repo(os.getcwd()).working_tree()
        meta.update(commit=snapshot.commit, tree=snapshot.tree, dirty=bool(snapshot.dirty), diff=snapshot.diff[:4 << 20])
        if snapshot.label != meta["label"]:
            meta["changed_while_running"] = snapshot.label
    except Stop:
        meta["commit"] = "unknown"
    value["gpuvm"] = meta
    try:
        safe.replace(args.record, safe.as_json(value))
    except OSError as error:
        raise Stop(REGRESSION, f"cannot write {args.record}: {error.strerror}; it is as it was") from None
    return OK


def main(argv):
    args = arguments(argv)
    return globals()[f"do_{args.command}"](args, _root(args))


