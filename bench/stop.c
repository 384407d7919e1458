/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * stop.c - see stop.h.
 */
#include "stop.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

static volatile sig_atomic_t asked;
static int64_t asked_ms; /* the handler's only, as asked_by: each signal is blocked while it handles the other */
static pid_t asked_by;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A process sent it; a key that was pressed is 0's. */
static pid_t sender(const siginfo_t *info)
{
	return info->si_code == SI_USER ? info->si_pid : 0;
}

static void on_signal(int sig, siginfo_t *info, void *unused)
{
	int64_t now = now_ms();
	int saved = errno;

	if (!asked) {
		asked_ms = now;
		asked_by = sender(info);
		asked = 1;
	} else if (!asked_by || sender(info) != asked_by || now - asked_ms >= STOP_ECHO_MS) {
		signal(sig, SIG_DFL);
		raise(sig); /* delivered when the handler returns */
	}
	errno = saved;
}

void stop_catch_signals(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_RESTART | SA_SIGINFO };

	sigaddset(&sa.sa_mask, SIGINT);
	sigaddset(&sa.sa_mask, SIGTERM);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

void stop_ask(void)
{
	asked = 1;
}

bool stop_asked(void)
{
	return asked;
}
