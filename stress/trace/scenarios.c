/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * scenarios.c - pairs of operations, each on every strategy of one axis: thread A's and thread B's, in turns.
 *
 * Both threads first fill their part of the address space and churn it, so that what they use is theirs. Parts that are far
 * apart end in mappings that are never touched: the leaf in the middle has mappings of both, and a bind next to it is not
 * disjoint from a bind on its other side.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <gpuvm/gpuvm.h>

#include "trace.h"

#define PAGE 4096u
#define SLOT (8 * PAGE)
#define MAPPED (4 * PAGE)
#define SLOTS 1024u /* of a thread */
#define FILLED (SLOTS / 2)
#define GUARD 64u /* mappings at each end */
#define RANGE (1ull << 47)
#define WARM 128u /* turns, of so many operations each */
#define WARM_OPS 32u
#define OPS 1024u
#define GEMS 4u

enum place {
	HALVES, /* of one VM */
	ADJACENT, /* one part right behind the other */
	TWO_VMS
};

enum objects {
	OWN, /* each thread's own, made by it */
	OWN_BY_MAIN, /* each thread's own, but a third thread made them one after the other */
	ONE_EACH_VM, /* external ones that both use; so with two VMs each has a pair of its own */
};

struct side;

struct trace_scenario {
	const char *name, *doc;
	enum gpuvm_axis axis; /* what varies */
	struct gpuvm_device_params fixed; /* NULL: see defaults */
	enum place place;
	enum objects objects;
	bool mapped; /* the address spaces are filled */
	void (*op[TRACE_THREADS])(struct side *s);
};

/* What disjoint operations need to be disjoint. */
static const struct gpuvm_device_params defaults = {
	.list = "rcu_hash", .space = "leaf", .ref = "kref", .alloc = "magazine"
};

/* One thread's part. Written by that thread, or before it begins. */
struct side {
	_Alignas(TRACE_LINE) const struct trace_scenario *sc;
	struct gpuvm_device *dev;
	struct gpuvm_vm *vm;
	struct gpuvm_gem *gem[GEMS];
	struct gpuvm_bo *bo[GEMS];
	uint64_t base, rng;
	uint32_t slot[SLOTS]; /* a permutation: the first FILLED of them are mapped */
	struct gpuvm_sm sm;
	struct trace_log log;
	bool tracing;
	int ret;
};

static struct side sides[TRACE_THREADS];

static uint32_t below(struct side *s, uint32_t n)
{
	s->rng = s->rng * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((s->rng >> 33) * n >> 31);
}

static void must(struct side *s, int ret)
{
	if (ret && !s->ret)
		s->ret = ret;
}

/* ---- operations ---- */

static int step(const struct gpuvm_op *op, void *priv)
{
	return 0;
}

static const struct gpuvm_driver driver = { .sm_step_map = step, .sm_step_remap = step, .sm_step_unmap = step };

static void bind(struct side *s, int slot)
{
	struct gpuvm_map_req req = { .addr = s->base + (int64_t)slot * SLOT, .range = MAPPED };

	must(s, gpuvm_sm_prepare(s->vm, &s->sm, GPUVM_SM_MAP_VAS));
	must(s, gpuvm_obtain(s->vm, s->gem[(unsigned int)slot % GEMS], &req.bo));
	if (s->ret)
		return;
	must(s, gpuvm_sm_map(s->vm, &req, &s->sm));
	gpuvm_bo_put(req.bo);
	gpuvm_sm_release(&s->sm);
}

static void unbind(struct side *s, uint32_t slot)
{
	must(s, gpuvm_sm_prepare(s->vm, &s->sm, GPUVM_SM_UNMAP_VAS));
	must(s, gpuvm_sm_unmap(s->vm, s->base + (uint64_t)slot * SLOT, MAPPED, &s->sm));
	gpuvm_sm_release(&s->sm);
}

