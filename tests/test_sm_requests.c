/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_sm_requests.c - sm_unmap, madvise, prefetch and bo_unmap by table, as callbacks and as lists; undone at each step.
 *
 * Not for: sm_map's rows (test_sm.c), bad requests and allocation counts (test_sm_rules.c).
 */
#include "trace.h"
#include "world.h"

#define USER (1u << GPUVM_VA_USERBITS)
#define MAX_OLD 6
#define MAX_STEPS 8

/* A piece: [a,e) of object g from page o on; Q: with the request's flags; S: sparse, whose offset is always 0. */
#define P(a, e, g, o)                       \
	{                                   \
		true, (g), (a), (e), (o), 0 \
	}
#define S(a, e)                          \
	{                                \
		true, -1, (a), (e), 0, 0 \
	}
#define Q(a, e)                             \
	{                                   \
		true, -1, (a), (e), 0, USER \
	}
#define NO                       \
	{                        \
		.present = false \
	}
#define UNMAP(o)                                 \
	{                                        \
		.type = GPUVM_OP_UNMAP, .old = o \
	}
#define REMAP(o, p, n)                                                 \
	{                                                              \
		.type = GPUVM_OP_REMAP, .old = o, .prev = p, .next = n \
	}
#define MAP(m)                                 \
	{                                      \
		.type = GPUVM_OP_MAP, .map = m \
	}
#define PREFETCH(o)                                 \
	{                                           \
		.type = GPUVM_OP_PREFETCH, .old = o \
	}

enum kind {
	SM_UNMAP,
	MADVISE,
	PREFETCHING,
	BO_UNMAP
};

/**
 * struct row - one request for pages [8,16) (BO_UNMAP: of object 0)
 * @doc: which case
 * @kind: which request
 * @old: what is mapped before
 * @step: the steps it must make
 * @left: what is mapped afterwards
 */
struct row {
	const char *doc;
	enum kind kind;
	struct t_piece old[MAX_OLD];
	struct t_step step[MAX_STEPS];
	struct t_piece left[MAX_OLD];
};

