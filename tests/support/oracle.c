/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* oracle.c - see oracle.h */
#include "oracle.h"

/* ---- one request ---- */

static struct gpuvm_map_req to_req(struct t_oracle *r, const struct t_piece *p)
{
	return (struct gpuvm_map_req){ .addr = p->start * T_PAGE,
				       .range = (p->end - p->start) * T_PAGE,
				       .offset = p->off * T_PAGE,
				       .bo = p->gem < 0 ? NULL : r->w.bo[p->gem],
				       .flags = p->flags };
}

static int callbacks(struct t_oracle *r, const struct m_request *m)
{
	const struct gpuvm_map_req req = to_req(r, &m->piece);

	switch (m->kind) {
	case M_MAP:
		return gpuvm_sm_map(r->w.vm, &req, &r->sm);
	case M_UNMAP:
		return gpuvm_sm_unmap(r->w.vm, req.addr, req.range, &r->sm);
	case M_PREFETCH:
		return gpuvm_sm_prefetch(r->w.vm, req.addr, req.range, r->sm.priv);
	case M_MADVISE:
		return gpuvm_sm_madvise(r->w.vm, &req, &r->sm);
	default:
		return gpuvm_bo_unmap(req.bo, &r->sm);
	}
}

static int ops(struct t_oracle *r, const struct m_request *m, struct gpuvm_oplist **list)
{
	const struct gpuvm_map_req req = to_req(r, &m->piece);

	switch (m->kind) {
	case M_MAP:
		return gpuvm_sm_map_ops(r->w.vm, &req, list);
	case M_UNMAP:
		return gpuvm_sm_unmap_ops(r->w.vm, req.addr, req.range, list);
	case M_PREFETCH:
		return gpuvm_sm_prefetch_ops(r->w.vm, req.addr, req.range, list);
	case M_MADVISE:
		return gpuvm_sm_madvise_ops(r->w.vm, &req, list);
	default:
		return gpuvm_bo_unmap_ops(req.bo, list);
	}
}

static void as_list(struct t_oracle *r, const struct m_request *m)
{
	struct gpuvm_oplist *list;

	t_ok(ops(r, m, &list));
	t_trace_list(&r->trace, list);
	t_ok(gpuvm_oplist_commit(list, &r->sm));
}

/* Fail at one step: what was given must come back reversed, and the state must be as before. */
static void failing_first(struct t_oracle *r, const struct m_request *m, unsigned int fail_at)
{
	r->trace.fail_at = fail_at;
	r->trace.error = -EIO;
	t_fails(-EIO, callbacks(r, m));
	assert_true(t_trace_undone(&r->trace, fail_at - 1));
	t_state_read(&r->trace, r->w.vm, &r->got);
	assert_true(t_state_equal(&r->got, &r->want));
	t_trace_reset(&r->trace);
}

static int by_address(const void *a, const void *b)
{
	const struct t_step *x = a, *y = b;

	return (x->old.start > y->old.start) - (x->old.start < y->old.start);
}

static void print_request(const struct m_request *m)
{
	static const char *const names[] = { "map", "unmap", "prefetch", "madvise", "bo_unmap" };
	const struct t_piece *p = &m->piece;

	print_error("  request: %s [%" PRIu64 ",%" PRIu64 ") gem %d off %" PRIu64 "\n", names[m->kind], p->start,
		    p->end, p->gem, p->off);
}

void t_oracle_request(struct t_oracle *r, const struct m_request *m, unsigned int how)
{
	struct t_step steps[T_STEPS];
	unsigned int n;

	m_state(&r->model, &r->want);
	n = m_apply(&r->model, m, steps);
	t_trace_reset(&r->trace);
	r->sm.priv = &r->trace;
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_MADVISE_VAS));
	if (how > 1 && n)
		failing_first(r, m, 1 + how % n);
	if (how == 1)
		as_list(r, m);
	else
		t_ok(callbacks(r, m));
	if (m->kind == M_BO_UNMAP)
		qsort(r->trace.steps, r->trace.n, sizeof(r->trace.steps[0]), by_address);
	m_state(&r->model, &r->want);
	t_state_read(&r->trace, r->w.vm, &r->got);
	if (!t_stream_equal(r->trace.steps, r->trace.n, steps, n) || !t_state_equal(&r->got, &r->want)) {
		print_request(m);
		fail();
	}
	r->compared++;
}

