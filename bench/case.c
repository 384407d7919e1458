/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * case.c - what case.h offers to cases.
 */
#include "case.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *bench_str(const struct bench_ctx *ctx, const char *key)
{
	unsigned int i;

	for (i = 0; i < BENCH_KEYS && ctx->keys[i].name; i++)
		if (!strcmp(ctx->keys[i].name, key))
			return ctx->value[i];
	fprintf(stderr, "bench: a case asked for key '%s', which it does not vary\n", key);
	abort();
}

uint64_t bench_num(const struct bench_ctx *ctx, const char *key)
{
	return strtoull(bench_str(ctx, key), NULL, 10);
}

void bench_fail(struct bench_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	/* Written by the first only; read by the main thread once the workers rest. */
	if (atomic_exchange(&ctx->failed, true))
		return;
	va_start(ap, fmt);
	vsnprintf(ctx->why, sizeof(ctx->why), fmt, ap);
	va_end(ap);
}

void bench_expect(struct bench_ctx *ctx, const struct bench_window *w, enum gpuvm_stat stat, uint64_t want)
{
	if (w->stats.v[stat] != want)
		bench_fail(ctx, "counter %s is %" PRIu64 ", must be %" PRIu64 " after %" PRIu64 " operations",
			   gpuvm_stat_name(stat), w->stats.v[stat], want, w->ops);
}
