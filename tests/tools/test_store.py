# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The store: round trip, bad files, kill -9 and full disks at any moment."""

import json
import os
import random
import resource
import shutil
import signal
import tempfile
import time
import tracemalloc
import unittest

from lib import safe, store
from lib.common import REGRESSION, USAGE, Stop
from lib.store import Sample

KILLS = 1000 if os.environ.get("GPUVM_TEST_LONG") else 200

META = {"kind": "compare", "machine": "m", "label": "0123456789ab", "commit": "0123456789ab" + 28 * "0"}


def record(n=3, row="case/key:1"):
    return store.fold({"machine": "m"}, META, [Sample(row, 10.5 + i, 11.0, "base", i, i, {"allocs_per_op": 1.0}, [10.0, 11.0],
                                                      {64: 5, 128: 1}, 2, 99) for i in range(n)], {"other": "it failed"})


class Dir(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="gpuvm-store-test.")
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.where = store.directory(self.root, "m", "0123456789ab")
        self.path = os.path.join(self.where, "20260101T000000Z.json")

    def stop(self, code, call, *args):
        with self.assertRaises(Stop) as caught:
            call(*args)
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        return str(caught.exception)


class RoundTrip(Dir):
    def test_everything_comes_back(self):
        store.write(self.path, record())
        got = store.read(self.path)
        self.assertEqual((got.machine, got.label, got.failed), ("m", "0123456789ab", {"other": "it failed"}))
        sample = got.rows["case/key:1"][1]
        self.assertEqual((sample.ns, sample.cpu_ns, sample.role, sample.pair, sample.order, sample.windows, sample.histogram,
                          sample.threads, sample.seed), (11.5, 11.0, "base", 1, 1, [10.0, 11.0], {64: 5, 128: 1}, 2, 99))
        self.assertEqual(sample.counters, {"allocs_per_op": 1.0})

    def test_journal_line_comes_back(self):
        sample = Sample("r", 1.5, 2.5, "head", 3, 4, {"a": 1.0}, [1.0, 2.0], {64: 5}, 2, 7)
        again = store.from_line(json.loads(json.dumps(store.to_line(sample))))
        self.assertEqual([getattr(sample, n) for n in Sample.__slots__], [getattr(again, n) for n in Sample.__slots__])

    def test_fields_google_benchmark_needs(self):
        for e in record()["benchmarks"]:
            if e.get("error_occurred"):
                continue
            self.assertLessEqual({"name", "run_name", "run_type", "real_time", "cpu_time", "time_unit", "iterations", "threads"},
                                 set(e))
        kinds = [e.get("aggregate_name") for e in record()["benchmarks"] if e["run_type"] == "aggregate"]
        self.assertEqual(kinds, ["mean", "median", "stddev", "cv"])

    def test_names_do_not_collide(self):
        names = set()
        for _ in range(3):
            names.add(store.new_name(self.where))
            store.write(sorted(names)[-1] if len(names) == 1 else store.new_name(self.where), record())
        self.assertEqual(len(store.paths(self.root)), 3)

    def test_an_existing_record_is_never_overwritten(self):
        store.write(self.path, record(1))
        before = open(self.path, "rb").read()
        self.stop(REGRESSION, store.write, self.path, record(2))
        self.assertEqual(open(self.path, "rb").read(), before)

    def test_a_plain_google_benchmark_file_of_ours(self):
        value = {"context": {"machine": "m", "gpuvm_version": "abc"}, "benchmarks": [
            {"name": "x", "run_type": "iteration", "real_time": 2, "cpu_time": 2, "time_unit": "us", "threads": 1}]}
        with open(self.path, "w") as f:
            json.dump(value, f)
        got = store.read(self.path)
        self.assertEqual((got.rows["x"][0].ns, got.label, got.meta["kind"]), (2000.0, "0123456789ab", "run"))

    def test_histograms_from_counters(self):
        self.assertEqual(store.histogram_of({"le_64_ns": 3, "latency_le_128_ns": 1, "le_x": 5}), {64: 3, 128: 1})
        self.assertIsNone(store.histogram_of({"a": 1}))


