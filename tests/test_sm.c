/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_sm.c - sm_map against one mapping in each of the documented positions: steps, keep flags, offsets, the state
 * afterwards; as callbacks, as a list, and undone at each step. One table, every space strategy, every lock mode.
 *
 * Not for: the other requests (test_sm_requests.c), random operations (test_oracle.c).
 */
#include "trace.h"
#include "world.h"

#define USER (1u << GPUVM_VA_USERBITS)

/* The request is always pages [8,16) of object 0 from page 20 on. */
enum {
	RA = 8,
	RE = 16,
	RO = 20
};

/**
 * struct row - an old mapping, and what must become of it
 * @doc: number in the kernel's documentation, and a word
 * @a: first page
 * @e: end
 * @gem: object, -1: sparse
 * @off: page of the object
 * @keep: the new mapping shows the same bytes where they overlap
 * @prev: a piece stays in front
 * @next: a piece stays behind
 * @next_off: what it shows
 */
struct row {
	const char *doc;
	uint64_t a, e;
	int gem;
	uint64_t off;
	bool keep, prev, next;
	uint64_t next_off;
};

static const struct row rows[] = {
	{ "1 same", 8, 16, 0, 20, .keep = true },
	{ "2 same place, other offset", 8, 16, 0, 21, .keep = false },
	{ "3 same place, other object", 8, 16, 1, 20, .keep = false },
	{ "4 starts there, ends inside", 8, 12, 0, 20, .keep = true },
	{ "4 other object", 8, 12, 1, 20, .keep = false },
	{ "5 starts there, ends behind, other object", 8, 20, 1, 20, .next = true, .next_off = 28 },
	{ "5 other offset", 8, 20, 0, 40, .next = true, .next_off = 48 },
	{ "6 starts there, ends behind, same bytes", 8, 20, 0, 20, .keep = true, .next = true, .next_off = 28 },
	{ "7 starts before, ends there, other object", 4, 16, 1, 16, .prev = true },
	{ "7 other offset", 4, 16, 0, 20, .prev = true },
	{ "8 starts before, ends there, same bytes", 4, 16, 0, 16, .keep = true, .prev = true },
	{ "9 starts before, ends inside, other object", 4, 12, 1, 16, .prev = true },
	{ "10 starts before, ends inside, same bytes", 4, 12, 0, 16, .keep = true, .prev = true },
	{ "11 around, other object", 4, 20, 1, 16, .prev = true, .next = true, .next_off = 28 },
	{ "11 other offset", 4, 20, 0, 20, .prev = true, .next = true, .next_off = 32 },
	{ "12 around, same bytes", 4, 20, 0, 16, .keep = true, .prev = true, .next = true, .next_off = 28 },
	{ "13 starts inside, ends there, same bytes", 12, 16, 0, 24, .keep = true },
	{ "13 other object", 12, 16, 1, 24, .keep = false },
	{ "14 inside, same bytes", 10, 12, 0, 22, .keep = true },
	{ "14 other offset", 10, 12, 0, 20, .keep = false },
	{ "15 starts inside, ends behind, other object", 12, 20, 1, 24, .next = true, .next_off = 28 },
	{ "16 starts inside, ends behind, same bytes", 12, 20, 0, 24, .keep = true, .next = true, .next_off = 28 },
	{ "1 sparse: never kept", 8, 16, -1, 0, .keep = false },
	{ "10 sparse", 4, 12, -1, 0, .prev = true },
	{ "12 sparse", 4, 20, -1, 0, .prev = true, .next = true, .next_off = 0 },
	{ "touches in front", 4, 8, 0, 16, .keep = false },
	{ "touches behind", 16, 20, 0, 28, .keep = false },
};

/* Everything one test needs. */
struct run {
	struct t_config config;
	struct t_world w;
	struct t_trace trace;
	struct gpuvm_sm sm;
};

static struct run the_run;

static bool overlaps(const struct row *row)
{
	return row->a < RE && row->e > RA;
}