void t_oracle_free_removed(struct t_oracle *r)
{
	struct gpuvm_va_removed *va;

	while ((va = gpuvm_va_removed_pop(&r->sm.removed)))
		gpuvm_va_removed_free(va);
	while ((va = gpuvm_va_removed_pop(&r->bind.removed)))
		gpuvm_va_removed_free(va);
}

/* ---- a bind array ---- */

static struct gpuvm_bind_op to_op(struct t_oracle *r, const struct m_request *m)
{
	static const enum gpuvm_bind_type types[] = {
		[M_MAP] = GPUVM_BIND_MAP, [M_UNMAP] = GPUVM_BIND_UNMAP, [M_PREFETCH] = GPUVM_BIND_PREFETCH
	};

	return (struct gpuvm_bind_op){ types[m->kind], to_req(r, &m->piece) };
}

static void array_fails_first(struct t_oracle *r, unsigned int fail_at)
{
	r->trace.fail_at = fail_at;
	r->trace.error = -EIO;
	t_fails(-EIO, gpuvm_bind_array(r->w.vm, &r->bind));
	if (!t_trace_undone(&r->trace, fail_at - 1))
		fail_msg("%u steps, not all undone in reverse order", fail_at - 1);
	t_state_read(&r->trace, r->w.vm, &r->got);
	assert_true(t_state_equal(&r->got, &r->want));
	t_trace_reset(&r->trace);
}

void t_oracle_array(struct t_oracle *r, const struct m_request *m, unsigned int nr, unsigned int how)
{
	struct gpuvm_bind_op ops[T_ARRAY_OPS];
	struct t_step steps[T_STEPS];
	unsigned int i, n = 0;

	m_state(&r->model, &r->want);
	for (i = 0; i < nr; i++) {
		ops[i] = to_op(r, &m[i]);
		assert_true(n + r->model.pages < T_STEPS);
		n += m_apply(&r->model, &m[i], steps + n);
	}
	t_trace_reset(&r->trace);
	r->bind.priv = &r->trace;
	if (how && n) {
		t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, ops, nr));
		array_fails_first(r, 1 + how % n);
	}
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, ops, nr));
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	m_state(&r->model, &r->want);
	t_state_read(&r->trace, r->w.vm, &r->got);
	if (!t_stream_equal(r->trace.steps, r->trace.n, steps, n) || !t_state_equal(&r->got, &r->want)) {
		for (i = 0; i < nr; i++)
			print_request(&m[i]);
		fail();
	}
	r->compared += nr;
}

void t_oracle_check(struct t_oracle *r)
{
	unsigned int i, gem, mappings[T_GEMS] = { 0 };
	struct gpuvm_mapping m;

	for (i = 0; i < r->want.n; i++) {
		if (r->want.piece[i].gem >= 0)
			mappings[r->want.piece[i].gem]++;
	}
	for (gem = 0; gem < T_GEMS; gem++)
		assert_int_equal(gpuvm_bo_mappings(r->w.bo[gem], NULL, 0), mappings[gem]);
	for (i = 0; i < r->model.pages; i++) {
		const struct m_page *p = &r->model.page[i];

		assert_int_equal(gpuvm_lookup(r->w.vm, i * T_PAGE + i, &m), p->id != 0);
		if (!p->id)
			continue;
		assert_ptr_equal(m.gem, p->gem < 0 ? NULL : r->w.gem[p->gem]);
		assert_int_equal(p->off, p->gem < 0 ? 0 : (m.offset + i * T_PAGE - m.addr) / T_PAGE);
	}
}

void t_oracle_make(struct t_oracle *r)
{
	t_world_make(&r->w, &r->config);
	t_world_obtain(&r->w);
	r->trace = (struct t_trace){ .gems = r->w.gem, .nr_gems = T_GEMS };
	r->model = (struct model){ .pages = r->config.pages };
	r->compared = 0;
}

void t_oracle_end(struct t_oracle *r)
{
	gpuvm_sm_release(&r->sm);
	gpuvm_bind_release(&r->bind);
	t_clear(&r->w);
	t_world_end(&r->w);
}
