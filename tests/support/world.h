/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * world.h - a device, one VM and a few GEM objects with their bos: what most tests start from and must leave nothing of.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "support.h"

#define T_GEMS 3
#define T_PAGE 4096ull

/**
 * struct t_config - which world
 * @list: strategy, NULL for linux's
 * @space: likewise
 * @ref: likewise
 * @flags: GPUVM_VM_*
 * @external: the objects have reservations of their own
 * @pages: size of the address space, from address 0; 0: 1024
 * @reserve_first: first page of the kernel's range
 * @reserve_pages: its length
 * @driver: callbacks and data sizes, or NULL
 */
struct t_config {
	const char *list;
	const char *space;
	const char *ref;
	uint32_t flags;
	bool external;
	uint64_t pages;
	uint64_t reserve_first;
	uint64_t reserve_pages;
	const struct gpuvm_driver *driver;
};

struct t_world {
	struct t_config config;
	struct t_live before;
	struct gpuvm_device *dev;
	struct gpuvm_vm *vm;
	struct gpuvm_gem *gem[T_GEMS];
	struct gpuvm_bo *bo[T_GEMS]; /* t_world_obtain() */
	struct gpuvm_exec *exec; /* between t_lock() and t_unlock(), staged mode */
};

/* Device, VM and objects; no bo yet. */
void t_world_make(struct t_world *w, const struct t_config *config);
/* A bo for each object. */
void t_world_obtain(struct t_world *w);
/* Puts what is left, closes the VM, and asserts that nothing of the world is alive. */
void t_world_end(struct t_world *w);

/*
 * Between these two everything is held that the VM's lock mode wants of a caller around obtain, find, put and (un)mapping:
 * in staged mode all reservations, in immediate mode nothing.
 */
void t_lock(struct t_world *w);
void t_unlock(struct t_world *w);

/* Every reservation, whatever the mode. */
void t_lock_resvs(struct t_world *w);
void t_unlock_resvs(struct t_world *w);

struct gpuvm_bo *t_obtain(struct t_world *w, unsigned int gem);
struct gpuvm_bo *t_find(struct t_world *w, unsigned int gem);
bool t_put(struct t_world *w, struct gpuvm_bo *bo);
struct gpuvm_bo_alloc *t_alloc(struct t_world *w, unsigned int gem);

/* Map pages with the plain insert; gem < 0: sparse. */
void t_insert(struct t_world *w, int gem, uint64_t page, uint64_t pages, uint64_t offset_page);
/* Does a mapping that is cut stay as the piece in front? The driver must want it and the space be able to. */
bool t_stays(const struct t_world *w);
/* Unmap everything, quietly. */
void t_clear(struct t_world *w);

/*
 * Run @run for every space strategy, each of the four lock modes, objects local and external; the rest as in @base.
 * Return: 0 if all did. t_config_name(): "space:rbtree_mutex/immediate/local".
 */
int t_each_config(const struct t_config *base, int (*run)(const struct t_config *config));
/* The same for every list strategy with every ref strategy, on one space strategy. */
int t_each_list(const struct t_config *base, int (*run)(const struct t_config *config));
const char *t_config_name(const struct t_config *config);

/* "immediate", "staged+resv_protected", ... */
const char *t_mode_name(uint32_t flags);
/* The four lock modes. */
extern const uint32_t t_modes[4];

#endif /* TESTS_WORLD_H */
