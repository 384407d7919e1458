/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* mapped.c - filling and churning a VM of the peer's exactly as bench/mapped.c does one of the core's. */
#include <inttypes.h>
#include <stdlib.h>

#include "../rng.h"
#include "mapped.h"

#define VERIFY_MAX 100000u

static uint32_t ring_pop(struct mapped_ring *r, uint32_t room)
{
	uint32_t slot = r->slot[r->head];

	r->head = r->head + 1 == room ? 0 : r->head + 1;
	r->nr--;
	return slot;
}

static void ring_push(struct mapped_ring *r, uint32_t room, uint32_t slot)
{
	uint32_t at = r->head + r->nr;

	r->slot[at >= room ? at - room : at] = slot;
	r->nr++;
}

int peer_mapped_bind(struct peer_mapped *m, struct peer_mapped_thread *t)
{
	uint32_t slot = ring_pop(&t->unmapped, t->nr_slots);
	int ret = peer_map(m->w.vm[0], t->gem[slot % MAPPED_GEMS], (u64)slot * MAPPED_STRIDE, MAPPED_SIZE,
			   (u64)(slot / MAPPED_GEMS) * MAPPED_SIZE);

	ring_push(ret ? &t->unmapped : &t->mapped, t->nr_slots, slot);
	return ret;
}

int peer_mapped_unbind(struct peer_mapped *m, struct peer_mapped_thread *t)
{
	uint32_t slot = ring_pop(&t->mapped, t->nr_slots);
	int ret = peer_unmap(m->w.vm[0], (u64)slot * MAPPED_STRIDE, MAPPED_SIZE);

	ring_push(ret ? &t->mapped : &t->unmapped, t->nr_slots, slot);
	return ret;
}

static int ring_init(struct mapped_ring *r, uint32_t room)
{
	r->slot = calloc(room, sizeof(*r->slot));
	return r->slot ? 0 : -ENOMEM;
}

static int fill(struct bench_ctx *ctx, struct peer_mapped *m, struct peer_mapped_thread *t, uint32_t filled)
{
	uint64_t rng = ctx->seed + t->first;
	uint32_t i;
	int ret = 0;

	for (i = 0; i < t->nr_slots; i++)
		ring_push(&t->unmapped, t->nr_slots, t->first + i);
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
	ret = ring_init(&t->unmapped, t->nr_slots);
	ret = ret ? ret : ring_init(&t->mapped, t->nr_slots);
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
