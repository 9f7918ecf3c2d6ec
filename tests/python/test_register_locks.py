"""Typed registers and the lock of the interpreter: which calls keep it, and that none waits with
it."""

import logging
import sys
import threading

import pytest
import rogue.interfaces.memory as rim
from rogue._impl import registers

from registers import variable
from support import (
    HANG_S,
    IS_CPYTHON,
    LONG_US,
    Acting,
    PythonHub,
    hub_over,
    logged_by,
    thread,
    wait_until,
)

#: Longer than any test.
NEVER_S = 10 * HANG_S
READS = 100
#: A pause of a thread that counts.
TICK_S = 0.0001


def only_cpython(test):
    """Leaves a test out on PyPy, which releases its lock around every call."""
    return test if IS_CPYTHON else None


def block_over(slave, *variables):
    block = rim.Block(0, 64)
    block >> slave
    block._setTimeout(LONG_US)
    block.addVariables(variables)
    block.setEnable(True)
    return block


def get(block, one):
    """Reads as pyrogue does."""
    block._startTransaction(rim.Read, False, False, one, -1)
    block._checkTransaction()
    return one._get(-1)


def put(block, one, value):
    one._set(value, -1)
    block._startTransaction(rim.Write, True, False, one, -1)
    block._startTransaction(rim.Verify, False, False, one, -1)
    block._checkTransaction()


@pytest.fixture
def releases(monkeypatch):
    """The calls that release the lock, from now on."""
    made = []

    def counted(name):
        function = getattr(registers, name)

        def call(*arguments):
            made.append(name)
            return function(*arguments)

        monkeypatch.setattr(registers, name, call)

    counted("_start")
    counted("_check")
    return made


# --- what keeps it --------------------------------------------------------------------------------


@pytest.mark.parametrize("hubs", [0, 2])
def test_accesses_of_an_emulated_memory_keep_the_lock(releases, hubs):
    slave = rim.Emulate(4, 0)
    for _ in range(hubs):
        slave = hub_over(slave, 0x100)
    one, many = variable(), variable("many", 64, 16, count=4)
    block = block_over(slave, one, many)
    put(block, one, 0x12345678)
    put(block, many, [1, 2, 3, 4])
    block._startTransaction(rim.Read, False, False, None, -1)
    block._startTransaction(rim.Read, False, False, many, 3)
    block._checkTransaction()
    assert (get(block, one), many._get(3)) == (0x12345678, 4)
    assert releases == []


@only_cpython
def test_no_other_thread_runs_during_accesses_of_an_emulated_memory():
    block = block_over(rim.Emulate(4, 0), one := variable())
    ticks, is_over = [0], threading.Event()

    def tick():
        while not is_over.wait(TICK_S):
            ticks[0] += 1

    interval = sys.getswitchinterval()
    # From now on a thread gets the lock where another one releases it, and nowhere else.
    sys.setswitchinterval(NEVER_S)
    try:
        with thread(tick):
            try:
                assert wait_until(lambda: ticks[0])
                before = ticks[0]
                for value in range(READS):
                    put(block, one, value)
                    get(block, one)
                after = ticks[0]
            finally:
                is_over.set()
    finally:
        sys.setswitchinterval(interval)
    assert after == before


@pytest.mark.parametrize("spin_us", [None, 0])
def test_an_access_over_a_bridge_releases_the_lock_once_at_most(releases, spin_us):
    with rim.TcpServer("127.0.0.1", 0) as server:
        server >> rim.Emulate(4, 0)
        with rim.TcpClient("127.0.0.1", server.getPort(), spin_us=spin_us) as client:
            block = block_over(hub_over(client, 0x100), one := variable())
            put(block, one, 7)
            # The wait for the write, and that for the verify.
            assert len(releases) <= 2
            releases.clear()
            for _ in range(READS):
                assert get(block, one) == 7
            # None where the answer is there, or comes during a poll.
            assert set(releases) <= {"_check"}
            assert len(releases) <= READS


@pytest.mark.parametrize("kind", [Acting, PythonHub])
def test_what_runs_python_is_called_without_the_lock(releases, kind):
    memory = rim.Emulate(4, 0)
    slave = (
        Acting(lambda _, tran: tran.done()) if kind is Acting else hub_over(memory, 0, PythonHub)
    )
    block = block_over(hub_over(slave, 0), one := variable())
    assert get(block, one) == 0
    assert releases == ["_start"]


def test_an_access_with_retries_or_with_a_wait_releases_the_lock(releases):
    block = block_over(rim.Emulate(4, 0), one := variable(retries=2))
    assert get(block, one) == 0
    block = block_over(rim.Emulate(4, 0), one := variable())
    block._startTransaction(rim.Read, False, True, one, -1)
    assert releases == ["_start", "_start"]


def let_begin():
    """Lets another thread begin its wait; if it is slower, the test is only weaker. It is not the
    main thread, whose waits Python interrupts from time to time."""
    threading.Event().wait(0.05)


# --- what never waits with it ---------------------------------------------------------------------


def test_a_thread_that_waits_for_a_slave_in_python_lets_the_slave_run():
    entered, may_end = threading.Event(), threading.Event()

    def act(_, tran):
        entered.set()
        assert may_end.wait(HANG_S)
        tran.done()

    block = block_over(Acting(act), one := variable())
    with thread(get, block, one):
        assert entered.wait(HANG_S)
        # It waits for the transaction of the first thread, and that one for this thread.
        with thread(get, block, one):
            let_begin()
            may_end.set()


def test_a_slave_in_python_may_wait_for_a_thread_that_uses_another_block_of_the_device():
    memory, done = rim.Emulate(4, 0), threading.Event()
    inner = block_over(memory, within := variable())

    def use():
        put(inner, within, 3)
        done.set()

    def act(_, tran):
        with thread(use):
            assert done.wait(HANG_S)
        tran.done()

    block = block_over(Acting(act), one := variable())
    assert get(block, one) == 0
    assert get(inner, within) == 3


def test_a_lock_that_python_holds_on_the_data_is_not_waited_for_with_the_interpreters():
    kept, may_unlock = [], threading.Event()

    def act(_, tran):
        kept.append(tran)

    def hold():
        with kept[0].lock():
            kept[0].done()
            held.set()
            assert may_unlock.wait(HANG_S)

    held = threading.Event()
    block = block_over(Acting(act), one := variable())
    block._startTransaction(rim.Read, False, False, one, -1)
    with thread(hold):
        assert held.wait(HANG_S)
        with thread(block._checkTransaction):
            let_begin()
            may_unlock.set()


def test_a_bridge_whose_server_runs_python_in_this_process_answers():
    memory = rim.Emulate(4, 0)
    with rim.TcpServer("127.0.0.1", 0) as server:
        server >> hub_over(memory, 0, PythonHub)
        with rim.TcpClient("127.0.0.1", server.getPort()) as client:
            blocks = [block_over(hub_over(client, 64 * n), variable()) for n in range(4)]

            def use(block):
                (one,) = block.variables
                for value in range(READS):
                    put(block, one, value)
                    assert get(block, one) == value

            with thread(use, blocks[0]), thread(use, blocks[1]), thread(use, blocks[2]):
                use(blocks[3])


def test_f88_a_log_handler_has_the_message_in_the_thread_and_before_the_end_of_the_access():
    threads = []

    class Noting(logging.Handler):
        def emit(self, record):
            threads.append(threading.get_ident())

    with logged_by(Noting()):
        put(block_over(rim.Emulate(4, 0), one := variable()), one, 1)
        # The memory has a new page.
        assert threads == [threading.get_ident()]
