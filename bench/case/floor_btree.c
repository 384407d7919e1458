/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * floor_btree.c - the least that a lookup among N mappings can cost: a static B+tree of 16 keys a node, full, searched key by
 * key, without a lock, a sequence, a read section or room for an insertion; no core code.
 *
 * It leads to records of 128 bytes, the size of a mapping, which lie in random order as mappings do, and copies out of them
 * what gpuvm_lookup() copies. chain:independent is the floor of the case lookup, chain:dependent that of lookup_chain: the
 * same addresses in the same order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../mapped.h"
#include "../rng.h"

#define KEYS 16u
#define LEVELS 8u

struct record {
	_Alignas(BENCH_LINE) char index[64]; /* what a mapping has in front of what a lookup wants */
	uint64_t start, end, offset;
	struct gpuvm_gem *gem;
	uint32_t flags;
};

struct node {
	_Alignas(BENCH_LINE) uint64_t key[KEYS]; /* UINT64_MAX beyond the last */
	void *child[KEYS]; /* struct node, at the bottom struct record */
};

struct tree {
	struct node *level[LEVELS]; /* from the bottom up */
	struct record *record;
	struct node *root;
	unsigned int height;
	uint32_t n;
	bool dependent;
	uint64_t *rng; /* by thread, a cache line apart */
};

#define RNG_STEP (BENCH_LINE / sizeof(uint64_t))

/* Level @at above @n things: nodes, or records in the order that @shuffled gives. Returns how many nodes; 0: no memory. */
static uint32_t make_level(struct tree *t, unsigned int at, uint32_t n, const uint32_t *shuffled)
{
	uint32_t nodes = (n + KEYS - 1) / KEYS, i;
	struct node *node = world_alloc(nodes, sizeof(*node));

	t->level[at] = node;
	if (!node)
		return 0;
	for (i = 0; i < nodes * KEYS; i++) {
		struct node *to = &node[i / KEYS];

		to->key[i % KEYS] = i >= n ? UINT64_MAX : at ? t->level[at - 1][i].key[0] : (uint64_t)i * MAPPED_STRIDE;
		to->child[i % KEYS] = i >= n ? NULL : at ? (void *)&t->level[at - 1][i] : &t->record[shuffled[i]];
	}
	return nodes;
}

static int make_tree(struct tree *t, uint64_t seed)
{
	uint32_t *shuffled = calloc(t->n, sizeof(*shuffled)), i, n;

	t->record = world_alloc(t->n, sizeof(*t->record));
	for (i = 0; shuffled && i < t->n; i++)
		shuffled[i] = i;
	if (shuffled)
		rng_shuffle(&seed, shuffled, t->n);
	for (i = 0; shuffled && t->record && i < t->n; i++) {
		struct record *r = &t->record[shuffled[i]];

		r->start = (uint64_t)i * MAPPED_STRIDE;
		r->end = r->start + MAPPED_SIZE;
		r->offset = (uint64_t)i * MAPPED_SIZE;
	}
	n = shuffled && t->record ? t->n : 0;
	for (t->height = 0; n && (!t->height || n > 1) && t->height < LEVELS; t->height++)
		n = make_level(t, t->height, n, shuffled);
	free(shuffled);
	if (n != 1)
		return -ENOMEM;
	t->root = t->level[t->height - 1];
	return 0;
}

static int setup(struct bench_ctx *ctx)
{
	struct tree *t = calloc(1, sizeof(*t));
	uint64_t vas = bench_num(ctx, "vas");
	unsigned int i;

	ctx->state = t;
	if (!t)
		return -ENOMEM;
	t->n = vas ? (uint32_t)vas : 1;
	t->dependent = !strcmp(bench_str(ctx, "chain"), "dependent");
	t->rng = world_alloc(ctx->threads, BENCH_LINE);
	if (!t->rng)
		return -ENOMEM;
	for (i = 0; i < ctx->threads; i++)
		t->rng[i * RNG_STEP] = ctx->seed + i;
	return make_tree(t, ctx->seed);
}

static inline unsigned int child_of(const struct node *n, uint64_t addr)
{
	unsigned int i, at = 0;

	for (i = 0; i < KEYS; i++)
		at += n->key[i] <= addr;
	return at - 1; /* the first key of the first node is 0 */
}

static inline bool find(const struct tree *t, uint64_t addr, struct gpuvm_mapping *out)
{
	const struct node *n = t->root;
	const struct record *r;
	unsigned int i;

	for (i = t->height; i > 1; i--)
		n = n->child[child_of(n, addr)];
	r = n->child[child_of(n, addr)];
	if (addr >= r->end)
		return false;
	*out = (struct gpuvm_mapping){
		.addr = r->start, .range = r->end - r->start, .offset = r->offset, .gem = r->gem, .flags = r->flags
	};
	return true;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	const struct tree *t = ctx->state;
	uint64_t *rng = &t->rng[thread * RNG_STEP], r;
	bool dependent = t->dependent;
	struct gpuvm_mapping found;

	for (; n; n--) {
		r = rng_below(rng, t->n);
		if (!find(t, r * MAPPED_STRIDE + (*rng & (MAPPED_SIZE - 1)), &found) || found.addr != r * MAPPED_STRIDE) {
			bench_fail(ctx, "a mapped address was not found, or the wrong mapping was");
			return;
		}
		if (dependent)
			*rng += found.offset >> 60; /* 0, but only the record says so */
	}
}

static void teardown(struct bench_ctx *ctx)
{
	struct tree *t = ctx->state;
	unsigned int i;

	if (!t)
		return;
	for (i = 0; i < LEVELS; i++)
		free(t->level[i]);
	free(t->record);
	free(t->rng);
	free(t);
}

const struct bench_case bench_case_floor_btree = {
	.keys = { { "vas", "0 1024 32768 65536 1048576", "65536" }, { "chain", "independent dependent" } },
	.threads = true,
	.setup = setup,
	.run = run,
	.teardown = teardown,
};
