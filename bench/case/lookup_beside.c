/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lookup_beside.c - lookups of one thread beside another that binds and unbinds at full speed in the same VM.
 *
 * writer: none      nobody: the yardstick
 *         disjoint  between the mappings of a far-apart part
 *         same      between those that are looked at
 *         sleeping  as disjoint, and each driver callback sleeps for a millisecond, as page-table work may
 * vas:N mappings stay throughout, half of them in each part, so the index is the same for all four.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../helper.h"
#include "../mapped.h"
#include "../rng.h"

enum { READER, WRITER, PARTS };

struct beside {
	struct mapped m;
	uint64_t rng;
	struct mapped_thread w; /* the writer's */
	struct helper writer;
	uint64_t w_rng;
	bool sleeping;
	_Atomic uint64_t pairs; /* begun by the writer */
	uint64_t seen; /* at the last window's end */
	unsigned int windows, idle; /* judged: long enough for the writer to get a processor; in which it did nothing */
};

/* Two time slices of the scheduler: shorter windows may find the writer off its processor on a busy machine. */
#define JUDGED_NS 10e6

/* Only the writer's thread sleeps, and only once the world is built. */
static __thread bool sleepy;

static int step(const struct gpuvm_op *op, void *priv)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	if (sleepy)
		nanosleep(&ms, NULL);
	return 0;
}

static const struct gpuvm_driver driver = {
	.sm_step_map = step,
	.sm_step_remap = step,
	.sm_step_unmap = step,
};

/* One pair, by the writer. */
static int write_one(struct bench_ctx *ctx)
{
	struct beside *s = ctx->state;
	uint32_t slot = s->w.first + (uint32_t)rng_below(&s->w_rng, s->w.nr_slots);
	int ret;

	atomic_fetch_add_explicit(&s->pairs, 1, memory_order_relaxed);
	sleepy = s->sleeping;
	ret = mapped_map(&s->w, slot);
	return ret ? ret : mapped_unmap(&s->w, slot);
}

/* The writer uses what the mappings leave free of their slots. */
static int start_writer(struct bench_ctx *ctx, struct beside *s, bool same)
{
	s->w = s->m.t[WRITER];
	s->w.shift = MAPPED_SIZE;
	if (same) {
		s->w.first = s->m.t[READER].first;
		s->w.nr_slots = s->m.t[READER].nr_slots;
	}
	s->w_rng = ctx->seed + 1;
	s->sleeping = !strcmp(bench_str(ctx, "writer"), "sleeping");
	return helper_start(&s->writer, ctx, write_one);
}

/* The reader's part gets its one free slot filled: every address in it is mapped. */
static int setup(struct bench_ctx *ctx)
{
	struct beside *s = world_alloc(1, sizeof(*s));
	const char *who = bench_str(ctx, "writer");
	const struct mapped_plan plan = {
		.parts = PARTS,
		.layout = MAPPED_APART,
		.filled = bench_num(ctx, "vas"),
		.spare = 1,
		.driver = &driver,
	};
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	s->rng = ctx->seed;
	ret = mapped_create_at(ctx, &s->m, &plan);
	ret = ret ? ret : mapped_bind(&s->m, &s->m.t[READER]);
	s->m.held += !ret;
	if (ret || !strcmp(who, "none"))
		return ret;
	return start_writer(ctx, s, !strcmp(who, "same"));
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct beside *s = ctx->state;
	const struct mapped_thread *t = &s->m.t[READER];
	struct gpuvm_mapping found;
	uint64_t addr;

	helper_need(&s->writer);
	for (; n; n--) {
		addr = mapped_addr(t, t->first + (uint32_t)rng_below(&s->rng, t->nr_slots));
		if (!gpuvm_lookup(t->vm, addr + (s->rng & (MAPPED_SIZE - 1)), &found) || found.addr != addr) {
			bench_fail(ctx, "a mapped address was not found, or the wrong mapping was");
			return;
		}
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct beside *s = ctx->state;
	uint64_t pairs = atomic_load_explicit(&s->pairs, memory_order_relaxed);
	bool judged = s->writer.started && w->ns_per_op * (double)w->ops >= JUDGED_NS;

	if (w->stats.v[GPUVM_STAT_SPACE_FAST] + w->stats.v[GPUVM_STAT_SPACE_LOCK] < w->ops)
		bench_fail(ctx, "fewer reads of the space than lookups");
	s->windows += judged;
	s->idle += judged && pairs == s->seen;
	s->seen = pairs;
}

/* The result is a median: it stands if the writer wrote in most of the windows. */
static void judge(struct bench_ctx *ctx, const struct beside *s)
{
	if (2 * s->idle > s->windows)
		bench_fail(ctx, "the writer did nothing during %u of %u windows", s->idle, s->windows);
}

static void rest(struct bench_ctx *ctx)
{
	struct beside *s = ctx->state;

	helper_rest(&s->writer);
}

static void teardown(struct bench_ctx *ctx)
{
	struct beside *s = ctx->state;

	if (!s)
		return;
	helper_stop(&s->writer);
	judge(ctx, s);
	mapped_destroy(ctx, &s->m);
	free(s);
}

const struct bench_case bench_case_lookup_beside = {
	.keys = { { "space" },
		  { "writer", "none disjoint same sleeping" },
		  { "vas", "1024 32768 65536 1048576", "65536" } },
	.tail = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.rest = rest,
	.teardown = teardown,
};
