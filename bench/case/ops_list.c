/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ops_list.c - the list form of a map request: made, walked, dropped. Its allocations are exact and checked.
 *
 *   form:map     nothing there                        2 allocations: the list, one MAP
 *   form:split   the middle of one mapping            6: + REMAP with its unmap and two pieces
 *   form:span8   cuts two mappings and covers eight   16 = 8 + 8: two REMAPs with one piece each, eight UNMAPs
 *
 * The callback form of the same three requests must allocate nothing from its first callback to its end; that is
 * checked at set-up, on mappings of the same shape.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../world.h"

#define VA (4ull * WORLD_PAGE) /* size of the mappings that are there */
#define SHAPE (16 * VA) /* where the second copy of a shape starts */

static const struct shape {
	const char *name;
	unsigned int vas; /* mappings there, back to back */
	uint64_t addr, range; /* the request, relative to the first */
	uint64_t allocs;
	unsigned int steps;
} shapes[] = {
	{ .name = "map", .vas = 0, .addr = 0, .range = VA, .allocs = 2, .steps = 1 },
	{ .name = "split", .vas = 1, .addr = WORLD_PAGE, .range = WORLD_PAGE, .allocs = 6, .steps = 2 },
	{ .name = "span8", .vas = 10, .addr = VA / 2, .range = 9 * VA, .allocs = 16, .steps = 11 },
};

struct ops {
	struct world w;
	const struct shape *shape;
};

/* Callback form: allocations of this thread from the first callback on. */
struct probe {
	struct gpuvm_stats first;
	unsigned int steps;
};

static int step(const struct gpuvm_op *op, void *priv)
{
	struct probe *p = priv;

	if (p && !p->steps++)
		gpuvm_stats_read_thread(&p->first);
	return 0;
}

static const struct gpuvm_driver probing_driver = {
	.sm_step_map = step,
	.sm_step_remap = step,
	.sm_step_unmap = step,
};

static int map(struct ops *s, struct gpuvm_map_req *req, struct gpuvm_sm *sm)
{
	struct gpuvm_vm *vm = s->w.vm[0];
	int ret = gpuvm_sm_prepare(vm, sm, GPUVM_SM_MAP_VAS);

	req->bo = s->w.bo[0];
	return ret ? ret : gpuvm_sm_map(vm, req, sm);
}

static int make_shape(struct ops *s, uint64_t base)
{
	struct gpuvm_sm sm = { 0 };
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < s->shape->vas; i++) {
		struct gpuvm_map_req req = { .addr = base + i * VA, .range = VA, .offset = i * VA };

		ret = map(s, &req, &sm);
	}
	gpuvm_sm_release(&sm);
	return ret;
}

static struct gpuvm_map_req request(const struct ops *s, uint64_t base)
{
	return (struct gpuvm_map_req){
		.addr = base + s->shape->addr, .range = s->shape->range, .offset = 64 * VA, .bo = s->w.bo[0]
	};
}

static int check_callback_form(struct bench_ctx *ctx, struct ops *s, uint64_t base)
{
	struct gpuvm_map_req req = request(s, base);
	struct probe probe = { .steps = 0 };
	struct gpuvm_sm sm = { .priv = &probe };
	struct gpuvm_stats end;
	int ret = map(s, &req, &sm);

	gpuvm_stats_read_thread(&end);
	gpuvm_sm_release(&sm);
	if (ret)
		return ret;
	if (probe.steps != s->shape->steps)
		bench_fail(ctx, "%u callbacks, must be %u", probe.steps, s->shape->steps);
	if (end.v[GPUVM_STAT_ALLOC] != probe.first.v[GPUVM_STAT_ALLOC])
		bench_fail(ctx, "the callback form allocated %" PRIu64 " times, must be 0",
			   end.v[GPUVM_STAT_ALLOC] - probe.first.v[GPUVM_STAT_ALLOC]);
	return ctx->failed ? -EIO : 0;
}

static int setup(struct bench_ctx *ctx)
{
	struct ops *s = calloc(1, sizeof(*s));
	size_t i;
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (!strcmp(shapes[i].name, bench_str(ctx, "form")))
			s->shape = &shapes[i];
	ret = s->shape ? world_create(ctx, &s->w, 1, &probing_driver) : -EINVAL;
	ret = ret ? ret : world_add_gems(&s->w, 1, 128 * VA, s->w.vm[0]);
	ret = ret ? ret : world_hold(&s->w, 0, 0);
	ret = ret ? ret : make_shape(s, 0);
	ret = ret ? ret : make_shape(s, SHAPE);
	return ret ? ret : check_callback_form(ctx, s, SHAPE);
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct ops *s = ctx->state;
	struct gpuvm_map_req req = request(s, 0);
	const struct gpuvm_op *op;
	struct gpuvm_oplist *list;
	unsigned int steps;

	for (; n; n--) {
		if (gpuvm_sm_map_ops(s->w.vm[0], &req, &list)) {
			bench_fail(ctx, "no list");
			return;
		}
		steps = 0;
		for (op = gpuvm_oplist_first(list); op; op = gpuvm_oplist_next(list, op))
			steps++;
		gpuvm_oplist_free(list);
		if (steps != s->shape->steps)
			bench_fail(ctx, "%u steps, must be %u", steps, s->shape->steps);
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct ops *s = ctx->state;

	bench_expect(ctx, w, GPUVM_STAT_ALLOC, w->ops * s->shape->allocs + w->stats.v[GPUVM_STAT_SPACE_ALLOC]);
}

static void teardown(struct bench_ctx *ctx)
{
	struct ops *s = ctx->state;

	if (!s)
		return;
	world_destroy(ctx, &s->w);
	free(s);
}

const struct bench_case bench_case_ops_list = {
	.keys = { { "form", "map split span8" } },
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
