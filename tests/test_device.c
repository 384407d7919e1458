/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_device.c - what there is to choose, by name: axes, strategies, devices; and what the library says of itself.
 */
#include "support.h"

/* ---- names ---- */

static void names_on_every_axis(void **state)
{
	static const char *const axes[] = { "list", "space", "ref", "alloc", "preset" };
	unsigned int axis, i;

	for (axis = 0; axis < GPUVM_AXIS_COUNT; axis++) {
		assert_string_equal(gpuvm_axis_name(axis), axes[axis]);
		assert_non_null(gpuvm_strategy_name(axis, 0));
		for (i = 0; gpuvm_strategy_name(axis, i); i++)
			assert_true(strlen(gpuvm_strategy_doc(axis, i)) > 0);
		assert_null(gpuvm_strategy_doc(axis, i));
		assert_null(gpuvm_strategy_name(axis, i + 1));
	}
}

static void no_such_axis(void **state)
{
	const struct gpuvm_device_params params = { .preset = "linux", .list = "nosuch" };
	struct gpuvm_device *dev = t_device(NULL, NULL, NULL, NULL);
	unsigned int axis = GPUVM_AXIS_COUNT;

	assert_null(gpuvm_axis_name(axis));
	assert_null(gpuvm_strategy_name(axis, 0));
	assert_null(gpuvm_strategy_doc(axis, 0));
	assert_false(gpuvm_strategy_is_busted(axis, 0));
	assert_false(gpuvm_strategy_is_busted(GPUVM_AXIS_LIST, 1000));
	assert_null(gpuvm_device_strategy(dev, axis));
	assert_true(gpuvm_strategy_unknown(&params, NULL, 0));
	gpuvm_device_put(dev);
}

static void too_much_driver_data(void **state)
{
	const struct gpuvm_gem_params params = { .size = 1, .data_size = SIZE_MAX };
	struct gpuvm_device *dev = t_device(NULL, NULL, NULL, NULL);
	struct gpuvm_gem *gem = NULL;

	t_fails(-ENOMEM, gpuvm_gem_create(dev, &params, &gem));
	assert_null(gem);
	t_fails(-EINVAL, gpuvm_device_churn(dev, 63, 1, false));
	t_fails(-EINVAL, gpuvm_device_churn(dev, 65537, 1, false));
	gpuvm_device_put(dev);
}

static bool known(enum gpuvm_axis axis, const char *name, bool *busted)
{
	unsigned int i;

	for (i = 0; gpuvm_strategy_name(axis, i); i++) {
		if (strcmp(gpuvm_strategy_name(axis, i), name) == 0) {
			*busted = gpuvm_strategy_is_busted(axis, i);
			return true;
		}
	}
	return false;
}

static void catalogue_has_the_contract(void **state)
{
	static const struct {
		enum gpuvm_axis axis;
		const char *name;
		bool busted;
	} want[] = {
		{ GPUVM_AXIS_LIST, "mutex", false },	 { GPUVM_AXIS_LIST, "rcu_hash", false },
		{ GPUVM_AXIS_LIST, "busted", true },	 { GPUVM_AXIS_SPACE, "rbtree_mutex", false },
		{ GPUVM_AXIS_REF, "kref", false },	 { GPUVM_AXIS_ALLOC, "glibc", false },
		{ GPUVM_AXIS_ALLOC, "jemalloc", false }, { GPUVM_AXIS_PRESET, "linux", false },
		{ GPUVM_AXIS_PRESET, "default", false },
	};
	unsigned int i;
	bool busted;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		assert_true(known(want[i].axis, want[i].name, &busted));
		assert_int_equal(busted, want[i].busted);
	}
}

static void unknown_name(enum gpuvm_axis axis, struct gpuvm_device_params params, const char *value)
{
	struct gpuvm_device *dev = NULL;
	char text[512];
	unsigned int i;

	t_fails(-ENOENT, gpuvm_device_create(&params, &dev));
	assert_null(dev);
	assert_true(gpuvm_strategy_unknown(&params, text, sizeof(text)));
	assert_non_null(strstr(text, value));
	for (i = 0; gpuvm_strategy_name(axis, i); i++)
		assert_non_null(strstr(text, gpuvm_strategy_name(axis, i)));
}

static void unknown_names_list_the_known_ones(void **state)
{
	unknown_name(GPUVM_AXIS_PRESET, (struct gpuvm_device_params){ .preset = "nosuch" }, "nosuch");
	unknown_name(GPUVM_AXIS_LIST, (struct gpuvm_device_params){ .preset = "linux", .list = "mutexx" }, "mutexx");
	unknown_name(GPUVM_AXIS_SPACE, (struct gpuvm_device_params){ .preset = "linux", .space = "tree" }, "tree");
	unknown_name(GPUVM_AXIS_REF, (struct gpuvm_device_params){ .preset = "linux", .ref = "Kref" }, "Kref");
	unknown_name(GPUVM_AXIS_ALLOC, (struct gpuvm_device_params){ .preset = "linux", .alloc = "tcmalloc" },
		     "tcmalloc");
	unknown_name(GPUVM_AXIS_LIST, (struct gpuvm_device_params){ .preset = "linux", .list = "" }, "");
}

static void unknown_text_is_always_terminated(void **state)
{
	const struct gpuvm_device_params params = { .preset = "linux", .list = "nosuch" };
	const struct gpuvm_device_params fine = { .preset = "linux" };
	char text[8] = "xxxxxxx";
	char one = 'x';

	assert_true(gpuvm_strategy_unknown(&params, text, sizeof(text)));
	assert_non_null(memchr(text, 0, sizeof(text)));
	assert_true(gpuvm_strategy_unknown(&params, &one, 1));
	assert_int_equal(one, 0);
	assert_false(gpuvm_strategy_unknown(&fine, text, sizeof(text)));
	assert_false(gpuvm_strategy_unknown(NULL, text, sizeof(text)));
}

