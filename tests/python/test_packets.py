"""The packetizer, SRP version 0, command frames and Prbs."""

import queue

import pytest
import rogue
import rogue.interfaces.memory as rim
import rogue.interfaces.stream as ris
import rogue.protocols.packetizer as rpp
import rogue.protocols.srp as rps
import rogue.utilities as ru

from support import HANG_S, SHORT_US, master_of, request, thread

CORES = [lambda: rpp.Core(True), lambda: rpp.CoreV2(True, True, True)]


class Collector(ris.Slave):
    def __init__(self):
        super().__init__()
        self.got = queue.Queue()

    def _acceptFrame(self, frame):
        self.got.put((bytes(frame.getBa()), frame.getFirstUser(), frame.getError()))


def send(master, data, error=0):
    frame = master._reqFrame(len(data), True)
    frame.write(data)
    frame.setError(error)
    master._sendFrame(frame)


@pytest.mark.parametrize("make", CORES)
def test_frames_pass_two_packetizers_each_to_its_destination(make):
    near, far = make(), make()
    near.transport() == far.transport()
    masters, slaves = {}, {}
    for dest in (0, 1, 255):
        masters[dest], slaves[dest] = ris.Master(), Collector()
        masters[dest] >> near.application(dest)
        far.application(dest) >> slaves[dest]
        assert near.application(dest) is near.application(dest)
    for size in (1, 7, 8, 20000, 100000):
        for dest, master in masters.items():
            data = bytes((dest + n) & 0xFF for n in range(size))
            send(master, data)
            assert slaves[dest].got.get(timeout=HANG_S) == (data, 0x02, 0)
    assert all(slave.got.empty() for slave in slaves.values())
    assert (near.getDropCount(), far.getDropCount()) == (0, 0)
    assert near.stats()["frames_sent"] == far.stats()["frames_received"] == 15
    near.setTimeout(1000)


@pytest.mark.parametrize("make", CORES)
def test_registers_are_reached_through_two_packetizers(make):
    near, far = make(), make()
    near.transport() == far.transport()
    srp, device = rps.SrpV3(), rps.SrpV3Emulation()
    srp == near.application(0)
    far.application(0) == device
    master = master_of(srp)
    data = bytearray(range(256)) * 8
    assert request(master, rim.Write, 0x1000, data) == ""
    back = bytearray(len(data))
    assert request(master, rim.Read, 0x1000, back) == ""
    assert back == data
    device._stop()
    near._stop()
    far._stop()


def test_packets_are_those_of_the_protocol():
    for core, packet in (
        (rpp.Core(True), "00000000000000020102030480"),
        (rpp.CoreV2(True, True, True), "22020000000000800102030400000000000104001b852e7e"),
        (rpp.CoreV2(False, False, False), "020000000000008001020304000000000001040000000000"),
    ):
        transport, master = Collector(), ris.Master()
        core.transport() >> transport
        master >> core.application(0)
        send(master, bytes([1, 2, 3, 4]))
        assert transport.got.get(timeout=HANG_S)[0].hex() == packet


def test_a_damaged_packet_is_dropped_and_counted():
    packet = bytearray.fromhex("22020000000000800102030400000000000104001b852e7e")
    for checks, dropped in ((True, 1), (False, 0)):
        core, transport, slave = rpp.CoreV2(checks, True, True), ris.Master(), Collector()
        transport >> core.transport()
        core.application(0) >> slave
        packet[8] ^= 1
        send(transport, packet)
        assert core.getDropCount() == dropped and slave.got.empty() == checks
        assert core.stats()["crc_errors"] == dropped
        packet[8] ^= 1
        send(transport, packet, error=1)
        send(transport, packet)
        assert core.getDropCount() == dropped + 1


def test_ends_are_made_by_their_packetizer_only():
    for cls in (rpp.Transport, rpp.Application):
        with pytest.raises(RuntimeError):
            cls()
    core = rpp.Core(False)
    assert type(core.transport()) is rpp.Transport
    assert type(core.application(7)) is rpp.Application
    with pytest.raises(OverflowError):
        core.application(256)
    assert "0 packets dropped" in repr(core)


