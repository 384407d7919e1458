/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * oracle.h - requests carried out by the core and by the model (model.h), and compared: each step, and the whole state.
 */
#ifndef TESTS_ORACLE_H
#define TESTS_ORACLE_H

#include "model.h"
#include "world.h"

struct t_oracle {
	struct t_config config;
	struct t_world w;
	struct t_trace trace;
	struct gpuvm_sm sm;
	struct gpuvm_bind bind;
	struct model model;
	struct t_state got, want;
	unsigned long compared;
};

/* From @o->config, with bos, nothing mapped; at most M_PAGES pages. */
void t_oracle_make(struct t_oracle *o);
void t_oracle_end(struct t_oracle *o);

/*
 * Between t_lock() and t_unlock(): carry @m out on both. @how: 0 by callbacks, 1 by list, 2 and up: by callbacks, of which
 * one fails first. What the core took out stays in o->sm and o->bind until t_oracle_free_removed().
 */
void t_oracle_request(struct t_oracle *o, const struct m_request *m, unsigned int how);

#define T_ARRAY_OPS 12

/* The same for a bind array of @nr of M_MAP, M_UNMAP and M_PREFETCH. @how: 0: straight; else one callback fails first. */
void t_oracle_array(struct t_oracle *o, const struct m_request *m, unsigned int nr, unsigned int how);
void t_oracle_free_removed(struct t_oracle *o);

/* Each bo must know its mappings, and each page must look up as the model says. */
void t_oracle_check(struct t_oracle *o);

#endif /* TESTS_ORACLE_H */
