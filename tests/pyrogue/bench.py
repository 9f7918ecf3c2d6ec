"""Measures a tree of pyrogue's over emulated memory, in this process and behind the bridge.

scripts/check-pyrogue --bench runs it. The bars are those of a quiet machine; a missed one is shown,
a failure ends it with 1.
"""

import statistics
import subprocess
import sys
import time

import pyrogue
import rogue.interfaces.memory as rim

ROUNDS = 7
GETS, SETS = 4000, 1500
#: How often a tree is read as a whole.
READS = 7
SIZES = (1000, 10000)
HANG_S = 120

#: Figure: the bar, and what it is measured in.
BARS = {
    "var.get(), in process": (4.5, "us"),
    "var.get(), bridge": (25.0, "us"),
    "var.set() with verification, bridge": (50.0, "us"),
    "ReadAll of 1000, bridge / in process": (1.5, ""),
    "ReadAll of 10000, bridge / in process": (1.5, ""),
    "ReadAll of 10000, bridge": (0.25, "s"),
}

SERVER = """
import sys
import rogue.interfaces.memory as rim
memory = rim.Emulate(4, 0xFFFFFFFF)
with rim.TcpServer("127.0.0.1", 0) as server:
    server >> memory
    print(server.getPort(), flush=True)
    sys.stdin.read()
"""


class Registers(pyrogue.Device):
    """Registers of 32 bits, each in a block of its own."""

    def __init__(self, count, **more):
        super().__init__(**more)
        for number in range(count):
            self.add(
                pyrogue.RemoteVariable(
                    name="R%d" % number,
                    offset=4 * number,
                    bitSize=32,
                    mode="RW",
                    base=pyrogue.UInt,
                )
            )


class Tree(pyrogue.Root):
    def __init__(self, slave, count):
        super().__init__(name="root", pollEn=False, initRead=False)
        self.addInterface(slave)
        self.add(Registers(count, name="registers", memBase=slave, offset=0x1000))


def per_call_us(call, count):
    """The best mean of some rounds: what others take of the machine is left out."""
    means = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(count):
            call()
        means.append((time.perf_counter() - begin) / count * 1e6)
    return min(means)


def single(slave, figures, where):
    """One register at a time."""
    with Tree(slave, 4) as root:
        variable = root.registers.R1
        variable.set(0x12345678)
        assert variable.get() == 0x12345678
        figures["var.get(), " + where] = per_call_us(variable.get, GETS)
        values = iter(range(1 << 32))
        figures["var.set() with verification, " + where] = per_call_us(
            lambda: variable.set(next(values)), SETS
        )


def whole(slave, figures, where, count):
    """All registers of a tree."""
    with Tree(slave, count) as root:
        for number, variable in enumerate(root.registers.variables.values()):
            if isinstance(variable, pyrogue.RemoteVariable):
                variable.set(number, write=False)
        root.WriteAll()
        seconds = []
        for _ in range(READS):
            begin = time.perf_counter()
            root.ReadAll()
            seconds.append(time.perf_counter() - begin)
        # A failure of ReadAll is only logged by pyrogue; the values tell.
        for number in (0, count // 2, count - 1):
            assert root.registers.node("R%d" % number).value() == number
        figures["ReadAll of %d, %s" % (count, where)] = statistics.median(seconds)


def measure(figures, where, make_slave):
    single(make_slave(), figures, where)
    for count in SIZES:
        whole(make_slave(), figures, where, count)


def main():
    figures = {}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as server:
        port = int(server.stdout.readline())
        measure(figures, "in process", lambda: rim.Emulate(4, 0xFFFFFFFF))
        measure(figures, "bridge", lambda: rim.TcpClient("127.0.0.1", port))
        server.stdin.close()
        server.wait(HANG_S)
    for count in SIZES:
        name = "ReadAll of %d, " % count
        figures[name + "bridge / in process"] = (
            figures[name + "bridge"] / figures[name + "in process"]
        )
    for name, value in figures.items():
        bar, unit = BARS.get(name, (None, "s" if name.startswith("ReadAll") else "us"))
        verdict = "" if bar is None else "bar %g, %s" % (bar, "missed" if value > bar else "held")
        print("%-42s%10.4g %-3s%s" % (name, value, unit, verdict))


if __name__ == "__main__":
    main()
