"""Checks and measures an EPICS server on a tree whose hardware is behind the bridge.

Three processes: the hardware, an emulated memory behind a TcpServer; the tree, behind a TcpClient,
with an EPICS server; and this one, a client of pvAccess, which gets, puts and monitors 1000
variables. A fourth uses the tree by pyrogue's remote access.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, Optional

from .client import PATIENCE_S, Client, Stamps, Watch
from .processes import Process
from .registers import PLACES

#: The place of the register whose value is a time.
STAMP = next(place for place, (_, register) in enumerate(PLACES) if register.kind == "stamp")
WORD = 0
FLOOR = "floor"
#: What is checked, and how it is printed.
SERVERS = {FLOOR: "p4p alone", "V4": "epicsV4  ", "V7": "epicsV7  "}


class Check:
    """One server's check. Every step ends with a line on standard output, or raises."""

    def __init__(self, server: str, logs: Path, rounds: int, samples: int) -> None:
        self.server = server
        self.is_v7 = server == "V7"
        self.logs = logs
        self.rounds = rounds
        self.samples = samples
        self.turn = 0
        # Of this process alone: no other program listens there, whatever ports it takes.
        self.host = (
            f"127.{64 + (os.getpid() >> 16) % 64}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
        )
        self.base = f"check{os.getpid()}"

    @contextlib.contextmanager
    def processes(self) -> Iterator[None]:
        """The processes and the client of the check. Each process ends before those that it uses;
        the client ends last, because p4p can hang if a monitor is closed while its events come."""
        with socket.create_server((self.host, 0)) as listening:
            port = listening.getsockname()[1]
        os.environ.update(
            EPICS_PVAS_INTF_ADDR_LIST=self.host,
            EPICS_PVAS_SERVER_PORT=str(port),
            EPICS_PVAS_BROADCAST_PORT="0",
            EPICS_PVAS_AUTO_BEACON_ADDR_LIST="NO",
            EPICS_CAS_INTF_ADDR_LIST=self.host,
            EPICS_CAS_AUTO_BEACON_ADDR_LIST="NO",
        )
        shown = "Shown" if self.is_v7 else ""
        with contextlib.ExitStack() as last, contextlib.ExitStack() as stack:
            self.start(stack)
            self.client = last.enter_context(Client(self.base, shown, self.host, port))
            yield

    def start(self, stack: contextlib.ExitStack) -> None:
        def process(module: str, name: str, *arguments: object) -> Process:
            log = str(self.logs / f"{self.server}-{module}.log")
            return stack.enter_context(Process(log, module, name, *arguments))

        if self.server == FLOOR:
            self.tree = self.hardware = process("floor", "Floor", self.base)
            return
        self.hardware = process("hardware", "Hardware", self.host)
        bridge = self.hardware.call("port")
        self.tree = process("tree", "Tree", self.server, self.base, self.host, bridge)
        self.remote = process("remote", "Remote", self.host, self.tree.call("remote_port"))

    def run(self) -> None:
        with self.processes():
            self.connects()
            self.gets()
            self.puts()
            self.updates()
            self.latency_of_monitor()
            self.latency_of_put()
            if self.server != FLOOR:
                self.serves_others()
                self.polls()
                self.outlives_the_hardware()

    def say(self, step: str, text: str) -> None:
        print(f"{SERVERS[self.server]}  {step:<18}{text}", flush=True)

    def next_turn(self) -> int:
        self.turn += 1
        return self.turn

    def connects(self) -> None:
        started = time.monotonic()
        self.watch = Watch(self.client)
        self.watch.wait_turn(0)
        took = time.monotonic() - started
        self.say(
            "monitor",
            f"{len(PLACES)} monitors connected with their values in {took:.2f} s, "
            f"of {self.tree.call('published')} variables published",
        )

    def gets(self) -> None:
        started = time.monotonic()
        difference = self.client.difference(0)
        took = time.monotonic() - started
        require(difference)
        one = median_us(self.samples, lambda: self.client.context.get(self.client.names[WORD]))
        self.say("get", f"{len(PLACES) / took:,.0f}/s all at once; one at a time {one:.0f} µs")

    def puts(self) -> None:
        took = self.put_all()
        self.say("put", f"{len(PLACES) / took:,.0f}/s all at once, each in its register")

    def put_all(self) -> float:
        """Puts a new round, which has to reach the registers and the monitors. Returns how long it
        took to reach the registers, in seconds."""
        turn = self.next_turn()
        started = time.monotonic()
        self.client.write(turn)
        if self.is_v7:  # it answers before it writes the registers
            until(lambda: self.hardware.call("difference", turn))
        took = time.monotonic() - started
        require(self.hardware.call("difference", turn))
        self.watch.wait_turn(turn)
        until(lambda: self.client.difference(turn))
        return took

    def polls(self) -> None:
        """The hardware changes by itself, and the tree polls it."""
        turn = self.next_turn()
        self.tree.call("poll", True)
        self.hardware.call("fill", turn)
        self.watch.wait_turn(turn)
        self.tree.call("poll", False)
        self.say("poll", f"{len(PLACES)} changes of the hardware told")

    def updates(self) -> None:
        """All registers change at once, again and again, and the tree reads them all."""
        first, used = self.watch.events, self.tree.call("cpu_s")
        started = time.monotonic_ns()
        for _ in range(self.rounds):
            turn = self.next_turn()
            self.hardware.call("fill", turn)
            self.tree.call("read_all")
        self.watch.wait_turn(turn)
        took = (self.watch.last_ns - started) / 1e9
        used = self.tree.call("cpu_s") - used
        events, changes = self.watch.events - first, self.rounds * len(PLACES)
        self.say(
            "updates",
            f"{events / took:,.0f}/s; {events} events of {changes} changes; "
            f"{used / changes * 1e6:.0f} µs of the tree's CPU time each",
        )

    def latency_of_monitor(self) -> None:
        """From the start of a write to the register to the event at the client."""
        writes, events = [], []
        stamps = Stamps(self.client, STAMP)
        for _ in range(self.samples):
            writes.append(self.tree.call("stamp"))
            events.append(stamps.next())
        stamps.close()
        self.say(
            "register to event",
            f"{spread(events)}; of which the write and its verification "
            f"{statistics.median(writes) / 1e3:.0f} µs",
        )

    def latency_of_put(self) -> None:
        """From a client's put to its own monitor's event: to the register, and back."""
        puts, events = [], []
        stamps = Stamps(self.client, STAMP)
        for _ in range(self.samples):
            started = time.monotonic_ns()
            self.client.context.put(self.client.names[STAMP], started)
            puts.append(time.monotonic_ns() - started)
            events.append(stamps.next())
        stamps.close()
        self.say(
            "put to event",
            f"{spread(events)}; the put returns after {statistics.median(puts) / 1e3:.0f} µs",
        )

    def outlives_the_hardware(self) -> None:
        """A put without hardware fails, and all puts work when it is back."""
        self.hardware.call("close")
        end = "is said to work"
        try:
            self.client.context.put(self.client.names[WORD], 4711, timeout=PATIENCE_S)
        except Exception as error:
            end = f"fails: {error}"
        self.hardware.call("open")
        if not self.is_v7 and not end.startswith("fails"):  # V7 answers before it writes
            raise RuntimeError(f"a put to hardware that is gone {end}")
        self.put_all()
        self.say("hardware gone", f"and back, all puts work; meanwhile a put {end}")

    def serves_others(self) -> None:
        """What pyrogue's remote client sets, monitors of EPICS tell; what EPICS puts, it gets."""
        board, register = PLACES[WORD]
        self.remote.call("set", board, register.name, 815)
        self.watch.wait({WORD: 815})
        self.client.context.put(self.client.names[WORD], 816)
        until(lambda: self.remote.call("difference", board, register.name, 816))
        self.say("remote access", "a VirtualClient sets and gets the same variables")


def require(difference: Optional[str]) -> None:
    if difference is not None:
        raise RuntimeError(difference)


def until(difference: Callable[[], Optional[str]]) -> None:
    """Waits for what no event announces: that `difference`, which asks a process, finds none."""
    end = time.monotonic() + PATIENCE_S
    while True:
        found = difference()
        if found is None:
            return
        if time.monotonic() > end:
            raise RuntimeError(f"after {PATIENCE_S} s still {found}")


def median_us(samples: int, action: Callable[[], object]) -> float:
    times = []
    for _ in range(samples):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


def spread(nanoseconds: list[int]) -> str:
    ordered = sorted(nanoseconds)
    half, most = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return f"{half / 1e3:.0f} µs, 99 % within {most / 1e3:.0f} µs"