static void device_says_what_it_is(void **state)
{
	struct gpuvm_device *dev = t_device(NULL, NULL, NULL, NULL);
	const struct gpuvm_device_params busted = { .preset = "linux", .list = "busted" };

	assert_string_equal(gpuvm_device_strategy(dev, GPUVM_AXIS_LIST), "mutex");
	assert_string_equal(gpuvm_device_strategy(dev, GPUVM_AXIS_SPACE), "rbtree_mutex");
	assert_string_equal(gpuvm_device_strategy(dev, GPUVM_AXIS_REF), "kref");
	assert_string_equal(gpuvm_device_strategy(dev, GPUVM_AXIS_ALLOC), "glibc");
	assert_string_equal(gpuvm_device_strategy(dev, GPUVM_AXIS_PRESET), "linux");
	assert_true(gpuvm_device_can(dev, GPUVM_TRAIT_SHRINKS));
	assert_false(gpuvm_device_can(dev, GPUVM_TRAIT_PARTS));
	assert_false(gpuvm_device_can(dev, GPUVM_TRAIT_PARTS + 1));
	gpuvm_device_put(dev);
	t_ok(gpuvm_device_create(&busted, &dev));
	assert_string_equal(gpuvm_device_strategy(dev, GPUVM_AXIS_LIST), "busted");
	assert_null(gpuvm_device_strategy(dev, GPUVM_AXIS_PRESET));
	gpuvm_device_put(dev);
}

static void default_device(void **state)
{
	struct gpuvm_device *dev;

	t_ok(gpuvm_device_create(NULL, &dev));
	assert_string_equal(gpuvm_device_strategy(dev, GPUVM_AXIS_PRESET), "default");
	gpuvm_device_put(dev);
}

/* A sanitizer build has no jemalloc interface of its own: it must say so, not crash. Others must have it. */
static void jemalloc_device(void **state)
{
	const struct gpuvm_device_params params = { .alloc = "jemalloc" };
	struct gpuvm_device *dev = NULL;

	if (T_SANITIZED) {
		t_fails(-ENOTSUP, gpuvm_device_create(&params, &dev));
		assert_null(dev);
		return;
	}
	t_ok(gpuvm_device_create(&params, &dev));
	gpuvm_device_put(dev);
}

static void device_counts(void **state)
{
	struct gpuvm_device *dev;
	struct t_live before;

	t_live_read(&before);
	dev = t_device(NULL, NULL, NULL, NULL);
	assert_ptr_equal(gpuvm_device_get(dev), dev);
	gpuvm_device_put(dev);
	assert_string_equal(gpuvm_device_strategy(dev, GPUVM_AXIS_LIST), "mutex");
	gpuvm_device_put(dev);
	gpuvm_device_put(NULL);
	t_live_same(&before);
}

/* ---- the rest ---- */

static void versions_and_counters_have_names(void **state)
{
	unsigned int i;

	assert_true(strlen(gpuvm_version()) > 0);
	assert_true(strlen(gpuvm_rcu_flavour()) > 0);
	for (i = 0; i < GPUVM_STAT_COUNT; i++) {
		assert_true(strlen(gpuvm_stat_name(i)) > 0);
		assert_true(strlen(gpuvm_stat_doc(i)) > 0);
	}
	assert_null(gpuvm_stat_name(GPUVM_STAT_COUNT));
	assert_null(gpuvm_stat_doc(GPUVM_STAT_COUNT));
	for (i = 0; i < GPUVM_TYPE_COUNT; i++)
		assert_true(strlen(gpuvm_debug_type_name(i)) > 0);
}

static void threads_nest(void **state)
{
	gpuvm_thread_enter();
	gpuvm_thread_enter();
	gpuvm_quiesce();
	gpuvm_thread_leave();
	gpuvm_thread_leave();
	gpuvm_quiesce();
}

/* What the release build cannot do, it says. */
static void debug_says_what_it_can(void **state)
{
	if (gpuvm_debug_enabled()) {
		t_ok(gpuvm_debug_fail_alloc(0, false));
		assert_true(gpuvm_debug_live(GPUVM_TYPE_DEVICE) >= 0);
	} else {
		t_fails(-ENOTSUP, gpuvm_debug_fail_alloc(1, false));
		assert_int_equal(gpuvm_debug_live(GPUVM_TYPE_DEVICE), -ENOTSUP);
	}
	gpuvm_debug_signalling_begin();
	gpuvm_debug_signalling_end();
	assert_int_equal(gpuvm_debug_locks_held(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_on_every_axis),
		cmocka_unit_test(no_such_axis),
		cmocka_unit_test(too_much_driver_data),
		cmocka_unit_test(catalogue_has_the_contract),
		cmocka_unit_test(unknown_names_list_the_known_ones),
		cmocka_unit_test(unknown_text_is_always_terminated),
		cmocka_unit_test(device_says_what_it_is),
		cmocka_unit_test(default_device),
		cmocka_unit_test(jemalloc_device),
		cmocka_unit_test(device_counts),
		cmocka_unit_test(versions_and_counters_have_names),
		cmocka_unit_test(threads_nest),
		cmocka_unit_test(debug_says_what_it_can),
	};

	return t_run("device", tests, ARRAY_SIZE(tests));
}
