/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * pairs.c - dealing pairs to threads.
 */
#include "pairs.h"

#include <errno.h>
#include <stdlib.h>

int pairs_create(struct bench_ctx *ctx, struct pairs *p, size_t vms)
{
	int ret = world_create(ctx, &p->w, vms, NULL);

	p->t = world_alloc(ctx->threads, sizeof(*p->t));
	return ret ? ret : p->t ? 0 : -ENOMEM;
}

int pairs_own_gems(struct bench_ctx *ctx, struct pairs *p, unsigned int nr)
{
	unsigned int i, k;
	int ret = pairs_create(ctx, p, 1);

	if (!ret)
		ret = world_add_gems(&p->w, (size_t)nr * ctx->threads, WORLD_PAGE, p->w.vm[0]);
	for (i = 0; !ret && i < ctx->threads; i++) {
		p->t[i].nr = nr;
		for (k = 0; k < nr; k++) {
			p->t[i].vm[k] = p->w.vm[0];
			p->t[i].gem[k] = p->w.gem[i * nr + k];
		}
	}
	return ret;
}

void pairs_destroy(struct bench_ctx *ctx, struct pairs *p)
{
	if (p->w.nr_vms)
		gpuvm_bo_deferred_cleanup(p->w.vm[0], 0);
	world_destroy(ctx, &p->w);
	free(p->t);
}
