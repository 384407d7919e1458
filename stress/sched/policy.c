/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * policy.c - how the next thread is chosen, and the strings that repeat a choice.
 *
 *   d<n>   depth first: every schedule with at most n preemptions (a switch away from a thread that could go on)
 *   r<s>   random walk from seed s: each schedule draws how often it switches
 *   p<n>.<s> PCT: random priorities, n - 1 random steps at which the running thread's priority drops (Burckhardt et al.)
 *   x<c>   exactly these choices: "17.2-40.1": at the 17th choice option 2, at the 40th option 1, else option 0
 *
 * Option 0 is the thread that runs, if it can go on, so an empty x is the schedule without preemption.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

/* ---- random numbers (splitmix64) ---- */

static uint64_t draw(struct sched_policy *p)
{
	uint64_t z = p->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* ---- strings ---- */

static bool parse_choices(const char *s, struct sched_policy *p)
{
	memset(p->choice, 0, sizeof(p->choice));
	p->len = SCHED_MAX_CHOICES;
	while (*s && *s != 'l') {
		char *end;
		unsigned long at = strtoul(s, &end, 10), option;

		if (!isdigit((unsigned char)*s) || *end != '.' || !isdigit((unsigned char)end[1]) || at >= SCHED_MAX_CHOICES)
			return false;
		s = end + 1;
		option = strtoul(s, &end, 10);
		if (option >= FIBERS)
			return false;
		p->choice[at].taken = option;
		s = *end == '-' ? end + 1 : end;
	}
	p->lazy = *s == 'l';
	return !*s || !s[1];
}

/* A number and, if @dot, another after a dot; then the end, or "l". */
static bool parse_numbers(const char *s, bool dot, struct sched_policy *p)
{
	char *end;

	if (dot || p->kind == SCHED_DFS) {
		p->bound = strtoul(s, &end, 10);
		if (!isdigit((unsigned char)*s) || (dot && *end != '.'))
			return false;
		s = end + dot;
	}
	if (p->kind != SCHED_DFS) {
		p->seed = strtoull(s, &end, 16);
		if (!isxdigit((unsigned char)*s))
			return false;
		s = end;
	}
	p->lazy = *s == 'l';
	return *s == '\0' || (*s == 'l' && s[1] == '\0');
}

bool sched_policy_parse(const char *text, struct sched_policy *p)
{
	bool ok;

	memset(p, 0, offsetof(struct sched_policy, choice));
	switch (text[0]) {
	case 'd':
		p->kind = SCHED_DFS;
		ok = parse_numbers(text + 1, false, p) && p->bound <= SCHED_MAX_BOUND;
		break;
	case 'r':
		p->kind = SCHED_RANDOM;
		ok = parse_numbers(text + 1, false, p);
		break;
	case 'p':
		p->kind = SCHED_PCT;
		ok = parse_numbers(text + 1, true, p) && p->bound >= 1 && p->bound <= SCHED_PCT_DEPTH;
		break;
	case 'x':
		p->kind = SCHED_REPLAY;
		ok = parse_choices(text + 1, p);
		break;
	default:
		return false;
	}
	p->base = p->seed;
	return ok;
}

static void print_choices(const struct sched_policy *p, char *buf, size_t size)
{
	unsigned int i;
	size_t n = snprintf(buf, size, "x");

	for (i = 0; i < p->depth && n < size; i++)
		if (p->choice[i].taken)
			n += snprintf(buf + n, size - n, "%s%u.%u", n > 1 ? "-" : "", i, p->choice[i].taken);
	if (p->lazy && n < size)
		snprintf(buf + n, size - n, "l");
}

void sched_policy_print(const struct sched_policy *p, char *buf, size_t size)
{
	const char *lazy = p->lazy ? "l" : "";

	if (p->kind == SCHED_RANDOM)
		snprintf(buf, size, "r%llx%s", (unsigned long long)p->seed, lazy);
	else if (p->kind == SCHED_PCT)
		snprintf(buf, size, "p%u.%llx%s", p->bound, (unsigned long long)p->seed, lazy);
	else
		print_choices(p, buf, size);
}

/* ---- schedules ---- */

#define PCT_HORIZON 512 /* fixed, not measured: a seed alone repeats its schedule */

void sched_policy_begin(struct sched_policy *p)
{
	unsigned int i;

	p->depth = p->spent = 0;
	p->rng = p->seed * 0xda942042e4dd58b5ull + 1;
	p->often = 1u << (1 + draw(p) % 5);
	p->low = SCHED_PCT_DEPTH;
	for (i = 0; i < FIBERS; i++)
		p->prio[i] = SCHED_PCT_DEPTH + 1 + draw(p) % 1000;
	for (i = 0; i < SCHED_PCT_DEPTH; i++)
		p->change[i] = 1 + draw(p) % (PCT_HORIZON >> (draw(p) % 4));
}

static bool next_dfs(struct sched_policy *p)
{
	p->len = p->depth;
	while (p->len) {
		struct sched_choice *c = &p->choice[p->len - 1];

		if (c->taken + 1 < c->options && (!c->can_go_on || c->spent < p->bound)) {
			c->taken++;
			return true;
		}
		p->len--;
	}
	return false;
}

bool sched_policy_next(struct sched_policy *p)
{
	p->done++;
	if (p->kind == SCHED_REPLAY)
		return false;
	if (p->kind == SCHED_DFS)
		return next_dfs(p);
	p->seed = p->base + p->done;
	return true;
}

static unsigned int pick_fixed(struct sched_policy *p, unsigned int n, bool can_go_on)
{
	struct sched_choice *c = &p->choice[p->depth];

	if (p->kind == SCHED_DFS && p->depth >= p->len)
		c->taken = 0;
	if (c->taken >= n)
		sched_fail("choice %u has %u options here, option %u was wanted: not the run this string is from",
			   p->depth, n, c->taken);
	c->options = n;
	c->can_go_on = can_go_on;
	c->spent = p->spent;
	return c->taken;
}

static unsigned int pick_random(struct sched_policy *p, unsigned int n, bool can_go_on)
{
	if (can_go_on && draw(p) % p->often)
		return 0;
	return can_go_on ? 1 + draw(p) % (n - 1) : draw(p) % n;
}

static unsigned int pick_pct(struct sched_policy *p, const unsigned int *options, unsigned int n)
{
	unsigned int i, best = 0;

	for (i = 0; i + 1 < p->bound; i++)
		if (p->change[i] == p->depth)
			p->prio[gpuvm__sched_id] = --p->low;
	for (i = 1; i < n; i++)
		if (p->prio[options[i]] > p->prio[options[best]])
			best = i;
	return best;
}

/* Which of @options runs. The choice is recorded, whatever the policy, so that any schedule can be printed as choices. */
unsigned int sched_policy_pick(struct sched_policy *p, const unsigned int *options, unsigned int n, bool can_go_on)
{
	struct sched_choice *c = &p->choice[p->depth];
	unsigned int at;

	if (p->depth + 1 == SCHED_MAX_CHOICES)
		sched_fail("more than %d choices", SCHED_MAX_CHOICES);
	if (p->kind == SCHED_RANDOM)
		at = pick_random(p, n, can_go_on);
	else if (p->kind == SCHED_PCT)
		at = pick_pct(p, options, n);
	else
		at = pick_fixed(p, n, can_go_on);
	c->taken = at;
	p->depth++;
	p->spent += can_go_on && at != 0;
	return options[at];
}

/* PCT: who spins would otherwise keep the processor for ever. */
void sched_policy_yielded(struct sched_policy *p, unsigned int fiber)
{
	if (p->kind == SCHED_PCT && p->low > 0)
		p->prio[fiber] = p->low > 1 ? --p->low : 0;
}
