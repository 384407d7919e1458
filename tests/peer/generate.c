/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * generate.c - sequences of commands: random ones that meet each other's edges, IGT's munmap and mmap shapes, and every
 * request against every mapping in a few units. A function of seed and episode alone, never of what the commands do: so a
 * parent process knows what a child that crashed was running.
 */
#include "diff.h"

struct rng {
	uint64_t state;
	unsigned int hot[6]; /* units where things begin and end */
};

/* splitmix64 */
static uint64_t next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static unsigned int below(struct rng *r, unsigned int n)
{
	return (unsigned int)(next(r) % n);
}

/* ---- random ---- */

static const struct {
	enum d_kind kind;
	unsigned int weight;
} weights[] = {
	{ D_MAP, 14 },	   { D_MAP_OPS, 10 },  { D_UNMAP, 7 },	{ D_UNMAP_OPS, 5 }, { D_DROP_OPS, 2 },
	{ D_PREFETCH, 3 }, { D_BO_UNMAP, 1 },  { D_INSERT, 6 }, { D_REMOVE, 5 },    { D_OBTAIN, 5 },
	{ D_PREALLOC, 5 }, { D_FIND, 4 },      { D_PUT, 9 },	{ D_CREATE, 1 },    { D_EXTOBJ, 2 },
	{ D_EVICT, 5 },	   { D_GEM_EVICT, 3 }, { D_LOCK, 3 },	{ D_VALIDATE, 4 },  { D_QUERY, 6 },
};

static enum d_kind random_kind(struct rng *r)
{
	unsigned int total = 0, i, at;

	for (i = 0; i < sizeof(weights) / sizeof(weights[0]); i++)
		total += weights[i].weight;
	at = below(r, total);
	for (i = 0; at >= weights[i].weight; i++)
		at -= weights[i].weight;
	return weights[i].kind;
}

/* Mostly at edges that other commands used; now and then empty, outside, or everything. */
static void random_range(struct rng *r, struct d_command *c)
{
	unsigned int end;

	c->at = below(r, 3) ? r->hot[below(r, 6)] : below(r, D_UNITS);
	end = below(r, 3) ? r->hot[below(r, 6)] : c->at + 1 + below(r, 8);
	if (below(r, 40) == 0)
		c->at = 0, end = D_UNITS;
	if (below(r, 40) == 0)
		end = D_UNITS + 1 + below(r, 4);
	if (end < c->at) {
		c->n = c->at - end;
		c->at = end;
	} else {
		c->n = end - c->at;
	}
	if (c->n == 0 && below(r, 8))
		c->n = 1;
}

static struct d_command random_command(struct rng *r)
{
	struct d_command c = { .kind = random_kind(r) };
	bool maps = c.kind == D_MAP || c.kind == D_MAP_OPS || c.kind == D_DROP_OPS || c.kind == D_INSERT;

	c.vm = below(r, D_VMS);
	c.gem = (int)below(r, D_GEMS);
	if (maps && below(r, 6) == 0)
		c.gem = -1;
	random_range(r, &c);
	/* Often the offset that continues the neighbour, so that "keep" is exercised. */
	c.off = below(r, 3) ? c.at : below(r, 8);
	c.slot = below(r, D_SLOTS);
	c.arg = below(r, 2);
	return c;
}

static unsigned int random_episode(struct rng *r, struct d_command *cmd)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		r->hot[i] = below(r, D_UNITS + 1);
	for (i = 0; i < D_COMMANDS; i++) {
		if (i % 64 == 63)
			r->hot[below(r, 6)] = below(r, D_UNITS + 1);
		cmd[i] = random_command(r);
	}
	return i;
}

/* ---- IGT: B equal mappings over P units, then a request over [O, O + L) ---- */

static const struct {
	unsigned int pages, binds, first, length;
} igt[] = {
	{ 4, 2, 0, 4 },	   { 4, 1, 1, 2 },   { 4, 2, 1, 2 },	{ 6, 2, 2, 2 },	   { 4, 4, 1, 2 },
	{ 4, 2, 0, 3 },	   { 4, 2, 1, 3 },   { 32, 16, 0, 32 }, { 32, 16, 1, 30 }, { 32, 16, 2, 28 },
	{ 32, 32, 8, 16 }, { 32, 4, 0, 26 }, { 32, 4, 6, 26 },
};

