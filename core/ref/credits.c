/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * credits.c - the slow half of ref:credits: accounts are opened and closed here. credits.h has the invariants.
 */
#include "ref.h"

#include "../biased.h"
#include "credits.h"

/* So many gets in a row that went to the word; shifted up for a bo that was called in while others were in debt. */
#ifdef GPUVM_SCHED /* short scenarios: at once, so that schedules are explored with accounts in them */
#define HEAT_TO_OPEN 1
#define HEAT_TO_REPLACE 1
#else
#define HEAT_TO_OPEN 16
#define HEAT_TO_REPLACE 64
#endif
#define COOL_MAX 8

GPUVM__PER_THREAD(struct gpuvm__accounts, gpuvm__my_accounts);

static struct gpuvm__accounts *all; /* under the gate */

/* C6. Afterwards the bo may be gone, unless the caller has a reference or is a decider. */
static void give_back(struct gpuvm_bo *bo, uint64_t balance, uint64_t accounts)
{
	uint64_t old = gpuvm__load(&bo->ref, relaxed), new;

	do {
		new = old + balance - accounts *REF_ACCOUNT;
		if (deciders_zero(old) && !deciders_zero(new))
			new += REF_MARK;
	} while (!gpuvm__cas(&bo->ref, &old, new, acq_rel));
}

/* The calling thread's own account, whatever it is open for. */
static void close_mine(struct gpuvm__account *a)
{
	struct gpuvm_bo *bo;

	gpuvm__gate_lock();
	bo = gpuvm__load(&a->bo, relaxed);
	gpuvm__store(&a->bo, NULL, relaxed);
	gpuvm__gate_unlock();
	if (bo)
		give_back(bo, gpuvm__load(&a->balance, relaxed) / 2, 1);
}

/* Others can find this thread's accounts from now on. False: nobody could close them (C5). */
static bool list_mine(struct gpuvm__accounts *mine)
{
	if (!gpuvm__heavy_fence_init())
		return false;
	gpuvm__gate_lock();
	mine->next = all;
	mine->pprev = &all;
	if (all)
		all->pprev = &mine->next;
	all = mine;
	gpuvm__gate_unlock();
	mine->listed = true;
	return true;
}

/* C3. The caller holds a reference. */
static void open(struct gpuvm__accounts *mine, struct gpuvm__account *a, struct gpuvm_bo *bo)
{
	uint64_t old;

	if (!mine->listed && !list_mine(mine))
		return;
	close_mine(a);
	old = gpuvm__fetch_add(&bo->ref, REF_ACCOUNT, relaxed);
	if ((old & REF_ACCOUNTS_MASK) >= REF_ACCOUNTS_MAX * REF_ACCOUNT) {
		gpuvm__fetch_sub(&bo->ref, REF_ACCOUNT, relaxed);
		return;
	}
	gpuvm__store(&a->balance, 0, relaxed); /* a closer has read the old one before it opened the gate */
	gpuvm__gate_lock();
	gpuvm__store(&a->bo, bo, relaxed);
	gpuvm__gate_unlock();
	gpuvm__count(REF_OPEN);
}

void gpuvm__account_heat(struct gpuvm__account *a, struct gpuvm_bo *bo)
{
	uint32_t enough;

	gpuvm__count(REF_SHARED);
	if (a->candidate != bo) {
		a->candidate = bo;
		a->heat = 0;
	}
	enough = gpuvm__load(&a->bo, relaxed) ? HEAT_TO_REPLACE : HEAT_TO_OPEN;
	if (++a->heat < enough << gpuvm__load(&bo->cool, relaxed) || !gpuvm__self.entered)
		return;
	a->heat = 0;
	open(&gpuvm__mine(gpuvm__my_accounts), a, bo);
}

/* The others' sections: C5. Under the gate. */
static uint64_t settle(struct gpuvm__account *a)
{
	uint64_t balance;

	while ((balance = gpuvm__load(&a->balance, acquire)) & GPUVM__BUSY)
		gpuvm__yield();
	return balance / 2;
}

#define CLOSE_MAX 64 /* accounts at once: more than there are processors to run sections, mostly */

/* Close up to CLOSE_MAX accounts of @bo. How many, and what was on them. An account that is just opened may be missed. */
static unsigned int close_some(struct gpuvm_bo *bo, uint64_t *balance)
{
	struct gpuvm__accounts *o, *mine = &gpuvm__mine(gpuvm__my_accounts);
	struct gpuvm__account *closing[CLOSE_MAX], *a;
	unsigned int n = 0, i;
	bool foreign = false;

	*balance = 0;
	gpuvm__gate_lock();
	for (o = all; o && n < CLOSE_MAX; o = o->next) {
		a = account_of(o, bo);
		if (gpuvm__load(&a->bo, relaxed) != bo)
			continue;
		gpuvm__store(&a->bo, NULL, relaxed);
		foreign = foreign || o != mine;
		closing[n++] = a;
	}
	if (foreign)
		gpuvm__heavy_fence();
	for (i = 0; i < n; i++)
		*balance += settle(closing[i]);
	gpuvm__gate_unlock();
	return n;
}

static void close_accounts(struct gpuvm_bo *bo)
{
	uint32_t cool = gpuvm__load(&bo->cool, relaxed);
	uint64_t balance;
	unsigned int n = close_some(bo, &balance);

	gpuvm__count(REF_SLOW);
	if (n)
		give_back(bo, balance, n);
	else
		gpuvm__yield(); /* C3: an owner is on its way */
	if (balance && cool < COOL_MAX)
		gpuvm__store(&bo->cool, cool + 1, relaxed);
}

bool gpuvm__credits_decide(struct gpuvm_bo *bo)
{
	uint64_t word = gpuvm__load(&bo->ref, relaxed);
	bool dead;

	for (;;) {
		if (deciders_zero(word) && (word & REF_ACCOUNTS_MASK)) {
			close_accounts(bo);
			word = gpuvm__load(&bo->ref, relaxed);
		} else if (deciders_decide(bo, &word, &dead)) {
			return dead;
		}
	}
}

void gpuvm__accounts_leave(void)
{
	struct gpuvm__accounts *mine = &gpuvm__mine(gpuvm__my_accounts);
	unsigned int i;

	if (!mine->listed) {
		memset(mine, 0, sizeof(*mine));
		return;
	}
	for (i = 0; i < GPUVM__ACCOUNTS; i++)
		close_mine(&mine->at[i]);
	gpuvm__gate_lock();
	*mine->pprev = mine->next;
	if (mine->next)
		mine->next->pprev = mine->pprev;
	gpuvm__gate_unlock();
	memset(mine, 0, sizeof(*mine));
}
