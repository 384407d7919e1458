/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* world.c - see world.h */
#include "world.h"

const uint32_t t_modes[4] = { GPUVM_VM_IMMEDIATE, GPUVM_VM_IMMEDIATE | GPUVM_VM_RESV_PROTECTED, 0,
			      GPUVM_VM_RESV_PROTECTED };

const char *t_mode_name(uint32_t flags)
{
	switch (flags) {
	case GPUVM_VM_IMMEDIATE:
		return "immediate";
	case GPUVM_VM_IMMEDIATE | GPUVM_VM_RESV_PROTECTED:
		return "immediate+resv_protected";
	case GPUVM_VM_RESV_PROTECTED:
		return "staged+resv_protected";
	default:
		return "staged";
	}
}

const char *t_config_name(const struct t_config *config)
{
	static char name[128];

	snprintf(name, sizeof(name), "space:%s/%s/%s", config->space, t_mode_name(config->flags),
		 config->external ? "external" : "local");
	return name;
}

static int each_mode(struct t_config *config, int (*run)(const struct t_config *config))
{
	unsigned int m;
	int failed = 0;

	for (m = 0; m < 2 * ARRAY_SIZE(t_modes); m++) {
		config->flags = t_modes[m / 2];
		config->external = m % 2;
		failed |= run(config);
	}
	return failed;
}

int t_each_config(const struct t_config *base, int (*run)(const struct t_config *config))
{
	struct t_config config = *base;
	unsigned int s;
	int failed = 0;

	for (s = 0; (config.space = t_strategy(GPUVM_AXIS_SPACE, s)); s++)
		failed |= each_mode(&config, run);
	return failed;
}

int t_each_list(const struct t_config *base, int (*run)(const struct t_config *config))
{
	struct t_config config = *base;
	unsigned int l, r;
	int failed = 0;

	config.space = t_strategy(GPUVM_AXIS_SPACE, 0);
	for (l = 0; (config.list = t_strategy(GPUVM_AXIS_LIST, l)); l++) {
		for (r = 0; (config.ref = t_strategy(GPUVM_AXIS_REF, r)); r++)
			failed |= each_mode(&config, run);
	}
	return failed;
}

static void make_vm(struct t_world *w)
{
	const struct t_config *c = &w->config;
	const struct gpuvm_vm_params params = {
		.name = "test",
		.flags = c->flags,
		.range = (c->pages ? c->pages : 1024) * T_PAGE,
		.reserve_start = c->reserve_first * T_PAGE,
		.reserve_range = c->reserve_pages * T_PAGE,
		.page_size = T_PAGE,
		.driver = c->driver,
	};

	t_ok(gpuvm_vm_create(w->dev, &params, &w->vm));
}

void t_world_make(struct t_world *w, const struct t_config *config)
{
	struct gpuvm_gem_params gem = { .size = 1024 * T_PAGE };
	unsigned int i;

	*w = (struct t_world){ .config = *config };
	t_live_read(&w->before);
	w->dev = t_device(config->list, config->space, config->ref, NULL);
	make_vm(w);
	if (!config->external)
		gem.vm = w->vm;
	for (i = 0; i < T_GEMS; i++)
		t_ok(gpuvm_gem_create(w->dev, &gem, &w->gem[i]));
}

void t_world_obtain(struct t_world *w)
{
	unsigned int i;

	for (i = 0; i < T_GEMS; i++)
		w->bo[i] = t_obtain(w, i);
}

/* A test that failed may have left them locked; its teardown must not wait for itself. */
static void unlock_leftovers(struct t_world *w)
{
	if (w->exec)
		t_unlock_resvs(w);
}

void t_world_end(struct t_world *w)
{
	unsigned int i;

	unlock_leftovers(w);
	for (i = 0; i < T_GEMS; i++)
		t_put(w, w->bo[i]);
	gpuvm_vm_close(w->vm, NULL);
	for (i = 0; i < T_GEMS; i++)
		gpuvm_gem_put(w->gem[i]);
	gpuvm_vm_put(w->vm);
	gpuvm_device_put(w->dev);
	t_live_same(&w->before);
	assert_int_equal(gpuvm_debug_locks_held(), 0);
}

