/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_bind.c - bind arrays by table: steps, state, undone at each step, each allocation denied in turn; what is refused;
 * what is allocated where; and how many sections an array takes.
 *
 * Not for: random arrays (test_oracle.c), other threads (test_space_threads.c, the stress scenario bind_array).
 */
#include <pthread.h>

#include "trace.h"
#include "world.h"

#ifdef GPUVM_SCHED
#define T_SCHED true
#else
#define T_SCHED false
#endif

#define MAX_OLD 6
#define MAX_OPS 6
#define MAX_STEPS 10

/* A piece: [a,e) of object g from page o on; S: sparse. */
#define P(a, e, g, o)                       \
	{                                   \
		true, (g), (a), (e), (o), 0 \
	}
#define S(a, e)                          \
	{                                \
		true, -1, (a), (e), 0, 0 \
	}
#define NO                       \
	{                        \
		.present = false \
	}
#define UNMAPS(o)                                \
	{                                        \
		.type = GPUVM_OP_UNMAP, .old = o \
	}
#define KEEPS(o)                                               \
	{                                                      \
		.type = GPUVM_OP_UNMAP, .old = o, .keep = true \
	}
#define REMAPS(o, p, n)                                                \
	{                                                              \
		.type = GPUVM_OP_REMAP, .old = o, .prev = p, .next = n \
	}
#define REMAPS_KEEPING(o, p, n)                                                      \
	{                                                                            \
		.type = GPUVM_OP_REMAP, .old = o, .prev = p, .next = n, .keep = true \
	}
#define MAPS(m)                                \
	{                                      \
		.type = GPUVM_OP_MAP, .map = m \
	}
#define MEETS(o)                                    \
	{                                           \
		.type = GPUVM_OP_PREFETCH, .old = o \
	}

/* An operation: the piece to map, or the range. */
struct operation {
	char what; /* m, u, p; 0: no more */
	struct t_piece piece;
};

/**
 * struct row - one array
 * @doc: what about it
 * @old: what is mapped before
 * @op: the operations
 * @step: the steps they must make
 * @left: what is mapped afterwards
 */
struct row {
	const char *doc;
	struct t_piece old[MAX_OLD];
	struct operation op[MAX_OPS];
	struct t_step step[MAX_STEPS];
	struct t_piece left[MAX_OLD];
};

