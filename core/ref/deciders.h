/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * deciders.h - a count that is added to first and looked at afterwards: what ref:rcuref is, and ref:credits builds on.
 *
 * Idea: Linux's rcuref (lib/rcuref.c): add, then look, and let a zone of values mean "dead". Linux's put must not be
 * preempted between its subtraction and its slow path, because the object could be freed meanwhile; here that would mean
 * a read section around a put that then sleeps on the list's lock. Instead the word also counts the puts that came to
 * zero and have not decided yet (deciders), and dying waits until there is only one:
 *
 *   bits 0-31    ZERO + references counted here, signed: an owner that counts some of them elsewhere (ref:credits) may go
 *                below zero for a while
 *   bits 32-43   such an owner's; 0 here
 *   bits 44-63   BIAS + marks; all 0: dead
 *
 *   D1  A put that takes the references from 1 to 0 becomes a decider: it goes on to deciders_decide(). Until that is
 *       through, the bo cannot die by anyone else's hand (D4), which is R4: no read section is needed.
 *   D2  What takes the references from 0 to 1 has revived the bo while a decider is under way. It adds a mark; a get does so
 *       before it returns, so while it holds its reference.
 *   D3  Deciders = marks + marks about to be added + (1 if references <= 0). By D1 and D2: what changes the right side
 *       changes the left. While nobody holds a reference no mark is about to be added.
 *   D4  Deciding is one compare-and-swap. No references and no marks: by D3 this is the only decider, and the bo is dead.
 *       Else it takes one mark away and leaves the decision to whoever is, or will be, the last. (That mark may be one
 *       that is about to be added: hence the bias, so that the field never borrows.)
 *   D5  A get that finds the bo dead takes its addition back. Reaching a dead bo's word at all is the caller's business
 *       (ref_get_unless_zero() in ref.h).
 */
#ifndef GPUVM_CORE_REF_DECIDERS_H
#define GPUVM_CORE_REF_DECIDERS_H

#define REF_ZERO (1u << 30)
#define REF_MARK (1ull << 44)
#define REF_BIAS (1ull << 62) /* 2^18 marks: more than there can be threads */
#define REF_LAST (REF_BIAS | REF_ZERO) /* no references, no marks, nothing of the owner's */

static inline bool deciders_dead(uint64_t word)
{
	return word < REF_MARK;
}

/* Are there no references in the word? */
static inline bool deciders_zero(uint64_t word)
{
	return (uint32_t)word <= REF_ZERO;
}

static inline void deciders_init(struct gpuvm_bo *bo)
{
	atomic_init(&bo->ref, REF_LAST + 1);
}

/* D2. Relaxed: the reference that this thread now holds keeps every decider from concluding. */
static inline void deciders_mark(struct gpuvm_bo *bo)
{
	race_point();
	gpuvm__fetch_add(&bo->ref, REF_MARK, relaxed);
	gpuvm__count(REF_SLOW);
}

/* Relaxed: the caller's own reference, or the list's lock, orders everything already. */
static inline void deciders_get(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__fetch_add(&bo->ref, 1, relaxed);

	GPUVM__BUG_ON(deciders_dead(old));
	if (unlikely((uint32_t)old == REF_ZERO))
		deciders_mark(bo);
}

/* Acquire pairs with the release in the puts, as for any lock. */
static inline bool deciders_tryget(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__fetch_add(&bo->ref, 1, acquire);

	if (unlikely(deciders_dead(old))) {
		gpuvm__fetch_sub(&bo->ref, 1, relaxed); /* D5 */
		return false;
	}
	if (unlikely((uint32_t)old == REF_ZERO))
		deciders_mark(bo);
	return true;
}

/* D1. Release: what was done under this reference happens before the death (R2). */
static inline bool deciders_put(struct gpuvm_bo *bo)
{
	uint64_t old = gpuvm__fetch_sub(&bo->ref, 1, release);

	GPUVM__BUG_ON(deciders_dead(old));
	return likely((uint32_t)old != REF_ZERO + 1);
}

/* D4, from what *@word says; false: it has changed, look again. acq_rel: acquires every put's release: R2. */
static inline bool deciders_decide(struct gpuvm_bo *bo, uint64_t *word, bool *dead)
{
	GPUVM__BUG_ON(deciders_dead(*word));
	*dead = *word == REF_LAST;
	if (likely(gpuvm__cas(&bo->ref, word, *dead ? 0 : *word - REF_MARK, acq_rel)))
		return true;
	gpuvm__count(REF_RETRY);
	return false;
}

#endif /* GPUVM_CORE_REF_DECIDERS_H */
