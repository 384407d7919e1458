/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * catalogue.c - the tables of everything that plugs in, made from catalogue.def; choice by name.
 */
#include <stdarg.h>
#include <stdio.h>

#include "alloc/alloc.h"
#include "catalogue.h"
#include "list/list.h"
#include "ref/ref.h"
#include "space/space.h"

#define DECLARE_LIST(list, ref) extern const struct gpuvm__list_ops gpuvm__list_##list##__##ref;
#define DECLARE_SPACE(name, doc, busted) extern const struct gpuvm__space_ops gpuvm__space_##name;
#define DECLARE_REF(name, doc, busted) extern const struct gpuvm__ref_ops gpuvm__ref__##name;
#define DECLARE_ALLOC(name, doc, busted) extern const struct gpuvm__alloc_ops gpuvm__alloc_##name;
GPUVM__LIST_REFS(DECLARE_LIST)
GPUVM__SPACES(DECLARE_SPACE)
GPUVM__REFS(DECLARE_REF)
GPUVM__ALLOCS(DECLARE_ALLOC)

#define POINT_LIST(list, ref) &gpuvm__list_##list##__##ref,
#define POINT_SPACE(name, doc, busted) &gpuvm__space_##name,
#define POINT_REF(name, doc, busted) &gpuvm__ref__##name,
#define POINT_ALLOC(name, doc, busted) &gpuvm__alloc_##name,
static const struct gpuvm__list_ops *const lists[] = { GPUVM__LIST_REFS(POINT_LIST) };
static const struct gpuvm__space_ops *const spaces[] = { GPUVM__SPACES(POINT_SPACE) };
static const struct gpuvm__ref_ops *const refs[] = { GPUVM__REFS(POINT_REF) };
static const struct gpuvm__alloc_ops *const allocs[] = { GPUVM__ALLOCS(POINT_ALLOC) };

struct entry {
	const char *name, *doc;
	bool busted;
};

#define ENTRY(name, doc, busted) { #name, doc, busted },
#define PRESET_ENTRY(name, list, space, ref, alloc, doc) { #name, doc, false },
static const struct entry list_entries[] = { GPUVM__LISTS(ENTRY) };
static const struct entry space_entries[] = { GPUVM__SPACES(ENTRY) };
static const struct entry ref_entries[] = { GPUVM__REFS(ENTRY) };
static const struct entry alloc_entries[] = { GPUVM__ALLOCS(ENTRY) };
static const struct entry preset_entries[] = { GPUVM__PRESETS(PRESET_ENTRY) };

static const struct {
	const char *name;
	const struct entry *entries;
	unsigned int count;
} axes[GPUVM_AXIS_COUNT] = {
	[GPUVM_AXIS_LIST] = { "list", list_entries, ARRAY_SIZE(list_entries) },
	[GPUVM_AXIS_SPACE] = { "space", space_entries, ARRAY_SIZE(space_entries) },
	[GPUVM_AXIS_REF] = { "ref", ref_entries, ARRAY_SIZE(ref_entries) },
	[GPUVM_AXIS_ALLOC] = { "alloc", alloc_entries, ARRAY_SIZE(alloc_entries) },
	[GPUVM_AXIS_PRESET] = { "preset", preset_entries, ARRAY_SIZE(preset_entries) },
};

#define PRESET_PARAMS(name, list, space, ref, alloc, doc) { #name, list, space, ref, alloc },
static const struct gpuvm_device_params presets[] = { GPUVM__PRESETS(PRESET_PARAMS) };

static const struct entry *entry_at(enum gpuvm_axis axis, unsigned int index)
{
	if ((unsigned int)axis >= GPUVM_AXIS_COUNT || index >= axes[axis].count)
		return NULL;
	return &axes[axis].entries[index];
}

const char *gpuvm_axis_name(enum gpuvm_axis axis)
{
	return (unsigned int)axis < GPUVM_AXIS_COUNT ? axes[axis].name : NULL;
}

const char *gpuvm_strategy_name(enum gpuvm_axis axis, unsigned int index)
{
	const struct entry *e = entry_at(axis, index);

	return e ? e->name : NULL;
}

