"""The usual road to a board, `UdpRssiPack`, in one process."""

import gc
import queue
import socket
import threading
import weakref

import pytest
import rogue
import rogue.interfaces.memory as rim
import rogue.protocols as rp
import rogue.protocols.srp as rps

from support import HANG_S, Printed, master_of, request, threads_named, wait_until


def board(port=0, **more):
    """A server with an emulated device on destination 0, and the device."""
    server = rp.UdpRssiPack(port=port, server=True, **more)
    device = rps.SrpV3Emulation()
    device == server.application(0)
    return server, device


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("jumbo", [False, True])
def test_registers_are_reached_over_the_whole_road(version, jumbo):
    server, device = board(packVer=version, jumbo=jumbo)
    with server, rp.UdpRssiPack(port=server.getPort(), packVer=version, jumbo=jumbo) as client:
        srp = rps.SrpV3()
        srp == client.application(0)
        assert client.application(0) is client.application(0)
        client.waitOpen(HANG_S)
        master = master_of(srp)
        data = bytearray(range(256)) * 16
        assert request(master, rim.Write, 0x1000, data) == ""
        back = bytearray(len(data))
        assert request(master, rim.Read, 0x1000, back) == ""
        assert back == data
        assert client.getOpen() and "open" in repr(client)
        stats = client.getStats()
        assert stats["open"] == 1 and stats["frames_in"] == 2 and stats["round_trip_p50_ns"] > 0
    device._stop()
    assert not client.getOpen()


def test_a_link_that_does_not_open_says_which_layer_fails():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent_port = silent.getsockname()[1]
        with rp.UdpRssiPack(port=silent_port) as client:
            with pytest.raises(rogue.GeneralError, match="UDP: no datagram has come"):
                client.waitOpen(0.3)
    # f61: the wait is made in pieces, and tells of all of it.
    with rp.UdpRssiPack(port=silent_port) as client:
        with pytest.raises(rogue.GeneralError, match="takes no datagrams") as raised:
            client.waitOpen(0.6)
    assert "0 ms" not in str(raised.value)


def test_requests_under_way_fail_when_the_link_is_cut_and_later_ones_succeed():
    server = rp.UdpRssiPack(port=0, server=True)
    port = server.getPort()
    with rp.UdpRssiPack(port=port) as client:
        srp = rps.SrpV3()
        srp == client.application(0)
        client.waitOpen(HANG_S)
        master = master_of(srp)
        data = bytearray(4)
        number = master._reqTransaction(0, data, 0, 0, rim.Read)
        server._stop()
        master._waitTransaction(number)
        assert "rssi" in master._getError()
        del server
        again, device = board(port)
        client.waitOpen(HANG_S)
        assert request(master, rim.Write, 0, data) == ""
        assert client.getStats()["down_count"] == 1
        again._stop()
        device._stop()


def test_a_link_that_opens_and_is_lost_is_told_with_the_reason(capfd):
    server = rp.UdpRssiPack(port=0, server=True)
    port, told = server.getPort(), queue.Queue()

    def tell(is_open, text):
        told.put((is_open, text))
        if len(seen) == 2:
            raise ValueError("no good")

    seen = []
    with rp.UdpRssiPack(port=port) as client:
        client.setLinkCallback(tell)
        seen.append(told.get(timeout=HANG_S))
        assert seen[0] == (True, "rssi::Client: the link is open")
        server._stop()
        seen.append(told.get(timeout=HANG_S))
        assert not seen[1][0] and seen[1][1].startswith("rssi::Client: the link is closed: ")
        del server
        with rp.UdpRssiPack(port=port, server=True):
            assert told.get(timeout=HANG_S)[0]
            client._stop()
            assert told.get(timeout=HANG_S) == (
                False,
                "rssi::Client: the link is closed: this end was stopped",
            )
    assert Printed(capfd, "err").has("ValueError: no good", "the callback of a link")


def test_a_callback_may_stop_its_board_and_is_not_called_once_it_is_removed():
    stopped, told = threading.Event(), []
    with rp.UdpRssiPack(port=0, server=True) as server:
        client = rp.UdpRssiPack(port=server.getPort())
        server.setLinkCallback(lambda is_open, text: told.append(text))
        server.setLinkCallback(None)
        told.clear()

        def stop(is_open, text):
            client._stop()
            stopped.set()

        client.setLinkCallback(stop)
        assert stopped.wait(HANG_S)
        assert wait_until(lambda: not server.getOpen())
        assert told == [] and not client.getOpen()


def test_f22_a_callback_of_a_link_keeps_nobody_alive():
    with rp.UdpRssiPack(port=0, server=True) as server:
        client = rp.UdpRssiPack(port=server.getPort())
        known = weakref.ref(client)
        client.setLinkCallback(lambda is_open, text, client=client: None)
        client.waitOpen(HANG_S)
        del client
        # A call may not have returned yet.
        assert wait_until(lambda: [gc.collect(), known()][1] is None)


def test_boards_share_an_event_loop():
    loop = rp.EventLoop("board_loop", spin_us=0)
    servers = [rp.UdpRssiPack(port=0, server=True, event_loop=loop) for _ in range(2)]
    clients = [rp.UdpRssiPack(port=one.getPort(), event_loop=loop) for one in servers]
    for client in clients:
        client.waitOpen(HANG_S)
    assert threads_named("board_loop") == 1
    del loop
    for end in (*clients, *servers):
        end._stop()
    del client, clients, servers, end
    assert wait_until(lambda: [gc.collect(), threads_named("board_loop")][1] == 0)
    with pytest.raises(TypeError):
        rp.UdpRssiPack(port=0, server=True, event_loop=5)
    with pytest.raises(TypeError, match="no option 'nothing'"):
        rp.EventLoop("name", nothing=1)


def test_bad_arguments_are_errors_in_words():
    with pytest.raises(rogue.GeneralError, match="PACK_VERSION"):
        rp.UdpRssiPack(port=1, packVer=3)
    with pytest.raises(TypeError, match="no option 'nothing'"):
        rp.UdpRssiPack(port=1, nothing=1)
    with pytest.raises(rogue.GeneralError, match="locMaxBuffers"):
        rp.UdpRssiPack(port=0, server=True, max_buffers=256)
