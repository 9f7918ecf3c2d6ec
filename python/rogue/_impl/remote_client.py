"""The client of a tree of registers that is served elsewhere."""

from __future__ import annotations

import json
import time
from typing import Any, Optional, TypeVar

from .lifecycle import report
from .logging import Logger, Logging
from .native import encode, general_error
from .remote import Endpoint, payload
from .tcp import port_number

_Client = TypeVar("_Client", bound="ZmqClient")
_SOURCE = "ZmqClient::ZmqClient"
_TIMEOUTS_MS = (1000, 1000)
#: Time between two warnings about one request.
_WARN_PERIOD_S = 30


class ZmqClient:
    """Sends requests to a `ZmqServer`, Rogue's or this package's, and gets its updates.

    :param addr: the server's address or name.
    :param port: the first of the server's three ports.
    :param doString: whether requests are texts, and not bytes; there are no updates then.

    It connects by itself, and again after a loss, until `_stop` or until nobody refers to it. Any
    thread may send; one request is under way at a time, the others wait. A request whose time is
    over is not withdrawn: the server may carry it out later. Needs pyzmq:
    ``rogue-mem-py[remote]``.
    """

    __module__ = "rogue.interfaces"

    #: Of an object whose constructor has not run.
    _rg_remote: Optional[Endpoint] = None

    def __new__(cls: "type[_Client]", *_arguments: Any, **_keywords: Any) -> "_Client":
        # Programs pass on the arguments of their own class.
        return object.__new__(cls)

    def __init__(self, addr: str, port: int, doString: bool) -> None:
        self._rg_timeouts_ms = _TIMEOUTS_MS
        self._rg_log = Logger("ZmqClient")
        self._rg_is_text = bool(doString)
        place, base = encode(addr).decode("utf-8", "replace"), port_number(port)
        remote = Endpoint(_SOURCE)
        try:
            sockets = self._rg_connect(remote, place, base)
        except BaseException:
            remote.abandon()
            raise
        self._rg_remote = remote
        remote.run(self, sockets[0], [(one, _update) for one in sockets[1:]])
        ports = "port %d" % (base + 2) if doString else "ports %d:%d" % (base, base + 1)
        self._rg_log.log(Logging.Info, "Connects to the Rogue server %s at %s" % (place, ports))

    def _rg_connect(self, remote: Endpoint, place: str, base: int) -> "list[Any]":
        """The socket of requests, and that of updates if there are any."""
        zmq = remote.zmq
        requests = remote.new_socket(zmq.REQ)
        # A request without an answer must not block the next; late answers are told by a number.
        requests.setsockopt(zmq.REQ_RELAXED, 1)
        requests.setsockopt(zmq.REQ_CORRELATE, 1)
        wanted = [(requests, base + (2 if self._rg_is_text else 1))]
        if not self._rg_is_text:
            updates = remote.new_socket(zmq.SUB)
            updates.setsockopt(zmq.SUBSCRIBE, b"")
            wanted.append((updates, base))
        for one, port in wanted:
            try:
                one.connect("tcp://%s:%d" % (place, port))
            except zmq.ZMQError as error:
                words = "Failed to connect to port %d at address %s (%s)"
                raise general_error(
                    _SOURCE, words % (port, place, zmq.strerror(error.errno))
                ) from None
        return [one for one, _ in wanted]

    def setTimeout(self, warnTime: int, failTime: int = 0) -> None:
        """Sets when an answer is late, in milliseconds: every `warnTime` it is looked after, with a
        warning in the log at first and then every 30 seconds; after `failTime`, rounded up to a
        multiple of `warnTime`, the request fails. 0 = it never does. Applies to later requests.

        At first both are 1000."""
        for one in (warnTime, failTime):
            if isinstance(one, bool) or not isinstance(one, int):
                raise TypeError(
                    "ZmqClient.setTimeout(warnTime, failTime=0): arguments must be int "
                    "milliseconds, not %s. A former third argument has become failTime: 0 waits "
                    "for ever." % type(one).__name__
                )
            if not 0 <= one <= 0xFFFFFFFF:
                raise OverflowError(
                    "a timeout in ms lies between 0 and 2^32 - 1, %d does not" % one
                )
        source = "ZmqClient::setTimeout"
        if warnTime == 0:
            raise general_error(source, "warnTime must be greater than 0 milliseconds")
        if self._rg_remote is None or self._rg_remote.is_stopping:
            raise general_error(source, "Failed to set socket timeout: the client is stopped")
        self._rg_timeouts_ms = (warnTime, failTime)

    def _send(self, data: Any) -> bytes:
        """Sends a buffer and returns the answer. Raises GeneralError if none comes in time, or the
        server could not make one. Ctrl-C ends the wait."""
        source = "ZmqClient::send"
        if self._rg_remote is not None and self._rg_is_text:
            raise general_error(source, "Invalid send call in string mode")
        answer = self._rg_exchange(source, payload(source, data))
        if not answer:
            raise general_error(
                source,
                "The server's answer is empty: it could not carry out the request, and its own "
                "output says why",
            )
        return answer

    def _rg_exchange(self, source: str, request: bytes) -> bytes:
        remote = self._rg_remote
        if remote is None:
            raise general_error(source, "The client was never connected: its constructor failed")
        remote.check_process()
        with remote.use(source) as requests:
            if requests is None:
                raise general_error(source, "zmq_sendmsg failed: the client is stopped")
            try:
                requests.send(request)
            except remote.zmq.ZMQError as error:
                words = "zmq_sendmsg failed: errno=%d %s"
                raise general_error(source, words % (error.errno, error.strerror)) from None
            return self._rg_await(source, remote, requests)

    def _rg_await(self, source: str, remote: Endpoint, requests: Any) -> bytes:
        warn_ms, fail_ms = self._rg_timeouts_ms
        poller = remote.poller(requests)
        begin, waited_ms, warned_s = time.monotonic(), 0, 0
        while True:
            left_ms = (begin - time.monotonic()) * 1000 + waited_ms + warn_ms
            if left_ms > 0 and remote.wait(poller, min(int(left_ms) + 1, 0x7FFFFFFF)):
                try:
                    answer: bytes = requests.recv_multipart(remote.zmq.NOBLOCK)[0]
                except remote.zmq.Again:
                    # The late answer to an earlier request.
                    continue
                self._rg_tell_late(waited_ms)
                return answer
            if not remote.is_stopping and left_ms > 0:
                continue
            waited_ms += warn_ms
            seconds = int(time.monotonic() - begin) if remote.is_stopping else waited_ms // 1000
            if remote.is_stopping or 0 < fail_ms <= waited_ms:
                words = "Timeout waiting for response after %d Seconds, server may be busy!"
                raise general_error(source, words % seconds)
            warned_s = self._rg_warn(seconds, warned_s)

    def _rg_warn(self, seconds: int, warned_s: int) -> int:
        """Warns of a late answer, and returns when the last warning was."""
        if seconds >= 1 and warned_s == 0:
            words = "Timeout waiting for response after %d seconds, server may be busy. "
            self._rg_log.log(Logging.Warning, words % seconds + "Continuing to wait...")
            return seconds
        if warned_s and seconds >= warned_s + _WARN_PERIOD_S:
            words = "Still waiting for response after %d seconds, server may be busy..."
            self._rg_log.log(Logging.Warning, words % seconds)
            return seconds
        return warned_s

    def _rg_tell_late(self, waited_ms: int) -> None:
        if waited_ms >= 1000:
            words = "Received response from server after %d seconds."
            self._rg_log.log(Logging.Warning, words % (waited_ms // 1000))

    def _rg_send_text(self, path: str, attribute: str, argument: str = "") -> str:
        source = "ZmqClient::sendString"
        if self._rg_remote is not None and not self._rg_is_text:
            raise general_error(source, "Invalid send call in standard mode")
        written = [json.dumps(one, ensure_ascii=False) for one in (attribute, path, argument)]
        request = '{"attr": %s,"path": %s' % (written[0], written[1])
        request += ',"args": [%s]}' % written[2] if argument else "}"
        return self._rg_exchange(source, encode(request)).decode("utf-8")

    def getDisp(self, path: str) -> str:
        """Reads the variable at `path`, and returns its value as a text. If that fails, the text
        begins with ``EXCEPTION:`` and a space, as those of the methods below do."""
        return self._rg_send_text(path, "getDisp")

    def setDisp(self, path: str, value: str) -> None:
        """Writes a text to the variable at `path`. What fails at the server is only logged."""
        answer = self._rg_send_text(path, "setDisp", value)
        if answer.startswith("EXCEPTION: "):
            words = "The value %r was not written to %s: %s"
            self._rg_log.log(Logging.Error, words % (value, path, answer))

    def exec(self, path: str, arg: str = "") -> str:
        """Carries out the command at `path`, and returns its result as a text."""
        return self._rg_send_text(path, "__call__", arg)

    def valueDisp(self, path: str) -> str:
        """The value of the variable at `path` when it was last read, as a text."""
        return self._rg_send_text(path, "valueDisp")

    def _doUpdate(self, data: bytes) -> Any:
        """Takes what the server publishes, in order. Runs on a thread of the client, which starts
        in the constructor. Its exceptions are printed."""

    def _stop(self) -> None:
        """Closes the connections; a request that waits fails at once. Further calls do nothing."""
        if self._rg_remote is not None:
            self._rg_remote.stop()


def _update(owner: Any, remote: Endpoint, updates: Any) -> None:
    poller = remote.poller(updates)
    while remote.wait(poller):
        update = updates.recv_multipart()[0]
        client = owner() if update else None
        if client is not None:
            try:
                client._doUpdate(update)
            except BaseException as error:
                report("_doUpdate of a ZmqClient", error)
        del client
