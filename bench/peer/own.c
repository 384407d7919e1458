/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* own.c - see own.h */
#include <stdlib.h>

#include "../world.h"
#include "own.h"

int peer_own_create(struct bench_ctx *ctx, struct peer_own *s, bool held)
{
	unsigned int i;
	int ret = peer_world_create(ctx, &s->w, 1, DRM_GPUVM_RESV_PROTECTED);

	s->t = world_alloc(ctx->threads, sizeof(*s->t));
	if (!ret && !s->t)
		ret = -ENOMEM;
	ret = ret ? ret : peer_world_add_gems(&s->w, (size_t)ctx->threads * PEER_OWN, s->w.vm[0]);
	for (i = 0; !ret && i < ctx->threads * PEER_OWN; i++) {
		s->t[i / PEER_OWN].gem[i % PEER_OWN] = &s->w.gem[i]->base;
		ret = held ? peer_world_hold(&s->w, 0, i) : 0;
	}
	return ret;
}

void peer_own_destroy(struct bench_ctx *ctx, struct peer_own *s)
{
	peer_world_destroy(ctx, &s->w);
	free(s->t);
}