static struct gpuvm_map_req request(struct run *r)
{
	return (struct gpuvm_map_req){
		.addr = RA * T_PAGE, .range = (RE - RA) * T_PAGE, .offset = RO * T_PAGE, .bo = r->w.bo[0], .flags = USER
	};
}

/* ---- what must happen ---- */

static struct t_piece old_of(const struct row *row)
{
	return (struct t_piece){ true, row->gem, row->a, row->e, row->off, 0 };
}

static struct t_piece new_piece(void)
{
	return (struct t_piece){ true, 0, RA, RE, RO, USER };
}

static struct t_piece prev_of(const struct row *row)
{
	return (struct t_piece){ row->prev, row->gem, row->a, RA, row->off, 0 };
}

static struct t_piece next_of(const struct row *row)
{
	return (struct t_piece){ row->next, row->gem, RE, row->e, row->next_off, 0 };
}

static unsigned int expected_steps(const struct row *row, struct t_step *steps)
{
	unsigned int n = 0;

	if (overlaps(row)) {
		steps[n++] = (struct t_step){ .type = row->prev || row->next ? GPUVM_OP_REMAP : GPUVM_OP_UNMAP,
					      .keep = row->keep,
					      .old = old_of(row),
					      .prev = prev_of(row),
					      .next = next_of(row) };
	}
	steps[n++] = (struct t_step){ .type = GPUVM_OP_MAP, .map = new_piece() };
	return n;
}

static void expected_state(const struct row *row, struct t_state *state)
{
	struct t_piece old = old_of(row);
	unsigned int n = 0;

	if (row->prev)
		state->piece[n++] = prev_of(row);
	if (!overlaps(row) && row->a < RA)
		state->piece[n++] = old;
	state->piece[n++] = new_piece();
	if (row->next)
		state->piece[n++] = next_of(row);
	if (!overlaps(row) && row->a >= RE)
		state->piece[n++] = old;
	state->n = n;
}

/* ---- running ---- */

static void begin(struct run *r, const struct row *row)
{
	t_insert(&r->w, row->gem, row->a, row->e - row->a, row->off);
	t_ok(gpuvm_sm_prepare(r->w.vm, &r->sm, GPUVM_SM_MAP_VAS));
	t_trace_reset(&r->trace);
	r->sm.priv = &r->trace;
	t_lock(&r->w);
}

static void finish(struct run *r)
{
	t_unlock(&r->w);
	gpuvm_sm_release(&r->sm);
	t_clear(&r->w);
}

static void stream_is(struct run *r, const struct row *row, const struct t_step *want, unsigned int n)
{
	if (!t_stream_equal(r->trace.steps, r->trace.n, want, n))
		fail_msg("row %s", row->doc);
}

static void state_is(struct run *r, const struct row *row, const struct t_state *want)
{
	struct t_state got;

	t_state_read(&r->trace, r->w.vm, &got);
	if (!t_state_equal(&got, want))
		fail_msg("row %s", row->doc);
}

static unsigned int stock(const struct gpuvm_sm *sm)
{
	unsigned int i, n = 0;

	for (i = 0; i < GPUVM_SM_SLOTS; i++)
		n += sm->va[i] != NULL;
	return n;
}

/* Used: one va for the new mapping, one per piece. Come back: the old one if it was cut or went. Or it stays: neither. */
static void sm_is(struct run *r, const struct row *row)
{
	bool stays = row->prev && t_stays(&r->w);
	struct gpuvm_va_removed *old;

	assert_int_equal(stock(&r->sm), GPUVM_SM_MAP_VAS - 1 - row->prev - row->next + stays);
	if (overlaps(row) && !stays) {
		old = gpuvm_va_removed_pop(&r->sm.removed);
		assert_non_null(old);
		assert_int_equal(gpuvm_va_removed_addr(old), row->a * T_PAGE);
		assert_int_equal(gpuvm_va_removed_range(old), (row->e - row->a) * T_PAGE);
		gpuvm_va_removed_free(old);
	}
	assert_null(gpuvm_va_removed_pop(&r->sm.removed));
}

