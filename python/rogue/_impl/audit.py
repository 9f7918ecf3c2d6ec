"""Audits: what the clients of servers did, for the program or in files: docs/security.md."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import Any, Callable, Optional, Union

from .lifecycle import NativeHandle, escaped, filled, gate, register, report, targets
from .native import NULL, callback, check, counters, encode, ffi, lib, options, slice_us

_Path = Union[str, bytes, "os.PathLike[str]"]
_CALLBACK = "the function of an Audit"
_RESULTS = {
    lib.ROGUE_MEM_AUDIT_OK: "ok",
    lib.ROGUE_MEM_AUDIT_ERROR: "error",
    lib.ROGUE_MEM_AUDIT_REFUSED: "refused",
    lib.ROGUE_MEM_AUDIT_LATE: "late",
    lib.ROGUE_MEM_AUDIT_ABANDONED: "abandoned",
}


@dataclasses.dataclass(frozen=True)
class AuditRecord:
    """An access of a client that has ended."""

    __module__ = "rogue.security"

    #: When it ended, by the wall clock: nanoseconds since 1970, UTC.
    time_ns: int
    #: The first address of the server.
    server: str
    #: The remote end of the connection of the client's requests.
    client: str
    #: Number of the client, counted from the start of the server.
    number: int
    #: The client's public key, with CURVE.
    key: Optional[str]
    #: User and process of a client that has connected at a path.
    uid: Optional[int]
    pid: Optional[int]
    #: ``Write``, ``Post``, ``Read``, ``Verify``, or what the client sent in its place.
    type: int
    address: int
    #: Bytes of the access.
    size: int
    #: The first bytes of what the client sent to be written, or of what was read.
    data: bytes
    #: ``"ok"``, ``"error"``, ``"refused"``, ``"late"`` or ``"abandoned"``.
    result: str
    #: The status of a failure in the C interface.
    status: int
    #: What the client was told of a failure.
    text: str
    #: Whether the client was there to be answered.
    answered: bool
    #: From the moment when the server had read all of it to its end.
    latency_ns: int


class _Sink:
    """The functions of an audit, which keeps them."""

    __slots__ = ("__weakref__", "lost", "record")

    def __init__(
        self,
        record: "Callable[[AuditRecord], Any]",
        lost: "Optional[Callable[[int], Any]]",
    ) -> None:
        self.record = record
        self.lost = lost


def _text(pointer: Any) -> str:
    return str(ffi.string(pointer).decode("utf-8", "replace"))


def _told(record: Any) -> AuditRecord:
    has_user = record.uid != lib.ROGUE_MEM_AUDIT_NO_UID
    return AuditRecord(
        time_ns=record.time_ns,
        server=_text(record.server),
        client=_text(record.client),
        number=record.client_number,
        key=_text(record.key) or None,
        uid=record.uid if has_user else None,
        pid=record.pid or None,
        type=record.kind,
        address=record.address,
        size=record.access_bytes,
        data=bytes(ffi.buffer(record.data, record.data_bytes)),
        result=_RESULTS.get(record.result, "?"),
        status=record.status,
        text=_text(record.text),
        answered=bool(record.answered),
        latency_ns=record.latency_ns,
    )


def _sink_of(ctx: Any) -> "Optional[_Sink]":
    reference = targets.get(ctx)
    return None if reference is None else reference()


@callback("void(void *, rogue_mem_audit_record_t const *)", escaped(_CALLBACK))
def _record(ctx: Any, record: Any) -> None:
    sink = _sink_of(ctx)
    if sink is None:
        return
    try:
        sink.record(_told(record))
    except BaseException as error:
        report(_CALLBACK, error)


@callback("void(void *, uint64_t)", escaped(_CALLBACK))
def _lost(ctx: Any, count: int) -> None:
    sink = _sink_of(ctx)
    if sink is None or sink.lost is None:
        return
    try:
        sink.lost(count)
    except BaseException as error:
        report(_CALLBACK, error)


class Audit:
    """Records what the clients of servers did: ``TcpServer(addr, port, audit=Audit(sink))``.

    :param sink: the path of a file, which gets a line of JSON for each record; or a function that
        gets each `AuditRecord`, on a thread of the library, one call at a time and in order. It may
        block: only records wait for it. Its exceptions are printed.
    :param lost: for a function: another one that gets the number of records that are missing
        between those before and after the call, because there was no room for them.
    :param options: options of the C interface, by the member names of
        ``rogue_mem_audit_options_t``: ``data_bytes_max``, ``reads``, ``records_max``,
        ``queue_bytes_max``, ``file_bytes_max``, ``files_max``, ``file_mode``. None leaves an option
        at its default.

    Servers never wait for it. Several may share one. Raises GeneralError if the file cannot be
    opened.
    """

    __module__ = "rogue.security"

    def __init__(
        self,
        sink: "_Path | Callable[[AuditRecord], Any]",
        lost: "Optional[Callable[[int], Any]]" = None,
        **more: Any,
    ) -> None:
        chosen = options("rogue_mem_audit_options_t", more)
        owned = NativeHandle(NULL, lib.rogue_mem_audit_release)
        made = "rogue_mem_audit_t"
        if isinstance(sink, (str, bytes, os.PathLike)):
            if lost is not None:
                raise TypeError("a file says itself what is lost: leave `lost` out")
            path = encode(os.fspath(sink))
            filled(owned, made, lib.rogue_mem_audit_to_file, path, chosen)
        elif callable(sink):
            self._rg_sink = _Sink(sink, lost)
            told = ffi.new("rogue_mem_audit_sink_t *")
            told.size = ffi.sizeof("rogue_mem_audit_sink_t")
            told.ctx = register(self._rg_sink)
            told.record = _record
            told.lost = _lost
            told.gate = gate()
            filled(owned, made, lib.rogue_mem_audit_new, told, chosen)
        else:
            raise TypeError("an audit needs a path or a function, not %s" % type(sink).__name__)
        self._rg_option: NativeHandle = owned

    def flush(self, timeout: float) -> None:
        """Waits, at most `timeout` seconds, until all records so far are with the function or on
        the disk. Raises GeneralError if the time is up, if records could not be written since the
        last call, and in the function itself."""
        end = time.monotonic() + timeout
        while True:
            status = lib.rogue_mem_audit_flush(self._rg_option.handle, slice_us(end))
            if status != lib.ROGUE_MEM_ERROR_TIMEOUT or time.monotonic() >= end:
                check(status)
                return

    def getStats(self) -> "dict[str, int]":
        """The counters: ``records``, ``delivered``, ``lost`` and more, named as in
        ``rogue_mem_audit_stats_t``."""
        return counters(
            "rogue_mem_audit_stats_t", lib.rogue_mem_audit_stats, self._rg_option.handle
        )
