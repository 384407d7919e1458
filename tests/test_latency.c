/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_latency.c - the latency histograms of the bench and the open-loop sampling, on a clock of the test's own.
 *
 * Mutations it was seen to catch: latencies counted from when the operation began; a due time that waits for the last
 * operation; a bucket's bound one too high; a quantile one value too low.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "../bench/machine.h"
#include "../bench/rng.h"
#include "../bench/tail.h"

/* ---- buckets ---- */

static void one_value(uint64_t ns)
{
	unsigned int i = latency_bucket(ns);

	assert_true(i < LATENCY_BUCKETS);
	assert_true(ns <= latency_upper(i));
	if (i)
		assert_true(ns > latency_upper(i - 1));
	assert_true(latency_upper(i) - ns <= ns / LATENCY_SUB);
}

static void every_value_has_its_bucket(void **state)
{
	uint64_t rng = 1, ns;
	unsigned int k;

	for (ns = 0; ns < 5000; ns++)
		one_value(ns);
	for (k = 6; k < 42; k++) {
		one_value((1ull << k) - 1);
		one_value(1ull << k);
		one_value((1ull << k) + 1);
		one_value((1ull << k) + rng_next(&rng) % (1ull << k));
	}
	assert_int_equal(latency_bucket(UINT64_MAX), LATENCY_BUCKETS - 1);
	assert_int_equal(latency_bucket(1ull << 42), LATENCY_BUCKETS - 1);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void quantiles_are_those_of_the_values(void **state)
{
	static const double qs[] = { 0, 0.001, 0.25, 0.3333, 0.5, 0.6666, 0.9, 0.99, 0.9994, 1 };
	static uint64_t v[2000];
	static struct latency_counts c;
	uint64_t rng = 7, want;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = rng_next(&rng) >> (20 + rng_below(&rng, 44));
		latency_count(&c, v[i]);
	}
	qsort(v, ARRAY_SIZE(v), sizeof(*v), by_size);
	for (i = 0; i < ARRAY_SIZE(qs); i++) {
		want = (uint64_t)(qs[i] * ARRAY_SIZE(v) + 0.999999);
		want = v[want ? want - 1 : 0];
		assert_int_equal(latency_quantile(&c, qs[i]), latency_upper(latency_bucket(want)));
	}
	assert_int_equal(latency_total(&c), ARRAY_SIZE(v));
}