static const struct row rows[] = {
	{ "unmap nothing",
	  SM_UNMAP,
	  { P(4, 8, 0, 0), P(16, 20, 0, 9) },
	  { MAP(NO) },
	  { P(4, 8, 0, 0), P(16, 20, 0, 9) } },
	{ "unmap exactly", SM_UNMAP, { P(8, 16, 0, 3) }, { UNMAP(P(8, 16, 0, 3)) }, { NO } },
	{ "unmap inside", SM_UNMAP, { P(10, 12, 0, 3) }, { UNMAP(P(10, 12, 0, 3)) }, { NO } },
	{ "unmap cuts the end",
	  SM_UNMAP,
	  { P(4, 12, 0, 3) },
	  { REMAP(P(4, 12, 0, 3), P(4, 8, 0, 3), NO) },
	  { P(4, 8, 0, 3) } },
	{ "unmap cuts to the end",
	  SM_UNMAP,
	  { P(4, 16, 0, 3) },
	  { REMAP(P(4, 16, 0, 3), P(4, 8, 0, 3), NO) },
	  { P(4, 8, 0, 3) } },
	{ "unmap cuts the start",
	  SM_UNMAP,
	  { P(12, 20, 1, 3) },
	  { REMAP(P(12, 20, 1, 3), NO, P(16, 20, 1, 7)) },
	  { P(16, 20, 1, 7) } },
	{ "unmap cuts from the start",
	  SM_UNMAP,
	  { P(8, 20, 1, 3) },
	  { REMAP(P(8, 20, 1, 3), NO, P(16, 20, 1, 11)) },
	  { P(16, 20, 1, 11) } },
	{ "unmap cuts the middle",
	  SM_UNMAP,
	  { P(4, 20, 0, 3) },
	  { REMAP(P(4, 20, 0, 3), P(4, 8, 0, 3), P(16, 20, 0, 15)) },
	  { P(4, 8, 0, 3), P(16, 20, 0, 15) } },
	{ "unmap cuts two and drops two",
	  SM_UNMAP,
	  { P(6, 9, 0, 0), P(9, 10, 1, 0), S(11, 13), P(15, 17, 2, 5) },
	  { REMAP(P(6, 9, 0, 0), P(6, 8, 0, 0), NO), UNMAP(P(9, 10, 1, 0)), UNMAP(S(11, 13)),
	    REMAP(P(15, 17, 2, 5), NO, P(16, 17, 2, 6)) },
	  { P(6, 8, 0, 0), P(16, 17, 2, 6) } },
	{ "madvise 1: inside one",
	  MADVISE,
	  { S(4, 20) },
	  { REMAP(S(4, 20), S(4, 8), S(16, 20)), MAP(Q(8, 16)) },
	  { S(4, 8), Q(8, 16), S(16, 20) } },
	{ "madvise 2: both ends cut",
	  MADVISE,
	  { S(4, 10), S(11, 13), S(14, 20) },
	  { REMAP(S(4, 10), S(4, 8), NO), MAP(Q(8, 10)), REMAP(S(14, 20), NO, S(16, 20)), MAP(Q(14, 16)) },
	  { S(4, 8), Q(8, 10), S(11, 13), Q(14, 16), S(16, 20) } },
	{ "madvise 3: front cut",
	  MADVISE,
	  { S(4, 10), S(10, 16) },
	  { REMAP(S(4, 10), S(4, 8), NO), MAP(Q(8, 10)) },
	  { S(4, 8), Q(8, 10), S(10, 16) } },
	{ "madvise 3: front cut, ends with it",
	  MADVISE,
	  { S(4, 16) },
	  { REMAP(S(4, 16), S(4, 8), NO), MAP(Q(8, 16)) },
	  { S(4, 8), Q(8, 16) } },
	{ "madvise 3: back cut",
	  MADVISE,
	  { S(8, 10), S(10, 20) },
	  { REMAP(S(10, 20), NO, S(16, 20)), MAP(Q(10, 16)) },
	  { S(8, 10), Q(10, 16), S(16, 20) } },
	{ "madvise 3: back cut, starts with it",
	  MADVISE,
	  { S(8, 20) },
	  { REMAP(S(8, 20), NO, S(16, 20)), MAP(Q(8, 16)) },
	  { Q(8, 16), S(16, 20) } },
	{ "madvise 4: aligned",
	  MADVISE,
	  { S(4, 8), S(8, 12), S(12, 16), S(16, 20) },
	  { MAP(NO) },
	  { S(4, 8), S(8, 12), S(12, 16), S(16, 20) } },
	{ "madvise 5: nothing there", MADVISE, { NO }, { MAP(NO) }, { NO } },
	{ "madvise skips objects", MADVISE, { P(4, 20, 0, 0) }, { MAP(NO) }, { P(4, 20, 0, 0) } },
	{ "madvise skips one object",
	  MADVISE,
	  { P(4, 10, 0, 0), S(10, 20) },
	  { REMAP(S(10, 20), NO, S(16, 20)), MAP(Q(10, 16)) },
	  { P(4, 10, 0, 0), Q(10, 16), S(16, 20) } },
	{ "prefetch",
	  PREFETCHING,
	  { P(4, 8, 0, 0), P(8, 9, 0, 4), S(9, 11), P(15, 20, 1, 0), P(20, 21, 1, 0) },
	  { PREFETCH(P(8, 9, 0, 4)), PREFETCH(S(9, 11)), PREFETCH(P(15, 20, 1, 0)) },
	  { P(4, 8, 0, 0), P(8, 9, 0, 4), S(9, 11), P(15, 20, 1, 0), P(20, 21, 1, 0) } },
	{ "prefetch nothing", PREFETCHING, { P(4, 8, 0, 0) }, { MAP(NO) }, { P(4, 8, 0, 0) } },
	{ "bo_unmap one of each",
	  BO_UNMAP,
	  { P(4, 8, 1, 0), P(8, 9, 0, 4), S(9, 11) },
	  { UNMAP(P(8, 9, 0, 4)) },
	  { P(4, 8, 1, 0), S(9, 11) } },
	{ "bo_unmap none", BO_UNMAP, { P(4, 8, 1, 0), S(9, 11) }, { MAP(NO) }, { P(4, 8, 1, 0), S(9, 11) } },
};

struct run {
	struct t_config config;
	struct t_world w;
	struct t_trace trace;
	struct gpuvm_sm sm;
};

static struct run the_run;