static const struct row rows[] = {
	{ "one map", { NO }, { { 'm', P(8, 16, 0, 3) } }, { MAPS(P(8, 16, 0, 3)) }, { P(8, 16, 0, 3) } },
	{ "apart, in descending order",
	  { P(0, 2, 2, 0) },
	  { { 'm', P(40, 42, 0, 3) }, { 'm', P(20, 22, 1, 0) }, { 'u', S(0, 2) } },
	  { MAPS(P(40, 42, 0, 3)), MAPS(P(20, 22, 1, 0)), UNMAPS(P(0, 2, 2, 0)) },
	  { P(20, 22, 1, 0), P(40, 42, 0, 3) } },
	{ "back to back, then the middle again",
	  { NO },
	  { { 'm', P(8, 10, 0, 0) }, { 'm', P(10, 12, 0, 2) }, { 'm', P(12, 14, 0, 4) }, { 'm', P(9, 13, 1, 0) } },
	  { MAPS(P(8, 10, 0, 0)), MAPS(P(10, 12, 0, 2)), MAPS(P(12, 14, 0, 4)),
	    REMAPS(P(8, 10, 0, 0), P(8, 9, 0, 0), NO), UNMAPS(P(10, 12, 0, 2)),
	    REMAPS(P(12, 14, 0, 4), NO, P(13, 14, 0, 5)), MAPS(P(9, 13, 1, 0)) },
	  { P(8, 9, 0, 0), P(9, 13, 1, 0), P(13, 14, 0, 5) } },
	{ "unmapped in the middle of what the array maps",
	  { NO },
	  { { 'm', P(8, 16, 0, 3) }, { 'u', S(10, 12) } },
	  { MAPS(P(8, 16, 0, 3)), REMAPS(P(8, 16, 0, 3), P(8, 10, 0, 3), P(12, 16, 0, 7)) },
	  { P(8, 10, 0, 3), P(12, 16, 0, 7) } },
	{ "mapped and unmapped: comes and goes",
	  { P(4, 8, 1, 0) },
	  { { 'm', P(8, 16, 0, 3) }, { 'u', S(8, 16) } },
	  { MAPS(P(8, 16, 0, 3)), UNMAPS(P(8, 16, 0, 3)) },
	  { P(4, 8, 1, 0) } },
	{ "the same bytes again: kept",
	  { NO },
	  { { 'm', P(8, 16, 0, 3) }, { 'm', P(8, 16, 0, 3) }, { 'm', P(10, 12, 0, 5) } },
	  { MAPS(P(8, 16, 0, 3)), KEEPS(P(8, 16, 0, 3)), MAPS(P(8, 16, 0, 3)),
	    REMAPS_KEEPING(P(8, 16, 0, 3), P(8, 10, 0, 3), P(12, 16, 0, 7)), MAPS(P(10, 12, 0, 5)) },
	  { P(8, 10, 0, 3), P(10, 12, 0, 5), P(12, 16, 0, 7) } },
	{ "one mapping cut by operations far apart",
	  { P(0, 48, 0, 0) },
	  { { 'u', S(8, 10) }, { 'm', P(40, 42, 1, 0) }, { 'u', S(20, 22) } },
	  { REMAPS(P(0, 48, 0, 0), P(0, 8, 0, 0), P(10, 48, 0, 10)),
	    REMAPS(P(10, 48, 0, 10), P(10, 40, 0, 10), P(42, 48, 0, 42)), MAPS(P(40, 42, 1, 0)),
	    REMAPS(P(10, 40, 0, 10), P(10, 20, 0, 10), P(22, 40, 0, 22)) },
	  { P(0, 8, 0, 0), P(10, 20, 0, 10), P(22, 40, 0, 22), P(40, 42, 1, 0), P(42, 48, 0, 42) } },
	{ "unmapped, then mapped across the hole",
	  { P(4, 10, 0, 0), P(14, 20, 1, 0) },
	  { { 'u', S(8, 16) }, { 'm', P(6, 18, 2, 0) } },
	  { REMAPS(P(4, 10, 0, 0), P(4, 8, 0, 0), NO), REMAPS(P(14, 20, 1, 0), NO, P(16, 20, 1, 2)),
	    REMAPS(P(4, 8, 0, 0), P(4, 6, 0, 0), NO), REMAPS(P(16, 20, 1, 2), NO, P(18, 20, 1, 4)),
	    MAPS(P(6, 18, 2, 0)) },
	  { P(4, 6, 0, 0), P(6, 18, 2, 0), P(18, 20, 1, 4) } },
	{ "mapped in a hole the array made, and what is beside it left alone",
	  { P(4, 8, 0, 0), P(8, 16, 1, 0), P(16, 20, 0, 4) },
	  { { 'u', S(8, 16) }, { 'm', P(10, 12, 2, 0) }, { 'u', S(4, 10) } },
	  { UNMAPS(P(8, 16, 1, 0)), MAPS(P(10, 12, 2, 0)), UNMAPS(P(4, 8, 0, 0)) },
	  { P(10, 12, 2, 0), P(16, 20, 0, 4) } },
	{ "prefetched before and after",
	  { P(4, 8, 1, 0), S(20, 24) },
	  { { 'p', S(0, 24) }, { 'm', P(6, 12, 0, 0) }, { 'p', S(0, 24) } },
	  { MEETS(P(4, 8, 1, 0)), MEETS(S(20, 24)), REMAPS(P(4, 8, 1, 0), P(4, 6, 1, 0), NO), MAPS(P(6, 12, 0, 0)),
	    MEETS(P(4, 6, 1, 0)), MEETS(P(6, 12, 0, 0)), MEETS(S(20, 24)) },
	  { P(4, 6, 1, 0), P(6, 12, 0, 0), S(20, 24) } },
	{ "prefetch alone", { P(4, 8, 1, 0) }, { { 'p', S(6, 24) } }, { MEETS(P(4, 8, 1, 0)) }, { P(4, 8, 1, 0) } },
	{ "nothing there",
	  { P(4, 8, 1, 0) },
	  { { 'u', S(8, 16) }, { 'p', S(8, 16) }, { 'u', S(8, 16) } },
	  { MAPS(NO) },
	  { P(4, 8, 1, 0) } },
};

