"""Life time of objects, threads and signals, and the end of the interpreter."""

import gc
import queue
import random
import signal
import sys
import threading
import time
import weakref

import pytest
import rogue
import rogue.interfaces.memory as rim
import rogue.protocols.srp as rps

from support import (
    HANG_S,
    IS_CPYTHON,
    Acting,
    Keeping,
    Memory,
    hub_over,
    master_of,
    program,
    request,
    run,
    thread,
    threads_named,
)

SIGNAL_DELAY_S = 0.2
#: The promise is 0.2 s; a busy machine may take longer for everything, but not for ever.
SIGNAL_ANSWER_S = 20


def resident_kib():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    raise AssertionError("no resident size")


# --- connections ----------------------------------------------------------------------------------


def test_f22_a_connection_that_comes_and_goes_is_told_with_the_reason():
    changes = queue.Queue()

    def tell(*change):
        changes.put((*change, threading.current_thread() is threading.main_thread()))

    with rim.TcpServer("127.0.0.1", 0) as server:
        port = server.getPort()
        server >> rim.Emulate(4, 0x1000)
        client = rim.TcpClient("127.0.0.1", port, True)
        client.setConnectionCallback(tell)
        came = changes.get(timeout=HANG_S)
        assert came == (True, "connected to 127.0.0.1:%d" % port, False)
    connected, text, in_main = changes.get(timeout=HANG_S)
    assert (connected, in_main) == (False, False)
    assert text.startswith("127.0.0.1:")
    with rim.TcpServer("127.0.0.1", port):
        assert changes.get(timeout=HANG_S) == came
        # Of two callbacks the latter counts, and none does after the end.
        other = queue.Queue()
        client.setConnectionCallback(lambda *change: other.put(change))
        assert other.get(timeout=HANG_S)[0]
        client.setConnectionCallback(None)
        client._stop()
        client.setConnectionCallback(tell)
    assert (changes.qsize(), other.qsize()) == (0, 0)


def test_f22_a_callback_may_raise_and_keeps_nobody_alive(capfd):
    with rim.TcpServer("127.0.0.1", 0) as server:
        client = rim.TcpClient("127.0.0.1", server.getPort())
        called, known = threading.Event(), weakref.ref(client)

        def fail(connected, text, client=client):
            called.set()
            raise ValueError("no good")

        client.setConnectionCallback(fail)
        assert called.wait(HANG_S)
        del client, fail
        end = time.monotonic() + HANG_S
        # The call may not have returned yet.
        while known() is not None and time.monotonic() < end:
            gc.collect()
        assert known() is None
    assert "ValueError: no good" in capfd.readouterr().err


def test_clients_share_a_loop_whose_callbacks_may_connect_and_wait():
    with rim.TcpServer("127.0.0.1", 0) as server:
        port = server.getPort()
        server >> rim.Emulate(4, 0x1000)
        clients = [rim.TcpClient("127.0.0.1", port, True, shared_loop=True) for _ in range(20)]
        for number, client in enumerate(clients):
            client._start()
            assert request(master_of(client), rim.Write, 4 * number, bytes([number] * 4)) == ""
        assert (threads_named("rogue_loop"), threads_named("TcpClient")) == (1, 0)
        values = queue.Queue()

        def read(connected, text):
            other = rim.TcpClient("127.0.0.1", port, True, shared_loop=True)
            other._start()
            data = bytearray(4)
            values.put((request(master_of(other), rim.Read, 4 * 19, data), data))
            other._stop()

        clients[0].setConnectionCallback(read)
        assert values.get(timeout=HANG_S) == ("", bytes([19] * 4))
        for client in clients:
            client._stop()
        assert threads_named("rogue_loop") == 0


# --- lifetime -------------------------------------------------------------------------------------


def test_a_master_keeps_its_slave_and_lets_go_of_it():
    master, slave = rim.Master(), Memory()
    known = weakref.ref(slave)
    master >> slave
    del slave
    gc.collect()
    assert rim.read(master, 0, 4) == bytes(4)
    master >> rim.Emulate(4, 0)
    gc.collect()
    gc.collect()
    assert known() is None


