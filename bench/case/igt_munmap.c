/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * igt_munmap.c - IGT's xe_vm munmap-style-unbind tuples, as whole operations: bind a buffer of P pages as B equal
 * mappings, unbind L pages from page O on, unbind the rest.
 *
 * "userptr" tuples have no object (sparse mappings). In a "hammer" a second thread submits on the first page throughout:
 * it looks the page up, locks the VM with all its objects, adds a fence and unlocks. Its operations are not counted, but
 * its CPU time is in cpu_ns_per_op. Before anything is timed, and after each window, the tuple is run page by page: what
 * must be mapped is, what must not be is not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../helper.h"
#include "../world.h"

#define BASE 0x1a00000ull
#define MIB2 (2ull << 20)

struct tuple {
	const char *name;
	unsigned int pages, binds, offset, length;
	uint64_t page_size;
	bool hammer;
};

#define TUPLE(n, p, b, o, l) { .name = n, .pages = p, .binds = b, .offset = o, .length = l, .page_size = WORLD_PAGE }
#define HAMMER(n, p, b, o, l, size) \
	{ .name = n, .pages = p, .binds = b, .offset = o, .length = l, .page_size = size, .hammer = true }

static const struct tuple tuples[] = {
	TUPLE("all", 4, 2, 0, 4),
	TUPLE("one-partial", 4, 1, 1, 2),
	TUPLE("either-side-partial", 4, 2, 1, 2),
	HAMMER("either-side-partial-hammer", 6, 2, 2, 2, WORLD_PAGE),
	HAMMER("either-side-partial-split-page-hammer", 6, 2, 2, 2, WORLD_PAGE),
	HAMMER("either-side-partial-large-page-hammer", 6, 2, 2, 2, MIB2),
	TUPLE("either-side-full", 4, 4, 1, 2),
	TUPLE("end", 4, 2, 0, 3),
	TUPLE("front", 4, 2, 1, 3),
	TUPLE("many-all", 32, 16, 0, 32),
	TUPLE("many-either-side-partial", 32, 16, 1, 30),
	HAMMER("many-either-side-partial-hammer", 32, 16, 2, 28, WORLD_PAGE),
	TUPLE("many-either-side-full", 32, 32, 8, 16),
	TUPLE("many-end", 32, 4, 0, 26),
	TUPLE("many-front", 32, 4, 6, 26),
};

struct igt {
	struct world w;
	const struct tuple *tuple;
	bool userptr;
	struct gpuvm_sm sm;
	uint64_t steps;
	struct helper hammer;
	uint64_t fence; /* of its last submission */
};

static const struct tuple *find_tuple(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(tuples) / sizeof(tuples[0]); i++)
		if (!strcmp(tuples[i].name, name))
			return &tuples[i];
	return NULL;
}

static uint64_t page_addr(const struct tuple *t, unsigned int page)
{
	return BASE + page * t->page_size;
}

static bool is_mapped(struct igt *s, unsigned int page)
{
	struct gpuvm_mapping found;

	return gpuvm_lookup(s->w.vm[0], page_addr(s->tuple, page), &found);
}

static int bind_one(struct igt *s, struct gpuvm_bo *bo, unsigned int index)
{
	const struct tuple *t = s->tuple;
	unsigned int pages = t->pages / t->binds;
	struct gpuvm_map_req req = {
		.addr = page_addr(t, index * pages),
		.range = pages * t->page_size,
		.offset = bo ? index * pages * t->page_size : 0,
		.bo = bo,
		.flags = bo ? 0 : GPUVM_VA_SPARSE,
	};
	int ret = gpuvm_sm_prepare(s->w.vm[0], &s->sm, GPUVM_SM_MAP_VAS);

	ret = ret ? ret : gpuvm_sm_map(s->w.vm[0], &req, &s->sm);
	gpuvm_sm_release(&s->sm);
	return ret;
}

static int bind_all(struct igt *s)
{
	struct gpuvm_bo *bo = NULL;
	unsigned int i;
	int ret = s->userptr ? 0 : gpuvm_obtain(s->w.vm[0], s->w.gem[0], &bo);

	for (i = 0; !ret && i < s->tuple->binds; i++)
		ret = bind_one(s, bo, i);
	gpuvm_bo_put_deferred(bo);
	return ret;
}

