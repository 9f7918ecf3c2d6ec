"""Shared parts of the Python tests: limits, slaves, helper programs, and the ways to a slave."""

import contextlib
import logging
import os
import pathlib
import queue
import subprocess
import sys
import textwrap
import threading
import time

import rogue
import rogue.interfaces.memory as rim
import rogue.protocols as rp
import rogue.protocols.srp as rps

TOP = pathlib.Path(__file__).resolve().parents[2]
IS_CPYTHON = sys.implementation.name == "cpython"

#: Against hangs only: no test passes or fails by how fast it is.
HANG_S = 120
#: A timeout, in microseconds, that nothing here reaches unless it hangs.
LONG_US = HANG_S * 1_000_000
#: For requests that get no answer.
SHORT_US = 30_000


def master_of(slave):
    """A master of `slave` with a timeout that is never reached."""
    master = rim.Master()
    master._setTimeout(LONG_US)
    master >> slave
    return master


def request(master, kind, address, data):
    """Requests and waits; the transaction's own error, "" for success."""
    master._clearError()
    master._waitTransaction(master._reqTransaction(address, data, 0, 0, kind))
    return master._getError()


class Acting(rim.Slave):
    """Carries out transactions by calling a function."""

    def __init__(self, act, min=4, max=0xFFFFFFFF):
        super().__init__(min, max)
        self.act = act

    def _doTransaction(self, tran):
        self.act(self, tran)


class Keeping(rim.Slave):
    """Keeps its transactions, for the test to answer."""

    def __init__(self, min=4, max=0xFFFFFFFF):
        super().__init__(min, max)
        self.arrived = queue.Queue()

    def _doTransaction(self, tran):
        self._addTransaction(tran)
        self.arrived.put(tran.id())

    def next(self):
        """The next transaction that arrives."""
        return self._getTransaction(self.arrived.get(timeout=HANG_S))


class Memory(rim.Slave):
    """Memory written in Python; answers at once."""

    def __init__(self, min=1, max=0xFFFFFFFF):
        super().__init__(min, max)
        self.bytes = {}
        self.mutex = threading.Lock()

    def _doTransaction(self, tran):
        with self.mutex, tran.lock():
            places = range(tran.address(), tran.address() + tran.size())
            data = bytearray(tran.size())
            if tran.type() in (rim.Write, rim.Post):
                tran.getData(data, 0)
                self.bytes.update(zip(places, data))
            else:
                tran.setData(bytes(self.bytes.get(place, 0) for place in places), 0)
        tran.done()


@contextlib.contextmanager
def thread(function, *arguments):
    """Runs a function in a thread during the block; its exception is raised here."""
    raised = []

    def run():
        try:
            function(*arguments)
        except BaseException as error:
            raised.append(error)

    worker = threading.Thread(target=run)
    worker.start()
    try:
        yield worker
    finally:
        worker.join(HANG_S)
    assert not worker.is_alive(), "the thread hangs"
    if raised:
        raise raised[0]


def threads_named(name):
    """Number of threads of this process with that name."""
    found = []
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError), open("/proc/self/task/%s/comm" % task) as file:
            found.append(file.read().rstrip())
    return found.count(name)


def wait_until(condition):
    """Waits until the condition holds which no event announces; its last result."""
    end = time.monotonic() + HANG_S
    while not (result := condition()) and time.monotonic() < end:
        time.sleep(0.001)
    return result


class Printed:
    """What the process has printed to one of its outputs since the fixture `capfd` was read."""

    def __init__(self, capfd, name):
        self.capfd, self.name, self.text = capfd, name, ""

    def has(self, *texts):
        """Whether these texts come: what another thread prints may come after what it has done."""

        def come():
            self.text += getattr(self.capfd.readouterr(), self.name)
            return all(text in self.text for text in texts)

        return wait_until(come)


def program(source, *arguments, environment=(), **options):
    """Starts a Python program of its own, which finds this folder's modules."""
    path = os.pathsep.join([str(pathlib.Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source), *map(str, arguments)],
        env=dict(os.environ, PYTHONPATH=path, **dict(environment)),
        stdin=options.pop("stdin", subprocess.PIPE),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        **options,
    )


