/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sm.c - split and merge: the walk and its edits. Sees the space contract and mappings; no list, no lock, no RCU.
 * What drives it: sm_run.c (callbacks) and oplist.c (lists).
 *
 * One rule instead of upstream's nine branches. For a mapping [a, e) and a request [ra, re):
 *
 *	prev  = [a, ra)   if a < ra
 *	next  = [re, e)   if e > re
 *	keep  = the request shows the same object, and the same bytes of it, where the mapping does: same bo, and
 *	        offset - a == request's offset - ra (modulo 2^64, so it holds on both sides)
 *
 * With a prev or a next the step is a REMAP, else an UNMAP. A map request ends with one MAP. madvise differs in that it
 * skips mappings with an object, leaves alone what lies wholly inside, and MAPs anew the inner part of what it cut.
 */
#include "sm.h"

static const struct {
	bool edits, keeps, maps_all, skips_objects, maps_cut; /* see the walk */
	enum gpuvm__grow grow;
	unsigned int slots; /* of struct gpuvm_sm that must be filled, one bit each */
} kinds[GPUVM__SM_KINDS] = {
	[GPUVM__SM_MAP] = { .edits = true,
			    .keeps = true,
			    .maps_all = true,
			    .grow = GPUVM__FILLS,
			    .slots = 1 << GPUVM_SM_NEW | 1 << GPUVM_SM_PREV | 1 << GPUVM_SM_NEXT },
	[GPUVM__SM_UNMAP] = { .edits = true, .grow = GPUVM__CUTS, .slots = 1 << GPUVM_SM_PREV | 1 << GPUVM_SM_NEXT },
	[GPUVM__SM_PREFETCH] = { .edits = false },
	[GPUVM__SM_MADVISE] = { .edits = true,
				.skips_objects = true,
				.maps_cut = true,
				.grow = GPUVM__FILLS,
				.slots = 1 << GPUVM_SM_NEW | 1 << GPUVM_SM_PREV | 1 << GPUVM_SM_NEXT |
					 1 << GPUVM_SM_NEW2 },
	[GPUVM__SM_BO_UNMAP] = { .edits = true },
};

static uint64_t req_end(const struct gpuvm_map_req *req)
{
	return req->addr + req->range;
}

/* ---- one mapping ---- */

/* The part [lo, hi) of @va as a request of its own. */
static struct gpuvm_map_req part_of(const struct gpuvm_va *va, uint64_t lo, uint64_t hi)
{
	return (struct gpuvm_map_req){
		.addr = lo,
		.range = hi - lo,
		.offset = !va->bo ? 0 : va->offset + (GPUVM_PLANT(offset_not_adjusted) ? 0 : lo - va->start),
		.bo = va->bo,
		.flags = gpuvm_va_flags(va),
	};
}

static bool sticks_out(const struct gpuvm__sm *s, const struct gpuvm_va *va)
{
	return va->start < s->lo || va->end > s->hi;
}

static bool keeps(const struct gpuvm__sm *s, const struct gpuvm_va *va)
{
	return kinds[s->kind].keeps && va->bo && (va->bo == s->req.bo || GPUVM_PLANT(keep_other_object)) &&
	       va->offset - va->start == s->req.offset - s->req.addr;
}

static void fill_prefetch(const struct gpuvm__sm *s, struct gpuvm_va *va, struct gpuvm__sm_step *step)
{
	step->op = (struct gpuvm_op){ .type = GPUVM_OP_PREFETCH, .vm = s->cursor->vm, .prefetch.va = va };
}

/* The rule. */
static void fill_removal(const struct gpuvm__sm *s, struct gpuvm_va *va, struct gpuvm__sm_step *step)
{
	uint64_t lo = s->lo, hi = s->hi;
	bool prev = va->start < lo, next = va->end > hi;

	if (GPUVM_PLANT(prev_off_by_one))
		prev = va->start <= lo;
	if (GPUVM_PLANT(next_off_by_one))
		next = va->end >= hi;
	step->unmap = (struct gpuvm_op_unmap){ .va = va, .keep = keeps(s, va) };
	step->op.vm = s->cursor->vm;
	if (!prev && !next) {
		step->op.type = GPUVM_OP_UNMAP;
		step->op.unmap = step->unmap;
		return;
	}
	step->op.type = GPUVM_OP_REMAP;
	step->op.remap = (struct gpuvm_op_remap){ .unmap = &step->unmap };
	if (prev) {
		step->prev = part_of(va, va->start, lo);
		step->op.remap.prev = &step->prev;
	}
	if (next) {
		step->next = part_of(va, hi, va->end);
		step->op.remap.next = &step->next;
	}
}

