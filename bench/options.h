/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * options.h - the command line. `gpuvm-bench --help` is its manual.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "parse.h"

#define OPTIONS_MAX_THREADS PARSE_MAX_THREADS

/**
 * struct options - what was asked for
 * @list: print the benchmarks' names
 * @dry_run: print what would run and for how long
 * @quick: the quick profile: smaller matrices, shorter
 * @color: colour the tables
 * @pin: one thread per core
 * @rank: the one case to run, its alternatives ranked; or NULL
 * @filter: extended regular expression, or NULL
 * @json: file to write, or NULL
 * @preset: base preset and the only strategies, or NULL
 * @duration_ns: measured time per benchmark; 0: as the quick profile's budget allows (status_fit())
 * @turn_in, @turn_out: file descriptors to wait for the turn on and to hand it back by, before each window; -1: none
 * @windows: the duration is cut into this many
 * @seed: of everything random
 * @threads: the counts, ascending, no duplicates
 * @nr_threads: how many of them
 */
struct options {
	bool list;
	bool dry_run;
	bool quick;
	bool color;
	bool pin;
	const char *rank;
	const char *filter;
	const char *json;
	const char *preset;
	uint64_t duration_ns;
	int turn_in, turn_out;
	uint64_t windows;
	uint64_t seed;
	unsigned int threads[OPTIONS_MAX_THREADS];
	unsigned int nr_threads;
};

/**
 * options_parse() - read the command line
 * @cpus: how many CPUs there are (--threads)
 *
 * Return: as command_parse().
 */
enum command_result options_parse(int argc, char **argv, unsigned int cpus, struct options *o);

#endif /* BENCH_OPTIONS_H */