def test_replacing_a_slave_while_it_is_called_is_harmless():
    def act(slave, tran):
        master._setSlave(None)
        tran.setData(b"last", 0)
        tran.done()

    master = master_of(Acting(act))
    buffer = bytearray(4)
    master._waitTransaction(master._reqTransaction(0, buffer, 0, 0, rim.Read))
    assert buffer == b"last"


def test_a_slave_that_python_has_forgotten_fails_its_transactions():
    slave, other = Acting(lambda _, tran: tran.done()), rim.Master()
    other >> slave
    # As natively, where something else still refers to the slave.
    other._rg_target = None
    del slave
    gc.collect()
    gc.collect()
    with pytest.raises(rogue.GeneralError, match="unconnected memory bus"):
        rim.read(other, 0, 4)


def test_circles_are_collected():
    def circle():
        hub = rim.Hub(0, 4, 4)
        hub >> hub
        srp, device = rps.SrpV3(), rps.SrpV3Emulation()
        srp == device
        return weakref.ref(hub), weakref.ref(srp)

    known = circle()
    for _ in range(4):
        gc.collect()
    assert [one() for one in known] == [None, None]


def test_a_server_serves_for_as_long_as_it_is_kept():
    server = rim.TcpServer("127.0.0.1", 0)
    server >> rim.Emulate(4, 0)
    gc.collect()
    port = server.getPort()
    with rim.TcpClient("127.0.0.1", port) as client:
        assert client.waitReady(HANG_S, 0.05)
        rim.write(master_of(client), 0, b"1234")
    server._rg_server.stop() if not IS_CPYTHON else None
    del server
    again = rim.TcpServer("127.0.0.1", port)
    again._stop()


def count_of_handles():
    from rogue._impl import lifecycle

    gc.collect()
    return len(lifecycle._handles), len(lifecycle.targets)


def test_a_thousand_random_lives_leave_nothing_behind():
    dice = random.Random(4)
    before = count_of_handles()

    def life():
        masters = [rim.Master() for _ in range(2)]
        slaves = [rim.Emulate(4, 0), Memory(), hub_over(rim.Emulate(4, 8), 0x10), rim.Slave(4, 4)]
        things = masters + slaves
        for _ in range(dice.randrange(12)):
            action = dice.randrange(6)
            master, slave = dice.choice(masters), dice.choice(slaves)
            if action == 0:
                master >> slave
            elif action == 1:
                slave << master
            elif action == 2:
                master._reqTransaction(4, bytearray(4), 0, 0, dice.choice((1, 2, 3, 4)))
            elif action == 3:
                master._waitTransaction(0)
            elif action == 4:
                master._setSlave(None)
            else:
                dice.shuffle(things)
                things.pop() if len(things) > 1 else None
        if dice.random() < 0.02:
            server = rim.TcpServer("127.0.0.1", 0)
            server >> dice.choice(slaves)
            client = rim.TcpClient("127.0.0.1", server.getPort())
            masters[0] >> client
            masters[0]._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
            order = [server, client]
            dice.shuffle(order)
            for one in order:
                one._stop()
        elif dice.random() < 0.02:
            srp, device = rps.SrpV3(), rps.SrpV3Emulation()
            srp == device
            masters[0] >> srp
            masters[0]._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
            device._stop() if dice.random() < 0.5 else None

    for _ in range(1000):
        life()
    for _ in range(5):
        gc.collect()
    after = count_of_handles()
    assert after[0] <= before[0] + 2 and after[1] <= before[1] + 2, (before, after)


