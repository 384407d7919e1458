/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * tail.c - see tail.h.
 */
#include "tail.h"

#include "machine.h"
#include "rng.h"

static void piece(struct tail *t, uint64_t n)
{
	t->job->c->run(t->job->ctx, t->thread, n);
	if (t->job->c->reset)
		t->job->c->reset(t->job->ctx, t->thread, n);
	gpuvm_thread_quiescent();
}

/* The load as long as another piece of it fits in; then wait. Late already: neither. */
static void load_until(struct tail *t, uint64_t due)
{
	uint64_t n = TAIL_LOAD_NS / t->op_ns;

	n = n < t->job->batch ? n : t->job->batch;
	n = n ? n : 1;
	while (machine_now() + n * t->op_ns < due)
		piece(t, n);
	while (machine_now() < due)
		;
}

static void take(struct tail *t, uint64_t due)
{
	t->job->c->run(t->job->ctx, t->thread, 1);
	latency_count(t->counts, machine_now() - due);
	if (t->job->c->reset)
		t->job->c->reset(t->job->ctx, t->thread, 1);
	gpuvm_thread_quiescent();
}

void tail_sample(struct tail *t, uint64_t from, uint64_t until)
{
	uint64_t gap = t->op_ns > TAIL_GAP_NS / 4 ? 4 * t->op_ns : TAIL_GAP_NS, due = from;

	gap = gap < UINT32_MAX ? gap : UINT32_MAX;
	/* At random: a fixed distance could meet the same phase of something periodic each time, as every 64th clean-up. */
	for (;;) {
		due += gap / 2 + rng_below(&t->rng, (uint32_t)gap);
		if (due >= until || t->job->ctx->failed)
			return;
		load_until(t, due);
		take(t, due);
	}
}
