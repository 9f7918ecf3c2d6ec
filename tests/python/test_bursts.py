"""Bursts: several requests that go out together."""

import asyncio

import pytest
import rogue
import rogue.interfaces.memory as rim

from support import IS_CPYTHON, Acting, Keeping, master_of


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


def test_the_accesses_of_a_burst_may_have_sizes_of_their_own():
    places, sizes = (0x10, 0x20, 0x40), (4, 12, 1)
    master = master_of(rim.Emulate(1, 0))
    data = bytes(range(1, 18))
    rim.writeMany(master, places, data, sizes)
    assert rim.readMany(master, places, iter(sizes)) == data
    assert rim.read(master, 0x20, 13) == data[4:16] + b"\0"
    buffer = bytearray(17)
    [master._waitTransaction(one) for one in rim.reqTransactions(master, places, buffer, sizes)]
    assert buffer == data and not master._rg_master.pins
    with pytest.raises(ValueError, match="2 sizes were given for 3 addresses"):
        rim.readMany(master, places, (4, 4))
    with pytest.raises(ValueError, match="17 bytes were given to write 12"):
        rim.writeMany(master, places, data, 4)
    with pytest.raises(rogue.GeneralError, match="18 bytes in python buffer with size 17"):
        rim.reqTransactions(master, places, buffer, (4, 12, 2))


def test_a_burst_may_be_awaited():
    def act(_slave, tran):
        if tran.address() % 8 and tran.type() == rim.Write:
            tran.error("no such register")
        elif tran.type() == rim.Read:
            tran.setData(tran.address().to_bytes(4, "little"), 0)
        tran.done()

    async def use():
        assert await rim.readManyAsync(master, [], 4) == b""
        data = await rim.readManyAsync(master, range(0, 400, 4))
        assert data == b"".join(place.to_bytes(4, "little") for place in range(0, 400, 4))
        loop, wakes = asyncio.get_running_loop(), []
        wake = loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *arguments: (wakes.append(1), wake(*arguments))
        await rim.writeManyAsync(master, range(0, 800, 8), bytes(400))
        assert len(wakes) == 1
        with pytest.raises(rogue.GeneralError) as raised:
            await rim.writeManyAsync(master, [0, 4, 12], bytes(12))
        assert str(raised.value).endswith("At address 0x4: no such register (and 1 others of 3)")

    master = master_of(Acting(act))
    asyncio.run(use())
    assert not master._rg_master.pins


def test_a_burst_that_is_cancelled_is_given_up():
    async def use():
        waiting = asyncio.ensure_future(rim.readManyAsync(master, [0, 4, 8]))
        while slave.arrived.qsize() < 3:
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    slave = Keeping()
    master = master_of(slave)
    asyncio.run(use())
    assert not master._rg_master.pins
    assert [slave.next() for _ in range(3)] == [None] * 3
