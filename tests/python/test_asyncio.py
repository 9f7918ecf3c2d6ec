"""Requests without blocking calls: asyncio, and transactions that are cancelled or abandoned."""

import asyncio
import threading

import pytest
import rogue
import rogue.interfaces.memory as rim
from rogue._impl import requests

from support import HANG_S, SHORT_US, Keeping, master_of, wait_until


def test_what_an_event_loop_has_left_behind_is_given_up():
    slave = Keeping()
    master = master_of(slave)

    async def hasty():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(rim.readAsync(master, 0, 4), 0.001)

    for _ in range(3):
        asyncio.run(hasty())
    assert not master._rg_master.pins and not requests._waiting
    assert all(slave.next() is None for _ in range(3))


def test_requests_may_be_awaited():
    slave = Keeping()
    master = master_of(slave)

    async def use():
        reads = [asyncio.ensure_future(rim.readAsync(master, 4 * n, 4)) for n in range(20)]
        ticks = 0
        while slave.arrived.qsize() < 20:
            await asyncio.sleep(0)
            ticks += 1
        transactions = [slave.next() for _ in range(20)]
        worker = threading.Thread(target=answer, args=(transactions,))
        worker.start()
        results = await asyncio.gather(*reads, return_exceptions=True)
        worker.join(HANG_S)
        return results

    def answer(transactions):
        for tran in reversed(transactions):
            if tran.address() == 8:
                tran.error("not that one")
            else:
                tran.setData(tran.address().to_bytes(4, "little"), 0)
                tran.done()

    results = asyncio.run(use())
    for n, result in enumerate(results):
        if n == 2:
            assert isinstance(result, rogue.GeneralError) and "not that one" in str(result)
        else:
            assert result == (4 * n).to_bytes(4, "little")
    assert not master._rg_master.pins


def test_awaited_requests_time_out_and_may_be_cancelled():
    slave = Keeping()
    master = master_of(slave)
    master._setTimeout(SHORT_US)

    async def use():
        with pytest.raises(rogue.GeneralError, match="Timeout waiting"):
            await rim.readAsync(master, 0, 4)
        cancelled = asyncio.ensure_future(rim.readAsync(master, 4, 4))
        while slave.arrived.qsize() < 2:
            await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert not master._rg_master.pins
        assert await rim.waitAsync(master, 0x7FFF_FFFF) is None

    asyncio.run(use())


def test_f05_an_awaited_transaction_ends_at_its_deadline_although_nobody_looks():
    slave = Keeping()
    master = master_of(slave)
    master._setTimeout(SHORT_US)

    async def use():
        waits = [asyncio.ensure_future(rim.readAsync(master, 4 * n, 4)) for n in range(10)]
        for result in await asyncio.gather(*waits, return_exceptions=True):
            assert "Timeout waiting" in str(result)
        assert not master._rg_master.pins and not requests._waiting
        # One is gone when its observer has returned, which is in another thread.
        await asyncio.wait_for(until(lambda: not master._rg_master.outstanding()), HANG_S)

    asyncio.run(use())


async def until(condition):
    while not condition():
        await asyncio.sleep(0)


def test_f05_cancelling_the_last_wait_cancels_the_transaction():
    slave = Keeping()
    master = master_of(slave)

    async def use():
        id = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
        waits = [asyncio.ensure_future(rim.waitAsync(master, id)) for _ in range(3)]
        await asyncio.sleep(0)
        tran = slave.next()
        for wait in waits:
            assert not tran.expired()
            wait.cancel()
            await asyncio.sleep(0)
        assert tran.expired()
        assert not master._rg_master.pins and not master._rg_master.outstanding()
        results = await asyncio.gather(*waits, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)

    asyncio.run(use())


def test_f05_several_event_loops_may_await_one_request():
    slave = Keeping()
    master = master_of(slave)
    id = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
    tran = slave.next()
    outcomes = []

    async def use():
        with pytest.raises(rogue.GeneralError, match="broken"):
            await rim.waitAsync(master, id)
        outcomes.append(True)

    threads = [threading.Thread(target=asyncio.run, args=(use(),)) for _ in range(3)]
    for one in threads:
        one.start()
    assert wait_until(lambda: len(requests._waiting.get(id, (None, []))[1]) == 3)
    tran.error("broken")
    for one in threads:
        one.join(HANG_S)
    assert outcomes == [True] * 3


def test_f05_a_cancelled_transaction_fails_for_who_waits():
    slave = Keeping()
    master = master_of(slave)
    buffer = bytearray(4)
    id = master._reqTransaction(0, buffer, 0, 0, rim.Read)
    tran = slave.next()
    assert rim.cancel(master, id)
    assert tran.expired()
    buffer.extend(b"it is free")
    tran.done()
    master._waitTransaction(id)
    assert rim.cancel(master, id)


def test_f05_buffers_of_reads_that_nobody_waits_for_come_free():
    slave = Keeping()
    master = master_of(slave)
    owned, ids = master._rg_master, []
    for _ in range(3000):
        ids.append(master._reqTransaction(0, bytearray(4), 0, 0, rim.Read))
        slave.next().done()
    assert len(owned.pins) == 3000
    owned.shed()
    assert len(owned.pins) < 1500
    for id in ids:
        master._waitTransaction(id)
    assert master._getError() == "" and not owned.pins
    assert rim.forgottenCount(master) == 0


def test_several_tasks_may_await_one_request():
    slave = Keeping()
    master = master_of(slave)

    async def use(end, text):
        id = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
        waits = [asyncio.ensure_future(rim.waitAsync(master, id)) for _ in range(5)]
        await asyncio.sleep(0)
        waits[0].cancel()
        await asyncio.sleep(0)
        end(slave.next())
        # No timeout is near: the waits are notified, and do not poll.
        for result in await asyncio.gather(*waits[1:], return_exceptions=True):
            assert text in str(result)
        with pytest.raises(asyncio.CancelledError):
            await waits[0]
        assert not master._rg_master.pins

    asyncio.run(use(lambda tran: tran.done(), "None"))
    asyncio.run(use(lambda tran: tran.error("broken"), "broken"))


def test_what_is_done_at_once_is_awaited_at_once():
    master = master_of(rim.Emulate(1, 0))

    async def use():
        await rim.writeAsync(master, 0, b"1234")
        assert await rim.readAsync(master, 0, 4) == b"1234"
        id = master._reqTransaction(0, bytearray(4), 0, 0, rim.Read)
        await rim.waitAsync(master, id)
        assert not master._rg_master.pins

    asyncio.run(use())
