"""The hardware: an emulated memory behind the server of a bridge."""

from __future__ import annotations

from typing import Optional

import rogue.interfaces.memory as rim

from .registers import BOARD_BYTES, BOARDS, image

MEMORY_BYTES = BOARDS * BOARD_BYTES


class Hardware:
    """Serves the memory at the address `host`; `port` is the bridge's."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._memory = rim.Emulate(4, 0x1000)
        self._master = rim.Master()
        self._master >> self._memory
        self.fill(0)
        self._listen(0)

    def _listen(self, port: int) -> None:
        self._server = rim.TcpServer(self._host, port)
        self._server >> self._memory
        self._port = self._server.getPort()

    def port(self) -> int:
        return self._port

    def fill(self, turn: int) -> None:
        """Changes all registers, as hardware does by itself."""
        rim.write(self._master, 0, image(turn))

    def difference(self, turn: int) -> Optional[str]:
        """The first word that does not have the value of a round; words of no register are zero."""
        has, wanted = rim.read(self._master, 0, MEMORY_BYTES), image(turn)
        for at in range(0, MEMORY_BYTES, 4):
            if has[at : at + 4] != wanted[at : at + 4]:
                return f"{has[at : at + 4].hex()} at {at:#x}, not {wanted[at : at + 4].hex()}"
        return None

    def close(self) -> None:
        """Closes the bridge: the clients lose their connections."""
        self._server.close()

    def open(self) -> None:
        """Opens the bridge again, at the same port."""
        self._listen(self._port)

    def stop(self) -> None:
        self._server.close()
