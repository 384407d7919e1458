/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * lines.c - the operations of two threads played to two caches that never forget: which lines travel, and how often.
 *
 * The protocol is the one that all machines have in essence (MESI): a line may be in both caches while nobody writes it; a
 * write needs it alone. A transfer is a read of what the other one wrote, or a write of what the other one has. What a cache
 * never had and nobody wrote is no conflict, and costs nothing here.
 */
#include <stdlib.h>
#include <string.h>

#include "trace.h"

#define FIRST_ROOM 1024

struct line {
	uintptr_t line; /* address / TRACE_LINE; 0: the slot is free */
	uint8_t has; /* one bit per thread: in its cache */
	int8_t writer; /* who wrote it last; -1: nobody */
	uint32_t transfers;
	uint64_t read[TRACE_THREADS], written[TRACE_THREADS]; /* one bit per byte */
	uint32_t touched_in, written_in; /* the last operation that did */
};

struct trace_book {
	struct line *at; /* open addressing */
	size_t room, n;
	uint32_t ops, clean;
	uint64_t touched, written, transfers;
};

struct trace_book *trace_book_create(void)
{
	struct trace_book *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	return b;
}

static struct line *find(const struct line *at, size_t room, uintptr_t line)
{
	size_t i = line * 0x9e3779b97f4a7c15ull >> 20 & (room - 1);

	while (at[i].line && at[i].line != line)
		i = (i + 1) & (room - 1);
	return (struct line *)&at[i];
}

static void grow(struct trace_book *b)
{
	size_t i, room = b->room ? 2 * b->room : FIRST_ROOM;
	struct line *at = calloc(room, sizeof(*at));

	if (!at)
		abort();
	for (i = 0; i < b->room; i++)
		if (b->at[i].line)
			*find(at, room, b->at[i].line) = b->at[i];
	free(b->at);
	b->at = at;
	b->room = room;
}

static struct line *line_of(struct trace_book *b, uintptr_t line)
{
	struct line *l;

	if (2 * b->n >= b->room)
		grow(b);
	l = find(b->at, b->room, line);
	if (!l->line) {
		b->n++;
		l->line = line;
		l->writer = -1;
	}
	return l;
}

/* Bytes [from, to) of a line. */
static uint64_t mask(unsigned int from, unsigned int to)
{
	uint64_t below = to == TRACE_LINE ? ~0ull : (1ull << to) - 1;

	return below & ~((1ull << from) - 1);
}

/* Thread @t touches it. True: a transfer. */
static bool play(struct line *l, unsigned int t, bool write)
{
	uint8_t me = 1u << t;
	bool fetch = !(l->has & me) && l->writer >= 0 && l->writer != (int)t;

	if (write) {
		fetch |= l->has & ~me;
		l->has = me;
		l->writer = (int8_t)t;
	} else {
		l->has |= me;
	}
	l->transfers += fetch;
	return fetch;
}

static unsigned int touch(struct trace_book *b, unsigned int t, uintptr_t line, uint64_t bytes, bool write)
{
	struct line *l = line_of(b, line);

	b->touched += l->touched_in != b->ops;
	l->touched_in = b->ops;
	if (write) {
		b->written += l->written_in != b->ops;
		l->written_in = b->ops;
		l->written[t] |= bytes;
	} else {
		l->read[t] |= bytes;
	}
	return play(l, t, write);
}

void trace_play(struct trace_book *b, unsigned int t, const struct trace_log *log)
{
	unsigned int transfers = 0;
	size_t i;

	b->ops++;
	for (i = 0; i < log->n; i++) {
		uintptr_t at = log->at[i].addr, end = at + log->at[i].size, line, to;

		for (; at < end; at = line * TRACE_LINE + to) {
			line = at / TRACE_LINE;
			to = end - line * TRACE_LINE < TRACE_LINE ? end - line * TRACE_LINE : TRACE_LINE;
			transfers += touch(b, t, line, mask(at % TRACE_LINE, to), log->at[i].kind == TRACE_WRITE);
		}
	}
	b->transfers += transfers;
	b->clean += !transfers;
}

struct trace_sum trace_sum(const struct trace_book *b)
{
	double ops = b->ops ? b->ops : 1;

	return (struct trace_sum){ .ops = b->ops,
				   .touched = b->touched / ops,
				   .written = b->written / ops,
				   .clean = b->clean / ops,
				   .transfers = b->transfers / ops };
}

/* ---- by name ---- */

/* The field, or the two, that meet in this line. True: not a byte in common. */
static bool name_line(const struct line *l, char out[TRACE_NAME])
{
	uint64_t both = (l->written[0] & (l->written[1] | l->read[1])) | (l->written[1] & l->read[0]);
	uint64_t by_0 = l->written[0] ? l->written[0] : l->read[0], by_1 = l->written[1] ? l->written[1] : l->read[1];
	char other[TRACE_NAME];

	if (both) {
		trace_name(l->line * TRACE_LINE + __builtin_ctzll(both), out);
		return false;
	}
	trace_name(l->line * TRACE_LINE + __builtin_ctzll(by_0), out);
	trace_name(l->line * TRACE_LINE + __builtin_ctzll(by_1), other);
	if (strlen(out) + strlen(other) + 4 <= TRACE_NAME) {
		strcat(out, " | ");
		strcat(out, other);
	}
	return true;
}

static struct trace_shared *named(struct trace_shared *out, size_t *n, size_t room, const char *name, bool both)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (!strcmp(out[i].name, name) && out[i].written_by_both == both)
			return &out[i];
	if (*n == room)
		return NULL;
	out[*n] = (struct trace_shared){ .written_by_both = both };
	strcpy(out[*n].name, name);
	return &out[(*n)++];
}

static int by_frequency(const void *a, const void *b)
{
	const struct trace_shared *x = a, *y = b;

	if (x->per_op != y->per_op)
		return x->per_op < y->per_op ? 1 : -1;
	return strcmp(x->name, y->name);
}

size_t trace_report(const struct trace_book *b, struct trace_shared *out, size_t room)
{
	size_t i, n = 0;

	for (i = 0; i < b->room; i++) {
		const struct line *l = &b->at[i];
		struct trace_shared *s;
		char name[TRACE_NAME];
		bool is_false;

		if (!l->transfers)
			continue;
		is_false = name_line(l, name);
		s = named(out, &n, room, name, l->written[0] && l->written[1]);
		if (!s)
			continue;
		s->lines++;
		s->false_sharing |= is_false;
		s->per_op += (double)l->transfers / b->ops;
	}
	qsort(out, n, sizeof(*out), by_frequency);
	return n;
}
