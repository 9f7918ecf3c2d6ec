"""The usual road to a board: UDP, RSSI and a packetizer in one object."""

from __future__ import annotations

from typing import Any, Callable, Optional

from .lifecycle import NativeHandle, described, filled
from .link import observe, wait_open
from .native import NULL, counters, encode, lib, options, spin
from .packetizer import Application, application_at
from .tcp import in_a_thread, is_address, port_number


class UdpRssiPack:
    """The frames of up to 256 destinations over a packetizer, RSSI and UDP, as firmware has it by
    convention: ``srp == UdpRssiPack(host="10.0.0.2", port=8192).application(0)``.

    :param port: the board's UDP port; of a server the local one, 0 = the system's choice.
    :param host: the board: an address, or a name, which is resolved once; of a server the local
        address, ``"*"`` for all of IPv4.
    :param jumbo: whether a datagram carries up to 8972 bytes instead of 1472.
    :param packVer: the packetizer's version, 1 or 2, which both ends must have.
    :param enSsi: as of ``rogue.protocols.packetizer.Core``.
    :param server: waits for a client, in the place of a board.
    :param more: further options of the C interface, by the member names of
        ``rogue_mem_board_options_t``: ``max_buffers``, ``null_timeout_ms``, ``no_crc_check``,
        ``spin_us`` (0 = none, None = adaptive), ``stack_bytes``, ``event_loop`` (an `EventLoop`)
        and others.

    A client opens the link, and opens it again whenever it was lost; transactions under way then
    fail at once, with a text that names the layer. It works until `_stop`, the end of a ``with``,
    or the end of all that is connected to it.
    """

    __module__ = "rogue.protocols"

    def __init__(
        self,
        *,
        port: int,
        host: str = "127.0.0.1",
        jumbo: bool = False,
        packVer: int = 1,
        enSsi: bool = True,
        server: bool = False,
        **more: Any,
    ) -> None:
        chosen = dict(more, jumbo=bool(jumbo), pack_version=packVer, no_ssi=not enSsi)
        chosen["spin_us"] = spin(chosen.get("spin_us"))
        given = options("rogue_mem_board_options_t", chosen)
        place, number = encode(host), port_number(port)
        owned = NativeHandle(NULL, lib.rogue_mem_board_release, lib.rogue_mem_board_stop)
        new = lib.rogue_mem_board_new_server if server else lib.rogue_mem_board_new_client

        def make() -> Any:
            return filled(owned, "rogue_mem_board_t", new, place, number, given)

        # The system's resolver may block for any time.
        self._rg_board: NativeHandle = make() if is_address(place) else in_a_thread(make)
        self._rg_applications: "dict[int, Application]" = {}

    def application(self, dest: int) -> Application:
        """The end where the frames of destination `dest`, 0 to 255, go in and out; 0 is that of
        registers by convention. Frames for a destination whose end was never asked for are
        discarded."""
        port_of = lib.rogue_mem_board_application_port
        return application_at(self._rg_applications, dest, port_of, self._rg_board.handle)

    def waitOpen(self, timeout: float = 10.0) -> None:
        """Waits until the link is open, at most `timeout` seconds. Raises GeneralError with a text
        that names the layer that fails. Ctrl-C ends the wait."""
        wait_open(lib.rogue_mem_board_wait_open, self._rg_board.handle, timeout)

    def setLinkCallback(self, function: "Optional[Callable[[bool, str], Any]]") -> None:
        """Calls ``function(open, text)`` at every opening and closing of the link. Replaces an
        earlier function; None removes it. `text` names the layer, and the reason of a closing. If
        the link is open, the first call reports it.

        The function runs on a thread of the library, one call at a time and in order. It may do
        anything, also stop this object and block: only further calls for this link wait for it, of
        which the latest 64 are kept. Its exceptions are printed. The closing by `_stop` is the
        last that is told."""
        former = getattr(self, "_rg_told", None)
        self._rg_told = observe(lib.rogue_mem_board_observe, self._rg_board.handle, function)
        del former

    def getOpen(self) -> bool:
        """Whether the link is open."""
        return bool(lib.rogue_mem_board_is_open(self._rg_board.handle))

    def getPort(self) -> int:
        """The local UDP port."""
        return lib.rogue_mem_board_port(self._rg_board.handle)

    def getStats(self) -> "dict[str, int]":
        """State and counters at a glance: ``open``, ``round_trip_p50_ns``, ``retransmits``, drops
        by cause and more, named as in ``rogue_mem_board_stats_t``."""
        return counters("rogue_mem_board_stats_t", lib.rogue_mem_board_stats, self._rg_board.handle)

    def _stop(self) -> None:
        """Closes the link and the port, and disconnects all destinations."""
        self._rg_board.stop()
        for end in self._rg_applications.values():
            end._rg_stream_slaves.clear()

    def __enter__(self) -> "UdpRssiPack":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()

    @described
    def __repr__(self) -> str:
        state = "open" if self.getOpen() else "closed"
        return "<rogue.protocols.UdpRssiPack, %s, local port %d>" % (state, self.getPort())
