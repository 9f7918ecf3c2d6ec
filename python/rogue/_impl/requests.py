"""Bursts, single requests with errors as exceptions, and requests for asyncio.

These are functions, not methods: the attribute names of a master belong to the classes that
programs derive from it.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Iterable
from typing import Any, Callable, Optional, Union

from .lifecycle import escaped, gate
from .master import WAITED, Master, MasterHandle, beyond
from .native import (
    SLICE_US,
    callback,
    check,
    decode,
    ffi,
    general_error,
    interrupts,
    last_error,
    lib,
    raise_interrupt,
    reason_of,
    release,
    view_of,
)

#: Number of bytes of each access of a burst, or a number for each access.
Sizes = Union[int, Iterable[int]]

_PENDING = lib.ROGUE_MEM_ERROR_TIMEOUT
_FAILED = (lib.ROGUE_MEM_ERROR_TRANSACTION, lib.ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT)


def _finish(master: Master, id: int) -> None:
    """Waits for a transaction and raises its own error."""
    owned = master._rg_master
    if owned.was_done_at_once(id):
        return
    try:
        while True:
            status = lib.rogue_mem_master_wait_for(owned.handle, id, SLICE_US)
            if status != _PENDING:
                break
            if interrupts:
                raise_interrupt()
    except BaseException:
        owned.cancel([id])
        raise
    error = last_error() if status else None
    owned.free(id)
    if error is not None:
        raise error


def read(master: Master, address: int, size: int) -> bytes:
    """Reads `size` bytes at byte address `address` and waits for them. Raises GeneralError with
    this transaction's own text if it fails."""
    data = bytearray(size)
    _finish(master, master._reqTransaction(address, data, size, 0, lib.ROGUE_MEM_READ))
    return bytes(data)


def write(master: Master, address: int, data: Any) -> None:
    """Writes the bytes of a buffer at byte address `address` and waits until the device has
    answered. Raises GeneralError with this transaction's own text if it fails."""
    _finish(master, master._reqTransaction(address, data, 0, 0, lib.ROGUE_MEM_WRITE))


def _sizes(size: Sizes, count: int, total: int = 0) -> "list[int]":
    """Number of bytes for each of `count` addresses; for 0 equal parts of `total`."""
    if isinstance(size, Iterable):
        sizes = list(size)
        if len(sizes) != count:
            raise ValueError("%d sizes were given for %d addresses" % (len(sizes), count))
        return sizes
    if not size and total:
        if not count or total % count:
            raise ValueError("%d bytes are no equal parts for %d addresses" % (total, count))
        size = total // count
    return [size] * count


def _start(
    owned: MasterHandle, kind: int, addresses: "list[int]", sizes: "list[int]", view: Any, ids: Any
) -> None:
    """Starts a burst; data to write is copied. `ids` receives the ids."""
    count = len(addresses)
    places, parts = ffi.new("uint64_t[]", addresses), ffi.new("uint32_t[]", sizes)
    check(lib.rogue_mem_master_start_many(owned.handle, kind, count, places, parts, view, ids))


def reqTransactions(
    master: Master,
    addresses: "Iterable[int]",
    buffer: Any,
    size: Sizes = 0,
    type: int = lib.ROGUE_MEM_READ,
) -> "list[int]":
    """Starts a transaction of `size` bytes at each of several byte addresses, in this order, as one
    burst. A `TcpClient` sends a burst with one system call, as far as its window and the socket
    allow. Returns their ids, each for `_waitTransaction`.

    :param buffer: as for `_reqTransaction`; `size` consecutive bytes for each address.
    :param size: number of bytes of each, or a number for each; 0 = equal parts of the buffer.

    Otherwise as `_reqTransaction`.
    """
    source = "Master::reqTransactions"
    owned, places = master._rg_master, list(addresses)
    reads = type not in (lib.ROGUE_MEM_WRITE, lib.ROGUE_MEM_POST)
    words = "Python Buffer contig Error" if reads else "Python Buffer simple Error"
    view = view_of(source, buffer, reads, words)
    sizes = _sizes(size, len(places), len(view))
    if sum(sizes) > len(view):
        raise beyond(sum(sizes), len(view), 0, source)
    ids = ffi.new("uint32_t[]", len(places))
    try:
        _start(owned, type, places, sizes, view, ids)
        if reads:
            # One for each, because each is released separately.
            owned.pins.update((one, view_of(source, buffer, True, words)) for one in ids)
        if interrupts:
            raise_interrupt()
    except BaseException:
        owned.cancel(ids, view if reads else None)
        raise
    return list(ids)


