"""Transactions of many blocks in one call: all are requested before the first is waited for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Callable

from .lifecycle import escaped
from .native import (
    GeneralError,
    callback,
    check,
    decode,
    ffi,
    general_error,
    interrupts,
    lib,
    raise_interrupt,
)
from .registers import Block, Variable

_REPORT = "rogue_mem_bulk_report_t"


class BulkError(GeneralError):
    """Some of many blocks failed. The text is that of the first failure, ``failures`` has all: each
    block and its error, in the order of the blocks. The others are as they should be."""

    __module__ = "rogue.interfaces.memory"

    failures: "list[tuple[Block, GeneralError]]"


@callback(
    "void(void *, size_t, rogue_mem_status_t, const char *, const char *)",
    escaped("a report of many memory blocks"),
)
def _failed(ctx: Any, index: int, _status: int, source: Any, text: Any) -> None:
    ffi.from_handle(ctx).append((index, general_error(decode(source), decode(text))))


def _run(function: "Callable[..., int]", blocks: "list[Block]", *arguments: int) -> None:
    """Calls a function of the library for blocks, and tells their variables."""
    handles = ffi.new("rogue_mem_block_t *[]", [block._rg_block.handle for block in blocks])
    failures: "list[tuple[int, GeneralError]]" = []
    kept, updated = ffi.new_handle(failures), ffi.new("uint32_t[]", len(blocks))
    report = ffi.new(_REPORT + " *")
    report.size, report.ctx = ffi.sizeof(_REPORT), kept
    report.failed, report.updated = _failed, updated
    status = function(handles, len(blocks), *arguments, report)
    for block, is_updated in zip(blocks, updated):
        if is_updated:
            block._rg_notify()
    if interrupts:
        raise_interrupt()
    if not failures:
        check(status)
        return
    others = " (and %d others of %d)" % (len(failures) - 1, len(blocks))
    error = BulkError(str(failures[0][1]) + (others if len(failures) > 1 else ""))
    error.failures = [(blocks[index], failure) for index, failure in failures]
    raise error


def readAll(blocks: "Iterable[Block]") -> None:
    """Reads blocks, and waits. All reads are requested before the first is waited for, and those of
    one slave are handed over together: a `TcpClient` sends them with few system calls. Raises
    `BulkError` when all have ended, if some failed."""
    _run(lib.rogue_mem_block_read_all, list(blocks))


def writeAll(blocks: "Iterable[Block]", forceWr: bool = False) -> None:
    """Writes blocks, verifies what is to be verified, and waits. A block without stale values is
    only written with `forceWr`. Otherwise as `readAll`."""
    _run(lib.rogue_mem_block_write_all, list(blocks), bool(forceWr))


def startAll(blocks: "Iterable[Block]", type: int, forceWr: bool = False) -> None:
    """Starts a transaction of `type` in each of `blocks`, as `Block._startTransaction` without a
    variable does, and waits for none of them: `checkAll` does. Raises `BulkError` if some were not
    sent."""
    _run(lib.rogue_mem_block_start_all, list(blocks), type, bool(forceWr))


def checkAll(blocks: "Iterable[Block]") -> None:
    """Checks each of `blocks` as `Block._checkTransaction` does, also after a failure. Raises
    `BulkError` when all have ended, if some failed."""
    _run(lib.rogue_mem_block_check_all, list(blocks))


def getAll(variables: "Iterable[Variable]") -> "list[Any]":
    """Reads the blocks of variables with one `readAll`, and returns the value of each variable."""
    wanted = list(variables)
    readAll(dict.fromkeys(one._rg_block_of() for one in wanted))
    return [one._get(-1) for one in wanted]
