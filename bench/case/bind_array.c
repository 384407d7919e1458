/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bind_array.c - whole binds, as in bind.c, in arrays of N: vas ready, obtain, array, put, what went freed. Per operation.
 *
 * 65536 mappings are there throughout. apart: at random free slots of the thread's part of the VM; row: back to back, in a
 * part of the VM that is empty otherwise. What one array did not use the next one has, as in a driver that keeps its
 * struct gpuvm_bind: so an operation allocates the mapping that it makes, and what the index takes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../mapped.h"

#define MAPPINGS 65536u
#define MAX_OPS 4096u
#define MAX_BATCH MAX_OPS /* a multiple of each N */

struct array_thread {
	_Alignas(BENCH_LINE) struct gpuvm_bind bind;
	uint64_t row; /* where its row begins; 0: apart */
	uint64_t steps;
	struct gpuvm_bind_op op[MAX_OPS];
};

/* First, as mapped.h wants it in ctx->state. */
struct arrays {
	struct mapped m;
	struct array_thread *t;
	unsigned int ops; /* of an array */
};

static int setup(struct bench_ctx *ctx)
{
	struct arrays *a = calloc(1, sizeof(*a));
	unsigned int i;

	ctx->state = a;
	if (!a)
		return -ENOMEM;
	a->ops = (unsigned int)bench_num(ctx, "ops");
	a->t = world_alloc(ctx->threads, sizeof(*a->t));
	ctx->batch_unit = a->ops;
	ctx->max_batch = MAX_BATCH;
	for (i = 0; a->t && i < ctx->threads; i++) {
		a->t[i].bind.priv = &a->t[i].steps;
		if (!strcmp(bench_str(ctx, "where"), "row"))
			a->t[i].row = WORLD_RANGE / 2 + i * (WORLD_RANGE / 4096);
	}
	return a->t ? mapped_create(ctx, &a->m, MAPPINGS, MAPPINGS / ctx->threads + MAX_BATCH) : -ENOMEM;
}

/* Operation @nth of a batch. */
static int make_op(struct array_thread *a, struct mapped_thread *t, uint64_t nth, struct gpuvm_bind_op *op)
{
	uint32_t slot = a->row ? (uint32_t)nth : mapped_take(t, &t->unmapped);

	if (!a->row)
		mapped_give(t, &t->mapped, slot);
	*op = (struct gpuvm_bind_op){ .type = GPUVM_BIND_MAP,
				      .req = { .addr = a->row ? a->row + nth * MAPPED_SIZE : mapped_addr(t, slot),
					       .range = MAPPED_SIZE,
					       .offset = mapped_offset(slot) } };
	return gpuvm_obtain(t->vm, t->gem[slot % MAPPED_GEMS], &op->req.bo);
}

/* The @first-th operation of a batch and those that follow, as one array. */
static int bind(struct array_thread *a, struct mapped_thread *t, unsigned int ops, uint64_t first)
{
	struct gpuvm_va_removed *va;
	unsigned int i, made;
	int ret = 0;

	for (made = 0; !ret && made < ops; made += !ret)
		ret = make_op(a, t, first + made, &a->op[made]);
	ret = ret ? ret : gpuvm_bind_prepare(t->vm, &a->bind, a->op, ops);
	ret = ret ? ret : gpuvm_bind_array(t->vm, &a->bind);
	for (i = 0; i < made; i++)
		gpuvm_bo_put(a->op[i].req.bo);
	while ((va = gpuvm_va_removed_pop(&a->bind.removed)))
		gpuvm_va_removed_free(va);
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct arrays *a = ctx->state;
	uint64_t first;
	int ret = 0;

	for (first = 0; !ret && first < n; first += a->ops)
		ret = bind(&a->t[thread], &a->m.t[thread], a->ops, first);
	if (ret)
		bench_fail(ctx, "an array returned %d", ret);
}

static void reset(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct arrays *a = ctx->state;
	struct mapped_thread *t = &a->m.t[thread];
	int ret;

	if (!a->t[thread].row) {
		mapped_unbinds(ctx, thread, n);
		return;
	}
	ret = gpuvm_sm_prepare(t->vm, &t->sm, GPUVM_SM_UNMAP_VAS);
	ret = ret ? ret : gpuvm_sm_unmap(t->vm, a->t[thread].row, n * MAPPED_SIZE, &t->sm);
	gpuvm_sm_release(&t->sm);
	if (ret)
		bench_fail(ctx, "unbinding the row returned %d", ret);
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	bench_expect(ctx, w, GPUVM_STAT_LIST_HIT, w->ops);
	mapped_check(ctx, w, 1);
}

static void teardown(struct bench_ctx *ctx)
{
	struct arrays *a = ctx->state;
	unsigned int i;

	for (i = 0; a && a->t && i < ctx->threads; i++)
		gpuvm_bind_release(&a->t[i].bind);
	if (a)
		free(a->t);
	mapped_teardown(ctx);
}

const struct bench_case bench_case_bind_array = {
	.keys = { { "space" }, { "ops", "1 16 256 4096", "16 4096" }, { "where", "apart row", "apart" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.reset = reset,
	.verify = verify,
	.teardown = teardown,
};
