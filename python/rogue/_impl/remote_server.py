"""The server of a tree of registers."""

from __future__ import annotations

import threading
from typing import Any, Callable, Optional

from .lifecycle import report
from .logging import Logger, Logging
from .native import encode, general_error
from .remote import Endpoint, payload, zeromq
from .tcp import port_number

_SOURCE = "ZmqServer::ZmqServer"
#: How long an answer on its way to a client that does not take it holds up the end of a server.
_LINGER_MS = 100
#: Base ports that are tried for port 0.
_AUTO_PORTS = range(9099, 9199, 4)


class ZmqServer:
    """Serves requests for a tree of registers, and publishes its updates, over ZeroMQ: binary
    requests at the port after `port`, texts at the one after that, updates at `port` itself.
    Subclasses define what a request means: `_doRequest` and `_doString`.

    :param addr: the local address: an IP address, ``"*"`` for all interfaces, or the name of one.
    :param port: the first of three ports in a row; 0 = the first free ones from 9099 on, in steps
        of four.

    It serves from `_start` to `_stop`, or until nobody refers to it. Every request gets one answer.
    A request and a text are served side by side, requests one after the other, each kind on a
    thread of its own. Needs pyzmq: ``rogue-mem-py[remote]``. There is neither authentication nor
    encryption: any program that reaches the ports has what `_doRequest` offers.
    """

    __module__ = "rogue.interfaces"

    #: Of an object whose constructor has not run.
    _rg_remote: Optional[Endpoint] = None
    _rg_port = 0

    def __init__(self, addr: str, port: int) -> None:
        self._rg_addr = encode(addr).decode("utf-8", "replace")
        self._rg_port = self._rg_asked = port_number(port)
        self._rg_log = Logger("ZmqServer")
        self._rg_starts = threading.Lock()
        zeromq(_SOURCE)

    def _start(self) -> None:
        """Opens the ports and serves them; does nothing if it does already. Raises GeneralError if
        they are taken or the address is none of this machine's. A stopped server starts again."""
        with self._rg_starts:
            former = self._rg_remote
            if former is not None and not former.is_stopping:
                former.check_process()
                return
            remote = Endpoint(_SOURCE)
            try:
                port, sockets = self._rg_bind(remote)
            except BaseException:
                remote.abandon()
                raise
            self._rg_port = port
            published, requests, texts = sockets
            loops = [
                (requests, _serving(ZmqServer._rg_answer)),
                (texts, _serving(ZmqServer._rg_answer_text)),
            ]
            remote.run(self, published, loops)
            self._rg_remote = remote
        where = "%s at ports %d:%d:%d" % (self._rg_addr, port, port + 1, port + 2)
        self._rg_log.log(Logging.Info, "Started Rogue server on " + where)

    def _rg_bind(self, remote: Endpoint) -> "tuple[int, list[Any]]":
        if self._rg_asked:
            return self._rg_asked, self._rg_bind_at(remote, self._rg_asked)
        for port in _AUTO_PORTS:
            try:
                return port, self._rg_bind_at(remote, port)
            except _Taken:
                continue
        raise general_error(
            _SOURCE,
            "Failed to auto bind server on interface %s. All of the ports %d to %d that were tried "
            "are taken; name a free one" % (self._rg_addr, _AUTO_PORTS[0], _AUTO_PORTS[-1]),
        )

    def _rg_bind_at(self, remote: Endpoint, base: int) -> "list[Any]":
        """The three sockets at port `base` and the next two."""
        zmq = remote.zmq
        sockets: "list[Any]" = []
        try:
            for kind in (zmq.PUB, zmq.REP, zmq.REP):
                port = base + len(sockets)
                sockets.append(remote.new_socket(kind))
                if kind == zmq.REP:
                    sockets[-1].linger = _LINGER_MS
                sockets[-1].bind("tcp://%s:%d" % (self._rg_addr, port))
        except zmq.ZMQError as error:
            for bound in sockets:
                bound.close()
            if error.errno == zmq.EADDRINUSE and not self._rg_asked:
                raise _Taken from None
            reason = (
                "Another process may be using this port."
                if error.errno == zmq.EADDRINUSE
                else "The address must be an IP address or an interface of this machine, or *."
            )
            words = "Failed to bind server to port %d on interface %s. %s (%s)"
            told: tuple[Any, ...] = (port, self._rg_addr, reason, zmq.strerror(error.errno))
            if port != base:
                words += " Port %d was asked for, and the server also needs the next two."
                told += (base,)
            raise general_error(_SOURCE, words % told) from None
        return sockets

    def _stop(self) -> None:
        """Closes the ports. Answers that are being made are still sent. Further calls do
        nothing."""
        if self._rg_remote is not None:
            self._rg_remote.stop()

    def port(self) -> int:
        """The first of the three ports; with port 0, 0 until `_start`."""
        return self._rg_port

    def _publish(self, data: Any) -> None:
        """Sends a buffer to all subscribers; slow ones miss it. Does nothing before
        `_start` and after `_stop`. Any thread may call it."""
        remote = self._rg_remote
        if remote is None or remote.is_stopping:
            return
        remote.check_process()
        source = "ZmqServer::publish"
        message = payload(source, data)
        with remote.use(source) as published:
            if published is not None:
                published.send(message)

    def _doRequest(self, data: bytes) -> Any:
        """Returns the answer to a request: a buffer. Runs on the thread of requests. Without one,
        or if it raises, which is printed, the client gets an empty answer."""

    def _doString(self, data: str) -> Any:
        """Returns the answer to a text: a text. Runs on the thread of texts. Without one, or if it
        raises, which is printed, the client gets an empty answer."""
        return ""

    def _rg_answer(self, request: bytes) -> bytes:
        return payload("ZmqServer::runThread", self._doRequest(request))

    def _rg_answer_text(self, request: bytes) -> bytes:
        answer = self._doString(request.decode("utf-8"))
        if isinstance(answer, str):
            return answer.encode("utf-8")
        return payload("ZmqServer::strThread", answer)


class _Taken(Exception):
    """One of the three ports is taken; the next ones are tried."""


def _serving(answer: "Callable[[Any, bytes], bytes]") -> "Callable[..., None]":
    def serve(owner: Any, remote: Endpoint, served: Any) -> None:
        poller = remote.poller(served)
        while remote.wait(poller):
            # A request of several parts is none, and gets an answer all the same, as each must.
            parts = served.recv_multipart()
            reply = b""
            server = owner() if len(parts) == 1 else None
            if server is not None:
                reply = _guarded(answer, server, parts[0])
            served.send(reply)
            del server

    return serve


def _guarded(answer: "Callable[[Any, bytes], bytes]", server: Any, request: bytes) -> bytes:
    try:
        return answer(server, request)
    except BaseException as error:
        report("the answer of a ZmqServer", error)
        server._rg_log.log(
            Logging.Warning,
            "ZmqServer::runThread: a request of %d bytes gets an empty answer: %s: %s"
            % (len(request), type(error).__name__, error),
        )
        return b""
