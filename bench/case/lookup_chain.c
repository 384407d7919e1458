/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lookup_chain.c - the same lookups as in the case lookup, but each address is known only when the last answer is there: the
 * latency of one lookup, where lookup measures how many a processor can have under way.
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
		*rng += found.offset >> 60; /* 0, as no VM is so large; only the mapping itself says so */
	}
}

const struct bench_case bench_case_lookup_chain = {
	.keys = { { "space" }, { "vas", "0 1024 32768 65536 1048576", "65536" } },
	.threads = true,
	.setup = lookups_setup,
	.run = run,
	.verify = lookups_verify,
	.teardown = lookups_teardown,
};