/* Everything one test needs. */
static struct run {
	struct t_config config;
	struct t_world w;
	struct t_trace trace;
	struct gpuvm_bind bind;
	struct gpuvm_bind_op ops[4096];
} the_run;

static unsigned int pieces(const struct t_piece *p)
{
	unsigned int n = 0;

	while (n < MAX_OLD && p[n].present)
		n++;
	return n;
}

/* A step of a table that stands for none: a map of nothing. */
static bool is_step(const struct t_step *s)
{
	return s->old.present || s->map.present;
}

static unsigned int steps(const struct row *row)
{
	unsigned int n = 0;

	while (n < MAX_STEPS && is_step(&row->step[n]))
		n++;
	return n;
}

static unsigned int make_ops(struct run *r, const struct row *row)
{
	const struct operation *op = row->op;
	unsigned int n;

	for (n = 0; n < MAX_OPS && op[n].what; n++) {
		const struct t_piece *p = &op[n].piece;

		r->ops[n] = (struct gpuvm_bind_op){
			.type = op[n].what == 'm' ? GPUVM_BIND_MAP :
				op[n].what == 'u' ? GPUVM_BIND_UNMAP :
						    GPUVM_BIND_PREFETCH,
			.req = { .addr = p->start * T_PAGE,
				 .range = (p->end - p->start) * T_PAGE,
				 .offset = p->off * T_PAGE,
				 .bo = p->gem < 0 ? NULL : r->w.bo[p->gem] },
		};
	}
	return n;
}

static unsigned int begin(struct run *r, const struct row *row)
{
	unsigned int i;

	for (i = 0; i < pieces(row->old); i++)
		t_insert(&r->w, row->old[i].gem, row->old[i].start, row->old[i].end - row->old[i].start,
			 row->old[i].off);
	t_trace_reset(&r->trace);
	r->bind.priv = &r->trace;
	return make_ops(r, row);
}

static void state_is(struct run *r, const struct row *row, const struct t_piece *want)
{
	struct t_state got, expected = { .n = pieces(want) };

	memcpy(expected.piece, want, expected.n * sizeof(*want));
	t_state_read(&r->trace, r->w.vm, &got);
	if (!t_state_equal(&got, &expected))
		fail_msg("%s", row->doc);
}

static void finish(struct run *r)
{
	t_unlock(&r->w);
	gpuvm_bind_release(&r->bind);
	t_clear(&r->w);
}

static void by_table(void **state)
{
	struct run *r = *state;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		n = begin(r, &rows[i]);
		t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, n));
		t_lock(&r->w);
		t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
		if (!t_stream_equal(r->trace.steps, r->trace.n, rows[i].step, steps(&rows[i])))
			fail_msg("%s", rows[i].doc);
		state_is(r, &rows[i], rows[i].left);
		finish(r);
	}
}

/* Which operation gives step number @nth of @row? */
static unsigned int op_of_step(const struct row *row, unsigned int n, unsigned int nth)
{
	unsigned int op, seen = 0, i;

	for (op = 0; op < n; op++) {
		/* A map's steps end with a MAP; the others' ranges are told apart by the table's order. */
		for (i = seen; i < steps(row); i++) {
			const struct t_step *s = &row->step[i];
			bool map = row->op[op].what == 'm';

			if (!map && (s->type == GPUVM_OP_PREFETCH) != (row->op[op].what == 'p'))
				break;
			if (!map && (s->old.end <= row->op[op].piece.start || s->old.start >= row->op[op].piece.end))
				break;
			if (i == nth)
				return op;
			if (map && s->type == GPUVM_OP_MAP) {
				i++;
				break;
			}
		}
		seen = i;
	}
	return n;
}

