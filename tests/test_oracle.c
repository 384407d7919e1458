/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_oracle.c - the core against a page-by-page model: the stream of steps of every request, and the whole state after
 * it. Random requests in a world of 48 pages; and every pair or triple of requests in a world of 4.
 *
 * Each request goes through the callback form, the list form, or a failing callback and then again, by turns.
 */
#include "model.h"
#include "world.h"

#define USER (1u << GPUVM_VA_USERBITS)

struct run {
	struct t_config config;
	struct t_world w;
	struct t_trace trace;
	struct gpuvm_sm sm;
	struct model model;
	struct t_state got, want;
	unsigned long compared;
};

static struct run the_run;

/* ---- one request ---- */

static struct gpuvm_map_req to_req(struct run *r, const struct t_piece *p)
{
	return (struct gpuvm_map_req){ .addr = p->start * T_PAGE,
				       .range = (p->end - p->start) * T_PAGE,
				       .offset = p->off * T_PAGE,
				       .bo = p->gem < 0 ? NULL : r->w.bo[p->gem],
				       .flags = p->flags };
}

static int callbacks(struct run *r, const struct m_request *m)
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

static int ops(struct run *r, const struct m_request *m, struct gpuvm_oplist **list)
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

static void as_list(struct run *r, const struct m_request *m)
{
	struct gpuvm_oplist *list;

	t_ok(ops(r, m, &list));
	t_trace_list(&r->trace, list);
	t_ok(gpuvm_oplist_commit(list, &r->sm));
}

/* Fail at one step: what was given must come back reversed, and the state must be as before. */
static void failing_first(struct run *r, const struct m_request *m, unsigned int fail_at)
{
	unsigned int i;

	r->trace.fail_at = fail_at;
	r->trace.error = -EIO;
	t_fails(-EIO, callbacks(r, m));
	assert_int_equal(r->trace.n, 2 * (fail_at - 1));
	for (i = 0; i < fail_at - 1; i++) {
		assert_true(r->trace.steps[r->trace.n - 1 - i].undo);
		r->trace.steps[r->trace.n - 1 - i].undo = false;
		assert_true(t_step_equal(&r->trace.steps[i], &r->trace.steps[r->trace.n - 1 - i]));
	}
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

/* @how: 0 callbacks, 1 list, 2 and up: a callback fails first. */
static void request(struct run *r, const struct m_request *m, unsigned int how)
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

static void free_removed(struct run *r)
{
	struct gpuvm_va_removed *va;

	while ((va = gpuvm_va_removed_pop(&r->sm.removed)))
		gpuvm_va_removed_free(va);
}

/* Each bo must know its mappings, and each page must look up as the model says. */
static void check_the_rest(struct run *r)
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

/* ---- random requests ---- */

static struct m_request random_request(struct t_rng *rng, uint64_t pages)
{
	/* mostly maps, rarely everything of one object */
	static const enum m_kind kinds[] = { M_MAP,   M_MAP,	  M_MAP,     M_MAP,	M_MAP, M_UNMAP,
					     M_UNMAP, M_PREFETCH, M_MADVISE, M_MADVISE, M_MAP, M_MAP };
	struct m_request m = { .kind = kinds[t_below(rng, ARRAY_SIZE(kinds))] };
	struct t_piece *p = &m.piece;

	if (t_below(rng, 64) == 0)
		m.kind = M_BO_UNMAP;
	p->present = true;
	p->start = t_below(rng, pages);
	p->end = p->start + 1 + t_below(rng, t_below(rng, 4) ? 6 : pages);
	if (p->end > pages)
		p->end = pages;
	p->gem = m.kind == M_BO_UNMAP ? (int)t_below(rng, T_GEMS) : (int)t_below(rng, T_GEMS + 2) - 2;
	if (p->gem < -1)
		p->gem = -1;
	/* Often the offset that makes neighbours contiguous, so that keep is exercised. */
	p->off = p->gem < 0 ? 0 : t_below(rng, 3) ? p->start : t_below(rng, 8);
	p->flags = t_below(rng, 2) ? USER : 0;
	return m;
}

static unsigned int random_count(void)
{
	if (getenv("GPUVM_TEST_LONG"))
		return 10 * 1000 * 1000;
	return T_SANITIZED ? 10000 : 50000;
}

static void random_requests(void **state)
{
	struct run *r = *state;
	struct t_rng rng = t_rng_make(t_seed());
	unsigned int i, n = random_count();
	struct m_request m;

	t_lock(&r->w);
	for (i = 0; i < n; i++) {
		m = random_request(&rng, r->model.pages);
		request(r, &m, t_below(&rng, 6));
		if (i % 64 == 0)
			check_the_rest(r);
		free_removed(r);
	}
	t_unlock(&r->w);
}

/* ---- a small world, completely ---- */

#define SMALL 4
#define MAX_ALL 64

static struct m_request all[MAX_ALL];
static unsigned int nr_all;

static void list_range(uint64_t a, uint64_t e)
{
	static const struct {
		int gem;
		uint64_t shift;
	} shows[] = { { 0, 0 }, { 0, 1 }, { 1, 0 }, { -1, 0 } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shows); i++) {
		uint64_t off = shows[i].gem < 0 ? 0 : a + shows[i].shift;

		all[nr_all++] = (struct m_request){ M_MAP, { true, shows[i].gem, a, e, off, 0 } };
	}
	all[nr_all++] = (struct m_request){ M_UNMAP, { true, -1, a, e, 0, 0 } };
	all[nr_all++] = (struct m_request){ M_MADVISE, { true, -1, a, e, 0, USER } };
}

