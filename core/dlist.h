/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * dlist.h - a circular doubly linked list, intrusive. The caller excludes everyone else.
 */
#ifndef GPUVM_CORE_DLIST_H
#define GPUVM_CORE_DLIST_H

#include <stdbool.h>

struct gpuvm__node {
	struct gpuvm__node *next, *prev;
};

static inline void gpuvm__node_init(struct gpuvm__node *n)
{
	n->next = n;
	n->prev = n;
}

/* A head without members, or a member that is on no list. */
static inline bool gpuvm__node_alone(const struct gpuvm__node *n)
{
	return n->next == n;
}

static inline void gpuvm__node_add_tail(struct gpuvm__node *n, struct gpuvm__node *head)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

/* Right after @pos. */
static inline void gpuvm__node_add(struct gpuvm__node *n, struct gpuvm__node *pos)
{
	gpuvm__node_add_tail(n, pos->next);
}

/* @n is alone afterwards, so that removing twice does no harm. */
static inline void gpuvm__node_del(struct gpuvm__node *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	gpuvm__node_init(n);
}

/* Move everything from @from to the end of @to. */
static inline void gpuvm__node_splice_tail(struct gpuvm__node *from, struct gpuvm__node *to)
{
	if (gpuvm__node_alone(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	gpuvm__node_init(from);
}

#define gpuvm__for_each_node(pos, head) for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)
#define gpuvm__for_each_node_safe(pos, tmp, head) \
	for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head); (pos) = (tmp), (tmp) = (pos)->next)

#endif /* GPUVM_CORE_DLIST_H */
