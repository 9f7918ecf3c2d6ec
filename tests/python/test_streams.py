"""Streams and SRP."""

import gc
import queue
import threading

import pytest
import rogue
import rogue.interfaces.memory as rim
import rogue.interfaces.stream as ris
import rogue.protocols.srp as rps
from rogue._impl.native import check, lib

from support import HANG_S, IS_CPYTHON, LONG_US, Printed, master_of, request, thread


class Receiver(ris.Slave):
    def __init__(self):
        super().__init__()
        self.got = []

    def _acceptFrame(self, frame):
        with frame.lock():
            self.got.append(bytes(frame.getBa()))


def frame_of(master, data, room=0):
    frame = master._reqFrame(max(len(data), room), True)
    frame.write(data)
    return frame


def test_frames_reach_every_slave_in_reverse_order():
    order = []

    class Ordered(ris.Slave):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def _acceptFrame(self, frame):
            order.append((self.name, bytes(frame.getBa())))

    master, slaves = ris.Master(), [Ordered(n) for n in range(3)]
    for slave in slaves:
        assert (master >> slave) is slave
    assert master._slaveCount() == 3
    master._sendFrame(frame_of(master, b"abc"))
    assert order == [(n, b"abc") for n in (2, 1, 0)]
    assert [slave.getFrameCount() for slave in slaves] == [1, 1, 1]
    assert slaves[0].getByteCount() == 3
    master._stop()
    assert master._slaveCount() == 0


def test_operators_connect_and_return_what_they_must():
    class Both(ris.Slave, ris.Master):
        def __init__(self):
            ris.Slave.__init__(self)
            ris.Master.__init__(self)
            self.got = []

        def _acceptFrame(self, frame):
            self.got.append(bytes(frame.getBa()))

    one, other = Both(), Both()
    assert (one == other) is None
    one._sendFrame(frame_of(one, b"there"))
    other._sendFrame(frame_of(other, b"back"))
    assert other.got == [b"there"] and one.got == [b"back"]
    third = Both()
    assert (third << one) is one
    one._sendFrame(frame_of(one, b"all"))
    assert third.got == [b"all"] and other.got[-1] == b"all"
    before = one._slaveCount(), other._slaveCount()
    assert one != other and one == one and not one == 5 and not one == None  # noqa: E711
    assert (one in [3, None, one]) and {one: 1}[one] == 1
    assert (one._slaveCount(), other._slaveCount()) == before
    with pytest.raises(rogue.GeneralError):
        ris.Master() == other
    with pytest.raises(rogue.GeneralError, match="stream::Master::rshiftPy"):
        one >> 5
    with pytest.raises(rogue.GeneralError, match="stream::Slave::lshiftPy"):
        ris.Slave() << 5


def test_a_wrapper_is_asked_for_what_it_wraps():
    class Wrapper:
        def __init__(self):
            self.master, self.slave = ris.Master(), Receiver()

        def _getStreamMaster(self):
            return self.master

        def _getStreamSlave(self):
            return self.slave

    wrapper, master, slave = Wrapper(), ris.Master(), Receiver()
    assert (master >> wrapper) is wrapper and (slave << wrapper) is wrapper
    master._sendFrame(frame_of(master, b"in"))
    wrapper.master._sendFrame(frame_of(wrapper.master, b"out"))
    assert wrapper.slave.got == [b"in"] and slave.got == [b"out"]


def test_an_exception_in_a_slave_is_printed_and_reaches_no_sender(capfd):
    class Broken(ris.Slave):
        def _acceptFrame(self, frame):
            raise ValueError("bad frame")

    master, good = ris.Master(), Receiver()
    master >> good
    master >> Broken()
    master._sendFrame(frame_of(master, b"x"))
    assert good.got == [b"x"]
    assert "bad frame" in capfd.readouterr().err


