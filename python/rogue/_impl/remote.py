"""What both ends of the remote access to a tree share: sockets of ZeroMQ, the threads that serve
them, and their end."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import weakref
from collections.abc import Iterator
from typing import Any, Callable, Optional

from .lifecycle import CALLBACKS_END_US, FORKED
from .native import ffi, general_error, view_of


def zeromq(source: str) -> Any:
    """The module of pyzmq, an optional dependency; GeneralError of `source` without it."""
    try:
        import zmq
    except ImportError as error:
        raise general_error(
            source,
            "Remote access to a tree needs the package pyzmq, which cannot be imported (%s): "
            "pip install 'rogue-mem-py[remote]'" % error,
        ) from error
    return zmq


def payload(source: str, data: Any) -> bytes:
    """The bytes of a contiguous buffer."""
    return bytes(ffi.buffer(view_of(source, data, False, "Failed to extract object data")))


class Exclusive:
    """A socket that several threads use, one at a time."""

    def __init__(self, used: Any) -> None:
        self.socket = used
        self._mutex = threading.Lock()
        self._owner: Optional[int] = None
        self._is_done = False

    @contextlib.contextmanager
    def use(self, source: str) -> "Iterator[Any]":
        """The socket, for the block only. A thread that uses it already, and has been interrupted
        by a signal handler or a log handler, gets an error instead of a deadlock."""
        if self._owner == threading.get_ident():
            raise general_error(source, "This thread is within another call of the same object")
        with self._mutex:
            self._owner = threading.get_ident()
            try:
                yield self.socket
            finally:
                self._owner = None

    def close(self) -> bool:
        """Closes the socket after the present use; whether this call did. In a thread that uses it
        itself nothing is done: the end of the use calls again."""
        if self._owner == threading.get_ident():
            return False
        with self._mutex:
            first, self._is_done = not self._is_done, True
            if first:
                self.socket.close()
        return first


class Endpoint:
    """The sockets of one object, their threads and their end. It does not keep the object."""

    def __init__(self, source: str) -> None:
        self.zmq = zeromq(source)
        self._process = os.getpid()
        self.is_stopping = False
        self._threads: "list[threading.Thread]" = []
        #: Threads, and the shared socket, whose end the end of the context waits for.
        self._users = 1
        # The owner may be collected, which stops its endpoint, while this is locked.
        self._count_mutex = threading.RLock()
        self.context: Any = self.zmq.Context()
        # A byte in it, which nobody reads, wakes all threads for good.
        self._wake, self.wakes = socket.socketpair()
        self.shared: Optional[Exclusive] = None

    def new_socket(self, kind: int) -> Any:
        made = self.context.socket(kind)
        made.linger = 0
        return made

    def check_process(self) -> None:
        """Raises in a child of os.fork: the threads are the parent's."""
        if os.getpid() != self._process:
            raise general_error("rogue", FORKED)

    def abandon(self) -> None:
        """Closes everything after a failed start."""
        self.is_stopping = True
        self.context.destroy(linger=0)
        self._wake.close()
        self.wakes.close()

    def run(self, owner: Any, shared: Any, loops: "list[tuple[Any, Callable[..., None]]]") -> None:
        """Serves each socket of `loops` with its function, ``function(owner reference, endpoint,
        socket)``, until the end of `owner` or a stop."""
        self.shared = Exclusive(shared)
        self._users += len(loops)
        reference = weakref.ref(owner)
        for served, function in loops:
            thread = threading.Thread(
                target=self._serve, args=(reference, served, function), daemon=True
            )
            thread.name = "rogue-remote"
            self._threads.append(thread)
        # Also at the end of the interpreter. Callbacks keep the owner, so that none is waited for
        # before that.
        weakref.finalize(owner, self.stop, CALLBACKS_END_US / 1e6)
        for thread in self._threads:
            thread.start()

    def _serve(self, owner: Any, served: Any, function: "Callable[..., None]") -> None:
        try:
            function(owner, self, served)
        finally:
            served.close()
            self._leave()

    def _leave(self) -> None:
        with self._count_mutex:
            self._users -= 1
            is_last = self._users == 0
        if is_last:
            self.context.term()
            self._wake.close()
            self.wakes.close()

    def poller(self, served: Any) -> Any:
        """Waits for messages of a socket, and for a stop."""
        poller = self.zmq.Poller()
        poller.register(served, self.zmq.POLLIN)
        poller.register(self.wakes, self.zmq.POLLIN)
        return poller

    def wait(self, poller: Any, timeout_ms: "int | None" = None) -> bool:
        """Waits for a message; False at a stop or when the time is over."""
        ready = poller.poll(timeout_ms)
        return bool(ready) and not self.is_stopping

    @contextlib.contextmanager
    def use(self, source: str) -> "Iterator[Any]":
        """The shared socket; None after a stop."""
        shared = self.shared
        if shared is None:
            yield None
            return
        try:
            with shared.use(source) as used:
                yield None if self.is_stopping else used
        finally:
            self._close_shared()

    def _close_shared(self) -> None:
        if self.is_stopping and self.shared is not None and self.shared.close():
            self._leave()

    def stop(self, patience_s: "float | None" = None) -> None:
        """Ends the threads, after the callbacks that run, and closes the sockets. From a callback
        it does not wait for that callback."""
        if os.getpid() != self._process or self.shared is None:
            return
        with self._count_mutex:
            first, self.is_stopping = not self.is_stopping, True
            if first:
                self._wake.send(b"\0")
        self._close_shared()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(patience_s)