def test_references_and_memory_stay_flat_over_many_transactions():
    master, buffer = master_of(rim.Emulate(4, 0)), bytearray(64)
    python = master_of(Memory())

    def work(count):
        for _ in range(count):
            master._waitTransaction(master._reqTransaction(0, buffer, 4, 0, rim.Read))
            master._waitTransaction(master._reqTransaction(0, b"1234", 0, 0, rim.Write))
        for _ in range(count // 10):
            python._waitTransaction(python._reqTransaction(0, buffer, 4, 0, rim.Read))
            with pytest.raises(rogue.GeneralError):
                master._reqTransaction(0, b"1234", 0, 0, rim.Read)

    work(10_000)
    gc.collect()
    memory = resident_kib()
    counts = [sys.getrefcount(one) for one in (buffer, master, python)] if IS_CPYTHON else None
    work(100_000 if IS_CPYTHON else 50_000)
    gc.collect()
    if IS_CPYTHON:
        assert [sys.getrefcount(one) for one in (buffer, master, python)] == counts
    assert not master._rg_master.pins and not python._rg_master.pins
    # PyPy's collector and compiler take memory of their own.
    assert resident_kib() - memory < (2048 if IS_CPYTHON else 131072)


def test_slaves_that_threads_make_at_once_are_not_mistaken_for_each_other():
    wrong, begin = [], threading.Barrier(6)

    def work(number):
        begin.wait(HANG_S)
        for n in range(150):
            mark = bytes([number, n, 0, 0])
            slave = Acting(lambda _, tran, mark=mark: (tran.setData(mark, 0), tran.done()))
            if rim.read(master_of(slave), 0, 4) != mark:
                wrong.append((number, n))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(HANG_S)
    assert not wrong


def test_a_master_may_be_dropped_by_the_holder_of_its_transactions_lock():
    import rogue._impl.lifecycle as lifecycle

    slave, buffer = Keeping(), bytearray(4)
    master = master_of(slave)
    master._reqTransaction(0, buffer, 0, 0, rim.Read)
    tran = slave.next()
    with tran.lock():
        del master
        gc.collect()
        gc.collect()
        # The object is gone, but the slave still writes to its buffer.
        tran.setData(b"1234", 0)
        if IS_CPYTHON:
            with pytest.raises(BufferError):
                buffer.append(1)
    assert buffer == b"1234"
    lifecycle.end_deferred()
    assert tran.expired() and not lifecycle.deferred
    buffer.append(1)


def test_connecting_in_several_threads_leaves_both_sides_agreed():
    master, slaves = rim.Master(), [Memory(), Memory()]
    for number, slave in enumerate(slaves):
        slave.setName(str(number))

    def connect(slave):
        for _ in range(2000):
            master._setSlave(slave)

    with thread(connect, slaves[0]), thread(connect, slaves[1]):
        pass
    assert master._reqSlaveName() == str(slaves.index(master._getSlave()))


def test_a_kept_transaction_is_the_same_object_in_any_order_of_threads():
    ids, differ = queue.Queue(), []

    class Keeper(rim.Slave):
        def __init__(self):
            super().__init__(4, 0)
            self.given = {}

        def _doTransaction(self, tran):
            self.given[tran.id()] = tran
            ids.put(tran.id())
            # The worker asks for it meanwhile.
            self._addTransaction(tran)

    slave = Keeper()

    def work():
        for id in iter(ids.get, None):
            found = None
            while found is None:
                found = slave._getTransaction(id)
            if found is not slave.given.pop(id):
                differ.append(id)
            found.done()

    master = master_of(slave)
    with thread(work):
        for _ in range(2000):
            rim.write(master, 0, b"1234")
        ids.put(None)
    assert not differ and not slave._rg_kept


# --- threads --------------------------------------------------------------------------------------


def test_waits_let_other_threads_run():
    slave = Keeping()
    master = master_of(slave)
    id = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
    worker = threading.Thread(target=lambda: slave.next().done())
    worker.start()
    # Without the release of the interpreter's lock there would be no answer.
    master._waitTransaction(id)
    worker.join(HANG_S)
    assert master._getError() == ""


def test_a_thread_of_the_library_keeps_its_thread_local_data():
    local, seen = threading.local(), []

    def act(_slave, tran):
        local.count = getattr(local, "count", 0) + 1
        seen.append((threading.get_ident(), local.count))
        tran.done()

    with rim.TcpServer("127.0.0.1", 0) as server:
        server >> Acting(act)
        with rim.TcpClient("127.0.0.1", server.getPort()) as client:
            master = master_of(client)
            for _ in range(5):
                rim.write(master, 0, b"1234")
    assert [count for _, count in seen] == [1, 2, 3, 4, 5]
    assert len({ident for ident, _ in seen}) == 1 and seen[0][0] != threading.get_ident()


BLOCKING = {
    "a wait for one": "master._waitTransaction(id)",
    "a wait for all": "master._waitTransaction(0)",
    "a read": "rim.read(master, 0, 4)",
    "many reads": "rim.readMany(master, [0, 4])",
    "a wait for a server": "client.waitReady(1000.0, 1000.0)",
    "a start": "client._start()",
    "a lock": "kept[0].lock()",
    "the lock of a frame": "frame.lock()",
    "the look for the address of a name": "rim.TcpServer('a.name.that.takes.long', 0)",
    "a request that a slave in Python blocks": "blocked._reqTransaction(0, bytearray(4), 0, 0, 1)",
    "a read of a block of registers": "block._startTransaction(rim.Read, False, True, None, -1)",
    "a check of a block of registers": "block._checkTransaction()",
    "the next read of a block": "block._startTransaction(rim.Read, False, False, None, -1)",
    "a read of many blocks of registers": "rim.readAll([block])",
}


@pytest.mark.parametrize("what", sorted(BLOCKING))
def test_ctrl_c_ends(what):
    source = """
        import sys, threading, time
        import rogue, rogue.interfaces.memory as rim
        import registers

        kept = []

        class Silent(rim.Slave):
            def _doTransaction(self, tran):
                kept.append(tran)

        class Blocking(rim.Slave):
            def _doTransaction(self, tran):
                never.wait()

        never = threading.Event()
        master = rim.Master()
        master._setTimeout(1000_000_000)
        master >> Silent(4, 4)
        blocked = rim.Master()
        blocked >> Blocking(4, 4)
        id = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
        held = kept[0].lock() if sys.argv[1] == "a lock" else None
        frame = rogue.interfaces.stream.Master()._reqFrame(4, False)
        block = rim.Block(0, 4)
        block >> Silent(4, 4)
        block._setTimeout(1000_000_000)
        block.addVariables([registers.variable()])
        block.setEnable(True)
        if sys.argv[1] != "a read of a block of registers":
            block._startTransaction(rim.Read, False, False, None, -1)
        locked = threading.Event()

        def lock_for_ever():
            lock = frame.lock()
            locked.set()
            never.wait()

        threading.Thread(target=lock_for_ever, daemon=True).start()
        locked.wait()
        with rim.TcpServer("127.0.0.1", 0) as server:
            port = server.getPort()
        client = rim.TcpClient("127.0.0.1", port, True)
        # As a name server that does not answer has it.
        rogue._impl.tcp.filled = lambda *_: never.wait()
        print("ready", flush=True)
        try:
            BLOCKING
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        else:
            print("returned", flush=True)
        if held is not None:
            held.unlock()
        """
    process = program(source.replace("BLOCKING\n", BLOCKING[what] + "\n"), what)
    try:
        assert process.stdout.readline() == "ready\n"
        threading.Event().wait(SIGNAL_DELAY_S)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert time.monotonic() - sent < SIGNAL_ANSWER_S
        _, error = process.communicate(timeout=HANG_S)
    finally:
        process.kill()
    assert process.returncode == 0, error


@pytest.mark.parametrize("road", ["emulated", "python", "bridge"])
def test_ctrl_c_may_come_at_any_moment(road):
    status, out, error = run(
        """
        import os, random, signal, sys, threading, time
        import rogue.interfaces.memory as rim
        from support import HANG_S, IS_CPYTHON, master_of

        armed, came, caught, lost = [False], threading.Event(), threading.Event(), []

        class Memory(rim.Slave):
            # Without a lock of Python's, which Ctrl-C may leave locked.
            def _doTransaction(self, tran):
                with tran.lock():
                    place = slice(tran.address(), tran.address() + tran.size())
                    if tran.type() == rim.Write:
                        tran.getData(memoryview(stored)[place], 0)
                    else:
                        tran.setData(stored[place], 0)
                    tran.done()

        stored = bytearray(64)

        def interrupt(*_):
            came.set()
            if armed[0]:
                armed[0] = False
                raise KeyboardInterrupt

        def pester():
            dice = random.Random(5)
            while not ended.is_set():
                time.sleep(dice.random() / 1000)
                came.clear()
                caught.clear()
                was_armed = armed[0]
                os.kill(os.getpid(), signal.SIGINT)
                came.wait(HANG_S)
                if was_armed and not caught.wait(HANG_S if IS_CPYTHON else 1):
                    lost.append(None)

        def reads():
            for n in range(0, 64, 4):
                assert rim.read(master, n, 4) == bytes(range(n, n + 4))
            assert rim.readMany(master, range(0, 64, 4)) == bytes(range(64))
            ids = [master._reqTransaction(0, bytearray(4), 0, 0, rim.Read) for _ in range(5)]
            for id in ids:
                master._waitTransaction(id)

        slave = Memory(4, 0) if sys.argv[1] == "python" else rim.Emulate(4, 0)
        if sys.argv[1] == "bridge":
            server = rim.TcpServer("127.0.0.1", 0)
            server >> slave
            slave = rim.TcpClient("127.0.0.1", server.getPort())
        master = master_of(slave)
        rim.write(master, 0, bytes(range(64)))
        signal.signal(signal.SIGINT, interrupt)
        ended, count = threading.Event(), 0
        worker = threading.Thread(target=pester, daemon=True)
        worker.start()
        while count < 200:
            try:
                while True:
                    # Again, as PyPy drops those that come in a destructor.
                    armed[0] = True
                    reads()
            except KeyboardInterrupt:
                count += 1
            armed[0] = False
            caught.set()
        ended.set()
        worker.join()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        master._waitTransaction(0)
        assert not master._rg_master.pins and master._getError() in ("", "KeyboardInterrupt")
        assert not lost or not IS_CPYTHON, "%d were lost" % len(lost)
        reads()
        print("good")
        """,
        road,
    )
    assert (status, out) == (0, "good\n"), error


@pytest.mark.parametrize("lock", ["slave.next().lock()", "frame.lock()"])
def test_ctrl_c_that_ends_the_wait_for_a_lock_leaves_it_free(lock):
    status, out, error = run(
        """
        import gc, os, signal, sys, threading
        import rogue, rogue.interfaces.memory as rim
        from support import HANG_S, IS_CPYTHON, Keeping, master_of, thread

        slave = Keeping()
        master = master_of(slave)
        frame = rogue.interfaces.stream.Master()._reqFrame(4, False)
        master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
        thing = frame if sys.argv[1] == "frame" else slave.next()
        locked, waiting, interrupted = (threading.Event() for _ in range(3))
        armed, sent = [], []

        def interrupt(*_):
            if armed:
                armed.clear()
                raise KeyboardInterrupt

        def hold():
            with thing.lock():
                locked.set()
                assert waiting.wait(HANG_S)
                # Given back just when the signal comes.
                os.kill(os.getpid(), signal.SIGINT)
            # PyPy drops one that comes in a destructor.
            while not interrupted.wait(HANG_S / 4 if IS_CPYTHON else 1):
                armed.append(None)
                sent.append(None)
                os.kill(os.getpid(), signal.SIGINT)

        signal.signal(signal.SIGINT, interrupt)
        for _ in range(100):
            for event in (locked, waiting, interrupted):
                event.clear()
            with thread(hold):
                assert locked.wait(HANG_S)
                armed.append(None)
                try:
                    waiting.set()
                    thing.lock().unlock()
                    threading.Event().wait(HANG_S)
                except KeyboardInterrupt:
                    pass
                interrupted.set()
            if not IS_CPYTHON:
                # Where it came behind the taking, it is the end of the object that gives it back.
                gc.collect()
            with thread(lambda: thing.lock().unlock()):
                pass
        assert not sent or not IS_CPYTHON, "some were lost"
        print("free")
        """,
        "frame" if "frame" in lock else "transaction",
    )
    assert (status, out) == (0, "free\n"), error


def test_the_end_of_the_program_may_be_asked_for_in_a_callback():
    status, out, error = run("""
        import sys
        import rogue.interfaces.memory as rim
        from support import Acting, master_of

        master = master_of(Acting(lambda _, tran: sys.exit(7)))
        rim.read(master, 0, 4)
        """)
    assert (status, out, error) == (7, "", "")


def test_a_wait_for_all_is_for_those_that_are_outstanding_now():
    slave, waiting = Keeping(), threading.Event()
    master = master_of(slave)
    first = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)

    def others():
        # One more is always outstanding, and none is so for long.
        tran, ended = slave.next(), False
        assert waiting.wait(HANG_S)
        while not ended:
            master._reqTransaction(4, b"more", 0, 0, rim.Write)
            ended = not waiting.is_set()
            tran.done()
            tran = slave.next()
            time.sleep(0.15)
        tran.done()

    with thread(others):
        waiting.set()
        master._waitTransaction(0)
        waiting.clear()
    assert first not in master._rg_master.pins
    master._waitTransaction(0)