def test_a_frame_grows_within_its_room():
    frame = frame_of(ris.Master(), b"abcd", 10)
    assert (frame.getSize(), frame.getPayload(), frame.getAvailable()) == (10, 4, 6)
    frame.write(b"XYZ", 3)
    assert frame.getBa() == b"abcXYZ" and isinstance(frame.getBa(), bytearray)
    assert frame.getBa(2, 3) == b"cXY" and frame.getBa(4) == b"YZ"
    assert bytes(frame.getMemoryview()) == b"abcXYZ"
    part = bytearray(2)
    frame.read(part, 4)
    assert part == b"YZ"
    with pytest.raises(rogue.GeneralError, match="Frame::writePy"):
        frame.write(b"12345", 6)
    with pytest.raises(rogue.GeneralError, match="Frame::readPy"):
        frame.read(bytearray(3), 4)
    with pytest.raises(rogue.GeneralError):
        frame.read(b"12", 0)
    for name, most in (("Error", 255), ("Flags", 65535), ("Channel", 255)):
        getattr(frame, "set" + name)(most)
        assert getattr(frame, "get" + name)() == most
        with pytest.raises(OverflowError):
            getattr(frame, "set" + name)(most + 1)
    frame.setFirstUser(0x12)
    frame.setLastUser(0x34)
    frame.setFirstUser(0x01)
    assert (frame.getFirstUser(), frame.getLastUser(), frame.getFlags()) == (1, 0x34, 0x3401)
    assert "6" in repr(frame)


def test_threads_that_write_to_a_frame_make_it_grow_only():
    frame = ris.Master()._reqFrame(400, False)

    def write(first):
        for n in range(first, 400, 4):
            frame.write(bytes([n % 251]), n)

    with thread(write, 0), thread(write, 1), thread(write, 2), thread(write, 3):
        pass
    assert frame.getBa() == bytes(n % 251 for n in range(400))


def test_parts_that_a_frame_does_not_have_are_refused():
    frame = frame_of(ris.Master(), b"abcd", 10)
    for offset, count in ((4, 1 << 40), (5, 0), (0, -1), (-1, 2), (1 << 40, 0)):
        with pytest.raises(rogue.GeneralError, match="with size 4"):
            frame.getBa(offset, count)
    for offset in (-1, 1, 1 << 40):
        with pytest.raises(rogue.GeneralError, match="with size 4"):
            frame.read(bytearray(4), offset)
        with pytest.raises(rogue.GeneralError, match="with size 10"):
            frame.write(bytes(10), offset)
    assert frame.getBa() == b"abcd"


def test_arrays_of_numpy_go_through_frames():
    if not IS_CPYTHON:
        return
    import numpy

    frame = ris.Master()._reqFrame(16, False)
    frame.putNumpy(numpy.arange(4, dtype=numpy.uint32))
    back = frame.getNumpy()
    assert back.dtype == numpy.uint8 and (back.view(numpy.uint32) == numpy.arange(4)).all()


def test_a_frame_prints_its_layout(capfd):
    slave, master = ris.Slave(), ris.Master()
    slave.setFixedSize(8)
    master >> slave
    frame = frame_of(master, b"123456789", 10)
    frame.setChannel(3)
    frame._debug()
    assert capfd.readouterr().out.splitlines() == [
        (
            "Frame Info. BufferCount: 2, Size: 16, Available: 7, Payload: 9, Channel: 3, "
            "Error: 0x0, Flags: 0x0"
        ),
        "    Buffer: 0, AllocSize: 8, RawSize: 8, HeadRoom: 0, TailRoom: 0, Payload: 8",
        "    Buffer: 1, AllocSize: 8, RawSize: 8, HeadRoom: 0, TailRoom: 0, Payload: 1",
    ]


