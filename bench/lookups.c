/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lookups.c - the VM that the cases about gpuvm_lookup() look at.
 */
#include "lookups.h"

#include <errno.h>
#include <stdlib.h>

/* One free slot per thread, the part's last, lets the churn move; it is filled at the end. */
int lookups_setup(struct bench_ctx *ctx)
{
	struct lookups *s = world_alloc(1, sizeof(*s));
	unsigned int i;
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	ret = mapped_create(ctx, &s->m, bench_num(ctx, "vas"), 1);
	s->rng = world_alloc(ctx->threads, BENCH_LINE);
	if (ret || !s->rng)
		return ret ? ret : -ENOMEM;
	for (i = 0; !ret && i < ctx->threads; i++) {
		*lookups_rng(s, i) = ctx->seed + i;
		s->slots += s->m.t[i].nr_slots;
		s->m.held++;
		ret = mapped_bind(&s->m, &s->m.t[i]);
	}
	return ret;
}

void lookups_verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	bench_expect(ctx, w, GPUVM_STAT_ALLOC, 0);
	if (w->stats.v[GPUVM_STAT_SPACE_FAST] + w->stats.v[GPUVM_STAT_SPACE_LOCK] < w->ops)
		bench_fail(ctx, "fewer reads of the space than lookups");
}

void lookups_teardown(struct bench_ctx *ctx)
{
	struct lookups *s = ctx->state;

	if (!s)
		return;
	mapped_destroy(ctx, &s->m);
	free(s->rng);
	free(s);
}
