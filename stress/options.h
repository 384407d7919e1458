/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * options.h - gpuvm-stress's command line.
 */
#ifndef STRESS_OPTIONS_H
#define STRESS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <gpuvm/gpuvm.h>

/**
 * struct options - parsed
 * @scenario: names, comma-separated, or NULL: all
 * @strategy: per axis: a name, "all", or NULL: the preset's
 * @preset: base of the choice
 * @threads: workers
 * @duration_ns: for everything together
 * @repeat: go through all runs so many times
 * @seed: printed always
 * @mode: GPUVM_VM_* or -1: drawn per run
 * @stutter: stop and go
 * @shuffle: move threads between CPUs
 * @jitter: yield or spin at one in so many race points; 0: none
 * @fail_one_in: one in so many allocations fails; 0: none
 * @stat_interval_ns: time between status lines
 * @watchdog_ns: no progress for so long is a failure
 * @json: report file or NULL
 * @list: print the scenarios and leave
 */
struct options {
	const char *scenario;
	const char *strategy[GPUVM_AXIS_PRESET];
	const char *preset;
	uint64_t threads;
	uint64_t duration_ns;
	uint64_t repeat;
	uint64_t seed;
	int mode;
	bool stutter;
	bool shuffle;
	uint64_t jitter;
	uint64_t fail_one_in;
	uint64_t stat_interval_ns;
	uint64_t watchdog_ns;
	const char *json;
	bool list;
};

/** options_parse() - Return: -1: go on; else exit with this status (--help, --version, a mistake) */
int options_parse(struct options *o, int argc, char **argv);

/** options_mode_name() - "staged", "immediate", ...; static storage */
const char *options_mode_name(uint32_t vm_flags);

#endif /* STRESS_OPTIONS_H */
