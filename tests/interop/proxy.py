"""A network between a client and a server that can be cut, held up and chopped into pieces."""

import random
import selectors
import socket
import struct
import threading

REQUEST = 0
RESPONSE = 1
PAIR_TRIES_MAX = 200
READ_OCTETS_MAX = 65536
# Octets read from one end and not yet taken by the other before reading pauses.
QUEUE_OCTETS_MAX = 1 << 20


class _Flow:
    """One direction of one connection."""

    def __init__(self, source, sink, chop):
        self.source = source
        self.sink = sink
        self.chop = chop
        self.queue = bytearray()
        self.ended = False


class Proxy:
    """Listens on a pair of ports and hands every connection on to the server's pair.

    With `chop` every write carries that many octets at most, at random. One thread; the methods
    may be called from any other.
    """

    def __init__(self, server_port, chop=None, seed=1):
        self.server_port = server_port
        self.chop = chop
        self.accepted = [0, 0]
        self._random = random.Random(seed)
        self._selector = selectors.DefaultSelector()
        self._flows = {}  # socket -> (flow out of it, flow into it)
        self._kind = {}  # socket -> REQUEST or RESPONSE
        self._held = set()
        self._orders = []
        self._lock = threading.Lock()
        self._done = threading.Condition(self._lock)
        self._stopping = False
        self._wake_read, self._wake_write = socket.socketpair()
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._listeners = self._listen()
        self.port = self._listeners[REQUEST].getsockname()[1]
        for listener in self._listeners:
            self._selector.register(listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    # ---- for the test ----

    def cut(self, *kinds):
        """Resets every connection of these kinds; returns when it has been done, with how many."""
        return self._order(lambda: self._cut(kinds))

    def hold(self, *kinds):
        """Hands nothing on any more for these kinds, until `release`."""
        self._order(lambda: self._held.update(kinds))

    def release(self):
        """Hands everything on again."""
        self._order(self._held.clear)

    def stop(self):
        """Closes everything."""
        with self._lock:
            self._stopping = True
        self._wake_write.send(b"x")
        self._thread.join()
        for end in list(self._flows) + self._listeners + [self._wake_read, self._wake_write]:
            end.close()
        self._selector.close()

    # ---- its thread ----

    @staticmethod
    def _listen():
        for _ in range(PAIR_TRIES_MAX):
            first = socket.socket()
            second = socket.socket()
            try:
                first.bind(("127.0.0.1", 0))
                second.bind(("127.0.0.1", first.getsockname()[1] + 1))
            except (OSError, OverflowError):
                first.close()
                second.close()
                continue
            for listener in (first, second):
                listener.listen(100)
                listener.setblocking(False)
            return [first, second]
        raise AssertionError("no free pair of ports")

    def _order(self, action):
        result = []
        with self._lock:
            self._orders.append((action, result))
            self._wake_write.send(b"x")
            self._done.wait_for(lambda: result)
        return result[0]

    def _obey(self):
        self._wake_read.recv(4096)
        with self._lock:
            for action, result in self._orders:
                result.append(action())
            self._orders.clear()
            self._done.notify_all()
        for end in list(self._flows):
            self._refresh(end)

    def _run(self):
        while not self._stopping:
            for key, events in self._selector.select():
                end = key.fileobj
                if end is self._wake_read:
                    self._obey()
                elif end in self._listeners:
                    self._accept(self._listeners.index(end))
                elif end in self._flows:
                    self._serve(end, events)

    def _accept(self, kind):
        inner, _ = self._listeners[kind].accept()
        try:
            outer = socket.create_connection(("127.0.0.1", self.server_port + kind))
        except OSError:
            # As if nobody listened here either, as far as that can be shown.
            inner.close()
            return
        self.accepted[kind] += 1
        there = _Flow(inner, outer, self.chop)
        back = _Flow(outer, inner, self.chop)
        self._flows[inner] = (there, back)
        self._flows[outer] = (back, there)
        for end in (inner, outer):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._kind[end] = kind
            self._selector.register(end, selectors.EVENT_READ)

    def _serve(self, end, events):
        out, into = self._flows[end]
        try:
            if events & selectors.EVENT_READ and end not in self._held_ends():
                octets = end.recv(READ_OCTETS_MAX)
                out.queue += octets
                out.ended = not octets
            if events & selectors.EVENT_WRITE:
                self._write(into)
            if not self.chop:
                self._write(out)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(end)
            return
        if any(flow.ended and not flow.queue for flow in (out, into)):
            self._drop(end)
            return
        self._refresh(end)
        self._refresh(out.sink)

    def _held_ends(self):
        return {end for end, kind in self._kind.items() if kind in self._held}

    def _write(self, flow):
        if self._kind[flow.source] in self._held:
            return
        size = len(flow.queue)
        if flow.chop:
            size = min(size, self._random.randint(1, flow.chop))
        if size:
            try:
                del flow.queue[: flow.sink.send(flow.queue[:size])]
            except BlockingIOError:
                pass

    def _refresh(self, end):
        """Asks for the events that are of use now."""
        if end not in self._flows:
            return
        out, into = self._flows[end]
        held = self._kind[end] in self._held
        events = 0
        if not held and not out.ended and len(out.queue) < QUEUE_OCTETS_MAX:
            events |= selectors.EVENT_READ
        if not held and into.queue:
            events |= selectors.EVENT_WRITE
        key = self._selector.get_map().get(end)
        if key is not None and events == 0:
            self._selector.unregister(end)
        elif key is None and events != 0:
            self._selector.register(end, events)
        elif key is not None and key.events != events:
            self._selector.modify(end, events)

    def _drop(self, end):
        """Closes both ends, with what was received handed on as far as it goes."""
        out, _ = self._flows[end]
        for one in (end, out.sink):
            self._flows.pop(one, None)
            self._kind.pop(one, None)
            if self._selector.get_map().get(one) is not None:
                self._selector.unregister(one)
            one.close()

    def _cut(self, kinds):
        ends = [end for end, kind in self._kind.items() if kind in kinds]
        for end in ends:
            # No lingering: the peers see a reset, and what was on its way is gone.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for end in ends:
            if end in self._flows:
                self._drop(end)
        return len(ends) // 2