def test_frames_of_several_buffers_are_read_and_written_like_one():
    slave, master = ris.Slave(), ris.Master()
    slave.setFixedSize(7)
    master >> slave
    frame = master._reqFrame(100, True)
    data = bytes(range(100))
    frame.write(data[:50])
    frame.write(data[30:], 30)
    assert frame.getBa() == data and frame.getBa(5, 20) == data[5:25]
    part = bytearray(60)
    frame.read(part, 40)
    assert part == data[40:]
    assert frame.getSize() == 105 and frame.getAvailable() == 5


def put(array, offset=0):
    frame = ris.Master()._reqFrame(64, False)
    frame.putNumpy(array, offset)
    return bytes(frame.getBa(offset))


def test_f30_buffers_with_gaps_are_put_into_frames():
    assert put(memoryview(b"abcdefgh")[::2]) == b"aceg"
    assert put(memoryview(b"abcdefgh")[::-3], 5) == b"heb"
    assert put(b"abc") == b"abc"
    frame = ris.Master()._reqFrame(4, False)
    with pytest.raises(rogue.GeneralError, match=r"Frame::putNumpy.*write 5 bytes.*with size 4"):
        frame.putNumpy(memoryview(bytes(10))[::2])
    for wrong in (5, None, "text"):
        with pytest.raises(rogue.GeneralError, match=r"Frame::putNumpy.*not a numpy array"):
            frame.putNumpy(wrong)
    assert frame.getPayload() == 0


def test_f30_arrays_of_any_strides_and_types_are_put_into_frames():
    if not IS_CPYTHON:
        return
    import numpy

    words = numpy.arange(12, dtype=">u2").reshape(3, 4)
    fortran = numpy.asfortranarray(words)
    dates = numpy.arange("2026-01-01", "2026-01-05", dtype="M8[D]")
    pair = numpy.zeros(4, dtype=[("a", "u1"), ("when", "M8[s]")])
    pair["a"] = range(4)
    assert put(words) == words.tobytes()
    assert put(words[::-1, ::2]) == words[::-1, ::2].tobytes()
    assert put(words.T[1:]) == words.T[1:].tobytes()
    assert put(fortran) == fortran.tobytes("F") == words.T.tobytes()
    assert put(numpy.broadcast_to(numpy.uint32(7), (2, 3))) == numpy.full(6, 7, "u4").tobytes()
    assert put(numpy.float16([1, 2, 3])[::2]) == numpy.float16([1, 3]).tobytes()
    assert put(numpy.array([1 + 2j, 3j])[::-1]) == numpy.array([3j, 1 + 2j]).tobytes()
    assert put(dates) == dates.tobytes() and put(dates[::2]) == dates[::2].tobytes()
    assert put(pair) == pair.tobytes() and put(pair[::3]) == pair[::3].tobytes()
    assert put(numpy.uint16(0x102)) == numpy.uint16(0x102).tobytes()
    assert put(numpy.empty((0, 3))) == put(numpy.empty((3, 0))[::2]) == b""
    fixed = numpy.arange(6, dtype=numpy.uint8)
    fixed.flags.writeable = False
    assert put(fixed) == fixed.tobytes() and put(fixed[::2]) == fixed[::2].tobytes()
    for objects in (numpy.array([1, "a"], dtype=object), numpy.array([1, 2, 3], dtype=object)[::2]):
        with pytest.raises(rogue.GeneralError, match=r"Frame::putNumpy.*not a numpy array"):
            put(objects)


@pytest.mark.parametrize("base", [ris.Slave, rps.SrpV3])
def test_f30_a_slave_may_make_the_frames_for_its_masters_itself(base, capfd):
    class Maker(base):
        def _acceptReq(self, size, zeroCopy):
            asked.append((size, zeroCopy))
            if size > 100:
                raise ValueError("too large for this link")
            if size == 0:
                return None
            frame = super()._acceptReq(size + 8, zeroCopy)
            frame.setChannel(5)
            return frame

    asked = []
    master, maker = ris.Master(), Maker()
    master >> maker
    master >> Receiver()
    frame = master._reqFrame(3, True)
    assert (frame.getSize(), frame.getChannel(), maker.getAllocBytes()) == (11, 5, 11)
    assert master._reqFrame(4, False).getChannel() == 5
    for size in (0, 101):
        with pytest.raises(rogue.GeneralError, match="no frame for %d bytes" % size):
            master._reqFrame(size, True)
    assert "too large for this link" in capfd.readouterr().err
    assert asked == [(3, True), (4, False), (0, True), (101, True)]
    frame.write(b"abc")
    master._sendFrame(frame)
    assert maker.getFrameCount() == 1


