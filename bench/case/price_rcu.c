/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * price_rcu.c - what the RCU flavour of this build (make RCU=...) asks: of a reader per section, of a writer per grace
 * period.
 *
 *   op:section  one empty read section, inlined; with qsbr it is nothing, as the harness announces quiescent states
 *   op:grace    one synchronize_rcu(); with threads:2 both wait, and liburcu lets one pay for both
 */
#define _LGPL_SOURCE
#define URCU_INLINE_SMALL_FUNCTIONS
#define URCU_API_MAP
#if defined(GPUVM_RCU_QSBR)
#include <urcu/urcu-qsbr.h>
#elif defined(GPUVM_RCU_MB)
#include <urcu/urcu-mb.h>
#elif defined(GPUVM_RCU_BP)
#include <urcu/urcu-bp.h>
#else
#include <urcu/urcu-memb.h>
#endif
#include <string.h>

#include "../case.h"

static int setup(struct bench_ctx *ctx)
{
	return 0;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	bool grace = !strcmp(bench_str(ctx, "op"), "grace");

	for (; n; n--) {
		if (grace) {
			synchronize_rcu();
		} else {
			rcu_read_lock();
			__asm__ volatile("" : : : "memory");
			rcu_read_unlock();
		}
	}
}

static void teardown(struct bench_ctx *ctx)
{
}

const struct bench_case bench_case_price_rcu = {
	.keys = { { "op", "section grace" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.teardown = teardown,
};
