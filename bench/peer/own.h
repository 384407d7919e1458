/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* own.h - one VM; each thread has objects of its own, local to it, and visits them round and round. */
#ifndef BENCH_PEER_OWN_H
#define BENCH_PEER_OWN_H

#include "world.h"

#define PEER_OWN 64u

struct peer_own_thread {
	_Alignas(BENCH_LINE) struct drm_gem_object *gem[PEER_OWN];
	unsigned int next;
};

struct peer_own {
	struct peer_world w;
	struct peer_own_thread *t;
};

static inline struct drm_gem_object *peer_own_next(struct peer_own_thread *t)
{
	struct drm_gem_object *obj = t->gem[t->next];

	t->next = (t->next + 1) % PEER_OWN;
	return obj;
}

/** peer_own_create() - @held: every pair is registered and held. On error peer_own_destroy() is still called. */
int peer_own_create(struct bench_ctx *ctx, struct peer_own *s, bool held);

/** peer_own_destroy() - free everything */
void peer_own_destroy(struct bench_ctx *ctx, struct peer_own *s);

#endif /* BENCH_PEER_OWN_H */
