/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * igt_munmap.c - the peer's side of bench/case/igt_munmap.c: bind P pages as B mappings, unbind a part, unbind the rest. Nobody
 * holds the pair, so it is created by the first bind and dropped with the last mapping. Tuples with a hammer are skipped.
 */
#include <stdlib.h>
#include <string.h>

#include "../world.h"

#define BASE 0x1a00000ull

static const struct tuple {
	const char *name;
	unsigned int pages, binds, offset, length;
} tuples[] = {
	{ "all", 4, 2, 0, 4 },
	{ "one-partial", 4, 1, 1, 2 },
	{ "either-side-partial", 4, 2, 1, 2 },
	{ "either-side-full", 4, 4, 1, 2 },
	{ "end", 4, 2, 0, 3 },
	{ "front", 4, 2, 1, 3 },
	{ "many-all", 32, 16, 0, 32 },
	{ "many-either-side-partial", 32, 16, 1, 30 },
	{ "many-either-side-full", 32, 32, 8, 16 },
	{ "many-end", 32, 4, 0, 26 },
	{ "many-front", 32, 4, 6, 26 },
};

struct igt {
	struct peer_world w;
	const struct tuple *tuple;
	bool userptr;
};

static int setup(struct bench_ctx *ctx)
{
	const char *name = bench_str(ctx, "tuple");
	struct igt *s = calloc(1, sizeof(*s));
	unsigned int i;
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	s->userptr = !strncmp(name, "userptr-", 8);
	for (i = 0; i < sizeof(tuples) / sizeof(tuples[0]); i++)
		if (!strcmp(tuples[i].name, name + (s->userptr ? 8 : 0)))
			s->tuple = &tuples[i];
	ret = peer_world_create(ctx, &s->w, 1, DRM_GPUVM_RESV_PROTECTED);
	ret = ret ? ret : peer_world_add_gems(&s->w, 1, s->w.vm[0]);
	return ret || s->tuple ? ret : -ENOTSUP;
}

static int bind_all(struct igt *s, struct drm_gpuvm_bo *bo)
{
	u64 range = (u64)s->tuple->pages / s->tuple->binds * PEER_PAGE;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < s->tuple->binds; i++)
		ret = peer_map_bo(s->w.vm[0], bo, BASE + i * range, range, bo ? i * range : 0);
	return ret;
}

static int one_tuple(struct igt *s)
{
	struct drm_gpuvm_bo *bo = s->userptr ? NULL : peer_obtain(&s->w.vm[0]->base, &s->w.gem[0]->base);
	const struct tuple *t = s->tuple;
	int ret = bind_all(s, bo);

	drm_gpuvm_bo_put(bo); /* the mappings hold it */
	ret = ret ? ret : peer_unmap_last(s->w.vm[0], BASE + t->offset * PEER_PAGE, t->length * PEER_PAGE);
	return ret ? ret : peer_unmap_last(s->w.vm[0], BASE, t->pages * PEER_PAGE);
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	int ret = peer_mem_use(ctx->strategy[GPUVM_AXIS_ALLOC]);

	for (; !ret && n; n--)
		ret = one_tuple(ctx->state);
	if (ret)
		bench_fail(ctx, "a step returned %d", ret);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct igt *s = ctx->state;

	if (peer_mappings(s->w.vm[0]))
		bench_fail(ctx, "mappings are left");
	if (kref_read(&s->w.gem[0]->base.refcount) != 1)
		bench_fail(ctx, "a pair is left");
	peer_world_verify(ctx);
}

static void teardown(struct bench_ctx *ctx)
{
	struct igt *s = ctx->state;

	if (!s)
		return;
	peer_world_destroy(ctx, &s->w);
	free(s);
}

const struct bench_case bench_peer_igt_munmap = {
	.keys = { PEER_KEY, { "tuple" } },
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
