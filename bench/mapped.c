/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mapped.c - filling and churning a VM; bind and unbind.
 */
#include "mapped.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "rng.h"

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

int mapped_bind(struct mapped *m, struct mapped_thread *t)
{
	struct gpuvm_vm *vm = m->w.vm[0];
	uint32_t slot = ring_pop(&t->unmapped, t->nr_slots);
	struct gpuvm_map_req req = {
		.addr = (uint64_t)slot * MAPPED_STRIDE,
		.range = MAPPED_SIZE,
		.offset = (uint64_t)(slot / MAPPED_GEMS) * MAPPED_SIZE,
	};
	int ret = gpuvm_sm_prepare(vm, &t->sm, GPUVM_SM_MAP_VAS);

	ret = ret ? ret : gpuvm_obtain(vm, t->gem[slot % MAPPED_GEMS], &req.bo);
	if (ret)
		return ret;
	ret = gpuvm_sm_map(vm, &req, &t->sm);
	gpuvm_bo_put(req.bo);
	gpuvm_sm_release(&t->sm);
	ring_push(ret ? &t->unmapped : &t->mapped, t->nr_slots, slot);
	return ret;
}

int mapped_unbind(struct mapped *m, struct mapped_thread *t)
{
	struct gpuvm_vm *vm = m->w.vm[0];
	uint32_t slot = ring_pop(&t->mapped, t->nr_slots);
	int ret = gpuvm_sm_prepare(vm, &t->sm, GPUVM_SM_UNMAP_VAS);

	ret = ret ? ret : gpuvm_sm_unmap(vm, (uint64_t)slot * MAPPED_STRIDE, MAPPED_SIZE, &t->sm);
	gpuvm_sm_release(&t->sm);
	ring_push(ret ? &t->mapped : &t->unmapped, t->nr_slots, slot);
	return ret;
}

static int ring_init(struct mapped_ring *r, uint32_t room)
{
	r->slot = calloc(room, sizeof(*r->slot));
	return r->slot ? 0 : -ENOMEM;
}

/* All slots free and shuffled, then @filled mapped, then a quarter of those replaced. */
static int fill(struct bench_ctx *ctx, struct mapped *m, struct mapped_thread *t, uint32_t filled)
{
	uint64_t rng = ctx->seed + t->first;
	uint32_t i;
	int ret = 0;

	for (i = 0; i < t->nr_slots; i++)
		ring_push(&t->unmapped, t->nr_slots, t->first + i);
	rng_shuffle(&rng, t->unmapped.slot, t->nr_slots);
	for (i = 0; !ret && i < filled; i++)
		ret = mapped_bind(m, t);
	if (!ret && filled)
		rng_shuffle(&rng, t->mapped.slot, filled);
	for (i = 0; !ret && i < filled / 4; i++) {
		ret = mapped_unbind(m, t);
		ret = ret ? ret : mapped_bind(m, t);
	}
	m->held += t->mapped.nr;
	return ret;
}

static int thread_init(struct bench_ctx *ctx, struct mapped *m, unsigned int i, uint32_t filled, uint32_t spare)
{
	struct mapped_thread *t = &m->t[i];
	unsigned int g;
	int ret;

	t->nr_slots = filled + spare;
	t->first = i * t->nr_slots;
	t->gem = m->w.gem + i * MAPPED_GEMS;
	t->sm.priv = &t->steps;
	ret = ring_init(&t->unmapped, t->nr_slots);
	ret = ret ? ret : ring_init(&t->mapped, t->nr_slots);
	for (g = 0; !ret && g < MAPPED_GEMS; g++)
		ret = world_hold(&m->w, 0, i * MAPPED_GEMS + g);
	return ret ? ret : fill(ctx, m, t, filled);
}

int mapped_create(struct bench_ctx *ctx, struct mapped *m, uint64_t filled, uint32_t spare)
{
	uint64_t size = (filled + ctx->threads * (uint64_t)spare + MAPPED_GEMS) * MAPPED_SIZE;
	unsigned int i;
	int ret = world_create(ctx, &m->w, 1, NULL);

	m->nr_threads = ctx->threads;
	m->t = world_alloc(ctx->threads, sizeof(*m->t));
	if (!ret && !m->t)
		ret = -ENOMEM;
	if (!ret)
		ret = world_add_gems(&m->w, ctx->threads * MAPPED_GEMS, size, m->w.vm[0]);
	for (i = 0; !ret && i < ctx->threads; i++)
		ret = thread_init(ctx, m, i, (uint32_t)(filled / ctx->threads), spare);
	return ret;
}

void mapped_verify(struct bench_ctx *ctx, struct mapped *m)
{
	size_t nr;

	if (m->held > VERIFY_MAX)
		return;
	nr = gpuvm_vm_mappings(m->w.vm[0]);
	if (nr != m->held)
		bench_fail(ctx, "%zu mappings in the VM, must be %" PRIu64, nr, m->held);
}

void mapped_destroy(struct bench_ctx *ctx, struct mapped *m)
{
	unsigned int i;
	size_t nr = m->w.nr_vms ? gpuvm_vm_mappings(m->w.vm[0]) : 0;

	if (nr != m->held)
		bench_fail(ctx, "%zu mappings in the VM at the end, must be %" PRIu64, nr, m->held);
	for (i = 0; m->t && i < m->nr_threads; i++) {
		free(m->t[i].unmapped.slot);
		free(m->t[i].mapped.slot);
	}
	free(m->t);
	world_destroy(ctx, &m->w);
}
