# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Files that are there whole or not at all, and journals that lose at most the line in flight.

    W1  A new file is written without a name (O_TMPFILE), flushed to the disk, then linked to its name: no moment shows
        half of it, and kill -9 leaves nothing behind. Where the file system has no such files: temporary, fsync, rename.
    W2  An existing file is replaced by rename only, after its replacement is on the disk.
    W3  A journal's line is one write() to a file opened with O_APPEND. A reader ignores a last line without its newline.
    W4  Every step is checked; a failed one raises OSError with the final name and removes what it made.
"""

import contextlib
import errno
import json
import os
import tempfile


def _write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


def _sync_directory(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot
            raise
    finally:
        os.close(fd)


def _named_copy(directory, data):
    """A temporary file with a name, on the disk."""
    fd, path = tempfile.mkstemp(prefix=".new.", suffix=".tmp", dir=directory)
    try:
        try:
            os.fchmod(fd, 0o644)
            _write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError:
        os.unlink(path)
        raise
    return path


def _link_unnamed(directory, path, data):
    """W1. False where the file system cannot."""
    try:
        fd = os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o644)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT) and os.path.isdir(directory):
            return False
        raise
    try:
        _write_all(fd, data)
        os.fsync(fd)
        try:
            os.link(f"/proc/self/fd/{fd}", path, follow_symlinks=True)
        except FileExistsError:
            raise
        except OSError:
            return False  # no /proc, no links
    finally:
        os.close(fd)
    return True


def create(path, data):
    """A new file; FileExistsError if there is one."""
    directory = os.path.dirname(path) or "."
    with naming(path):
        if not _link_unnamed(directory, path, data):
            copy = _named_copy(directory, data)
            try:
                os.link(copy, path)
            finally:
                os.unlink(copy)
        _sync_directory(directory)


def replace(path, data):
    """A file's new content, or its old one if anything fails."""
    directory = os.path.dirname(path) or "."
    with naming(path):
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError(errno.EINVAL, "not a regular file")
        copy = _named_copy(directory, data)
        try:
            os.rename(copy, path)
        except OSError:
            os.unlink(copy)
            raise
        _sync_directory(directory)


@contextlib.contextmanager
def naming(path):
    """Errors name the file that was wanted, not the temporary one."""
    try:
        yield
    except OSError as error:
        raise type(error)(error.errno, error.strerror, path) from None


def as_json(value):
    """Bytes of valid JSON: no NaN, no infinity."""
    return (json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode("utf-8", "surrogateescape")


class Journal:
    """One JSON object per line; after a failed write it goes quiet and remembers why."""

    def __init__(self, path, header):
        self.path = path
        self.error = None
        with naming(path):
            self.fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
        self.add(header)

    def add(self, value):
        """False if it could not be written, now or earlier."""
        if self.error is None:
            line = json.dumps(value, allow_nan=False).encode() + b"\n"
            try:
                written = os.write(self.fd, line)
                if written != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                self.error = error
        return self.error is None

    def close(self, remove):
        os.close(self.fd)
        if remove:
            os.unlink(self.path)


LONGEST_LINE = 64 << 20


def read_journal(path):
    """The whole lines (W3); what is broken in the middle, or too long to be one of ours, ends it."""
    out = []
    with open(path, "rb") as f:
        while line := f.readline(LONGEST_LINE):
            if not line.endswith(b"\n"):
                break
            try:
                out.append(json.loads(line))
            except ValueError:
                break
    return out
