"""The defects of the reference on Python's path, each by its number, and the correct behaviour
instead."""

import gc
import socket
import struct
import threading

import pytest
import rogue
import rogue.interfaces.memory as rim
import rogue.protocols.srp as rps

from support import (
    HANG_S,
    IS_CPYTHON,
    LONG_US,
    Acting,
    Keeping,
    Memory,
    logged_by,
    master_of,
    request,
    thread,
)


def collect():
    for _ in range(1 if IS_CPYTHON else 3):
        gc.collect()


def test_d26_the_first_completion_counts():
    ends = {
        "error, then done": (lambda tran: (tran.error("first"), tran.done()), "first"),
        "two errors": (lambda tran: (tran.error("first"), tran.error("second")), "first"),
        "done, then error": (lambda tran: (tran.done(), tran.error("late")), ""),
    }
    for name, (end, text) in ends.items():
        slave = Acting(lambda _, tran, end=end: end(tran))
        assert request(master_of(slave), rim.Read, 0, bytearray(4)) == text, name
    nameless = Acting(lambda _, tran: tran.error(""))
    with pytest.raises(rogue.GeneralError):
        rim.read(master_of(nameless), 0, 4)


def test_d29_the_base_of_the_largest_access_is_the_largest_access():
    class Asking(rim.Slave):
        def _doMaxAccess(self):
            return super()._doMaxAccess()

    assert rim.Slave(4, 1024)._doMaxAccess() == 1024
    assert rim.Slave._doMaxAccess(Asking(4, 1024)) == 1024
    assert master_of(Asking(4, 1024))._reqMaxAccess() == 1024


def test_d30_the_last_owner_of_a_slave_may_let_go_at_any_time():
    master = master_of(Memory())
    for _ in range(100):
        # Replaces an object with one reference.
        master >> Memory()
        assert rim.read(master, 0, 4) == bytes(4)
    # Transactions that are dropped while answers to others are looked for.
    slave = Keeping()
    for _ in range(20):
        hasty, steady = master_of(slave), master_of(slave)
        for _ in range(5):
            hasty._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
        id = steady._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
        del hasty
        collect()
        found = [slave._getTransaction(slave.arrived.get(timeout=HANG_S)) for _ in range(6)]
        assert found[-1].id() == id
        found[-1].done()
        steady._waitTransaction(id)
        assert steady._getError() == ""


def test_d31_an_exception_leaves_a_lock_as_it_is_and_the_lock_is_given_back():
    slave = Keeping()
    master = master_of(slave)
    id = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
    tran = slave.next()
    kept = []
    with pytest.raises(KeyError, match="mine"):
        with tran.lock() as lock:
            assert isinstance(lock, rim.TransactionLock)
            kept.append(lock)
            raise KeyError("mine")
    # By the end of the block, not by that of the object.
    with thread(lambda: tran.lock().unlock()):
        pass
    tran.done()
    master._waitTransaction(id)
    frame = rogue.interfaces.stream.Master()._reqFrame(4, False)
    with pytest.raises(KeyError, match="mine"):
        with frame.lock() as lock:
            kept.append(lock)
            raise KeyError("mine")
    with thread(lambda: frame.lock().unlock()):
        pass


BITS = {
    "to beyond": lambda to: rim.Master._copyBits(to, 25, bytes(4), 0, 8),
    "from beyond": lambda to: rim.Master._copyBits(to, 0, bytes(4), 30, 3),
    "set beyond": lambda to: rim.Master._setBits(to, 31, 2),
    "any beyond": lambda to: rim.Master._anyBits(to, 0, 33),
    "to what cannot be written": lambda to: rim.Master._copyBits(bytes(4), 0, to, 0, 8),
    "set in what cannot be written": lambda to: rim.Master._setBits(bytes(4), 0, 8),
    "any of nothing": lambda to: rim.Master._anyBits(None, 0, 8),
}
BITS_TEXTS = {
    "to beyond": "Master::copyBits: General Error: Attempt to copy 8 bits starting from bit 25 "
    "from dest array with bitSize 32",
    "from beyond": "Master::copyBits: General Error: Attempt to copy 3 bits starting from bit 30 "
    "from source array with bitSize 32",
    "set beyond": "Master::setBits: General Error: Attempt to set 2 bits starting from bit 31 in "
    "array with bitSize 32",
    "any beyond": "Master::anyBits: General Error: Attempt to access 33 bits starting from bit 0 "
    "from array with bitSize 32",
    "to what cannot be written": "Master::copyBits: General Error: Python Buffer Error",
    "set in what cannot be written": "Master::setBits: General Error: Python Buffer Error",
    "any of nothing": "Master::anyBits: General Error: Python Buffer Error",
}


