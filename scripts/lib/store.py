# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""results/<machine>/<commit>[-dirty-<hash>]/<UTC>.json: writing, finding and reading records.

results/README.md is the schema. A record is a Google Benchmark JSON file with one more object, "gpuvm", that says what
was measured; whoever ignores it can read the rest.
"""

import datetime
import json
import math
import os
import re

from . import safe
from .common import REGRESSION, USAGE, Stop

SCHEMA = 1
LARGEST = 512 << 20
PARTIAL = ".partial.jsonl"
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z(-[0-9]+)?(-base|-head)?\.json")
_LABEL = re.compile(r"([0-9a-f]{7,40}|unknown)(-dirty-[0-9a-f]+)?")
_ROW = re.compile(r"[\x20-\x7e]{1,256}")


class Sample:
    """One launch of the binary (or one window, in a record of a plain run)."""

    __slots__ = ("row", "ns", "cpu_ns", "role", "pair", "order", "counters", "windows", "histogram", "threads", "seed")

    def __init__(self, row, ns, cpu_ns=0.0, role=None, pair=None, order=None, counters=None, windows=None,
                 histogram=None, threads=1, seed=None):
        self.row, self.ns, self.cpu_ns, self.role, self.pair = row, ns, cpu_ns, role, pair
        self.order, self.counters, self.windows = order, counters or {}, windows or [ns]
        self.histogram, self.threads, self.seed = histogram, threads, seed


class Record:
    """What was read: meta (the "gpuvm" object), context, samples by row, failed rows with their words."""

    def __init__(self, path, meta, context, rows, failed):
        self.path, self.meta, self.context, self.rows, self.failed = path, meta, context, rows, failed

    @property
    def machine(self):
        return self.meta["machine"]

    @property
    def label(self):
        return self.meta["label"]

    @property
    def time(self):
        return self.meta.get("time") or self.context.get("date", "")


# ---- names ----


def utc():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def slug(text):
    """A directory's name from a machine's; the same rule as in bench/machine.c."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "unknown"


def directory(root, machine, label):
    """Made if it is not there."""
    path = os.path.join(root, slug(machine), label)
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise Stop(REGRESSION, f"cannot make {path}: {error.strerror}; --results=DIR stores elsewhere") from None
    return path


def new_name(where, suffix=""):
    """A name that neither a record nor a journal has."""
    stamp, n = utc(), 1
    name = f"{stamp}{suffix}.json"
    while os.path.exists(os.path.join(where, name)) or os.path.exists(os.path.join(where, name + PARTIAL)):
        n += 1
        name = f"{stamp}-{n}{suffix}.json"
    return os.path.join(where, name)


def write(path, record):
    try:
        safe.create(path, safe.as_json(record))
    except OSError as error:
        raise Stop(REGRESSION, f"cannot write {path}: {error.strerror}; earlier records are untouched") from None


# ---- reading ----


def _bad(path, why):
    return Stop(USAGE, f"{path}: {why}")


def parse(path):
    """JSON with NaN, infinities, wrong encodings, monsters and bottomless nesting refused."""

    def refuse(word):
        raise ValueError(f"{word} is not a JSON number")

    try:
        if os.path.getsize(path) > LARGEST:
            raise _bad(path, f"larger than {LARGEST >> 20} MiB: not a record")
        if not os.path.isfile(path):
            raise _bad(path, "not a regular file")
        with open(path, "rb") as f:
            value = json.loads(f.read().decode("utf-8"), parse_constant=refuse)
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise _bad(path, f"not JSON, or cut short ({str(error)[:120]}); `scripts/results list` shows what there is") from None
    return value


def _number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value)


_UNITS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
_NOT_COUNTERS = {"family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads", "iterations",
                 "real_time", "cpu_time", "ns_per_op", "cpu_ns_per_op", "ops_per_second", "ops", "overlap", "fairness",
                 "jain", "discarded_windows", "error_occurred", "p50_ns", "p99_ns", "p999_ns", "max_ns"}
_BUCKET = re.compile(r"(?:latency_)?le_([0-9]+)_?ns")


