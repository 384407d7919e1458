/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * plan.h - the matrix: every benchmark that the options select, in the order in which they are reported.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stddef.h>

#include "case.h"
#include "options.h"

enum bench_status {
	BENCH_PENDING,
	BENCH_OK,
	BENCH_FAILED,
	BENCH_SKIPPED
};

/**
 * struct bench - one benchmark and what was measured of it
 * @c: its case
 * @case_name, @case_doc: from catalogue.def
 * @name: case/key:value/.../threads:N
 * @point: the part of the name that is no strategy ("vms:64 threads:2"): equal within a group
 * @strategy: the part that is ("list:mutex"), empty if the case varies none
 * @group: benchmarks of one group are alternatives for the same work and run interleaved
 * @linux: this is what the preset "linux" does
 * @peer: this is Linux's own code
 * @ctx: the case's view
 * @batch: operations per run()
 * @status: how it went; ctx.why has the words unless BENCH_OK
 * @window: @nr windows, room for options.windows
 * @discarded: windows thrown away for lack of overlap
 */
struct bench {
	const struct bench_case *c;
	const char *case_name;
	const char *case_doc;
	char name[128];
	char point[64];
	char strategy[64];
	unsigned int group;
	bool linux;
	bool peer;
	struct bench_ctx ctx;
	uint64_t batch;
	enum bench_status status;
	struct bench_window *window;
	unsigned int nr;
	unsigned int discarded;
};

/** bench_measured() - is there a result? */
static inline bool bench_measured(const struct bench *b)
{
	return b->status == BENCH_OK && b->nr;
}

struct plan {
	struct bench *b;
	size_t nr;
	char **words; /* owned copies of values */
	size_t nr_words;
	uint64_t windows; /* room for so many in each */
};

/** group_size() - how many of the @left benchmarks at @b are alternatives for the same work as the first */
size_t group_size(const struct bench *b, size_t left);

/** group_linux() - which of a group does what the preset "linux" does, and was measured; or NULL */
const struct bench *group_linux(const struct bench *b, size_t nr);

/** plan_has_case() - is there a case of that name? */
bool plan_has_case(const char *name);

/** plan_print_cases() - their names, on stderr */
void plan_print_cases(void);

/** plan_has_choice() - are there alternatives for any work in it? */
bool plan_has_choice(const struct plan *plan);

/** plan_make() - expand the catalogue. Return: 0, -ENOMEM, -EINVAL (message printed). */
int plan_make(struct plan *plan, const struct options *o);

/** plan_free() - free it */
void plan_free(struct plan *plan);

/** plan_max_threads() - the most that any benchmark needs */
unsigned int plan_max_threads(const struct plan *plan);

/** plan_list() - print the names, one per line, each case introduced by a comment line */
void plan_list(const struct plan *plan);

#endif /* BENCH_PLAN_H */
