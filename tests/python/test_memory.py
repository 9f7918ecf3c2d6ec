"""Masters, slaves, hubs and transactions within one process, as programs for Rogue use them."""

import array
import queue
import socket
import threading

import pytest
import rogue
import rogue.interfaces.memory as rim
import rogue.interfaces.stream as ris
import rogue.protocols.udp as rpu

from support import (
    HANG_S,
    IS_CPYTHON,
    LONG_US,
    SHORT_US,
    Acting,
    Keeping,
    Memory,
    hub_over,
    master_of,
    request,
    thread,
    wait_until,
)

UNCONNECTED = "Unsupported transaction using unconnected memory bus"


@pytest.fixture
def master():
    return master_of(rim.Emulate(1, 0))


# --- buffers --------------------------------------------------------------------------------------

READABLE = {
    "bytes": lambda data: data,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "slice of a memoryview": lambda data: memoryview(b"??" + data + b"??")[2:-2],
    "array": lambda data: array.array("H", data),
    "memoryview of an array": lambda data: memoryview(array.array("I", data)),
}


@pytest.mark.parametrize("kind", sorted(READABLE))
def test_writes_take_every_contiguous_buffer(master, kind):
    data = bytes(range(16))
    for type, address in ((rim.Write, 0), (rim.Post, 0x100)):
        assert request(master, type, address, READABLE[kind](data)) == ""
        assert rim.read(master, address, 16) == data


@pytest.mark.parametrize(
    "make",
    [bytearray, lambda n: memoryview(bytearray(n)), lambda n: array.array("Q", bytes(n))],
)
def test_reads_fill_every_writable_contiguous_buffer(master, make):
    rim.write(master, 0, bytes(range(16)))
    for type in (rim.Read, rim.Verify):
        buffer = make(16)
        assert request(master, type, 0, buffer) == ""
        assert bytes(buffer) == bytes(range(16))


def test_arrays_of_numpy_are_buffers_of_their_bytes(master):
    if not IS_CPYTHON:
        return
    import numpy

    values = numpy.arange(6, dtype=numpy.float64).reshape(2, 3)
    assert request(master, rim.Write, 0, values) == ""
    back = numpy.zeros((2, 3))
    assert request(master, rim.Read, 0, back) == ""
    assert (back == values).all()
    for wrong in (values.T, values[:, ::2]):
        with pytest.raises(rogue.GeneralError, match="Python Buffer contig Error"):
            master._reqTransaction(0, wrong, 0, 0, rim.Read)
        with pytest.raises(rogue.GeneralError, match="Python Buffer simple Error"):
            master._reqTransaction(0, wrong, 0, 0, rim.Write)


@pytest.mark.parametrize("buffer", [b"1234", memoryview(b"1234"), "text", 5, None, [1, 2]])
def test_what_cannot_be_read_into_is_refused(master, buffer):
    for type in (rim.Read, rim.Verify):
        with pytest.raises(rogue.GeneralError, match="Python Buffer contig Error"):
            master._reqTransaction(0, buffer, 0, 0, type)


@pytest.mark.parametrize("buffer", ["text", 5, None, [1, 2], memoryview(b"12345678")[::2]])
def test_what_is_no_buffer_cannot_be_written(master, buffer):
    with pytest.raises(rogue.GeneralError, match="Python Buffer simple Error"):
        master._reqTransaction(0, buffer, 0, 0, rim.Write)


def test_size_and_offset_choose_a_part_of_the_buffer(master):
    rim.write(master, 0, bytes(range(1, 9)))
    buffer = bytearray(8)
    master._waitTransaction(master._reqTransaction(2, buffer, 3, 4, rim.Read))
    assert buffer == b"\0\0\0\0\3\4\5\0"
    master._waitTransaction(master._reqTransaction(0x100, b"abcdefgh", 2, 3, rim.Write))
    assert rim.read(master, 0xFF, 4) == b"\0de\0"
    for size, offset in ((9, 0), (0, 9), (4, 5), (1, 8)):
        for type in (rim.Read, rim.Write):
            with pytest.raises(rogue.GeneralError) as raised:
                master._reqTransaction(0, bytearray(8), size, offset, type)
            words = "Attempt to access %d bytes in python buffer with size 8 at offset %d"
            assert words % (size, offset) in str(raised.value)
    with pytest.raises((rogue.GeneralError, OverflowError)):
        master._reqTransaction(0, bytearray(8), 4, -1, rim.Read)


def test_arguments_of_a_wrong_kind_are_refused(master):
    for arguments in (("0", bytearray(4), 0, 0, 1), (0, bytearray(4), 0, 0, "1")):
        with pytest.raises(TypeError):
            master._reqTransaction(*arguments)
    for address in (-1, 1 << 64):
        with pytest.raises(OverflowError):
            master._reqTransaction(address, bytearray(4), 0, 0, 1)
    with pytest.raises(TypeError):
        master._setTimeout(0.5)
    with pytest.raises(OverflowError):
        master._setTimeout(-1)
    assert request(master, rim.Read, 0, bytearray(4)) == ""