static void undone_at(struct run *r, const struct row *row, unsigned int fail_at)
{
	unsigned int n = begin(r, row), i;

	r->trace.fail_at = fail_at;
	r->trace.error = -EFAULT;
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, n));
	t_lock(&r->w);
	t_fails(-EFAULT, gpuvm_bind_array(r->w.vm, &r->bind));
	if (!t_trace_undone(&r->trace, fail_at - 1))
		fail_msg("%s: step %u fails", row->doc, fail_at);
	for (i = 0; i < fail_at - 1; i++)
		assert_true(t_step_equal(&r->trace.steps[i], &row->step[i]));
	state_is(r, row, row->old);
	assert_null(r->bind.removed);
	if (n == 1 || row->op[0].what == 'm')
		assert_int_equal(r->bind.at, op_of_step(row, n, fail_at - 1));
	/* And then it works. */
	t_trace_reset(&r->trace);
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, n));
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	state_is(r, row, row->left);
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

/* ---- no memory ---- */

/* With the @nth allocation denied, and for ever if @all. False: there are fewer. */
static bool denied(struct run *r, const struct row *row, uint64_t nth, bool all)
{
	unsigned int n = begin(r, row);
	uint64_t denials;
	int ret;

	t_lock(&r->w);
	t_ok(gpuvm_debug_fail_alloc(nth, all));
	ret = gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, n);
	denials = gpuvm_debug_failed();
	if (ret) {
		t_fails(-ENOMEM, ret);
		assert_true(denials);
		t_fails(-EINVAL, gpuvm_bind_array(r->w.vm, &r->bind));
		assert_int_equal(r->trace.seen, 0);
		state_is(r, row, row->old);
		t_ok(gpuvm_debug_fail_alloc(0, false));
		t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, n));
		t_ok(gpuvm_debug_fail_alloc(1, true)); /* it must do without */
	}
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	t_ok(gpuvm_debug_fail_alloc(0, false));
	state_is(r, row, row->left);
	finish(r);
	return denials;
}

static void each_allocation_denied(void **state)
{
	struct run *r = *state;
	unsigned int i;
	uint64_t nth;

	if (!gpuvm_debug_enabled())
		skip();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (nth = 1; denied(r, &rows[i], nth, false); nth++)
			;
		assert_true(nth > 1);
		for (nth = 1; denied(r, &rows[i], nth, true); nth++)
			;
	}
}

/* ---- what is refused ---- */

static struct gpuvm_bind_op map_op(struct run *r, uint64_t page, uint64_t nr)
{
	return (struct gpuvm_bind_op){ GPUVM_BIND_MAP, { .addr = page * T_PAGE, .range = nr * T_PAGE, .bo = r->w.bo[0] } };
}

static struct gpuvm_bind_op unmap_op(uint64_t page, uint64_t nr)
{
	return (struct gpuvm_bind_op){ GPUVM_BIND_UNMAP, { .addr = page * T_PAGE, .range = nr * T_PAGE } };
}

/* @op as the last of three: the two before must leave no trace. */
static void last_is_refused(struct run *r, const struct gpuvm_bind_op *op)
{
	r->ops[0] = map_op(r, 4, 4);
	r->ops[1] = unmap_op(0, 2);
	r->ops[2] = *op;
	t_fails(-EINVAL, gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, 3));
	assert_int_equal(r->bind.at, 2);
	t_fails(-EINVAL, gpuvm_bind_array(r->w.vm, &r->bind));
	assert_int_equal(r->trace.n, 0);
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), 1);
}

static void bad_operations(void **state)
{
	struct run *r = *state;
	const struct gpuvm_map_req bad[] = {
		{ .addr = 0, .range = 0 },
		{ .addr = 1, .range = T_PAGE },
		{ .addr = r->config.pages * T_PAGE, .range = T_PAGE },
		{ .addr = 0 - T_PAGE, .range = 2 * T_PAGE },
		{ .addr = r->config.reserve_first * T_PAGE, .range = T_PAGE },
	};
	struct gpuvm_bind_op op;
	unsigned int i, type;

	t_insert(&r->w, 0, 0, 2, 0);
	r->bind.priv = &r->trace;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (type = GPUVM_BIND_MAP; type <= GPUVM_BIND_PREFETCH; type++) {
			op = (struct gpuvm_bind_op){ type, bad[i] };
			last_is_refused(r, &op);
		}
	}
	op = map_op(r, 8, 4);
	op.req.offset = 0 - T_PAGE;
	last_is_refused(r, &op);
	op = map_op(r, 8, 4);
	op.type = 3;
	last_is_refused(r, &op);
	/* Of what is no map only the range is looked at. */
	op.type = GPUVM_BIND_PREFETCH;
	op.req.offset = 1;
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, &op, 1));
	gpuvm_bind_release(&r->bind);
}

