"""The packetizer: frames of many destinations over one packet transport."""

from __future__ import annotations

from typing import Any, Callable

from . import stream
from .lifecycle import NativeHandle, described, filled
from .native import NULL, counters, lib, options


class Transport(stream.Master, stream.Slave):
    """The end of a packetizer where packets go in and out. ``Core.transport`` makes it."""

    __module__ = "rogue.protocols.packetizer"

    def __init__(self) -> None:
        raise RuntimeError("Transports are made by Core.transport only")


class Application(stream.Master, stream.Slave):
    """The end of a packetizer where the frames of one destination go in and out.
    ``Core.application`` makes it."""

    __module__ = "rogue.protocols.packetizer"

    def __init__(self) -> None:
        raise RuntimeError("Applications are made by Core.application only")


def application_at(
    known: "dict[int, Application]", dest: int, port_of: "Callable[..., Any]", handle: Any
) -> Application:
    """The end of destination `dest`, which is made from `port_of(handle, dest)` when it is first
    asked for."""
    end = known.get(dest)
    if end is None:
        # Another thread may have made one meanwhile.
        end = known.setdefault(dest, stream.ends_at(Application, port_of(handle, dest)))
    return end


def _init(self: Any, version: int, chosen: "dict[str, Any]") -> None:
    owned = NativeHandle(NULL, lib.rogue_mem_packetizer_release)
    kind, new = "rogue_mem_packetizer_t", lib.rogue_mem_packetizer_new
    given = options("rogue_mem_packetizer_options_t", chosen)
    self._rg_packetizer = filled(owned, kind, new, version, given)
    self._rg_transport = stream.ends_at(
        Transport, lib.rogue_mem_packetizer_transport_port(owned.handle)
    )
    self._rg_applications = {}


class Core:
    """Carries the frames of up to 256 destinations over one packet transport, version 1: one frame
    at a time, without a checksum.

    ``core.transport() == rssi.application()`` connects the transport, ``core.application(0) ==
    srp`` a destination.

    :param enSsi: marks the start of sent frames in their first user byte, and gives received ones
        that ended in an error the error 0x80.
    """

    __module__ = "rogue.protocols.packetizer"

    _rg_packetizer: NativeHandle
    _rg_transport: Transport
    _rg_applications: "dict[int, Application]"

    def __init__(self, enSsi: bool) -> None:
        _init(self, 1, {"no_ssi": not enSsi})

    def transport(self) -> Transport:
        """The end where packets go in and out."""
        return self._rg_transport

    def application(self, dest: int) -> Application:
        """The end where the frames of destination `dest`, 0 to 255, go in and out. Frames for a
        destination whose end was never asked for are discarded."""
        port_of = lib.rogue_mem_packetizer_application_port
        return application_at(self._rg_applications, dest, port_of, self._rg_packetizer.handle)

    def getDropCount(self) -> int:
        """Number of received packets that were dropped."""
        return lib.rogue_mem_packetizer_drop_count(self._rg_packetizer.handle)

    def setTimeout(self, timeout: int) -> None:
        """How often a thread that waits for another one's frame logs that, in microseconds."""
        lib.rogue_mem_packetizer_set_timeout(self._rg_packetizer.handle, timeout)

    def stats(self) -> "dict[str, int]":
        """All counters, by the member names of ``rogue_mem_packetizer_stats_t``."""
        return counters(
            "rogue_mem_packetizer_stats_t",
            lib.rogue_mem_packetizer_stats,
            self._rg_packetizer.handle,
        )

    def _stop(self) -> None:
        """Disconnects all ends from what they send to."""
        lib.rogue_mem_packetizer_stop(self._rg_packetizer.handle)
        ends: "list[stream.Master]" = [self._rg_transport, *self._rg_applications.values()]
        for end in ends:
            end._rg_stream_slaves.clear()

    @described
    def __repr__(self) -> str:
        return "<%s.%s, %d packets dropped>" % (
            type(self).__module__,
            type(self).__name__,
            self.getDropCount(),
        )


class CoreV2(Core):
    """The same, version 2: destinations interleave, and packets may have a CRC.

    :param enIbCrc: drops received packets without a right CRC.
    :param enObCrc: sends packets with a CRC.
    """

    __module__ = "rogue.protocols.packetizer"

    def __init__(self, enIbCrc: bool, enObCrc: bool, enSsi: bool) -> None:
        chosen = {"no_ssi": not enSsi, "no_crc_check": not enIbCrc, "no_crc": not enObCrc}
        _init(self, 2, chosen)