def test_f03_an_access_beyond_the_address_space_is_an_error_of_the_transaction():
    seen = []

    def act(_slave, tran):
        seen.append(tran.address())
        tran.done()

    slave, hub = Acting(act), rim.Hub(0x10, 0, 0)
    master = master_of(hub)
    hub >> slave
    for kind in (rim.Read, rim.Write, rim.Post, rim.Verify):
        for address in (2**64 - 8, 2**64 - 0x18):
            error = request(master, kind, address, bytearray(16))
            assert "beyond the end of the address space" in error
        assert request(master, kind, 2**64 - 0x20, bytearray(16)) == ""
    assert seen == [2**64 - 0x10] * 4


def test_f04_an_unknown_type_is_an_error_of_the_transaction():
    seen = []

    def act(_slave, tran):
        seen.append(tran.type())
        tran.done()

    master = master_of(Acting(act))
    for kind in (0, 7, 99, 2**32 - 2):
        error = request(master, kind, 0x10, bytearray(4))
        assert error.startswith("Unknown transaction type 0x%x at 0x10: " % kind)
        assert "ROGUE_MEM" not in error
    assert request(master, rim.Read, 0, bytearray(4)) == ""
    assert seen == [rim.Read]


def test_buffers_of_python_objects_are_no_bytes(master):
    if not IS_CPYTHON:
        return
    import numpy

    objects = numpy.array([[1], "two"], dtype=object)
    mixed = numpy.zeros(2, dtype=[("COUNTO", "u4"), ("thing", object)])
    plain = numpy.zeros(2, dtype=[("COUNTO", "u4"), ("OTHER", "u4")])
    for wrong in (objects, mixed):
        for kind in (rim.Read, rim.Write):
            with pytest.raises(rogue.GeneralError, match="Python objects"):
                master._reqTransaction(0, wrong, 0, 0, kind)
    assert objects[1] == "two"
    assert request(master, rim.Read, 0, plain) == ""


def test_numbers_and_texts_that_are_none_are_refused(master):
    for wrong in (None, "", 0.0):
        with pytest.raises(TypeError):
            master._waitTransaction(wrong)
    for arguments in ((None, 0), ("", 0), (4, None), (4, "")):
        with pytest.raises(TypeError):
            master._reqTransaction(0, bytearray(4), *arguments, rim.Read)
    for wrong in ("a\0b", b"a\0b"):
        with pytest.raises(ValueError, match="NUL"):
            rim.Slave(4, 4).setName(wrong)
        with pytest.raises(ValueError, match="NUL"):
            rim.TcpServer(wrong, 0)
    # What ends a transaction ends it whatever its text is.
    for text, said in (("a\0b", "a b"), ("\udc80", "?"), (b"bytes", "bytes")):
        slave = Acting(lambda _, tran, text=text: tran.error(text))
        assert request(master_of(slave), rim.Read, 0, bytearray(4)) == said


def test_a_buffer_cannot_be_resized_while_a_read_into_it_is_outstanding():
    slave = Keeping()
    master, buffer = master_of(slave), bytearray(4)
    id = master._reqTransaction(0, buffer, 0, 0, rim.Read)
    if IS_CPYTHON:
        with pytest.raises(BufferError):
            buffer.append(1)
    slave.next().done()
    master._waitTransaction(id)
    buffer.append(1)


def test_what_is_done_at_once_needs_no_wait_and_frees_its_buffer(master):
    pins, buffer = master._rg_master.pins, bytearray(4)
    ids = [master._reqTransaction(0, buffer, 0, 0, kind) for kind in (rim.Read, rim.Write)]
    buffer.append(1)
    for id in ids:
        assert id in pins
        master._waitTransaction(id)
        master._waitTransaction(id)
    for kind in (rim.Read, rim.Write, rim.Verify):
        master._reqTransaction(0, bytearray(4), 0, 0, kind)
    master._waitTransaction(0)
    assert not pins and master._getError() == ""


def test_a_write_carries_what_the_buffer_held_when_it_was_requested():
    slave = Keeping()
    master, buffer = master_of(slave), bytearray(b"then")
    id = master._reqTransaction(0, buffer, 0, 0, rim.Write)
    buffer[:] = b"now!!"
    tran, seen = slave.next(), bytearray(4)
    tran.getData(seen, 0)
    tran.done()
    master._waitTransaction(id)
    assert seen == b"then"