def test_the_lock_of_a_frame_ends_with_its_block():
    frame = frame_of(ris.Master(), b"abcd")
    with pytest.raises(KeyError):
        with frame.lock():
            frame.write(b"locked", 0) if frame.getSize() > 5 else frame.write(b"lock", 0)
            raise KeyError
    with thread(lambda: frame.lock().unlock()):
        pass
    with pytest.raises(RuntimeError):
        ris.Frame()


def test_f29_a_sender_may_hold_the_lock_of_the_frame():
    class Handing(ris.Slave):
        def _acceptFrame(self, frame):
            with thread(lambda: self.look(frame)):
                pass

        def look(self, frame):
            with frame.lock():
                self.got = bytes(frame.getBa())

    master, here, there, counter = ris.Master(), Receiver(), Handing(), ris.Slave()
    for slave in (here, there, counter):
        master >> slave
    frame = frame_of(master, b"abc", 4)
    with frame.lock(), frame.lock():
        master._sendFrame(frame)
        there._acceptFrame(frame_of(master, b"more"))
        frame.write(b"abcd")
    assert here.got == [b"abc"] and there.got == b"more" and counter.getByteCount() == 3
    with thread(lambda: frame.lock().unlock()):
        pass


@pytest.mark.parametrize("make", [ris.Slave, Receiver, rps.SrpV3, rps.SrpV3Emulation, ris.Pool])
def test_a_pool_remembers_what_it_is_told_and_counts_what_it_has_given(make):
    pool = make()
    assert (pool.getFixedSize(), pool.getPoolSize()) == (0, 0)
    assert (pool.getAllocCount(), pool.getAllocBytes()) == (0, 0)
    pool.setFixedSize(100)
    pool.setPoolSize(7)
    assert (pool.getFixedSize(), pool.getPoolSize()) == (100, 7)
    if isinstance(pool, ris.Slave):
        master = ris.Master()
        master >> pool
        frame = master._reqFrame(250, True)
        assert (pool.getAllocCount(), pool.getAllocBytes(), frame.getSize()) == (3, 300, 300)
        del frame
        for _ in range(3):
            gc.collect()
        assert (pool.getAllocCount(), pool.getAllocBytes()) == (0, 0)
    for size in (-1, 1 << 32):
        with pytest.raises(OverflowError):
            pool.setFixedSize(size)
    pool._stop() if hasattr(pool, "_stop") else None


def test_an_object_of_another_class_may_be_initialised_as_a_master():
    class Root(rim.Hub):
        def __init__(self):
            ris.Master.__init__(self)
            super().__init__(0, 0, 0)

    assert not isinstance(Root(), ris.Master)


# --- nodes of streams -----------------------------------------------------------------------------


class Gated(Receiver):
    """Waits in each frame until it is open."""

    def __init__(self):
        super().__init__()
        self.arrived, self.open, self.all = threading.Event(), threading.Event(), queue.Queue()

    def _acceptFrame(self, frame):
        self.arrived.set()
        assert self.open.wait(HANG_S)
        self.all.put((bytes(frame.getBa()), frame.getFlags(), frame.getChannel(), frame.getError()))

    def take(self, count):
        return [self.all.get(timeout=HANG_S) for _ in range(count)]