class BadFiles(Dir):
    def bad(self, data):
        path = os.path.join(self.root, "bad.json")
        with open(path, "wb") as f:
            f.write(data)
        message = self.stop(USAGE, store.read, path)
        self.assertIn("bad.json", message)
        return message

    def test_truncated_at_every_byte(self):
        data = safe.as_json(record(1))
        for end in range(0, len(data) - 2, 7 if not os.environ.get("GPUVM_TEST_LONG") else 1):
            self.bad(data[:end])

    def test_a_flipped_bit_is_refused_or_harmless(self):
        data = bytearray(safe.as_json(record(1)))
        rng = random.Random(5)
        path = os.path.join(self.root, "flip.json")
        for _ in range(1500):
            at, bit = rng.randrange(len(data)), 1 << rng.randrange(8)
            data[at] ^= bit
            with open(path, "wb") as f:
                f.write(data)
            data[at] ^= bit
            try:
                for of_row in store.read(path).rows.values():
                    self.assertTrue(all(s.ns > 0 for s in of_row))
            except Stop:
                pass

    def test_garbage(self):
        good = safe.as_json(record(1))
        for data in (b"", b"\0" * 100, b"[]", b"{}", b"3", b'"x"', b"null", b'{"benchmarks": 3}', b'{"benchmarks": [3]}',
                     b"[" * 100000, b'{"a":' * 100000, b"\xff\xfe" + good, b"\xef\xbb\xbf" + good, good[:-3] + b"\x80" + good[-3:],
                     good.replace(b"10.5", b"NaN"), good.replace(b"10.5", b"Infinity"), good.replace(b"10.5", b"1e999"),
                     good.replace(b"10.5", b"-1"), good.replace(b"10.5", b"0"), good.replace(b"10.5", b'"10"'),
                     good.replace(b"10.5", b"true"), good.replace(b"10.5", b"1" * 400), good.replace(b'"ns"', b'"fortnight"'),
                     good.replace(b'"name": "case/key:1"', b'"name": ["x"]'), good.replace(b'"name": "case/key:1"', b'"name": "a\\n"'),
                     good.replace(b'"schema": 1', b'"schema": "1"'), good.replace(b'"schema": 1', b'"schema": -1'),
                     good.replace(b'"schema": 1', b'"schema": true'), good.replace(b'"machine": "m"', b'"machine": 3')):
            self.assertNotEqual(data, good)
            self.bad(data)

    def test_a_line_of_a_gibibyte(self):
        """A record is refused before it is read; a journal ends there, and is not read into memory either."""
        path = os.path.join(self.root, "huge.json")
        with open(path, "wb") as f:
            f.truncate(1 << 30)
        self.assertIn("larger than", self.stop(USAGE, store.read, path))
        with open(path, "wb") as f:
            f.write(b'{"a": 1}\n')
            f.truncate(1 << 30)
        tracemalloc.start()
        try:
            self.assertEqual(safe.read_journal(path), [{"a": 1}])
            self.assertLess(tracemalloc.get_traced_memory()[1], 256 << 20)
        finally:
            tracemalloc.stop()

    def test_newer_schema_and_foreign_files_say_so(self):
        good = safe.as_json(record(1))
        self.assertIn("newer", self.bad(good.replace(b'"schema": 1', b'"schema": 2')))
        self.assertIn("no record of gpuvm-bench", self.bad(b'{"context": {"host_name": "x"}, "benchmarks": []}'))

    def test_line_ends_and_unknown_keys_do_not_matter(self):
        path = os.path.join(self.root, "odd.json")
        with open(path, "wb") as f:
            f.write(safe.as_json(record(1)).replace(b"\n", b"\r\n").replace(b'"schema": 1', b'"schema": 1, "later": [1]'))
        self.assertEqual(len(store.read(path).rows), 1)

    def test_not_a_file(self):
        self.stop(USAGE, store.read, self.root)
        self.stop(USAGE, store.read, os.path.join(self.root, "none.json"))
        os.mkfifo(os.path.join(self.root, "fifo.json"))
        self.stop(USAGE, store.read, os.path.join(self.root, "fifo.json"))
        self.stop(USAGE, store.read, "/dev/zero")


