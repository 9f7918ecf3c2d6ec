"""Reliable streams over UDP."""

import socket

import pytest
import rogue
import rogue.interfaces.memory as rim
import rogue.protocols.rssi as rpr
import rogue.protocols.srp as rps
import rogue.protocols.udp as rpu

from support import HANG_S, master_of


def test_registers_are_reached_over_rssi_and_udp():
    with rpu.Server(0, False) as udp_server, rps.SrpV3Emulation() as device:
        udp_client = rpu.Client("127.0.0.1", udp_server.getPort(), False)
        with rpr.Server(udp_server.maxPayload() - 8) as server, rpr.Client(1464) as client:
            server.transport() == udp_server
            client.transport() == udp_client
            server.application() == device
            srp = rps.SrpV3()
            srp == client.application()
            master = master_of(srp)
            with pytest.raises(rogue.GeneralError, match="rssi::Client: the link is not started"):
                rim.read(master, 0x100, 4)
            server._start()
            client._start()
            client.waitOpen(HANG_S)
            server.waitOpen(HANG_S)
            assert client.getOpen() and "open" in repr(client)
            data = bytes(range(250)) * 4
            rim.write(master, 0x100, data)
            assert rim.read(master, 0x100, len(data)) == data
            stats = client.getStats()
            assert (stats["frames_out"], stats["frames_in"], stats["open"]) == (2, 2, 1)
            assert (client.getDownCount(), client.getLocBusy(), client.getRemBusy()) == (
                0,
                False,
                False,
            )
            client._stop()
            assert client.getDownCount() == 1 and not client.getOpen()
            client.resetCounters()
            assert client.getDownCount() == 0
            with pytest.raises(rogue.GeneralError, match="rssi::Client: the link is closed"):
                rim.read(master, 0x100, 4)
            srp._stop()
        udp_client._stop()


def reset(number):
    """A segment with RST and that number."""
    total = 0x1008 + (number << 8)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return bytes([0x10, 8, number, 0, 0, 0]) + checksum.to_bytes(2, "big")


def test_a_strangers_datagrams_are_counted_and_do_not_disturb_an_open_link():
    with rpu.Server(0, False) as udp_server, rps.SrpV3Emulation() as device:
        port = udp_server.getPort()
        with rpu.Client("127.0.0.1", port, False) as udp_client:
            server, client = rpr.Server(1464), rpr.Client(1464)
            server.transport() == udp_server
            client.transport() == udp_client
            server.application() == device
            srp = rps.SrpV3()
            srp == client.application()
            server._start()
            client._start()
            client.waitOpen(HANG_S)
            master = master_of(srp)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for number in range(256):
                    stranger.sendto(reset(number), ("127.0.0.1", port))
                    if number % 16 == 0:
                        rim.write(master, 0x40, bytes([number] * 4))
                while udp_server.getStats()["strangers"] < 256:
                    assert rim.read(master, 0x40, 4) == bytes([240] * 4)
                assert udp_server.getStats()["strangers"] == 256
                assert (server.getDownCount(), client.getDownCount()) == (0, 0)
                stranger.setblocking(False)
                with pytest.raises(BlockingIOError):
                    stranger.recv(1)
            client._stop()
            server._stop()
            srp._stop()


def test_parameters_are_set_and_agreed_on():
    with rpr.Server(1464) as server, rpr.Client(1464) as client:
        client.setLocMaxBuffers(16)
        client.setLocNullTout(3000)
        server.setLocMaxSegment(500)
        assert (client.getLocMaxBuffers(), client.curMaxBuffers()) == (16, 16)
        for name in (
            "TryPeriod MaxBuffers MaxSegment CumAckTout RetranTout NullTout MaxRetran MaxCumAck"
        ).split():
            before = getattr(client, "getLoc" + name)()
            with pytest.raises(rogue.GeneralError):
                getattr(client, "setLoc" + name)(0)
            assert getattr(client, "getLoc" + name)() == before
        client.setTimeout(1000)
        client.transport() == server.transport()
        server._start()
        client._start()
        client.waitOpen(HANG_S)
        assert (client.curMaxBuffers(), client.curMaxSegment()) == (16, 500)
        assert (client.curCumAckTout(), client.curRetranTout(), client.curNullTout()) == (
            5,
            20,
            3000,
        )
        assert (client.curMaxRetran(), client.curMaxCumAck()) == (15, 2)


def test_a_client_without_a_server_says_what_to_check():
    with rpr.Client(1464) as client:
        client._start()
        with pytest.raises(rogue.GeneralError, match="no peer has opened the link yet"):
            client.waitOpen(0.001)
