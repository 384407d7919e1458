/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_oracle.c - the core against a page-by-page model: the stream of steps of every request, and the whole state after
 * it. Random requests and random bind arrays in a world of 48 pages; and every pair or triple of requests, and every array
 * of two after every request, in a world of 4.
 *
 * Each request goes through the callback form, the list form, or a failing callback and then again, by turns; each array
 * straight, or after a failing callback.
 */
#include "oracle.h"

#define USER (1u << GPUVM_VA_USERBITS)

static struct t_oracle the_run;

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
	struct t_oracle *r = *state;
	struct t_rng rng = t_rng_make(t_seed());
	unsigned int i, n = random_count();
	struct m_request m;

	t_lock(&r->w);
	for (i = 0; i < n; i++) {
		m = random_request(&rng, r->model.pages);
		t_oracle_request(r, &m, t_below(&rng, 6));
		if (i % 64 == 0)
			t_oracle_check(r);
		t_oracle_free_removed(r);
	}
	t_unlock(&r->w);
}

static struct m_request random_op(struct t_rng *rng, uint64_t pages)
{
	struct m_request m;

	do
		m = random_request(rng, pages);
	while (m.kind > M_PREFETCH);
	return m;
}

static void random_arrays(void **state)
{
	struct t_oracle *r = *state;
	struct t_rng rng = t_rng_make(t_seed() + 1);
	struct m_request m[T_ARRAY_OPS];
	unsigned int i, k, nr, n = random_count() / 8;

	t_lock(&r->w);
	for (i = 0; i < n; i++) {
		nr = t_below(&rng, T_ARRAY_OPS + 1);
		nr = nr * r->model.pages < T_STEPS - r->model.pages ? nr : (T_STEPS - 1) / r->model.pages - 1;
		for (k = 0; k < nr; k++)
			m[k] = random_op(&rng, r->model.pages);
		t_oracle_array(r, m, nr, t_below(&rng, 3) ? t_rand(&rng) : 0);
		if (i % 16 == 0)
			t_oracle_check(r);
		if (t_below(&rng, 4))
			t_oracle_free_removed(r);
		if (t_below(&rng, 32) == 0)
			gpuvm_bind_release(&r->bind);
	}
	t_oracle_free_removed(r);
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

static void start_over(struct t_oracle *r)
{
	const struct m_request everything = { M_UNMAP, { true, -1, 0, SMALL, 0, 0 } };

	t_oracle_request(r, &everything, 0);
	t_oracle_free_removed(r);
	r->model.last_id = 0;
}

/* Every sequence of @length requests, in each of three ways by turns. */
static void small_world(struct t_oracle *r, unsigned int length)
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
			t_oracle_request(r, &all[k % nr_all], (i + step) % 3);
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

/* Each array of two, after each request. */
static void small_world_arrays(void **state)
{
	struct t_oracle *r = *state;
	unsigned int first, i, k;
	struct m_request m[2];

	list_all();
	r->model.pages = SMALL;
	t_lock(&r->w);
	for (first = 0; first < nr_all; first++) {
		for (i = 0; i < nr_all * nr_all; i++) {
			for (k = 0; k < 2; k++)
				m[k] = all[k ? i % nr_all : i / nr_all];
			if (m[0].kind > M_PREFETCH || m[1].kind > M_PREFETCH || (T_SANITIZED && (i + first) % 16))
				continue;
			t_oracle_request(r, &all[first], 0);
			t_oracle_array(r, m, 2, (i + first) % 4);
			start_over(r);
		}
	}
	t_unlock(&r->w);
}

static int setup(void **state)
{
	t_oracle_make(*state);
	return 0;
}

static int teardown(void **state)
{
	struct t_oracle *r = *state;

	t_oracle_end(r);
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
	const struct CMUnitTest tests[] = { CASE(random_requests), CASE(random_arrays), CASE(small_world_pairs),
					    CASE(small_world_triples), CASE(small_world_arrays) };
	bool all_tests = config->flags == GPUVM_VM_IMMEDIATE && !config->external;
	char group[160];

	the_run.config = *config;
	if (config->external)
		the_run.config.driver = &t_trace_driver_in_place;
	snprintf(group, sizeof(group), "oracle/%s", t_config_name(config));
	return t_run(group, tests, all_tests ? ARRAY_SIZE(tests) : 2);
}

int main(void)
{
	const struct t_config base = { .driver = &t_trace_driver, .pages = 48 };

	return t_each_config(&base, run_config);
}
