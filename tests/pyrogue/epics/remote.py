"""A client of the tree beside EPICS: pyrogue's own remote access."""

from __future__ import annotations

from typing import Any, Optional

import pyrogue.interfaces


class Remote:
    def __init__(self, host: str, port: int) -> None:
        self._client = pyrogue.interfaces.VirtualClient(addr=host, port=port)
        self._client.root.Board0.Word00.get()

    def difference(self, board: int, name: str, wanted: Any) -> Optional[str]:
        """Reads a variable. Returns None if it has this value."""
        has = self._node(board, name).get()
        return None if has == wanted else f"{name} is {has!r}, not {wanted!r}"

    def set(self, board: int, name: str, value: Any) -> None:
        self._node(board, name).set(value)

    def _node(self, board: int, name: str) -> Any:
        return self._client.root.node(f"Board{board}").node(name)

    def stop(self) -> None:
        self._client.stop()