@pytest.mark.parametrize("no_copy, size", [(False, 2), (True, 4)])
def test_a_fifo_queues_as_many_frames_as_it_may_and_counts_the_rest(no_copy, size):
    source, gated = ris.Master(), Gated()
    with ris.Fifo(3, 2, no_copy) as fifo:
        assert (source >> fifo >> gated) is gated

        def send(number):
            frame = frame_of(source, bytes([number] * 4))
            frame.setFlags(0x1234)
            frame.setChannel(7)
            frame.setError(9)
            source._sendFrame(frame)

        send(0)
        assert gated.arrived.wait(HANG_S)
        for number in range(1, 10):
            send(number)
        assert (fifo.size(), fifo.dropCnt()) == (3, 6)
        gated.open.set()
        assert gated.take(4) == [(bytes([n] * size), 0x1234, 7, 9) for n in range(4)]
        fifo.clearCnt()
        assert (fifo.size(), fifo.dropCnt(), fifo.getFrameCount()) == (0, 0, 10)
        fifo._stop()
        send(11)
        assert gated.all.empty()
    with pytest.raises(OverflowError):
        ris.Fifo(-1, 0, False)
    with pytest.raises(OverflowError):
        ris.Fifo(0, 1 << 32, False)


def test_a_fifo_without_copies_ends_frames_of_python_on_its_own_thread():
    """In the reference this aborts the interpreter."""
    source, counter = ris.Master(), ris.Slave()
    fifo = ris.Fifo(0, 0, True)
    source >> fifo >> counter
    for number in range(1000):
        source._sendFrame(frame_of(source, b"%d" % number))
    last = Gated()
    last.open.set()
    fifo >> last
    source._sendFrame(frame_of(source, b"last"))
    while last.take(1)[0][0] != b"last":
        pass
    assert fifo.getFrameCount() == 1001
    fifo._stop()


def test_a_filter_passes_the_frames_of_its_channel():
    for drop_errors, expected in ((False, [b"1", b"2"]), (True, [b"1"])):
        source, receiver = ris.Master(), Receiver()
        source >> ris.Filter(drop_errors, 3) >> receiver
        for number, (channel, error) in enumerate([(0, 0), (3, 0), (3, 0x80), (4, 0)]):
            frame = frame_of(source, b"%d" % number)
            frame.setChannel(channel)
            frame.setError(error)
            source._sendFrame(frame)
        assert receiver.got == expected
    with pytest.raises(OverflowError):
        ris.Filter(False, 256)


def test_a_rate_drop_passes_some_frames():
    source, receiver = ris.Master(), Receiver()
    source >> ris.RateDrop(False, 2.9) >> receiver
    for number in range(7):
        source._sendFrame(frame_of(source, b"%d" % number))
    assert receiver.got == [b"0", b"3", b"6"]
    slow, other = ris.RateDrop(True, 3600), ris.Master()
    other >> slow >> receiver
    other._sendFrame(frame_of(other, b"early"))
    assert len(receiver.got) == 3
    for wrong in (-1, float("nan")):
        with pytest.raises(rogue.GeneralError, match="stream::RateDrop"):
            ris.RateDrop(True, wrong)


def test_a_subclass_of_a_node_may_receive_in_its_place():
    class Odd(ris.Filter):
        def _acceptFrame(self, frame):
            if frame.getBa()[0] % 2:
                super()._acceptFrame(frame)

    source, receiver = ris.Master(), Receiver()
    source >> Odd(False, 0) >> receiver
    for number in range(5):
        source._sendFrame(frame_of(source, bytes([number])))
    assert receiver.got == [b"\x01", b"\x03"]