# --- the end of the interpreter -------------------------------------------------------------------

SETUP = """
    import os, sys, threading, time
    import rogue, rogue.interfaces.memory as rim, rogue.protocols.srp as rps

    class Python(rim.Slave):
        def _doTransaction(self, tran):
            if tran.type() in (rim.Read, rim.Verify):
                tran.setData(bytes(tran.size()), 0)
            tran.done()

    server = rim.TcpServer("127.0.0.1", 0)
    server >> Python(4, 0)
    client = rim.TcpClient("127.0.0.1", server.getPort())
    master = rim.Master()
    master._setTimeout(60_000_000)
    master >> client
    rogue.Logging.setForwardPython(True)
    rogue.Logging.setEmitStdout(False)
    rim.write(master, 0, b"1234")
    """

ENDS = {
    "nothing stopped": ("", 0),
    "with a status": ("sys.exit(3)", 3),
    "with an exception": ("raise ValueError('wrong')", 1),
    "requests on their way": (
        "for n in range(2000): master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)",
        0,
    ),
    "a thread that goes on": (
        """
    def work():
        try:
            while True:
                rim.read(master, 0, 4)
        except rogue.GeneralError:
            pass
    threading.Thread(target=work, daemon=True).start()
    rim.read(master, 0, 4)
    """,
        0,
    ),
    "a slave that blocks": (
        """
    entered = threading.Event()
    class Blocking(rim.Slave):
        def _doTransaction(self, tran):
            entered.set()
            threading.Event().wait(30)
    server >> Blocking(4, 4)
    master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
    entered.wait()
    """,
        0,
    ),
    "a device and its stream": (
        """
    srp, device = rps.SrpV3(), rps.SrpV3Emulation()
    srp == device
    other = rim.Master()
    other >> srp
    rim.write(other, 0, b"1234")
    """,
        0,
    ),
    "a child by fork that leaves at once": (
        """
    child = os.fork()
    if child == 0:
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    rim.write(master, 0, b"1234")
    """,
        0,
    ),
    "a child by fork that ends like a program": (
        """
    child = os.fork()
    if child == 0:
        sys.exit(5)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    rim.write(master, 0, b"1234")
    """,
        0,
    ),
    "a child by fork that uses what it finds and what it makes": (
        """
    child = os.fork()
    if child == 0:
        try:
            rim.read(master, 0, 4)
        except rogue.GeneralError as error:
            assert "os.fork()" in str(error), error
        with rim.TcpServer("127.0.0.1", 0) as own:
            own >> rim.Emulate(4, 0)
            other = rim.Master()
            mine = rim.TcpClient("127.0.0.1", own.getPort())
            other >> mine
            rim.write(other, 0, b"1234")
            assert rim.read(other, 0, 4) == b"1234"
        sys.exit(6)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 6
    rim.write(master, 0, b"1234")
    """,
        0,
    ),
    "threads that poll through slaves in Python": (
        """
    class Passing(rim.Hub):
        def _doTransaction(self, tran):
            super()._doTransaction(tran)
    def poll(near):
        mine = rim.Master()
        mine >> near
        while True:
            mine._waitTransaction(mine._reqTransaction(0, bytearray(4), 0, 0, rim.Read))
            mine._reqMinAccess()
    for far in (client, Python(4, 0)):
        hub = Passing(0, 0, 0)
        hub >> far
        for _ in range(2):
            threading.Thread(target=poll, args=(hub,), daemon=True).start()
    for _ in range(50):
        rim.read(master, 0, 4)
    """,
        0,
    ),
    "a lock that is held": (
        """
    class Kept(rim.Slave):
        def _doTransaction(self, tran):
            self.lock = tran.lock()
    kept = Kept(4, 0)
    other = rim.Master()
    other >> kept
    other._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
    """,
        0,
    ),
    "stopped from a callback": (
        """
    class Stopping(rim.Slave):
        def _doTransaction(self, tran):
            tran.done()
            server._stop()
            client._stop()
    server >> Stopping(4, 4)
    master._setTimeout(2_000_000)
    master._waitTransaction(master._reqTransaction(0, bytearray(4), 0, 0, rim.Read))
    """,
        0,
    ),
}


