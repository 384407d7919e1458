/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * table.c - one table per case: alternatives for the same work below each other, then what won, in a sentence.
 */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "cells.h"
#include "machine.h"
#include "summary.h"
#include "verdict.h"

/* Linux's own code at the same work, on the same allocator; NULL if this is it. */
static const struct bench *peer_of(const struct bench *b, size_t nr, const struct bench *row)
{
	const char *alloc = row->ctx.strategy[GPUVM_AXIS_ALLOC];

	for (; !row->peer && nr; b++, nr--)
		if (b->peer && bench_measured(b) && !strcmp(b->ctx.strategy[GPUVM_AXIS_ALLOC], alloc))
			return b;
	return NULL;
}

/* What the rows of one case have in common. */
struct layout {
	int point, strategy; /* widths; 0: no such column */
	bool peer; /* Linux's own code is among them */
	bool tail; /* latencies are */
	bool color;
};

/* What the rows of one group are compared with. */
struct against {
	const struct bench *linux, *group;
	size_t nr;
};

static int wider(int width, const char *text)
{
	int len = (int)strlen(text);

	return len > width ? len : width;
}

static void heading(const struct bench *b, const struct layout *l)
{
	printf("\n%s%s%s - %s\n\n", l->color ? BOLD : "", b->case_name, l->color ? PLAIN : "", b->case_doc);
	printf("  %-*s %-*s %9s %7s %9s%s %9s %9s %9s%s  %s\n", l->point, "", l->strategy,
	       l->strategy ? "strategy" : "", "ns/op", "spread", "vs linux", l->peer ? "   vs peer" : "", "allocs/op",
	       "CPU ns/op", "Mop/s", l->tail ? "   p50 ns   p99 ns p99.9 ns" : "", "note");
}

static void notes(const struct bench *b, char *to, size_t size)
{
	unsigned int i, apart = 0;
	int len = 0;

	for (i = 0; i < b->nr; i++)
		apart += b->window[i].apart;
	*to = 0;
	if (b->ctx.threads > machine_cpus())
		len += snprintf(to, size, "more threads than CPUs; ");
	if (apart && len < (int)size)
		len += snprintf(to + len, size - (size_t)len, "%u of %u windows overlap too little; ", apart, b->nr);
	if (b->discarded && len < (int)size)
		snprintf(to + len, size - (size_t)len, "%u discarded; ", b->discarded);
	if (*to)
		to[strlen(to) - 2] = 0;
}

static void ratio_cell(char *to, size_t size, const struct bench *b, const struct summary *s, const struct bench *linux)
{
	double ratio = linux ? s->median / summarise(linux).median : 0;

	if (!linux)
		snprintf(to, size, "-");
	else if (b == linux)
		snprintf(to, size, "1 =");
	else
		cell_ratio(to, size, ratio);
}

static const char *paint(const struct bench *b, const struct summary *s, const struct bench *linux, bool color)
{
	if (!color || !linux || b == linux)
		return "";
	return s->q3 < summarise(linux).q1 ? GREEN : s->q1 > summarise(linux).q3 ? RED : "";
}

/* The peer's allocations are not the core's to count. */
static void allocs_cell(char *to, size_t size, const struct bench *b, const struct summary *s)
{
	if (b->peer)
		snprintf(to, size, "-");
	else
		snprintf(to, size, "%.4g", s->allocs_per_op);
}

static void tail_cells(char *to, size_t size, const struct bench *b)
{
	char p50[24], p99[24], p999[24] = "-";
	struct latencies l = latencies(b);

	*to = 0;
	if (!l.samples)
		return;
	cell_number(p50, sizeof(p50), l.p50);
	cell_number(p99, sizeof(p99), l.p99);
	if (l.p999 > 0)
		cell_number(p999, sizeof(p999), l.p999);
	snprintf(to, size, "%9s%9s%9s", p50, p99, p999);
}

static void row(const struct bench *b, const struct against *a, const struct layout *l)
{
	char ns[24], cpu[24], ratio[24], peer[24] = "", mops[24], allocs[24], note[96], tail[80];
	const char *colour;
	struct summary s;

	if (b->status == BENCH_PENDING)
		return;
	printf("  %-*s %-*s ", l->point, b == a->group ? b->point : "", l->strategy, b->strategy);
	if (!bench_measured(b)) {
		printf("%s%s\n", b->status == BENCH_FAILED ? "FAILED: " : "not measured", b->ctx.why);
		return;
	}
	s = summarise(b);
	cell_number(ns, sizeof(ns), s.median);
	cell_number(cpu, sizeof(cpu), s.cpu);
	cell_number(mops, sizeof(mops), s.ops_per_second / 1e6);
	ratio_cell(ratio, sizeof(ratio), b, &s, a->linux);
	if (l->peer)
		ratio_cell(peer, sizeof(peer), b, &s, peer_of(a->group, a->nr, b));
	allocs_cell(allocs, sizeof(allocs), b, &s);
	tail_cells(tail, sizeof(tail), b);
	notes(b, note, sizeof(note));
	colour = paint(b, &s, a->linux, l->color);
	printf("%9s %6.1f%% %s%9s%s %*s%s%9s %9s %9s%s%s%s\n", ns, 100 * (s.q3 - s.q1) / s.median, colour, ratio,
	       *colour ? PLAIN : "", l->peer ? 9 : 0, peer, l->peer ? " " : "", allocs, cpu, mops, tail,
	       *note ? "  " : "", note);
}

/* An interrupted run leaves cases that it never came to. */
static bool any_started(const struct bench *b, size_t nr)
{
	for (; nr; b++, nr--)
		if (b->status != BENCH_PENDING)
			return true;
	return false;
}

static size_t case_table(const struct plan *plan, size_t from, bool color)
{
	struct layout l = { .color = color };
	struct verdict verdict = { .nr = 0 };
	size_t i, end, group, k;

	for (end = from; end < plan->nr && plan->b[end].case_name == plan->b[from].case_name; end++) {
		l.point = wider(l.point, plan->b[end].point);
		l.strategy = wider(l.strategy, plan->b[end].strategy);
		l.peer = l.peer || plan->b[end].peer;
		l.tail = l.tail || plan->b[end].c->tail;
	}
	if (!any_started(&plan->b[from], end - from))
		return end;
	heading(&plan->b[from], &l);
	for (i = from; i < end; i = group) {
		struct against a = { .group = &plan->b[i] };

		a.nr = group_size(a.group, plan->nr - i);
		group = i + a.nr;
		a.linux = group_linux(a.group, a.nr);
		for (k = i; k < group; k++)
			row(&plan->b[k], &a, &l);
		verdict_count(&verdict, a.group, a.nr, a.linux);
	}
	verdict_print(&verdict);
	return end;
}

void table_print(const struct plan *plan, bool color)
{
	size_t i = 0;

	while (i < plan->nr)
		i = case_table(plan, i, color);
	puts("\nns/op: time one thread spends per operation, median of the windows."
	     "\nspread: interquartile range over median. Mop/s: all threads together."
	     "\nCPU ns/op: of the whole process, threads that reclaim memory included."
	     "\np50, p99, p99.9: of sampled operations, from when each was due; noop's are the clock's own."
	     "\nvs linux: ratio to the row with upstream's strategies (marked =); below 1 is faster."
	     "\nvs peer: ratio to Linux's own code on the same allocator (docs/peer.md says what it is and is not).");
	if (machine_cpus() < 4)
		printf("This host has %u CPUs: no scaling curve can be concluded from the thread counts above.\n",
		       machine_cpus());
}
