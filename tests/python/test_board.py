"""The usual road to a board, `UdpRssiPack`, in one process."""

import socket

import pytest
import rogue
import rogue.interfaces.memory as rim
import rogue.protocols as rp
import rogue.protocols.srp as rps

from support import HANG_S, master_of, request


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
        with rp.UdpRssiPack(port=silent.getsockname()[1]) as client:
            with pytest.raises(rogue.GeneralError, match="UDP: no datagram has come"):
                client.waitOpen(0.3)


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


def test_bad_arguments_are_errors_in_words():
    with pytest.raises(rogue.GeneralError, match="PACK_VERSION"):
        rp.UdpRssiPack(port=1, packVer=3)
    with pytest.raises(TypeError, match="no option 'nothing'"):
        rp.UdpRssiPack(port=1, nothing=1)
    with pytest.raises(rogue.GeneralError, match="locMaxBuffers"):
        rp.UdpRssiPack(port=0, server=True, max_buffers=256)