static void callback_form(void **state)
{
	struct run *r = *state;
	const struct gpuvm_map_req req = request(r);
	struct t_step want[2];
	struct t_state after;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		n = expected_steps(&rows[i], want);
		expected_state(&rows[i], &after);
		begin(r, &rows[i]);
		t_ok(gpuvm_sm_map(r->w.vm, &req, &r->sm));
		stream_is(r, &rows[i], want, n);
		sm_is(r, &rows[i]);
		state_is(r, &rows[i], &after);
		finish(r);
	}
}

static void list_form(void **state)
{
	struct run *r = *state;
	const struct gpuvm_map_req req = request(r);
	struct gpuvm_oplist *list;
	struct t_step want[2];
	struct t_state after;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		n = expected_steps(&rows[i], want);
		expected_state(&rows[i], &after);
		begin(r, &rows[i]);
		t_ok(gpuvm_sm_map_ops(r->w.vm, &req, &list));
		t_trace_list(&r->trace, list);
		t_ok(gpuvm_oplist_commit(list, &r->sm));
		stream_is(r, &rows[i], want, n);
		sm_is(r, &rows[i]);
		state_is(r, &rows[i], &after);
		finish(r);
	}
}

/* A list that is dropped has done nothing. */
static void list_dropped(void **state)
{
	struct run *r = *state;
	const struct gpuvm_map_req req = request(r);
	struct gpuvm_oplist *list;
	struct t_state before;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(r, &rows[i]);
		t_state_read(&r->trace, r->w.vm, &before);
		t_ok(gpuvm_sm_map_ops(r->w.vm, &req, &list));
		gpuvm_oplist_free(list);
		state_is(r, &rows[i], &before);
		assert_int_equal(stock(&r->sm), GPUVM_SM_MAP_VAS);
		finish(r);
	}
	gpuvm_oplist_free(NULL);
}

/* Steps given before the failing one, then the same in reverse order as undo. */
static unsigned int with_undo(const struct t_step *steps, unsigned int given, struct t_step *want)
{
	unsigned int i;

	for (i = 0; i < given; i++) {
		want[i] = steps[i];
		want[2 * given - 1 - i] = steps[i];
		want[2 * given - 1 - i].undo = true;
	}
	return 2 * given;
}

static void undone_at(struct run *r, const struct row *row, unsigned int fail_at)
{
	const struct gpuvm_map_req req = request(r);
	struct t_step steps[2], want[4];
	struct t_state before;
	unsigned int n;

	expected_steps(row, steps);
	n = with_undo(steps, fail_at - 1, want);
	begin(r, row);
	t_state_read(&r->trace, r->w.vm, &before);
	r->trace.fail_at = fail_at;
	r->trace.error = -EIO;
	t_fails(-EIO, gpuvm_sm_map(r->w.vm, &req, &r->sm));
	stream_is(r, row, want, n);
	state_is(r, row, &before);
	assert_int_equal(stock(&r->sm), GPUVM_SM_MAP_VAS);
	assert_null(r->sm.removed);
	finish(r);
}

static void undone(void **state)
{
	struct run *r = *state;
	unsigned int i, step;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (step = 1; step <= 1u + overlaps(&rows[i]); step++)
			undone_at(r, &rows[i], step);
	}
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
		{ "list_dropped", list_dropped, setup, teardown, &the_run },
		{ "undone", undone, setup, teardown, &the_run },
	};
	char group[160];

	the_run.config = *config;
	if (config->external)
		the_run.config.driver = &t_trace_driver_in_place;
	snprintf(group, sizeof(group), "sm_map/%s", t_config_name(config));
	return t_run(group, tests, ARRAY_SIZE(tests));
}

int main(void)
{
	const struct t_config base = { .driver = &t_trace_driver, .pages = 64 };

	return t_each_config(&base, run_config);
}
