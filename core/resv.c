/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * resv.c - the reservation: a sleeping lock that knows which acquire context holds it (wait-die), and the last fence.
 *
 * Wait-die, as Linux's reservation_ww_class: a context that meets a lock held by an older one (smaller ticket) dies: it
 * gets -EDEADLK, drops what it holds and starts over with the same ticket, so it becomes the oldest in the end. Who holds
 * nothing else, and who has no context, waits.
 */
#include "objects.h"

void gpuvm__resv_init(struct gpuvm_resv *resv)
{
	gpuvm__mutex_init(&resv->lock);
	gpuvm__cond_init(&resv->released);
	atomic_init(&resv->fence, 0);
}

void gpuvm__resv_fini(struct gpuvm_resv *resv)
{
	GPUVM__BUG_ON(resv->held);
	gpuvm__cond_fini(&resv->released);
	gpuvm__mutex_fini(&resv->lock);
}

int gpuvm__resv_lock_ticket(struct gpuvm_resv *resv, uint64_t ticket, bool may_die)
{
	int ret = 0;

	/* The inner mutex is held for a few instructions only, inside any other lock: it has no class. */
	race_point();
	gpuvm__native_mutex_lock(&resv->lock.m);
	while (resv->held) {
		GPUVM__BUG_ON(gpuvm__tid_equal(resv->owner, gpuvm__tid_self()) && ticket == 0);
		if (may_die && !GPUVM_PLANT(resv_never_dies) && resv->ticket && resv->ticket <= ticket) {
			ret = resv->ticket == ticket ? -EALREADY : -EDEADLK;
			break;
		}
		resv->waiters++;
		gpuvm__cond_wait(&resv->released, &resv->lock);
		resv->waiters--;
	}
	if (!ret) {
		resv->held = true;
		resv->ticket = ticket;
		resv->owner = gpuvm__tid_self();
	}
	gpuvm__native_mutex_unlock(&resv->lock.m);
	if (!ret)
		gpuvm__lock_enter(GPUVM__LOCK_RESV, resv, __FILE__, __LINE__);
	return ret;
}

void gpuvm_resv_lock(struct gpuvm_resv *resv)
{
	int ret = gpuvm__resv_lock_ticket(resv, 0, false);

	GPUVM__BUG_ON(ret);
	(void)ret;
}

void gpuvm_resv_unlock(struct gpuvm_resv *resv)
{
	gpuvm__lock_leave(resv, __FILE__, __LINE__);
	gpuvm__native_mutex_lock(&resv->lock.m);
	GPUVM__BUG_ON(!resv->held || !gpuvm__tid_equal(resv->owner, gpuvm__tid_self()));
	resv->held = false;
	resv->ticket = 0;
	if (resv->waiters && !GPUVM_PLANT(resv_no_wakeup))
		gpuvm__cond_broadcast(&resv->released);
	gpuvm__native_mutex_unlock(&resv->lock.m);
}

bool gpuvm_resv_held(struct gpuvm_resv *resv)
{
	bool held;

	gpuvm__native_mutex_lock(&resv->lock.m);
	held = resv->held && gpuvm__tid_equal(resv->owner, gpuvm__tid_self());
	gpuvm__native_mutex_unlock(&resv->lock.m);
	return held;
}

bool gpuvm__resv_has_ticket(struct gpuvm_resv *resv, uint64_t ticket)
{
	bool has;

	gpuvm__native_mutex_lock(&resv->lock.m);
	has = resv->held && resv->ticket == ticket;
	gpuvm__native_mutex_unlock(&resv->lock.m);
	return has;
}

uint64_t gpuvm_resv_last_fence(struct gpuvm_resv *resv)
{
	return gpuvm__load(&resv->fence, acquire);
}