@pytest.mark.parametrize("how", sorted(ENDS))
def test_the_interpreter_ends_cleanly(how):
    import textwrap

    source, expected = ENDS[how]
    # CPython 3.12 and later warns about every fork of a process with threads.
    quiet = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}
    status, out, error = run(textwrap.dedent(SETUP) + textwrap.dedent(source), environment=quiet)
    assert status == expected, (status, out, error)
    if expected == 0:
        assert error == ""


def test_what_handlers_do_that_come_later_harms_nobody():
    status, out, error = run("""
        import atexit

        def late():
            server = rim.TcpServer("127.0.0.1", 0)
            server >> Python(4, 0)
            client = rim.TcpClient("127.0.0.1", server.getPort())
            master = master_of(client)
            try:
                rim.read(master, 0, 4)
            except rogue.GeneralError as error:
                print(error, flush=True)

        # It runs behind those that the package registers.
        atexit.register(late)
        import rogue, rogue.interfaces.memory as rim
        from support import master_of

        class Python(rim.Slave):
            def _doTransaction(self, tran):
                tran.done()
        """)
    assert status == 0 and error == "" and "unconnected memory bus" in out


def test_f69_a_child_by_fork_does_not_wait_for_a_connection_that_its_parent_makes():
    status, out, error = run(
        """
        import os, signal, threading
        import rogue, rogue.interfaces.memory as rim

        master, locked, never = rim.Master(), threading.Event(), threading.Event()

        def connect():
            with master._rg_master.connecting:
                locked.set()
                never.wait()

        threading.Thread(target=connect, daemon=True).start()
        locked.wait()
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            try:
                master >> rim.Emulate(4, 0)
            except rogue.GeneralError as error:
                os._exit(0 if "os.fork()" in str(error) else 1)
        print(os.waitpid(child, 0)[1])
        """,
        environment={"PYTHONWARNINGS": "ignore::DeprecationWarning"},
    )
    assert (status, out) == (0, "0\n"), error


