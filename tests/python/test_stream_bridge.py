"""The stream TCP bridge."""

import threading

import pytest
import rogue
import rogue.interfaces.stream as ris

from support import HANG_S


class Receiver(ris.Slave):
    """Keeps what it receives."""

    def __init__(self):
        super().__init__()
        self._changed = threading.Condition()
        self._got = []

    def _acceptFrame(self, frame):
        with frame.lock():
            fields = bytes(frame.getBa()), frame.getFlags(), frame.getChannel(), frame.getError()
        with self._changed:
            self._got.append(fields)
            self._changed.notify_all()

    def wait(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._got) >= count, HANG_S)
            return list(self._got)


def send(master, data, flags=0, channel=0, error=0):
    frame = master._reqFrame(len(data), True)
    frame.write(data)
    frame.setFlags(flags)
    frame.setChannel(channel)
    frame.setError(error)
    master._sendFrame(frame)


def test_frames_cross_the_bridge_in_both_directions():
    with ris.TcpServer("127.0.0.1", 0, queue_bytes_max=1000) as server:
        at_server, to_client = Receiver(), ris.Master()
        assert (server >> at_server) is at_server
        to_client >> server
        with ris.TcpClient("127.0.0.1", server.getPort()) as client:
            at_client, to_server = Receiver(), ris.Master()
            client >> at_client
            to_server >> client
            for number in range(100):
                send(to_server, bytes([number]) * 300, 0x1234, number, 0x80)
            assert at_server.wait(100) == [
                (bytes([number]) * 300, 0x1234, number, 0x80) for number in range(100)
            ]
            send(to_client, b"answer")
            assert at_client.wait(1) == [(b"answer", 0, 0, 0)]
            assert client.getStats()["frames_out"] == 100
            assert server.getStats()["bytes_in"] == 30000
            assert client.getStateText() == "connected to 127.0.0.1:%d" % server.getPort()
            assert "connected" in repr(client) and "1 clients" in repr(server)
        send(to_server, b"too late")
        assert client.getStats()["dropped_out"] == 1
        client.close()


def test_a_stop_releases_a_sender_that_waits_for_a_peer():
    server, source = ris.TcpServer("127.0.0.1", 0), ris.Master()
    source >> server
    sender = threading.Thread(target=send, args=(source, b"nobody"))
    sender.start()
    server._stop()
    sender.join(HANG_S)
    assert not sender.is_alive()
    assert server.getStats()["dropped_out"] == 1


def test_what_is_wrong_is_refused_in_words():
    with ris.TcpServer("127.0.0.1", 0) as server:
        with pytest.raises(rogue.GeneralError, match="Failed to bind server to port"):
            ris.TcpServer("127.0.0.1", server.getPort())
    with pytest.raises(rogue.GeneralError, match="Failed to connect to remote port 9000 at"):
        ris.TcpClient("*", 9000)
    with pytest.raises(RuntimeError, match="TcpServer or a TcpClient"):
        ris.TcpCore()
    with pytest.raises(ValueError, match="one_per_address"):
        ris.TcpServer("127.0.0.1", 0, legacy="nobody")
    with pytest.raises(OverflowError):
        ris.TcpClient("127.0.0.1", 70000)


def test_frames_cross_a_bridge_at_a_path(tmp_path):
    address = "unix:%s" % (tmp_path / "stream.sock")
    with ris.TcpServer(address, 0) as server, ris.TcpClient(address, 0) as client:
        assert server.getPort() == 0
        receiver = Receiver()
        client >> receiver
        source = ris.Master()
        source >> server
        send(source, b"abcd")
        assert receiver.wait(1) == [(b"abcd", 0, 0, 0)]
    with pytest.raises(rogue.GeneralError, match="absolute path"):
        ris.TcpClient("unix:stream.sock", 0)
