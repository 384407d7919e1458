/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ops_list.c - the peer's side of bench/case/ops_list.c: drm_gpuvm_sm_map_ops_create(), walked, dropped; the same three shapes.
 * The VM's lock is held from the list's creation until it is dropped, as its users must.
 */
#include <stdlib.h>
#include <string.h>

#include "../world.h"

#define VA (4ull * PEER_PAGE)

static const struct shape {
	const char *name;
	unsigned int vas;
	u64 addr, range;
	unsigned int steps;
} shapes[] = {
	{ .name = "map", .vas = 0, .addr = 0, .range = VA, .steps = 1 },
	{ .name = "split", .vas = 1, .addr = PEER_PAGE, .range = PEER_PAGE, .steps = 2 },
	{ .name = "span8", .vas = 10, .addr = VA / 2, .range = 9 * VA, .steps = 11 },
};

struct ops {
	struct peer_world w;
	const struct shape *shape;
};

static int setup(struct bench_ctx *ctx)
{
	struct ops *s = calloc(1, sizeof(*s));
	unsigned int i;
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (!strcmp(shapes[i].name, bench_str(ctx, "form")))
			s->shape = &shapes[i];
	ret = s->shape ? peer_world_create(ctx, &s->w, 1, DRM_GPUVM_RESV_PROTECTED) : -ENOTSUP;
	ret = ret ? ret : peer_world_add_gems(&s->w, 1, s->w.vm[0]);
	ret = ret ? ret : peer_world_hold(&s->w, 0, 0);
	for (i = 0; !ret && i < s->shape->vas; i++)
		ret = peer_map(s->w.vm[0], s->w.gem[0], i * VA, VA, i * VA);
	return ret;
}

static unsigned int make_walk_drop(struct ops *s)
{
	struct drm_gpuvm *vm = &s->w.vm[0]->base;
	struct drm_gpuva_ops *ops;
	struct drm_gpuva_op *op;
	unsigned int steps = 0;

	mutex_lock(&s->w.vm[0]->lock);
	ops = drm_gpuvm_sm_map_ops_create(vm, s->shape->addr, s->shape->range, &s->w.gem[0]->base, 64 * VA);
	if (!IS_ERR(ops)) {
		drm_gpuva_for_each_op(op, ops)
			steps++;
		drm_gpuva_ops_free(vm, ops);
	}
	mutex_unlock(&s->w.vm[0]->lock);
	return steps;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct ops *s = ctx->state;
	unsigned int steps;

	(void)peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);
	for (; n; n--) {
		steps = make_walk_drop(s);
		if (steps != s->shape->steps) {
			bench_fail(ctx, "%u steps, must be %u", steps, s->shape->steps);
			return;
		}
	}
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	peer_world_verify(ctx);
}

static void teardown(struct bench_ctx *ctx)
{
	struct ops *s = ctx->state;

	if (!s)
		return;
	peer_world_destroy(ctx, &s->w);
	free(s);
}

const struct bench_case bench_peer_ops_list = {
	.keys = { PEER_KEY, { "form" } },
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
