/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * report.c - what is said when a schedule fails: what, where every thread stands, the last steps, and how to repeat it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

#define LAST 4096

static struct {
	uint64_t step;
	const char *file;
	int line;
	unsigned int fiber;
} last[LAST];
static unsigned int nr_last;
static const char *scenario = "", *program = "gpuvm-explore";
static bool trace;

void sched_scenario(const char *what)
{
	scenario = what;
}

void sched_trace(bool on)
{
	trace = on;
}

void sched_note_reset(void)
{
	nr_last = 0;
}

void sched_note(const char *file, int line)
{
	unsigned int at = nr_last++ % LAST;

	last[at].step = sched_step + 1;
	last[at].file = file;
	last[at].line = line;
	last[at].fiber = gpuvm__sched_id;
	if (trace)
		fprintf(stderr, "%6llu  fiber %u %*s%s:%d\n", (unsigned long long)sched_step + 1, gpuvm__sched_id,
			(int)(gpuvm__sched_id - 1) * 24, "", file, line);
}

static void print_fibers(void)
{
	static const char *const states[] = { "idle", "ready", "waits for" };
	unsigned int i;

	for (i = 1; i < FIBERS; i++) {
		const struct fiber *f = &sched_fibers[i];

		if (f->state == FIBER_IDLE && !f->doing)
			continue;
		fprintf(stderr, "  fiber %u%s %-16s at %s:%d, %s %s%s\n", i, i == gpuvm__sched_id ? "*" : " ",
			f->doing ? f->doing : "", f->file ? f->file : "?", f->line, states[f->state],
			f->state == FIBER_BLOCKED ? f->why : "", f->read_depth ? ", in a read section" : "");
	}
}

/* One line per uninterrupted stretch of a fiber. */
static void print_last(void)
{
	unsigned int i = nr_last > 400 ? nr_last - 400 : 0, fiber = 0, shown = 0;

	fprintf(stderr, "  last steps:");
	for (; i < nr_last; i++) {
		unsigned int at = i % LAST;

		if (last[at].fiber != fiber || shown % 8 == 0)
			fprintf(stderr, "\n  %6llu fiber %u:", (unsigned long long)last[at].step, last[at].fiber);
		fiber = last[at].fiber;
		shown++;
		fprintf(stderr, " %s:%d", strrchr(last[at].file, '/') ? strrchr(last[at].file, '/') + 1 : last[at].file,
			last[at].line);
	}
	fprintf(stderr, "\n");
}

static void print_replay(void)
{
	static char buf[65536];
	const char *mutant = getenv("GPUVM_MUTANT");

	if (!sched_policy)
		return;
	sched_policy_print(sched_policy, buf, sizeof(buf));
	fprintf(stderr, "  schedule %llu\n  replay: %s%s%s%s --replay='%s:%s'\n",
		(unsigned long long)sched_policy->done, mutant ? "GPUVM_MUTANT=" : "", mutant ? mutant : "",
		mutant ? " " : "", program, scenario, buf);
}

static void print_where(uintptr_t pc)
{
	char cmd[4200], exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (!pc || n <= 0)
		return;
	exe[n] = '\0';
	snprintf(cmd, sizeof(cmd), "addr2line -fipe '%s' %#lx 1>&2 2>/dev/null || echo '  pc %#lx' >&2", exe,
		 (unsigned long)pc - 1, (unsigned long)pc);
	fprintf(stderr, "  in ");
	fflush(stderr);
	if (system(cmd))
		return;
}

static _Noreturn void finish(uintptr_t pc)
{
	print_where(pc);
	print_fibers();
	print_last();
	print_replay();
	fflush(stderr);
	_exit(1);
}

_Noreturn void sched_fail_at(uintptr_t pc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "FAILURE: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	finish(pc);
}

_Noreturn void sched_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "FAILURE: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	finish(0);
}

/* An assertion (abort) or a wild access. */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	uintptr_t pc = 0;

#ifdef __x86_64__
	pc = sig == SIGABRT ? 0 : uc->uc_mcontext.gregs[REG_RIP] + 1;
#endif
	(void)uc;
	signal(sig, SIG_DFL);
	if (sig == SIGABRT)
		fprintf(stderr, "FAILURE: an assertion of the core (above)\n");
	else
		fprintf(stderr, "FAILURE: signal %d, address %p\n", sig, info->si_addr);
	finish(pc);
}

void sched_init(const char *name)
{
	static char stack[65536];
	const stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	program = name;
	sigaltstack(&alt, NULL);
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGABRT, &act, NULL);
	sigaction(SIGFPE, &act, NULL);
}
