/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * history.c - linearizability: is there an order of the operations that respects their times (what returned before another
 * began comes first) and in which a sequential model gives every answer that was given?
 *
 * Each pair's bo is one object, the mappings of the VM another; objects are checked one by one. Histories are short, so
 * the search simply tries.
 */
#include <errno.h>
#include <string.h>

#include "world.h"

/* ---- one pair ---- */

#define MAX_DEAD 24

struct pair {
	const void *live; /* the bo, if one is registered */
	unsigned int count;
	bool floating; /* only references nobody was told of keep it, if any: it may be gone at any time */
	const void *dead[MAX_DEAD];
	unsigned int nr_dead;
};

static bool relaxed; /* there may be such references */

static void die(struct pair *p)
{
	if (p->nr_dead < MAX_DEAD)
		p->dead[p->nr_dead++] = p->live;
	p->live = NULL;
	p->count = 0;
	p->floating = false;
}

/* A bo that died does not come back. (Memory is not reused within a schedule.) */
static bool is_new(const struct pair *p, const void *bo)
{
	unsigned int i;

	for (i = 0; i < p->nr_dead; i++)
		if (p->dead[i] == bo)
			return false;
	return bo != p->live;
}

static bool apply_obtain(struct pair *p, const struct event *e)
{
	if (p->floating && e->bo != p->live)
		die(p);
	if (!p->live) {
		if (!is_new(p, e->bo))
			return false;
		p->live = e->bo;
	}
	p->count++;
	return p->live == e->bo;
}

static bool apply_find(struct pair *p, const struct event *e)
{
	if (p->floating && !e->bo)
		die(p);
	if (e->bo)
		p->count++;
	return p->live == e->bo;
}

static bool apply_put(struct pair *p, const struct event *e)
{
	if (p->live != e->bo || !p->count)
		return false;
	if (e->kind == EV_PUT && e->result && p->count > 1)
		return false;
	if (--p->count)
		return true;
	if (e->kind == EV_PUT && !e->result) {
		p->floating = true;
		return relaxed;
	}
	if (e->kind == EV_PUT_SILENT && relaxed)
		p->floating = true;
	else
		die(p);
	return true;
}

static bool apply_pair(void *state, const struct event *e)
{
	switch (e->kind) {
	case EV_OBTAIN:
		return apply_obtain(state, e);
	case EV_FIND:
		return apply_find(state, e);
	default:
		return apply_put(state, e);
	}
}

/* ---- the mappings ---- */

struct space {
	uint8_t tag[PAGES]; /* TAG() of each page; 0: nothing */
	uint64_t first; /* one bit per page that starts a mapping */
	bool closing, closed;
	uint64_t steps;
	unsigned int nr_steps;
};

static unsigned int start_of(const struct space *s, unsigned int page)
{
	while (!(s->first & 1ull << page))
		page--;
	return page;
}

static unsigned int end_of(const struct space *s, unsigned int page)
{
	for (page++; page < PAGES && s->tag[page] && !(s->first & 1ull << page); page++)
		;
	return page;
}

/* The same bytes of the same object where the request shows them? */
static bool keeps(unsigned int old_tag, unsigned int old_lo, unsigned int tag, unsigned int lo)
{
	return (old_tag - 1) / 64 == (tag - 1) / 64 && (int)(old_tag - old_lo) == (int)(tag - lo);
}

/* Cut [lo, hi) out; @tag: the map request's, 0 for an unmap. */
static void cut(struct space *s, unsigned int lo, unsigned int hi, unsigned int tag)
{
	unsigned int page, start, end;

	for (page = lo; page < hi; page++) {
		bool keep, prev, next;

		if (!s->tag[page])
			continue;
		start = start_of(s, page);
		end = end_of(s, page);
		keep = tag && keeps(s->tag[start], start, tag, lo);
		prev = start < lo;
		next = end > hi;
		s->steps += step_code(s->nr_steps++, prev || next ? STEP_REMAP : STEP_UNMAP, start, end, s->tag[start],
				      keep, prev, next);
		for (; page < end && page < hi; page++) {
			s->tag[page] = 0;
			s->first &= ~(1ull << page);
		}
		if (next)
			s->first |= 1ull << hi;
		page--;
	}
}

