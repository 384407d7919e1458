/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mix_space.c - lookups and binds or unbinds in given shares, all over one VM.
 *
 * mix:L_U is L % lookups and U % updates. An update takes a slot of the thread's own: bound if it is free, unbound if it is
 * mapped. A lookup takes a slot of anyone's; if it is the thread's own, the answer must be exact. About half of the 2 N
 * slots are mapped at any time.
 * keys: uniform; zipf (s = 1, octave by octave: a rank in [2^k, 2^k+1) is as likely as one in any other octave, and ranks are
 * scattered over the slots); sequential.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../mapped.h"
#include "../rng.h"

enum keys { UNIFORM, ZIPF, SEQUENTIAL };

struct mix_thread {
	_Alignas(BENCH_LINE) uint64_t rng;
	uint32_t turn; /* SEQUENTIAL */
	uint64_t count; /* mapped slots */
	bool *is_mapped; /* by index in its part */
};

struct mix {
	struct mapped m;
	struct mix_thread *t;
	enum keys keys;
	uint32_t lookups; /* per cent */
};

static int read_ring(struct mix_thread *x, const struct mapped_thread *t)
{
	uint32_t i, at;

	x->is_mapped = calloc(t->nr_slots, sizeof(*x->is_mapped));
	if (!x->is_mapped)
		return -ENOMEM;
	for (i = 0; i < t->mapped.nr; i++) {
		at = (t->mapped.head + i) % t->nr_slots;
		x->is_mapped[t->mapped.slot[at] - t->first] = true;
	}
	x->count = t->mapped.nr;
	return 0;
}

static int setup(struct bench_ctx *ctx)
{
	struct mix *s = world_alloc(1, sizeof(*s));
	uint64_t vas = bench_num(ctx, "vas");
	const char *keys = bench_str(ctx, "keys");
	unsigned int i;
	int ret;

	ctx->state = s;
	if (!s)
		return -ENOMEM;
	s->keys = !strcmp(keys, "zipf") ? ZIPF : !strcmp(keys, "sequential") ? SEQUENTIAL : UNIFORM;
	s->lookups = (uint32_t)strtoul(bench_str(ctx, "mix"), NULL, 10);
	ret = mapped_create(ctx, &s->m, vas, (uint32_t)(vas / ctx->threads));
	s->t = world_alloc(ctx->threads, sizeof(*s->t));
	if (!ret && !s->t)
		ret = -ENOMEM;
	for (i = 0; !ret && i < ctx->threads; i++) {
		s->t[i].rng = ctx->seed + i;
		ret = read_ring(&s->t[i], &s->m.t[i]);
	}
	return ret;
}

/* Log-uniform: an octave, then a place in it. */
static uint32_t zipf(uint64_t *rng, uint32_t n)
{
	unsigned int octaves = 32 - (unsigned int)__builtin_clz(n);
	uint64_t rank = 1ull << rng_below(rng, octaves);

	rank += rng_below(rng, (uint32_t)rank);
	return (uint32_t)(((rank * 0x9e3779b97f4a7c15u >> 32) * n) >> 32);
}

static uint32_t pick(const struct mix *s, struct mix_thread *x, uint32_t n)
{
	switch (s->keys) {
	case ZIPF:
		return zipf(&x->rng, n);
	case SEQUENTIAL:
		return x->turn++ % n;
	default:
		return (uint32_t)rng_below(&x->rng, n);
	}
}

/* Parts are adjacent and of one size: slot numbers run from 0. */
static bool look(struct mix *s, unsigned int thread)
{
	const struct mapped_thread *t = &s->m.t[thread];
	struct mix_thread *x = &s->t[thread];
	uint32_t slot = pick(s, x, t->nr_slots * s->m.nr_threads);
	struct gpuvm_mapping m;
	bool found = gpuvm_lookup(t->vm, mapped_addr(t, slot), &m);

	if (found && m.addr != mapped_addr(t, slot))
		return false;
	return slot - t->first >= t->nr_slots || found == x->is_mapped[slot - t->first];
}

static bool update(struct mix *s, unsigned int thread)
{
	struct mapped_thread *t = &s->m.t[thread];
	struct mix_thread *x = &s->t[thread];
	uint32_t i = pick(s, x, t->nr_slots);
	int ret = x->is_mapped[i] ? mapped_unmap(t, t->first + i) : mapped_map(t, t->first + i);

	x->is_mapped[i] = !x->is_mapped[i];
	x->count += x->is_mapped[i] ? 1 : -1;
	return !ret;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct mix *s = ctx->state;
	struct mix_thread *x = &s->t[thread];
	bool ok = true;

	for (; ok && n; n--)
		ok = rng_below(&x->rng, 100) < s->lookups ? look(s, thread) : update(s, thread);
	if (!ok)
		bench_fail(ctx, "a bind failed, or a lookup was wrong");
}

static void count(struct bench_ctx *ctx, struct mix *s)
{
	unsigned int i;

	s->m.held = 0;
	for (i = 0; i < ctx->threads; i++)
		s->m.held += s->t[i].count;
}

static void verify(struct bench_ctx *ctx, const struct bench_window *w)
{
	count(ctx, ctx->state);
	mapped_verify(ctx, &((struct mix *)ctx->state)->m);
}

static void teardown(struct bench_ctx *ctx)
{
	struct mix *s = ctx->state;
	unsigned int i;

	if (!s)
		return;
	if (s->t)
		count(ctx, s);
	mapped_destroy(ctx, &s->m);
	for (i = 0; s->t && i < ctx->threads; i++)
		free(s->t[i].is_mapped);
	free(s->t);
	free(s);
}

const struct bench_case bench_case_mix_space = {
	.keys = { { "space" },
		  { "mix", "100_0 90_10 50_50 0_100", "90_10" },
		  { "keys", "uniform zipf sequential", "uniform" },
		  { "vas", "1024 65536 1048576", "65536" } },
	.threads = true,
	.tail = true,
	.setup = setup,
	.run = run,
	.verify = verify,
	.teardown = teardown,
};
