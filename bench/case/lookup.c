/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lookup.c - gpuvm_lookup() at random mapped addresses of one VM with N mappings: the fault handler's question.
 *
 * The addresses do not depend on earlier answers, so the processor may overlap lookups if the strategy lets it; in
 * lookup_chain it may not. With vas:0 each thread has one mapping.
 */
#include "../lookups.h"

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	const struct lookups *s = ctx->state;
	uint64_t *rng = lookups_rng(s, thread);
	struct gpuvm_vm *vm = s->m.w.vm[0];
	struct gpuvm_mapping found;

	for (; n; n--) {
		if (!lookups_one(s, vm, rng, &found)) {
			bench_fail(ctx, "a mapped address was not found, or the wrong mapping was");
			return;
		}
	}
}

const struct bench_case bench_case_lookup = {
	.keys = { { "space" }, { "vas", "0 1024 32768 65536 1048576", "1024 65536" } },
	.threads = true,
	.setup = lookups_setup,
	.run = run,
	.verify = lookups_verify,
	.teardown = lookups_teardown,
};
