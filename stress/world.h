/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * world.h - what most scenarios need: some VMs, some GEM objects, who holds which pair, and regions of pages that know
 * what is mapped in them.
 */
#ifndef STRESS_WORLD_H
#define STRESS_WORLD_H

#include "stress.h"

#define WORLD_PAGE 4096u

/**
 * struct world - @nr_vms VMs and @nr_gems objects, each in every VM's reach
 * @vm: the VMs
 * @gem: the objects; each with a reservation of its own, so external to every VM
 * @held: for each (vm, gem, thread): the bo that thread holds, or NULL (world_hold())
 */
struct world {
	unsigned int nr_vms, nr_gems, threads;
	struct gpuvm_vm **vm;
	struct gpuvm_gem **gem;
	_Atomic(struct gpuvm_bo *) *held;
};

/** world_create() - Return: 0 or -errno, then *out is NULL */
int world_create(struct stress *s, unsigned int vms, unsigned int gems, const struct gpuvm_driver *driver,
		 struct world **out);

/** world_destroy() - closes the VMs; NULL is fine */
void world_destroy(struct world *w);

/** world_vm_params() - an address space of 2^40 bytes in the run's lock mode */
struct gpuvm_vm_params world_vm_params(struct stress *s, const struct gpuvm_driver *driver);

/** world_lock_pair(), world_unlock_pair() - staged mode: the reservations an obtain or put needs; else nothing */
void world_lock_pair(struct stress *s, struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_exec **exec);
void world_unlock_pair(struct gpuvm_exec *exec);

/** world_obtain() - gpuvm_obtain() with what the lock mode wants around it */
int world_obtain(struct stress *s, struct gpuvm_vm *vm, struct gpuvm_gem *gem, struct gpuvm_bo **out);

/** world_put() - drop a reference as the lock mode wants it, and now and then clean up; not in the signalling path */
void world_put(struct stress_thread *t, struct gpuvm_bo *bo);

/**
 * world_hold() - say that thread @t holds @bo for (vm, gem) from now on, and compare with everyone else
 *
 * I2: what another thread holds for the same pair at this moment must be the same bo.
 */
void world_hold(struct world *w, struct stress_thread *t, unsigned int vm, unsigned int gem, struct gpuvm_bo *bo);

/** world_unhold() - say so before the reference is dropped */
void world_unhold(struct world *w, struct stress_thread *t, unsigned int vm, unsigned int gem);

/**
 * struct region - pages of one VM that one thread binds, and what it knows to be there
 * @vm: the VM
 * @w: the objects
 * @first: number of its first page
 * @pages: how many
 * @page: for each page: 0 or 1 + (gem * pages + the page of the object it shows)
 * @bo: a reference per object
 * @sm: stock for requests
 * @steps: callbacks that agreed
 * @undone: those that were taken back
 * @fail_one_in: a callback in so many fails; 0: none
 * @rng: the owner's
 */
struct region {
	struct gpuvm_vm *vm;
	struct world *w;
	uint64_t first;
	unsigned int pages;
	uint32_t *page;
	struct gpuvm_bo **bo;
	struct gpuvm_sm sm;
	uint64_t steps, undone;
	uint32_t fail_one_in;
	uint64_t *rng;
};

/* Callbacks that count, and fail as the region says; priv is the region. */
extern const struct gpuvm_driver region_driver;

/** region_create() - @pages pages from page @first of @w's first VM. Return: 0 or -errno */
int region_create(struct stress_thread *t, struct world *w, uint64_t first, unsigned int pages, struct region **out);
void region_destroy(struct region *r);

/** region_step() - one random map, unmap or check of a few of its pages */
void region_step(struct stress_thread *t, struct region *r);

/**
 * struct regions_plan - scenarios that consist of regions only
 * @gems: objects to map
 * @per_thread: regions of each thread
 * @pages: pages of each
 * @stride: pages from one thread's first region to the next one's; 0: regions of all threads lie side by side, in turn
 * @fail_one_in: callbacks that fail; 0: none
 * @array: half of the changes are bind arrays of so many operations at most, over all of the thread's regions; 0: none
 */
struct regions_plan {
	unsigned int gems, per_thread, pages;
	uint64_t stride;
	uint32_t fail_one_in;
	unsigned int array;
};

/** regions_setup(), regions_step(), regions_check(), regions_teardown() - T1 to T5 for such a scenario */
int regions_setup(struct stress *s, const struct regions_plan *plan);
void regions_step(struct stress_thread *t);
void regions_check(struct stress *s);
void regions_teardown(struct stress *s);

#endif /* STRESS_WORLD_H */
