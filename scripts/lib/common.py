# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Exit codes, the one exception that ends a tool, strict numbers from command lines, colour."""

import argparse
import math
import os
import re
import sys

OK = 0
REGRESSION = 1  # or a failure: a benchmark that failed, a record that could not be written
USAGE = 2
INCONCLUSIVE = 3  # or the environment was refused
SKIPPED = 4
CANNOT_BUILD = 125


class Stop(Exception):
    """Ends the tool with a message that says what to do, and an exit code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def say(text):
    """Everything but data goes to stderr."""
    print(text, file=sys.stderr, flush=True)


def run_tool(main, argv=None):
    """Call main() as a program: messages without tracebacks, the right code, a closed stdout is an error."""
    name = os.path.basename(sys.argv[0])
    try:
        code = main(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except Stop as stop:
        say(f"{name}: {stop}")
        code = stop.code
    except KeyboardInterrupt:
        say(f"{name}: interrupted")
        code = 130
    except BrokenPipeError:
        # The reader went away (`| head`): not worth a traceback; what was asked for is not all written.
        code = REGRESSION
    except OSError as error:
        say(f"{name}: {error.filename or 'output'}: {error.strerror}")
        code = REGRESSION
    sys.exit(close_stdout(code))


def close_stdout(code):
    """@code, or a failure if what was printed cannot be written: else the interpreter tries again at its exit, and exits with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or REGRESSION
    return code


# ---- command lines ----

_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text):
    """'90s', '5m', '1.5h' to seconds."""
    m = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", text, re.ASCII)
    value = float(m.group(1)) * _UNITS[m.group(2)] if m else 0
    if not 0.001 <= value <= 7 * 86400:
        raise argparse.ArgumentTypeError(f"'{text}': want a time from 1ms to 168h, as in 90s, 5m or 1.5h")
    return value


def percent(text):
    """'3%' (or '3') to 0.03."""
    m = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)%?", text, re.ASCII)
    if not m or not 0 < float(m.group(1)) <= 100:
        raise argparse.ArgumentTypeError(f"'{text}': want a percentage above 0 and up to 100, as in 3%")
    return float(m.group(1)) / 100


def count(low, high):
    """A parser for decimal digits in [low, high]."""

    def parse(text):
        if not re.fullmatch(r"[0-9]{1,20}", text, re.ASCII) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"'{text}': want a number from {low} to {high}")
        return int(text)

    return parse


def regex(text):
    try:
        re.compile(text)
    except (re.error, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"'{text}': not a regular expression: {error}") from None
    if not text:
        raise argparse.ArgumentTypeError("an empty expression; leave the option away to take everything")
    return text


def parser(name, description, examples, codes):
    """An argument parser with this project's habits: no abbreviations, examples, exit codes in --help."""
    return argparse.ArgumentParser(
        prog=name, description=description, allow_abbrev=False, epilog=f"examples:\n{examples}\n\nexit status: {codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter)


# ---- words and colours ----

_CODES = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


class Paint:
    """Colour for one stream; the words carry the meaning, the colour only repeats it."""

    def __init__(self, mode, stream):
        tty = hasattr(stream, "isatty") and stream.isatty()
        self.on = mode == "always" or (mode == "auto" and tty and not os.environ.get("NO_COLOR"))

    def __call__(self, colour, text):
        return f"\033[{_CODES[colour]}m{text}\033[0m" if self.on and colour else text


def clock(seconds):
    seconds = max(0, round(seconds))
    if seconds >= 3600:
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 60}:{seconds % 60:02d}"


def nanoseconds(value):
    """Three or four significant digits, with a unit people read."""
    for limit, scale, unit in ((1e4, 1, "ns"), (1e7, 1e3, "us"), (1e10, 1e6, "ms"), (math.inf, 1e9, "s")):
        if value < limit:
            value /= scale
            digits = 2 if value < 10 else 1 if value < 1000 else 0
            return f"{value:.{digits}f} {unit}"
    return "?"


def change(log_ratio, digits=1):
    """A log ratio as a signed percentage."""
    return f"{(math.exp(log_ratio) - 1) * 100:+.{digits}f} %"