def histogram_of(entry):
    """{upper bound in ns: count} from the "histogram_ns" object of a row, or from counters called le_<ns>_ns; else None."""
    given = entry.get("histogram_ns")
    if isinstance(given, dict):
        pairs = [(k, v) for k, v in given.items() if re.fullmatch(r"[0-9]{1,18}", k)]
    else:
        pairs = [(m.group(1), v) for k, v in entry.items() if (m := _BUCKET.fullmatch(k))]
    out = {int(k): v for k, v in pairs if _number(v) and v > 0}
    return out or None


def counters_of(entry):
    return {k: v for k, v in entry.items() if k not in _NOT_COUNTERS and not _BUCKET.fullmatch(k) and _number(v)}


def _sample(path, entry):
    name = entry.get("name")
    if not isinstance(name, str) or not _ROW.fullmatch(name):
        raise _bad(path, "a benchmark without a usable name")
    unit = _UNITS.get(entry.get("time_unit", "ns"))
    ns, cpu = entry.get("real_time"), entry.get("cpu_time", 0)
    if unit is None or not _number(ns) or ns <= 0 or not _number(cpu):
        raise _bad(path, f"{name}: real_time must be a positive number with a known time_unit")
    more = entry.get("gpuvm") if isinstance(entry.get("gpuvm"), dict) else {}
    windows = more.get("windows_ns")
    if not (isinstance(windows, list) and windows and all(_number(w) and w > 0 for w in windows)):
        windows = None
    pair = more.get("pair")
    threads = entry.get("threads", 1)
    return Sample(name, ns * unit, cpu * unit, more.get("role") if isinstance(more.get("role"), str) else None,
                  pair if isinstance(pair, int) else None, more.get("order") if _number(more.get("order")) else None,
                  counters_of(entry), windows, histogram_of(entry), threads if isinstance(threads, int) else 1,
                  more.get("seed"))


def samples(path, entries):
    """(samples by row, failed rows) of a benchmarks list; aggregates are left out, they can be computed again."""
    rows, failed = {}, {}
    for entry in entries:
        if not isinstance(entry, dict):
            raise _bad(path, "a benchmark that is no object")
        if entry.get("run_type") == "aggregate":
            continue
        if entry.get("error_occurred"):
            failed[str(entry.get("name"))] = str(entry.get("error_message", "failed"))
            continue
        sample = _sample(path, entry)
        rows.setdefault(sample.row, []).append(sample)
    return rows, failed


def _meta(path, value, context):
    """The "gpuvm" object; for a file the bench binary wrote itself, what its place and its context say."""
    meta = value.get("gpuvm")
    if meta is not None and not isinstance(meta, dict):
        raise _bad(path, "its \"gpuvm\" is no object")
    meta = dict(meta or {})
    schema = meta.get("schema", SCHEMA)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise _bad(path, "its schema version is no positive number")
    if schema > SCHEMA:
        raise _bad(path, f"schema {schema} is newer than this tool's {SCHEMA}; use the scripts of a newer checkout")
    machine = meta.get("machine") or context.get("machine")
    if not isinstance(machine, str):
        raise _bad(path, "JSON, but no record of gpuvm-bench (its context names no machine)")
    parent = os.path.basename(os.path.dirname(os.path.abspath(path)))
    label = meta.get("label") or (parent if _LABEL.fullmatch(parent) else str(context.get("gpuvm_version", "unknown")))
    meta.update(schema=schema, machine=slug(machine), label=str(label))
    meta.setdefault("commit", str(label).split("-")[0])
    meta.setdefault("kind", "run")
    return meta


def read(path):
    value = parse(path)
    if not isinstance(value, dict) or not isinstance(value.get("benchmarks"), list):
        raise _bad(path, "JSON, but no record (it has no \"benchmarks\")")
    context = value.get("context")
    context = context if isinstance(context, dict) else {}
    meta = _meta(path, value, context)
    rows, failed = samples(path, value["benchmarks"])
    return Record(path, meta, context, rows, failed)


# ---- finding ----


def paths(root, machine=None, partial=False):
    """Record files below root, oldest first (by the time in their names)."""
    out = []
    suffix = PARTIAL if partial else ""
    for where, _, names in os.walk(root):
        for name in names:
            if name.endswith(suffix) and _NAME.fullmatch(name[:len(name) - len(suffix)]):
                if machine is None or os.path.basename(os.path.dirname(where)) == machine:
                    out.append(os.path.join(where, name))
    return sorted(out, key=os.path.basename)


def label_of(path):
    return os.path.basename(os.path.dirname(os.path.abspath(path)))


