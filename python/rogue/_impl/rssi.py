"""Reliable streams over datagrams: RSSI."""

from __future__ import annotations

from typing import Any, Callable, Optional

from . import stream
from .lifecycle import NativeHandle, described, filled
from .link import observe, wait_open
from .native import NULL, check, counters, ffi, lib, options


class Transport(stream.Master, stream.Slave):
    """The end of a reliable stream where datagrams go in and out; ``transport`` of a client or
    server gives it."""

    __module__ = "rogue.protocols.rssi"

    def __init__(self) -> None:
        raise RuntimeError("Transports are made by Client and Server only")


class Application(stream.Master, stream.Slave):
    """The end of a reliable stream where frames go in and out, in order; ``application`` of a
    client or server gives it."""

    __module__ = "rogue.protocols.rssi"

    def __init__(self) -> None:
        raise RuntimeError("Applications are made by Client and Server only")


class Endpoint:
    """What clients and servers have in common."""

    _rg_rssi: NativeHandle
    _rg_transport: Transport
    _rg_application: Application

    def _rg_init_rssi(self, new: Any, size: int, chosen: "dict[str, Any]") -> None:
        given = options("rogue_mem_rssi_options_t", chosen)
        owned = NativeHandle(NULL, lib.rogue_mem_rssi_release, lib.rogue_mem_rssi_stop)
        self._rg_rssi = filled(owned, "rogue_mem_rssi_t", new, min(size, 0xFFFF), given)
        self._rg_transport = stream.ends_at(
            Transport, lib.rogue_mem_rssi_transport_port(owned.handle)
        )
        self._rg_application = stream.ends_at(
            Application, lib.rogue_mem_rssi_application_port(owned.handle)
        )

    def transport(self) -> Transport:
        """The end to connect with what carries datagrams."""
        return self._rg_transport

    def application(self) -> Application:
        """The end to connect with what sends and receives frames."""
        return self._rg_application

    def _start(self) -> None:
        """Begins to open the link, or to wait for a client; also again after `_stop`."""
        check(lib.rogue_mem_rssi_start(self._rg_rssi.handle))

    def _stop(self) -> None:
        """Closes the link and tells the peer. Connections remain."""
        lib.rogue_mem_rssi_stop(self._rg_rssi.handle)

    def waitOpen(self, timeout: float) -> None:
        """Waits up to `timeout` seconds for the link. Raises GeneralError with the reason if there
        is none. Ctrl-C ends the wait."""
        wait_open(lib.rogue_mem_rssi_wait_open, self._rg_rssi.handle, timeout)

    def setLinkCallback(self, function: "Optional[Callable[[bool, str], Any]]") -> None:
        """Calls ``function(open, text)`` at every opening and closing of the link. Replaces an
        earlier function; None removes it. `text` names the layer, and the reason of a closing. If
        the link is open, the first call reports it.

        The function runs on a thread of the library, one call at a time and in order. It may do
        anything, also stop this object and block: only further calls for this link wait for it, of
        which the latest 64 are kept. Its exceptions are printed. It stays over `_stop` and
        `_start`, whose changes are told too."""
        former = getattr(self, "_rg_told", None)
        self._rg_told = observe(lib.rogue_mem_rssi_observe, self._rg_rssi.handle, function)
        del former

    def getOpen(self) -> bool:
        """Whether the link is open."""
        return lib.rogue_mem_rssi_is_open(self._rg_rssi.handle)

    def getStats(self) -> "dict[str, int]":
        """State and counters, by the member names of ``rogue_mem_rssi_stats_t``."""
        return counters("rogue_mem_rssi_stats_t", lib.rogue_mem_rssi_stats, self._rg_rssi.handle)

    def getDownCount(self) -> int:
        """How often the link was lost or stopped."""
        return self.getStats()["down_count"]

    def getDropCount(self) -> int:
        """Number of received segments that were dropped."""
        return self.getStats()["drop_count"]

    def getRetranCount(self) -> int:
        """Number of segments sent again."""
        return self.getStats()["retran_count"]

    def getLocBusy(self) -> bool:
        """Whether this end is busy: what has arrived is not taken."""
        return bool(self.getStats()["local_busy"])

    def getLocBusyCnt(self) -> int:
        """How often it was."""
        return self.getStats()["local_busy_count"]

    def getRemBusy(self) -> bool:
        """Whether the peer is busy."""
        return bool(self.getStats()["remote_busy"])

    def getRemBusyCnt(self) -> int:
        """How often it was."""
        return self.getStats()["remote_busy_count"]

    def resetCounters(self) -> None:
        """Sets the counters to 0."""
        lib.rogue_mem_rssi_reset_counters(self._rg_rssi.handle)

    def setTimeout(self, timeout: int) -> None:
        """Sets how often a sender that waits for the peer logs that, in microseconds."""
        lib.rogue_mem_rssi_set_timeout(self._rg_rssi.handle, timeout)

    def _rg_set(self, parameter: int, value: int) -> None:
        check(lib.rogue_mem_rssi_set_local(self._rg_rssi.handle, parameter, value))

    def _rg_value(self, function: Any, parameter: int) -> int:
        value = ffi.new("uint32_t *")
        check(function(self._rg_rssi.handle, parameter, value))
        return int(value[0])

    def setLocTryPeriod(self, val: int) -> None:
        """The period of a client's attempts to open the link, in ms.

        In use from the next link on. Raises GeneralError for 0."""
        self._rg_set(lib.ROGUE_MEM_RSSI_TRY_PERIOD, val)

    def getLocTryPeriod(self) -> int:
        """What `setLocTryPeriod` has set."""
        return self._rg_value(lib.rogue_mem_rssi_local, lib.ROGUE_MEM_RSSI_TRY_PERIOD)

    def setLocMaxBuffers(self, val: int) -> None:
        """Number of segments without an acknowledge.

        In use from the next link on. Raises GeneralError for 0."""
        self._rg_set(lib.ROGUE_MEM_RSSI_MAX_BUFFERS, val)

    def getLocMaxBuffers(self) -> int:
        """What `setLocMaxBuffers` has set."""
        return self._rg_value(lib.rogue_mem_rssi_local, lib.ROGUE_MEM_RSSI_MAX_BUFFERS)

    def curMaxBuffers(self) -> int:
        """The same, as both ends have agreed."""
        return self._rg_value(lib.rogue_mem_rssi_current, lib.ROGUE_MEM_RSSI_MAX_BUFFERS)

    def setLocMaxSegment(self, val: int) -> None:
        """The largest segment in bytes, its header of 8 included.

        In use from the next link on. Raises GeneralError for 0."""
        self._rg_set(lib.ROGUE_MEM_RSSI_MAX_SEGMENT, val)

    def getLocMaxSegment(self) -> int:
        """What `setLocMaxSegment` has set."""
        return self._rg_value(lib.rogue_mem_rssi_local, lib.ROGUE_MEM_RSSI_MAX_SEGMENT)

    def curMaxSegment(self) -> int:
        """The same, as both ends have agreed."""
        return self._rg_value(lib.rogue_mem_rssi_current, lib.ROGUE_MEM_RSSI_MAX_SEGMENT)

    def setLocCumAckTout(self, val: int) -> None:
        """How long an acknowledge waits, in ms.

        In use from the next link on. Raises GeneralError for 0."""
        self._rg_set(lib.ROGUE_MEM_RSSI_CUM_ACK_TIMEOUT, val)

    def getLocCumAckTout(self) -> int:
        """What `setLocCumAckTout` has set."""
        return self._rg_value(lib.rogue_mem_rssi_local, lib.ROGUE_MEM_RSSI_CUM_ACK_TIMEOUT)

    def curCumAckTout(self) -> int:
        """The same, as both ends have agreed."""
        return self._rg_value(lib.rogue_mem_rssi_current, lib.ROGUE_MEM_RSSI_CUM_ACK_TIMEOUT)

    def setLocRetranTout(self, val: int) -> None:
        """The time after which a segment is sent again, in ms.

        In use from the next link on. Raises GeneralError for 0."""
        self._rg_set(lib.ROGUE_MEM_RSSI_RETRAN_TIMEOUT, val)

    def getLocRetranTout(self) -> int:
        """What `setLocRetranTout` has set."""
        return self._rg_value(lib.rogue_mem_rssi_local, lib.ROGUE_MEM_RSSI_RETRAN_TIMEOUT)

    def curRetranTout(self) -> int:
        """The same, as both ends have agreed."""
        return self._rg_value(lib.rogue_mem_rssi_current, lib.ROGUE_MEM_RSSI_RETRAN_TIMEOUT)

    def setLocNullTout(self, val: int) -> None:
        """The silence after which firmware closes a link, in ms.

        In use from the next link on. Raises GeneralError for 0."""
        self._rg_set(lib.ROGUE_MEM_RSSI_NULL_TIMEOUT, val)

    def getLocNullTout(self) -> int:
        """What `setLocNullTout` has set."""
        return self._rg_value(lib.rogue_mem_rssi_local, lib.ROGUE_MEM_RSSI_NULL_TIMEOUT)

    def curNullTout(self) -> int:
        """The same, as both ends have agreed."""
        return self._rg_value(lib.rogue_mem_rssi_current, lib.ROGUE_MEM_RSSI_NULL_TIMEOUT)

    def setLocMaxRetran(self, val: int) -> None:
        """How often a segment is sent before the link counts as lost.

        In use from the next link on. Raises GeneralError for 0."""
        self._rg_set(lib.ROGUE_MEM_RSSI_MAX_RETRAN, val)

    def getLocMaxRetran(self) -> int:
        """What `setLocMaxRetran` has set."""
        return self._rg_value(lib.rogue_mem_rssi_local, lib.ROGUE_MEM_RSSI_MAX_RETRAN)

    def curMaxRetran(self) -> int:
        """The same, as both ends have agreed."""
        return self._rg_value(lib.rogue_mem_rssi_current, lib.ROGUE_MEM_RSSI_MAX_RETRAN)

    def setLocMaxCumAck(self, val: int) -> None:
        """Number of segments after which an acknowledge does not wait.

        In use from the next link on. Raises GeneralError for 0."""
        self._rg_set(lib.ROGUE_MEM_RSSI_MAX_CUM_ACK, val)

    def getLocMaxCumAck(self) -> int:
        """What `setLocMaxCumAck` has set."""
        return self._rg_value(lib.rogue_mem_rssi_local, lib.ROGUE_MEM_RSSI_MAX_CUM_ACK)

    def curMaxCumAck(self) -> int:
        """The same, as both ends have agreed."""
        return self._rg_value(lib.rogue_mem_rssi_current, lib.ROGUE_MEM_RSSI_MAX_CUM_ACK)

    @described
    def __repr__(self) -> str:
        state = "open" if self.getOpen() else "not open"
        return "<%s.%s, %s>" % (type(self).__module__, type(self).__name__, state)


class Client(Endpoint):
    """Opens a reliable stream, and opens it again whenever it was lost:
    ``client.transport() == udp``, ``client.application() == srp``, then ``client._start()``.

    :param segSize: the largest segment in bytes, its header of 8 included; that of UDP's largest
        payload less 8.
    :param more: options of the C interface, by the member names of ``rogue_mem_rssi_options_t``:
        ``stack_bytes``, ``event_loop`` (a ``rogue.protocols.EventLoop``).
    """

    __module__ = "rogue.protocols.rssi"

    def __init__(self, segSize: int, **more: Any) -> None:
        self._rg_init_rssi(lib.rogue_mem_rssi_new_client, segSize, more)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()


class Server(Endpoint):
    """Waits for the client of a reliable stream, whose timeouts it takes over.

    :param segSize: as of a Client.
    :param more: as of a Client.
    """

    __module__ = "rogue.protocols.rssi"

    def __init__(self, segSize: int, **more: Any) -> None:
        self._rg_init_rssi(lib.rogue_mem_rssi_new_server, segSize, more)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()
