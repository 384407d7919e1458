# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The machine: its fingerprint, whether it is fit for measuring now, and what to type to make it so.

A check says ok, bad or unknown. Unknown is never ok: --strict refuses on either, unless the check is named in --allow.
"""

import glob
import os
import platform
import re

OK, BAD, UNKNOWN = "ok", "bad", "unknown"


def _read(path):
    try:
        with open(path, errors="replace") as f:
            return f.read().strip()
    except OSError:
        return None


def _cpuinfo(key):
    m = re.search(rf"^{key}\s*: (.*)$", _read("/proc/cpuinfo") or "", re.MULTILINE)
    return m.group(1).strip() if m else None


def fingerprint():
    """What a number depends on. Names no host and no user."""
    return {
        "cpu": _cpuinfo("model name") or platform.machine(), "microcode": _cpuinfo("microcode"),
        "cpus": len(os.sched_getaffinity(0)), "hypervisor": "hypervisor" in (_cpuinfo("flags") or "").split(),
        "memory_kib": int((re.search(r"MemTotal:\s*(\d+)", _read("/proc/meminfo") or "") or [0, 0])[1]),
        "kernel": platform.release(), "libc": " ".join(platform.libc_ver()), "numa_nodes":
            len(glob.glob("/sys/devices/system/node/node[0-9]*")) or None,
        "cmdline_mitigations": "mitigations=off" in (_read("/proc/cmdline") or ""),
        "malloc_conf": os.environ.get("MALLOC_CONF"), "preload": os.environ.get("LD_PRELOAD"),
    }


# ---- checks: each returns (verdict, what it saw, command that would mend it or None) ----


def _governor():
    seen = {_read(p) for p in glob.glob("/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")} - {None}
    if not seen:
        return UNKNOWN, "no cpufreq (a virtual machine?): the host decides the clock", None
    return (OK if seen == {"performance"} else BAD, ", ".join(sorted(seen)), "cpupower frequency-set -g performance")


def _boost():
    no_turbo = _read("/sys/devices/system/cpu/intel_pstate/no_turbo")
    if no_turbo is not None:
        return (OK if no_turbo == "1" else BAD, f"no_turbo={no_turbo}",
                "echo 1 >/sys/devices/system/cpu/intel_pstate/no_turbo")
    boost = _read("/sys/devices/system/cpu/cpufreq/boost")
    if boost is None:
        return UNKNOWN, "no switch for it", None
    return OK if boost == "0" else BAD, f"boost={boost}", "echo 0 >/sys/devices/system/cpu/cpufreq/boost"


def _smt():
    active = _read("/sys/devices/system/cpu/smt/active")
    if active is None:
        return UNKNOWN, "the kernel does not say", None
    return OK if active == "0" else BAD, "on" if active == "1" else "off", "echo off >/sys/devices/system/cpu/smt/control"


def _load():
    text = _read("/proc/loadavg")
    if not text:
        return UNKNOWN, "no /proc/loadavg", None
    busy = float(text.split()[0])
    return OK if busy < 0.5 else BAD, f"{busy:.2f} over the last minute", None


def _pressure():
    text = _read("/proc/pressure/cpu")
    m = re.search(r"some avg10=([0-9.]+)", text or "")
    if not m:
        return UNKNOWN, "no /proc/pressure", None
    return OK if float(m.group(1)) < 5 else BAD, f"{m.group(1)} % of the last 10 s somebody waited for a CPU", None


def cpu_times():
    """(steal, all) jiffies since boot; None if unknown."""
    m = re.match(r"cpu\s+(.*)", _read("/proc/stat") or "")
    fields = [int(x) for x in m.group(1).split()[:8]] if m else []
    return (fields[7], sum(fields)) if len(fields) == 8 else None


def _steal():
    times = cpu_times()
    if not times:
        return UNKNOWN, "no /proc/stat", None
    share = times[0] / max(1, times[1])
    return OK if share < 0.005 else BAD, f"{share:.1%} of CPU time since boot went to other guests", None


def _throttling():
    files = glob.glob("/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count")
    if not files:
        return UNKNOWN, "no counters", None
    total = sum(int(_read(p) or 0) for p in files)
    return OK if not total else BAD, f"{total} events since boot", None


def _quota():
    m = re.search(r"^0::(.*)$", _read("/proc/self/cgroup") or "", re.MULTILINE)
    if not m:
        return UNKNOWN, "no cgroup v2", None
    path, seen = m.group(1), []
    while True:
        text = _read(f"/sys/fs/cgroup{path.rstrip('/')}/cpu.max")
        if text and not text.startswith("max"):
            seen.append(text)
        if path in ("", "/"):
            break
        path = os.path.dirname(path)
    return (BAD, f"cpu.max {seen[0]}", None) if seen else (OK, "none", None)


def _clock():
    source = _read("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    if source is None:
        return UNKNOWN, "the kernel does not say", None
    return (OK if source in ("tsc", "kvm-clock", "arch_sys_counter") else BAD, source,
            "echo tsc >/sys/devices/system/clocksource/clocksource0/current_clocksource")


def _aslr():
    value = _read("/proc/sys/kernel/randomize_va_space")
    if value is None:
        return UNKNOWN, "the kernel does not say", None
    # On is right: each launch draws another layout, so layout luck becomes noise instead of bias.
    return OK if value == "2" else BAD, f"randomize_va_space={value}", "sysctl kernel.randomize_va_space=2"


def _allocator():
    if os.environ.get("LD_PRELOAD"):
        return BAD, "LD_PRELOAD is set: the allocator may not be the one that is named", "unset LD_PRELOAD"
    if os.environ.get("MALLOC_CONF"):
        return BAD, "MALLOC_CONF is set: jemalloc runs with other options", "unset MALLOC_CONF"
    return OK, "nothing preloaded, no MALLOC_CONF", None


CHECKS = {"governor": _governor, "boost": _boost, "smt": _smt, "load": _load, "pressure": _pressure, "steal": _steal,
          "throttling": _throttling, "quota": _quota, "clock": _clock, "aslr": _aslr, "allocator": _allocator}


def environment():
    """{check: [verdict, what it saw, command or None]}"""
    out = {}
    for name, check in CHECKS.items():
        try:
            out[name] = list(check())
        except (OSError, ValueError) as error:
            out[name] = [UNKNOWN, f"the check failed: {error}", None]
    return out


def objections(seen, allowed):
    """Lines, one for each check that is not ok and not allowed."""
    return [f"{name}: {verdict}: {what}" for name, (verdict, what, _) in seen.items() if verdict != OK and name not in allowed]


def tuning(seen):
    """(check, command) for what a command can mend."""
    return [(name, command) for name, (verdict, _, command) in seen.items() if verdict == BAD and command]


def slug():
    """The machine's name in the store; the same rule as in bench/machine.c."""
    size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")
    text = f"{_cpuinfo('model name') or 'unknown CPU'} {len(os.sched_getaffinity(0))}c {(size + (1 << 29)) >> 30}G"
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).lstrip("-")
