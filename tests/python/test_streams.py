"""Streams and SRP."""

import gc

import pytest
import rogue
import rogue.interfaces.memory as rim
import rogue.interfaces.stream as ris
import rogue.protocols.srp as rps

from support import HANG_S, IS_CPYTHON, master_of, request, thread


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
    for offset, count in ((4, 1 << 40), (5, 0), (0, -1), (-1, 2)):
        with pytest.raises(rogue.GeneralError, match="with size 4"):
            frame.getBa(offset, count)


def test_arrays_of_numpy_go_through_frames():
    if not IS_CPYTHON:
        return
    import numpy

    frame = ris.Master()._reqFrame(16, False)
    frame.putNumpy(numpy.arange(4, dtype=numpy.uint32))
    back = frame.getNumpy()
    assert back.dtype == numpy.uint8 and (back.view(numpy.uint32) == numpy.arange(4)).all()


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
