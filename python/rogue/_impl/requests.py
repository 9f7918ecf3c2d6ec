"""Requests beyond single ones: many in one call, and without blocking.

These are functions, not methods, because the names of a master's attributes belong to the programs
that derive from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from .lifecycle import escaped, gate
from .master import WAITED, Master, MasterCore
from .native import (
    BYTES,
    SLICE_US,
    callback,
    check,
    decode,
    ffi,
    general_error,
    interrupts,
    last_error,
    lib,
    pin,
    raise_interrupt,
    release,
    view_of,
)

_PENDING = lib.ROGUE_MEM_ERROR_TIMEOUT
_FAILED = (lib.ROGUE_MEM_ERROR_TRANSACTION, lib.ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT)
#: Parts of a master's timeout after which an unanswered transaction is looked at again.
_LOOKS_PER_TIMEOUT = 4


def _result(master: Master, id: int) -> int:
    """Looks whether a transaction has ended, and collects it if so: a status of the library's."""
    core = master._rg_master
    status: int = lib.rogue_mem_master_wait_for(core.handle, id, 0)
    if status != _PENDING:
        core.free(id)
    return status


def _finish(master: Master, id: int) -> None:
    """Waits for a transaction and raises its own error."""
    core = master._rg_master
    if core.was_done_at_once(id):
        return
    try:
        while True:
            status = lib.rogue_mem_master_wait_for(core.handle, id, SLICE_US)
            if status != _PENDING:
                break
            if interrupts:
                raise_interrupt()
    except BaseException:
        core.give_up([id])
        raise
    error = last_error() if status else None
    core.free(id)
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


def _many(master: Master, kind: int, addresses: "Sequence[int]", size: int, data: Any) -> None:
    """All at once: requests, then waits. Raises the error of the first that failed, when all have
    ended."""
    core, count = master._rg_master, len(addresses)
    view = view_of("Master::many", data, kind == lib.ROGUE_MEM_READ)
    if kind != lib.ROGUE_MEM_READ:
        # What the caller's buffer holds later is not what was to be written.
        view = pin(BYTES, ffi.buffer(view)[:])
    ids = ffi.new("uint32_t[]", count)
    places = ffi.new("uint64_t[]", addresses)
    sizes = ffi.new("uint32_t[]", [size]) if count == 1 else ffi.new("uint32_t[]", [size] * count)
    waited, at, failures = ffi.new("size_t *"), 0, []
    try:
        check(lib.rogue_mem_master_request_many(core.handle, kind, count, places, sizes, view, ids))
        if interrupts:
            raise_interrupt()
        while at < count:
            status = lib.rogue_mem_master_wait_many(
                core.handle, count - at, ids + at, SLICE_US, waited
            )
            if status not in WAITED:
                raise last_error()
            at += waited[0]
            if status in _FAILED:
                failures.append((addresses[at - 1], decode(lib.rogue_mem_last_error())))
    except BaseException:
        core.give_up(ids, view)
        raise
    release(view)
    if failures:
        address, text = failures[0]
        others = " (and %d others of %d)" % (len(failures) - 1, count) if len(failures) > 1 else ""
        raise general_error("Master::many", "At address 0x%x: %s%s" % (address, text, others))


def readMany(master: Master, addresses: "Iterable[int]", size: int = 4) -> bytearray:
    """Reads `size` bytes at each of many byte addresses, all outstanding at once: the bytes, one
    after the other. When all have ended, raises GeneralError with the address and the text of the
    first that failed."""
    places = list(addresses)
    data = bytearray(size * len(places))
    if places:
        _many(master, lib.ROGUE_MEM_READ, places, size, data)
    return data


def writeMany(master: Master, addresses: "Iterable[int]", data: Any) -> None:
    """Writes equal parts of the bytes of a buffer to many byte addresses, in this order, all
    outstanding at once. When all have ended, raises GeneralError with the address and the text of
    the first that failed."""
    places = list(addresses)
    bytes_count = len(view_of("Master::many", data, False))
    if not places and not bytes_count:
        return
    if not places or bytes_count % len(places):
        raise ValueError(
            "%d bytes are no equal parts for %d addresses" % (bytes_count, len(places))
        )
    _many(master, lib.ROGUE_MEM_WRITE, places, bytes_count // len(places), data)


# --- asyncio --------------------------------------------------------------------------------------

#: Who waits for a transaction, by its id.
_waiting: "dict[int, tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]]" = {}


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


@callback("void(void *, uint32_t)", escaped("the end of an awaited transaction"))
def _ended(ctx: Any, id: int) -> None:
    loop, future = _waiting.pop(id, (None, None))
    if loop is not None and future is not None:
        try:
            loop.call_soon_threadsafe(_wake, future)
        except RuntimeError:
            # The event loop has been closed: nobody waits there.
            pass


_observer = ffi.new("rogue_mem_observer_t *")
_observer.size = ffi.sizeof("rogue_mem_observer_t")
_observer.ended = _ended


async def _collected(master: Master, id: int) -> None:
    loop = asyncio.get_running_loop()
    handle = master._rg_master.handle
    look_s = lib.rogue_mem_master_timeout(handle) / 1e6
    while True:
        future: "asyncio.Future[None]" = loop.create_future()
        _waiting[id] = (loop, future)
        try:
            _observer.gate = gate()
            status = lib.rogue_mem_master_observe(handle, id, _observer)
            if status == lib.ROGUE_MEM_ERROR_NOT_FOUND:
                return
            check(status)
            await asyncio.wait([future], timeout=look_s)
        except asyncio.CancelledError:
            # The event loop ends, and nobody will ask for the answer.
            master._rg_master.give_up([id])
            raise
        finally:
            _waiting.pop(id, None)
        status = _result(master, id)
        if status == lib.ROGUE_MEM_OK:
            return
        if status != _PENDING:
            raise last_error()
        look_s = lib.rogue_mem_master_timeout(handle) / 1e6 / _LOOKS_PER_TIMEOUT


#: The task that looks after each transaction that tasks of an event loop await.
_collecting: "dict[tuple[asyncio.AbstractEventLoop, MasterCore, int], asyncio.Future[None]]" = {}


async def waitAsync(master: Master, id: int) -> None:
    """Waits for transaction `id` without blocking the event loop. Raises GeneralError with the
    transaction's own text if it fails; an unknown id returns at once. Several tasks of one event
    loop may wait for it. If this is cancelled the transaction goes on, and is collected when it
    ends."""
    if master._rg_master.was_done_at_once(id):
        return
    key = (asyncio.get_running_loop(), master._rg_master, id)

    def forget(task: "asyncio.Future[None]") -> None:
        _collecting.pop(key, None)
        # Where all were cancelled nobody asks how it went.
        task.cancelled() or task.exception()

    collected = _collecting.get(key)
    if collected is None:
        collected = _collecting[key] = asyncio.ensure_future(_collected(master, id))
        collected.add_done_callback(forget)
    await asyncio.shield(collected)


async def readAsync(master: Master, address: int, size: int) -> bytes:
    """Reads as `read` does, without blocking the event loop."""
    data = bytearray(size)
    await waitAsync(master, master._reqTransaction(address, data, size, 0, lib.ROGUE_MEM_READ))
    return bytes(data)


async def writeAsync(master: Master, address: int, data: Any) -> None:
    """Writes as `write` does, without blocking the event loop."""
    await waitAsync(master, master._reqTransaction(address, data, 0, 0, lib.ROGUE_MEM_WRITE))