def test_a_buffer_never_changes_after_its_transaction_has_been_given_up():
    ends = {
        "timeout": lambda master, id: master._waitTransaction(id),
        "the master has gone": lambda master, id: None,
    }
    for name, end in ends.items():
        slave, buffer = Keeping(), bytearray(b"\xaa" * 8)
        master = master_of(slave)
        master._setTimeout(SHORT_US)
        id = master._reqTransaction(0, buffer, 0, 0, rim.Read)
        end(master, id)
        tran = slave._getTransaction(slave.arrived.get(timeout=HANG_S))
        del master
        if not IS_CPYTHON:
            import gc

            gc.collect()
        if tran is not None:
            with tran.lock():
                if name == "timeout" or IS_CPYTHON:
                    assert tran.expired()
                    with pytest.raises(
                        rogue.GeneralError, match=r"Transaction::begin.*Invalid data"
                    ):
                        tran.setData(b"\1" * 8, 0)
            tran.done()
        assert buffer == b"\xaa" * 8, name


# --- masters --------------------------------------------------------------------------------------


def test_an_unconnected_master_says_so():
    master = rim.Master()
    assert (master._reqMinAccess(), master._reqMaxAccess(), master._reqAddress()) == (4, 0, 0)
    assert master._getSlave() is None
    assert request(master, rim.Read, 0, bytearray(4)) == UNCONNECTED


def test_a_master_can_be_disconnected(master):
    assert request(master, rim.Read, 0, bytearray(4)) == ""
    master._setSlave(None)
    assert master._getSlave() is None
    assert request(master, rim.Read, 0, bytearray(4)) == UNCONNECTED


def test_an_error_stays_until_it_is_cleared():
    slave = Acting(lambda _, tran: tran.error("broken") if tran.address() else tran.done())
    master = master_of(slave)
    assert master._getError() == ""
    master._waitTransaction(master._reqTransaction(4, bytearray(4), 0, 0, rim.Read))
    assert master._getError() == "broken"
    master._waitTransaction(master._reqTransaction(0, bytearray(4), 0, 0, rim.Read))
    assert master._getError() == "broken"
    master._clearError()
    assert master._getError() == ""
    master._waitTransaction(12345)
    assert master._getError() == ""


def test_what_is_connected_is_asked():
    slave = Acting(None, 8, 64)
    slave.setName("registers")
    master = master_of(slave)
    assert master._reqSlaveName() == "registers"
    assert master._reqMinAccess() == 8 and master._reqMaxAccess() == 64
    assert master._reqSlaveId() > 0 and master._reqAddress() == 0
    assert master._getSlave() is slave


def test_operators_connect_and_return_their_right_operand():
    master, slave = rim.Master(), rim.Emulate(4, 0)
    assert (master >> slave) is slave and master._getSlave() is slave
    other = rim.Emulate(4, 0)
    assert (other << master) is master and master._getSlave() is other


def test_wrappers_are_asked_for_what_they_wrap():
    class Wrapper:
        def __init__(self, master, slave):
            self.master, self.slave = master, slave

        def _getMemoryMaster(self):
            return self.master

        def _getMemorySlave(self):
            return self.slave

    wrapper = Wrapper(rim.Master(), rim.Emulate(4, 0))
    master = rim.Master()
    assert master >> wrapper is wrapper
    assert master._getSlave() is wrapper.slave
    slave = rim.Emulate(4, 0)
    assert slave << wrapper is wrapper
    assert wrapper.master._getSlave() is slave


@pytest.mark.parametrize("other", [None, 5, "slave", rim.Master()])
def test_what_is_no_slave_cannot_be_connected(other):
    with pytest.raises(rogue.GeneralError, match="operator with incompatible memory slave"):
        rim.Master() >> other
    with pytest.raises(rogue.GeneralError, match="operator with incompatible memory master"):
        rim.Emulate(4, 0) << "master"


def test_bits_are_copied_set_and_looked_for():
    to = bytearray(4)
    rim.Master._copyBits(to, 5, b"\xff\x01", 0, 9)
    assert int.from_bytes(to, "little") == 0x1FF << 5
    rim.Master._setBits(to, 20, 3)
    assert int.from_bytes(to, "little") == 0x1FF << 5 | 7 << 20
    assert rim.Master._anyBits(to, 22, 1) and not rim.Master._anyBits(to, 23, 9)
    with pytest.raises(rogue.GeneralError):
        rim.Master._setBits(to, 30, 3)


# --- slaves ---------------------------------------------------------------------------------------