static void fill(struct space *s, unsigned int lo, unsigned int hi, unsigned int tag)
{
	unsigned int page;

	for (page = lo; page < hi; page++)
		s->tag[page] = tag + (page - lo);
	s->first |= 1ull << lo;
}

static bool empty(const struct space *s, unsigned int lo, unsigned int hi)
{
	for (; lo < hi; lo++)
		if (s->tag[lo])
			return false;
	return true;
}

static bool apply_edit(struct space *s, const struct event *e)
{
	if (e->result == -ENOENT && e->steps == 0 && s->closing)
		return true;
	if (s->closed)
		return false;
	s->steps = s->nr_steps = 0;
	switch (e->kind) {
	case EV_MAP:
		cut(s, e->lo, e->hi, TAG(e->gem, e->off));
		s->steps += step_code(s->nr_steps, STEP_MAP, e->lo, e->hi, TAG(e->gem, e->off), false, false, false);
		fill(s, e->lo, e->hi, TAG(e->gem, e->off));
		break;
	case EV_UNMAP:
		cut(s, e->lo, e->hi, 0);
		break;
	case EV_INSERT:
		if (!empty(s, e->lo, e->hi))
			return e->result == -EEXIST;
		fill(s, e->lo, e->hi, TAG(e->gem, e->off));
		break;
	default:
		if (!s->tag[e->lo] || start_of(s, e->lo) != e->lo || end_of(s, e->lo) != e->hi)
			return e->result == -ENOENT;
		cut(s, e->lo, e->hi, 0);
		s->steps = 0;
	}
	return e->result == 0 && s->steps == e->steps;
}

/* In the order of linking, which the model does not know: number and sum without the position. */
static bool apply_bo_unmap(struct space *s, const struct event *e)
{
	unsigned int page, n = 0;

	if (e->result == -ENOENT && s->closing)
		return true;
	if (s->closed)
		return false;
	for (page = 0; page < PAGES; page++) {
		if (!s->tag[page] || (s->tag[page] - 1u) / 64 != e->gem)
			continue;
		n++;
		cut(s, start_of(s, page), end_of(s, page), 0);
	}
	return e->result == 0 && e->off == n;
}

static bool apply_clear(struct space *s, const struct event *e)
{
	unsigned int page, n = 0;

	if (!s->closing)
		return false;
	for (page = 0; page < PAGES; page++)
		n += !!(s->first & 1ull << page);
	memset(s->tag, 0, sizeof(s->tag));
	s->first = 0;
	s->closed = true;
	return n == (unsigned int)e->result;
}

static bool apply_lookup(const struct space *s, const struct event *e)
{
	if (!s->tag[e->page])
		return !e->result;
	return e->result && start_of(s, e->page) == e->lo && end_of(s, e->page) == e->hi &&
	       s->tag[e->lo] == TAG(e->gem, e->off);
}

static bool apply_space(void *state, const struct event *e)
{
	struct space *s = state;

	switch (e->kind) {
	case EV_LOOKUP:
		return apply_lookup(s, e);
	case EV_CLOSE_MARK:
		s->closing = true;
		return true;
	case EV_CLOSE_CLEAR:
		return apply_clear(s, e);
	case EV_BO_UNMAP:
		return apply_bo_unmap(s, e);
	default:
		return apply_edit(s, e);
	}
}

/* ---- the search ---- */

struct search {
	const struct event *e[MAX_EVENTS];
	unsigned int n;
	size_t state_bytes;
	bool (*apply)(void *state, const struct event *e);
};

