/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * text.c - worlds and commands as lines of text, so that a failing sequence can be kept, read and run again; and the first
 * difference between two results or states in words.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "diff.h"

static const char *const names[D_KINDS] = {
	"map",	  "map_ops", "unmap",	  "unmap_ops", "drop_ops", "prefetch", "bo_unmap",
	"insert", "remove",  "obtain",	  "prealloc",  "find",	   "put",      "create",
	"extobj", "evict",   "gem_evict", "lock",      "validate", "query",
};

void d_world_print(const struct d_world *w, char *buf, size_t size)
{
	snprintf(buf, size, "world list=%s space=%s ref=%s resv_protected=%d immediate=%d high=%d unit=%u", w->list,
		 w->space, w->ref, w->resv_protected, w->immediate, w->high, w->unit);
}

bool d_world_parse(const char *line, struct d_world *w)
{
	int resv_protected, immediate, high;

	memset(w, 0, sizeof(*w));
	if (sscanf(line, "world list=%23s space=%23s ref=%23s resv_protected=%d immediate=%d high=%d unit=%u", w->list,
		   w->space, w->ref, &resv_protected, &immediate, &high, &w->unit) != 7)
		return false;
	w->resv_protected = resv_protected;
	w->immediate = immediate;
	w->high = high;
	return w->unit > 0 && w->unit <= 1u << 21;
}

void d_command_print(const struct d_command *c, char *buf, size_t size)
{
	snprintf(buf, size, "%s vm=%u gem=%d at=%u n=%u off=%u slot=%u arg=%u", names[c->kind], c->vm, c->gem, c->at,
		 c->n, c->off, c->slot, c->arg);
}

static bool command_valid(const struct d_command *c)
{
	bool may_be_sparse = c->kind == D_MAP || c->kind == D_MAP_OPS || c->kind == D_DROP_OPS || c->kind == D_INSERT;

	return c->vm < D_VMS && c->gem < (int)D_GEMS && c->gem >= (may_be_sparse ? -1 : 0) && c->slot < D_SLOTS &&
	       c->at <= 1u << 20 && c->n <= 1u << 20 && c->off <= 1u << 20;
}

bool d_command_parse(const char *line, struct d_command *c)
{
	char name[24];
	unsigned int k;

	memset(c, 0, sizeof(*c));
	if (sscanf(line, "%23s vm=%u gem=%d at=%u n=%u off=%u slot=%u arg=%u", name, &c->vm, &c->gem, &c->at, &c->n,
		   &c->off, &c->slot, &c->arg) != 8)
		return false;
	for (k = 0; k < D_KINDS && strcmp(name, names[k]); k++)
		;
	c->kind = k;
	return k < D_KINDS && command_valid(c);
}

/* ---- differences ---- */

struct out {
	char *at;
	size_t room;
};

static void say(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct out *o, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(o->at, o->room, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= o->room)
		n = o->room ? (int)o->room - 1 : 0;
	o->at += n;
	o->room -= (size_t)n;
}

static void say_piece(struct out *o, const char *what, const struct d_piece *p)
{
	if (p->present)
		say(o, " %s[%" PRIx64 "+%" PRIx64 " gem %" PRId64 " off %" PRIx64 "]", what, p->addr, p->range, p->gem,
		    p->off);
}

static void say_step(struct out *o, const char *who, const struct d_result *r, unsigned int i)
{
	static const char *const kinds[] = { "MAP", "REMAP", "UNMAP", "PREFETCH" };
	const struct d_step *s = &r->step[i];

	say(o, "\n    %s: ", who);
	if (i >= r->n) {
		say(o, "no such step");
		return;
	}
	say(o, "%s keep=%" PRIu64, kinds[s->kind], s->keep);
	say_piece(o, "old", &s->old);
	say_piece(o, "prev", &s->prev);
	say_piece(o, "next", &s->next);
	say_piece(o, "new", &s->map);
}

static bool number_differs(struct out *o, const char *what, uint64_t core, uint64_t peer)
{
	if (core != peer)
		say(o, "%s: core %" PRId64 ", linux %" PRId64, what, (int64_t)core, (int64_t)peer);
	return core != peer;
}