def test_the_documented_master_and_slave_work_together():
    class MyMemMaster(rim.Master):
        def __init__(self):
            super().__init__()

        def access(self, address, data, kind):
            self._clearError()
            with_lock = self._reqTransaction(address, data, 0, 0, kind)
            self._waitTransaction(with_lock)
            return self._getError()

    class MyMemSlave(rim.Slave):
        """Answers from a worker's thread."""

        def __init__(self):
            super().__init__(4, 1024)
            self.data, self.requests = bytearray(1024), queue.Queue()
            self.worker = threading.Thread(target=self.work)
            self.worker.start()

        def _doTransaction(self, tran):
            self._addTransaction(tran)
            self.requests.put(tran.id())

        def work(self):
            while True:
                id = self.requests.get()
                if id == 0:
                    return
                tran = self._getTransaction(id)
                with tran.lock():
                    if tran.expired():
                        continue
                    place = slice(tran.address(), tran.address() + tran.size())
                    if tran.type() in (rim.Write, rim.Post):
                        part = bytearray(tran.size())
                        tran.getData(part, 0)
                        self.data[place] = part
                    else:
                        tran.setData(self.data[place], 0)
                    tran.done()

    master, slave = MyMemMaster(), MyMemSlave()
    master >> slave
    try:
        assert master.access(8, b"12345678", rim.Write) == ""
        back = bytearray(8)
        assert master.access(8, back, rim.Read) == ""
        assert back == b"12345678"
    finally:
        slave.requests.put(0)
        slave.worker.join(HANG_S)


def test_a_slave_without_an_override_says_so():
    assert request(master_of(rim.Slave(4, 4)), rim.Read, 0, bytearray(4)) == UNCONNECTED


def test_an_override_of_an_instance_counts():
    slave = rim.Slave(4, 4)
    slave._doTransaction = lambda tran: tran.error("the instance's")
    assert request(master_of(slave), rim.Read, 0, bytearray(4)) == "the instance's"


def test_limits_and_address_may_be_overridden_and_the_base_knows_its_own():
    class Limits(rim.Slave):
        def _doMinAccess(self):
            return 2 * super()._doMinAccess()

        def _doMaxAccess(self):
            return super()._doMaxAccess() + 1

        def _doAddress(self):
            return 0x1_0000_0000 + super()._doAddress()

    master = master_of(Limits(4, 64))
    assert master._reqMinAccess() == 8
    assert master._reqMaxAccess() == 65
    assert master._reqAddress() == 0x1_0000_0000


def test_an_exception_in_a_question_is_printed_and_the_base_answers(capfd):
    class Broken(rim.Slave):
        def _doMaxAccess(self):
            raise ValueError("which maximum")

    assert master_of(Broken(4, 64))._reqMaxAccess() == 64
    assert "which maximum" in capfd.readouterr().err


@pytest.mark.parametrize("answer", [4.0, None, "4", -1, 1 << 64])
def test_an_answer_that_is_no_number_is_printed_and_the_base_answers(answer, capfd):
    class Odd(rim.Slave):
        def _doMinAccess(self):
            return answer

        _doMaxAccess = _doAddress = _doMinAccess

    master = master_of(Odd(4, 64))
    assert master._reqMinAccess() == 4 and master._reqMaxAccess() == 64
    assert master._reqAddress() == 0
    assert capfd.readouterr().err.count("Traceback") == 3


def test_overrides_of_the_librarys_own_slaves_are_called():
    seen = []

    class Watched(rim.Emulate):
        def _doTransaction(self, tran):
            seen.append(tran.address())
            super()._doTransaction(tran)

        def _doMaxAccess(self):
            return 128

    memory = Watched(4, 64)
    memory.setName("watched")
    master = master_of(memory)
    rim.write(master, 0x20, b"1234")
    assert rim.read(master, 0x20, 4) == b"1234"
    assert seen == [0x20, 0x20]
    assert master._reqMaxAccess() == 128 and master._reqMinAccess() == 4
    assert master._reqSlaveName() == "watched"


def test_a_kept_transaction_comes_back_as_the_same_object():
    kept = []

    def act(slave, tran):
        kept.append(tran)
        slave._addTransaction(tran)

    slave = Acting(act)
    master = master_of(slave)
    id = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
    assert slave._getTransaction(id + 1) is None
    assert slave._getTransaction(id) is kept[0]
    assert slave._getTransaction(id) is None
    kept[0].done()
    master._waitTransaction(id)


def test_transactions_that_nobody_asks_for_are_not_kept_for_ever():
    slave = Acting(lambda slave, tran: slave._addTransaction(tran))
    for _ in range(50):
        master = master_of(slave)
        for _ in range(40):
            master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
        del master
        if not IS_CPYTHON:
            import gc

            gc.collect()
    assert len(slave._rg_kept) < 1000


# --- transactions ---------------------------------------------------------------------------------