def _many(master: Master, kind: int, addresses: "list[int]", sizes: "list[int]", data: Any) -> None:
    """A burst and the waits for it. Raises the error of the first failure when all have ended."""
    owned, count = master._rg_master, len(addresses)
    view = view_of("Master::many", data, kind == lib.ROGUE_MEM_READ)
    ids = ffi.new("uint32_t[]", count)
    waited, at, failures = ffi.new("size_t *"), 0, []
    try:
        _start(owned, kind, addresses, sizes, view, ids)
        if kind != lib.ROGUE_MEM_READ:
            # It has been copied: the caller may reuse the buffer.
            release(view)
            view = None
        if interrupts:
            raise_interrupt()
        while at < count:
            status = lib.rogue_mem_master_wait_many(
                owned.handle, count - at, ids + at, SLICE_US, waited
            )
            if status not in WAITED:
                raise last_error()
            at += waited[0]
            if status in _FAILED:
                failures.append((addresses[at - 1], decode(lib.rogue_mem_last_error())))
    except BaseException:
        owned.cancel(ids, view if kind == lib.ROGUE_MEM_READ else None)
        raise
    if view is not None:
        release(view)
    if failures:
        raise _first_of(failures, count)


def _first_of(failures: "list[tuple[int, str]]", count: int) -> Exception:
    """The error of a burst of `count` accesses: the address and the text of the first failure."""
    address, text = failures[0]
    others = " (and %d others of %d)" % (len(failures) - 1, count) if len(failures) > 1 else ""
    return general_error("Master::many", "At address 0x%x: %s%s" % (address, text, others))


def readMany(master: Master, addresses: "Iterable[int]", size: Sizes = 4) -> bytearray:
    """Reads `size` bytes at each of many byte addresses, all outstanding at once. Returns the bytes
    in sequence. When all have ended, raises GeneralError with the address and the text of the first
    failure.

    :param size: number of bytes of each, or a number for each.
    """
    places = list(addresses)
    sizes = _sizes(size, len(places))
    data = bytearray(sum(sizes))
    if places:
        _many(master, lib.ROGUE_MEM_READ, places, sizes, data)
    return data


def _to_write(places: "list[int]", data: Any, size: Sizes) -> "list[int]":
    """Number of bytes of a buffer for each address, all of them together."""
    total = len(view_of("Master::many", data, False))
    sizes = _sizes(size, len(places), total)
    if sum(sizes) != total:
        raise ValueError("%d bytes were given to write %d" % (total, sum(sizes)))
    return sizes


def writeMany(master: Master, addresses: "Iterable[int]", data: Any, size: Sizes = 0) -> None:
    """Writes consecutive bytes of a buffer to each of many byte addresses, in this order, all
    outstanding at once. When all have ended, raises GeneralError with the address and the text of
    the first failure.

    :param size: number of bytes of each, or a number for each; 0 = equal parts of the buffer.
    """
    places = list(addresses)
    sizes = _to_write(places, data, size)
    if places:
        _many(master, lib.ROGUE_MEM_WRITE, places, sizes, data)


# --- asyncio --------------------------------------------------------------------------------------

#: Called with the error of a transaction that has ended, or None.
Waiter = Callable[[Optional[Exception]], None]
#: The awaited transactions, by id: the master, and what is told of their end.
_waiting: "dict[int, tuple[MasterHandle, list[Waiter]]]" = {}
_waiting_lock = threading.Lock()


def _settle(future: "asyncio.Future[None]", error: "Optional[Exception]") -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _tell(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[None]", error: "Optional[Exception]"
) -> None:
    """Settles a future of an event loop, from any thread."""
    try:
        loop.call_soon_threadsafe(_settle, future, error)
    except RuntimeError:
        # The event loop has been closed: no task waits there.
        pass


@callback(
    "void(void *, uint32_t, rogue_mem_status_t, const char *)",
    escaped("the end of an awaited transaction"),
)
def _ended(ctx: Any, id: int, status: int, text: Any) -> None:
    with _waiting_lock:
        owned, waiters = _waiting.pop(id, (None, []))
    if owned is not None:
        owned.free(id)
    for waiter in waiters:
        source = "memory::Master::waitTransaction"
        waiter(general_error(source, decode(text)) if status else None)


_observer = ffi.new("rogue_mem_observer_t *")
_observer.size = ffi.sizeof("rogue_mem_observer_t")
_observer.ended = _ended