static void list_all(void)
{
	uint64_t a, e;

	nr_all = 0;
	for (a = 0; a < SMALL; a++) {
		for (e = a + 1; e <= SMALL; e++)
			list_range(a, e);
	}
	all[nr_all++] = (struct m_request){ M_BO_UNMAP, { true, 0, 0, SMALL, 0, 0 } };
}

static void start_over(struct run *r)
{
	const struct m_request everything = { M_UNMAP, { true, -1, 0, SMALL, 0, 0 } };

	request(r, &everything, 0);
	free_removed(r);
	r->model.last_id = 0;
}

/* Every sequence of @length requests, in each of three ways by turns. */
static void small_world(struct run *r, unsigned int length)
{
	unsigned long i, k, total = 1;
	unsigned int step;

	list_all();
	r->model.pages = SMALL;
	for (step = 0; step < length; step++)
		total *= nr_all;
	t_lock(&r->w);
	for (i = 0; i < total; i++) {
		for (k = i, step = 0; step < length; step++, k /= nr_all)
			request(r, &all[k % nr_all], (i + step) % 3);
		start_over(r);
	}
	t_unlock(&r->w);
}

static void small_world_pairs(void **state)
{
	small_world(*state, 2);
}

static void small_world_triples(void **state)
{
	small_world(*state, T_SANITIZED ? 1 : 3);
}

static int setup(void **state)
{
	struct run *r = *state;

	t_world_make(&r->w, &r->config);
	t_world_obtain(&r->w);
	r->trace = (struct t_trace){ .gems = r->w.gem, .nr_gems = T_GEMS };
	r->model = (struct model){ .pages = r->config.pages };
	r->compared = 0;
	return 0;
}

static int teardown(void **state)
{
	struct run *r = *state;

	gpuvm_sm_release(&r->sm);
	t_clear(&r->w);
	t_world_end(&r->w);
	print_message("%lu requests compared\n", r->compared);
	return 0;
}

#define CASE(fn)                                   \
	{                                          \
#fn, fn, setup, teardown, &the_run \
	}

/* Exhaustive in one mode per space; random in all. */
static int run_config(const struct t_config *config)
{
	const struct CMUnitTest tests[] = { CASE(random_requests), CASE(small_world_pairs), CASE(small_world_triples) };
	bool all_tests = config->flags == GPUVM_VM_IMMEDIATE && !config->external;
	char group[160];

	the_run.config = *config;
	snprintf(group, sizeof(group), "oracle/%s", t_config_name(config));
	return t_run(group, tests, all_tests ? ARRAY_SIZE(tests) : 1);
}

int main(void)
{
	const struct t_config base = { .driver = &t_trace_driver, .pages = 48 };

	return t_each_config(&base, run_config);
}
