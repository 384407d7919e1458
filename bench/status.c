/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * status.c - progress and ETA. The unit is the estimated cost of a benchmark; the pace so far scales what is left.
 */
#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "machine.h"

#define REDRAW_NS 100000000u
#define SETUP_NS 2000000u /* of any benchmark */
#define FILL_NS 2500u /* per mapping that is put there before timing, and taken away after it */

struct status {
	const struct plan *plan;
	unsigned int windows;
	uint64_t window_ns;
	uint64_t start, drawn;
	double done_ns, total_ns; /* estimated */
	size_t finished;
	bool tty;
	const char *last_case;
};

static uint64_t setup_ns(const struct bench *b)
{
	uint64_t cost = SETUP_NS;
	unsigned int k;

	for (k = 0; k < BENCH_KEYS && b->c->keys[k].name; k++)
		if (!strcmp(b->c->keys[k].name, "vas"))
			cost += strtoull(b->ctx.value[k], NULL, 10) * FILL_NS;
	return cost;
}

/* With its warming up, and its latencies if it takes them. */
static uint64_t window_cost(const struct bench *b, uint64_t window_ns)
{
	return window_ns + window_ns / 5 + (b->c->tail ? window_ns / 4 : 0);
}

static uint64_t bench_ns(const struct bench *b, unsigned int windows, uint64_t window_ns)
{
	return setup_ns(b) + windows * window_cost(b, window_ns);
}

uint64_t status_estimate(const struct plan *plan, unsigned int windows, uint64_t window_ns)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < plan->nr; i++)
		sum += bench_ns(&plan->b[i], windows, window_ns);
	return sum;
}

uint64_t status_fit(const struct plan *plan, uint64_t budget_ns)
{
	uint64_t fixed = status_estimate(plan, 0, 0), each;
	double ms = (double)(status_estimate(plan, 1, 1000000) - fixed) / 1e6; /* what 1 ms of each takes */

	if (!plan->nr || fixed >= budget_ns)
		return 100000000;
	each = (uint64_t)((double)(budget_ns - fixed) / ms);
	return each < 100000000 ? 100000000 : each > 1000000000 ? 1000000000 : each;
}

struct status *status_create(const struct plan *plan, unsigned int windows, uint64_t window_ns)
{
	struct status *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->plan = plan;
	s->windows = windows;
	s->window_ns = window_ns;
	s->start = machine_now();
	s->total_ns = (double)status_estimate(plan, windows, window_ns);
	s->tty = isatty(STDERR_FILENO);
	s->last_case = "";
	return s;
}

static void clear(const struct status *s)
{
	if (s->tty)
		fputs("\r\033[K", stderr);
}

void status_destroy(struct status *s)
{
	if (!s)
		return;
	clear(s);
	free(s);
}

/* By the pace so far, once there is one. */
static unsigned int eta_seconds(const struct status *s, uint64_t now)
{
	double left = s->total_ns - s->done_ns, pace = 1;

	if (s->done_ns > 1e9)
		pace = (double)(now - s->start) / s->done_ns;
	return left > 0 ? (unsigned int)(left * pace / 1e9 + 0.5) : 0;
}

/* A line that wraps cannot be cleared. */
static int width(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20 ? 79 : size.ws_col - 1;
}

static void draw(struct status *s, const struct bench *b, const char *doing)
{
	uint64_t now = machine_now();
	unsigned int eta = eta_seconds(s, now), percent = (unsigned int)(100 * s->done_ns / s->total_ns);
	char recent[48] = "", line[256];

	if (s->tty && now - s->drawn < REDRAW_NS && s->drawn)
		return;
	if (!s->tty && !strcmp(s->last_case, b->case_name))
		return;
	if (b->nr && s->tty)
		snprintf(recent, sizeof(recent), " %.1f ns/op", b->window[b->nr - 1].ns_per_op);
	clear(s);
	snprintf(line, sizeof(line), "[%zu/%zu] %3u %%  ETA %u:%02u  %s%s%s", s->finished, s->plan->nr, percent,
		 eta / 60, eta % 60, s->tty ? b->name : b->case_name, doing, recent);
	fprintf(stderr, "%.*s%s", s->tty ? width() : (int)sizeof(line), line, s->tty ? "" : "\n");
	fflush(stderr);
	s->drawn = now;
	s->last_case = b->case_name;
}

void status_setup(struct status *s, const struct bench *b)
{
	if (!s)
		return;
	s->drawn = 0; /* filling may take long: say so now */
	draw(s, b, s->tty ? " (setting up)" : "");
	s->done_ns += (double)setup_ns(b);
}

void status_window(struct status *s, const struct bench *b)
{
	if (!s)
		return;
	s->done_ns += (double)window_cost(b, s->window_ns);
	draw(s, b, "");
}

void status_done(struct status *s, const struct bench *b)
{
	if (!s)
		return;
	if (b->nr < s->windows)
		s->done_ns += (double)((s->windows - b->nr) * window_cost(b, s->window_ns));
	s->finished++;
}
