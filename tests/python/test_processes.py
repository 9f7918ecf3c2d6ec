"""Several processes: the examples, clients and servers of their own, and peers on libzmq."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import rogue.interfaces.memory as rim
import zmq

from support import HANG_S, TOP, Memory, master_of, program

EXAMPLES = TOP / "examples" / "python"
ALONE = [
    "asynchronous",
    "custom_master",
    "custom_slave",
    "hub",
    "logger",
    "record",
    "stream",
    "tree",
]
#: Each with what its client says.
PAIRS = [
    ("bridge_server", "bridge_client", "register 0x1000 holds 0x12345678"),
    ("fpga_emulator", "fpga_bridge", "link: opened 1 times"),
]


def test_every_example_is_run():
    paired = {name for server, client, _ in PAIRS for name in (server, client)}
    assert {file.stem for file in EXAMPLES.glob("*.py")} == set(ALONE) | paired


@pytest.mark.parametrize("name", ALONE)
def test_an_example_does_what_it_says(name):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / (name + ".py"))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("server, client, text", PAIRS)
def test_examples_talk_to_each_other(server, client, text):
    done = subprocess.run(
        [
            str(TOP / "scripts" / "run-pair"),
            "--wrap",
            sys.executable,
            str(EXAMPLES / (server + ".py")),
            str(EXAMPLES / (client + ".py")),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stdout
    assert text in done.stdout


SERVER = """
    import sys
    import rogue.interfaces.memory as rim
    from support import Memory

    server = rim.TcpServer("127.0.0.1", 0)
    slave = Memory() if sys.argv[1] == "python" else rim.Emulate(4, 0x1000)
    server >> slave
    print(server.getPort(), flush=True)
    sys.stdin.read()
    """
CLIENT = """
    import sys
    import rogue.interfaces.memory as rim
    from support import master_of

    client = rim.TcpClient("127.0.0.1", int(sys.argv[1]))
    master, base = master_of(client), int(sys.argv[2])
    for round in range(20):
        data = bytes((round + n) & 0xFF for n in range(400))
        rim.writeMany(master, range(base, base + 400, 4), data)
        assert rim.readMany(master, range(base, base + 400, 4), 4) == data
    print("done", flush=True)
    """


@pytest.mark.parametrize("slave", ["python", "emulated"])
def test_several_clients_share_a_server_in_another_process(slave):
    server = program(SERVER, slave)
    clients = []
    try:
        port = server.stdout.readline().strip()
        clients = [program(CLIENT, port, 0x1000 * n) for n in range(3)]
        for client in clients:
            out, error = client.communicate(timeout=HANG_S)
            assert (client.returncode, out) == (0, "done\n"), error
        out, error = server.communicate("", timeout=HANG_S)
        assert server.returncode == 0 and error == ""
    finally:
        for process in [server, *clients]:
            process.kill()
            process.wait()


def wait_past(moment):
    """Waits until that time, which is part of the test."""
    threading.Event().wait(max(0, moment - time.monotonic()))


def test_f02_what_lies_before_a_stopped_server_beyond_its_time_is_not_carried_out():
    server = program(SERVER, "emulated")
    try:
        client = rim.TcpClient("127.0.0.1", int(server.stdout.readline()))
        master = master_of(client)
        rim.write(master, 0, b"1234" * 4)
        os.kill(server.pid, signal.SIGSTOP)
        # Its other threads go on until the one that the signal has chosen has run.
        os.waitpid(server.pid, os.WUNTRACED)
        master._setTimeout(200_000)
        # The system takes it at once: only the server knows that it is late.
        late = [
            master._reqTransaction(4 * n, b"late", 4, 0, kind)
            for n, kind in enumerate([rim.Write, rim.Post, rim.Write, rim.Post])
        ]
        wait_past(time.monotonic() + 0.4)
        os.kill(server.pid, signal.SIGCONT)
        master._setTimeout(60_000_000)
        assert rim.read(master, 0, 16) == b"1234" * 4
        for n, id in enumerate(late):
            master._clearError()
            master._waitTransaction(id)
            # The posted ones have ended when they were sent.
            assert (master._getError() == "") == (n % 2 == 1)
        server.communicate("", timeout=HANG_S)
    finally:
        server.kill()
        server.wait()


def test_f02_what_nobody_waits_for_while_the_server_is_away_is_never_sent():
    server = rim.TcpServer("127.0.0.1", 0)
    port = server.getPort()
    client = rim.TcpClient("127.0.0.1", port)
    master = master_of(client)
    client.waitReady(60, 0.02)
    server._stop()
    master._setTimeout(100_000)
    late = [
        master._reqTransaction(0, b"late", 4, 0, kind) for kind in [rim.Write, rim.Post, rim.Write]
    ]
    wait_past(time.monotonic() + 0.2)
    master._setTimeout(60_000_000)
    again = rim.TcpServer("127.0.0.1", port)
    memory = Memory()
    again >> memory
    assert rim.read(master, 0, 4) == bytes(4)
    for id in late:
        master._clearError()
        master._waitTransaction(id)
        assert master._getError() != ""


def test_a_server_that_dies_is_told_and_one_that_comes_back_is_found():
    server = program(SERVER, "emulated")
    client = None
    try:
        port = int(server.stdout.readline())
        client = rim.TcpClient("127.0.0.1", port)
        master = master_of(client)
        rim.write(master, 0, b"1234")
        server.kill()
        server.wait()
        again = rim.TcpServer("127.0.0.1", port)
        again >> rim.Emulate(4, 0)
        assert client.waitReady(HANG_S, 0.05)
        assert rim.read(master, 0, 4) == bytes(4)
        again._stop()
    finally:
        server.kill()
        server.communicate()
        if client is not None:
            client._stop()


# --- libzmq ---------------------------------------------------------------------------------------


def number(part):
    return int.from_bytes(part, "little")


class ZmqClient:
    """A client as Rogue's is on the wire: requests by PUSH, responses by PULL."""

    def __init__(self, port):
        self.context = zmq.Context()
        self.responses = self.context.socket(zmq.PULL)
        self.responses.linger = 0
        self.responses.rcvtimeo = HANG_S * 1000
        self.responses.connect("tcp://127.0.0.1:%d" % (port + 1))
        self.requests = self.context.socket(zmq.PUSH)
        self.requests.linger = 0
        self.requests.sndtimeo = HANG_S * 1000
        self.requests.immediate = 1
        self.requests.connect("tcp://127.0.0.1:%d" % port)

    def send(self, id, address, size, kind, data=None):
        widths = ((id, 4), (address, 8), (size, 4), (kind, 4))
        parts = [value.to_bytes(width, "little") for value, width in widths]
        self.requests.send_multipart(parts + ([] if data is None else [data]))

    def receive(self):
        parts = self.responses.recv_multipart()
        assert len(parts) == 6
        return number(parts[0]), number(parts[1]), parts[4], parts[5].decode()

    def close(self):
        self.context.destroy(0)


