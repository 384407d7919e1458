/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * linear.c - see linear.h. The search of Wing and Gong with the memo of Lowe: a set of operations that took effect together
 * with the state that this led to is tried once.
 */
#include "linear.h"

#include <stdatomic.h>

#define MEMO (1u << 18) /* a power of two; far more than such short histories have */

static _Atomic uint64_t moments;

/* Sequentially consistent, the default: the call it stands beside does not move across. */
uint64_t t_moment(void)
{
	return atomic_fetch_add(&moments, 1);
}

struct search {
	const struct t_event *e;
	unsigned int n;
	t_model *model;
};

/* Dead ends; a slot counts if its round is this one's. */
static struct {
	uint64_t done, state;
	uint32_t round;
} memo[MEMO];
static uint32_t round_now;

/* True if it was there already. */
static bool memo_add(uint64_t done, uint64_t state)
{
	uint64_t i = (done * 0x9e3779b97f4a7c15u ^ state) * 0xff51afd7ed558ccdu >> 40, tries;

	for (tries = 0; tries < MEMO; tries++, i++) {
		i %= MEMO;
		if (memo[i].round != round_now) {
			memo[i].done = done;
			memo[i].state = state;
			memo[i].round = round_now;
			return false;
		}
		if (memo[i].done == done && memo[i].state == state)
			return true;
	}
	fprintf(stderr, "linear.c: the history is too long\n");
	abort();
}

/* What is not done and began last may take effect next only if nothing else that is not done had returned before. */
static uint64_t first_end(const struct search *s, uint64_t done)
{
	uint64_t first = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < s->n; i++)
		if (!(done >> i & 1) && s->e[i].end < first)
			first = s->e[i].end;
	return first;
}

static bool search(const struct search *s, uint64_t done, uint64_t state)
{
	uint64_t first = first_end(s, done), after;
	unsigned int i;

	if (first == UINT64_MAX)
		return true;
	if (memo_add(done, state))
		return false;
	for (i = 0; i < s->n; i++) {
		if (done >> i & 1 || s->e[i].begin > first)
			continue;
		after = state;
		if (s->model(&after, &s->e[i]) && search(s, done | 1ull << i, after))
			return true;
	}
	return false;
}

bool t_linearizable(const struct t_event *e, unsigned int n, uint64_t initial, t_model *model)
{
	const struct search s = { .e = e, .n = n, .model = model };

	if (n > T_EVENTS)
		abort();
	round_now++;
	return search(&s, 0, initial);
}
