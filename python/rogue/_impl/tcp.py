"""The memory TCP bridge."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any, Callable, Optional

from .lifecycle import NativeHandle, described, escaped, filled, gate, register, report, targets
from .master import Master
from .native import (
    NULL,
    SLICE_US,
    callback,
    check,
    counters,
    encode,
    ffi,
    general_error,
    last_error,
    lib,
    options,
    slice_us,
    spin,
    text_of,
)
from .slave import Slave
from .table import CHOICES

_LEGACY = CHOICES["legacy"]
_STATES = {
    lib.ROGUE_MEM_CLIENT_CONNECTING: "connecting",
    lib.ROGUE_MEM_CLIENT_HANDSHAKE: "handshake",
    lib.ROGUE_MEM_CLIENT_CONNECTED: "connected",
    lib.ROGUE_MEM_CLIENT_STOPPED: "stopped",
}
#: How long `_start` of a client waits for its server, and how often it probes.
_START_TIMEOUT_S = 10.0
_START_PERIOD_S = 1.0


def port_number(port: int) -> int:
    if not isinstance(port, int):
        raise TypeError("a port is an int, not %s" % type(port).__name__)
    if not 0 <= port <= 0xFFFF:
        raise OverflowError("a port lies between 0 and 65535, %d does not" % port)
    return port


def is_address(addr: bytes) -> bool:
    """Whether `addr` needs no resolver."""
    if addr == b"*":
        return True
    try:
        ipaddress.ip_address(addr.decode("ascii").strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def in_a_thread(make: "Callable[[], Any]") -> Any:
    """Calls `make` and returns its result, or raises its exception. In the main thread Ctrl-C ends
    the wait; a later result is dropped, which closes it."""
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
    """Serves the connected slave over TCP: ``server >> slave``.

    :param addr: the address to listen at: ``"*"`` for all interfaces, an IPv4 or IPv6 address, the
        name of an interface or a host; or a path of this host, ``"unix:/run/board.sock"``, with
        port 0.
    :param port: the request port; the response port is the next one. 0 = a free pair, see
        `getPort`.
    :param window: requests of one client that may be outstanding at the slave; 1 = one at a time.
    :param legacy: how clients without a session (Rogue's, libzmq programs) are distinguished:
        ``"auto"``, ``"one_per_address"``, ``"local_pid"`` or ``"refuse"``.
    :param spin_us: how long the server polls for the next request before it sleeps, in
        microseconds; 0 = not at all, None = adaptive.
    :param options: further options of the C interface, by the member names of
        ``rogue_mem_tcp_server_options_t``: ``settle_ms``, ``clients_max``,
        ``clients_per_address_max``, ``malformed_per_second_max``, ``transaction_bytes_max``,
        ``stack_bytes``, ``descriptors_reserved``, ``legacy_shared_process``, ``unix_mode``,
        ``addresses`` and others; a list is one of texts. None leaves an option at its default.

    It serves from its creation until `_stop`, the end of a ``with``, or its destruction: keep a
    reference. Raises GeneralError if a port cannot be bound or the address cannot be resolved.
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
        chosen = self._rg_options(more, window, legacy, spin_us)
        place = encode(addr)
        # The system's resolver may block for any time.
        is_at_once = is_address(place) and not more.get("addresses")
        self._rg_make(is_at_once, lib.rogue_mem_tcp_server_new, place, port_number(port), chosen)
        self._rg_addr = place.decode("utf-8", "replace")

    @classmethod
    def adopt(
        cls,
        sockets: "Iterable[int | socket.socket]",
        *,
        window: Optional[int] = None,
        legacy: "Optional[str | int]" = None,
        spin_us: Optional[int] = None,
        **more: Any,
    ) -> "TcpServer":
        """A server at sockets that listen already, as objects or descriptors: those that a service
        manager has opened for the program (socket activation), in its order.

        At TCP ports each socket for requests is followed by that for responses, at the next port;
        one at a path may be followed by that at the path with ``.1`` appended. The server uses
        duplicates: the sockets stay the caller's, and `_stop` does not close them. They become
        non-blocking. The options are those of the constructor. Raises GeneralError for sockets that
        do not listen or do not belong together."""
        server = cls.__new__(cls)
        chosen = server._rg_options(more, window, legacy, spin_us)
        numbers = [one if isinstance(one, int) else one.fileno() for one in sockets]
        given = (ffi.new("int32_t[]", numbers), len(numbers))
        is_at_once = not more.get("addresses")
        server._rg_make(is_at_once, lib.rogue_mem_tcp_server_adopt, *given, chosen)
        server._rg_addr = server.getAddresses()[0].rsplit(":", 1)[0]
        return server

    def _rg_options(
        self,
        more: "dict[str, Any]",
        window: Optional[int],
        legacy: "Optional[str | int]",
        spin_us: Optional[int],
    ) -> Any:
        """The structure of the options."""
        if isinstance(legacy, str):
            if legacy not in _LEGACY:
                raise ValueError("legacy is one of %s" % ", ".join(sorted(_LEGACY)))
            legacy = _LEGACY[legacy]
        # The functions of an audit are called as long as the server has it.
        self._rg_audit = more.get("audit")
        return options(
            "rogue_mem_tcp_server_options_t",
            dict(more, window=window, legacy=legacy, spin_us=spin(spin_us)),
        )

    def _rg_make(self, is_at_once: bool, *arguments: Any) -> None:
        """Makes the server by a function of the library and its first arguments."""
        owned = NativeHandle(NULL, lib.rogue_mem_tcp_server_release, lib.rogue_mem_tcp_server_stop)

        def make() -> Any:
            return filled(owned, "rogue_mem_tcp_server_t", *arguments)

        self._rg_server: NativeHandle = make() if is_at_once else in_a_thread(make)
        self._rg_stopped = False
        self._rg_init_master(lib.rogue_mem_tcp_server_master(self._rg_server.handle))

    def getPort(self) -> int:
        """The request port, also the one chosen for 0."""
        return lib.rogue_mem_tcp_server_port(self._rg_server.handle)

    def getAddresses(self) -> "list[str]":
        """The addresses at which it listens, each with its port, or a path: first its own, then
        those of the option ``addresses``."""
        return text_of(lib.rogue_mem_tcp_server_addresses, self._rg_server.handle).split("\n")

    def getStats(self) -> "dict[str, int]":
        """The server's counters: ``clients``, ``requests``, ``bytes_in`` and more, named as in
        ``rogue_mem_tcp_server_stats_t``."""
        return counters(
            "rogue_mem_tcp_server_stats_t", lib.rogue_mem_tcp_server_stats, self._rg_server.handle
        )

    def _start(self) -> None:
        """Does nothing: a server serves from its creation."""

    def drain(self, timeout: float) -> int:
        """Takes no request any more, and waits, at most `timeout` seconds, until those that the
        slave has are answered and the answers have arrived at the hosts of the clients; then
        `_stop` loses no answer. Requests that come meanwhile are answered with an error that says
        so. Returns what is left, 0 for nothing: requests that the slave keeps, and clients that
        have not got all answers. Once begun it goes on until `_stop`, also after the return or
        Ctrl-C. Raises GeneralError if the server is stopped, before or meanwhile, and in a callback
        of the server."""
        end = time.monotonic() + timeout
        remaining = ffi.new("uint64_t *")
        while True:
            limit_us = slice_us(end)
            check(lib.rogue_mem_tcp_server_drain(self._rg_server.handle, limit_us, remaining))
            if remaining[0] == 0 or time.monotonic() >= end:
                return int(remaining[0])

    def _stop(self) -> None:
        """Closes both ports and all connections, within 100 ms; if the slave blocks for longer, the
        ports close when it returns. Further calls do nothing."""
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


_CALLBACK = "the connection callback of a TcpClient"


@callback("void(void *, rogue_mem_connection_t const *)", escaped(_CALLBACK))
def _changed(ctx: Any, connection: Any) -> None:
    reference = targets.get(ctx)
    told = None if reference is None else reference()
    if told is None:
        return
    try:
        reason = ffi.string(connection.reason).decode("utf-8", "replace")
        server = ffi.string(connection.server).decode("utf-8", "replace")
        told.function(bool(connection.connected), reason or "connected to %s" % server)
    except BaseException as error:
        report(_CALLBACK, error)


class _ConnectionCallback:
    """The connection callback of a client, which keeps it."""

    __slots__ = ("__weakref__", "function")

    def __init__(self, function: "Callable[[bool, str], Any]") -> None:
        self.function = function


class TcpClient(Slave):
    """The register bus of a `TcpServer`, Rogue's or this package's: ``master >> client``.

    :param addr: the server's IPv4 or IPv6 address or name; or its path on this host,
        ``"unix:/run/board.sock"``, with port 0.
    :param port: the server's request port; the response port is the next one.
    :param waitReady: whether `_start` waits for the server.
    :param window: requests that may be in flight at once; further ones wait.
    :param spin_us: how long a waiting thread polls for its answer before it sleeps, in
        microseconds; 0 = not at all, None = adaptive.
    :param options: further options of the C interface, by the member names of
        ``rogue_mem_tcp_client_options_t``: ``probe_legacy``, ``transaction_bytes_max``,
        ``no_direct``, ``shared_loop`` and others. None leaves an option at its default.

    It connects by itself, and reconnects until it is stopped. A request waits for a connection up
    to its own timeout. A request in flight fails at once when the connection breaks; none is sent
    twice.
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
        chosen = options(
            "rogue_mem_tcp_client_options_t",
            dict(more, wait_ready=bool(waitReady), window=window, spin_us=spin(spin_us)),
        )
        place = encode(addr)
        self._rg_where = "tcp://%s:%d" % (place.decode("utf-8", "replace"), port_number(port))
        self._rg_waits = bool(waitReady)
        owned = NativeHandle(NULL, lib.rogue_mem_tcp_client_release, lib.rogue_mem_tcp_client_stop)
        arguments = (lib.rogue_mem_tcp_client_new, place, port, chosen)
        self._rg_client: NativeHandle = filled(owned, "rogue_mem_tcp_client_t", *arguments)
        handle = owned.handle
        native = NativeHandle(lib.rogue_mem_tcp_client_slave(handle), lib.rogue_mem_slave_release)
        limits = lib.rogue_mem_slave_min(native.handle), lib.rogue_mem_slave_max(native.handle)
        self._rg_init_slave(native, *limits)

    def waitReady(self, timeout: float, period: float) -> bool:
        """Waits until the server answers, at most `timeout` seconds; True if it does. Probes it at
        least every `period` seconds. Ctrl-C ends the wait."""
        return self._rg_wait_ready(timeout, period) == lib.ROGUE_MEM_OK

    def _rg_wait_ready(self, timeout: float, period: float) -> int:
        end = time.monotonic() + timeout
        period_us = max(int(period * 1e6), 0)
        while True:
            status: int = lib.rogue_mem_tcp_client_wait_ready(
                self._rg_client.handle, slice_us(end), period_us
            )
            if status not in (lib.ROGUE_MEM_OK, lib.ROGUE_MEM_ERROR_TIMEOUT):
                if status != lib.ROGUE_MEM_ERROR_STOPPED:
                    check(status)
                return status
            if status == lib.ROGUE_MEM_OK or time.monotonic() >= end:
                return status

    def getState(self) -> int:
        """The state of the connection: ``CLIENT_CONNECTING``, ``CLIENT_HANDSHAKE``,
        ``CLIENT_CONNECTED`` or ``CLIENT_STOPPED``."""
        return lib.rogue_mem_tcp_client_state(self._rg_client.handle)

    def getStateText(self) -> str:
        """A description of the state, with the reason if there is no connection."""
        return text_of(lib.rogue_mem_tcp_client_state_text, self._rg_client.handle)

    def setConnectionCallback(self, function: "Optional[Callable[[bool, str], Any]]") -> None:
        """Calls ``function(connected, text)`` at every connect and disconnect. Replaces an earlier
        function; None removes it. `text` names the peer, or the reason of the disconnect. If there
        is a connection, the first call reports it.

        The function runs on a thread of the library, one call at a time and in order. It may do
        anything, also block: only further calls for this client wait for it, of which the latest 64
        are kept. Its exceptions are printed. No call begins after the return of `_stop`."""
        told = None if function is None else _ConnectionCallback(function)
        observer = NULL
        if told is not None:
            observer = ffi.new("rogue_mem_connection_observer_t *")
            observer.size = ffi.sizeof("rogue_mem_connection_observer_t")
            observer.ctx = register(told)
            observer.changed = _changed
            observer.gate = gate()
        former, self._rg_told = getattr(self, "_rg_told", None), told
        check(lib.rogue_mem_tcp_client_observe(self._rg_client.handle, observer))
        del former

    def getStats(self) -> "dict[str, int]":
        """The client's counters: ``outstanding``, ``requests``, ``bytes_in`` and more, named as in
        ``rogue_mem_tcp_client_stats_t``."""
        return counters(
            "rogue_mem_tcp_client_stats_t", lib.rogue_mem_tcp_client_stats, self._rg_client.handle
        )

    def _start(self) -> None:
        """With `waitReady`: waits up to 10 seconds for the server, and raises GeneralError if it
        does not answer. Otherwise does nothing."""
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
        """Closes the connections and fails all outstanding transactions, within 100 ms. Further
        calls do nothing."""
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