static void another_vm(void **state)
{
	struct run *r = *state;
	const struct gpuvm_vm_params params = { .range = 1 << 20, .flags = r->config.flags, .driver = &t_trace_driver };
	struct gpuvm_bind_op op = map_op(r, 4, 2);
	struct gpuvm_vm *other;

	t_ok(gpuvm_vm_create(r->w.dev, &params, &other));
	t_fails(-EINVAL, gpuvm_bind_prepare(other, &r->bind, &op, 1));
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, &op, 1));
	t_fails(-EINVAL, gpuvm_bind_array(other, &r->bind));
	op.req.bo = NULL;
	t_fails(-EINVAL, gpuvm_bind_prepare(other, &r->bind, &op, 1));
	gpuvm_bind_release(&r->bind);
	t_ok(gpuvm_bind_prepare(other, &r->bind, &op, 1));
	gpuvm_bind_release(&r->bind);
	gpuvm_vm_put(other);
}

static void prepared_once_run_once(void **state)
{
	struct run *r = *state;
	struct gpuvm_bind_op op = map_op(r, 4, 2);

	r->bind.priv = &r->trace;
	t_fails(-EINVAL, gpuvm_bind_array(r->w.vm, &r->bind));
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, &op, 1));
	t_lock(&r->w);
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	t_fails(-EINVAL, gpuvm_bind_array(r->w.vm, &r->bind));
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, NULL, 0));
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	t_fails(-EINVAL, gpuvm_bind_array(r->w.vm, &r->bind));
	t_fails(-EINVAL, gpuvm_bind_prepare(r->w.vm, &r->bind, &op, GPUVM_BIND_OPS_MAX + 1));
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), 1);
	finish(r);
}

static void closed(void **state)
{
	struct run *r = *state;
	struct gpuvm_bind_op op = map_op(r, 4, 2);

	r->bind.priv = &r->trace;
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, &op, 1));
	gpuvm_vm_close(r->w.vm, NULL);
	t_lock(&r->w);
	t_fails(-ENOENT, gpuvm_bind_array(r->w.vm, &r->bind));
	assert_int_equal(r->trace.n, 0);
	finish(r);
}

static int accept(const struct gpuvm_op *op, void *priv)
{
	return 0;
}

/* Each kind of operation wants its own callbacks, and no others. */
static void callbacks_missing(void **state)
{
	struct run *r = *state;
	const struct gpuvm_driver driver = { .sm_step_remap = accept, .sm_step_unmap = accept };
	const struct gpuvm_vm_params params = { .range = 1 << 20, .flags = r->config.flags, .driver = &driver };
	struct gpuvm_bind_op op = unmap_op(0, 2);
	struct gpuvm_vm *vm;

	t_ok(gpuvm_vm_create(r->w.dev, &params, &vm));
	t_ok(gpuvm_bind_prepare(vm, &r->bind, &op, 1));
	t_ok(gpuvm_bind_array(vm, &r->bind));
	op.type = GPUVM_BIND_MAP;
	t_fails(-EINVAL, gpuvm_bind_prepare(vm, &r->bind, &op, 1));
	op.type = GPUVM_BIND_PREFETCH;
	t_fails(-EINVAL, gpuvm_bind_prepare(vm, &r->bind, &op, 1));
	gpuvm_bind_release(&r->bind);
	gpuvm_vm_put(vm);
}

