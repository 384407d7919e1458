/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* mapped.c - filling and churning a VM of the peer's exactly as bench/mapped.c does one of the core's. */
#include <inttypes.h>
#include <stdlib.h>

#include "../rng.h"
#include "mapped.h"

#define VERIFY_MAX 100000u

int peer_mapped_bind(struct peer_mapped *m, struct peer_mapped_thread *t)
{
	uint32_t slot = mapped_ring_pop(&t->unmapped, t->nr_slots);
	int ret = peer_map(m->w.vm[0], t->gem[slot % MAPPED_GEMS], (u64)slot * MAPPED_STRIDE, MAPPED_SIZE,
			   (u64)(slot / MAPPED_GEMS) * MAPPED_SIZE);

	mapped_ring_push(ret ? &t->unmapped : &t->mapped, t->nr_slots, slot);
	return ret;
}

int peer_mapped_unbind(struct peer_mapped *m, struct peer_mapped_thread *t)
{
	uint32_t slot = mapped_ring_pop(&t->mapped, t->nr_slots);
	int ret = peer_unmap(m->w.vm[0], (u64)slot * MAPPED_STRIDE, MAPPED_SIZE);

	mapped_ring_push(ret ? &t->mapped : &t->unmapped, t->nr_slots, slot);
	return ret;
}

static int fill(struct bench_ctx *ctx, struct peer_mapped *m, struct peer_mapped_thread *t, uint32_t filled)
{
	uint64_t rng = ctx->seed + t->first;
	uint32_t i;
	int ret = 0;

	for (i = 0; i < t->nr_slots; i++)
		mapped_ring_push(&t->unmapped, t->nr_slots, t->first + i);
	rng_shuffle(&rng, t->unmapped.slot, t->nr_slots);
	for (i = 0; !ret && i < filled; i++)
		ret = peer_mapped_bind(m, t);
	if (!ret && filled)
		rng_shuffle(&rng, t->mapped.slot, filled);
	for (i = 0; !ret && i < filled / 4; i++) {
		ret = peer_mapped_unbind(m, t);
		ret = ret ? ret : peer_mapped_bind(m, t);
	}
	m->held += t->mapped.nr;
	return ret;
}

static int thread_init(struct bench_ctx *ctx, struct peer_mapped *m, unsigned int i, uint32_t filled, uint32_t spare)
{
	struct peer_mapped_thread *t = &m->t[i];
	unsigned int g;
	int ret;

	t->nr_slots = filled + spare;
	t->first = i * t->nr_slots;
	t->gem = m->w.gem + i * MAPPED_GEMS;
	ret = mapped_ring_init(&t->unmapped, t->nr_slots);
	ret = ret ? ret : mapped_ring_init(&t->mapped, t->nr_slots);
	for (g = 0; !ret && g < MAPPED_GEMS; g++)
		ret = peer_world_hold(&m->w, 0, i * MAPPED_GEMS + g);
	return ret ? ret : fill(ctx, m, t, filled);
}

int peer_mapped_create(struct bench_ctx *ctx, struct peer_mapped *m, uint64_t filled, uint32_t spare)
{
	unsigned int i;
	int ret = peer_world_create(ctx, &m->w, 1, DRM_GPUVM_RESV_PROTECTED);

	m->nr_threads = ctx->threads;
	m->t = world_alloc(ctx->threads, sizeof(*m->t));
	if (!ret && !m->t)
		ret = -ENOMEM;
	if (!ret)
		ret = peer_world_add_gems(&m->w, ctx->threads * MAPPED_GEMS, m->w.vm[0]);
	for (i = 0; !ret && i < ctx->threads; i++)
		ret = thread_init(ctx, m, i, (uint32_t)(filled / ctx->threads), spare);
	return ret;
}

void peer_mapped_verify(struct bench_ctx *ctx, struct peer_mapped *m)
{
	size_t nr;

	peer_world_verify(ctx);
	if (m->held > VERIFY_MAX)
		return;
	nr = peer_mappings(m->w.vm[0]);
	if (nr != m->held)
		bench_fail(ctx, "%zu mappings in the VM, must be %" PRIu64, nr, m->held);
}

void peer_mapped_destroy(struct bench_ctx *ctx, struct peer_mapped *m)
{
	size_t nr = m->w.nr_vms ? peer_mappings(m->w.vm[0]) : 0;
	unsigned int i;

	if (nr != m->held)
		bench_fail(ctx, "%zu mappings in the VM at the end, must be %" PRIu64, nr, m->held);
	for (i = 0; m->t && i < m->nr_threads; i++) {
		free(m->t[i].unmapped.slot);
		free(m->t[i].mapped.slot);
	}
	free(m->t);
	peer_world_destroy(ctx, &m->w);
}

/* ---- what cases share ---- */

int peer_mapped_setup(struct bench_ctx *ctx, uint64_t filled, uint32_t spare)
{
	struct peer_mapped *m = calloc(1, sizeof(*m));

	ctx->state = m;
	return m ? peer_mapped_create(ctx, m, filled, spare) : -ENOMEM;
}

void peer_mapped_many(struct bench_ctx *ctx, unsigned int thread, uint64_t n, const char *what,
		      int (*op)(struct peer_mapped *m, struct peer_mapped_thread *t))
{
	int ret = peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);
	struct peer_mapped *m = ctx->state;

	for (; !ret && n; n--)
		ret = op(m, &m->t[thread]);
	if (ret)
		bench_fail(ctx, "%s returned %d", what, ret);
}

void peer_mapped_binds(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	peer_mapped_many(ctx, thread, n, "bind", peer_mapped_bind);
}

void peer_mapped_unbinds(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	peer_mapped_many(ctx, thread, n, "unbind", peer_mapped_unbind);
}

void peer_mapped_check(struct bench_ctx *ctx, const struct bench_window *w)
{
	peer_mapped_verify(ctx, ctx->state);
}

void peer_mapped_teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		peer_mapped_destroy(ctx, ctx->state);
	free(ctx->state);
}
