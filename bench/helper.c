/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * helper.c - see helper.h.
 */
#include "helper.h"

#include "machine.h"

static bool told(const atomic_bool *flag)
{
	/* Relaxed: what is worked on has its own synchronisation; who waits does so under the lock. */
	return atomic_load_explicit(flag, memory_order_relaxed);
}

static void set(struct helper *h, atomic_bool *flag, bool value)
{
	pthread_mutex_lock(&h->lock);
	atomic_store_explicit(flag, value, memory_order_relaxed);
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

/* Idle for the library, too: with RCU=qsbr a sleeping thread would hold up grace periods. */
static void rest(struct helper *h)
{
	gpuvm_thread_idle();
	pthread_mutex_lock(&h->lock);
	h->idle = true;
	pthread_cond_broadcast(&h->changed);
	while (told(&h->resting) && !told(&h->stop))
		pthread_cond_wait(&h->changed, &h->lock);
	h->idle = false;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	gpuvm_thread_quiescent();
}

static void *work(void *arg)
{
	struct helper *h = arg;
	int ret = 0;

	if (h->ctx->pin)
		machine_pin(h->ctx->threads); /* the next CPU after the workers', if there is one */
	gpuvm_thread_enter();
	while (!ret && !told(&h->stop)) {
		ret = h->fn(h->ctx);
		gpuvm_thread_quiescent();
		if (told(&h->resting))
			rest(h);
	}
	if (ret)
		bench_fail(h->ctx, "the thread beside it failed: %d", ret);
	gpuvm_thread_leave();
	pthread_mutex_lock(&h->lock);
	h->idle = h->ended = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

int helper_start(struct helper *h, struct bench_ctx *ctx, helper_fn *fn)
{
	int ret;

	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
	h->ctx = ctx;
	h->fn = fn;
	ret = pthread_create(&h->id, NULL, work, h);
	h->started = !ret;
	return -ret;
}

void helper_rest(struct helper *h)
{
	if (!h->started)
		return;
	set(h, &h->resting, true);
	pthread_mutex_lock(&h->lock);
	while (!h->idle)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

void helper_wake(struct helper *h)
{
	set(h, &h->resting, false);
	pthread_mutex_lock(&h->lock);
	while (h->idle && !h->ended)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

void helper_stop(struct helper *h)
{
	if (!h->started)
		return;
	set(h, &h->stop, true);
	pthread_join(h->id, NULL);
	h->started = false;
}