@pytest.mark.parametrize("case", sorted(BITS))
def test_d32_the_bit_helpers_can_be_called_and_check_their_bounds(case):
    to = bytearray(4)
    rim.Master._copyBits(to, 8, b"\xff", 0, 8)
    assert to == b"\0\xff\0\0"
    with pytest.raises(rogue.GeneralError) as raised:
        BITS[case](to)
    assert str(raised.value).startswith(BITS_TEXTS[case])
    assert to == b"\0\xff\0\0"


def test_d33_operators_make_chains():
    master, hub, memory = rim.Master(), rim.Hub(0x1000, 0, 0), rim.Emulate(4, 0)
    assert master >> hub >> memory is memory
    assert master._getSlave() is hub and hub._getSlave() is memory
    srp, device = rps.SrpV3(), rps.SrpV3Emulation()
    other, between = master_of(rim.Slave(4, 4)), rim.Hub(0x100, 0, 0)
    assert srp << between << other is other
    srp == device
    rim.write(other, 0, b"1234")
    assert rim.read(master_of(srp), 0x100, 4) == b"1234"


def test_d34_an_exception_after_the_completion_changes_nothing(capfd):
    def act(_slave, tran):
        tran.done()
        raise ValueError("afterwards")

    assert request(master_of(Acting(act)), rim.Read, 0, bytearray(4)) == ""
    assert "afterwards" in capfd.readouterr().err


def test_d35_what_fails_in_a_hub_is_not_forwarded(capfd):
    class Broken(rim.Hub):
        def _doTransaction(self, tran):
            raise ValueError("no translation")

    memory, hub = rim.Emulate(4, 0), Broken(0, 0, 0)
    hub >> memory
    assert "no translation" in request(master_of(hub), rim.Write, 0x20, b"1234")
    assert rim.read(master_of(memory), 0x20, 4) == bytes(4)
    capfd.readouterr()


def test_d36_requests_go_on_while_a_worker_holds_the_lock_of_another():
    slave = Keeping()
    master = master_of(slave)
    first = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
    tran = slave.next()
    locked, requested = threading.Event(), threading.Event()

    def work():
        with tran.lock():
            locked.set()
            assert requested.wait(HANG_S)
            tran.setData(b"1234", 0)
            tran.done()

    with thread(work):
        assert locked.wait(HANG_S)
        # Neither this nor an answer to it waits for the worker.
        second = master._reqTransaction(4, bytearray(4), 0, 0, rim.Read)
        slave.next().done()
        master._waitTransaction(second)
        requested.set()
        master._waitTransaction(first)
    assert master._getError() == ""


def test_d37_waiting_for_a_server_lets_other_threads_run():
    with rim.TcpServer("127.0.0.1", 0) as server:
        port = server.getPort()
    client, began = rim.TcpClient("127.0.0.1", port, True), threading.Event()

    def stop():
        assert began.wait(HANG_S)
        client._stop()

    with thread(stop):
        began.set()
        # Ends because the other thread ran; nothing else answers.
        assert client.waitReady(HANG_S, HANG_S) is False


def test_d38_the_buffers_of_a_master_that_has_gone_can_be_resized():
    slave, buffers = Keeping(), [bytearray(4) for _ in range(3)]
    master = master_of(slave)
    for buffer in buffers:
        master._reqTransaction(0, buffer, 0, 0, rim.Read)
    del master
    collect()
    for buffer in buffers:
        buffer.append(1)


@pytest.mark.parametrize("offset", [1, 0xFFFF_FFFF])
@pytest.mark.parametrize("size", [4, 0xFFFF_FFFC, 0xFFFF_FFFF])
def test_d39_sums_do_not_wrap(size, offset):
    master = master_of(rim.Emulate(1, 0))
    for kind in (rim.Read, rim.Write):
        with pytest.raises(rogue.GeneralError, match="Attempt to access"):
            master._reqTransaction(0, bytearray(4), size, offset, kind)
    for bits in (rim.Master._setBits, rim.Master._anyBits):
        with pytest.raises(rogue.GeneralError, match="Attempt to"):
            bits(bytearray(4), 8 * size, offset)
    texts = []

    def act(_slave, tran):
        for copy in (tran.setData, tran.getData):
            with pytest.raises(rogue.GeneralError) as raised:
                copy(bytearray(4), offset)
            texts.append(str(raised.value))
        tran.done()

    assert request(master_of(Acting(act)), rim.Read, 0, bytearray(4)) == ""
    assert texts == [
        "Transaction::setData: General Error: "
        "Attempt to set 4 bytes at offset %d to python buffer with size 4" % offset,
        "Transaction::getData: General Error: "
        "Attempt to get 4 bytes from offset %d to python buffer with size 4" % offset,
    ]