static bool explain(const struct search *s, const void *state, uint64_t todo)
{
	uint64_t first_return = UINT64_MAX, next[64];
	unsigned int i;

	if (!todo)
		return true;
	for (i = 0; i < s->n; i++)
		if ((todo & 1ull << i) && s->e[i]->ret < first_return)
			first_return = s->e[i]->ret;
	for (i = 0; i < s->n; i++) {
		/* Who began after another had returned cannot come before it. */
		if (!(todo & 1ull << i) || s->e[i]->call > first_return)
			continue;
		memcpy(next, state, s->state_bytes);
		if (s->apply(next, s->e[i]) && explain(s, next, todo & ~(1ull << i)))
			return true;
	}
	return false;
}

static void check(struct search *s, const void *start, const char *what)
{
	uint64_t all = s->n == 64 ? ~0ull : (1ull << s->n) - 1;

	if (!explain(s, start, all))
		sched_fail("no order of the operations explains what they returned: %s (%u operations)", what, s->n);
}

static void check_pair(struct world *w, unsigned int vm, unsigned int gem)
{
	struct search s = { .state_bytes = sizeof(struct pair), .apply = apply_pair };
	struct pair start = { 0 };
	unsigned int i;

	for (i = 0; i < w->nr_events; i++)
		if (w->event[i].kind <= EV_PUT_SILENT && w->event[i].vm == vm && w->event[i].gem == gem)
			s.e[s.n++] = &w->event[i];
	check(&s, &start, "a pair");
}

/* All edits, and of the lookups those of @page; PAGES: of every page, or, if only @quiet, those after the end. */
static void check_page(struct world *w, const struct space *start, unsigned int page, bool quiet)
{
	struct search s = { .state_bytes = sizeof(struct space), .apply = apply_space };
	unsigned int i;

	for (i = 0; i < w->nr_events; i++) {
		const struct event *e = &w->event[i];

		if (e->kind <= EV_PUT_SILENT)
			continue;
		if (e->kind != EV_LOOKUP || e->page == page ||
		    (page == PAGES && (!quiet || e->thread == SCHED_THREADS)))
			s.e[s.n++] = e;
	}
	check(&s, start, page == PAGES ? "mappings" : "one page's mappings");
}

/*
 * Readers that no request under way keeps waiting are promised each page by itself (S3: splice() is one step for a page), so
 * a page is an object; a request over several mappings may be seen half done. Those that wait see all of it at once.
 */
static void check_space(struct world *w)
{
	struct space start = { 0 };
	struct gpuvm_stats stats;
	unsigned int i;
	uint64_t pages = 0;

	if (!(w->needs & NEED_MAPS))
		return;
	for (i = 0; i < nr_initial_maps(w); i++)
		fill(&start, initial_maps[i].lo, initial_maps[i].hi, TAG(initial_maps[i].gem, initial_maps[i].off));
	for (i = 0; i < w->nr_events; i++)
		if (w->event[i].kind == EV_LOOKUP && w->event[i].thread < SCHED_THREADS)
			pages |= 1ull << w->event[i].page;
	for (i = 0; i < PAGES; i++)
		if (pages & 1ull << i)
			check_page(w, &start, i, false);
	gpuvm_stats_read(&stats);
	check_page(w, &start, PAGES, stats.v[GPUVM_STAT_SPACE_FAST] != w->space_fast);
}

_Static_assert(sizeof(struct pair) <= 512 && sizeof(struct space) <= 512, "explain() copies states on the stack");

void history_check(struct world *w)
{
	unsigned int vm, gem;

	/* In this mode gpuvm_exec_lock() holds each external bo for a moment, and locks_take() calls it. */
	relaxed = (w->needs & TEMP_REFS) || w->config.flags == 0;
	for (vm = 0; vm < VMS; vm++)
		for (gem = 0; gem < GEMS; gem++)
			check_pair(w, vm, gem);
	check_space(w);
}
