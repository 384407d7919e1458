/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sched.h - the deterministic scheduler, for those who drive it: run a few functions as threads, schedule after schedule.
 *
 *	sched_policy_parse("d2", &p)                     depth first, at most two preemptions
 *	do {
 *		set up;  sched_run(2, fns, args);  check;
 *	} while (sched_policy_next(&p));
 *
 * A failure (sched_fail(), an assertion, a signal, a race, a deadlock) prints what happened and the string that repeats
 * exactly this schedule, and ends the process with status 1.
 */
#ifndef STRESS_SCHED_H
#define STRESS_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHED_THREADS 4 /* at most, at once */

/* ---- how to choose ---- */

enum sched_kind {
	SCHED_DFS,
	SCHED_RANDOM,
	SCHED_PCT,
	SCHED_REPLAY
};

struct sched_choice {
	uint8_t taken; /* 0: the one that runs goes on, if it can */
	uint8_t options;
	bool can_go_on;
	uint16_t spent; /* preemptions before this one */
};

#define SCHED_MAX_CHOICES 65536
#define SCHED_PCT_DEPTH 8
#define SCHED_MAX_BOUND 8 /* preemptions, depth first */

struct sched_policy {
	enum sched_kind kind;
	unsigned int bound; /* DFS: preemptions; PCT: depth */
	uint64_t seed; /* of this schedule */
	uint64_t base; /* of the first one */
	uint64_t done; /* schedules before this one */
	bool lazy; /* RCU callbacks take their turn instead of running at once */
	uint64_t rng;
	unsigned int depth, spent; /* choices, preemptions so far */
	unsigned int len; /* DFS: choices that are fixed */
	unsigned int often; /* random: switch once in so many */
	unsigned int prio[16], low;
	uint64_t change[SCHED_PCT_DEPTH]; /* PCT: steps at which the priority drops */
	uint64_t longest; /* steps of the longest schedule so far */
	struct sched_choice choice[SCHED_MAX_CHOICES];
};

/* "d2", "r<seed>", "p<depth>.<seed>", each with a trailing "l" for lazy; "x" + choices: exactly that. False: not one. */
bool sched_policy_parse(const char *text, struct sched_policy *p);
/* Make ready for the next schedule; false: a depth-first search is complete (others never are). */
bool sched_policy_next(struct sched_policy *p);
/* The string that repeats the schedule that runs, or ran last. */
void sched_policy_print(const struct sched_policy *p, char *buf, size_t size);

/* ---- one schedule ---- */

/* Forget all memory of the schedule before, and its history. */
void sched_reset(struct sched_policy *p);
/* Run @n threads to their ends. */
void sched_run(unsigned int n, void (*const fn[])(void *arg), void *const arg[]);
/* A clock that rises with each step: for histories. */
uint64_t sched_now(void);
/* What the calling thread is about; for reports. Static storage. */
void sched_doing(const char *what);
/* Number of the calling thread, from 0. */
unsigned int sched_self(void);

/* What runs, as a replay needs it: printed before the policy's string. Static storage. */
void sched_scenario(const char *what);
/* The program, for the replay line. */
void sched_init(const char *program);
/* Print every step while it happens. */
void sched_trace(bool on);
_Noreturn void sched_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define sched_check(cond) ((cond) ? (void)0 : sched_fail("%s:%d: %s", __FILE__, __LINE__, #cond))

#endif /* STRESS_SCHED_H */
