"""A tree of pyrogue's, whose registers are behind the bridge, published by pyrogue's EPICS servers.

Three processes: the registers (emulated memory behind a TcpServer), the tree with its EPICS server,
and this one, a client of pvAccess. It gets, puts and monitors every register, and looks at the
registers through the bridge, behind the tree's back. As a program it prints figures.
"""

import concurrent.futures
import contextlib
import functools
import itertools
import json
import logging
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
import traceback

import rogue.interfaces.memory as rim

VERSIONS = ("epicsV4", "epicsV7")
COUNT = 1000
DEVICES = ("registers", "inputs")
#: Addresses of the first register, and of the first one that is only read.
BASE, INPUTS_BASE = 0x1000, 0x10000
#: Against hangs only.
HANG_S = 120
#: How long the first events of monitors may take before they are made again.
BEGIN_S = 3.0
#: How long updates are counted, and how many latencies are taken.
SECONDS, LATENCIES = 5.0, 300
#: Time between two changes of all registers.
CHANGE_S = 0.01


def publish(version, port):
    """The process with the tree. Reads all registers without end once a line has come."""
    import pyrogue
    import pyrogue.protocols.epicsV4
    import pyrogue.protocols.epicsV7

    from bench import Registers, Tree

    client = rim.TcpClient("127.0.0.1", port)
    tree = Tree(client, COUNT)
    # The server over softioc tells monitors of what the hardware changes only in registers that
    # are only read.
    inputs = Registers(COUNT, "RO", name="inputs", memBase=client, offset=INPUTS_BASE)
    tree.add(inputs)
    server = getattr(pyrogue.protocols, version).EpicsPvServer(base="board", root=tree)
    # The one over softioc adds itself.
    if version == "epicsV4":
        tree.addProtocol(server)
    with tree:
        tree.ReadAll()
        tree.waitOnUpdate()
        names = server.list()
        paths = ["root.%s.R%d" % (device, n) for device in DEVICES for n in range(COUNT)]
        print(json.dumps([names[path] for path in paths]), flush=True)
        if sys.stdin.readline():
            threading.Thread(target=read_on, args=(tree,), daemon=True).start()
            sys.stdin.read()


def read_on(tree):
    while tree.running:
        tree.ReadAll()
        tree.waitOnUpdate()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