class Responder(ris.Slave, ris.Master):
    """Memory that answers SRP version 0."""

    def __init__(self):
        ris.Slave.__init__(self)
        ris.Master.__init__(self)
        self.words, self.requests = {}, []

    def _acceptFrame(self, frame):
        got = bytes(frame.getBa())
        self.requests.append(got)
        access = int.from_bytes(got[4:8], "little")
        place = access & 0x3FFFFFFF
        if access >> 30 == 1:
            data = got[8:-4]
            for n in range(0, len(data), 4):
                self.words[place + n // 4] = data[n : n + 4]
        else:
            count = int.from_bytes(got[8:12], "little") + 1
            data = b"".join(self.words.get(place + n, bytes(4)) for n in range(count))
        send(self, got[:8] + data + bytes(4))


def test_srp_version_0_reads_and_writes():
    srp, responder = rps.SrpV0(), Responder()
    srp == responder
    master = master_of(srp)
    for data in (b"\x78\x56\x34\x12", b"\xef\xcd\xab\x89\x67\x45\x23\x01", bytes(4)):
        assert request(master, rim.Write, 0x1004, bytearray(data)) == ""
        back = bytearray(len(data))
        assert request(master, rim.Read, 0x1004, back) == ""
        assert bytes(back) == data
    written = responder.requests[0]
    assert written[4:] == b"\x01\x04\x00\x40" + b"\x78\x56\x34\x12" + bytes(4)
    assert responder.requests[3][4:] == b"\x01\x04\x00\x00" + b"\x01\x00\x00\x00" + bytes(4)
    assert (master._reqMinAccess(), master._reqMaxAccess()) == (4, 2048)
    assert "1 stream slaves" in repr(srp)


def test_d49_srp_version_0_refuses_addresses_that_it_would_cut():
    srp, responder = rps.SrpV0(), Responder()
    srp == responder
    error = request(master_of(srp), rim.Read, 1 << 32, bytearray(4))
    assert "0x100000000" in error and responder.requests == []


def test_srp_version_0_sends_nothing_for_frames_that_are_no_answers():
    srp, master = rps.SrpV0(), ris.Master()
    slave = Collector()
    srp >> slave
    master >> srp
    send(master, bytes(16), error=1)
    send(master, bytes(8))
    assert slave.got.empty()
    srp._stop()
    memory_master = master_of(srp)
    memory_master._setTimeout(SHORT_US)
    assert "no stream" in request(memory_master, rim.Read, 0, bytearray(4))


def test_each_command_is_one_frame_in_order():
    cmd, slave = rps.Cmd(), Collector()
    cmd.sendCmd(1, 2)
    cmd >> slave
    for opcode in range(256):
        cmd.sendCmd(opcode, 0xDEADBEEF ^ opcode)
    for opcode in range(256):
        context = (0xDEADBEEF ^ opcode).to_bytes(4, "little")
        frame = slave.got.get(timeout=HANG_S)[0]
        assert frame == context + bytes([opcode]) + bytes(11)
    with pytest.raises(OverflowError):
        cmd.sendCmd(256, 0)


def test_prbs_generates_what_prbs_checks():
    for width in (32, 64, 128):
        tx, rx = ru.Prbs(), ru.Prbs()
        tx >> rx
        for one in (tx, rx):
            one.setWidth(width)
            one.setTaps(bytes([1, 2, 6, 31]))
        for _ in range(100):
            tx.genFrame(1024)
        assert (tx.getTxCount(), tx.getTxErrors(), tx.getTxBytes()) == (100, 0, 102400)
        assert (rx.getRxCount(), rx.getRxErrors(), rx.getRxBytes()) == (100, 0, 102400)
        assert (rx.getRxRate(), rx.getRxBw(), tx.getTxRate(), tx.getTxBw()) == (0, 0, 0, 0)
        rx.setTaps(bytearray([3]))
        tx.genFrame(1024)
        assert rx.getRxErrors() == 1
        rx.resetCount()
        assert (rx.getRxCount(), rx.getRxErrors(), rx.getRxBytes()) == (0, 0, 0)


def test_prbs_sends_what_the_firmware_sends():
    prbs, slave = ru.Prbs(), Collector()
    prbs >> slave
    for _ in range(2):
        prbs.genFrame(16)
    prbs.sendCount(True)
    prbs.genFrame(16)
    prbs.genPayload(False)
    prbs.genFrame(16)
    words = [slave.got.get(timeout=HANG_S)[0].hex() for _ in range(4)]
    assert words[1] == "01000000030000000200000005000000"
    assert words[2] == "02000000030000000200000003000000"
    assert words[3] == "03000000030000000000000000000000"


def test_prbs_runs_in_the_background():
    tx, rx = ru.Prbs(), ru.Prbs()
    tx >> rx
    slave = Collector()
    tx >> slave
    tx.setTxPeriod(100)
    assert tx.getTxPeriod() == 100
    tx.enable(64)
    tx.enable(128)
    for _ in range(5):
        assert len(slave.got.get(timeout=HANG_S)[0]) == 64
    tx.disable()
    tx.disable()
    assert rx.getRxErrors() == 0 and rx.getRxCount() == tx.getTxCount() >= 5


def test_a_disabled_receiver_holds_its_sender_up():
    tx, rx = ru.Prbs(), ru.Prbs()
    tx >> rx
    rx.setRxEnable(False)
    assert rx.getRxEnable() is False
    with thread(tx.genFrame, 64):
        assert rx.getRxCount() == 0
        rx.setRxEnable(True)
    assert rx.getRxCount() == 1


def test_prbs_refuses_what_is_impossible():
    prbs = ru.Prbs()
    for call, argument, words in (
        (prbs.setWidth, 0, "Prbs::setWidth: General Error: Invalid width."),
        (prbs.setWidth, 48, "Prbs::setWidth: General Error: Invalid width."),
        (prbs.genFrame, 8, "Prbs::genFrame: General Error: Invalid frame size"),
        (prbs.enable, 13, "Prbs::enable: General Error: Invalid frame size"),
        (prbs.setTaps, [1, 2], "Prbs::setTapsPy: General Error: Python Buffer Error"),
        (prbs.setTaps, None, "Prbs::setTapsPy: General Error: Python Buffer Error"),
    ):
        with pytest.raises(rogue.GeneralError) as raised:
            call(argument)
        assert str(raised.value).startswith(words)
    prbs.checkPayload(False)
    prbs._stop()