/* One of each, as the VM stays as full as it is. */
static void op_bind(struct side *s)
{
	uint32_t *new = &s->slot[FILLED + below(s, SLOTS - FILLED)], *old = &s->slot[below(s, FILLED)], slot = *new;

	bind(s, slot);
	unbind(s, *old);
	*new = *old;
	*old = slot;
}

static void op_lookup(struct side *s)
{
	struct gpuvm_mapping found;

	if (!gpuvm_lookup(s->vm, s->base + (uint64_t)s->slot[below(s, FILLED)] * SLOT, &found))
		must(s, -ENOENT);
}

static void op_obtain(struct side *s)
{
	struct gpuvm_bo *bo;

	must(s, gpuvm_obtain(s->vm, s->gem[below(s, GEMS)], &bo));
	gpuvm_bo_put(bo);
}

/* The same bo again and again: a submission's, a fault's. */
static void op_hot(struct side *s)
{
	gpuvm_bo_put(gpuvm_bo_get(s->bo[0]));
}

/* A pair comes and goes: the last put from the signalling path, the cleanup after it. */
static void op_pair(struct side *s)
{
	struct gpuvm_bo *bo;

	must(s, gpuvm_obtain(s->vm, s->gem[0], &bo));
	gpuvm_bo_put_deferred(bo);
	gpuvm_bo_deferred_cleanup(s->vm, 0);
}

/* ---- what is compared ---- */

#define LISTS .axis = GPUVM_AXIS_LIST
#define SPACES .axis = GPUVM_AXIS_SPACE
#define REFS .axis = GPUVM_AXIS_REF
#define ALLOCS .axis = GPUVM_AXIS_ALLOC
#define BOTH(fn) .op = { fn, fn }

static const struct trace_scenario all[] = {
	{ "bind_halves", "a bind and an unbind each, far apart in one VM, own objects", SPACES, .place = HALVES,
	  .mapped = true, BOTH(op_bind) },
	{ "bind_halves_list", "the same on space:leaf, by list", LISTS, .place = HALVES, .mapped = true, BOTH(op_bind) },
	{ "bind_halves_ref", "the same, by ref", REFS, .place = HALVES, .mapped = true, BOTH(op_bind) },
	{ "bind_halves_alloc", "the same, by allocator", ALLOCS, .place = HALVES, .mapped = true, BOTH(op_bind) },
	{ "bind_made_by_one", "the same, the pairs made by one thread, by allocator", ALLOCS, .place = HALVES,
	  .objects = OWN_BY_MAIN, .mapped = true, BOTH(op_bind) },
	{ "bind_adjacent", "a bind and an unbind each, in parts of one VM that touch", SPACES, .place = ADJACENT,
	  .mapped = true, BOTH(op_bind) },
	{ "bind_two_vms", "a bind and an unbind each, in two VMs: the yardstick", SPACES, .place = TWO_VMS, .mapped = true,
	  BOTH(op_bind) },
	{ "bind_one_object", "far apart in one VM, of the same pairs, by list", LISTS, .place = HALVES,
	  .objects = ONE_EACH_VM, .mapped = true, BOTH(op_bind) },
	{ "bind_one_object_ref", "the same, by ref", REFS, .place = HALVES, .objects = ONE_EACH_VM, .mapped = true,
	  BOTH(op_bind) },
	{ "bind_shared_object", "in two VMs that share the objects, by list", LISTS, .place = TWO_VMS,
	  .objects = ONE_EACH_VM, .mapped = true, BOTH(op_bind) },
	{ "lookup_beside", "A looks up far away from where B binds and unbinds", SPACES, .place = HALVES, .mapped = true,
	  .op = { op_lookup, op_bind } },
	{ "lookup_lookup", "both look up", SPACES, .place = HALVES, .mapped = true, BOTH(op_lookup) },
	{ "obtain_hit", "obtain and put, two objects of one VM", LISTS, .place = HALVES, BOTH(op_obtain) },
	{ "obtain_shared_object", "obtain and put, one object in two VMs", LISTS, .place = TWO_VMS,
	  .objects = ONE_EACH_VM, BOTH(op_obtain) },
	{ "obtain_one_pair", "obtain and put of the same pair, by list", LISTS, .place = HALVES, .objects = ONE_EACH_VM,
	  BOTH(op_obtain) },
	{ "obtain_one_pair_ref", "the same, by ref", REFS, .place = HALVES, .objects = ONE_EACH_VM, BOTH(op_obtain) },
	{ "hot_bo", "get and put of the same bo", REFS, .place = HALVES, .objects = ONE_EACH_VM, BOTH(op_hot) },
	{ "pair_life", "a pair comes and goes, two objects of one VM", LISTS, .place = HALVES, BOTH(op_pair) },
	{ "pair_life_two_vms", "a pair comes and goes, one object in two VMs", LISTS, .place = TWO_VMS,
	  .objects = ONE_EACH_VM, BOTH(op_pair) },
};

