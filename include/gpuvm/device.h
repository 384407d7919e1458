/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * device.h - a device: one choice of strategies, and the root that every GEM object and VM hangs from.
 *
 * A strategy implements one axis (how the GEM list is kept, how a VM's address space is kept, how a bo is counted, where
 * memory comes from). It is chosen by name when the device is made, so two devices in one process can run the same
 * workload on different strategies: that is what the benchmarks do.
 */
#ifndef GPUVM_DEVICE_H
#define GPUVM_DEVICE_H

#include <gpuvm/compiler.h>

GPUVM_BEGIN_DECLS

struct gpuvm_device;

/**
 * enum gpuvm_axis - what can be chosen
 * @GPUVM_AXIS_LIST: how one GEM object finds, registers and drops its bos
 * @GPUVM_AXIS_SPACE: a VM's address space: the range index and who excludes whom on it
 * @GPUVM_AXIS_REF: how a bo is counted
 * @GPUVM_AXIS_ALLOC: where vas, bos, ops and index nodes come from
 * @GPUVM_AXIS_PRESET: named combinations of the four above
 * @GPUVM_AXIS_COUNT: number of the above
 */
enum gpuvm_axis {
	GPUVM_AXIS_LIST,
	GPUVM_AXIS_SPACE,
	GPUVM_AXIS_REF,
	GPUVM_AXIS_ALLOC,
	GPUVM_AXIS_PRESET,
	GPUVM_AXIS_COUNT
};

/**
 * struct gpuvm_device_params - what a device is made of
 * @preset: a named combination, or NULL for "default"
 * @list: overrides the preset's GEM list, or NULL
 * @space: overrides the preset's address space, or NULL
 * @ref: overrides the preset's reference counting, or NULL
 * @alloc: overrides the preset's allocator, or NULL
 *
 * The strings are only read during gpuvm_device_create().
 */
struct gpuvm_device_params {
	const char *preset;
	const char *list;
	const char *space;
	const char *ref;
	const char *alloc;
};

/**
 * gpuvm_device_create() - make a device
 * @params: the strategies, or NULL for the default preset
 * @out: receives the device, with one reference that is the caller's
 *
 * Context: may allocate. No locks.
 * Return: 0; -ENOENT if a name is not known (gpuvm_strategy_unknown() words the message); -ENOTSUP if this build cannot
 * run a strategy (jemalloc's own interface in a sanitizer build); -EAGAIN if no thread can be started (liburcu's, which runs
 * what waits for a grace period, starts with the first device); -ENOMEM.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_device_create(const struct gpuvm_device_params *params, struct gpuvm_device **out);

/**
 * gpuvm_device_churn() - allocate objects as the core does and give each back at once: what the device's allocator costs
 * @dev: the device
 * @size: of each in bytes, 64 to 65536
 * @n: how many, one after the other
 * @retire: give them back after a grace period
 *
 * For benchmarks and tests. Context: allocates. Return: 0; -EINVAL (size); -ENOMEM.
 */
GPUVM_API GPUVM_MUST_CHECK int gpuvm_device_churn(struct gpuvm_device *dev, size_t size, uint64_t n, bool retire);

/** gpuvm_device_get() - take another reference. The caller must own one already. */
GPUVM_API struct gpuvm_device *gpuvm_device_get(struct gpuvm_device *dev);

/**
 * gpuvm_device_put() - drop a reference; the last one frees the device
 * @dev: the device, or NULL
 *
 * VMs and GEM objects hold references of their own. Context: may free; no locks.
 */
GPUVM_API void gpuvm_device_put(struct gpuvm_device *dev);

/** gpuvm_device_strategy() - the name chosen on @axis; static storage. For GPUVM_AXIS_PRESET: NULL if none matches. */
GPUVM_API const char *gpuvm_device_strategy(const struct gpuvm_device *dev, enum gpuvm_axis axis);

/**
 * enum gpuvm_trait - what a device's address spaces can, beside what every space must
 * @GPUVM_TRAIT_SHRINKS: let a mapping that is cut stay (struct gpuvm_driver's remap_in_place)
 * @GPUVM_TRAIT_PARTS: hold what a bind array touches, and not what lies between (gpuvm_bind_array())
 */
enum gpuvm_trait {
	GPUVM_TRAIT_SHRINKS,
	GPUVM_TRAIT_PARTS
};

/** gpuvm_device_can() - does its space have @trait? */
GPUVM_API bool gpuvm_device_can(const struct gpuvm_device *dev, enum gpuvm_trait trait);

/** gpuvm_axis_name() - "list", "space", "ref", "alloc" or "preset" */
GPUVM_API const char *gpuvm_axis_name(enum gpuvm_axis axis);

/** gpuvm_strategy_name() - the @index-th name on @axis (from catalogue.def, in its order), or NULL past the end. */
GPUVM_API const char *gpuvm_strategy_name(enum gpuvm_axis axis, unsigned int index);

/** gpuvm_strategy_doc() - one line on what that strategy teaches, or NULL past the end. */
GPUVM_API const char *gpuvm_strategy_doc(enum gpuvm_axis axis, unsigned int index);

/** gpuvm_strategy_is_busted() - true for the deliberately wrong ones, which only tests should pick. */
GPUVM_API bool gpuvm_strategy_is_busted(enum gpuvm_axis axis, unsigned int index);

/**
 * gpuvm_strategy_unknown() - which of @params is unknown, in words
 * @params: what gpuvm_device_create() refused with -ENOENT
 * @buf: receives the text, always terminated
 * @size: bytes at @buf
 *
 * The text names the offending value and lists the known ones.
 *
 * Return: true if a name is unknown.
 */
GPUVM_API bool gpuvm_strategy_unknown(const struct gpuvm_device_params *params, char *buf, size_t size);

GPUVM_END_DECLS

#endif /* GPUVM_DEVICE_H */
