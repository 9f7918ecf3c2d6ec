"""Bursts: several requests that go out together."""

import pytest
import rogue
import rogue.interfaces.memory as rim

from support import IS_CPYTHON, Acting, master_of


def test_f01_a_burst_is_requested_in_order_and_each_is_waited_for():
    seen = []

    def act(_slave, tran):
        seen.append((tran.address(), tran.size(), tran.type()))
        if tran.type() in (rim.Read, rim.Verify):
            tran.setData(bytes([tran.address()] * tran.size()), 0)
        tran.done()

    master = master_of(Acting(act))
    for kind in (rim.Read, rim.Verify, rim.Write, rim.Post):
        data = bytearray(12)
        ids = rim.reqTransactions(master, [8, 4, 16], data, 4, kind)
        assert len(set(ids)) == 3
        for one in ids:
            master._waitTransaction(one)
        assert master._getError() == ""
        reads = kind in (rim.Read, rim.Verify)
        assert data == (b"\x08" * 4 + b"\x04" * 4 + b"\x10" * 4 if reads else bytes(12))
        assert seen == [(8, 4, kind), (4, 4, kind), (16, 4, kind)]
        del seen[:]
        # The buffer is no longer exported.
        data.append(0)
    # Equal parts, and less than the buffer has.
    data = bytearray(9)
    [master._waitTransaction(one) for one in rim.reqTransactions(master, [1, 2, 3], data)]
    [master._waitTransaction(one) for one in rim.reqTransactions(master, [4], data, 2)]
    assert data == b"\x04\x04\x01\x02\x02\x02\x03\x03\x03"
    assert rim.reqTransactions(master, [], b"", type=rim.Write) == []
    assert not master._rg_master.pins
    for addresses in ([1, 2], []):
        with pytest.raises(ValueError):
            rim.reqTransactions(master, addresses, data)
    with pytest.raises(rogue.GeneralError):
        rim.reqTransactions(master, [1, 2], data, 5)
    with pytest.raises(rogue.GeneralError):
        rim.reqTransactions(master, [1], b"read only", 4)


def test_f01_a_burst_holds_its_buffer_until_each_has_been_waited_for():
    kept = []
    master = master_of(Acting(lambda _slave, tran: kept.append(tran)))
    data = bytearray(8)
    first, second = rim.reqTransactions(master, [0, 4], data, 4)
    for tran in kept:
        tran.setData(b"data", 0)
        tran.done()
    del kept[:], tran
    master._waitTransaction(second)
    if IS_CPYTHON:  # PyPy lets a buffer grow that others look at
        with pytest.raises(BufferError):
            data.append(0)
    master._waitTransaction(first)
    data.append(0)
    assert data == b"datadata\0"
