"""The machine that figures come from, and whether it was quiet."""

import datetime
import os
import platform
import re
import subprocess

CPU_FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def first_line(path):
    """The first line of a file, or None where there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return None


def said(*command):
    """The first line that a command prints, or None where it does not run."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
    except OSError:
        return None
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else None


def cpuinfo():
    """The first processor's description as a dictionary."""
    found = {}
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, separator, value = line.partition(":")
                if not separator:
                    break
                found[key.strip()] = value.strip()
    except OSError:
        pass
    return found


def memory_total_bytes():
    """Main memory, 0 where the kernel does not tell."""
    match = re.match(r"MemTotal:\s+(\d+) kB", first_line("/proc/meminfo") or "")
    return int(match.group(1)) * 1024 if match else 0


def mitigations():
    """What the kernel does about each weakness of the processor."""
    folder = "/sys/devices/system/cpu/vulnerabilities"
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return {}
    return {name: first_line(os.path.join(folder, name)) for name in names}


def describe(top):
    """The machine and the software as one dictionary; `top` is the project's folder."""
    cpu = cpuinfo()
    flags = cpu.get("flags", "").split()
    git = ["git", "-C", top]
    return {
        "time": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "architecture": platform.machine(),
        "cpu": cpu.get("model name") or cpu.get("Processor") or platform.processor(),
        "cpus": os.cpu_count(),
        "cpus_allowed": sorted(os.sched_getaffinity(0)),
        "cpu_mhz": cpu.get("cpu MHz"),
        "cache": cpu.get("cache size"),
        "virtual": "hypervisor" in flags,
        "governor": first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "idle_driver": first_line("/sys/devices/system/cpu/cpuidle/current_driver"),
        "mitigations": mitigations(),
        "memory_bytes": memory_total_bytes(),
        "kernel": platform.release(),
        "system": said("sh", "-c", '. /etc/os-release && echo "$PRETTY_NAME"'),
        "libc": " ".join(platform.libc_ver()),
        "cc": said(os.environ.get("CC", "cc"), "--version"),
        "rustc": said("rustc", "--version"),
        "cmake": said("cmake", "--version"),
        "libzmq": said("pkg-config", "--modversion", "libzmq"),
        "valgrind": said("valgrind", "--version"),
        "python": platform.python_version(),
        "commit": said(*git, "rev-parse", "HEAD"),
        "changed": said(*git, "status", "--porcelain", "--untracked-files=no") is not None,
        "load_average": list(os.getloadavg()),
    }


def in_words(machine):
    """The machine in one line."""
    words = [
        "%s, %d CPUs" % (machine["cpu"], machine["cpus"]),
        "%.0f GiB" % (machine["memory_bytes"] / (1 << 30)),
        "virtual machine" if machine["virtual"] else None,
        machine["system"],
        "Linux " + machine["kernel"],
        machine["rustc"],
        machine["cc"],
        "libzmq " + machine["libzmq"] if machine["libzmq"] else None,
        "commit " + machine["commit"][:12] if machine["commit"] else None,
    ]
    return ", ".join(word for word in words if word)


class CpuTimes:
    """How the CPUs' time is spent from now on."""

    def __init__(self):
        self.before = self._read()

    @staticmethod
    def _read():
        words = (first_line("/proc/stat") or "cpu").split()[1:]
        return dict(zip(CPU_FIELDS, (int(word) for word in words)))

    def shares(self):
        """Share of each kind since the beginning, 0 to 1; empty where the kernel does not tell."""
        now = self._read()
        spent = {key: now[key] - self.before.get(key, 0) for key in now}
        total = sum(spent.values())
        return {key: value / total for key, value in spent.items()} if total > 0 else {}
