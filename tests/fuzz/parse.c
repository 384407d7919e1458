/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * parse.c - the parsers of the command line against slower ones, written another way: by regular expressions and in 128 bits.
 */
#include "fuzz.h"

#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../bench/parse.h"

#define TEXT_BYTES 64

static void check(bool ok)
{
	if (!ok)
		abort();
}

static bool matches(const char *pattern, const char *text)
{
	regex_t re;
	bool ok;

	check(!regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB));
	ok = !regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	return ok;
}

/* Digits only; more than 2^100 is 2^100. */
static unsigned __int128 value(const char *text, size_t n)
{
	unsigned __int128 v = 0, big = (unsigned __int128)1 << 100;

	while (n--) {
		v = v * 10 + (unsigned int)(*text++ - '0');
		v = v < big ? v : big;
	}
	return v;
}

static void number(const char *text, uint64_t min, uint64_t max)
{
	bool want = matches("^[0-9]+$", text);
	uint64_t got = 0;

	if (want)
		want = value(text, strlen(text)) >= min && value(text, strlen(text)) <= max;
	check(parse_u64(text, min, max, &got) == want);
	check(!want || got == value(text, strlen(text)));
}

/* In ns; what is below one ns is dropped, digit by digit. */
static unsigned __int128 time_value(const char *text)
{
	size_t whole = strspn(text, "0123456789");
	const char *rest = text + whole;
	size_t fraction = *rest == '.' ? strspn(rest + 1, "0123456789") : 0, i;
	const char *unit = rest + (*rest == '.' ? 1 + fraction : 0);
	uint64_t ns = !strcmp(unit, "us") ? 1000 : !strcmp(unit, "ms") ? 1000000 : !strcmp(unit, "s") ? 1000000000 : 60000000000;
	unsigned __int128 v = value(text, whole) * ns;

	for (i = 0; i < fraction && ns; i++) {
		ns /= 10;
		v += (unsigned __int128)ns * (unsigned int)(rest[1 + i] - '0');
	}
	return v;
}

static void duration(const char *text, uint64_t min, uint64_t max)
{
	bool want = matches("^[0-9]+([.][0-9]+)?(us|ms|s|m)$", text);
	uint64_t got = 0;

	if (want)
		want = time_value(text) >= min && time_value(text) <= max;
	check(parse_time(text, min, max, &got) == want);
	check(!want || got == time_value(text));
}

static void threads(const char *text, unsigned int cpus)
{
	unsigned int out[PARSE_MAX_THREADS], nr = 0, i;

	if (!parse_threads(text, cpus, out, &nr))
		return;
	check(matches("^(all|[0-9]+(-[0-9]+(:[0-9]+)?)?(,[0-9]+(-[0-9]+(:[0-9]+)?)?)*)$", text));
	check(nr <= PARSE_MAX_THREADS && (nr || (!strcmp(text, "all") && !cpus)));
	for (i = 0; i < nr; i++)
		check(out[i] >= 1 && out[i] <= PARSE_MAX_THREADS && (!i || out[i] > out[i - 1]));
}

void fuzz_parse(const uint8_t *data, size_t size)
{
	char text[TEXT_BYTES + 1];
	size_t n = size ? size - 1 : 0;

	if (!size)
		return;
	n = n < TEXT_BYTES ? n : TEXT_BYTES;
	memcpy(text, data + 1, n);
	text[n] = 0;
	switch (data[0] % 5) {
	case 0:
		number(text, 0, UINT64_MAX);
		break;
	case 1:
		number(text, 1, 1000);
		break;
	case 2:
		duration(text, 0, UINT64_MAX);
		break;
	case 3:
		duration(text, 1000000, 3600000000000u);
		break;
	default:
		threads(text, data[0] / 5);
	}
}
