/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * exec_walk.c - a submission's locks: the VM and its N external objects, taken and dropped again; and with every object
 * evicted before, so that each is validated too.
 *
 *   walk:plain   RESV_PROTECTED: the extobj and evict lists are walked under the VM's reservation
 *   walk:local   spinlocks instead, so each element is moved to a local list, with a reference, and put again
 *
 * Everything else is the same, so the difference, over N, is the price of the local-list trick per element (validate walks
 * two lists). Staged mode, as drivers with ops lists have it. One operation locks N reservations: it grows with N.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../world.h"

struct walk {
	struct world w;
	size_t nr;
	bool validate;
	uint64_t validated;
};

static int validate(struct gpuvm_bo *bo, void *priv)
{
	++*(uint64_t *)priv;
	return 0;
}

static const struct gpuvm_driver driver = { .bo_validate = validate };

/* Everything must be locked to register a pair in this mode: the VM with its objects so far, and the new one. */
static int hold(struct walk *s, size_t gem)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(s->w.vm[0]);
	int ret = exec ? 0 : -ENOMEM;

	if (!ret)
		ret = gpuvm_exec_lock(exec);
	if (!ret)
		ret = gpuvm_exec_lock_gem(exec, s->w.gem[gem]);
	if (!ret)
		ret = world_hold(&s->w, 0, gem);
	gpuvm_exec_destroy(exec);
	return ret;
}

static int make_vm(struct bench_ctx *ctx, struct walk *s)
{
	const struct gpuvm_vm_params params = {
		.name = "bench",
		.flags = strcmp(bench_str(ctx, "walk"), "plain") ? 0 : GPUVM_VM_RESV_PROTECTED,
		.range = WORLD_RANGE,
		.page_size = WORLD_PAGE,
		.driver = &driver,
	};
	int ret = world_create(ctx, &s->w, 1, NULL);

	if (ret)
		return ret;
	gpuvm_vm_put(s->w.vm[0]);
	s->w.nr_vms = 0;
	ret = gpuvm_vm_create(s->w.dev, &params, &s->w.vm[0]);
	s->w.nr_vms = !ret;
	return ret;
}

static int setup(struct bench_ctx *ctx)
{
	struct walk *s = calloc(1, sizeof(*s));
	size_t i;
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	s->nr = bench_num(ctx, "extobjs");
	s->validate = !strcmp(bench_str(ctx, "work"), "validate");
	ret = make_vm(ctx, s);
	ret = ret ? ret : world_add_gems(&s->w, s->nr, WORLD_PAGE, NULL);
	for (i = 0; !ret && i < s->nr; i++)
		ret = hold(s, i);
	return ret;
}

static int once(struct walk *s)
{
	struct gpuvm_exec *exec = gpuvm_exec_create(s->w.vm[0]);
	int ret = exec ? gpuvm_exec_lock(exec) : -ENOMEM;
	size_t i;

	if (!ret && s->validate)
		ret = gpuvm_exec_validate(exec, &s->validated);
	for (i = 0; !ret && s->validate && i < s->nr; i++)
		gpuvm_bo_evict(s->w.bo[i], true);
	gpuvm_exec_destroy(exec);
	return ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	int ret = 0;

	for (; !ret && n; n--)
		ret = once(ctx->state);
	if (ret)
		bench_fail(ctx, "locking or validating returned %d", ret);
}

/* All but the very first operation find every object evicted. */
static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	struct walk *s = ctx->state;

	if (s->validate && s->validated < (w->ops - 1) * s->nr)
		bench_fail(ctx, "fewer objects validated than were evicted");
	s->validated = 0;
}

/* A last put in this mode wants the reservations; closing the VM does not drop what the driver holds. */
static void drop_pairs(struct bench_ctx *ctx, struct walk *s)
{
	struct gpuvm_exec *exec;

	while (s->w.nr_bos) {
		exec = gpuvm_exec_create(s->w.vm[0]);
		if (!exec || gpuvm_exec_lock(exec) || !gpuvm_bo_put(s->w.bo[--s->w.nr_bos]))
			bench_fail(ctx, "a pair could not be dropped");
		gpuvm_exec_destroy(exec);
	}
}

static void teardown(struct bench_ctx *ctx)
{
	struct walk *s = ctx->state;

	if (!s)
		return;
	drop_pairs(ctx, s);
	world_destroy(ctx, &s->w);
	free(s);
}

const struct bench_case bench_case_exec_walk = {
	.keys = { { "ref" },
		  { "work", "lock validate" },
		  { "walk", "plain local" },
		  { "extobjs", "1 16 256 4096", "16 256" } },
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