const struct trace_scenario *trace_scenario_at(size_t i)
{
	return i < sizeof(all) / sizeof(*all) ? &all[i] : NULL;
}

const char *trace_scenario_name(const struct trace_scenario *s)
{
	return s->name;
}

const char *trace_scenario_doc(const struct trace_scenario *s)
{
	return s->doc;
}

const char *trace_scenario_row(const struct trace_scenario *s, unsigned int i)
{
	unsigned int at;

	for (at = 0; gpuvm_strategy_name(s->axis, at); at++)
		if (!gpuvm_strategy_is_busted(s->axis, at) && i-- == 0)
			return gpuvm_strategy_name(s->axis, at);
	return NULL;
}

/* ---- a world ---- */

static const char *const vm_names[] = { "vm", "vm B" }, *const gem_names[] = { "gem A", "gem B" },
			 *const bo_names[] = { "bo A", "bo B" };

static int make_vm(struct side *s, unsigned int i)
{
	const struct gpuvm_vm_params params = {
		.name = "trace",
		.flags = GPUVM_VM_RESV_PROTECTED | GPUVM_VM_IMMEDIATE,
		.range = RANGE,
		.page_size = PAGE,
		.driver = &driver,
	};
	int ret = 0;

	if (i && s->sc->place != TWO_VMS) {
		s->vm = gpuvm_vm_get(sides[0].vm);
		return 0;
	}
	ret = gpuvm_vm_create(s->dev, &params, &s->vm);
	if (!ret)
		trace_names_label(s->vm, vm_names[i]);
	return ret;
}

static void make_gem(struct side *s, unsigned int i, unsigned int g)
{
	bool shared = s->sc->objects == ONE_EACH_VM;
	const struct gpuvm_gem_params params = { .size = RANGE, .vm = shared ? NULL : s->vm };

	if (i && shared) {
		s->gem[g] = gpuvm_gem_get(sides[0].gem[g]);
		return;
	}
	must(s, gpuvm_gem_create(s->dev, &params, &s->gem[g]));
	if (!s->ret)
		trace_names_label(s->gem[g], shared ? "gem" : gem_names[i]);
}

/* The pair is held, so that the operations' puts are not the last. */
static void make_pair(struct side *s, unsigned int i, unsigned int g)
{
	if (s->ret || s->sc->op[i] == op_pair)
		return;
	must(s, gpuvm_obtain(s->vm, s->gem[g], &s->bo[g]));
	if (!s->ret && s->bo[g] != sides[0].bo[g])
		trace_names_label(s->bo[g], bo_names[i]);
	else if (!s->ret)
		trace_names_label(s->bo[g], s->sc->objects == ONE_EACH_VM && s->sc->place != TWO_VMS ? "bo" : bo_names[0]);
}

/* On the thread whose they are to be. */
static void make_objects(void *arg)
{
	struct side *s = arg;
	unsigned int i = s - sides, g;

	for (g = 0; g < GEMS; g++)
		make_gem(s, i, g);
	for (g = 0; g < GEMS; g++)
		make_pair(s, i, g);
}

