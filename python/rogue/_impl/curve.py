"""Keys for CURVE, by which both ends of a bridge prove their identity: docs/security.md."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Optional, Union

from .lifecycle import NativeHandle, filled
from .native import NULL, check, encode, lib, text_of

_Path = Union[str, bytes, "os.PathLike[str]"]


def _path(path: _Path) -> bytes:
    return encode(os.fspath(path))


class CurveKeys:
    """A key pair: ``CurveKeys()`` makes a new one.

    :param path: the file of a pair that `save` has written. One that others than its owner may read
        or write is refused.
    """

    __module__ = "rogue.security"

    def __init__(self, path: Optional[_Path] = None) -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_curve_keys_release)
        made = "rogue_mem_curve_keys_t"
        self._rg_option: NativeHandle = (
            filled(owned, made, lib.rogue_mem_curve_keys_generate)
            if path is None
            else filled(owned, made, lib.rogue_mem_curve_keys_load, _path(path))
        )

    def save(self, path: _Path) -> None:
        """Writes the pair to a new file that only its owner may read, and the public key alone to
        ``path + ".pub"``, for the other end. Raises GeneralError if one of them exists."""
        check(lib.rogue_mem_curve_keys_save(self._rg_option.handle, _path(path)))

    @property
    def public(self) -> str:
        """The public key, 40 characters (Z85)."""
        return text_of(lib.rogue_mem_curve_keys_public_key, self._rg_option.handle)

    def __repr__(self) -> str:
        return "<CurveKeys %s>" % self.public


class CurveServer:
    """What servers with CURVE need: ``TcpServer(addr, port, curve=CurveServer(keys, clients))``.

    :param keys: the servers' own pair.
    :param clients: the clients that are accepted: an iterable of public keys, the path of a file
        with a key on each line, or None: those with any key.

    Both may change while servers have it. Clients that are not accepted any more are disconnected.
    """

    __module__ = "rogue.security"

    def __init__(self, keys: CurveKeys, clients: "Iterable[str] | _Path | None" = None) -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_curve_server_release)
        make = (lib.rogue_mem_curve_server_new, keys._rg_option.handle)
        self._rg_option: NativeHandle = filled(owned, "rogue_mem_curve_server_t", *make)
        self.setClients(clients)

    def setKeys(self, keys: CurveKeys) -> None:
        """Sets the pair for new connections. Those that exist remain."""
        check(lib.rogue_mem_curve_server_set_keys(self._rg_option.handle, keys._rg_option.handle))

    def setClients(self, clients: "Iterable[str] | _Path | None") -> None:
        """Sets the clients that are accepted from now on, as in the constructor."""
        own = self._rg_option.handle
        if clients is None:
            check(lib.rogue_mem_curve_server_accept_any(own))
        elif isinstance(clients, (str, bytes, os.PathLike)):
            check(lib.rogue_mem_curve_server_load_clients(own, _path(clients)))
        else:
            check(lib.rogue_mem_curve_server_set_clients(own, encode(" ".join(clients))))

    @property
    def public(self) -> str:
        """The servers' public key, which their clients have to know."""
        return text_of(lib.rogue_mem_curve_server_public_key, self._rg_option.handle)


class CurveClient:
    """What clients need: ``TcpClient(addr, port, curve=CurveClient(server, keys))``.

    :param server: the server's public key, 40 characters (Z85).
    :param keys: the clients' own pair; None: a new one, for a server that accepts any.
    """

    __module__ = "rogue.security"

    def __init__(self, server: str, keys: Optional[CurveKeys] = None) -> None:
        own = CurveKeys() if keys is None else keys
        owned = NativeHandle(NULL, lib.rogue_mem_curve_client_release)
        make = (lib.rogue_mem_curve_client_new, encode(server), own._rg_option.handle)
        self._rg_option: NativeHandle = filled(owned, "rogue_mem_curve_client_t", *make)
