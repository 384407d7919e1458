/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * trace.h - the conflict trace: which cache lines an operation reads and writes, and which two operations have in common.
 *
 * The core is the release build's, unchanged, compiled with -fsanitize=thread and linked against our own run-time
 * (record.c) in place of ThreadSanitizer's: so every plain and every atomic access of the core is seen. What the core calls
 * and does not compile (pthreads, liburcu's call_rcu, memset) is wrapped by the linker. This directory itself is compiled
 * without instrumentation: it is the instrument.
 *
 *	trace_begin(&log);  one operation on the calling thread;  trace_end();
 *	trace_play(book, thread, &log);                    once per operation, in the order in which they ran
 *	trace_report(book, ...);                           which lines travelled, by name
 *
 * One thread runs at a time, at its own addresses and in a fixed order, so the result is the same in every run.
 */
#ifndef STRESS_TRACE_H
#define STRESS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_LINE 64

/* ---- record.c: accesses of one operation ---- */

enum trace_kind {
	TRACE_READ,
	TRACE_WRITE /* read-modify-writes are writes, also those that fail: they take the line for themselves */
};

struct trace_access {
	uintptr_t addr;
	uint32_t size;
	uint32_t kind; /* enum trace_kind */
};

struct trace_log {
	struct trace_access *at;
	size_t n, room;
};

/* From here on the calling thread's accesses go to @log, which is emptied; not those to its own stack. */
void trace_begin(struct trace_log *log);
void trace_end(void);
/* Run what call_rcu() was given and what waits for a grace period: no thread is in a read section. */
void trace_reclaim(void);

/* ---- names.c: what is where ---- */

#define TRACE_NAME 96

/* The core allocated an object of @type (enum gpuvm_type), or @type < 0: bytes from the C library. */
void trace_names_add(const void *p, size_t size, int type);
/* The core has these index nodes, of @size each, at hand. */
struct gpuvm__obj;
void trace_names_stock(const struct gpuvm__obj *stock, size_t size);
/* Call this object @label from now on. Static storage. */
void trace_names_label(const void *p, const char *label);
/* Call what the calling thread allocates this one's. Static storage. */
void trace_names_maker(const char *who);
/* The calling thread's static TLS is this one's. */
void trace_names_tls(const char *who);
/* Which fields vm->space_state, va->space_state and gem->list_state have. */
void trace_names_strategies(const char *space, const char *list);
/* "vm.ref", "leaf.seq", "reclaim.c waiting", ... */
void trace_name(uintptr_t addr, char out[TRACE_NAME]);

/* ---- lines.c: operations played to two caches ---- */

struct trace_book;

struct trace_book *trace_book_create(void);
/* Thread @t's next operation. */
void trace_play(struct trace_book *b, unsigned int t, const struct trace_log *log);

/* Of all operations played, per operation. */
struct trace_sum {
	unsigned int ops;
	double touched, written; /* lines */
	double clean; /* the share of operations without a transfer */
	double transfers; /* lines that one had to fetch, or take, from the other */
};

struct trace_sum trace_sum(const struct trace_book *b);

/* What travelled under one name. */
struct trace_shared {
	char name[TRACE_NAME];
	unsigned int lines;
	bool false_sharing; /* of some line the two have not a byte in common */
	bool written_by_both;
	double per_op; /* transfers */
};

/* Most frequent first. Returns how many names, at most @room. */
size_t trace_report(const struct trace_book *b, struct trace_shared *out, size_t room);

/* ---- threads.c: two threads, of which one runs at a time ---- */

#define TRACE_THREADS 2

void trace_threads_start(void);
/* Run @fn on thread @i and wait for it. */
void trace_on(unsigned int i, void (*fn)(void *arg), void *arg);

/* ---- scenarios.c ---- */

struct trace_scenario;

/* NULL: no more. */
const struct trace_scenario *trace_scenario_at(size_t i);
const char *trace_scenario_name(const struct trace_scenario *s);
const char *trace_scenario_doc(const struct trace_scenario *s);
/* The strategies that it compares: the @i th row's; NULL: no more. */
const char *trace_scenario_row(const struct trace_scenario *s, unsigned int i);
/* Run row @i, once in a process: nothing is taken apart. 0 or -errno (-ENOTSUP: this build cannot). */
int trace_scenario_run(const struct trace_scenario *s, unsigned int i, struct trace_book *book);

#endif /* STRESS_TRACE_H */
