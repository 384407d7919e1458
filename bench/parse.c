/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * parse.c - numbers, times and lists from the command line; strict: what strtoul would wave through is refused.
 */
#include "parse.h"

#include <string.h>

/* Digits at *p, advancing it. False if there are none or they do not fit. */
static bool digits(const char **p, uint64_t *out)
{
	uint64_t v = 0;
	const char *s = *p;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return false;
	*p = s;
	*out = v;
	return true;
}

bool parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	return digits(&text, out) && !*text && *out >= min && *out <= max;
}

static uint64_t unit_ns(const char *unit)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 }, { "m", 60000000000 } };
	unsigned int i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(unit, units[i].name))
			return units[i].ns;
	return 0;
}

bool parse_time(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t whole, ns, unit, place;
	const char *p = text, *fraction = NULL;

	if (!digits(&p, &whole))
		return false;
	if (*p == '.') {
		fraction = ++p;
		p += strspn(p, "0123456789");
		if (p == fraction)
			return false;
	}
	unit = unit_ns(p);
	if (!unit || __builtin_mul_overflow(whole, unit, &ns))
		return false;
	for (place = unit; fraction && *fraction >= '0' && *fraction <= '9'; fraction++) {
		place /= 10;
		if (__builtin_add_overflow(ns, place * (uint64_t)(*fraction - '0'), &ns))
			return false;
	}
	*out = ns;
	return ns >= min && ns <= max;
}

/* One item: N, A-B or A-B:STEP; marks what it names in @want[1..max]. */
static bool thread_item(const char **p, bool *want)
{
	uint64_t from, to, step = 1, n;

	if (!digits(p, &from))
		return false;
	to = from;
	if (**p == '-') {
		++*p;
		if (!digits(p, &to))
			return false;
		if (**p == ':') {
			++*p;
			if (!digits(p, &step))
				return false;
		}
	}
	if (!from || to < from || to > PARSE_MAX_THREADS || !step || step > PARSE_MAX_THREADS)
		return false;
	for (n = from; n <= to; n += step)
		want[n] = true;
	return true;
}

bool parse_threads(const char *text, unsigned int cpus, unsigned int *out, unsigned int *nr)
{
	bool want[PARSE_MAX_THREADS + 1] = { false };
	unsigned int n;

	if (!strcmp(text, "all")) {
		for (n = 1; n <= cpus && n <= PARSE_MAX_THREADS; n++)
			want[n] = true;
	} else {
		for (;; text++) {
			if (!thread_item(&text, want))
				return false;
			if (*text != ',')
				break;
		}
		if (*text)
			return false;
	}
	*nr = 0;
	for (n = 1; n <= PARSE_MAX_THREADS; n++)
		if (want[n])
			out[(*nr)++] = n;
	return true;
}
