/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * model.h - what a VM must look like, one record per page; and what steps a request must make, worked out from that.
 *
 * Deliberately naive and unlike the core: no tree, no intervals; a mapping is a run of pages with one number, "keep" is
 * decided by comparing page by page. Pages, not bytes.
 */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include "trace.h"

#define M_PAGES 64

struct m_page {
	unsigned int id; /* of the mapping; 0: not mapped */
	int gem; /* -1: sparse */
	uint64_t off; /* page of the object */
	uint32_t flags;
};

struct model {
	unsigned int pages;
	unsigned int last_id;
	struct m_page page[M_PAGES];
};

/* A request: @piece is the range and, for map and madvise, what it shows there. */
enum m_kind {
	M_MAP,
	M_UNMAP,
	M_PREFETCH,
	M_MADVISE,
	M_BO_UNMAP,
	M_KINDS
};

struct m_request {
	enum m_kind kind;
	struct t_piece piece;
};

/* Carry @req out on the model; @steps receives the stream that the core must give. */
unsigned int m_apply(struct model *m, const struct m_request *req, struct t_step *steps);

/* The model's mappings in order. */
void m_state(const struct model *m, struct t_state *state);

#endif /* TESTS_MODEL_H */
