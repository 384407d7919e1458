/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * world.h - the small world a schedule runs in: two VMs, two GEM objects, a few threads with a few operations each, and
 * the history of what they were told.
 *
 * A scenario is written as its operations: "obtain,put+submit" is two threads, of which the first obtains and then puts.
 */
#ifndef STRESS_EXPLORE_WORLD_H
#define STRESS_EXPLORE_WORLD_H

#include <gpuvm/gpuvm.h>

#include "../sched/sched.h"

#define PAGE 4096ull
#define PAGES 64
#define VMS 2
#define GEMS 2
#define MAX_OPS 4 /* per thread */
#define MAX_EVENTS 64 /* a bit each, in history.c */
#define MAX_OWN 16

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/**
 * struct config - on what the scenario runs
 * @external: the objects have reservations of their own
 */
struct config {
	const char *list, *space, *ref;
	uint32_t flags;
	bool external;
};

/* What an operation wants to find. */
enum {
	NEED_REF = 1, /* a reference to the pair (vm 0, gem 0), which nobody else keeps for it */
	NEED_ZOMBIE = 2, /* a pair of gem 1 waits for cleanup */
	NEED_MAPS = 4, /* the initial mappings; the bos of both objects are kept alive */
	NEED_EVICTED = 8, /* the pair (vm 0, gem 0) is registered and evicted */
	NEED_OTHER = 16, /* gem 0 has a pair in vm 1, too */
	TEMP_REFS = 32, /* takes and drops references nobody is told of */
	IMMEDIATE_ONLY = 64,
	NEED_DENSE = 512, /* and so many more mappings that one more splits an index node */
	SPECIAL = 1024, /* not beside just anything */
	LIST_OP = 128, /* the groups that are combined with each other */
	SPACE_OP = 256,
};

struct actor;

struct op {
	const char *name;
	unsigned int needs;
	void (*run)(struct actor *a);
};

extern const struct op list_ops[], space_ops[];
extern const unsigned int nr_list_ops, nr_space_ops;
const struct op *op_find(const char *name, size_t len);

/* ---- history ---- */

enum event_kind {
	EV_OBTAIN, /* bo */
	EV_FIND, /* bo or NULL */
	EV_PUT, /* bo; result: it was the last */
	EV_PUT_SILENT, /* bo; whether it was the last is not said */
	EV_MAP, /* lo, hi, gem, off; result 0 or -errno; sum of the steps */
	EV_UNMAP,
	EV_INSERT,
	EV_REMOVE,
	EV_BO_UNMAP,
	EV_LOOKUP, /* lo; result: found; mapping in lo2, hi, gem, off */
	EV_CLOSE_MARK,
	EV_CLOSE_CLEAR, /* result: mappings that were there */
};

struct event {
	enum event_kind kind;
	unsigned int thread;
	uint64_t call, ret;
	unsigned int vm, gem;
	const void *bo;
	int result;
	unsigned int page, lo, hi, off;
	uint64_t steps;
	unsigned int nr_steps;
};

/* ---- the world ---- */

struct actor {
	struct world *w;
	unsigned int id;
	unsigned int nr_ops;
	const struct op *ops[MAX_OPS];
	struct gpuvm_bo *given[MAX_OPS]; /* references for operations with NEED_REF */
	unsigned int nr_given;
	struct gpuvm_sm sm; /* stocked */
	struct gpuvm_va_alloc *va;
	uint64_t steps; /* what the driver was told, as a sum */
	unsigned int nr_steps;
	struct gpuvm_bind bind;
	struct event **array; /* an array is under way: the event of each of its operations */
	bool fail_map; /* the next callback for a map fails */
	unsigned int nr_undone;
};

struct world {
	struct config config;
	struct gpuvm_device *dev;
	struct gpuvm_vm *vm[VMS];
	struct gpuvm_gem *gem[GEMS];
	struct gpuvm_bo *keep[GEMS]; /* of vm 0, with NEED_MAPS */
	unsigned int needs;
	unsigned int nr_actors;
	struct actor actor[SCHED_THREADS];
	struct {
		struct gpuvm_bo *bo;
		unsigned int vm, gem;
	} own[MAX_OWN]; /* references that threads left for the end */
	unsigned int nr_own;
	struct event event[MAX_EVENTS];
	unsigned int nr_events;
	int bos; /* bo_alloc minus bo_free */
	unsigned int validated;
	uint64_t space_fast; /* lookups that wait for no bind, until this schedule */
};

extern struct world world;

/* "mutex/rbtree_mutex/kref/immediate/external" both ways. */
bool config_parse(char *text, struct config *config);
const char *config_name(const struct config *config);
/* The lock modes, and what one is called. */
#define CONFIG_MODES 4
extern const uint32_t config_modes[CONFIG_MODES];
const char *mode_name(uint32_t flags);
bool immediate(void);

/* Fill the actors from "obtain,put+submit"; false: not a scenario, or not one for this configuration. */
bool scenario_parse(const char *text);
/* One schedule: set up, run, check everything, tear down. */
void scenario_run(struct sched_policy *p);

/* ---- for operations ---- */

/* What the lock mode wants of a caller around obtain, find, put and (un)mapping. NULL: nothing. */
struct gpuvm_exec *locks_take(unsigned int vm);
void locks_drop(struct gpuvm_exec *exec);

struct gpuvm_bo *do_obtain(struct actor *a, unsigned int vm, unsigned int gem);
struct gpuvm_bo *do_find(struct actor *a, unsigned int vm, unsigned int gem);
void do_put(struct actor *a, struct gpuvm_bo *bo, unsigned int vm, unsigned int gem, bool deferred);
bool do_lookup(struct actor *a, unsigned int page);
/* The bo stays referenced; the end puts it. */
void own(struct gpuvm_bo *bo, unsigned int vm, unsigned int gem);
struct gpuvm_bo *given(struct actor *a);

struct event *event_begin(struct actor *a, enum event_kind kind);
void event_end(struct event *e, int result);

extern const struct gpuvm_driver explore_driver, explore_driver_in_place;
/* What a step adds to actor.steps: the same function for the driver's callbacks and for the model. */
uint64_t step_code(unsigned int nth, int type, unsigned int lo, unsigned int hi, unsigned int tag, bool keep, bool prev,
		   bool next);
#define STEP_MAP 1
#define STEP_REMAP 2
#define STEP_UNMAP 3
/* Object and page offset in one number; 0: nothing mapped. */
#define TAG(gem, off) (1 + (gem)*64 + (off))

/* ---- checks ---- */

/* Threads have ended, nothing is torn down yet. */
void check_quiet(void);
/* Everything is. @before: gpuvm_debug_live() of each type, before the world was made. */
void check_nothing_left(const int64_t *before);
/* Does some order of the events, consistent with their times, explain every answer? Fails the schedule if not. */
void history_check(struct world *w);

/* The state of vm 0 as the model of NEED_MAPS starts it. */
struct initial_map {
	unsigned int lo, hi, gem, off;
};

extern const struct initial_map initial_maps[];
/* How many of them this world has. */
unsigned int nr_initial_maps(const struct world *w);

#endif /* STRESS_EXPLORE_WORLD_H */