static void histograms_add_up(void **state)
{
	static struct latency_counts a, b, both, sum;
	struct latency *pa, *pb;
	uint64_t rng = 3, ns;
	unsigned int i;

	assert_null(latency_pack(&a));
	assert_int_equal(latency_quantile(&a, 0.5), 0);
	for (i = 0; i < 1000; i++) {
		ns = rng_next(&rng) >> (20 + rng_below(&rng, 44));
		latency_count(i % 3 ? &a : &b, ns);
		latency_count(&both, ns);
	}
	pa = latency_pack(&a);
	pb = latency_pack(&b);
	latency_unpack(&sum, pa);
	latency_unpack(&sum, pb);
	latency_unpack(&sum, NULL);
	assert_memory_equal(&sum, &both, sizeof(sum));
	latency_add(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
	free(pa);
	free(pb);
}

static void json(void **state)
{
	static struct latency_counts c;
	struct latency *l;
	char *text;

	assert_null(latency_json(NULL));
	latency_count(&c, 5);
	latency_count(&c, 5);
	latency_count(&c, 1000);
	c.n[LATENCY_BUCKETS - 1] = UINT32_MAX; /* the longest there is */
	l = latency_pack(&c);
	text = latency_json(l);
	assert_string_equal(text, "{\"5\": 2, \"1007\": 1, \"4398046511103\": 4294967295}");
	free(text);
	free(l);
	memset(&c, 0xff, sizeof(c)); /* as long as it gets */
	l = latency_pack(&c);
	text = latency_json(l);
	assert_int_equal(l->nr, LATENCY_BUCKETS);
	assert_string_equal(strrchr(text, ','), ", \"4398046511103\": 4294967295}");
	free(text);
	free(l);
}

/* ---- the open loop, on a clock that only reading it and working move ---- */

#define READ_NS 10u
#define BATCH 64u

static uint64_t clock_ns, work_ns, ops, resets, longest_piece;
static uint64_t stall_at, stall_ns, stall_from, stall_to;

uint64_t machine_now(void)
{
	return clock_ns += READ_NS;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	longest_piece = n > longest_piece ? n : longest_piece;
	for (; n; n--) {
		if (ops++ == stall_at) {
			stall_from = clock_ns;
			stall_to = clock_ns += stall_ns;
		}
		clock_ns += work_ns;
	}
}

static void reset(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	resets += n;
}

static const struct bench_case plain = { .run = run }, undone = { .run = run, .reset = reset };

static void start(uint64_t each)
{
	clock_ns = 1000000;
	work_ns = each;
	ops = resets = longest_piece = 0;
	stall_at = UINT64_MAX;
}

static void sample(const struct bench_case *c, uint64_t each, uint64_t length, struct latency_counts *counts)
{
	struct bench_ctx ctx = { .threads = 1 };
	const struct engine_job job = { .c = c, .ctx = &ctx, .batch = BATCH };
	struct tail t = { .job = &job, .op_ns = each, .rng = 42, .counts = counts };

	memset(counts, 0, sizeof(*counts));
	gpuvm_thread_enter();
	tail_sample(&t, 1000000, 1000000 + length);
	gpuvm_thread_leave();
}

/* How many are due in [@from, @to) of the clock; the schedule depends on the seed and the gap alone. */
static uint64_t due_between(uint64_t from, uint64_t to, uint64_t gap, uint64_t until)
{
	uint64_t rng = 42, due = 1000000, n = 0;

	for (;;) {
		due += gap / 2 + rng_below(&rng, (uint32_t)gap);
		if (due >= until)
			return n;
		n += due >= from && due < to;
	}
}

static void a_quiet_operation_takes_what_it_takes(void **state)
{
	static struct latency_counts c;

	start(100);
	sample(&plain, 100, 10000000, &c);
	assert_int_equal(latency_total(&c), due_between(0, UINT64_MAX, TAIL_GAP_NS, 11000000));
	assert_true(latency_quantile(&c, 0) >= 100); /* the operation, two readings of the clock, and a turn waiting */
	assert_true(latency_quantile(&c, 1) <= latency_upper(latency_bucket(100 + 3 * READ_NS)));
	assert_true(ops > 20 * latency_total(&c)); /* under load */
	assert_int_equal(longest_piece, TAIL_LOAD_NS / 100);
}

static void whoever_was_due_during_a_stall_waited(void **state)
{
	static struct latency_counts c;
	const uint64_t until = 11000000, half = 500000;
	uint64_t least, most, slow = 0;
	unsigned int i;

	start(100);
	stall_at = 20000;
	stall_ns = 1000000;
	sample(&plain, 100, until - 1000000, &c);
	for (i = latency_bucket(half) + 1; i < LATENCY_BUCKETS; i++)
		slow += c.n[i];
	least = due_between(stall_from, stall_to - half - half / LATENCY_SUB, TAIL_GAP_NS, until);
	most = due_between(stall_from - TAIL_LOAD_NS, stall_to - half + 62 * 200, TAIL_GAP_NS, until);
	assert_true(least > 20);
	assert_in_range(slow, least, most);
	assert_int_equal(latency_total(&c), due_between(0, UINT64_MAX, TAIL_GAP_NS, until));
}

/* Slow operations are due less often, so that they do not pile up. */
static void slow_operations_do_not_pile_up(void **state)
{
	static struct latency_counts c;

	start(1000000);
	sample(&plain, 1000000, 400000000, &c);
	assert_int_equal(latency_total(&c), due_between(0, UINT64_MAX, 4000000, 401000000));
	assert_true(latency_quantile(&c, 1) <= latency_upper(latency_bucket(2000000)));
	assert_true(clock_ns < 403000000);
	assert_int_equal(longest_piece, 1);
}

static void everything_is_undone(void **state)
{
	static struct latency_counts c;

	start(1);
	sample(&undone, 1, 1000000, &c);
	assert_int_equal(resets, ops);
	assert_int_equal(longest_piece, BATCH);
}

static void nothing_is_due_in_no_time(void **state)
{
	static struct latency_counts c;

	start(100);
	sample(&plain, 100, TAIL_GAP_NS / 2, &c);
	assert_int_equal(latency_total(&c), 0);
	assert_int_equal(ops, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_its_bucket),
		cmocka_unit_test(quantiles_are_those_of_the_values),
		cmocka_unit_test(histograms_add_up),
		cmocka_unit_test(json),
		cmocka_unit_test(a_quiet_operation_takes_what_it_takes),
		cmocka_unit_test(whoever_was_due_during_a_stall_waited),
		cmocka_unit_test(slow_operations_do_not_pile_up),
		cmocka_unit_test(everything_is_undone),
		cmocka_unit_test(nothing_is_due_in_no_time),
	};

	return t_run("latency", tests, ARRAY_SIZE(tests));
}
