"""The memory TCP bridge."""

from __future__ import annotations

import ipaddress
import threading
import time
from typing import Any, Callable, Optional

from .lifecycle import Core, described, filled
from .master import Master
from .native import (
    NULL,
    SLICE_US,
    check,
    counters,
    encode,
    general_error,
    last_error,
    lib,
    options,
    spin,
    text_of,
)
from .slave import Slave

_LEGACY = {
    "auto": lib.ROGUE_MEM_LEGACY_AUTO,
    "one_per_address": lib.ROGUE_MEM_LEGACY_ONE_PER_ADDRESS,
    "local_pid": lib.ROGUE_MEM_LEGACY_LOCAL_PID,
    "refuse": lib.ROGUE_MEM_LEGACY_REFUSE,
}
_STATES = {
    lib.ROGUE_MEM_CLIENT_CONNECTING: "connecting",
    lib.ROGUE_MEM_CLIENT_HANDSHAKE: "handshake",
    lib.ROGUE_MEM_CLIENT_CONNECTED: "connected",
    lib.ROGUE_MEM_CLIENT_STOPPED: "stopped",
}
#: How long `_start` of a client waits for its server, and how often it asks.
_START_TIMEOUT_S = 10.0
_START_PERIOD_S = 1.0


def _port(port: int) -> int:
    if not isinstance(port, int):
        raise TypeError("a port is an int, not %s" % type(port).__name__)
    if not 0 <= port <= 0xFFFF:
        raise OverflowError("a port lies between 0 and 65535, %d does not" % port)
    return port


