/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* warn.c - the warnings the peer raised: how many, and what the first one since the last look said. */
#include <stdarg.h>
#include <stdio.h>

#include <linux/lockdep.h>

#include "peer.h"

#ifdef GPUVM_DEBUG
__thread unsigned int peer_atomic;
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long warnings;
static char first[256];

bool peer_warn(const char *file, int line, const char *fmt, ...)
{
	const char *slash = __builtin_strrchr(file, '/');
	va_list args;
	int n;

	pthread_mutex_lock(&lock);
	if (__atomic_fetch_add(&warnings, 1, __ATOMIC_RELAXED) == 0) {
		n = snprintf(first, sizeof(first), "%s:%d: ", slash ? slash + 1 : file, line);
		va_start(args, fmt);
		vsnprintf(first + n, sizeof(first) - (size_t)n, fmt, args);
		va_end(args);
	}
	pthread_mutex_unlock(&lock);
	return true;
}

unsigned long peer_warnings(void)
{
	return __atomic_load_n(&warnings, __ATOMIC_RELAXED);
}

unsigned long peer_warnings_take(char *text, size_t size)
{
	unsigned long n;

	pthread_mutex_lock(&lock);
	n = __atomic_exchange_n(&warnings, 0, __ATOMIC_RELAXED);
	if (size)
		snprintf(text, size, "%s", n ? first : "");
	pthread_mutex_unlock(&lock);
	return n;
}