static const struct gpuvm_map_req advice = { .addr = 8 * T_PAGE, .range = 8 * T_PAGE, .flags = USER };

static unsigned int pieces(const struct t_piece *piece)
{
	unsigned int n = 0;

	while (n < MAX_OLD && piece[n].present)
		n++;
	return n;
}

/* A MAP of nothing ends the steps of a row. */
static unsigned int steps(const struct row *row)
{
	unsigned int n = 0;

	while (n < MAX_STEPS && (row->step[n].type != GPUVM_OP_MAP || row->step[n].map.present))
		n++;
	return n;
}

static unsigned int vas(enum kind kind)
{
	switch (kind) {
	case SM_UNMAP:
		return GPUVM_SM_UNMAP_VAS;
	case MADVISE:
		return GPUVM_SM_MADVISE_VAS;
	default:
		return 0;
	}
}

static int callbacks(struct run *r, enum kind kind)
{
	switch (kind) {
	case SM_UNMAP:
		return gpuvm_sm_unmap(r->w.vm, 8 * T_PAGE, 8 * T_PAGE, &r->sm);
	case MADVISE:
		return gpuvm_sm_madvise(r->w.vm, &advice, &r->sm);
	case PREFETCHING:
		return gpuvm_sm_prefetch(r->w.vm, 8 * T_PAGE, 8 * T_PAGE, &r->trace);
	case BO_UNMAP:
		return gpuvm_bo_unmap(r->w.bo[0], &r->sm);
	}
	return -ENOSYS;
}

static int ops(struct run *r, enum kind kind, struct gpuvm_oplist **list)
{
	switch (kind) {
	case SM_UNMAP:
		return gpuvm_sm_unmap_ops(r->w.vm, 8 * T_PAGE, 8 * T_PAGE, list);
	case MADVISE:
		return gpuvm_sm_madvise_ops(r->w.vm, &advice, list);
	case PREFETCHING:
		return gpuvm_sm_prefetch_ops(r->w.vm, 8 * T_PAGE, 8 * T_PAGE, list);
	case BO_UNMAP:
		return gpuvm_bo_unmap_ops(r->w.bo[0], list);
	}
	return -ENOSYS;
}

static void begin(struct run *r, const struct row *row)
{
	unsigned int i;

	for (i = 0; i < pieces(row->old); i++)
		t_insert(&r->w, row->old[i].gem, row->old[i].start, row->old[i].end - row->old[i].start,
			 row->old[i].off);
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, vas(row->kind)));
	t_trace_reset(&r->trace);
	r->sm.priv = &r->trace;
	t_lock(&r->w);
}

static void state_is(struct run *r, const struct row *row, const struct t_piece *want)
{
	struct t_state got, expected = { .n = pieces(want) };

	memcpy(expected.piece, want, expected.n * sizeof(*want));
	t_state_read(&r->trace, r->w.vm, &got);
	if (!t_state_equal(&got, &expected))
		fail_msg("row %s", row->doc);
}

static void finish(struct run *r)
{
	t_unlock(&r->w);
	gpuvm_sm_release(&r->sm);
	t_clear(&r->w);
}

static void callback_form(void **state)
{
	struct run *r = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(r, &rows[i]);
		t_ok(callbacks(r, rows[i].kind));
		if (!t_stream_equal(r->trace.steps, r->trace.n, rows[i].step, steps(&rows[i])))
			fail_msg("row %s", rows[i].doc);
		state_is(r, &rows[i], rows[i].left);
		finish(r);
	}
}

static void list_form(void **state)
{
	struct run *r = *state;
	struct gpuvm_oplist *list;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(r, &rows[i]);
		t_ok(ops(r, rows[i].kind, &list));
		t_trace_list(&r->trace, list);
		t_ok(gpuvm_oplist_commit(list, &r->sm));
		if (!t_stream_equal(r->trace.steps, r->trace.n, rows[i].step, steps(&rows[i])))
			fail_msg("row %s", rows[i].doc);
		state_is(r, &rows[i], rows[i].left);
		finish(r);
	}
}