@pytest.mark.parametrize("slave", [Memory, lambda: rim.Emulate(4, 0x1000)])
def test_a_client_on_libzmq_is_served(slave):
    with rim.TcpServer("127.0.0.1", 0) as server:
        server >> slave()
        client = ZmqClient(server.getPort())
        try:
            client.send(1, 0x1000, 4, rim.Write, b"abcd")
            assert client.receive() == (1, 0x1000, b"abcd", "OK")
            for id in range(2, 402):
                client.send(id, 0x1000, 4, rim.Read)
            for id in range(2, 402):
                assert client.receive() == (id, 0x1000, b"abcd", "OK")
        finally:
            client.close()


class ZmqServer(threading.Thread):
    """A server as Rogue's is on the wire, with a memory behind it; ends at a request of type 0."""

    def __init__(self):
        super().__init__()
        self.context = zmq.Context()
        self.requests = self.context.socket(zmq.PULL)
        self.responses = self.context.socket(zmq.PUSH)
        for socket in (self.requests, self.responses):
            socket.linger = 0
            socket.rcvtimeo = socket.sndtimeo = HANG_S * 1000
        self.port = self.bind()
        self.memory, self.count = {}, 0
        self.ending = threading.Event()

    def bind(self):
        for port in range(20000 + os.getpid() % 20000, 60000, 2):
            try:
                self.responses.bind("tcp://127.0.0.1:%d" % (port + 1))
            except zmq.ZMQError:
                continue
            try:
                self.requests.bind("tcp://127.0.0.1:%d" % port)
                return port
            except zmq.ZMQError:
                self.responses.unbind("tcp://127.0.0.1:%d" % (port + 1))
        raise AssertionError("there is no free pair of ports")

    def run(self):
        poller = zmq.Poller()
        poller.register(self.requests, zmq.POLLIN)
        while not self.ending.is_set():
            if not poller.poll(50):
                continue
            parts = self.requests.recv_multipart()
            address, size, kind = (number(part) for part in parts[1:4])
            places = range(address, address + size)
            if kind in (rim.Write, rim.Post):
                self.memory.update(zip(places, parts[4]))
            data = bytes(self.memory.get(place, 0) for place in places)
            result = b"no entry" if address == 0xBAD0 else b"OK"
            self.count += 1
            self.responses.send_multipart(parts[:4] + [data, result])
        self.context.destroy(0)

    def close(self):
        self.ending.set()
        self.join(HANG_S)


def test_a_server_on_libzmq_is_used():
    server = ZmqServer()
    server.start()
    try:
        with rim.TcpClient("127.0.0.1", server.port) as client:
            master = master_of(client)
            assert client.waitReady(HANG_S, 0.05), client.getStateText()
            rim.write(master, 0x2000, bytes(range(200)))
            assert rim.readMany(master, range(0x2000, 0x2000 + 200, 4), 4) == bytes(range(200))
            master._waitTransaction(master._reqTransaction(0xBAD0, bytearray(4), 0, 0, rim.Read))
            assert "no entry" in master._getError()
            ids = [master._reqTransaction(0x2000, b"%04d" % n, 0, 0, rim.Post) for n in range(2000)]
            assert len(ids) == 2000
            assert rim.read(master, 0x2000, 4) == b"1999"
        assert server.count == 2053
    finally:
        server.close()
