/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * stop.c - see stop.h.
 */
#include "stop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define PID_BITS 22 /* Linux has no higher ones */

/* When the first came, in ms, and who sent it; 0: nobody has asked. One word: handlers may run on two threads at a time. */
static _Atomic uint64_t first;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t word(uint64_t ms, pid_t by)
{
	return (ms + 1) << PID_BITS | (uint64_t)by;
}

/* A process sent it; a key that was pressed is 0's. */
static pid_t sender(const siginfo_t *info)
{
	return info->si_code == SI_USER ? info->si_pid : 0;
}

static bool is_echo(uint64_t old, uint64_t now)
{
	const uint64_t mask = (1u << PID_BITS) - 1;
	/* Negative: the later of two was noted first. */
	int64_t ms = (int64_t)(now >> PID_BITS) - (int64_t)(old >> PID_BITS);

	return (old & mask) && (old & mask) == (now & mask) && ms < STOP_ECHO_MS;
}

static void on_signal(int sig, siginfo_t *info, void *unused)
{
	uint64_t old = 0, new = word(now_ms(), sender(info));
	int saved = errno;

	if (!atomic_compare_exchange_strong(&first, &old, new) && !is_echo(old, new)) {
		signal(sig, SIG_DFL);
		raise(sig); /* delivered when the handler returns */
	}
	errno = saved;
}

void stop_catch_signals(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_RESTART | SA_SIGINFO };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

void stop_ask(void)
{
	uint64_t old = 0;

	atomic_compare_exchange_strong(&first, &old, word(now_ms(), 0));
}

bool stop_asked(void)
{
	return atomic_load_explicit(&first, memory_order_relaxed);
}
