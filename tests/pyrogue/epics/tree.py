"""The server: a tree of pyrogue over a bridge, published by one of its EPICS servers."""

from __future__ import annotations

import time

import pyrogue
import pyrogue.interfaces
import rogue.interfaces.memory as rim

from .registers import BOARD, BOARD_BYTES, BOARDS, LABEL_BYTES, MODES, Register

#: How often polled variables are read, in seconds.
POLL_S = 0.2


class Board(pyrogue.Device):
    """:param shows: give each register a read-only variable as well, named `…Shown`."""

    def __init__(self, shows: bool, **arguments: object) -> None:
        super().__init__(**arguments)
        for register in BOARD:
            self.add(_variable(register, register.name, "RW"))
            if shows:
                self.add(_variable(register, register.name + "Shown", "RO"))


def _variable(register: Register, name: str, mode: str) -> pyrogue.RemoteVariable:
    types = {
        "word": dict(bitSize=32, base=pyrogue.UInt),
        "byte": dict(bitSize=8, base=pyrogue.UInt),
        "short": dict(bitSize=16, base=pyrogue.Int),
        "gain": dict(bitSize=32, base=pyrogue.Float),
        "ratio": dict(bitSize=64, base=pyrogue.Double),
        "stamp": dict(bitSize=64, base=pyrogue.UInt),
        "mode": dict(bitSize=2, enum=dict(enumerate(MODES))),
        "gate": dict(bitSize=1, base=pyrogue.Bool),
        "label": dict(bitSize=8 * LABEL_BYTES, base=pyrogue.String),
    }
    return pyrogue.RemoteVariable(
        name=name,
        offset=register.offset & ~3 if register.kind in ("byte", "short") else register.offset,
        bitOffset=8 * (register.offset & 3) + register.bit,
        mode=mode,
        overlapEn=True,
        pollInterval=POLL_S,
        **types[register.kind],
    )


class Root(pyrogue.Root):
    """Ten boards, published by pyrogue's EPICS server V4 (p4p) or V7 (softioc), and by its own for
    remote access. V7 sends no events of what others than EPICS write or read at a variable that
    EPICS can write, so its registers have a read-only variable too."""

    def __init__(self, server: str, base: str, host: str, port: int) -> None:
        super().__init__(name="Top", pollEn=False, initRead=True, timeout=2.0, maxLog=10)
        self.bridge = rim.TcpClient(host, port)
        self.addInterface(self.bridge)
        for board in range(BOARDS):
            place = dict(offset=board * BOARD_BYTES, memBase=self.bridge)
            self.add(Board(server == "V7", name=f"Board{board}", **place))
        if server == "V7":
            from pyrogue.protocols.epicsV7 import EpicsPvServer

            self.epics = EpicsPvServer(base=base, root=self)
        else:
            from pyrogue.protocols.epicsV4 import EpicsPvServer

            self.epics = EpicsPvServer(base=base, root=self)
            self.addProtocol(self.epics)
        self.remote = pyrogue.interfaces.ZmqServer(root=self, addr=host, port=0)
        self.addInterface(self.remote)


class Tree:
    """The tree, as the process of the check calls it."""

    def __init__(self, server: str, base: str, host: str, port: int) -> None:
        self._root = Root(server, base, host, port)
        self._root.start()

    def remote_port(self) -> int:
        return self._root.remote.port()

    def published(self) -> int:
        """How many variables the EPICS server publishes, those of the root itself included."""
        return len(self._root.epics.list())

    def read_all(self) -> None:
        """Reads all registers in one burst, and waits until their updates are with the server."""
        self._root.ReadAll()
        self._root.waitOnUpdate()

    def poll(self, is_on: bool) -> None:
        self._root.PollEn.set(is_on)

    def stamp(self) -> int:
        """Writes the time to a register, and verifies it. Returns how long that took, in ns."""
        started = time.monotonic_ns()
        self._root.Board0.Stamp.set(started)
        return time.monotonic_ns() - started

    def cpu_s(self) -> float:
        return time.process_time()

    def stop(self) -> None:
        self._root.stop()
