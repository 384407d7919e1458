/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * stats.h - exact counters: what the strategies really did, and what is alive.
 *
 * Each thread counts for itself (one increment of a thread-local word), so counting costs no shared line. At one thread
 * and one seed every counter is the same from run to run; tests and comparisons across commits use them as noise-free gates.
 */
#ifndef GPUVM_STATS_H
#define GPUVM_STATS_H

#include <gpuvm/compiler.h>

GPUVM_BEGIN_DECLS

/* X(symbol, json_name, what it counts) */
#define GPUVM_STATS(X)                                                               \
	X(ALLOC, "allocs", "allocations by the core")                                \
	X(ALLOC_BYTES, "alloc_bytes", "bytes asked for by them")                     \
	X(FREE, "frees", "objects given back at once")                               \
	X(RETIRE, "retires", "objects given back after a grace period")              \
	X(LIST_HIT, "list_hits", "pairs found")                                      \
	X(LIST_MISS, "list_misses", "pairs not found")                               \
	X(LIST_FAST, "list_fast", "of these, without taking a lock")                 \
	X(LIST_INLINE, "list_inline", "of these, in a slot of the GEM object itself") \
	X(LIST_LOCK, "list_locks", "acquisitions of a GEM list's lock")              \
	X(LIST_SHARED, "list_shared", "of these, shared with other readers")          \
	X(LIST_SPIN, "list_spins", "turns spent waiting for a spinning list or space lock") \
	X(LIST_REVOKE, "list_revokes", "reader biases a writer took back")            \
	X(LIST_RACE, "list_races", "allocs that lost to an older bo")                \
	X(LIST_STEPS, "list_steps", "bos or slots passed over while finding")          \
	X(LIST_GROW, "list_grows", "tables replaced by another")                     \
	X(REF_RETRY, "ref_retries", "failed compare-and-swaps on a count")           \
	X(REF_SLOW, "ref_slow", "counts that left the fast path")                    \
	X(REF_OPEN, "ref_opens", "accounts opened for a hot bo (ref:credits)")       \
	X(REF_SHARED, "ref_shared", "gets and puts that went to the bo's word (ref:credits)") \
	X(SPACE_LOCK, "space_locks", "acquisitions of address-space locks")          \
	X(SPACE_FAST, "space_fast", "lookups that no bind under way keeps waiting")  \
	X(SPACE_RETRY, "space_retries", "lookups or binds that had to start over")   \
	X(SPACE_ALLOC, "space_allocs", "index nodes allocated (allocs has them too)") \
	X(SPACE_SPLIT, "space_splits", "index nodes split")                          \
	X(SPACE_MERGE, "space_merges", "index nodes merged or dropped")              \
	X(SPACE_WIDEN, "space_widens", "binds that had to lock more than they asked") \
	X(SPACE_WAIT, "space_waits", "waits for another's range of a VM (space:range_lock)") \
	X(MAG_TAKE, "mag_takes", "objects a magazine had to get from the C library")  \
	X(MAG_GIVE, "mag_gives", "objects a magazine gave back to it")               \
	X(MAG_REMOTE, "mag_remote", "objects sent back to the thread that owns them") \
	X(MAG_BATCH, "mag_batches", "batches of retired objects that waited together") \
	X(MAG_ALONE, "mag_alone", "retired objects for which there was no batch")     \
	X(DEFER_PUSH, "defer_pushes", "zombies queued")                              \
	X(DEFER_FREE, "defer_frees", "zombies freed")                                \
	X(FORGOTTEN, "forgotten", "zombies that only gpuvm_vm_close() freed")        \
	X(GRACE, "grace_periods", "grace periods waited for")                        \
	X(RESV_BACKOFF, "resv_backoffs", "acquire contexts that started over")

enum gpuvm_stat {
#define GPUVM_STAT_ENUM(sym, name, doc) GPUVM_STAT_##sym,
	GPUVM_STATS(GPUVM_STAT_ENUM)
#undef GPUVM_STAT_ENUM
	GPUVM_STAT_COUNT
};

/** struct gpuvm_stats - one value per counter */
struct gpuvm_stats {
	uint64_t v[GPUVM_STAT_COUNT];
};

/** gpuvm_stats_read() - sum over all threads, past and present. Exact while they rest. */
GPUVM_API void gpuvm_stats_read(struct gpuvm_stats *out);

/** gpuvm_stats_read_thread() - the calling thread's own part */
GPUVM_API void gpuvm_stats_read_thread(struct gpuvm_stats *out);

/** gpuvm_stat_name(), gpuvm_stat_doc() - static storage; NULL past the end */
GPUVM_API const char *gpuvm_stat_name(unsigned int stat);
GPUVM_API const char *gpuvm_stat_doc(unsigned int stat);

GPUVM_END_DECLS

#endif /* GPUVM_STATS_H */
