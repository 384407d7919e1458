/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * watch.c - see watch.h.
 */
#include "watch.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

#define LOOK_NS 20000000u
#define PAUSE_NS 1000000000u /* between two looks: the whole process, or the machine, stood still */

/* All under @lock, which is held for moments only: the main thread must not wait for the watchdog. */
static struct {
	pthread_mutex_t lock;
	pthread_t id;
	bool ending;
	const struct options *o;
	const struct run *r;
	struct stress *s;
	const char *stage;
	uint64_t ops, since; /* last progress */
} dog = { .lock = PTHREAD_MUTEX_INITIALIZER };

uint64_t watch_ops(struct stress *s)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < s->threads; i++)
		sum += atomic_load_explicit(&s->thread[i].ops, memory_order_relaxed);
	return sum;
}

/* After a violation nobody may find the way out of a broken structure: it ends here, too, with the first report. */
static void give_up(uint64_t now)
{
	char line[512];

	stress_fail(dog.s, "no progress for %.1f s in %s", (double)(now - dog.since) / 1e9, dog.stage);
	run_reproducer(dog.r, dog.o, line, sizeof(line));
	fprintf(stderr, "repeat with: %s\n", line);
	fflush(stderr);
	puts("FAILURE");
	fflush(stdout);
	_exit(1);
}

static void look(void)
{
	uint64_t ops, now = now_ns();

	if (!dog.stage)
		return;
	ops = watch_ops(dog.s);
	if (ops != dog.ops) {
		dog.ops = ops;
		dog.since = now;
	} else if (now > dog.since && now - dog.since >= dog.o->watchdog_ns) {
		give_up(now);
	}
}

/* What the watchdog slept through, stopped or starved, is nobody's lack of progress. */
static void forgive(uint64_t *looked)
{
	uint64_t now = now_ns();

	if (now - *looked >= PAUSE_NS)
		dog.since += now - *looked;
	*looked = now;
}

static void *watching(void *unused)
{
	uint64_t looked = now_ns();
	bool ending = false;

	while (!ending) {
		sleep_ns(LOOK_NS);
		pthread_mutex_lock(&dog.lock);
		forgive(&looked);
		look();
		ending = dog.ending;
		pthread_mutex_unlock(&dog.lock);
	}
	return NULL;
}

int watch_start(const struct options *o)
{
	dog.o = o;
	dog.ending = false;
	return pthread_create(&dog.id, NULL, watching, NULL);
}

void watch_stop(void)
{
	pthread_mutex_lock(&dog.lock);
	dog.ending = true;
	pthread_mutex_unlock(&dog.lock);
	pthread_join(dog.id, NULL);
}

void watch_stage(const struct run *r, struct stress *s, const char *stage)
{
	pthread_mutex_lock(&dog.lock);
	dog.r = r;
	dog.s = s;
	dog.stage = stage;
	dog.since = now_ns();
	pthread_mutex_unlock(&dog.lock);
}
