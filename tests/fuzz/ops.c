/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ops.c - sequences of requests against the oracle. A world is made once per configuration and emptied after each input.
 */
#include "fuzz.h"
#include "oracle.h"

#define PAGES 24
#define REQUEST 6 /* bytes */
#define MAX_REQUESTS 64
#define MAX_SPACES 16

static struct t_oracle *worlds[MAX_SPACES][8];

static struct t_oracle *world(uint8_t space_byte, uint8_t mode_byte)
{
	unsigned int spaces = 0, space, mode = mode_byte % 8;
	struct t_oracle *o;

	while (spaces < MAX_SPACES && t_strategy(GPUVM_AXIS_SPACE, spaces))
		spaces++;
	space = space_byte % spaces;
	if (worlds[space][mode])
		return worlds[space][mode];
	o = calloc(1, sizeof(*o));
	if (!o)
		abort();
	o->config = (struct t_config){ .space = t_strategy(GPUVM_AXIS_SPACE, space),
				       .flags = t_modes[mode / 2],
				       .external = mode % 2,
				       .pages = PAGES,
				       .driver = &t_trace_driver };
	t_oracle_make(o);
	return worlds[space][mode] = o;
}

static struct m_request decode(const uint8_t b[REQUEST])
{
	struct m_request m = { .kind = b[0] % M_KINDS };
	struct t_piece *p = &m.piece;

	p->present = true;
	p->start = b[1] % PAGES;
	p->end = p->start + 1 + b[2] % (PAGES - p->start);
	p->gem = m.kind == M_BO_UNMAP ? b[3] % T_GEMS : b[3] % (T_GEMS + 1) - 1;
	/* 0: the offset that makes neighbours contiguous. */
	p->off = p->gem < 0 ? 0 : b[4] ? b[4] : p->start;
	p->flags = b[0] & 0x80 ? 1u << GPUVM_VA_USERBITS : 0;
	return m;
}

void fuzz_ops(const uint8_t *data, size_t size)
{
	const struct m_request everything = { M_UNMAP, { true, -1, 0, PAGES, 0, 0 } };
	struct t_oracle *o;
	struct m_request m;
	unsigned int i;

	if (size < 2)
		return;
	o = world(data[0], data[1]);
	t_lock(&o->w);
	for (data += 2, size -= 2, i = 0; size >= REQUEST && i < MAX_REQUESTS; data += REQUEST, size -= REQUEST, i++) {
		m = decode(data);
		t_oracle_request(o, &m, data[5] % 8);
		t_oracle_free_removed(o);
	}
	t_oracle_check(o);
	t_oracle_request(o, &everything, 0);
	t_oracle_free_removed(o);
	t_unlock(&o->w);
	o->model.last_id = 0;
	if (gpuvm_debug_locks_held())
		abort();
}
