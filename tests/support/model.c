/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* model.c - see model.h */
#include "model.h"

/* The run of pages around @page that has its number. */
static struct t_piece run_at(const struct model *m, uint64_t page)
{
	const unsigned int id = m->page[page].id;
	uint64_t a = page, e = page;

	while (a > 0 && m->page[a - 1].id == id)
		a--;
	while (e < m->pages && m->page[e].id == id)
		e++;
	return (struct t_piece){ true, m->page[a].gem, a, e, m->page[a].off, m->page[a].flags };
}

/* Give the pages of @p a mapping of their own. */
static void put(struct model *m, const struct t_piece *p)
{
	uint64_t i;

	m->last_id++;
	for (i = p->start; i < p->end; i++)
		m->page[i] = (struct m_page){ m->last_id, p->gem, p->gem < 0 ? 0 : p->off + (i - p->start), p->flags };
}

static void clear(struct model *m, uint64_t start, uint64_t end)
{
	while (start < end)
		m->page[start++] = (struct m_page){ .id = 0 };
}

/* What remains of the run @old in [start, end), as a piece by itself. */
static struct t_piece rest(const struct model *m, uint64_t start, uint64_t end)
{
	if (start >= end)
		return (struct t_piece){ .present = false };
	return (struct t_piece){ true, m->page[start].gem, start, end, m->page[start].off, m->page[start].flags };
}

/* Would @now show on every page that it shares with @old what @old shows? */
static bool same_bytes(const struct model *m, const struct t_piece *old, const struct t_piece *now)
{
	uint64_t i;

	for (i = old->start; i < old->end; i++) {
		if (i < now->start || i >= now->end)
			continue;
		if (old->gem < 0 || m->page[i].gem != now->gem || m->page[i].off != now->off + (i - now->start))
			return false;
	}
	return true;
}

/* The step that takes [start, end) out of @old. */
static struct t_step removal(const struct model *m, const struct t_piece *old, uint64_t start, uint64_t end, bool keep)
{
	struct t_step s = { .type = GPUVM_OP_UNMAP, .keep = keep, .old = *old };

	s.prev = rest(m, old->start, old->start < start ? start : old->start);
	s.next = rest(m, old->end > end ? end : old->end, old->end);
	if (s.prev.present || s.next.present)
		s.type = GPUVM_OP_REMAP;
	return s;
}

/* Both pieces of a cut are new mappings. */
static void cut(struct model *m, const struct t_step *s)
{
	clear(m, s->old.start, s->old.end);
	if (s->prev.present)
		put(m, &s->prev);
	if (s->next.present)
		put(m, &s->next);
}

static unsigned int take_out(struct model *m, const struct m_request *req, struct t_step *steps)
{
	const struct t_piece *r = &req->piece;
	unsigned int n = 0, i;
	struct t_piece old;
	uint64_t page;

	for (page = r->start; page < r->end; page = old.end) {
		old = run_at(m, page);
		if (m->page[page].id)
			steps[n++] = removal(m, &old, r->start, r->end, req->kind == M_MAP && same_bytes(m, &old, r));
	}
	for (i = 0; i < n; i++)
		cut(m, &steps[i]);
	return n;
}

static unsigned int map(struct model *m, const struct m_request *req, struct t_step *steps)
{
	unsigned int n = take_out(m, req, steps);

	put(m, &req->piece);
	steps[n++] = (struct t_step){ .type = GPUVM_OP_MAP, .map = req->piece };
	return n;
}

static unsigned int prefetch(const struct model *m, const struct t_piece *r, struct t_step *steps)
{
	unsigned int n = 0;
	struct t_piece old;
	uint64_t page;

	for (page = r->start; page < r->end; page = old.end) {
		old = run_at(m, page);
		if (m->page[page].id)
			steps[n++] = (struct t_step){ .type = GPUVM_OP_PREFETCH, .old = old };
	}
	return n;
}

/* The inner part of a sparse mapping that is cut: the request itself if it lies inside one, else sparse. */
static struct t_piece inner_part(const struct t_piece *old, const struct t_piece *r)
{
	struct t_piece inner = { true, -1, old->start, old->end, 0, r->flags };

	if (old->start <= r->start && old->end >= r->end)
		return *r;
	if (inner.start < r->start)
		inner.start = r->start;
	if (inner.end > r->end)
		inner.end = r->end;
	return inner;
}

static unsigned int madvise(struct model *m, const struct t_piece *r, struct t_step *steps)
{
	struct t_piece old, inner;
	unsigned int n = 0;
	uint64_t page;

	for (page = r->start; page < r->end; page = old.end) {
		old = run_at(m, page);
		if (!m->page[page].id || old.gem >= 0 || (old.start >= r->start && old.end <= r->end))
			continue;
		inner = inner_part(&old, r);
		steps[n] = removal(m, &old, r->start, r->end, false);
		cut(m, &steps[n++]);
		put(m, &inner);
		steps[n++] = (struct t_step){ .type = GPUVM_OP_MAP, .map = inner };
	}
	return n;
}

/* In address order; the core may choose another. */
static unsigned int bo_unmap(struct model *m, int gem, struct t_step *steps)
{
	unsigned int n = 0;
	struct t_piece old;
	uint64_t page;

	for (page = 0; page < m->pages; page = old.end) {
		old = run_at(m, page);
		if (!m->page[page].id || old.gem != gem)
			continue;
		steps[n++] = (struct t_step){ .type = GPUVM_OP_UNMAP, .old = old };
		clear(m, old.start, old.end);
		old.end = old.start + 1;
	}
	return n;
}

unsigned int m_apply(struct model *m, const struct m_request *req, struct t_step *steps)
{
	switch (req->kind) {
	case M_MAP:
		return map(m, req, steps);
	case M_UNMAP:
		return take_out(m, req, steps);
	case M_PREFETCH:
		return prefetch(m, &req->piece, steps);
	case M_MADVISE:
		return madvise(m, &req->piece, steps);
	default:
		return bo_unmap(m, req->piece.gem, steps);
	}
}

void m_state(const struct model *m, struct t_state *state)
{
	struct t_piece old;
	uint64_t page;

	state->n = 0;
	for (page = 0; page < m->pages; page = old.end) {
		old = run_at(m, page);
		if (m->page[page].id)
			state->piece[state->n++] = old;
	}
}