/* The mappings to come can be had beforehand, and are the ones that come. */
static void mappings_to_come(void **state)
{
	struct run *r = *state;
	struct gpuvm_bind_op ops[3] = { map_op(r, 4, 2), unmap_op(8, 2), { GPUVM_BIND_PREFETCH, { .range = T_PAGE } } };
	const void *fresh;

	r->bind.priv = &r->trace;
	assert_null(gpuvm_bind_va(&r->bind, 0, GPUVM_SM_NEW));
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, ops, 3));
	fresh = gpuvm_bind_va(&r->bind, 0, GPUVM_SM_NEW);
	assert_true(fresh && gpuvm_bind_va(&r->bind, 0, GPUVM_SM_PREV) && gpuvm_bind_va(&r->bind, 0, GPUVM_SM_NEXT));
	assert_true(!gpuvm_bind_va(&r->bind, 1, GPUVM_SM_NEW) && gpuvm_bind_va(&r->bind, 1, GPUVM_SM_NEXT));
	assert_true(!gpuvm_bind_va(&r->bind, 2, GPUVM_SM_NEXT) && !gpuvm_bind_va(&r->bind, 0, GPUVM_SM_NEW2));
	assert_null(gpuvm_bind_va(&r->bind, 3, GPUVM_SM_NEXT));
	t_lock(&r->w);
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	t_unlock(&r->w);
	t_lock(&r->w);
	{
		struct gpuvm_va_removed *va;

		t_ok(gpuvm_va_remove(r->w.vm, 4 * T_PAGE, 2 * T_PAGE, &va));
		assert_ptr_equal(va, fresh);
		gpuvm_va_removed_free(va);
	}
	finish(r);
}

/* ---- how much ---- */

static uint64_t allocs(void)
{
	return t_stat(GPUVM_STAT_ALLOC) - t_stat(GPUVM_STAT_SPACE_ALLOC);
}

/* @n maps of one page, @stride apart, from page @first on: in ascending order, or the upper half before the lower. */
static void fill_ops(struct run *r, uint64_t first, unsigned int n, unsigned int stride, bool halves)
{
	unsigned int i, k;

	for (i = 0; i < n; i++) {
		k = halves ? (i + n / 2) % n : i;
		r->ops[i] = map_op(r, first + (uint64_t)k * stride, 1);
	}
}

/* Exactly: one for the array, and the mappings that its operations may need; all of it before gpuvm_bind_array(). */
static void allocated_by(struct run *r, unsigned int n, unsigned int stride, bool halves)
{
	uint64_t before = allocs(), all;

	fill_ops(r, 0, n, stride, halves);
	r->bind.priv = NULL;
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, n));
	assert_int_equal(allocs() - before, 1 + GPUVM_SM_MAP_VAS * n);
	t_lock(&r->w);
	gpuvm_debug_signalling_begin();
	all = t_stat(GPUVM_STAT_ALLOC);
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	assert_int_equal(t_stat(GPUVM_STAT_ALLOC), all);
	gpuvm_debug_signalling_end();
	t_unlock(&r->w);
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), n);
	/* Each mapped over: a new mapping for each, nothing else. */
	before = allocs();
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, n));
	assert_int_equal(allocs() - before, n);
	t_lock(&r->w);
	all = t_stat(GPUVM_STAT_ALLOC);
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	assert_int_equal(t_stat(GPUVM_STAT_ALLOC), all);
	t_unlock(&r->w);
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), n);
	/* And all away. */
	r->ops[0] = unmap_op(0, (uint64_t)n * stride);
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, 1));
	t_lock(&r->w);
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	t_unlock(&r->w);
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), 0);
	gpuvm_bind_release(&r->bind);
}

static void allocations(void **state)
{
	unsigned int most = T_SANITIZED ? 300 : 4096, n;

	for (n = 1; n <= most; n = n < 3 ? n + 1 : n < most && n * 5 > most ? most : n * 5) {
		allocated_by(*state, n, 1, false);
		allocated_by(*state, n, 3, false);
		allocated_by(*state, n, 1, true);
		if (n == most)
			break;
	}
}

/* Every leaf and node is full, and each operation makes two of one: the stock must do, whatever the index has to split. */
static void dense(void **state)
{
	struct run *r = *state;
	unsigned int i, n = T_SANITIZED ? 200 : 1000;
	uint64_t all;

	for (i = 0; i < 3 * n; i++)
		t_insert(&r->w, i % 2, 3 * i, 3, 3 * (i % 64));
	for (i = 0; i < n; i++)
		r->ops[i] = map_op(r, 9 * i + 1, 1);
	r->bind.priv = NULL;
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, n));
	all = t_stat(GPUVM_STAT_ALLOC);
	t_lock(&r->w);
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	t_unlock(&r->w);
	assert_int_equal(t_stat(GPUVM_STAT_ALLOC), all);
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), 5 * n);
	r->ops[0] = unmap_op(0, 9 * n);
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, 1));
	t_lock(&r->w);
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	finish(r);
}