def _observe(owned: MasterHandle, id: int, waiter: Waiter) -> None:
    """Tells `waiter`, beside any others, of the end of a transaction."""
    with _waiting_lock:
        is_first = id not in _waiting
        _, waiters = _waiting.setdefault(id, (owned, []))
        waiters.append(waiter)
    if not is_first:
        return
    _observer.gate = gate()
    status = lib.rogue_mem_master_observe(owned.handle, id, _observer)
    if status == lib.ROGUE_MEM_OK:
        return
    error: "Optional[Exception]" = last_error()
    if status == lib.ROGUE_MEM_ERROR_NOT_FOUND:
        # Unless it was forgotten, its result has been taken already.
        status = lib.rogue_mem_master_wait_for(owned.handle, id, 0)
        error = last_error() if status else None
    with _waiting_lock:
        _, waiters = _waiting.pop(id, (owned, []))
    owned.free(id)
    for one in waiters:
        one(error)


async def waitAsync(master: Master, id: int) -> None:
    """Waits for transaction `id` without blocking the event loop. Raises GeneralError with the
    transaction's own text if it fails; an unknown id returns at once. Several tasks, also of
    several event loops, may wait for it. Cancelling the last one that waits cancels the
    transaction."""
    owned = master._rg_master
    if owned.was_done_at_once(id):
        return
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    waiter = functools.partial(_tell, loop, future)
    try:
        _observe(owned, id, waiter)
        await future
    except (asyncio.CancelledError, GeneratorExit):
        with _waiting_lock:
            known, waiters = _waiting.get(id, (None, []))
            if waiter in waiters:
                waiters.remove(waiter)
            is_last = known is not None and not waiters
        if is_last:
            owned.cancel([id])
        raise


def cancel(master: Master, id: int) -> bool:
    """Cancels transaction `id`: it has failed, waiting threads and tasks are notified at once, and
    its buffer is free. A request that has been sent cannot be recalled. Returns true if it has been
    cancelled or had ended; false if a slave has just locked its data, in which case it goes on."""
    return master._rg_master.cancel([id])


def forgottenCount(master: Master) -> int:
    """Number of ended transactions of a master whose results were discarded, because too many were
    unclaimed. A wait for one of them fails."""
    return int(lib.rogue_mem_master_forgotten_count(master._rg_master.handle))


async def readAsync(master: Master, address: int, size: int) -> bytes:
    """Reads as `read` does, without blocking the event loop."""
    data = bytearray(size)
    await waitAsync(master, master._reqTransaction(address, data, size, 0, lib.ROGUE_MEM_READ))
    return bytes(data)


async def writeAsync(master: Master, address: int, data: Any) -> None:
    """Writes as `write` does, without blocking the event loop."""
    await waitAsync(master, master._reqTransaction(address, data, 0, 0, lib.ROGUE_MEM_WRITE))


class _Burst:
    """Collects the ends of `count` transactions for the task that makes it, which is woken once."""

    def __init__(self, count: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.all_ended = self.loop.create_future()
        self.missing = count
        self.failures: "list[tuple[int, str]]" = []

    def ended(self, number: int, error: "Optional[Exception]") -> None:
        with _waiting_lock:
            self.missing -= 1
            is_last = not self.missing
            if error is not None:
                self.failures.append((number, reason_of(error)))
        if is_last:
            _tell(self.loop, self.all_ended, None)


async def _many_async(
    master: Master, kind: int, addresses: "list[int]", sizes: "list[int]", data: Any
) -> None:
    """As `_many`, without blocking the event loop."""
    if not addresses:
        return
    owned, burst = master._rg_master, _Burst(len(addresses))
    ids = reqTransactions(master, addresses, data, sizes, kind)
    try:
        for number, id in enumerate(ids):
            _observe(owned, id, functools.partial(burst.ended, number))
        await burst.all_ended
    except BaseException:
        with _waiting_lock:
            for id in ids:
                _waiting.get(id, (owned, []))[1].clear()
        owned.cancel(ids)
        raise
    if burst.failures:
        failures = [(addresses[number], text) for number, text in sorted(burst.failures)]
        raise _first_of(failures, len(ids))


async def readManyAsync(master: Master, addresses: "Iterable[int]", size: Sizes = 4) -> bytearray:
    """Reads as `readMany` does, without blocking the event loop."""
    places = list(addresses)
    sizes = _sizes(size, len(places))
    data = bytearray(sum(sizes))
    await _many_async(master, lib.ROGUE_MEM_READ, places, sizes, data)
    return data


async def writeManyAsync(
    master: Master, addresses: "Iterable[int]", data: Any, size: Sizes = 0
) -> None:
    """Writes as `writeMany` does, without blocking the event loop."""
    places = list(addresses)
    sizes = _to_write(places, data, size)
    await _many_async(master, lib.ROGUE_MEM_WRITE, places, sizes, data)