static bool piece_differs(struct out *o, const char *what, const struct d_piece *core, const struct d_piece *peer)
{
	if (!memcmp(core, peer, sizeof(*core)))
		return false;
	say(o, "%s:\n    core:", what);
	say_piece(o, "", core);
	say(o, "\n    linux:");
	say_piece(o, "", peer);
	return true;
}

bool d_result_differs(const struct d_result *core, const struct d_result *peer, char *buf, size_t size)
{
	static const char *const found[] = { "find", "find_first", "find_prev", "find_next" };
	struct out o = { buf, size };
	unsigned int i;

	if (!memcmp(core, peer, sizeof(*core)))
		return false;
	if (number_differs(&o, "returned", (uint64_t)core->err, (uint64_t)peer->err))
		return true;
	for (i = 0; i < D_STEPS && (i < core->n || i < peer->n); i++) {
		if (!memcmp(&core->step[i], &peer->step[i], sizeof(core->step[i])))
			continue;
		say(&o, "step %u:", i + 1);
		say_step(&o, "core", core, i);
		say_step(&o, "linux", peer, i);
		return true;
	}
	if (number_differs(&o, "steps", core->n, peer->n) || number_differs(&o, "value", core->value, peer->value))
		return true;
	for (i = 0; i < 4; i++)
		if (piece_differs(&o, found[i], &core->found[i], &peer->found[i]))
			return true;
	return true;
}

static bool pair_differs(struct out *o, unsigned int vm, unsigned int gem, const struct d_pair *core,
			 const struct d_pair *peer)
{
	if (!memcmp(core, peer, sizeof(*core)))
		return false;
	say(o, "pair of vm %u and gem %u: ", vm, gem);
	return number_differs(o, "registered", core->live, peer->live) ||
	       number_differs(o, "mappings", core->mappings, peer->mappings) ||
	       number_differs(o, "evicted", core->evicted, peer->evicted) ||
	       number_differs(o, "references", core->refs, peer->refs);
}

static bool order_differs(struct out *o, const char *what, unsigned int vm, const uint8_t *core, const uint8_t *peer)
{
	unsigned int i;

	if (!memcmp(core, peer, D_GEMS + 1))
		return false;
	say(o, "vm %u: %s list: core", vm, what);
	for (i = 0; core[i]; i++)
		say(o, " %u", core[i] - 1u);
	say(o, ", linux");
	for (i = 0; peer[i]; i++)
		say(o, " %u", peer[i] - 1u);
	return true;
}

static bool vm_differs(struct out *o, unsigned int vm, const struct d_state *core, const struct d_state *peer)
{
	unsigned int i;

	for (i = 0; i < D_UNITS; i++)
		if (piece_differs(o, vm ? "vm 1: mapping" : "vm 0: mapping", &core->piece[vm][i], &peer->piece[vm][i]))
			return true;
	return number_differs(o, vm ? "vm 1: mappings" : "vm 0: mappings", core->mappings[vm], peer->mappings[vm]) ||
	       number_differs(o, vm ? "vm 1: references" : "vm 0: references", core->vm_refs[vm], peer->vm_refs[vm]) ||
	       order_differs(o, "extobj", vm, core->extobj[vm], peer->extobj[vm]) ||
	       order_differs(o, "evict", vm, core->evict[vm], peer->evict[vm]);
}

bool d_state_differs(const struct d_state *core, const struct d_state *peer, char *buf, size_t size)
{
	struct out o = { buf, size };
	unsigned int i;

	if (!memcmp(core, peer, sizeof(*core)))
		return false;
	for (i = 0; i < D_VMS; i++)
		if (vm_differs(&o, i, core, peer))
			return true;
	for (i = 0; i < D_VMS * D_GEMS; i++)
		if (pair_differs(&o, i / D_GEMS, i % D_GEMS, &core->pair[i / D_GEMS][i % D_GEMS],
				 &peer->pair[i / D_GEMS][i % D_GEMS]))
			return true;
	for (i = 0; i < D_GEMS; i++)
		if (number_differs(&o, "gem references", core->gem_refs[i], peer->gem_refs[i]))
			return true;
	return true;
}
