/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * credits.h - ref:credits, a hot bo is counted by each thread for itself; the put that could be the last calls them in.
 *
 * The bo's word counts as ref:rcuref does (deciders.h). A thread that takes references to the same bo again and again
 * opens an account for it, one of a few that the thread has; from then on its gets and puts touch only its own line.
 * Whoever brings the word's own references to zero, under the list's lock, closes all accounts and adds them up before it
 * decides: so the last put is the last, whoever took what it drops. In a GPU driver the word keeps one reference per
 * mapping and handle, and the accounts take the traffic of submissions and faults.
 *
 *   C1  References = references in the word + balance of every open account. No balance is negative: a put goes to the
 *       account only if its balance is positive, else to the word, which may go below zero by that: only after somebody
 *       became a decider (D1), who closes the accounts and so brings it up again.
 *   C2  Bits 32-43 of the word count the open accounts, and a bo does not die while there are any: an account's pointer
 *       never dangles, and equality with it means this very bo. Without accounts the word is the whole truth.
 *   C3  An account is opened by a thread that holds a reference, first in the word, then in the account; it is closed first
 *       in the account, then in the word. A decider that finds fewer than the word says waits for those on their way.
 *   C4  Which bo an account is for changes under the gate only (biased.h); its owner needs no lock to read that.
 *   C5  Each get and put of an account is a section: the owner sets BUSY in the balance, looks whether the account is still
 *       for this bo, and writes the new balance without BUSY, or the old one if it is not. A closer takes the bo out
 *       (C4), runs gpuvm__heavy_fence() and waits until BUSY is off. By the fence, a section that began before it shows
 *       BUSY, and one that begins after it finds the bo gone. So the balance that the closer then reads is final.
 *   C6  Closing moves the balance to the word in one compare-and-swap, together with the account's bit and, if the word had
 *       no references and now has some, the mark of D2. So D3 holds.
 *   C7  What a thread did before a put to its account is released by the end of the section, acquired by who closes the
 *       account, and released again by C6: R2.
 *
 * Costs: a death while some other thread still has an account, or a put that finds the word at zero while others are in
 * debt to it, waits for one membarrier(2) and for threads that are in the middle of a section. A bo that goes through the
 * second again and again takes longer and longer to become hot (bo->cool). Without membarrier(2) no account is opened.
 */
#ifndef GPUVM_CORE_REF_CREDITS_H
#define GPUVM_CORE_REF_CREDITS_H

#include "deciders.h"

#define REF_ACCOUNT (1ull << 32)
#define REF_ACCOUNTS_MASK (REF_MARK - REF_ACCOUNT)
#define REF_ACCOUNTS_MAX 4000 /* of one bo; 12 bits, less those who are about to notice that there are too many */

#define GPUVM__ACCOUNTS 16 /* per thread, a power of two */
#define GPUVM__BUSY 1ull

struct gpuvm__account {
	_Atomic(struct gpuvm_bo *) bo; /* NULL: not open; C4 */
	_Atomic uint64_t balance; /* twice, and BUSY; written by the owner (C5) */
	struct gpuvm_bo *candidate; /* owner's: the bo of the last get that went to the word; never dereferenced */
	uint32_t heat; /* owner's: how often in a row */
};

struct gpuvm__accounts {
	alignas(GPUVM__LINE) struct gpuvm__account at[GPUVM__ACCOUNTS];
	bool listed; /* owner's: others can find it, so accounts may be opened */
	struct gpuvm__accounts *next, **pprev; /* under the gate */
};

extern GPUVM__PER_THREAD(struct gpuvm__accounts, gpuvm__my_accounts);

/* A get of @bo went to the word, and the reference is held: count it, and perhaps open an account. */
void gpuvm__account_heat(struct gpuvm__account *a, struct gpuvm_bo *bo);
/* ref_put_locked(). The caller is a decider (D1). */
bool gpuvm__credits_decide(struct gpuvm_bo *bo);
/* The calling thread leaves: close all of its accounts. */
void gpuvm__accounts_leave(void);
#define ref_thread_leave gpuvm__accounts_leave

static inline struct gpuvm__account *account_of(struct gpuvm__accounts *accounts, const struct gpuvm_bo *bo)
{
	return &accounts->at[(uintptr_t)bo / GPUVM__LINE % GPUVM__ACCOUNTS];
}

/* C5: add @change, if this is @bo's account and the balance does not become negative. */
static inline bool account_add(struct gpuvm__account *a, struct gpuvm_bo *bo, int change)
{
	uint64_t balance = gpuvm__load(&a->balance, relaxed);
	bool ok;

	gpuvm__store(&a->balance, balance | GPUVM__BUSY, relaxed);
	gpuvm__light_fence();
	ok = gpuvm__load(&a->bo, relaxed) == bo && (change > 0 || balance);
	gpuvm__store(&a->balance, ok ? balance + 2 * (int64_t)change : balance, release);
	return ok;
}

static inline void ref_init(struct gpuvm_bo *bo)
{
	deciders_init(bo);
}

static inline bool ref_alive(struct gpuvm_bo *bo)
{
	return !deciders_dead(gpuvm__load(&bo->ref, relaxed));
}

static inline void ref_get(struct gpuvm_bo *bo)
{
	struct gpuvm__account *a = account_of(&gpuvm__mine(gpuvm__my_accounts), bo);

	if (likely(account_add(a, bo, 1)))
		return;
	deciders_get(bo);
	gpuvm__account_heat(a, bo);
}

static inline bool ref_get_unless_zero(struct gpuvm_bo *bo)
{
	struct gpuvm__account *a = account_of(&gpuvm__mine(gpuvm__my_accounts), bo);

	if (likely(account_add(a, bo, 1)))
		return true;
	if (unlikely(!deciders_tryget(bo)))
		return false;
	gpuvm__account_heat(a, bo);
	return true;
}

static inline bool ref_put_not_last(struct gpuvm_bo *bo)
{
	if (likely(account_add(account_of(&gpuvm__mine(gpuvm__my_accounts), bo), bo, -1)))
		return true;
	gpuvm__count(REF_SHARED);
	return deciders_put(bo);
}

static inline bool ref_put_locked(struct gpuvm_bo *bo)
{
	return gpuvm__credits_decide(bo);
}

#endif /* GPUVM_CORE_REF_CREDITS_H */
