"""Streams over UDP, and registers in mapped memory."""

import queue

import pytest
import rogue
import rogue.hardware as rh
import rogue.interfaces.memory as rim
import rogue.interfaces.stream as ris
import rogue.protocols.srp as rps
import rogue.protocols.udp as rpu

from support import HANG_S, master_of, request


class Receiver(ris.Master, ris.Slave):
    def __init__(self):
        ris.Master.__init__(self)
        ris.Slave.__init__(self)
        self.got = queue.Queue()

    def _acceptFrame(self, frame):
        self.got.put(bytes(frame.getBa()))

    def send(self, data):
        frame = self._reqFrame(len(data), True)
        frame.write(data)
        self._sendFrame(frame)

    def next(self):
        return self.got.get(timeout=HANG_S)


@pytest.mark.parametrize("jumbo, limit", [(False, 1472), (True, 8972)])
def test_frames_travel_as_datagrams_in_both_directions(jumbo, limit):
    with rpu.Server(0, jumbo) as server, rpu.Client("localhost", server.getPort(), jumbo) as client:
        at_server, at_client = Receiver(), Receiver()
        server == at_server
        client == at_client
        assert (server.maxPayload(), client.maxPayload()) == (limit, limit)
        at_client.send(b"x" * limit)
        assert at_server.next() == b"x" * limit
        at_server.send(b"back")
        assert at_client.next() == b"back"
        stats = client.getStats()
        assert (stats["datagrams_out"], stats["bytes_out"], stats["bytes_in"]) == (1, limit, 4)


def test_registers_are_reached_over_udp():
    with rpu.Server(0, True) as server, rps.SrpV3Emulation() as device:
        server == device
        srp = rps.SrpV3()
        srp == rpu.Client("127.0.0.1", server.getPort(), True)
        master = master_of(srp)
        data = bytes(range(256)) * 16
        rim.write(master, 0x100, data)
        assert rim.read(master, 0x100, len(data)) == data
        srp._stop()


def test_a_receive_buffer_is_granted_or_refused():
    with rpu.Server(port=0, jumbo=False) as server:
        server.setTimeout(1000)
        assert server.setRxBufferCount(32) is True
        assert server.getStats()["receive_buffer_bytes"] >= 32 * 1500
        assert server.setRxBufferCount(0xFFFFFFFF) is False
    assert server.setRxBufferCount(1) is False


def test_what_cannot_be_opened_says_why():
    with rpu.Server(0, addr="127.0.0.1", spin_us=0, stack_bytes=4 << 20) as server:
        with pytest.raises(rogue.GeneralError, match="another process"):
            rpu.Server(server.getPort(), addr="127.0.0.1")
    with pytest.raises(rogue.GeneralError, match=r"no-such-host.*Failed to resolve"):
        rpu.Client("no-such-host.invalid", 1)
    with pytest.raises(rogue.GeneralError, match="choose 1 to 65535"):
        rpu.Client("127.0.0.1", 0)
    with pytest.raises(OverflowError):
        rpu.Server(65536)
    with pytest.raises(TypeError):
        rpu.Core()


@pytest.mark.parametrize("width", [4, 8])
def test_words_of_a_file_are_registers(tmp_path, width):
    path = tmp_path / "registers"
    path.write_bytes(bytes(4096))
    memory = rh.MemMap(0, 4096, path=str(path), access_bytes=width)
    master = master_of(memory)
    assert (memory._doMinAccess(), memory._doAddress()) == (width, 0)
    rim.write(master, 0x40, b"12345678")
    assert rim.read(master, 0x40, 8) == b"12345678"
    assert path.read_bytes()[0x40:0x48] == b"12345678"
    assert "is out of bounds" in request(master, rim.Read, 4096, bytearray(8))
    memory._stop()
    assert "was stopped" in request(master, rim.Read, 0, bytearray(8))


def test_what_cannot_be_mapped_says_why():
    with pytest.raises(rogue.GeneralError, match="Failed to open device file: /no/such"):
        rh.MemMap(0, 4096, path="/no/such/device")
    with pytest.raises(rogue.GeneralError, match="is empty"):
        rh.MemMap(0, 0)
    with pytest.raises(OverflowError):
        rh.MemMap(-1, 4096)
