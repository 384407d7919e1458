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

/* ---- rings, for the peer's bench too ---- */

int mapped_ring_init(struct mapped_ring *r, uint32_t room)
{
	r->slot = calloc(room, sizeof(*r->slot));
	return r->slot ? 0 : -ENOMEM;
}

uint32_t mapped_ring_pop(struct mapped_ring *r, uint32_t room)
{
	uint32_t slot = r->slot[r->head];

	r->head = r->head + 1 == room ? 0 : r->head + 1;
	r->nr--;
	return slot;
}

void mapped_ring_push(struct mapped_ring *r, uint32_t room, uint32_t slot)
{
	uint32_t at = r->head + r->nr;

	r->slot[at >= room ? at - room : at] = slot;
	r->nr++;
}

uint32_t mapped_take(struct mapped_thread *t, struct mapped_ring *from)
{
	return mapped_ring_pop(from, t->nr_slots);
}

void mapped_give(struct mapped_thread *t, struct mapped_ring *to, uint32_t slot)
{
	mapped_ring_push(to, t->nr_slots, slot);
}

/* ---- whole operations ---- */

int mapped_map_at(struct mapped_thread *t, struct gpuvm_gem *gem, uint64_t addr, uint64_t range, uint64_t offset)
{
	struct gpuvm_map_req req = { .addr = addr, .range = range, .offset = offset };
	int ret = gpuvm_sm_prepare(t->vm, &t->sm, GPUVM_SM_MAP_VAS);

	ret = ret ? ret : gpuvm_obtain(t->vm, gem, &req.bo);
	if (ret)
		return ret;
	ret = gpuvm_sm_map(t->vm, &req, &t->sm);
	gpuvm_bo_put(req.bo);
	gpuvm_sm_release(&t->sm);
	return ret;
}

int mapped_map(struct mapped_thread *t, uint32_t slot)
{
	return mapped_map_at(t, t->gem[slot % MAPPED_GEMS], mapped_addr(t, slot), MAPPED_SIZE, mapped_offset(slot));
}

int mapped_unmap(struct mapped_thread *t, uint32_t slot)
{
	int ret = gpuvm_sm_prepare(t->vm, &t->sm, GPUVM_SM_UNMAP_VAS);

	ret = ret ? ret : gpuvm_sm_unmap(t->vm, mapped_addr(t, slot), MAPPED_SIZE, &t->sm);
	gpuvm_sm_release(&t->sm);
	return ret;
}

int mapped_bind(struct mapped *m, struct mapped_thread *t)
{
	uint32_t slot = mapped_take(t, &t->unmapped);
	int ret = mapped_map(t, slot);

	mapped_give(t, ret ? &t->unmapped : &t->mapped, slot);
	return ret;
}

int mapped_unbind(struct mapped *m, struct mapped_thread *t)
{
	uint32_t slot = mapped_take(t, &t->mapped);
	int ret = mapped_unmap(t, slot);

	mapped_give(t, ret ? &t->mapped : &t->unmapped, slot);
	return ret;
}

/* ---- a VM ---- */

