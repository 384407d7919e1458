/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * fake_bench.c - a gpuvm-bench that measures nothing: the same command line and files, times drawn around what
 * core/speed.h says (the tests of scripts/ plant changes there). It keeps no promise but those that compare relies on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

struct row {
	const char *name;
	double ns, allocs;
	int tail; /* upper bound of the slowest 2 %; 0: no histogram */
	const char *fails;
};

#include "speed.h" /* rows[], NOISE, SLEEP_US, MACHINE, TURNS, BURST */

static uint64_t state;

/*
 * What is drawn depends on --seed, on which build this is (the folder's name) and on how often it was launched before: a test
 * that passed passes again.
 */
static void seed(const char *self, const char *given)
{
	char path[4096], *end;
	int fd;

	if (!given) {
		if (getrandom(&state, sizeof(state), 0) != sizeof(state))
			abort();
		return;
	}
	snprintf(path, sizeof(path), "%s.launches", self);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd < 0 || write(fd, "", 1) != 1)
		abort();
	state = strtoull(given, NULL, 10) * 0x9e3779b97f4a7c15u + (uint64_t)lseek(fd, 0, SEEK_CUR);
	close(fd);
	*strrchr(path, '/') = '\0';
	for (end = strrchr(path, '/'); end && *end; end++)
		state = (state ^ (unsigned char)*end) * 0x100000001b3u;
}

/* splitmix64 */
static double uniform(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return ((double)((z ^ z >> 31) >> 32) + 0.5) / 4294967296.0;
}

static double gauss(double sigma)
{
	return sigma * sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static int turn_in = -1, turn_out = -1;

static void wait_for_turn(void)
{
	char byte = 0;

	if (turn_in >= 0 && (write(turn_out, &byte, 1) != 1 || read(turn_in, &byte, 1) != 1))
		exit(1);
}

/* A machine that is slower for some of its spells of 40 ms: all that runs at that time is. */
static double burst(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return BURST > 0 && (now.tv_sec * 25 + now.tv_nsec / 40000000) * 2654435761u % 10 < 4 ? 1 + BURST : 1;
}

static void window(FILE *f, const struct row *r, double launch, const char *sep)
{
	double ns;

	wait_for_turn();
	ns = launch * exp(gauss(NOISE / 4)) * burst();

	fprintf(f, "%s{\"name\": \"%s\", \"run_type\": \"iteration\", \"threads\": 1, \"iterations\": 1, \"time_unit\": \"ns\"", sep,
		r->name);
	if (r->fails)
		fprintf(f, ", \"error_occurred\": true, \"error_message\": \"%s\"}", r->fails);
	else
		fprintf(f, ", \"real_time\": %.6g, \"cpu_time\": %.6g, \"allocs_per_op\": %g", ns, ns, r->allocs);
	if (r->tail)
		fprintf(f, ", \"histogram_ns\": {\"64\": %d, \"128\": %d, \"%d\": 20}", 900 + (int)(9 * uniform()),
			80 + (int)(5 * uniform()), r->tail);
	if (!r->fails)
		fputs("}", f);
}

int main(int argc, char **argv)
{
	const char *filter = ".", *json = NULL, *from = NULL, *sep = "";
	int i, n, windows = 10, list = 0, failed = 0;
	regex_t re;
	FILE *f;

	for (i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--filter=", 9))
			filter = argv[i] + 9;
		else if (!strncmp(argv[i], "--json=", 7))
			json = argv[i] + 7;
		else if (!strncmp(argv[i], "--seed=", 7))
			from = argv[i] + 7;
		else if (!strncmp(argv[i], "--windows=", 10))
			windows = atoi(argv[i] + 10);
		else if (!strcmp(argv[i], "--list"))
			list = 1;
		else if (TURNS && !strncmp(argv[i], "--turns=", 8))
			sscanf(argv[i] + 8, "%d,%d", &turn_in, &turn_out);
		else if (!strcmp(argv[i], "--help"))
			return puts(TURNS ? "  --turns=VALUE" : "") < 0;
		else if (!strcmp(argv[i], "--version"))
			return puts("gpuvm-bench fake\nmachine: " MACHINE) < 0;
	}
	if (regcomp(&re, filter, REG_EXTENDED | REG_NOSUB))
		return 2;
	seed(argv[0], list ? NULL : from);
	usleep(list ? 0 : SLEEP_US);
	f = json ? fopen(json, "w") : stdout;
	fputs(list ? "# fake: rows\n" : "{\"context\": {\"machine\": \"" MACHINE "\"}, \"benchmarks\": [", f);
	for (i = 0; i < (int)(sizeof(rows) / sizeof(rows[0])); i++) {
		double launch = rows[i].ns * exp(gauss(NOISE)) * (uniform() < 0.01 ? 1.3 : 1);

		if (regexec(&re, rows[i].name, 0, NULL, 0))
			continue;
		if (list)
			fprintf(f, "%s\n", rows[i].name);
		if (!list && strstr(rows[i].name, "absent"))
			continue;
		if (!list && strstr(rows[i].name, "crash"))
			abort();
		for (n = 0; !list && n < windows; n++, sep = ", ")
			window(f, &rows[i], launch, sep);
		failed |= !!rows[i].fails;
	}
	fputs(list ? "" : "]}", f);
	fclose(f);
	return failed && !list;
}
