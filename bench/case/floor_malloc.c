/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * floor_malloc.c - malloc and free of 128 bytes by the same thread, through the C library's names.
 *
 * A program that is linked with jemalloc gets jemalloc under those names, and this one is (alloc:glibc goes round
 * that).
 */
#include <stdlib.h>

#include "../case.h"

static int setup(struct bench_ctx *ctx)
{
	return 0;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	void *p;

	for (; n; n--) {
		p = malloc(128);
		if (!p) {
			bench_fail(ctx, "out of memory");
			return;
		}
		bench_keep((uint64_t)(uintptr_t)p);
		free(p);
	}
}

static void teardown(struct bench_ctx *ctx)
{
}

const struct bench_case bench_case_floor_malloc = {
	.setup = setup,
	.run = run,
	.teardown = teardown,
};
