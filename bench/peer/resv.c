/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * resv.c - the peer's reservation. The same algorithm as core/resv.c: wait-die; who holds nothing, or has no context, waits.
 */
#include <linux/dma-resv.h>

void peer_resv_init(struct dma_resv *resv)
{
	memset(resv, 0, sizeof(*resv));
	pthread_mutex_init(&resv->m, NULL);
	pthread_cond_init(&resv->released, NULL);
}

void peer_resv_fini(struct dma_resv *resv)
{
	(void)WARN(resv->held, "reservation destroyed while held");
	pthread_cond_destroy(&resv->released);
	pthread_mutex_destroy(&resv->m);
}

int peer_resv_lock(struct dma_resv *resv, u64 ticket, bool may_die)
{
	int ret = 0;

	might_sleep();
	pthread_mutex_lock(&resv->m);
	while (resv->held) {
		if (resv->ticket == ticket && ticket) {
			ret = -EALREADY;
			break;
		}
		if (may_die && resv->ticket && resv->ticket < ticket) {
			ret = -EDEADLK;
			break;
		}
		resv->waiters++;
		pthread_cond_wait(&resv->released, &resv->m);
		resv->waiters--;
	}
	if (!ret) {
		resv->held = true;
		resv->ticket = ticket;
		resv->owner = pthread_self();
		resv->reserved = 0;
	}
	pthread_mutex_unlock(&resv->m);
	return ret;
}

void peer_resv_unlock(struct dma_resv *resv)
{
	bool wake;

	pthread_mutex_lock(&resv->m);
	(void)WARN(!resv->held || !pthread_equal(resv->owner, pthread_self()), "unlock by who does not hold it");
	resv->held = false;
	wake = resv->waiters;
	if (wake)
		pthread_cond_broadcast(&resv->released);
	pthread_mutex_unlock(&resv->m);
}

bool peer_resv_is_held(struct dma_resv *resv)
{
	bool held;

	pthread_mutex_lock(&resv->m);
	held = resv->held && pthread_equal(resv->owner, pthread_self());
	pthread_mutex_unlock(&resv->m);
	return held;
}

int peer_resv_reserve(struct dma_resv *resv, unsigned int fences)
{
	dma_resv_assert_held(resv);
	if (WARN_ON(!fences))
		return -EINVAL;
	resv->reserved += fences;
	return 0;
}

void peer_resv_add_fence(struct dma_resv *resv, struct dma_fence *fence, enum dma_resv_usage usage)
{
	dma_resv_assert_held(resv);
	if (WARN(!resv->reserved, "a fence is added that no room was reserved for"))
		return;
	resv->reserved--;
	if (resv->fence[usage] < fence->seqno)
		resv->fence[usage] = fence->seqno;
}