static unsigned int igt_round(struct rng *r, struct d_command *cmd)
{
	unsigned int t = below(r, sizeof(igt) / sizeof(igt[0])), vm = below(r, D_VMS), n = 0, i;
	unsigned int each = igt[t].pages / igt[t].binds;
	int gem = (int)below(r, D_GEMS);

	for (i = 0; i < igt[t].binds; i++)
		cmd[n++] = (struct d_command){
			.kind = D_MAP, .vm = vm, .gem = gem, .at = i * each, .n = each, .off = i * each
		};
	cmd[n] = (struct d_command){ .kind = below(r, 2) ? D_MAP_OPS : D_UNMAP_OPS,
				     .vm = vm,
				     .gem = below(r, 2) ? gem : (int)below(r, D_GEMS),
				     .at = igt[t].first,
				     .n = igt[t].length,
				     .off = below(r, 2) ? igt[t].first : 0 };
	n++;
	cmd[n++] = (struct d_command){ .kind = D_PREFETCH, .vm = vm, .n = igt[t].pages, .arg = below(r, 2) };
	cmd[n++] = (struct d_command){ .kind = D_BO_UNMAP, .vm = vm, .gem = gem };
	cmd[n++] = (struct d_command){ .kind = D_UNMAP, .vm = vm, .n = igt[t].pages };
	return n;
}

static unsigned int igt_episode(struct rng *r, struct d_command *cmd)
{
	unsigned int n = 0;

	while (n + 40 < D_COMMANDS)
		n += igt_round(r, cmd + n);
	return n;
}

/* ---- small: one or two mappings in six units, then one request: each combination in turn ---- */

#define SMALL 6u
#define RANGES (SMALL * (SMALL + 1) / 2)

static void small_range(unsigned int which, struct d_command *c)
{
	unsigned int at = 0, row = SMALL;

	while (which >= row)
		which -= row--, at++;
	c->at = at;
	c->n = which + 1;
}

/* What a mapping shows: contiguous, shifted, another object, nothing. */
static void shows(unsigned int which, struct d_command *c)
{
	c->gem = which == 3 ? -1 : which == 2 ? 3 : 2;
	c->off = which == 3 ? 0 : which == 1 ? c->at + 1 : c->at;
}

static unsigned int small_round(uint64_t index, struct d_command *cmd)
{
	static const enum d_kind requests[] = { D_MAP, D_MAP_OPS, D_UNMAP, D_UNMAP_OPS, D_INSERT, D_REMOVE };
	unsigned int n = 0;

	cmd[n] = (struct d_command){ .kind = D_MAP };
	small_range(index % RANGES, &cmd[n]);
	index /= RANGES;
	shows(index % 4, &cmd[n++]);
	index /= 4;
	cmd[n] = (struct d_command){ .kind = requests[index % 6] };
	index /= 6;
	small_range(index % RANGES, &cmd[n]);
	index /= RANGES;
	shows(index % 4, &cmd[n]);
	if (cmd[n].kind == D_UNMAP || cmd[n].kind == D_UNMAP_OPS || cmd[n].kind == D_REMOVE)
		cmd[n].gem = 0; /* they show nothing, and a replay refuses what they would not look at */
	n++;
	cmd[n++] = (struct d_command){ .kind = D_UNMAP, .n = SMALL };
	return n;
}

/* 42336 combinations, 100 an episode; a second mapping comes from the last round's request now and then. */
static unsigned int small_episode(uint64_t episode, struct d_command *cmd)
{
	unsigned int n = 0, i;

	for (i = 0; i < 100; i++)
		n += small_round(episode * 100 + i, cmd + n);
	return n;
}

unsigned int d_generate(uint64_t seed, uint64_t episode, struct d_command *cmd)
{
	struct rng r = { .state = seed ^ (episode + 1) * 0xd1342543de82ef95u };

	(void)next(&r);
	switch (episode % 8) {
	case 0:
		return small_episode(seed + episode / 8, cmd);
	case 1:
		return igt_episode(&r, cmd);
	default:
		return random_episode(&r, cmd);
	}
}
