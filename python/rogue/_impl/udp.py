"""Streams over UDP."""

from __future__ import annotations

from typing import Any

from . import stream
from .lifecycle import NativeHandle, filled
from .native import NULL, counters, encode, lib, options, spin
from .tcp import in_a_thread, is_address, port_number

_OPTIONS = "rogue_mem_udp_options_t"


class Core:
    """What clients and servers have in common; it cannot be made on its own."""

    __module__ = "rogue.protocols.udp"

    _rg_udp: NativeHandle
    #: Of the other base of a client or server.
    _rg_stream_slaves: Any

    def __init__(self, *_arguments: Any, **_keywords: Any) -> None:
        raise TypeError("make a Client or a Server, not a %s" % type(self).__name__)

    def maxPayload(self) -> int:
        """The largest payload of a datagram, in bytes: 8972 for jumbo, else 1472. Longer ones are
        dropped when they arrive."""
        return lib.rogue_mem_udp_max_payload(self._rg_udp.handle)

    def setRxBufferCount(self, count: int) -> bool:
        """Asks the system for a receive buffer for `count` datagrams of 9000 bytes (jumbo) or 1500.
        Returns whether it has granted all of it; otherwise the log says what to do."""
        return lib.rogue_mem_udp_set_receive_buffers(self._rg_udp.handle, count) == 0

    def setTimeout(self, timeout: int) -> None:
        """Sets how many microseconds a sender waits at most, if the network takes datagrams more
        slowly than they are sent, before one is dropped."""
        lib.rogue_mem_udp_set_timeout(self._rg_udp.handle, timeout)

    def getStats(self) -> "dict[str, int]":
        """The counters: ``datagrams_in``, ``unsent`` and more, named as in
        ``rogue_mem_udp_stats_t``."""
        return counters("rogue_mem_udp_stats_t", lib.rogue_mem_udp_stats, self._rg_udp.handle)

    def _stop(self) -> None:
        """Closes the port: drops waiting and later frames, and disconnects the stream slaves."""
        self._rg_stream_slaves.clear()
        self._rg_udp.stop()

    def _rg_init_udp(self, new: Any, place: str, port: int, chosen: "dict[str, Any]") -> None:
        host, number = encode(place), port_number(port)
        chosen["spin_us"] = spin(chosen.get("spin_us"))
        given = options("rogue_mem_udp_options_t", chosen)
        owned = NativeHandle(NULL, lib.rogue_mem_udp_release, lib.rogue_mem_udp_stop)

        def make() -> Any:
            return filled(owned, "rogue_mem_udp_t", new, host, number, given)

        # The system's resolver may block for any time.
        self._rg_udp = make() if is_address(host) else in_a_thread(make)
        stream.init_ends(self, lib.rogue_mem_udp_stream_port(owned.handle))


class Client(Core, stream.Master, stream.Slave):
    """Exchanges frames with one peer, each buffer of a frame as a datagram: ``srp == client``.

    :param host: the peer: an IPv4 or IPv6 address, or a name, which is resolved once.
    :param port: the peer's port.
    :param jumbo: whether a datagram carries up to 8972 bytes instead of 1472.
    :param more: further options of the C interface, by the member names of
        ``rogue_mem_udp_options_t``: ``spin_us`` (0 = none, None = adaptive), ``stack_bytes``,
        ``event_loop`` (a ``rogue.protocols.EventLoop``).

    Frames are sent in the caller's thread and received in a thread of this object, until `_stop`,
    the end of a ``with``, or the end of all that is connected to it. Datagrams from other addresses
    are dropped and counted. Raises GeneralError if the name is unknown.
    """

    __module__ = "rogue.protocols.udp"

    def __init__(self, host: str, port: int, jumbo: bool = False, **more: Any) -> None:
        self._rg_init_udp(lib.rogue_mem_udp_new_client, host, port, dict(more, jumbo=bool(jumbo)))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()


class Server(Core, stream.Master, stream.Slave):
    """Exchanges frames with the source of the latest datagram, each buffer of a frame as a
    datagram: ``server == device``. While an RSSI link over it is open, datagrams of others than its
    peer are dropped and counted.

    :param port: the local port, which must be free; 0 = the system's choice, see `getPort`.
    :param jumbo: whether a datagram carries up to 8972 bytes instead of 1472.
    :param addr: the local address: ``"*"`` for all of IPv4, ``"::"`` for all, or one of them.
    :param more: further options of the C interface, by the member names of
        ``rogue_mem_udp_options_t``: ``spin_us`` (0 = none, None = adaptive), ``stack_bytes``,
        ``event_loop`` (a ``rogue.protocols.EventLoop``).

    Frames are sent in the caller's thread and received in a thread of this object, until `_stop`,
    the end of a ``with``, or the end of all that is connected to it. Raises GeneralError if the
    port is taken.
    """

    __module__ = "rogue.protocols.udp"

    def __init__(self, port: int, jumbo: bool = False, addr: str = "*", **more: Any) -> None:
        self._rg_init_udp(lib.rogue_mem_udp_new_server, addr, port, dict(more, jumbo=bool(jumbo)))

    def getPort(self) -> int:
        """The local port, also the one chosen for 0."""
        return lib.rogue_mem_udp_port(self._rg_udp.handle)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()