/* All slots free and shuffled, then @filled mapped, then a quarter of those replaced. */
static int fill(struct bench_ctx *ctx, struct mapped *m, struct mapped_thread *t, uint32_t filled)
{
	uint64_t rng = ctx->seed + t->first;
	uint32_t i;
	int ret = 0;

	for (i = 0; i < t->nr_slots; i++)
		mapped_give(t, &t->unmapped, t->first + i * t->step);
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

/* Number of part @i's first slot. */
static uint32_t first_slot(const struct mapped_plan *plan, unsigned int i, uint32_t nr_slots)
{
	switch (plan->layout) {
	case MAPPED_APART:
		return (uint32_t)(i * (WORLD_RANGE / MAPPED_STRIDE / plan->parts));
	case MAPPED_INTERLEAVED:
		return i;
	case MAPPED_OWN_VMS:
		return 0;
	default:
		return i * nr_slots;
	}
}

static int thread_init(struct bench_ctx *ctx, struct mapped *m, const struct mapped_plan *plan, unsigned int i)
{
	uint32_t filled = (uint32_t)(plan->filled / plan->parts);
	size_t vm = plan->layout == MAPPED_OWN_VMS ? i : 0;
	struct mapped_thread *t = &m->t[i];
	unsigned int g;
	int ret;

	t->nr_slots = filled + plan->spare;
	t->first = first_slot(plan, i, t->nr_slots);
	t->step = plan->layout == MAPPED_INTERLEAVED ? plan->parts : 1;
	t->vm = m->w.vm[vm];
	t->sm.priv = &t->steps;
	ret = mapped_ring_init(&t->unmapped, t->nr_slots);
	ret = ret ? ret : mapped_ring_init(&t->mapped, t->nr_slots);
	ret = ret ? ret : world_add_gems(&m->w, MAPPED_GEMS, WORLD_RANGE, t->vm);
	for (g = 0; !ret && g < MAPPED_GEMS; g++)
		ret = world_hold(&m->w, vm, i * MAPPED_GEMS + g);
	return ret;
}

int mapped_create_at(struct bench_ctx *ctx, struct mapped *m, const struct mapped_plan *plan)
{
	size_t vms = plan->layout == MAPPED_OWN_VMS ? plan->parts : 1;
	int ret = world_create(ctx, &m->w, vms, plan->driver);
	unsigned int i;

	m->nr_threads = plan->parts;
	m->t = world_alloc(plan->parts, sizeof(*m->t));
	if (!ret && !m->t)
		ret = -ENOMEM;
	for (i = 0; !ret && i < plan->parts; i++)
		ret = thread_init(ctx, m, plan, i);
	for (i = 0; !ret && i < plan->parts; i++) { /* the objects' array does not move any more */
		m->t[i].gem = m->w.gem + i * MAPPED_GEMS;
		ret = fill(ctx, m, &m->t[i], (uint32_t)(plan->filled / plan->parts));
	}
	return ret;
}

int mapped_create(struct bench_ctx *ctx, struct mapped *m, uint64_t filled, uint32_t spare)
{
	const struct mapped_plan plan = {
		.parts = ctx->threads, .layout = MAPPED_ADJACENT, .filled = filled, .spare = spare
	};

	return mapped_create_at(ctx, m, &plan);
}

void mapped_crowd(struct mapped *m)
{
	uint32_t middle = m->t[0].first + m->t[0].nr_slots / 2 * m->t[0].step;
	unsigned int i;

	for (i = 0; i < m->nr_threads; i++) {
		struct mapped_thread *t = &m->t[i];

		t->shift = MAPPED_SIZE;
		t->nr_slots = 1;
		t->mapped.head = t->mapped.nr = t->unmapped.head = t->unmapped.nr = 0;
		mapped_give(t, &t->unmapped, middle + i);
	}
}

size_t mapped_count(const struct mapped *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->w.nr_vms; i++)
		n += gpuvm_vm_mappings(m->w.vm[i]);
	return n;
}

void mapped_verify(struct bench_ctx *ctx, struct mapped *m)
{
	size_t nr;

	if (m->held > VERIFY_MAX)
		return;
	nr = mapped_count(m);
	if (nr != m->held)
		bench_fail(ctx, "%zu mappings in the VM, must be %" PRIu64, nr, m->held);
}

void mapped_destroy(struct bench_ctx *ctx, struct mapped *m)
{
	unsigned int i;
	size_t nr = mapped_count(m);

	if (nr != m->held)
		bench_fail(ctx, "%zu mappings in the VM at the end, must be %" PRIu64, nr, m->held);
	for (i = 0; m->t && i < m->nr_threads; i++) {
		free(m->t[i].unmapped.slot);
		free(m->t[i].mapped.slot);
	}
	free(m->t);
	world_destroy(ctx, &m->w);
}

/* ---- what cases share ---- */

int mapped_setup(struct bench_ctx *ctx, uint64_t filled, uint32_t spare)
{
	struct mapped *m = calloc(1, sizeof(*m));

	ctx->state = m;
	return m ? mapped_create(ctx, m, filled, spare) : -ENOMEM;
}

void mapped_many(struct bench_ctx *ctx, unsigned int thread, uint64_t n, const char *what,
		 int (*op)(struct mapped *m, struct mapped_thread *t))
{
	struct mapped *m = ctx->state;
	int ret = 0;

	for (; !ret && n; n--)
		ret = op(m, &m->t[thread]);
	if (ret)
		bench_fail(ctx, "%s returned %d", what, ret);
}

void mapped_binds(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	mapped_many(ctx, thread, n, "bind", mapped_bind);
}

void mapped_unbinds(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	mapped_many(ctx, thread, n, "unbind", mapped_unbind);
}

void mapped_check(struct bench_ctx *ctx, const struct bench_window *w, unsigned int vas)
{
	if (w->stats.v[GPUVM_STAT_ALLOC] < vas * w->ops)
		bench_fail(ctx, "fewer allocations than pre-allocated mappings");
	mapped_verify(ctx, ctx->state);
}

void mapped_teardown(struct bench_ctx *ctx)
{
	if (ctx->state)
		mapped_destroy(ctx, ctx->state);
	free(ctx->state);
}