static void undone_at(struct run *r, const struct row *row, unsigned int fail_at)
{
	struct t_step want[2 * MAX_STEPS];
	unsigned int i, given = fail_at - 1;

	for (i = 0; i < given; i++) {
		want[i] = row->step[i];
		want[2 * given - 1 - i] = row->step[i];
		want[2 * given - 1 - i].undo = true;
	}
	begin(r, row);
	r->trace.fail_at = fail_at;
	r->trace.error = -EFAULT;
	t_fails(-EFAULT, callbacks(r, row->kind));
	if (!t_stream_equal(r->trace.steps, r->trace.n, want, 2 * given))
		fail_msg("row %s, step %u fails", row->doc, fail_at);
	state_is(r, row, row->old);
	assert_null(r->sm.removed);
	finish(r);
}

static void undone(void **state)
{
	struct run *r = *state;
	unsigned int i, step;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (step = 1; step <= steps(&rows[i]); step++)
			undone_at(r, &rows[i], step);
	}
}

/* Inside one mapping the new piece is the request's, object and all; else it is sparse. */
static void madvise_with_an_object(void **state)
{
	struct run *r = *state;
	struct gpuvm_map_req req = advice;
	struct gpuvm_mapping m;

	req.bo = r->w.bo[1];
	req.offset = 3 * T_PAGE;
	t_insert(&r->w, -1, 4, 16, 0);
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_MADVISE_VAS));
	t_lock(&r->w);
	t_ok(gpuvm_sm_madvise(r->w.vm, &req, &r->sm));
	assert_true(gpuvm_lookup(r->w.vm, 8 * T_PAGE, &m));
	assert_ptr_equal(m.gem, r->w.gem[1]);
	assert_int_equal(m.offset, 3 * T_PAGE);
	finish(r);
	t_insert(&r->w, -1, 4, 8, 0);
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_MADVISE_VAS));
	t_lock(&r->w);
	t_ok(gpuvm_sm_madvise(r->w.vm, &req, &r->sm));
	assert_true(gpuvm_lookup(r->w.vm, 8 * T_PAGE, &m));
	assert_null(m.gem);
	finish(r);
}

/* All of a bo's mappings go, in whatever order, and nothing else. */
static void bo_unmap_many(void **state)
{
	struct run *r = *state;
	struct gpuvm_mapping m[4];
	unsigned int i;

	for (i = 0; i < 40; i++)
		t_insert(&r->w, i % 2, i, 1, i);
	t_trace_reset(&r->trace);
	r->sm.priv = &r->trace;
	t_lock(&r->w);
	assert_int_equal(gpuvm_bo_mappings(r->w.bo[0], m, ARRAY_SIZE(m)), 20);
	t_ok(gpuvm_bo_unmap(r->w.bo[0], &r->sm));
	assert_int_equal(r->trace.n, 20);
	for (i = 0; i < r->trace.n; i++) {
		assert_int_equal(r->trace.steps[i].type, GPUVM_OP_UNMAP);
		assert_int_equal(r->trace.steps[i].old.gem, 0);
	}
	assert_int_equal(gpuvm_bo_mappings(r->w.bo[0], NULL, 0), 0);
	assert_int_equal(gpuvm_bo_mappings(r->w.bo[1], NULL, 0), 20);
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), 20);
	finish(r);
}

static int setup(void **state)
{
	struct run *r = *state;

	t_world_make(&r->w, &r->config);
	t_world_obtain(&r->w);
	r->trace = (struct t_trace){ .gems = r->w.gem, .nr_gems = T_GEMS };
	return 0;
}

static int teardown(void **state)
{
	t_world_end(&((struct run *)*state)->w);
	return 0;
}

static int run_config(const struct t_config *config)
{
	const struct CMUnitTest tests[] = {
		{ "callback_form", callback_form, setup, teardown, &the_run },
		{ "list_form", list_form, setup, teardown, &the_run },
		{ "undone", undone, setup, teardown, &the_run },
		{ "madvise_with_an_object", madvise_with_an_object, setup, teardown, &the_run },
		{ "bo_unmap_many", bo_unmap_many, setup, teardown, &the_run },
	};
	char group[160];

	the_run.config = *config;
	if (config->external)
		the_run.config.driver = &t_trace_driver_in_place;
	snprintf(group, sizeof(group), "requests/%s", t_config_name(config));
	return t_run(group, tests, ARRAY_SIZE(tests));
}

int main(void)
{
	const struct t_config base = { .driver = &t_trace_driver, .pages = 64 };

	return t_each_config(&base, run_config);
}