class Published:
    """A tree that is published in a process of its own."""

    def __init__(self, version, registers_port):
        self.port = free_port()
        environment = {
            **os.environ,
            "EPICS_PVAS_SERVER_PORT": str(self.port),
            "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
            "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
            "EPICS_CAS_SERVER_PORT": str(free_port()),
            "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
            "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        }
        self.process = subprocess.Popen(
            [sys.executable, __file__, version, str(registers_port)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        # EPICS and pyrogue print, too.
        lines = iter(self.process.stdout.readline, "")
        named = next((line for line in lines if line.startswith("[")), None)
        assert named, "the process with the tree has ended"
        names = json.loads(named)
        self.names, self.inputs = names[:COUNT], names[COUNT:]
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def read_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(HANG_S)
        finally:
            self.process.kill()


class Monitors:
    """The latest value of each register, as its monitor told it."""

    def __init__(self, context, names):
        self.changed = threading.Condition()
        self.values, self.events = {}, 0
        self.subscriptions = {}
        end = time.monotonic() + HANG_S
        while missing := [at for at in range(len(names)) if at not in self.values]:
            assert time.monotonic() < end, "%d monitors do not begin" % len(missing)
            # p4p loses an event that comes before its `monitor` has returned, and all after it, and
            # says so.
            for at in missing:
                if at in self.subscriptions:
                    self.subscriptions[at].close()
                tell = functools.partial(self.tell, at)
                self.subscriptions[at] = context.monitor(names[at], tell)
            with self.changed:
                self.changed.wait_for(lambda: len(self.values) == len(names), BEGIN_S)

    def tell(self, at, value):
        with self.changed:
            self.values[at] = int(value)
            self.events += 1
            self.changed.notify_all()

    def wait(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, HANG_S), "monitors do not tell"

    def wait_values(self, expected):
        wanted = dict(enumerate(expected))
        self.wait(lambda: self.values == wanted)

    def close(self):
        for one in self.subscriptions.values():
            one.close()


class Hardware:
    """Registers, seen through a client of the bridge of its own."""

    def __init__(self, port, base):
        self.master = rim.Master()
        self.master >> rim.TcpClient("127.0.0.1", port)
        self.places = range(base, base + 4 * COUNT, 4)

    def write(self, values):
        data = b"".join(value.to_bytes(4, "little") for value in values)
        rim.writeMany(self.master, self.places, data)

    def read(self):
        data = rim.readMany(self.master, self.places, 4)
        return list(memoryview(data).cast("I"))


@contextlib.contextmanager
def system(version):
    """The three processes: registers, the published tree, and a context of pvAccess."""
    from p4p.client.thread import Context

    from bench import SERVER

    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        port = int(server.stdout.readline())
        registers, inputs = (Hardware(port, base) for base in (BASE, INPUTS_BASE))
        registers.write([3 * n + 1 for n in range(COUNT)])
        published = Published(version, port)
        try:
            configuration = {
                "EPICS_PVA_NAME_SERVERS": "127.0.0.1:%d" % published.port,
                "EPICS_PVA_AUTO_ADDR_LIST": "NO",
                "EPICS_PVA_ADDR_LIST": "",
            }
            with Context("pva", conf=configuration, useenv=False) as context:
                yield registers, inputs, published, context
                # p4p can hang if a monitor is closed while its events come.
                published.stop()
        finally:
            published.stop()
        server.stdin.close()
        server.wait(HANG_S)


def exercise(version):
    """Gets, puts and monitors every register; the figures."""
    logging.getLogger("p4p.client.thread").setLevel(logging.CRITICAL)
    figures = {}
    with system(version) as (registers, inputs, published, context):
        names = published.names
        monitors = Monitors(context, names)
        monitors.wait_values([3 * n + 1 for n in range(COUNT)])

        values, seconds = timed(lambda: context.get(names, timeout=HANG_S))
        assert [int(value) for value in values] == [3 * n + 1 for n in range(COUNT)]
        figures["gets/s"] = COUNT / seconds

        wanted = [1000 + 7 * n for n in range(COUNT)]
        _, seconds = timed(lambda: context.put(names, wanted, timeout=HANG_S))
        figures["puts/s"] = COUNT / seconds
        monitors.wait_values(wanted)
        # softioc writes a register after its answer to the put.
        end = time.monotonic() + HANG_S
        while registers.read() != wanted:
            assert time.monotonic() < end, "puts do not reach the registers"

        latencies_us = [latency_us(context, names[0], monitors, n) for n in range(LATENCIES)]
        figures["put to monitor, us"] = statistics.median(latencies_us)
        monitors.close()

        # What changes in the hardware reaches the monitors with the tree's next read.
        monitors = Monitors(context, published.inputs)
        changed = [5000 + n for n in range(COUNT)]
        inputs.write(changed)
        published.read_on()
        monitors.wait_values(changed)
        figures["updates/s"] = updates_per_s(inputs, monitors)
    return figures


def latency_us(context, name, monitors, value):
    """The time from a put to the monitor's event."""
    begin = time.perf_counter()
    context.put(name, value, timeout=HANG_S, wait=False)
    monitors.wait(lambda: monitors.values[0] == value)
    return (time.perf_counter() - begin) * 1e6


def updates_per_s(inputs, monitors):
    """Events a second while all registers change all the time."""
    done, value = threading.Event(), itertools.count(10000)

    def change():
        while not done.wait(CHANGE_S):
            inputs.write([next(value)] * COUNT)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        changing = pool.submit(change)
        begin, before = time.perf_counter(), monitors.events
        done.wait(SECONDS)
        rate = (monitors.events - before) / (time.perf_counter() - begin)
        done.set()
        changing.result()
    return rate


def timed(call):
    begin = time.perf_counter()
    result = call()
    return result, time.perf_counter() - begin


if __name__ == "__main__":
    if len(sys.argv) > 1:
        # The server over softioc ends with its process only.
        status = 1
        try:
            publish(sys.argv[1], int(sys.argv[2]))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    for tested in VERSIONS:
        for name, value in exercise(tested).items():
            print("%-48s%11.4g" % ("%s of %d, %s" % (tested, COUNT, name), value))