/* All of them: -EDEADLK means that everything was unlocked. */
static int lock_each(struct t_world *w)
{
	unsigned int i;
	int ret;

	t_ok(gpuvm_exec_lock(w->exec));
	for (i = 0; i < T_GEMS; i++) {
		if (gpuvm_exec_holds(w->exec, w->gem[i]))
			continue;
		ret = gpuvm_exec_lock_gem(w->exec, w->gem[i]);
		if (ret)
			return ret;
	}
	return 0;
}

void t_lock_resvs(struct t_world *w)
{
	int ret;

	w->exec = gpuvm_exec_create(w->vm);
	assert_non_null(w->exec);
	do {
		ret = lock_each(w);
	} while (ret == -EDEADLK);
	t_ok(ret);
}

void t_unlock_resvs(struct t_world *w)
{
	gpuvm_exec_destroy(w->exec);
	w->exec = NULL;
}

void t_lock(struct t_world *w)
{
	if (!(w->config.flags & GPUVM_VM_IMMEDIATE))
		t_lock_resvs(w);
}

void t_unlock(struct t_world *w)
{
	if (!(w->config.flags & GPUVM_VM_IMMEDIATE))
		t_unlock_resvs(w);
}

struct gpuvm_bo *t_obtain(struct t_world *w, unsigned int gem)
{
	struct gpuvm_bo *bo = NULL;

	t_lock(w);
	t_ok(gpuvm_obtain(w->vm, w->gem[gem], &bo));
	t_unlock(w);
	assert_non_null(bo);
	return bo;
}

struct gpuvm_bo *t_find(struct t_world *w, unsigned int gem)
{
	struct gpuvm_bo *bo;

	t_lock(w);
	bo = gpuvm_bo_find(w->vm, w->gem[gem]);
	t_unlock(w);
	return bo;
}

bool t_put(struct t_world *w, struct gpuvm_bo *bo)
{
	bool last;

	t_lock(w);
	last = gpuvm_bo_put(bo);
	t_unlock(w);
	return last;
}

struct gpuvm_bo_alloc *t_alloc(struct t_world *w, unsigned int gem)
{
	struct gpuvm_bo_alloc *alloc = NULL;

	t_ok(gpuvm_bo_alloc_create(w->vm, w->gem[gem], &alloc));
	assert_non_null(alloc);
	return alloc;
}

void t_insert(struct t_world *w, int gem, uint64_t page, uint64_t pages, uint64_t offset_page)
{
	const struct gpuvm_map_req req = {
		.addr = page * T_PAGE,
		.range = pages * T_PAGE,
		.offset = offset_page * T_PAGE,
		.bo = gem < 0 ? NULL : w->bo[gem],
	};
	struct gpuvm_va_alloc *va = gpuvm_va_alloc_create(w->vm);

	assert_non_null(va);
	t_lock(w);
	t_ok(gpuvm_va_insert(w->vm, va, &req));
	t_unlock(w);
}

bool t_stays(const struct t_world *w)
{
	return w->config.driver->remap_in_place && gpuvm_device_can(w->dev, GPUVM_TRAIT_SHRINKS);
}

void t_clear(struct t_world *w)
{
	const uint64_t pages = w->config.pages ? w->config.pages : 1024;
	struct gpuvm_mapping m;
	struct gpuvm_va_removed *va;
	uint64_t page;

	unlock_leftovers(w);
	for (page = 0; page < pages; page++) {
		if (!gpuvm_lookup(w->vm, page * T_PAGE, &m))
			continue;
		t_lock(w);
		t_ok(gpuvm_va_remove(w->vm, m.addr, m.range, &va));
		t_unlock(w);
		gpuvm_va_removed_free(va);
	}
}