def test_in_a_child_by_fork_the_parents_objects_say_so():
    status, out, error = run(
        """
        import os, signal, threading
        import rogue, rogue.interfaces.memory as rim, rogue.protocols.srp as rps
        import registers, support

        server = rim.TcpServer("127.0.0.1", 0)
        server >> rim.Emulate(4, 0)
        client = rim.TcpClient("127.0.0.1", server.getPort())
        master, hub = rim.Master(), rim.Hub(8, 0, 0)
        master >> client
        hub >> rim.Slave(4, 4)
        device = rps.SrpV3Emulation()
        id = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
        asks = [
            server.getPort, server.getStats, client.getState, client.getStateText,
            lambda: client.waitReady(1.0, 0.1), master._reqMinAccess, master._getError,
            lambda: master._waitTransaction(id), lambda: rim.readMany(master, [0, 4]),
            hub._getOffset, hub._doMinAccess, device.getFrameCount, lambda: master >> hub,
        ]
        block, one = rim.Block(0, 8), registers.variable()
        block.addVariables([one, registers.variable("text", 32, 32, rim.String)])
        block >> rim.Emulate(4, 0)
        block.setEnable(True)
        asks += [
            block._checkTransaction, lambda: block.path, lambda: rim.readAll([block]),
            lambda: block._startTransaction(rim.Read, False, True, one, -1),
            lambda: one._set(1, -1), lambda: one._get(-1), one._bitOffset, one._varBytes,
            lambda: block.variables[1]._get(-1), lambda: block.variables[1]._set("a", -1),
        ]
        kept = support.Keeping()
        deferred = rim.Master()
        deferred >> kept
        deferred._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
        lock = kept.next().lock()
        del deferred

        def connect():
            while True:
                master >> client

        threading.Thread(target=connect, daemon=True).start()
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            for stop in (server._stop, client._stop, device._stop):
                stop()
            fresh = rim.Master()
            fresh >> rim.Emulate(4, 0)
            rim.write(fresh, 0, b"1234")
            bench = registers.Bench(bytes(4), registers.variable(overlap=True))
            bench.block >> rim.Emulate(4, 0)
            bench.block.setEnable(True)
            bench.variables[0]._set(7, -1)
            bench.block._startTransaction(rim.Write, False, True, None, -1)
            assert bench.variables[0]._get(-1) == 7
            for ask in asks:
                try:
                    ask()
                    os._exit(100 + asks.index(ask))
                except rogue.GeneralError as error:
                    assert "os.fork()" in str(error), error
            asked_of = server, client, master, hub, device, block, one
            assert all("os.fork()" in repr(made) for made in asked_of)
            os._exit(0)
        print(os.waitpid(child, 0)[1] >> 8)
        """,
        environment={"PYTHONWARNINGS": "ignore::DeprecationWarning"},
    )
    assert (status, out) == (0, "0\n"), error