def machine_of(path):
    return os.path.basename(os.path.dirname(os.path.dirname(os.path.abspath(path))))


# ---- folding a journal ----


def entry(sample, index, repetitions, family):
    """A sample as Google Benchmark writes a repetition, with what it has no word for under "gpuvm"."""
    out = {"name": sample.row, "family_index": family, "per_family_instance_index": 0, "run_name": sample.row,
           "run_type": "iteration", "repetitions": repetitions, "repetition_index": index, "threads": sample.threads,
           "iterations": 1, "real_time": sample.ns, "cpu_time": sample.cpu_ns, "time_unit": "ns"}
    out.update(sample.counters)
    if sample.histogram:
        out["histogram_ns"] = {str(k): v for k, v in sorted(sample.histogram.items())}
    out["gpuvm"] = {"role": sample.role, "pair": sample.pair, "order": sample.order, "seed": sample.seed,
                    "windows_ns": sample.windows}
    return out


def _aggregate(values):
    """What Google Benchmark computes of repetitions."""
    n, ordered, mean = len(values), sorted(values), sum(values) / len(values)
    median = ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2
    stddev = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1)) if n > 1 else 0.0
    return {"mean": mean, "median": median, "stddev": stddev, "cv": stddev / mean if mean else 0.0}


def _aggregates(row, taken, family):
    real, cpu = _aggregate([s.ns for s in taken]), _aggregate([s.cpu_ns for s in taken])
    for name in real:
        yield {"name": f"{row}_{name}", "family_index": family, "per_family_instance_index": 0, "run_name": row,
               "run_type": "aggregate", "repetitions": len(taken), "threads": taken[0].threads, "aggregate_name": name,
               "aggregate_unit": "percentage" if name == "cv" else "time", "iterations": len(taken),
               "real_time": real[name], "cpu_time": cpu[name], "time_unit": "ns"}


def fold(context, meta, taken, failed=None):
    """A record from samples."""
    rows = {}
    for sample in taken:
        rows.setdefault(sample.row, []).append(sample)
    entries = []
    for family, (row, of_row) in enumerate(rows.items()):
        entries += [entry(s, i, len(of_row), family) for i, s in enumerate(of_row)]
        entries += _aggregates(row, of_row, family)
    for row, why in (failed or {}).items():
        entries.append({"name": row, "run_name": row, "run_type": "iteration", "error_occurred": True, "error_message": why,
                        "iterations": 0, "real_time": 0, "cpu_time": 0, "time_unit": "ns", "threads": 1, "repetitions": 1,
                        "repetition_index": 0})
    return {"context": context, "benchmarks": entries, "gpuvm": dict(meta, schema=SCHEMA)}


def to_line(sample):
    """A sample as a journal line."""
    return {name: getattr(sample, name) for name in Sample.__slots__}


def from_line(line):
    """The other way round; None if it is something else (a line of the bench binary's own journal says "name")."""
    try:
        if "row" in line:
            known = {k: line.get(k) for k in Sample.__slots__}
            if known["histogram"]:
                known["histogram"] = {int(k): v for k, v in known["histogram"].items()}
            return Sample(**known)
        return Sample(line["name"], line["ns_per_op"], line["cpu_ns_per_op"], counters={
            "allocs_per_op": line["allocs"] / line["ops"]}, histogram=histogram_of(line))
    except (KeyError, TypeError, AttributeError, ValueError, ZeroDivisionError):
        return None


def recover(path):
    """Fold what an interrupted run left into records; returns their names. The journal goes last."""
    lines = safe.read_journal(path)
    header = lines[0] if lines and isinstance(lines[0], dict) else {}
    taken = [s for s in (from_line(l) for l in lines[1:] if isinstance(l, dict)) if s]
    made = []
    if "sides" in header:
        for side, target in header["sides"].items():
            of_side = [s for s in taken if (s.role == "head") == (side == "head")]
            if of_side and not os.path.exists(target["path"]):
                meta = dict(header["meta"], **target["meta"], interrupted=True)
                write(target["path"], fold(header["context"], meta, of_side))
                made.append(target["path"])
    elif taken:
        final = path[:-len(PARTIAL)]
        meta = {"kind": "run", "machine": machine_of(path), "label": label_of(path), "interrupted": True}
        write(final, fold(header, meta, taken))
        made.append(final)
    os.unlink(path)
    return made