def _is_address(addr: bytes) -> bool:
    """Whether nobody need be asked what `addr` stands for."""
    if addr == b"*":
        return True
    try:
        ipaddress.ip_address(addr.decode("ascii").strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def _in_a_thread(make: "Callable[[], Any]") -> Any:
    """What `make` returns or raises. In the main thread Ctrl-C ends the wait for it; what it
    returns later is dropped, which ends it."""
    if threading.current_thread() is not threading.main_thread():
        return make()
    results: "list[Any]" = []
    errors: "list[BaseException]" = []

    def run() -> None:
        try:
            results.append(make())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(SLICE_US / 1e6)
    if errors:
        raise errors[0]
    return results[0]


class TcpServer(Master):
    """Offers what it is connected to over TCP: ``server >> slave``.

    :param addr: where to listen: ``"*"`` for everywhere, an IPv4 or IPv6 address, the name of an
        interface or of a host.
    :param port: the port of requests; that of responses is the next one. 0 = a free pair, see
        `getPort`.
    :param window: requests of one client that may be outstanding at the slave; 1 = one at a time.
    :param legacy: how clients that announce no session (Rogue's, libzmq programs) are told apart:
        ``"auto"``, ``"one_per_address"``, ``"local_pid"`` or ``"refuse"``.
    :param spin_us: microseconds for which the server looks for the next request before it sleeps;
        0 = none, None = adaptive.
    :param options: further options of the C interface, by the names of the members of
        ``rogue_mem_tcp_server_options_t``: ``settle_ms``, ``clients_max``,
        ``transaction_bytes_max`` and what the library has beside. None leaves one at its default.

    It serves from its creation until `_stop`, the end of a ``with``, or its own end: it must be
    kept. Raises GeneralError if a port cannot be bound or the address cannot be resolved.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(
        self,
        addr: str,
        port: int,
        *,
        window: Optional[int] = None,
        legacy: "Optional[str | int]" = None,
        spin_us: Optional[int] = None,
        **more: Any,
    ) -> None:
        if isinstance(legacy, str):
            if legacy not in _LEGACY:
                raise ValueError("legacy is one of %s" % ", ".join(sorted(_LEGACY)))
            legacy = _LEGACY[legacy]
        chosen, kept = options(
            "rogue_mem_tcp_server_options_t",
            dict(more, window=window, legacy=legacy, spin_us=spin(spin_us)),
        )
        place = encode(addr)
        self._rg_addr = place.decode("utf-8", "replace")
        core = Core(NULL, lib.rogue_mem_tcp_server_release, lib.rogue_mem_tcp_server_stop)
        arguments = (lib.rogue_mem_tcp_server_new, place, _port(port), chosen)

        def make() -> Any:
            return filled(core, "rogue_mem_tcp_server_t", *arguments)

        # The system looks a name up for as long as it likes.
        self._rg_server: Core = make() if _is_address(place) else _in_a_thread(make)
        del kept
        self._rg_stopped = False
        self._rg_init_master(lib.rogue_mem_tcp_server_master(self._rg_server.handle))

    def getPort(self) -> int:
        """The port of requests, also where 0 asked for a free pair."""
        return lib.rogue_mem_tcp_server_port(self._rg_server.handle)

    def getStats(self) -> "dict[str, int]":
        """What the server has done so far: ``clients``, ``requests``, ``bytes_in`` and more, named
        as in ``rogue_mem_tcp_server_stats_t``."""
        return counters(
            "rogue_mem_tcp_server_stats_t", lib.rogue_mem_tcp_server_stats, self._rg_server.handle
        )

    def _start(self) -> None:
        """Does nothing: a server serves from its creation."""

    def _stop(self) -> None:
        """Closes both ports and all connections, within 100 ms; where the slave blocks for longer,
        the ports close when it returns. Further calls do nothing."""
        self._rg_stopped = True
        self._rg_server.stop()

    def close(self) -> None:
        """The former name of `_stop`."""
        self._stop()

    def __enter__(self) -> "TcpServer":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()

    @described
    def __repr__(self) -> str:
        state = "stopped" if self._rg_stopped else "%d clients" % self.getStats()["clients"]
        return "<%s.%s at tcp://%s:%d, %s>" % (
            type(self).__module__,
            type(self).__name__,
            self._rg_addr,
            self.getPort(),
            state,
        )


class TcpClient(Slave):
    """A register bus that a `TcpServer`, Rogue's or this package's, offers: ``master >> client``.

    :param addr: the server's IPv4 or IPv6 address or name.
    :param port: the server's port of requests; that of responses is the next one.
    :param waitReady: whether `_start` waits for the server.
    :param window: requests that may be on their way at once; further ones wait.
    :param spin_us: microseconds for which a waiting thread looks for its answer before it sleeps;
        0 = none, None = adaptive.
    :param options: further options of the C interface, by the names of the members of
        ``rogue_mem_tcp_client_options_t``: ``probe_legacy``, ``transaction_bytes_max``,
        ``no_direct`` and what the library has beside. None leaves one at its default.

    It connects by itself, and again until it is stopped. A request waits for a connection for as
    long as its own timeout allows; one that is on its way when the connection breaks fails at
    once; none is sent twice.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(
        self,
        addr: str,
        port: int,
        waitReady: bool = False,
        *,
        window: Optional[int] = None,
        spin_us: Optional[int] = None,
        **more: Any,
    ) -> None:
        chosen, kept = options(
            "rogue_mem_tcp_client_options_t",
            dict(more, wait_ready=bool(waitReady), window=window, spin_us=spin(spin_us)),
        )
        place = encode(addr)
        self._rg_where = "tcp://%s:%d" % (place.decode("utf-8", "replace"), _port(port))
        self._rg_waits = bool(waitReady)
        core = Core(NULL, lib.rogue_mem_tcp_client_release, lib.rogue_mem_tcp_client_stop)
        arguments = (lib.rogue_mem_tcp_client_new, place, port, chosen)
        self._rg_client: Core = filled(core, "rogue_mem_tcp_client_t", *arguments)
        del kept
        handle = core.handle
        native = Core(lib.rogue_mem_tcp_client_slave(handle), lib.rogue_mem_slave_release)
        limits = lib.rogue_mem_slave_min(native.handle), lib.rogue_mem_slave_max(native.handle)
        self._rg_init_slave(native, *limits)

    def waitReady(self, timeout: float, period: float) -> bool:
        """Waits until the server answers, at most `timeout` seconds; True if it does. It is asked
        at least every `period` seconds. Ctrl-C ends the wait."""
        return self._rg_wait_ready(timeout, period) == lib.ROGUE_MEM_OK

    def _rg_wait_ready(self, timeout: float, period: float) -> int:
        end = time.monotonic() + timeout
        while True:
            slice_s = min(max(end - time.monotonic(), 0.0), SLICE_US / 1e6)
            status: int = lib.rogue_mem_tcp_client_wait_ready(
                self._rg_client.handle, slice_s, period
            )
            if status not in (lib.ROGUE_MEM_OK, lib.ROGUE_MEM_ERROR_TIMEOUT):
                if status != lib.ROGUE_MEM_ERROR_STOPPED:
                    check(status)
                return status
            if status == lib.ROGUE_MEM_OK or time.monotonic() >= end:
                return status

    def getState(self) -> int:
        """How far it has come: ``CLIENT_CONNECTING``, ``CLIENT_HANDSHAKE``, ``CLIENT_CONNECTED`` or
        ``CLIENT_STOPPED``."""
        return lib.rogue_mem_tcp_client_state(self._rg_client.handle)

    def getStateText(self) -> str:
        """The state in words, with the reason where there is no connection."""
        return text_of(lib.rogue_mem_tcp_client_state_text, self._rg_client.handle)

    def getStats(self) -> "dict[str, int]":
        """What the client has done so far: ``outstanding``, ``requests``, ``bytes_in`` and more,
        named as in ``rogue_mem_tcp_client_stats_t``."""
        return counters(
            "rogue_mem_tcp_client_stats_t", lib.rogue_mem_tcp_client_stats, self._rg_client.handle
        )

    def _start(self) -> None:
        """Waits 10 seconds for the server if it was made with `waitReady`, and raises GeneralError
        if there is none by then; does nothing otherwise."""
        if not self._rg_waits:
            return
        status = self._rg_wait_ready(_START_TIMEOUT_S, _START_PERIOD_S)
        if status:
            cause = last_error()
            raise general_error(
                "memory::TcpClient::start",
                "Timed out waiting for remote TcpServer readiness on %s: %s"
                % (self._rg_where, cause),
            )

    def _stop(self) -> None:
        """Closes the connections and fails what is outstanding, within 100 ms. Further calls do
        nothing."""
        self._rg_client.stop()

    def close(self) -> None:
        """The former name of `_stop`."""
        self._stop()

    def __enter__(self) -> "TcpClient":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()

    @described
    def __repr__(self) -> str:
        return "<%s.%s of %s, %s>" % (
            type(self).__module__,
            type(self).__name__,
            self._rg_where,
            _STATES.get(self.getState(), "?"),
        )
