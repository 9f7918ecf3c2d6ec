"""The stream TCP bridge."""

from __future__ import annotations

from typing import Any, Optional

from . import stream
from .lifecycle import NativeHandle, described, filled
from .native import NULL, counters, encode, lib, options, spin, text_of
from .table import CHOICES
from .tcp import _STATES, in_a_thread, is_address, port_number

_LEGACY = CHOICES["legacy"]


class TcpCore(stream.Master, stream.Slave):
    """One end of a stream over TCP: sends its frames to the other end, and frames from there to its
    slaves. `TcpServer` and `TcpClient` are the two.

    A sender waits while the other end is slow, and while there is none. Frames from there are
    passed on in a thread of this object, in their order, until `_stop`, or the end of a ``with``.
    """

    __module__ = "rogue.interfaces.stream"

    _rg_end: NativeHandle

    def __init__(self) -> None:
        raise RuntimeError("A TcpCore is a TcpServer or a TcpClient")

    def _stop(self) -> None:
        """Closes all connections and ports, and disconnects all slaves, within 100 ms. Senders that
        wait return; frames that the other end does not take at once are dropped and counted."""
        self._rg_stream_slaves.clear()
        self._rg_end.stop()

    def close(self) -> None:
        """The former name of `_stop`."""
        self._stop()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()


class TcpServer(TcpCore):
    """The listening end of a stream over TCP: ``server == node``, or ``server >> sink``.

    :param addr: the address to listen at: ``"*"`` for all interfaces, an IPv4 or IPv6 address, the
        name of an interface or a host; or a path of this host, ``"unix:/run/board.sock"``, with
        port 0.
    :param port: the port for frames from clients; that for frames to clients is the next one. 0 = a
        free pair, see `getPort`.
    :param legacy: how clients without a session (Rogue's, libzmq programs) are distinguished:
        ``"auto"``, ``"one_per_address"``, ``"local_pid"`` or ``"refuse"``.
    :param spin_us: how long its thread polls before it sleeps, in microseconds; 0 = not at all,
        None = adaptive.
    :param options: further options of the C interface, by the member names of
        ``rogue_mem_stream_server_options_t``: ``queue_bytes_max``, ``send_wait_ms_max``,
        ``frame_bytes_max``, ``clients_max``, ``unix_mode``,
        ``addresses`` and others; a list is one of texts. None leaves an option at
        its default.

    Each frame for clients goes to one of them, in turn; a client that does not read is passed over.
    Raises GeneralError if a port cannot be bound or the address cannot be resolved.
    """

    __module__ = "rogue.interfaces.stream"

    def __init__(
        self,
        addr: str,
        port: int,
        *,
        legacy: "Optional[str | int]" = None,
        spin_us: Optional[int] = None,
        **more: Any,
    ) -> None:
        if isinstance(legacy, str):
            if legacy not in _LEGACY:
                raise ValueError("legacy is one of %s" % ", ".join(sorted(_LEGACY)))
            legacy = _LEGACY[legacy]
        chosen = options(
            "rogue_mem_stream_server_options_t",
            dict(more, legacy=legacy, spin_us=spin(spin_us)),
        )
        place = encode(addr)
        self._rg_addr = place.decode("utf-8", "replace")
        owned = NativeHandle(
            NULL, lib.rogue_mem_stream_server_release, lib.rogue_mem_stream_server_stop
        )
        arguments = (lib.rogue_mem_stream_server_new, place, port_number(port), chosen)

        def make() -> Any:
            return filled(owned, "rogue_mem_stream_server_t", *arguments)

        # The system's resolver may block for any time.
        is_at_once = is_address(place) and not more.get("addresses")
        self._rg_end = make() if is_at_once else in_a_thread(make)
        stream.init_ends(self, lib.rogue_mem_stream_server_stream_port(owned.handle))

    def getPort(self) -> int:
        """The port for frames from clients, also the one chosen for 0."""
        return lib.rogue_mem_stream_server_port(self._rg_end.handle)

    def getAddresses(self) -> "list[str]":
        """The addresses at which it listens, each with its port, or a path: first its own, then
        those of the option ``addresses``."""
        return text_of(lib.rogue_mem_stream_server_addresses, self._rg_end.handle).split("\n")

    def getStats(self) -> "dict[str, int]":
        """The server's counters: ``peers``, ``frames_in``, ``dropped_out`` and more, named as in
        ``rogue_mem_stream_server_stats_t``."""
        return counters(
            "rogue_mem_stream_server_stats_t",
            lib.rogue_mem_stream_server_stats,
            self._rg_end.handle,
        )

    @described
    def __repr__(self) -> str:
        return "<%s.%s at tcp://%s:%d, %d clients>" % (
            type(self).__module__,
            type(self).__name__,
            self._rg_addr,
            self.getPort(),
            self.getStats()["peers"],
        )


class TcpClient(TcpCore):
    """The connecting end of a stream over TCP: ``client == node``, or ``source >> client``.

    :param addr: the server's IPv4 or IPv6 address or name; or its path on this host,
        ``"unix:/run/board.sock"``, with port 0.
    :param port: the server's port for frames from clients; that for frames to clients is the next
        one.
    :param spin_us: how long its thread polls before it sleeps, in microseconds; 0 = not at all,
        None = adaptive.
    :param options: further options of the C interface, by the member names of
        ``rogue_mem_stream_client_options_t``: ``queue_bytes_max``, ``send_wait_ms_max``,
        ``frame_bytes_max``, ``stack_bytes``. None leaves an option at its default.

    It connects by itself, and reconnects until it is stopped.
    """

    __module__ = "rogue.interfaces.stream"

    def __init__(self, addr: str, port: int, *, spin_us: Optional[int] = None, **more: Any) -> None:
        chosen = options("rogue_mem_stream_client_options_t", dict(more, spin_us=spin(spin_us)))
        place = encode(addr)
        self._rg_where = "tcp://%s:%d" % (place.decode("utf-8", "replace"), port_number(port))
        owned = NativeHandle(
            NULL, lib.rogue_mem_stream_client_release, lib.rogue_mem_stream_client_stop
        )
        arguments = (lib.rogue_mem_stream_client_new, place, port, chosen)
        self._rg_end = filled(owned, "rogue_mem_stream_client_t", *arguments)
        stream.init_ends(self, lib.rogue_mem_stream_client_stream_port(owned.handle))

    def getState(self) -> int:
        """The state of the connection: ``CLIENT_CONNECTING``, ``CLIENT_HANDSHAKE``,
        ``CLIENT_CONNECTED`` or ``CLIENT_STOPPED`` of `rogue.interfaces.memory`."""
        return lib.rogue_mem_stream_client_state(self._rg_end.handle)

    def getStateText(self) -> str:
        """A description of the state, with the reason if there is no connection."""
        return text_of(lib.rogue_mem_stream_client_state_text, self._rg_end.handle)

    def getStats(self) -> "dict[str, int]":
        """The client's counters: ``peers``, ``frames_in``, ``dropped_out`` and more, named as in
        ``rogue_mem_stream_client_stats_t``."""
        return counters(
            "rogue_mem_stream_client_stats_t",
            lib.rogue_mem_stream_client_stats,
            self._rg_end.handle,
        )

    @described
    def __repr__(self) -> str:
        return "<%s.%s of %s, %s>" % (
            type(self).__module__,
            type(self).__name__,
            self._rg_where,
            _STATES.get(self.getState(), "?"),
        )
