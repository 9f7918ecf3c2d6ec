"""The client: pvAccess by p4p, without pyrogue and without this library."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any, Callable, Optional

import p4p
from p4p.client.thread import Context, Subscription

from .registers import CHOICES, PLACES, Value, value

#: Longest wait for what a server is to do, in seconds.
PATIENCE_S = 60


class Client:
    """Connects to a server by TCP; no broadcast leaves the machine, and none is answered.

    :param base: the first part of all names.
    :param shown: what the names of the variables to monitor have in addition."""

    def __init__(self, base: str, shown: str, host: str, port: int) -> None:
        configuration = {
            "EPICS_PVA_NAME_SERVERS": f"{host}:{port}",
            "EPICS_PVA_AUTO_ADDR_LIST": "NO",
            "EPICS_PVA_ADDR_LIST": "",
        }
        # Plain structures: the threads of p4p 4.3 share the object that makes numbers and texts of
        # them, which now and then fails if they are of several types, and ends a monitor.
        self.context = Context("pva", conf=configuration, useenv=False, nt=False)
        self._monitors: list[Subscription] = []
        self.names = [f"{base}:Top:Board{board}:{register.name}" for board, register in PLACES]
        self.watched = [name + shown for name in self.names]

    def expected(self, turn: int) -> list[Value]:
        return [value(place, turn) for place in range(len(PLACES))]

    def difference(self, turn: int) -> Optional[str]:
        """Gets all variables, all requests outstanding at once. Returns the first that does not
        have the value of a round."""
        read = [plain(held) for held in self.context.get(self.names, timeout=PATIENCE_S)]
        for name, has, wanted in zip(self.names, read, self.expected(turn)):
            if has != wanted:
                return f"{name} is {has!r}, not {wanted!r}"
        return None

    def write(self, turn: int) -> None:
        """Puts a round's values into all variables, all requests outstanding at once."""
        puts = [
            {"value.index" if register.kind in CHOICES else "value": wanted}
            for (_, register), wanted in zip(PLACES, self.expected(turn))
        ]
        self.context.put(self.names, puts, timeout=PATIENCE_S)

    def monitor(self, place: int, event: Callable[[Any], None]) -> Subscription:
        subscription = self.context.monitor(self.watched[place], event)
        # p4p 4.3 forgets an event that comes before the line above has its result, and all later
        # ones with it.
        subscription._event()
        self._monitors.append(subscription)
        return subscription

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        for monitor in self._monitors:
            monitor.close()
        self.context.close()


def plain(held: Any) -> Value:
    """The value of a structure; the number of its choice, for a mode and a gate."""
    found = held["value"]
    return found["index"] if isinstance(found, p4p.Value) else found


class Watch:
    """Monitors of all variables of a client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._wanted: dict[int, Value] = {}
        self.events = 0
        self.last_ns = 0
        self._latest: dict[int, Value] = {}
        for place in range(len(PLACES)):
            client.monitor(place, self._of(place))

    def _of(self, place: int) -> Callable[[Any], None]:
        def event(held: Any) -> None:
            arrived = time.monotonic_ns()
            if isinstance(held, Exception):
                return  # the wait for its value says it
            with self._lock:
                self.events += 1
                self.last_ns = arrived
                self._latest[place] = plain(held)
                if place in self._wanted and self._wanted[place] == self._latest[place]:
                    del self._wanted[place]
                    if not self._wanted:
                        self._changed.notify_all()

        return event

    def wait(self, wanted: dict[int, Value]) -> None:
        """Waits until the monitors have told each of these values, also before the call."""
        with self._lock:
            self._wanted = {
                place: held for place, held in wanted.items() if self._latest.get(place) != held
            }
            if not self._changed.wait_for(lambda: not self._wanted, PATIENCE_S):
                place, held = next(iter(self._wanted.items()))
                raise RuntimeError(
                    f"{len(self._wanted)} monitors lack their value; {self._client.watched[place]} "
                    f"has {self._latest.get(place)!r}, not {held!r}"
                )

    def wait_turn(self, turn: int) -> None:
        self.wait(dict(enumerate(self._client.expected(turn))))


class Stamps:
    """A monitor of a register whose value is the time of its write."""

    def __init__(self, client: Client, place: int) -> None:
        self._delays: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._monitor = client.monitor(place, self._event)
        self.next()

    def _event(self, held: Any) -> None:
        if not isinstance(held, Exception):
            self._delays.put(time.monotonic_ns() - plain(held))

    def next(self) -> int:
        """Waits for the next event. Returns the time since its write, in ns."""
        try:
            return self._delays.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise RuntimeError(f"the monitor of a time has no event in {PATIENCE_S} s") from None

    def close(self) -> None:
        self._monitor.close()