static void fill_map(const struct gpuvm__sm *s, const struct gpuvm_map_req *req, struct gpuvm__sm_step *step)
{
	step->op = (struct gpuvm_op){ .type = GPUVM_OP_MAP, .vm = s->cursor->vm, .map = *req };
}

/* madvise: what replaces the inner part of @va: the whole request if it lies inside one mapping, else a sparse piece. */
static struct gpuvm_map_req inner_part(const struct gpuvm__sm *s, const struct gpuvm_va *va)
{
	uint64_t lo = va->start > s->lo ? va->start : s->lo;
	uint64_t hi = va->end < s->hi ? va->end : s->hi;

	if (lo == s->lo && hi == s->hi)
		return s->req;
	return (struct gpuvm_map_req){ .addr = lo, .range = hi - lo, .flags = s->req.flags };
}

/* The steps for @va, 0 to 2 of them. */
static unsigned int steps_for(const struct gpuvm__sm *s, struct gpuvm_va *va, struct gpuvm__sm_step step[2])
{
	struct gpuvm_map_req inner;

	if (kinds[s->kind].skips_objects && (va->bo || !sticks_out(s, va)))
		return 0;
	if (!kinds[s->kind].edits) {
		fill_prefetch(s, va, &step[0]);
		return 1;
	}
	fill_removal(s, va, &step[0]);
	if (!kinds[s->kind].maps_cut)
		return 1;
	inner = inner_part(s, va);
	fill_map(s, &inner, &step[1]);
	return 2;
}

/* ---- the edits ---- */

/* The pieces are written as they come: clearing them all first would cost a request more than its walk. */
static void cut_init(struct gpuvm__sm_cut *cut, uint64_t lo, uint64_t hi)
{
	cut->lo = lo;
	cut->hi = hi;
	cut->front = NULL;
	cut->n = 0;
}

static void cut_add(struct gpuvm__sm_cut *cut, const struct gpuvm_map_req *req, enum gpuvm_sm_slot slot)
{
	cut->piece[cut->n++] = (struct gpuvm__sm_piece){ .req = *req, .slot = slot };
}

/* Map and unmap: one cut over the range. The pieces come in address order, as the walk does. */
static void record_in_range(struct gpuvm__sm *s, const struct gpuvm__sm_step *step)
{
	if (step->op.type != GPUVM_OP_REMAP)
		return;
	if (step->op.remap.prev) {
		s->cut[0].front = step->unmap.va;
		cut_add(&s->cut[0], step->op.remap.prev, GPUVM_SM_PREV);
	}
	if (step->op.remap.next) {
		if (kinds[s->kind].maps_all)
			cut_add(&s->cut[0], &s->req, GPUVM_SM_NEW);
		if (!GPUVM_PLANT(remap_loses_next))
			cut_add(&s->cut[0], step->op.remap.next, GPUVM_SM_NEXT);
	}
}

/* madvise: a cut of its own for each mapping. */
static void record_apart(struct gpuvm__sm *s, const struct gpuvm_va *va, const struct gpuvm__sm_step step[2])
{
	bool second = s->nr_cuts;
	struct gpuvm__sm_cut *cut = &s->cut[s->nr_cuts++];

	cut_init(cut, step[1].op.map.addr, req_end(&step[1].op.map));
	cut->front = step[0].unmap.va;
	if (step[0].op.remap.prev)
		cut_add(cut, step[0].op.remap.prev, GPUVM_SM_PREV);
	cut_add(cut, &step[1].op.map, second ? GPUVM_SM_NEW2 : GPUVM_SM_NEW);
	if (step[0].op.remap.next)
		cut_add(cut, step[0].op.remap.next, GPUVM_SM_NEXT);
}

