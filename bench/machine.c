/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * machine.c - topology and pinning through hwloc, clocks, fingerprint.
 */
#include "machine.h"

#include <ctype.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "version.h"

static hwloc_topology_t topology;
static hwloc_obj_t *pus; /* in the order in which threads are placed */
static unsigned int nr_pus;
static char model[96] = "unknown CPU";
static char slug[128];

/* Round @round takes each core's @round-th PU, so that SMT siblings come last. */
static void order_pus(hwloc_const_cpuset_t allowed)
{
	int total = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
	hwloc_obj_t pu = NULL, core;
	int round;

	pus = calloc(total > 0 ? (size_t)total : 1, sizeof(*pus));
	for (round = 0; pus && round < total; round++) {
		pu = NULL;
		while ((pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu))) {
			core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);
			if ((core ? (int)pu->sibling_rank : 0) == round && hwloc_bitmap_isset(allowed, pu->os_index))
				pus[nr_pus++] = pu;
		}
	}
}

static void read_model(void)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256], *value;

	while (f && fgets(line, sizeof(line), f)) {
		value = strchr(line, ':');
		if (strncmp(line, "model name", 10) || !value)
			continue;
		value += 1 + strspn(value + 1, " ");
		snprintf(model, sizeof(model), "%.*s", (int)strcspn(value, "\n"), value);
		break;
	}
	if (f)
		fclose(f);
}

static void make_slug(void)
{
	uint64_t bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	char text[128];
	size_t n = 0;
	const char *p;

	snprintf(text, sizeof(text), "%s %uc %lluG", model, nr_pus, (unsigned long long)((bytes + (1ull << 29)) >> 30));
	for (p = text; *p && n + 1 < sizeof(slug); p++) {
		if (isalnum((unsigned char)*p))
			slug[n++] = (char)tolower((unsigned char)*p);
		else if (n && slug[n - 1] != '-')
			slug[n++] = '-';
	}
	slug[n] = 0;
}

int machine_init(void)
{
	hwloc_cpuset_t allowed;

	if (hwloc_topology_init(&topology) || hwloc_topology_load(topology))
		return -ENODEV;
	allowed = hwloc_bitmap_alloc();
	if (!allowed)
		return -ENOMEM;
	if (hwloc_get_cpubind(topology, allowed, HWLOC_CPUBIND_PROCESS))
		hwloc_bitmap_copy(allowed, hwloc_topology_get_allowed_cpuset(topology));
	order_pus(allowed);
	hwloc_bitmap_free(allowed);
	read_model();
	make_slug();
	return nr_pus ? 0 : -ENODEV;
}

void machine_fini(void)
{
	free(pus);
	hwloc_topology_destroy(topology);
}

unsigned int machine_cpus(void)
{
	return nr_pus;
}

int machine_pin(unsigned int index)
{
	return hwloc_set_cpubind(topology, pus[index % nr_pus]->cpuset, HWLOC_CPUBIND_THREAD) ? -errno : 0;
}

const char *machine_model(void)
{
	return model;
}

const char *machine_slug(void)
{
	return slug;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t machine_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t machine_cpu_time(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

const char *machine_libs(void)
{
	static char text[256];
	struct utsname u;

	if (!*text && !uname(&u))
		snprintf(text, sizeof(text), "%s, glibc %s, kernel %s", GPUVM_LIB_VERSIONS, gnu_get_libc_version(),
			 u.release);
	return text;
}