/* On one thread, one after the other. */
static void make_all_objects(void)
{
	unsigned int i, g;

	for (i = 0; i < TRACE_THREADS; i++)
		for (g = 0; g < GEMS; g++)
			make_gem(&sides[i], i, g);
	for (g = 0; g < GEMS; g++)
		for (i = 0; i < TRACE_THREADS; i++)
			make_pair(&sides[i], i, g);
}

static void shuffle(struct side *s, uint32_t *v, uint32_t n)
{
	uint32_t j, t;

	for (; n > 1; n--) {
		j = below(s, n);
		t = v[n - 1];
		v[n - 1] = v[j];
		v[j] = t;
	}
}

/* In the order that the shuffle gave; what lies outside the slots stays. */
static void fill(void *arg)
{
	struct side *s = arg;
	uint32_t i;

	for (i = 0; i < SLOTS; i++)
		s->slot[i] = i;
	shuffle(s, s->slot, SLOTS);
	for (i = 0; i < FILLED; i++)
		bind(s, s->slot[i]);
	for (i = 0; s->sc->place == HALVES && i < GUARD; i++) {
		bind(s, -1 - (int)i);
		bind(s, SLOTS + (int)i);
	}
}

static uint64_t base_of(const struct trace_scenario *sc, unsigned int i)
{
	uint64_t first = (uint64_t)GUARD * SLOT;

	if (!i || sc->place == TWO_VMS)
		return first;
	return sc->place == HALVES ? first + RANGE / 2 : first + (uint64_t)SLOTS * SLOT;
}

static void perform(void *arg)
{
	struct side *s = arg;

	unsigned int n = s->tracing ? 1 : WARM_OPS;

	if (s->tracing)
		trace_begin(&s->log);
	while (n--)
		s->sc->op[s - sides](s);
	trace_end();
}

static void turns(unsigned int n, bool tracing, struct trace_book *book)
{
	unsigned int i;

	while (n--) {
		for (i = 0; i < TRACE_THREADS; i++) {
			sides[i].tracing = tracing;
			trace_on(i, perform, &sides[i]);
			trace_reclaim();
			if (tracing)
				trace_play(book, i, &sides[i].log);
		}
	}
}

static struct gpuvm_device_params params_of(const struct trace_scenario *sc, const char *row)
{
	struct gpuvm_device_params p = defaults;

	switch (sc->axis) {
	case GPUVM_AXIS_LIST:
		p.list = row;
		break;
	case GPUVM_AXIS_SPACE:
		p.space = row;
		break;
	case GPUVM_AXIS_REF:
		p.ref = row;
		break;
	default:
		p.alloc = row;
	}
	return p;
}

static int make_world(const struct trace_scenario *sc, struct gpuvm_device *dev)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < TRACE_THREADS && !ret; i++) {
		struct side *s = &sides[i];

		s->sc = sc;
		s->dev = dev;
		s->base = base_of(sc, i);
		s->rng = 12345 + i;
		ret = make_vm(s, i);
		if (ret)
			return ret;
		if (sc->objects != OWN_BY_MAIN)
			trace_on(i, make_objects, s);
		ret = s->ret;
	}
	if (!ret && sc->objects == OWN_BY_MAIN)
		make_all_objects();
	for (i = 0; i < TRACE_THREADS && !ret && sc->mapped; i++) {
		trace_on(i, fill, &sides[i]);
		ret = sides[i].ret;
	}
	return ret;
}

int trace_scenario_run(const struct trace_scenario *sc, unsigned int row, struct trace_book *book)
{
	struct gpuvm_device_params p = params_of(sc, trace_scenario_row(sc, row));
	struct gpuvm_device *dev;
	unsigned int i;
	int ret;

	trace_names_strategies(p.space, p.list);
	ret = gpuvm_device_create(&p, &dev);
	if (ret)
		return ret;
	trace_threads_start();
	ret = make_world(sc, dev);
	if (ret)
		return ret;
	turns(WARM, false, book);
	turns(OPS, true, book);
	for (i = 0; i < TRACE_THREADS; i++)
		ret = ret ? ret : sides[i].ret;
	return ret;
}
