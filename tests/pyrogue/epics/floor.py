"""What p4p needs by itself: the variables of the check without a tree and without hardware."""

from __future__ import annotations

import time
from typing import Any, Optional

from p4p.nt import NTEnum, NTScalar
from p4p.server import Server, StaticProvider
from p4p.server.thread import SharedPV

from .registers import CHOICES, PLACES, Value, value

SCALARS = {
    "word": "I",
    "byte": "B",
    "short": "h",
    "gain": "f",
    "ratio": "d",
    "stamp": "L",
    "label": "s",
}


class Floor:
    """Has the methods of the tree and of the hardware."""

    def __init__(self, base: str) -> None:
        self._turn = 0
        provider = StaticProvider("floor")
        self._variables = []
        for place, (board, register) in enumerate(PLACES):
            variable = _variable(register.kind, value(place, 0))
            provider.add(f"{base}:Top:Board{board}:{register.name}", variable)
            self._variables.append(variable)
            if register.kind == "stamp" and board == 0:
                self._stamp = variable
        self._server = Server(providers=[provider])

    def published(self) -> int:
        return len(self._variables)

    def fill(self, turn: int) -> None:
        self._turn = turn

    def difference(self, turn: int) -> Optional[str]:
        return None  # its registers are what clients read

    def read_all(self) -> None:
        for place, variable in enumerate(self._variables):
            variable.post(value(place, self._turn))

    def stamp(self) -> int:
        started = time.monotonic_ns()
        self._stamp.post(started)
        return time.monotonic_ns() - started

    def cpu_s(self) -> float:
        return time.process_time()

    def stop(self) -> None:
        self._server.stop()


def _variable(kind: str, initial: Value) -> SharedPV:
    if kind in CHOICES:
        kept = {"choices": list(CHOICES[kind]), "index": int(initial)}
        variable = SharedPV(nt=NTEnum(), initial=kept)
    else:
        variable = SharedPV(nt=NTScalar(SCALARS[kind]), initial=initial)

    @variable.put
    def put(shared: SharedPV, operation: Any) -> None:
        shared.post(operation.value())
        operation.done()

    return variable
