/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * parse.h - numbers, times and lists from a command line; shared by gpuvm-bench and gpuvm-stress.
 */
#ifndef BENCH_PARSE_H
#define BENCH_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#define PARSE_MAX_THREADS 1024u

/** parse_u64() - decimal digits only, in [@min, @max]. Return: false if @text is anything else. */
bool parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/** parse_time() - digits, an optional fraction and us, ms, s or m; in [@min, @max] ns */
bool parse_time(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/**
 * parse_threads() - items N, A-B or A-B:STEP separated by commas, or "all": 1 to @cpus
 *
 * Return: false if @text is anything else; else @out is ascending without duplicates, *@nr long.
 */
bool parse_threads(const char *text, unsigned int cpus, unsigned int *out, unsigned int *nr);

#endif /* BENCH_PARSE_H */
