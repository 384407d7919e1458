/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * iterate.c - one walk over all N mappings of a VM, in one reader's section: what a dump or a validation of everything does.
 */
#include <errno.h>
#include <stdlib.h>

#include "../mapped.h"

static int setup(struct bench_ctx *ctx)
{
	return mapped_setup(ctx, bench_num(ctx, "vas"), 16);
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct mapped *m = ctx->state;
	struct gpuvm_vm *vm = m->w.vm[0];
	struct gpuvm_reader r;
	struct gpuvm_va *va;
	uint64_t met, sum;

	for (; n; n--) {
		met = sum = 0;
		gpuvm_read_begin(vm, &r);
		for (va = gpuvm_va_first(&r, 0, WORLD_RANGE); va; va = gpuvm_va_next(&r, va)) {
			sum += gpuvm_va_offset(va);
			met++;
		}
		gpuvm_read_end(&r);
		bench_keep(sum);
		if (met != m->held)
			bench_fail(ctx, "a walk met %llu mappings, not %llu", (unsigned long long)met,
				   (unsigned long long)m->held);
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	bench_expect(ctx, w, GPUVM_STAT_ALLOC, 0);
}

const struct bench_case bench_case_iterate = {
	.keys = { { "space" }, { "vas", "1024 32768 65536 1048576", "65536" } },
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = mapped_teardown,
};