static void record(struct gpuvm__sm *s, struct gpuvm_va *va, const struct gpuvm__sm_step step[2], unsigned int n)
{
	if (n == 0 || s->kind == GPUVM__SM_PREFETCH || s->kind == GPUVM__SM_BO_UNMAP)
		return;
	if (kinds[s->kind].maps_cut)
		record_apart(s, va, step);
	else
		record_in_range(s, &step[0]);
}

/* A map request whose last mapping does not stick out has its own mapping last. */
static void record_end(struct gpuvm__sm *s)
{
	struct gpuvm__sm_cut *cut = &s->cut[0];
	bool has_next = cut->n && cut->piece[cut->n - 1].slot == GPUVM_SM_NEXT;

	if (kinds[s->kind].maps_all && !has_next)
		cut_add(cut, &s->req, GPUVM_SM_NEW);
}

/* ---- the walk ---- */

/* Over the range, or over the mappings of one bo (nobody else edits the VM meanwhile). NULL starts. */
static struct gpuvm_va *forward(struct gpuvm__sm *s, struct gpuvm_va *va)
{
	struct gpuvm__node *n;

	if (unlikely(s->pending))
		return gpuvm__pending_next(s->pending, s->cursor, va ? va->end : s->lo, s->hi);
	if (s->kind != GPUVM__SM_BO_UNMAP)
		return s->cursor->vm->space->next(s->cursor, va ? va->end : s->lo);
	n = va ? va->link.next : s->bo->vas.next;
	return n != &s->bo->vas ? container_of(n, struct gpuvm_va, link) : NULL;
}

static struct gpuvm_va *backward(struct gpuvm__sm *s, struct gpuvm_va *va)
{
	struct gpuvm__node *n;

	if (unlikely(s->pending))
		return gpuvm__pending_prev(s->pending, s->cursor, s->lo, va ? va->start : s->hi);
	if (s->kind != GPUVM__SM_BO_UNMAP)
		return s->cursor->vm->space->prev(s->cursor, va ? va->start : s->hi);
	n = va ? va->link.prev : s->bo->vas.prev;
	return n != &s->bo->vas ? container_of(n, struct gpuvm_va, link) : NULL;
}

/* The first @done steps of @va, and all steps of the mappings before it, back to front. */
static void undo(struct gpuvm__sm *s, const struct gpuvm__sm_sink *sink, struct gpuvm_va *va, unsigned int done)
{
	struct gpuvm__sm_step step[2];

	if (!sink->undo || GPUVM_PLANT(no_rollback))
		return;
	while (va) {
		steps_for(s, va, step);
		while (done)
			sink->undo(&step[--done].op, sink->arg);
		va = backward(s, va);
		done = va ? steps_for(s, va, step) : 0;
	}
}

static int walk_vas(struct gpuvm__sm *s, const struct gpuvm__sm_sink *sink)
{
	struct gpuvm__sm_step step[2];
	unsigned int i, n;
	struct gpuvm_va *va;
	int ret;

	for (va = forward(s, NULL); va; va = forward(s, va)) {
		n = steps_for(s, va, step);
		for (i = 0; i < n; i++) {
			ret = sink->step(&step[i].op, sink->arg);
			if (ret) {
				undo(s, sink, va, i);
				return ret;
			}
		}
		record(s, va, step, n);
	}
	return 0;
}

int gpuvm__sm_walk(struct gpuvm__sm *s, const struct gpuvm__sm_sink *sink)
{
	struct gpuvm__sm_step last;
	struct gpuvm_va *va;
	int ret;

	s->nr_cuts = 0;
	cut_init(&s->cut[0], s->lo, s->hi);
	ret = walk_vas(s, sink);
	if (ret)
		return ret;
	record_end(s);
	if (!kinds[s->kind].maps_all)
		return 0;
	fill_map(s, &s->req, &last);
	ret = sink->step(&last.op, sink->arg);
	if (ret) {
		va = backward(s, NULL);
		undo(s, sink, va, va ? 1 : 0);
	}
	return ret;
}

void gpuvm__sm_unwalk(struct gpuvm__sm *s, const struct gpuvm__sm_sink *sink)
{
	struct gpuvm_va *va = backward(s, NULL);
	struct gpuvm__sm_step last;

	if (kinds[s->kind].maps_all && sink->undo) {
		fill_map(s, &s->req, &last);
		sink->undo(&last.op, sink->arg);
	}
	undo(s, sink, va, va ? 1 : 0);
}

