"""What the benchmark measures within one Python process.

inprocess.py --list
inprocess.py FIGURE seconds=S | count=N
"""

import json
import sys
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


FIGURES = {function.__name__: function for function in (emulate, python_slave, burst_10000)}


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