/* ---- what is held ---- */

/* Far apart, each in a part of the index of its own. */
static void three_parts(struct run *r)
{
	unsigned int i;

	for (i = 0; i < 300; i++)
		t_insert(&r->w, 0, 2 * i, 1, 0);
	r->ops[0] = map_op(r, 401, 1);
	r->ops[1] = map_op(r, 3, 1);
	r->ops[2] = unmap_op(200, 1);
	r->bind.priv = NULL;
}

static void sections(void **state)
{
	struct run *r = *state;
	uint64_t locks;

	if (!gpuvm_device_can(r->w.dev, GPUVM_TRAIT_PARTS))
		skip();
	three_parts(r);
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, 3));
	t_lock(&r->w);
	locks = t_stat(GPUVM_STAT_SPACE_LOCK);
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	assert_int_equal(t_stat(GPUVM_STAT_SPACE_LOCK) - locks, 3);
	t_unlock(&r->w);
	gpuvm_bind_release(&r->bind);
	t_clear(&r->w);
}

/* Pages between the parts, bound by another thread while the array waits in a callback for it to be done. */
static void *bind_between(void *arg)
{
	struct run *r = arg;
	uint64_t page;

	gpuvm_thread_enter();
	for (page = 301; page < 309; page += 2)
		t_insert(&r->w, 1, page, 1, 0);
	gpuvm_thread_leave();
	return NULL;
}

static unsigned int nr_waited;

static int wait_for_other(const struct gpuvm_op *op, void *priv)
{
	pthread_t other;

	if (priv && !nr_waited++) {
		assert_int_equal(pthread_create(&other, NULL, bind_between, priv), 0);
		assert_int_equal(pthread_join(other, NULL), 0);
	}
	return 0;
}

static void others_go_on(void **state)
{
	struct run *r = *state;

	if (!gpuvm_device_can(r->w.dev, GPUVM_TRAIT_PARTS))
		skip();
	three_parts(r);
	nr_waited = 0;
	r->bind.priv = r;
	t_ok(gpuvm_bind_prepare(r->w.vm, &r->bind, r->ops, 3));
	t_ok(gpuvm_bind_array(r->w.vm, &r->bind));
	assert_true(nr_waited);
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), 300 + 1 + 4);
	gpuvm_bind_release(&r->bind);
	t_clear(&r->w);
}

static const struct gpuvm_driver waiting_driver = {
	.sm_step_map = wait_for_other, .sm_step_remap = wait_for_other, .sm_step_unmap = wait_for_other
};

static int setup_waiting(void **state)
{
	struct run *r = *state;
	struct t_config config = r->config;

	config.driver = &waiting_driver;
	t_world_make(&r->w, &config);
	t_world_obtain(&r->w);
	return 0;
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
	struct run *r = *state;

	gpuvm_debug_fail_alloc(0, false);
	gpuvm_bind_release(&r->bind);
	t_clear(&r->w);
	t_world_end(&r->w);
	return 0;
}

#define CASE(fn)                                   \
	{                                          \
#fn, fn, setup, teardown, &the_run \
	}

/* The index's own in one mode per space, and not on the explorer's core: it is slow, and knows no threads. */
static int run_config(const struct t_config *config)
{
	const struct CMUnitTest tests[] = {
		CASE(by_table),		CASE(undone),		     CASE(bad_operations),   CASE(another_vm),
		CASE(prepared_once_run_once), CASE(closed),	     CASE(callbacks_missing), CASE(mappings_to_come),
		CASE(each_allocation_denied), CASE(allocations),     CASE(dense),	     CASE(sections),
		{ "others_go_on", others_go_on, setup_waiting, teardown, &the_run },
	};
	bool all_tests = config->flags == GPUVM_VM_IMMEDIATE && !config->external && !T_SCHED;
	char group[160];

	the_run.config = *config;
	snprintf(group, sizeof(group), "bind/%s", t_config_name(config));
	return t_run(group, tests, all_tests ? ARRAY_SIZE(tests) : 8);
}

int main(void)
{
	const struct t_config base = {
		.driver = &t_trace_driver, .pages = 16384, .reserve_first = 16000, .reserve_pages = 8
	};

	return t_each_config(&base, run_config);
}
