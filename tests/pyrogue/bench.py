"""Measures a tree of pyrogue's over emulated memory, in this process and behind the bridge.

scripts/check-pyrogue --bench runs it. The bars are those of a quiet machine: a missed one is only
shown. A read or write that fails ends the program.

The rounds are short, and the best counts: the rest is what other programs take of the machine, and
pyrogue's update thread, which makes a value for listeners of each update and falls behind. Beside
each figure stands the processor time of the calling thread in the best round: on a machine that is
not quiet the figure itself says more about the machine.
"""

import contextlib
import subprocess
import sys
import time

import pyrogue
import rogue.interfaces.memory as rim

ROUNDS, CALLS = 40, 200
#: How often a tree is read as a whole, in either place by turns.
READS = 9
SIZES = (1000, 10000)
HANG_S = 120
HERE, THERE = "in process", "over the bridge"

#: The bar of a figure, in its unit.
BARS = {
    "var.get(), " + HERE: 4.5,
    "var.get(), " + THERE: 25.0,
    "var.set() with verification, " + THERE: 50.0,
    "ReadAll of 1000, bridge / in process": 1.5,
    "ReadAll of 10000, bridge / in process": 1.5,
    "ReadAll of 1000, " + THERE: 0.25,
    "ReadAll of 10000, " + THERE: 0.25,
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

    def __init__(self, count, mode="RW", **more):
        super().__init__(**more)
        for number in range(count):
            self.add(
                pyrogue.RemoteVariable(
                    name="R%d" % number,
                    offset=4 * number,
                    bitSize=32,
                    mode=mode,
                    base=pyrogue.UInt,
                )
            )


class Tree(pyrogue.Root):
    def __init__(self, slave, count):
        super().__init__(name="root", pollEn=False)
        self.addInterface(slave)
        self.add(Registers(count, name="registers", memBase=slave, offset=0x1000))


def timed(root, call, count):
    """The time of some calls, and the calling thread's part of it, in seconds."""
    root.waitOnUpdate()
    begin, cpu = time.perf_counter(), time.thread_time()
    for _ in range(count):
        call()
    return time.perf_counter() - begin, time.thread_time() - cpu


def best(rounds, scale=1.0):
    """The shortest time, and the shortest part of the calling thread."""
    return tuple(min(times) * scale for times in zip(*rounds))


def per_call_us(root, call):
    rounds = [timed(root, call, CALLS) for _ in range(ROUNDS)]
    return best(rounds, 1e6 / CALLS)


def single(root, figures, where):
    """One register at a time."""
    variable, values = root.registers.R1, iter(range(1 << 32))
    variable.set(0x12345678)
    assert variable.get() == 0x12345678
    figures["var.get(), " + where] = per_call_us(root, variable.get)
    figures["var.set() with verification, " + where] = per_call_us(
        root, lambda: variable.set(next(values))
    )


def whole(roots, figures, count):
    """All registers of each tree, which have `count` of them."""
    for root in roots.values():
        for number in range(count):
            root.registers.node("R%d" % number).set(number, write=False)
        root.WriteAll()
    seconds = {where: [] for where in roots}
    for _ in range(READS):
        for where, root in roots.items():
            seconds[where].append(timed(root, root.ReadAll, 1))
            # A failure of ReadAll is logged by pyrogue, not raised.
            assert root.SystemLogLast.value() == "", root.SystemLogLast.value()
    here, there = best(seconds[HERE]), best(seconds[THERE])
    figures["ReadAll of %d, %s" % (count, HERE)] = here
    figures["ReadAll of %d, %s" % (count, THERE)] = there
    ratio = tuple(far / near for far, near in zip(there, here))
    figures["ReadAll of %d, bridge / in process" % count] = ratio


def measure(port):
    """All figures."""
    figures = {}
    for count in SIZES:
        slaves = {
            HERE: rim.Emulate(4, 0xFFFFFFFF),
            THERE: rim.TcpClient("127.0.0.1", port),
        }
        with contextlib.ExitStack() as stack:
            roots = {
                where: stack.enter_context(Tree(slave, count)) for where, slave in slaves.items()
            }
            if count == SIZES[0]:
                for where, root in roots.items():
                    single(root, figures, where)
            whole(roots, figures, count)
    return figures


def main():
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        figures = measure(int(server.stdout.readline()))
        server.stdin.close()
        server.wait(HANG_S)
    print("%-48s%11s%14s" % ("figure", "time", "of the caller"))
    for name, (value, cpu) in figures.items():
        unit = ("" if "/" in name else "s") if name.startswith("ReadAll") else "us"
        bar = BARS.get(name)
        verdict = "" if bar is None else "bar %g: %s" % (bar, "missed" if value > bar else "held")
        print("%-48s%11.4g%14.4g %-3s%s" % (name, value, cpu, unit, verdict))


if __name__ == "__main__":
    main()