def test_data_is_copied_with_the_lock_and_without_it():
    errors = []

    def act(_slave, tran):
        data = bytearray(4)
        for offset, part in ((0, b"ab"), (2, b"cd")):
            tran.setData(part, offset)
        with tran.lock():
            tran.getData(data, 0)
            tran.setData(bytes(data[2:]), 0)
            with pytest.raises(rogue.GeneralError) as raised:
                tran.setData(b"12345", 0)
            errors.append(str(raised.value))
        for offset, count in ((1, 4), (5, 0), (4, 1)):
            with pytest.raises(rogue.GeneralError):
                tran.getData(bytearray(count), offset)
        for copy, buffer in ((tran.getData, b"1234"), (tran.setData, "1234")):
            with pytest.raises(rogue.GeneralError, match="Python Buffer Error In Frame"):
                copy(buffer, 0)
        tran.done()

    assert rim.read(master_of(Acting(act)), 0, 4) == b"cdcd"
    assert "Attempt to set 5 bytes at offset 0" in errors[0]


def test_the_data_of_a_write_is_not_to_be_changed():
    def act(_slave, tran):
        with pytest.raises(rogue.GeneralError):
            tran.setData(b"12", 0)
        with tran.lock(), pytest.raises(rogue.GeneralError):
            tran.setData(b"12", 0)
        tran.done()

    assert request(master_of(Acting(act)), rim.Write, 0, b"ab") == ""


def test_a_lock_ends_with_its_block_also_by_an_exception_and_keeps_others_out():
    slave = Keeping()
    master = master_of(slave)
    id = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
    tran = slave.next()
    with pytest.raises(KeyError):
        with tran.lock():
            raise KeyError("out")
    lock = tran.lock()
    lock.lock()
    entered, inside = threading.Event(), []

    def other():
        entered.set()
        with tran.lock():
            inside.append("other")

    with thread(other):
        assert entered.wait(HANG_S)
        inside.append("first")
        lock.unlock()
        lock.unlock()
    assert inside == ["first", "other"]
    if IS_CPYTHON:
        # A lock without an owner is released with its object.
        tran.lock()
    with tran.lock():
        pass
    tran.done()
    master._waitTransaction(id)


def test_nothing_native_can_be_copied():
    import copy

    slave = Keeping()
    master = master_of(slave)
    id = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
    tran, frame = slave.next(), rogue.interfaces.stream.Master()._reqFrame(4, False)
    lock, other = tran.lock(), frame.lock()
    for thing in (tran, frame, lock, other, master, slave, rogue.interfaces.stream.Slave()):
        with pytest.raises(RuntimeError):
            copy.copy(thing)
    lock.unlock()
    tran.done()
    master._waitTransaction(id)


def test_transactions_are_never_made_by_programs():
    for make in (rim.Transaction, lambda: rim.Transaction(1, 2)):
        with pytest.raises(RuntimeError):
            make()


def test_representations_show_address_and_state():
    slave = Keeping()
    master = master_of(slave)
    slave.setName("kept")
    id = master._reqTransaction(0x1234, bytearray(4), 0, 0, rim.Read)
    tran = slave.next()
    assert "0x1234" in repr(tran) and "Read" in repr(tran) and "pending" in repr(tran)
    assert "kept" in repr(master) and "kept" in repr(slave)
    lock = tran.lock()
    assert "held" in repr(lock)
    lock.unlock()
    assert "released" in repr(lock)
    tran.done()
    master._waitTransaction(id)
    assert "expired" in repr(tran)
    hub = hub_over(rim.Emulate(4, 0), 0x500)
    assert "0x500" in repr(hub)
    with rim.TcpServer("127.0.0.1", 0) as server:
        port = server.getPort()
        assert str(port) in repr(server) and "127.0.0.1" in repr(server)
        with rim.TcpClient("127.0.0.1", port) as client:
            assert client.waitReady(HANG_S, 0.05)
            assert "connected" in repr(client) and str(port) in repr(client)
        assert "stopped" in repr(client)
    assert "stopped" in repr(server)


# --- hubs -----------------------------------------------------------------------------------------


def test_a_hub_adds_its_offset_and_splits():
    seen = []

    class Small(Memory):
        def _doTransaction(self, tran):
            seen.append((tran.address(), tran.size()))
            super()._doTransaction(tran)

    master = master_of(hub_over(Small(4, 8), 0x1000))
    rim.write(master, 0x10, bytes(range(20)))
    assert seen == [(0x1010, 8), (0x1018, 8), (0x1020, 4)]
    assert rim.read(master, 0x10, 20) == bytes(range(20))
    assert master._reqMaxAccess() == 0xFFFFFFFF and master._reqMinAccess() == 4