def run(source, *arguments, **options):
    """Runs a program to its end: status, standard output, standard error."""
    process = program(source, *arguments, **options)
    try:
        out, error = process.communicate(timeout=HANG_S)
    finally:
        process.kill()
    return process.returncode, out, error


@contextlib.contextmanager
def logged_by(handler):
    """Sends the messages of emulated memory to a handler of Python's during the block, and not to
    standard output."""
    logger = logging.getLogger("pyrogue")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    rogue.Logging.setFilter("memory.Emulate", rogue.Logging.Debug)
    rogue.Logging.setForwardPython(True)
    rogue.Logging.setEmitStdout(False)
    try:
        yield
    finally:
        rogue.Logging.setForwardPython(False)
        rogue.Logging.setEmitStdout(True)
        rogue.Logging.setFilter("memory.Emulate", rogue.Logging.Error)
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


# --- roads ----------------------------------------------------------------------------------------


class Road:
    """A connected way: masters connect to `near`."""

    def __init__(self, near, *stations):
        self.near = near
        self.stations = stations

    def master(self):
        return master_of(self.near)

    def close(self):
        for station in self.stations:
            station._stop()
        self.near._stop()


def hub_over(slave, offset, kind=rim.Hub):
    hub = kind(offset, 0, 0)
    hub >> slave
    return hub


class PythonHub(rim.Hub):
    """Passes requests on, in Python."""

    def _doTransaction(self, tran):
        super()._doTransaction(tran)


def bridge(slave, **options):
    server = rim.TcpServer("127.0.0.1", 0, **options)
    server._setTimeout(LONG_US)
    server >> slave
    client = rim.TcpClient("127.0.0.1", server.getPort())
    assert client.waitReady(HANG_S, 0.05), client.getStateText()
    return Road(client, server)


def in_process(slave):
    return Road(slave)


def hubs(slave):
    """Without offsets, so that the whole address space is within reach."""
    return Road(hub_over(hub_over(slave, 0), 0))


def python_hubs(slave):
    return Road(hub_over(hub_over(slave, 0, PythonHub), 0, PythonHub))


def two_bridges(slave):
    far = bridge(slave)
    near = bridge(far.near)
    return Road(near.near, *near.stations, far.near, *far.stations)


def one_at_a_time(slave):
    return bridge(slave, window=1)


def srp_device():
    srp, device = rps.SrpV3(), rps.SrpV3Emulation()
    srp == device
    return srp, device


def srp_in_process():
    srp, device = srp_device()
    return Road(hub_over(srp, 0), srp, device)


def bridge_to_srp():
    srp, device = srp_device()
    road = bridge(srp)
    return Road(road.near, *road.stations, srp, device)


def board():
    server = rp.UdpRssiPack(port=0, server=True)
    device = rps.SrpV3Emulation()
    device == server.application(0)
    client = rp.UdpRssiPack(port=server.getPort())
    client.waitOpen(HANG_S)
    srp = rps.SrpV3()
    srp == client.application(0)
    return Road(hub_over(srp, 0), srp, client, server, device)


def bridge_to_board():
    far = board()
    road = bridge(far.near)
    return Road(road.near, *road.stations, far.near, *far.stations)


#: Roads to any slave.
TO_SLAVE = {road.__name__: road for road in (in_process, hubs, python_hubs, bridge, two_bridges)}
#: Roads to memory that is empty at first, with the unit of addresses and sizes.
TO_MEMORY = {
    **{
        name: (lambda road=road: road(rim.Emulate(1, 0xFFFFFFFF)), 1)
        for name, road in TO_SLAVE.items()
    },
    "one_at_a_time": (lambda: one_at_a_time(rim.Emulate(1, 0xFFFFFFFF)), 1),
    "python_memory": (lambda: Road(Memory()), 1),
    "bridge_to_python_memory": (lambda: bridge(Memory()), 1),
    "srp_in_process": (srp_in_process, 4),
    "bridge_to_srp": (bridge_to_srp, 4),
    "board": (board, 4),
    "bridge_to_board": (bridge_to_board, 4),
}
