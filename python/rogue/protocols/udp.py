"""Streams over UDP; not in this build."""

from .._impl.absent import absent

Core = absent("Core", "rogue.protocols.udp")
Client = absent("Client", "rogue.protocols.udp")
Server = absent("Server", "rogue.protocols.udp")

__all__ = ["Core", "Client", "Server"]