def write_for_ever(where, k):
    """What a run does, over and over, until somebody kills it; a large record, so that most of the time goes into writes."""
    large = safe.as_json(record(600))
    for n in range(1000000):
        name = os.path.join(where, f"2026{k:04d}T{n:06d}Z.json")
        journal = safe.Journal(name + store.PARTIAL, {"machine": "m"})
        for i in range(20):
            journal.add(store.to_line(Sample("r", 1.0 + i, role="head", pair=i)))
        safe.create(name, large)
        safe.replace(os.path.join(where, "replaced.json"), large)
        journal.close(remove=True)


class Crashes(Dir):
    def test_kill_at_any_moment(self):
        """After each kill -9: every record is readable, nothing half-made has a record's name, journals recover."""
        rng = random.Random(9)
        safe.create(os.path.join(self.where, "replaced.json"), safe.as_json(record(1)))
        workers = 4
        for k in range(0, KILLS, workers):
            children = []
            for w in range(workers):
                child = os.fork()
                if not child:
                    try:
                        write_for_ever(self.where, k + w)
                    finally:
                        os._exit(1)  # only if something went wrong
                children.append(child)
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and not all(any(f"2026{k + w:04d}T" in n for n in os.listdir(self.where))
                                                          for w in range(workers)):
                time.sleep(0.002)
            for child in children:
                time.sleep(rng.random() * 0.01)
                os.kill(child, signal.SIGKILL)
                self.assertEqual(os.WTERMSIG(os.waitpid(child, 0)[1]), signal.SIGKILL)
            for name in os.listdir(self.where):
                if name.endswith(".json"):
                    store.read(os.path.join(self.where, name))
            for path in store.paths(self.root, partial=True):
                had = os.path.exists(path[:-len(store.PARTIAL)])
                if had:
                    os.unlink(path)  # killed between the record and the journal's end: nothing is missing
                else:
                    for made in store.recover(path):
                        store.read(made)
            for name in os.listdir(self.where):
                if name != "replaced.json" and not name.endswith(".tmp"):
                    os.unlink(os.path.join(self.where, name))
        self.assertEqual(store.paths(self.root, partial=True), [])

    def limited(self, call, size):
        """Run with no file allowed to grow beyond size: what a full disk looks like to the writer."""
        old = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
        try:
            return call()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
            signal.signal(signal.SIGXFSZ, handler)

    def test_full_disk_at_any_byte(self):
        store.write(self.path, record(1))
        before = {n: open(os.path.join(self.where, n), "rb").read() for n in os.listdir(self.where)}
        data = len(safe.as_json(record(3)))
        for size in range(0, data, 97):
            target = os.path.join(self.where, "20260101T000001Z.json")
            message = self.limited(lambda t=target: self.stop(REGRESSION, store.write, t, record(3)), size)
            self.assertIn("earlier records are untouched", message)
            with self.assertRaises(OSError):
                self.limited(lambda: safe.replace(self.path, safe.as_json(record(3))), size)
            self.assertEqual({n: open(os.path.join(self.where, n), "rb").read() for n in os.listdir(self.where)}, before)

    def test_full_disk_under_a_journal(self):
        path = self.path + store.PARTIAL
        journal = safe.Journal(path, {"machine": "m"})
        line = store.to_line(Sample("r", 1.0))
        self.assertTrue(journal.add(line))
        ok = self.limited(lambda: [journal.add(line) for _ in range(50)], 1000)
        self.assertEqual(sorted(ok, reverse=True), ok)  # quiet after the first failure
        self.assertFalse(ok[-1])
        self.assertEqual(len(safe.read_journal(path)), 2 + sum(ok))
        journal.close(remove=False)
        self.assertEqual(len(store.recover(path)), 1)

    def test_without_unnamed_files(self):
        """The other way to write, for file systems without O_TMPFILE."""
        original, safe._link_unnamed = safe._link_unnamed, lambda *_: False
        try:
            store.write(self.path, record(1))
            self.stop(REGRESSION, store.write, self.path, record(2))
            other = os.path.join(self.where, "20260101T000001Z.json")
            self.limited(lambda: self.stop(REGRESSION, store.write, other, record(2)), 100)
        finally:
            safe._link_unnamed = original
        self.assertEqual(os.listdir(self.where), [os.path.basename(self.path)])

    def test_devices_are_not_replaced(self):
        with self.assertRaises(OSError):
            safe.replace("/dev/full", b"x")