def test_f14_children_by_fork_do_their_parents_client_no_harm():
    status, out, error = run(
        """
        import multiprocessing, os, signal
        import rogue, rogue.interfaces.memory as rim

        server = rim.TcpServer("127.0.0.1", 0)
        server >> rim.Emulate(4, 0)
        client = rim.TcpClient("127.0.0.1", server.getPort())
        master = rim.Master()
        master >> client
        rim.write(master, 0, b"1234")

        def use_inherited():
            signal.alarm(60)
            try:
                rim.read(master, 0, 4)
            except rogue.GeneralError as error:
                assert "os.fork()" in str(error), error
            else:
                raise AssertionError("the child has used its parent's client")
            fresh = rim.Master()
            fresh >> rim.TcpClient("127.0.0.1", server_port)
            assert rim.read(fresh, 0, 4) == b"1234"
            client._stop()

        server_port = server.getPort()
        child = os.fork()
        if child == 0:
            try:
                use_inherited()
            except BaseException as error:
                print(repr(error), flush=True)
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        process = multiprocessing.get_context("fork").Process(target=use_inherited)
        process.start()
        process.join()
        assert process.exitcode == 0
        for _ in range(100):
            assert rim.read(master, 0, 4) == b"1234"
        print(client.getStats()["disconnects"])
        """,
        environment={"PYTHONWARNINGS": "ignore::DeprecationWarning"},
    )
    assert (status, out) == (0, "0\n"), (out, error)


def test_a_closed_standard_error_harms_no_callback():
    status, out, _ = run("""
        import sys
        import rogue.interfaces.memory as rim

        class Broken(rim.Slave):
            def _doTransaction(self, tran):
                raise ValueError("unheard")

        sys.stderr = None
        master = rim.Master()
        master >> Broken(4, 4)
        try:
            rim.read(master, 0, 4)
        except Exception as error:
            print(error)
        """)
    assert status == 0 and "unheard" in out