def test_a_hub_with_limits_is_the_root_of_an_address_space():
    hub = rim.Hub(0x40, 4, 256)
    hub >> hub_over(rim.Emulate(1, 16), 0x1000)
    hub.setName("root")
    master = master_of(hub)
    assert (master._reqMinAccess(), master._reqMaxAccess()) == (4, 256)
    assert master._reqAddress() == 0 and hub._getAddress() == 0x1040
    assert master._reqSlaveName() == "root"
    assert hub._blkMinAccess() == 1 and hub._blkMaxAccess() == 0xFFFFFFFF
    assert hub._getOffset() == 0x40


def test_a_translating_hub_makes_requests_of_its_own():
    class Translating(rim.Hub):
        """Shows every word with its bytes reversed."""

        def __init__(self):
            super().__init__(0, 4, 4)

        def _doTransaction(self, tran):
            with tran.lock():
                data = bytearray(tran.size())
                if tran.type() in (rim.Write, rim.Post):
                    tran.getData(data, 0)
                    data.reverse()
                self._waitTransaction(
                    self._reqTransaction(tran.address() ^ 0x100, data, 0, 0, tran.type())
                )
                if self._getError():
                    tran.error(self._getError())
                    return
                if tran.type() in (rim.Read, rim.Verify):
                    data.reverse()
                    tran.setData(data, 0)
            tran.done()

    memory = rim.Emulate(4, 4)
    hub = Translating()
    hub >> memory
    master = master_of(hub)
    rim.write(master, 0x20, b"abcd")
    assert rim.read(master, 0x20, 4) == b"abcd"
    assert rim.read(master_of(memory), 0x120, 4) == b"dcba"


def test_emulated_memory_takes_no_more_than_it_may():
    master = master_of(rim.Emulate(4, 0, memory_bytes_max=64 * 1024))
    written = 0
    with pytest.raises(rogue.GeneralError, match="raise memory_bytes_max"):
        while written < 100:
            rim.write(master, 0x10000 * written, bytes(4))
            written += 1
    assert 8 <= written <= 16
    rim.write(master, 0, b"abcd")


def test_a_hub_in_python_may_choose_what_passes():
    class Guard(rim.Hub):
        def _doTransaction(self, tran):
            if tran.address() >= 0x100:
                tran.error("no entry")
            else:
                super()._doTransaction(tran)

    master = master_of(hub_over(rim.Emulate(4, 0), 0x1000, Guard))
    assert request(master, rim.Write, 0, b"1234") == ""
    assert request(master, rim.Write, 0x100, b"1234") == "no entry"


@pytest.mark.parametrize("count", [1, 3])
def test_hubs_in_a_circle_are_told(count):
    class Passing(rim.Hub):
        def _doTransaction(self, tran):
            super()._doTransaction(tran)

    for kind in (rim.Hub, Passing):
        hubs = [kind(4, 0, 0) for _ in range(count)]
        for n, hub in enumerate(hubs):
            hub >> hubs[(n + 1) % count]
        master = master_of(hubs[0])
        assert "circle" in request(master, rim.Read, 0, bytearray(4))
        assert master._reqAddress() == 0 and kind.__name__ in repr(hubs[0])
        # The workaround.
        hubs[-1] >> rim.Emulate(4, 0)
        assert request(master, rim.Read, 0, bytearray(4)) == ""


def test_attributes_that_are_missing_are_never_asked_for():
    class Node:
        def __getattr__(self, name):
            if name in self._nodes:
                return self._nodes[name]
            raise AttributeError(name)

    class Device(Node, rim.Hub):
        def __init__(self):
            rim.Hub.__init__(self, 0x100, 0, 0)
            self._nodes = {}
            rogue.interfaces.stream.Master.__init__(self)

    device = Device()
    device >> rim.Emulate(4, 0)
    master = master_of(device)
    rim.write(master, 0, b"1234")
    assert rim.read(master, 0, 4) == b"1234"
    repr(device)
    # An object without a constructor call is destroyed silently.
    unborn = rim.Hub.__new__(Device)
    unborn._nodes = {}
    del unborn


# --- many -----------------------------------------------------------------------------------------


def test_many_tell_the_first_that_failed_when_all_have_ended():
    seen = []

    def act(_slave, tran):
        seen.append(tran.address())
        if tran.address() in (0x8, 0x10):
            tran.error("no register here")
        else:
            tran.setData(b"good", 0)
            tran.done()

    master = master_of(Acting(act))
    with pytest.raises(rogue.GeneralError) as raised:
        rim.readMany(master, range(0, 0x20, 4))
    assert "0x8: no register here" in str(raised.value) and "1 others" in str(raised.value)
    assert seen == list(range(0, 0x20, 4))
    assert rim.readMany(master, []) == b"" and rim.readMany(master, [0]) == b"good"
    rim.writeMany(master, [], b"")
    with pytest.raises(ValueError):
        rim.writeMany(master, [0, 4, 8], b"1234")
    assert not master._rg_master.pins


