"""What the benchmark measures within one Python process.

inprocess.py --list
inprocess.py FIGURE seconds=S | count=N
"""

import json
import sys
import threading
import time

import rogue.interfaces.memory as rim

BURST_COUNT = 10_000
# Requests and waits between two looks at the clock.
ROUND_COUNT = 200
TIMEOUT_US = 10_000_000
VALUE = b"\x67\x45\x23\x01"


class Answering(rim.Slave):
    """Memory of one register, in Python."""

    def __init__(self):
        super().__init__(4, 4)

    def _doTransaction(self, tran):
        tran.setData(VALUE, 0)
        tran.done()


def reads_of(slave):
    """A function that makes some reads, one after the other, and returns how many."""
    master, buffer = rim.Master(), bytearray(4)
    master >> slave
    request, wait, kind = master._reqTransaction, master._waitTransaction, rim.Read

    def reads():
        for _ in range(ROUND_COUNT):
            wait(request(0x100, buffer, 4, 0, kind))
        if buffer != VALUE or master._getError():
            sys.exit("has read %r: %s" % (bytes(buffer), master._getError()))
        return ROUND_COUNT

    return reads


def emulate():
    """Reads of emulated memory."""
    memory, master = rim.Emulate(4, 4), rim.Master()
    master >> memory
    rim.write(master, 0x100, VALUE)
    return reads_of(memory)


def python_slave():
    """Reads of a slave in Python."""
    return reads_of(Answering())


def burst_10000():
    """10 000 reads over the bridge, all outstanding before the first is waited for."""
    server = rim.TcpServer("127.0.0.1", 0)
    server >> rim.Emulate(4, 4)
    client, master = rim.TcpClient("127.0.0.1", server.getPort()), rim.Master()
    master._setTimeout(TIMEOUT_US)
    master >> client
    rim.write(master, 0x100, VALUE)
    buffers = [bytearray(4) for _ in range(BURST_COUNT)]

    def burst():
        for buffer in buffers:
            buffer[:] = bytes(4)
            master._reqTransaction(0x100, buffer, 4, 0, rim.Read)
        master._waitTransaction(0)
        lost = sum(buffer != VALUE for buffer in buffers)
        if lost or server is None:
            sys.exit("%d of %d reads were lost: %s" % (lost, BURST_COUNT, master._getError()))
        return BURST_COUNT

    return burst


class Model:
    """Of unsigned integers."""

    modelId, isBigEndian, bitReverse, binPoint = rim.UInt, False, False, 0


class Scalar:
    numValues = valueBits = valueStride = 0


def block_of(slave, address=0x100):
    """A block of one register of 12 bits, which is verified and tells no updates."""
    limits, flags = (0, 4095), (False, True, True, False)
    register = rim.Variable("v", "RW", *limits, 0, [4], [12], *flags, Model, Scalar, 0)
    block = rim.Block(address, 4)
    block >> slave
    block._setTimeout(TIMEOUT_US)
    block.addVariables([register])
    block.setEnable(True)
    return block, register


def variable():
    """Reads of a register in emulated memory, as pyrogue makes them."""
    block, register = block_of(rim.Emulate(4, 4))
    register._set(0xABC, -1)
    block._startTransaction(rim.Write, True, True, register, -1)
    start, check, value, kind = (
        *(block._startTransaction, block._checkTransaction, register._get),
        rim.Read,
    )

    def reads():
        for _ in range(ROUND_COUNT):
            start(kind, False, False, register, -1)
            check()
            found = value(-1)
        if found != 0xABC:
            sys.exit("has read %r" % found)
        return ROUND_COUNT

    return reads


def staged_set():
    """Values of a register that are staged."""
    kept, register = block_of(rim.Emulate(4, 4))
    stage = register._set

    def sets():
        for value in range(ROUND_COUNT):
            stage(value, -1)
        if register._get(-1) != ROUND_COUNT - 1 or kept is None:
            sys.exit("has staged %r" % register._get(-1))
        return ROUND_COUNT

    return sets


def staged_get():
    """Staged values of a register that are looked at."""
    kept, register = block_of(rim.Emulate(4, 4))
    register._set(0xABC, -1)
    staged = register._get

    def gets():
        for _ in range(ROUND_COUNT):
            found = staged(-1)
        if found != 0xABC or kept is None:
            sys.exit("has seen %r" % found)
        return ROUND_COUNT

    return gets


def staged_contended():
    """A value that is staged and looked at, beside a thread that computes."""
    kept, register = block_of(rim.Emulate(4, 4))
    stage, staged = register._set, register._get

    def compute():
        number = 0
        while True:
            number += 1

    threading.Thread(target=compute, daemon=True).start()

    def pairs():
        for value in range(ROUND_COUNT):
            stage(value, -1)
            if staged(-1) != value or kept is None:
                sys.exit("has seen %r" % staged(-1))
        return ROUND_COUNT

    return pairs


def map_10000():
    """10 000 registers of blocks of their own, read over the bridge with one call, per register."""
    server = rim.TcpServer("127.0.0.1", 0)
    server >> rim.Emulate(4, 4)
    client = rim.TcpClient("127.0.0.1", server.getPort())
    pairs = [block_of(client, 4 * number) for number in range(BURST_COUNT)]
    registers = [register for _, register in pairs]
    values = [number % 4096 for number in range(BURST_COUNT)]
    for register, value in zip(registers, values):
        register._set(value, -1)
    rim.writeAll([block for block, _ in pairs])

    def reads():
        if rim.getAll(registers) != values or server is None or not pairs:
            sys.exit("has read other values")
        return BURST_COUNT

    return reads


FIGURES = {
    function.__name__: function
    for function in (
        *(emulate, python_slave, burst_10000),
        *(variable, staged_set, staged_get, staged_contended, map_10000),
    )
}


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(FIGURES))
        return
    work = FIGURES[sys.argv[1]]()
    kind, limit = sys.argv[2].split("=")
    work()
    done, start, cpu = 0, time.perf_counter_ns(), time.process_time_ns()
    elapsed = 0
    while done < float(limit) if kind == "count" else elapsed < float(limit) * 1e9:
        done += work()
        elapsed = time.perf_counter_ns() - start
    used = time.process_time_ns() - cpu
    answer = {"transactions": done, "elapsed_ns": max(elapsed, 1), "cpu_ns": used}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
