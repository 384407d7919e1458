/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * stop.c - see stop.h.
 */
#include "stop.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

static volatile sig_atomic_t asked;
static int64_t asked_ms; /* the handler's only: each signal is blocked while it handles the other */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void on_signal(int sig)
{
	int64_t now = now_ms();
	int saved = errno;

	if (!asked) {
		asked_ms = now;
		asked = 1;
	} else if (now - asked_ms >= STOP_ECHO_MS) {
		signal(sig, SIG_DFL);
		raise(sig); /* delivered when the handler returns */
	}
	errno = saved;
}

void stop_catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

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