def test_many_writes_carry_what_the_buffer_held_when_they_were_requested():
    slave, data = Keeping(), bytearray(b"AAAABBBB")
    master = master_of(slave)
    with thread(rim.writeMany, master, [0, 4], data):
        kept = [slave.next(), slave.next()]
        data[:] = b"CCCCDDDD"
        for tran, expected in zip(kept, (b"AAAA", b"BBBB")):
            seen = bytearray(4)
            tran.getData(seen, 0)
            tran.done()
            assert seen == expected
    # Once the call that copies it has returned, the buffer can also be resized.
    ids = rim.reqTransactions(master, [0, 4], data, 4, rim.Write)
    kept = [slave.next(), slave.next()]
    data[:] = b"E"
    for id, tran, expected in zip(ids, kept, (b"CCCC", b"DDDD")):
        seen = bytearray(4)
        tran.getData(seen, 0)
        tran.done()
        master._waitTransaction(id)
        assert (seen, master._getError()) == (expected, "")


# --- errors of a bridge ---------------------------------------------------------------------------


SERVERS = [rim.TcpServer, ris.TcpServer, lambda address, port: rpu.Server(port, False, address)]


@pytest.mark.parametrize("server", SERVERS, ids=["memory", "stream", "udp"])
@pytest.mark.parametrize(
    "address, words",
    [
        ("no-such-if.invalid", "neither an interface of this host, which has "),
        ("fe80::1%no-such-if", 'this host has no interface "no-such-if", but '),
        ("192.0.2.1", "no interface of this host has that address, but "),
    ],
)
def test_an_interface_that_is_none_is_named(server, address, words):
    with pytest.raises(rogue.GeneralError, match=r"Failed to bind .* at address") as caught:
        server(address, 9000)
    assert words in str(caught.value)


def test_a_port_that_is_taken_is_told_and_both_can_be_used_again():
    with rim.TcpServer("127.0.0.1", 0) as server:
        port = server.getPort()
        words = "to port %d at address 127.*process.*port %d was asked for" % (port + 1, port)
        with pytest.raises(rogue.GeneralError, match="Failed to bind server " + words):
            rim.TcpServer("127.0.0.1", port)
    again = rim.TcpServer("127.0.0.1", port)
    assert again.getPort() == port
    again.close()
    again._stop()
    again._start()


def test_ports_and_options_are_checked():
    for port in (-1, 65536):
        with pytest.raises(OverflowError):
            rim.TcpServer("127.0.0.1", port)
        with pytest.raises(OverflowError):
            rim.TcpClient("127.0.0.1", port)
    with pytest.raises(TypeError):
        rim.TcpServer("127.0.0.1", "9000")
    with pytest.raises(TypeError, match=r"there is no option 'colour'; there are: .*window"):
        rim.TcpServer("127.0.0.1", 0, colour="red")
    with pytest.raises(TypeError, match="no option 'size'"):
        rim.TcpClient("127.0.0.1", 9, size=1)
    with pytest.raises(ValueError, match="one_per_address"):
        rim.TcpServer("127.0.0.1", 0, legacy="none")


def test_addresses_may_be_bytes():
    with rim.TcpServer(b"127.0.0.1", 0) as server, rim.TcpClient(b"127.0.0.1", 9) as client:
        assert "127.0.0.1" in repr(server) and "127.0.0.1" in repr(client)


def test_options_reach_the_library():
    refusing = rim.TcpServer(
        "127.0.0.1",
        0,
        transaction_bytes_max=64,
        spin_us=0,
        legacy="refuse",
        stack_bytes=4 << 20,
        descriptors_reserved=100,
        host_silence_ms_max=4000,
    )
    refusing >> rim.Emulate(1, 0)
    client = rim.TcpClient(
        "127.0.0.1", refusing.getPort(), True, window=3, spin_us=0, stack_bytes=4 << 20
    )
    client._start()
    master = master_of(client)
    assert request(master, rim.Write, 0, bytes(64)) == ""
    assert request(master, rim.Write, 0, bytes(65)) != ""
    stats = refusing.getStats()
    assert stats["clients"] == 1 and stats["refused"] == 1
    assert client.getStats()["requests"] >= 2 and client.getStats()["outstanding"] == 0
    client._stop()
    refusing._stop()
    assert client.getState() == rim.CLIENT_STOPPED
    assert client.waitReady(1.0, 0.1) is False


