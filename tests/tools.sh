#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# tools.sh - the tests of scripts/compare, bisect, report and results (Python, tests/tools/). Arguments: names to match.
exec /usr/bin/python3 "$(dirname "$0")/tools/run.py" "$@"