static int unbind(struct igt *s, unsigned int page, unsigned int pages)
{
	const struct tuple *t = s->tuple;
	int ret = gpuvm_sm_prepare(s->w.vm[0], &s->sm, GPUVM_SM_UNMAP_VAS);

	ret = ret ? ret : gpuvm_sm_unmap(s->w.vm[0], page_addr(t, page), pages * t->page_size, &s->sm);
	gpuvm_sm_release(&s->sm);
	return ret;
}

/* One submission; the fence is a number that grows. Return: 0 or -errno. */
static int submit(struct igt *s, uint64_t fence)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(s->w.vm[0]);
	int ret;

	if (!exec)
		return -ENOMEM;
	bench_keep(is_mapped(s, 0));
	ret = gpuvm_exec_lock(exec);
	if (!ret)
		gpuvm_exec_add_fence(exec, fence);
	gpuvm_exec_destroy(exec);
	return ret;
}

static int hammer(struct bench_ctx *ctx)
{
	struct igt *s = ctx->state;

	return submit(s, ++s->fence);
}

static int check_hole(struct igt *s)
{
	const struct tuple *t = s->tuple;
	unsigned int page;

	for (page = 0; page < t->pages; page++)
		if (is_mapped(s, page) == (page >= t->offset && page < t->offset + t->length))
			return -EIO;
	return 0;
}

static int one_tuple(struct igt *s, bool check)
{
	const struct tuple *t = s->tuple;
	int ret = bind_all(s);

	ret = ret ? ret : unbind(s, t->offset, t->length);
	if (!ret && check)
		ret = check_hole(s);
	ret = ret ? ret : unbind(s, 0, t->pages);
	gpuvm_bo_deferred_cleanup(s->w.vm[0], 0);
	return ret;
}

static int setup(struct bench_ctx *ctx)
{
	const char *name = bench_str(ctx, "tuple");
	struct igt *s = calloc(1, sizeof(*s));
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	s->sm.priv = &s->steps;
	s->userptr = !strncmp(name, "userptr-", 8);
	s->tuple = find_tuple(name + (s->userptr ? 8 : 0));
	if (!s->tuple)
		return -EINVAL;
	ret = world_create(ctx, &s->w, 1, NULL);
	ret = ret ? ret : world_add_gems(&s->w, 1, s->tuple->pages * s->tuple->page_size, s->w.vm[0]);
	ret = ret ? ret : one_tuple(s, true);
	return ret || !s->tuple->hammer ? ret : helper_start(&s->hammer, ctx, hammer);
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct igt *s = ctx->state;
	int ret = 0;

	helper_need(&s->hammer);
	for (; !ret && n; n--)
		ret = one_tuple(s, false);
	if (ret)
		bench_fail(ctx, "a step returned %d", ret);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct igt *s = ctx->state;

	if (gpuvm_vm_mappings(s->w.vm[0]))
		bench_fail(ctx, "mappings are left");
	if (one_tuple(s, true))
		bench_fail(ctx, "the hole is not where it must be");
}

static void rest(struct bench_ctx *ctx)
{
	struct igt *s = ctx->state;

	helper_rest(&s->hammer);
}

static void teardown(struct bench_ctx *ctx)
{
	struct igt *s = ctx->state;

	if (!s)
		return;
	helper_stop(&s->hammer);
	world_destroy(ctx, &s->w);
	free(s);
}

const struct bench_case bench_case_igt_munmap = {
	.keys = { { "tuple",
		    "all one-partial either-side-partial either-side-partial-hammer "
		    "either-side-partial-split-page-hammer either-side-partial-large-page-hammer "
		    "either-side-full end front many-all many-either-side-partial "
		    "many-either-side-partial-hammer many-either-side-full many-end many-front userptr-all "
		    "userptr-one-partial userptr-either-side-partial userptr-either-side-full userptr-end "
		    "userptr-front userptr-many-all userptr-many-either-side-full userptr-many-end "
		    "userptr-many-front",
		    "all one-partial either-side-partial-hammer many-either-side-partial userptr-many-end" } },
	.setup = setup,
	.run = run,
	.verify = verify,
	.rest = rest,
	.teardown = teardown,
};