def test_d40_size_zero_is_the_rest_of_the_buffer():
    master, buffer = master_of(rim.Emulate(1, 0)), bytearray(8)
    rim.write(master, 0, bytes(range(1, 9)))
    master._waitTransaction(master._reqTransaction(0, buffer, 0, 5, rim.Read))
    assert buffer == b"\0\0\0\0\0\1\2\3"
    master._waitTransaction(master._reqTransaction(0x100, b"abcdefgh", 0, 6, rim.Write))
    assert rim.read(master, 0x100, 4) == b"gh\0\0"
    assert request(master, rim.Read, 0, buffer) == ""
    with pytest.raises(rogue.GeneralError, match="with size 8 at offset 9"):
        master._reqTransaction(0, buffer, 0, 9, rim.Read)


def test_d42_threads_that_wait_for_a_server_do_not_disturb_each_other():
    with rim.TcpServer("127.0.0.1", 0) as server:
        with rim.TcpClient("127.0.0.1", server.getPort()) as client:
            found, workers = [], []
            for _ in range(4):
                work = threading.Thread(target=lambda: found.append(client.waitReady(HANG_S, 0.01)))
                workers.append(work)
                work.start()
            for work in workers:
                work.join(HANG_S)
    assert found == [True] * 4


def test_d89_a_handler_of_log_messages_may_use_the_bus():
    import logging

    memory = rim.Emulate(4, 0)
    seen = []

    class Reading(logging.Handler):
        def emit(self, record):
            if not seen:
                seen.append(None)
                other = rim.Master()
                other._setTimeout(LONG_US)
                other >> memory
                # The very memory that is logging, at a page that it logs too.
                seen.append(rim.read(other, 0x9_0000, 4))

    with logged_by(Reading()):
        rim.write(master_of(memory), 0x8_0000, b"1234")
    assert seen == [None, bytes(4)]


def test_d91_an_error_has_a_cause_of_its_own():
    errors = {}

    def fail(name):
        with pytest.raises(rogue.GeneralError) as raised:
            rim.TcpServer(name, 0)
        errors[name] = raised.value

    names = ["first.host.invalid", "second.host.invalid"]
    for name in names:
        with thread(fail, name):
            pass
    for name in names:
        assert name in errors[name].cause.text and errors[name].cause.status == 201
    own = rogue.GeneralError("source", "x" * 1000)
    assert own.cause is None and own.args[1] == "x" * 1000


class LegacyClient:
    """A client of the reference, octet by octet: it announces no session."""

    def __init__(self, port):
        self.responses = self._connect(port + 1, b"PULL")
        self.requests = self._connect(port, b"PUSH")

    @staticmethod
    def _connect(port, kind):
        end = socket.create_connection(("127.0.0.1", port))
        end.settimeout(HANG_S)
        mechanism = b"NULL".ljust(20, b"\0")
        end.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x01" + mechanism + bytes(32))
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
        end.sendall(bytes((4, len(ready))) + ready)
        return end

    @staticmethod
    def _take(end, size):
        octets = b""
        while len(octets) < size:
            octets += end.recv(size - len(octets))
        return octets

    def _frame(self, end):
        _flags, size = self._take(end, 2)
        return self._take(end, size)

    def wait_served(self):
        for end in (self.responses, self.requests):
            self._take(end, 64)
            assert self._frame(end)[:6] == b"\x05READY"

    def request_read(self, identity):
        parts = (struct.pack("<I", identity), bytes(8), struct.pack("<I", 4), struct.pack("<I", 1))
        frames = [bytes((part is not parts[-1], len(part))) + part for part in parts]
        self.requests.sendall(b"".join(frames))

    def take_answer(self):
        parts = [self._frame(self.responses) for _ in range(6)]
        return struct.unpack("<I", parts[0])[0], parts[4], parts[5]

    def close(self):
        self.requests.close()
        self.responses.close()


def test_f21_legacy_clients_of_one_process_share_their_answers_where_that_is_chosen():
    with rim.TcpServer("127.0.0.1", 0, legacy_shared_process=True) as server:
        server >> rim.Emulate(4, 0xFFFF)
        clients = [LegacyClient(server.getPort()) for _ in range(2)]
        for client in clients:
            client.wait_served()
        for identity in (1, 2):
            clients[identity - 1].request_read(identity)
            for client in clients:
                assert client.take_answer() == (identity, bytes(4), b"OK")
        for client in clients:
            client.close()
