#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# fake_stress.sh - a gpuvm-stress that runs nothing: its report says what FAKE_SLOPE (KiB per run), FAKE_STATUS and FAKE_SLEEP ask for.
# Options land in $FAKE_LOG, one slice per line.
json=
repeat=1
for arg; do
	case $arg in
	--version) echo 'gpuvm-bench fake' && exit 0 ;;
	--space=none) echo 'gpuvm-stress: --space=none: want a name' >&2 && exit 2 ;;
	--list) exit 0 ;;
	--json=*) json=${arg#*=} ;;
	--repeat=*) repeat=${arg#*=} ;;
	esac
done
echo "$*" >>"$FAKE_LOG"
trap 'FAKE_SLEEP=0' INT TERM
for _ in $(seq 100); do
	[ "${FAKE_SLEEP:-0}" = 0 ] || sleep "$FAKE_SLEEP"
done
{
	printf '{"runs": ['
	i=0
	while [ "$i" -lt $((repeat * 2)) ]; do
		[ "$i" -eq 0 ] || printf ','
		printf '{"scenario": "s%d", "list": "l", "space": "s", "ref": "r", "alloc": "a", "operations": 1000, "seconds": 36,' $((i % 2))
		printf '"ended": %d, "rss_kib": [900, 1000, %d], "live": [7, 0], "verdict": "%s"}' $((36 * (i + 1))) \
			$((10000 + i * ${FAKE_SLOPE:-0})) "$([ "${FAKE_STATUS:-0}" = 4 ] && echo skipped || echo ok)"
		i=$((i + 1))
	done
	printf ']}'
} >"$json"
[ "${FAKE_STATUS:-0}" != 1 ] || echo 'repeat with: gpuvm-stress --seed=5' >&2
exit "${FAKE_STATUS:-0}"
