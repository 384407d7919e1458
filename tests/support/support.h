/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * support.h - what every test program shares: the seed, random numbers, devices by strategy, live-object accounting.
 *
 * Not for: worlds of VMs and objects (world.h), recorded steps (trace.h).
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gpuvm/gpuvm.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define T_SANITIZED 1
#else
#define T_SANITIZED 0
#endif

/* t_ok() - a call that returns 0 or -errno must succeed; the message names the error. */
#define t_ok(call) t_ok_at((call), #call, __FILE__, __LINE__)
void t_ok_at(int ret, const char *what, const char *file, int line);

/* t_fails() - the call must return exactly @err (negative). */
#define t_fails(err, call) t_fails_at((err), (call), #call, __FILE__, __LINE__)
void t_fails_at(int err, int ret, const char *what, const char *file, int line);

/* ---- random numbers ---- */

struct t_rng {
	uint64_t state;
};

/* From GPUVM_SEED or the clock; printed the first time, so that a failure can be run again. */
uint64_t t_seed(void);
struct t_rng t_rng_make(uint64_t seed);
uint64_t t_rand(struct t_rng *rng);
/* 0 <= result < @n */
uint64_t t_below(struct t_rng *rng, uint64_t n);

/* ---- strategies ---- */

/* NULL: list, space and ref of the preset "linux"; alloc is always "glibc" when NULL, which every build has. */
struct gpuvm_device *t_device(const char *list, const char *space, const char *ref, const char *alloc);

/* The @index-th name on @axis that is not deliberately wrong; NULL past the end. */
const char *t_strategy(enum gpuvm_axis axis, unsigned int index);

/* ---- what is alive ---- */

struct t_live {
	int64_t n[GPUVM_TYPE_COUNT];
};

/* After a quiesce, so that what was retired is gone. Zeroes in the release build, which cannot count. */
void t_live_read(struct t_live *live);
/* Are the same numbers alive, if need be after a quiesce? Prints what differs. */
bool t_live_equal(const struct t_live *before);
void t_assert_live(const struct t_live *before, const char *file, int line);
#define t_live_same(before) t_assert_live((before), __FILE__, __LINE__)

/* Live objects of one type now, without waiting; 0 in the release build. */
int64_t t_live_now(enum gpuvm_type type);

/* ---- counters ---- */

/* One counter of the calling thread. */
uint64_t t_stat(enum gpuvm_stat stat);

/* ---- programs ---- */

/*
 * t_run() - run the tests of a program in one group, registered as a reader; the seed is printed first.
 * Return: what main() shall return.
 */
int t_run(const char *group, const struct CMUnitTest *tests, size_t count);

/*
 * t_child() - run this program again with one argument, and wait.
 *
 * For tests of what must abort: a fresh process has no threads that fork() would lose.
 * Return: the wait status, or -1 if it did not end within @seconds (it is then killed).
 */
int t_child(const char *arg, unsigned int seconds);

/* The child was stopped by a check: an assertion of the core or a sanitizer's report. */
bool t_child_caught(int status);
/* The child ended by itself with @code. */
bool t_child_says(int status, int code);

#endif /* TESTS_SUPPORT_H */