const char *gpuvm_strategy_doc(enum gpuvm_axis axis, unsigned int index)
{
	const struct entry *e = entry_at(axis, index);

	return e ? e->doc : NULL;
}

bool gpuvm_strategy_is_busted(enum gpuvm_axis axis, unsigned int index)
{
	const struct entry *e = entry_at(axis, index);

	return e && e->busted;
}

static bool known(enum gpuvm_axis axis, const char *name)
{
	unsigned int i;

	for (i = 0; i < axes[axis].count; i++)
		if (strcmp(axes[axis].entries[i].name, name) == 0)
			return true;
	return false;
}

/* What @params names on each axis, in the order of enum gpuvm_axis. */
static const char *param(const struct gpuvm_device_params *params, enum gpuvm_axis axis)
{
	const char *const names[] = { params->list, params->space, params->ref, params->alloc, params->preset };

	return names[axis];
}

/* Append to @buf at *@at, cut to @size. */
__attribute__((format(printf, 4, 5))) static void append(char *buf, size_t size, size_t *at, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (*at >= size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(buf + *at, size - *at, fmt, ap);
	va_end(ap);
	*at += n > 0 ? n : 0;
}

bool gpuvm_strategy_unknown(const struct gpuvm_device_params *params, char *buf, size_t size)
{
	enum gpuvm_axis axis;
	unsigned int i;
	size_t at = 0;

	if (size)
		buf[0] = '\0';
	for (axis = 0; params && axis < GPUVM_AXIS_COUNT; axis++) {
		const char *name = param(params, axis);

		if (!name || known(axis, name))
			continue;
		append(buf, size, &at, "unknown %s '%s'; known:", axes[axis].name, name);
		for (i = 0; i < axes[axis].count; i++)
			append(buf, size, &at, " %s", axes[axis].entries[i].name);
		return true;
	}
	return false;
}

const struct gpuvm__list_ops *gpuvm__list_find(const char *list, const char *ref)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++)
		if (strcmp(lists[i]->name, list) == 0 && strcmp(lists[i]->ref, ref) == 0)
			return lists[i];
	return NULL;
}

#define FIND(type, table)                                                  \
	const struct gpuvm__##type##_ops *gpuvm__##type##_find(const char *name) \
	{                                                                  \
		unsigned int i;                                            \
                                                                           \
		for (i = 0; i < ARRAY_SIZE(table); i++)                    \
			if (strcmp(table[i]->name, name) == 0)             \
				return table[i];                           \
		return NULL;                                               \
	}

void gpuvm__strategies_thread_leave(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refs); i++)
		if (refs[i]->thread_leave)
			refs[i]->thread_leave();
	for (i = 0; i < ARRAY_SIZE(allocs); i++)
		if (allocs[i]->thread_leave)
			allocs[i]->thread_leave();
}

void gpuvm__strategies_quiesce(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(allocs); i++)
		if (allocs[i]->quiesce)
			allocs[i]->quiesce();
}

FIND(space, spaces)
FIND(ref, refs)
FIND(alloc, allocs)

/* The preset @name (NULL: default), or NULL. */
static const struct gpuvm_device_params *preset_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(presets); i++)
		if (strcmp(presets[i].preset, name ? name : "default") == 0)
			return &presets[i];
	return NULL;
}

int gpuvm__params_resolve(const struct gpuvm_device_params *in, struct gpuvm_device_params *out)
{
	const struct gpuvm_device_params none = { 0 }, *preset;

	in = in ? in : &none;
	preset = preset_find(in->preset);
	if (!preset)
		return -ENOENT;
	out->list = in->list ? in->list : preset->list;
	out->space = in->space ? in->space : preset->space;
	out->ref = in->ref ? in->ref : preset->ref;
	out->alloc = in->alloc ? in->alloc : preset->alloc;
	return 0;
}

const char *gpuvm__params_preset(const char *list, const char *space, const char *ref, const char *alloc)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(presets); i++)
		if (!strcmp(presets[i].list, list) && !strcmp(presets[i].space, space) && !strcmp(presets[i].ref, ref) &&
		    !strcmp(presets[i].alloc, alloc))
			return presets[i].preset;
	return NULL;
}