/* ---- begin, commit, end ---- */

enum gpuvm__grow gpuvm__sm_grow(enum gpuvm__sm_kind kind)
{
	return kinds[kind].grow;
}

void gpuvm__sm_init(struct gpuvm__sm *s, enum gpuvm__sm_kind kind, struct gpuvm__cursor *c,
		    const struct gpuvm_map_req *req, const struct gpuvm__pending *pending)
{
	s->kind = kind;
	s->cursor = c;
	s->lo = req->addr;
	s->hi = req_end(req);
	s->pending = pending;
	s->removed = s->removed_before = NULL;
	s->req = *req;
	s->bo = NULL;
}

int gpuvm__sm_begin(struct gpuvm__sm *s, struct gpuvm__cursor *c, enum gpuvm__sm_kind kind, struct gpuvm_vm *vm,
		    const struct gpuvm_map_req *req, struct gpuvm_bo *bo, struct gpuvm_sm *sm)
{
	struct gpuvm__obj **stock = sm ? (struct gpuvm__obj **)&sm->index : NULL;
	int ret;

	gpuvm__sm_init(s, kind, c, req, NULL);
	s->bo = bo;
	ret = bo ? 0 : gpuvm__req_check(vm, req); /* the whole VM may have a reserved part */
	return ret ? ret : gpuvm__write_begin(c, vm, s->lo, s->hi, kinds[kind].grow, stock);
}

int gpuvm__sm_stocked(enum gpuvm__sm_kind kind, const struct gpuvm_vm *vm, const struct gpuvm_sm *sm)
{
	unsigned int i;

	for (i = 0; i < GPUVM_SM_SLOTS; i++)
		if ((kinds[kind].slots & (1u << i)) && !(sm->va[i] && gpuvm__va_is_for(sm->va[i], vm)))
			return -EINVAL;
	return 0;
}

/* Does the mapping that is cut stay as the piece in front? (S7) */
static bool shrinks(struct gpuvm__sm *s, const struct gpuvm__sm_cut *cut)
{
	const struct gpuvm_vm *vm = s->cursor->vm;

	return vm->driver->remap_in_place && cut->n && cut->piece[0].slot == GPUVM_SM_PREV && vm->space->shrinks &&
	       vm->space->shrinks(s->cursor, cut->front);
}

static void commit_cut(struct gpuvm__sm *s, const struct gpuvm__sm_cut *cut, struct gpuvm_sm *sm)
{
	struct gpuvm_va *in[GPUVM__SPLICE_MAX] = { cut->front };
	unsigned int i;

	for (i = shrinks(s, cut); i < cut->n; i++) {
		struct gpuvm_va_alloc **slot = &sm->va[cut->piece[i].slot];

		in[i] = gpuvm__va_fill(*slot, &cut->piece[i].req);
		*slot = NULL;
	}
	gpuvm__commit(s->cursor, cut->lo, cut->hi, in, cut->n, &sm->removed);
}

static void commit_bo_unmap(struct gpuvm__sm *s, struct gpuvm_sm *sm)
{
	struct gpuvm_va *va, *next;

	/* The last mapping may take the bo with it: look ahead. */
	for (va = forward(s, NULL); va; va = next) {
		next = forward(s, va);
		gpuvm__commit(s->cursor, va->start, va->end, NULL, 0, &sm->removed);
	}
}

void gpuvm__sm_commit(struct gpuvm__sm *s, struct gpuvm_sm *sm)
{
	unsigned int i;

	s->removed_before = sm->removed;
	switch (s->kind) {
	case GPUVM__SM_MAP:
	case GPUVM__SM_UNMAP:
		commit_cut(s, &s->cut[0], sm);
		break;
	case GPUVM__SM_MADVISE:
		for (i = 0; i < s->nr_cuts; i++)
			commit_cut(s, &s->cut[i], sm);
		break;
	case GPUVM__SM_BO_UNMAP:
		commit_bo_unmap(s, sm);
		break;
	default:
		break;
	}
	s->removed = sm->removed;
}

void gpuvm__sm_end(struct gpuvm__sm *s)
{
	gpuvm__write_end(s->cursor);
	gpuvm__put_bos(s->removed, s->removed_before);
}