def test_slaves_log_what_arrives_while_they_are_told_to(capfd):
    source, base, receiver = ris.Master(), ris.Slave(), Receiver()
    source >> base
    source >> receiver
    base.setDebug(8, "unit.base")
    receiver.setDebug(1, "unit.receiver")
    frame = frame_of(source, b"123456789")
    frame.setError(2)
    source._sendFrame(frame)
    base.setDebug(0, "unit.base")
    receiver.setDebug(0, "unit.receiver")
    source._sendFrame(frame)
    text = "Got Size=9, Error=2, Data:\n     "
    line = " 0x31 0x32 0x33 0x34 0x35 0x36 0x37"
    printed = Printed(capfd, "out")
    # Another thread writes the messages while there are older ones that wait.
    assert printed.has(
        "pyrogue.unit.receiver: " + text + " 0x31\n",
        "pyrogue.unit.base: " + text + line + "\n      0x38\n",
    )
    assert printed.text.count("Got Size") == 2


# --- SRP ------------------------------------------------------------------------------------------


def test_registers_behind_srp():
    srp, device = rps.SrpV3(), rps.SrpV3Emulation()
    assert (srp == device) is None
    master = master_of(srp)
    rim.write(master, 0x100, bytes(range(64)))
    assert rim.read(master, 0x100, 64) == bytes(range(64))
    assert master._reqMinAccess() == 4 and master._reqMaxAccess() == 4096
    srp._setHardwareTimeout(20)
    assert request(master, rim.Read, 1, bytearray(4)) != ""
    other = rim.Master()
    other._setTimeout(HANG_S * 1_000_000)
    srp << other
    assert rim.read(other, 0x100, 4) == bytes(range(4))
    srp._stop()
    assert request(master, rim.Read, 0x100, bytearray(4)) != ""
    device._stop()


def test_requests_of_srp_pass_through_slaves_in_python():
    class Tap(ris.Master, ris.Slave):
        def __init__(self):
            ris.Master.__init__(self)
            ris.Slave.__init__(self)
            self.seen = []

        def _acceptFrame(self, frame):
            self.seen.append(frame.getPayload())
            self._sendFrame(frame)

    srp, there, back = rps.SrpV3(), Tap(), Tap()
    with rps.SrpV3Emulation() as device:
        srp >> there >> device
        device >> back >> srp
        master = master_of(srp)
        rim.write(master, 0, b"12345678")
        assert rim.read(master, 4, 4) == b"5678"
        assert len(there.seen) == len(back.seen) == 2


def test_options_of_the_device_reach_the_library():
    with rps.SrpV3Emulation(stack_bytes=4 << 20) as device:
        srp = rps.SrpV3()
        srp == device
        rim.write(master_of(srp), 0, b"1234")
    with pytest.raises(rogue.GeneralError, match="thread"):
        rps.SrpV3Emulation(stack_bytes=(1 << 64) - 1)
    with pytest.raises(TypeError, match="stack_bytes"):
        rps.SrpV3Emulation(stack=1)


def test_requests_overlap_in_a_device_with_a_latency():
    count = 500
    # One after the other they would take twice as long as they may.
    with rps.SrpV3Emulation(latency_us=LONG_US // (count // 2)) as device:
        srp = rps.SrpV3()
        srp == device
        master = master_of(srp)
        data = [bytearray(4) for _ in range(count)]
        for number, piece in enumerate(data):
            master._reqTransaction(4 * number, piece, 4, 0, rim.Write)
        master._waitTransaction(0)
        assert master._getError() == ""


def test_each_transport_of_the_library_is_a_port():
    srp, device, master = rps.SrpV3(), rps.SrpV3Emulation(), rim.Master()
    ports = (
        lib.rogue_mem_srp_v3_stream_port(srp._rg_srp.handle),
        lib.rogue_mem_srp_v3_emulation_stream_port(device._rg_device.handle),
    )
    check(lib.rogue_mem_stream_port_connect(*ports))
    for port in ports:
        lib.rogue_mem_stream_port_release(port)
    assert (srp._slaveCount(), device._slaveCount()) == (1, 1)
    master >> srp
    written = bytearray(b"port")
    assert request(master, rim.Write, 0x100, written) == ""
    read = bytearray(4)
    assert request(master, rim.Read, 0x100, read) == ""
    assert read == written
