/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * report.c - what is printed when something is wrong: the violation, each thread's last operations, and how to repeat it.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

static pthread_mutex_t fail_lock = PTHREAD_MUTEX_INITIALIZER;

static void print_threads(struct stress *s)
{
	unsigned int i;
	uint64_t n, k;

	for (i = 0; i < s->threads; i++) {
		struct stress_thread *t = &s->thread[i];

		n = atomic_load(&t->nr_ops);
		fprintf(stderr, "  thread %u, %" PRIu64 " operations, the last ones:\n", i, n);
		for (k = n > STRESS_OPS_KEPT ? n - STRESS_OPS_KEPT : 0; k < n; k++) {
			struct stress_op op = t->op[k % STRESS_OPS_KEPT];

			fputs("    ", stderr);
			fprintf(stderr, op.fmt, op.arg[0], op.arg[1], op.arg[2]);
			fputc('\n', stderr);
		}
	}
}

void stress_fail(struct stress *s, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&fail_lock);
	if (!atomic_exchange(&s->failed, true)) {
		fputs("\nVIOLATION: ", stderr);
		va_start(ap, fmt);
		vfprintf(stderr, fmt, ap);
		va_end(ap);
		fputc('\n', stderr);
		print_threads(s);
	}
	pthread_mutex_unlock(&fail_lock);
}

void run_reproducer(const struct run *r, const struct options *o, char *buf, size_t size)
{
	int n = snprintf(buf, size,
			 "gpuvm-stress --scenario=%s --preset=%s --list-strategy=%s --space=%s --ref=%s --alloc=%s "
			 "--threads=%" PRIu64 " --duration=%" PRIu64 "ms --seed=%" PRIu64 "%s%s",
			 r->name, r->params.preset, r->params.list, r->params.space, r->params.ref, r->params.alloc,
			 o->threads, r->duration_ns / 1000000, r->seed, o->stutter ? " --stutter" : "",
			 o->shuffle ? " --shuffle" : "");

	if (o->jitter != UINT64_MAX && n > 0 && (size_t)n < size)
		n += snprintf(buf + n, size - (size_t)n, " --jitter=%" PRIu64, o->jitter);
	if (o->fail_one_in && n > 0 && (size_t)n < size)
		n += snprintf(buf + n, size - (size_t)n, " --fail-alloc=%" PRIu64, o->fail_one_in);
	if (o->mode >= 0 && n > 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, " --mode=%s", options_mode_name((uint32_t)o->mode));
}

/*
 * A crash, or a check of the debug build that aborted: say how to repeat it. Only write(2) here, and what was formatted
 * before. The sanitizers report faults themselves.
 */
static char crash_note[640];

static void on_crash(int sig)
{
	static const char failure[] = "FAILURE\n";
	ssize_t n = write(2, crash_note, strlen(crash_note));

	n = write(1, failure, sizeof(failure) - 1);
	(void)n;
	_exit(1);
}

void run_catch_crashes(const struct run *r, const struct options *o)
{
	char line[512];

	run_reproducer(r, o, line, sizeof(line));
	snprintf(crash_note, sizeof(crash_note), "\nCRASH in %s\nrepeat with: %s\n", r->name, line);
	signal(SIGABRT, on_crash);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	signal(SIGSEGV, on_crash);
	signal(SIGBUS, on_crash);
#endif
}