def test_a_server_and_its_clients_meet_at_a_path(tmp_path):
    address = "unix:%s" % (tmp_path / "board.sock")
    with rim.TcpServer(address, 0, unix_mode=0o660) as server, rim.TcpClient(address, 0) as client:
        server >> rim.Emulate(4, 0x1000)
        assert server.getPort() == 0 and address in repr(server)
        assert (tmp_path / "board.sock").stat().st_mode & 0o777 == 0o660
        assert client.waitReady(HANG_S, 0.01)
        master = master_of(client)
        assert request(master, rim.Write, 0x10, b"abcd") == ""
        found = bytearray(4)
        assert request(master, rim.Read, 0x10, found) == "" and found == b"abcd"
        with pytest.raises(rogue.GeneralError, match="another server listens there"):
            rim.TcpServer(address, 0)
    with pytest.raises(rogue.GeneralError, match="a path has no port"):
        rim.TcpServer(address, 9000)


def test_a_read_only_server_refuses_writes():
    with rim.TcpServer("127.0.0.1", 0, read_only=True) as server:
        server >> rim.Emulate(4, 0x1000)
        with rim.TcpClient("127.0.0.1", server.getPort()) as client:
            assert client.waitReady(HANG_S, 0.01)
            master = master_of(client)
            assert "read only" in request(master, rim.Write, 0x10, b"abcd")
            found = bytearray(4)
            assert request(master, rim.Read, 0x10, found) == "" and found == bytes(4)
        assert server.getStats()["refused"] == 1


def test_a_server_that_drains_answers_what_it_has_and_refuses_the_rest():
    keeping = Keeping()
    with rim.TcpServer("127.0.0.1", 0) as server:
        server >> keeping
        server._setTimeout(LONG_US)
        with rim.TcpClient("127.0.0.1", server.getPort()) as client:
            assert client.waitReady(HANG_S, 0.01)
            master, data = master_of(client), bytearray(4)
            kept = master._reqTransaction(0, data, 0, 0, rim.Read)
            tran = keeping.next()
            assert wait_until(lambda: server.drain(0.001) == 1)
            assert "drains" in request(master, rim.Read, 8, bytearray(4))
            tran.setData(b"abcd", 0)
            tran.done()
            assert server.drain(HANG_S) == 0
            master._clearError()
            master._waitTransaction(kept)
            assert (master._getError(), data) == ("", b"abcd")
        stats = server.getStats()
        assert (stats["draining"], stats["refused_draining"]) == (1, 1)
    with pytest.raises(rogue.GeneralError, match="is stopped"):
        server.drain(0)


def test_a_server_serves_at_sockets_that_listen_already(tmp_path):
    path = str(tmp_path / "board.sock")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(16)
    for given in ([listener], [listener.fileno()]):
        with rim.TcpServer.adopt(given, read_only=True) as server:
            server >> rim.Emulate(4, 0x1000)
            assert server.getAddresses() == ["unix:" + path]
            assert repr(server).startswith("<rogue.interfaces.memory.TcpServer at ")
            with rim.TcpClient("unix:" + path, 0) as client:
                assert client.waitReady(HANG_S, 0.01)
                assert "read only" in request(master_of(client), rim.Write, 8, bytearray(4))
    listener.close()
    with pytest.raises(rogue.GeneralError, match="cannot be used: Bad file descriptor"):
        rim.TcpServer.adopt([2**31 - 1])
    with pytest.raises(rogue.GeneralError, match="give it sockets"):
        rim.TcpServer.adopt([])
    alone = socket.create_server(("127.0.0.1", 0))
    with alone, pytest.raises(rogue.GeneralError, match="is followed by none"):
        rim.TcpServer.adopt([alone])


def test_a_server_listens_at_several_addresses(tmp_path):
    path = "unix:%s" % (tmp_path / "board.sock")
    with rim.TcpServer("127.0.0.1", 0, addresses=["127.0.0.1:0", path]) as server:
        server >> rim.Emulate(4, 0x1000)
        first, second, third = server.getAddresses()
        assert first == "127.0.0.1:%d" % server.getPort() and third == path
        for host, port in (second.rsplit(":", 1), (path, 0)):
            with rim.TcpClient(host, int(port)) as client:
                assert client.waitReady(HANG_S, 0.01)
        with pytest.raises(rogue.GeneralError, match="another server listens there"):
            rim.TcpServer("127.0.0.1", 0, addresses=path)
    with pytest.raises(rogue.GeneralError, match="add the port"):
        rim.TcpServer("127.0.0.1", 0, addresses=["127.0.0.1"])
    with pytest.raises(TypeError):
        rim.TcpServer("127.0.0.1", 0, addresses=7)


def test_a_client_without_a_server_says_why():
    with rim.TcpServer("127.0.0.1", 0) as server:
        port = server.getPort()
    with rim.TcpClient("127.0.0.1", port) as client:
        assert client.waitReady(0.01, 0.01) is False
        assert client.getState() in (rim.CLIENT_CONNECTING, rim.CLIENT_HANDSHAKE)
        master = rim.Master()
        master._setTimeout(SHORT_US)
        master >> client
        assert "Timeout" in request(master, rim.Read, 0, bytearray(4))
