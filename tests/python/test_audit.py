"""Audits: what the clients of servers did, for a function and in files."""

import json
import os
import queue
import time

import pytest
import rogue
import rogue.interfaces.memory as rim
from rogue.security import Audit

from support import HANG_S, Acting, master_of, request, wait_until


def serve(audit, slave=None):
    server = rim.TcpServer("127.0.0.1", 0, audit=audit)
    server >> (slave or rim.Emulate(4, 0x10000))
    return server


def test_a_function_gets_what_clients_wrote():
    records = queue.Queue()
    before = time.time_ns()
    audit = Audit(records.put)
    with serve(audit) as server, rim.TcpClient("127.0.0.1", server.getPort()) as client:
        assert client.waitReady(HANG_S, 0.01)
        master = master_of(client)
        assert request(master, rim.Write, 0x10, b"abcd") == ""
        assert request(master, rim.Read, 0x10, bytearray(4)) == ""
        record = records.get(timeout=HANG_S)
        assert before - 10**9 < record.time_ns < time.time_ns() + 10**9
        assert record.server == "127.0.0.1:%d" % server.getPort()
        assert record.client.startswith("127.0.0.1:") and record.number == 1
        assert (record.key, record.uid, record.pid) == (None, None, None)
        assert (record.type, record.address, record.size) == (rim.Write, 0x10, 4)
        assert (record.data, record.result, record.status) == (b"abcd", "ok", 0)
        assert record.text == "" and record.answered and record.latency_ns > 0
        audit.flush(HANG_S)
        assert records.empty(), "reads are not recorded"
        assert audit.getStats()["delivered"] == 1


def test_failures_and_refusals_have_a_reason():
    def fail(_slave, tran):
        tran.error("the magnet quenched")

    records = queue.Queue()
    with serve(Audit(records.put, data_bytes_max=2, reads=True), Acting(fail)) as server:
        with rim.TcpClient("127.0.0.1", server.getPort()) as client:
            assert client.waitReady(HANG_S, 0.01)
            master = master_of(client)
            assert "quenched" in request(master, rim.Write, 0x10, b"abcd")
            assert "quenched" in request(master, rim.Read, 0x20, bytearray(4))
            server.drain(0)
            assert "drains" in request(master, rim.Write, 0x30, b"abcd")
    found = [records.get(timeout=HANG_S) for _ in range(3)]
    assert [(one.result, one.data) for one in found] == [
        ("error", b"ab"),
        ("error", b""),
        ("refused", b"ab"),
    ]
    assert "quenched" in found[0].text and found[0].status == 100
    assert "drains" in found[2].text


def test_a_file_has_a_line_of_json_for_each_write(tmp_path):
    path = tmp_path / "audit"
    with serve(Audit(path)) as server, rim.TcpClient("127.0.0.1", server.getPort()) as client:
        assert client.waitReady(HANG_S, 0.01)
        for address in range(0, 40, 4):
            assert request(master_of(client), rim.Write, address, b"\x12\xab\x00\xff") == ""
    assert wait_until(lambda: len(path.read_text().splitlines()) == 10)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [int(line["address"], 16) for line in lines] == list(range(0, 40, 4))
    assert {line["data"] for line in lines} == {"12ab00ff"}
    assert {line["type"] for line in lines} == {"write"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_files_are_renamed_when_they_are_full(tmp_path):
    path = tmp_path / "audit"
    audit = Audit(os.fsencode(path), file_bytes_max=1000, files_max=3, file_mode=0o640)
    with serve(audit) as server, rim.TcpClient("127.0.0.1", server.getPort()) as client:
        assert client.waitReady(HANG_S, 0.01)
        for _ in range(30):
            assert request(master_of(client), rim.Write, 0, b"abcd") == ""
        audit.flush(HANG_S)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["audit", "audit.1", "audit.2"]
    assert all(one.stat().st_size <= 1000 for one in tmp_path.iterdir())


def test_a_function_that_blocks_stops_no_bus_and_what_is_lost_is_counted():
    taken, lost, free = queue.Queue(), queue.Queue(), queue.Queue()

    def take(record):
        free.get(timeout=HANG_S)
        free.put(None)
        taken.put(record)

    audit = Audit(take, lost.put, records_max=4)
    with serve(audit) as server, rim.TcpClient("127.0.0.1", server.getPort()) as client:
        assert client.waitReady(HANG_S, 0.01)
        master = master_of(client)
        for _ in range(50):
            assert request(master, rim.Write, 0, b"abcd") == ""
        with pytest.raises(rogue.GeneralError, match="has not taken all records"):
            audit.flush(0.01)
        free.put(None)
        audit.flush(HANG_S)
        missing = sum(lost.get() for _ in range(lost.qsize()))
        assert taken.qsize() + missing == 50 and missing > 0
        stats = audit.getStats()
        assert (stats["records"], stats["lost"]) == (50, missing)


def test_an_exception_of_the_function_is_printed_and_goes_no_further(capfd):
    seen = queue.Queue()

    def fail(record):
        seen.put(record)
        raise ValueError("an exception that this test wants")

    audit = Audit(fail)
    with serve(audit) as server, rim.TcpClient("127.0.0.1", server.getPort()) as client:
        assert client.waitReady(HANG_S, 0.01)
        master = master_of(client)
        for _ in range(2):
            assert request(master, rim.Write, 0, b"abcd") == ""
        audit.flush(HANG_S)
    assert seen.qsize() == 2
    assert "an exception that this test wants" in capfd.readouterr().err


def test_what_is_neither_a_path_nor_a_function_is_refused(tmp_path):
    with pytest.raises(TypeError, match="a path or a function"):
        Audit(7)
    with pytest.raises(TypeError, match="leave `lost` out"):
        Audit(tmp_path / "audit", print)
    with pytest.raises(TypeError, match="no option"):
        Audit(print, colour=1)
    with pytest.raises(rogue.GeneralError, match="Cannot open the file"):
        Audit(tmp_path / "none" / "audit")
    with pytest.raises(rogue.GeneralError, match="raise queue_bytes_max"):
        Audit(print, queue_bytes_max=10)
