"""Reliable streams over UDP; not in this build."""

from .._impl.absent import absent

Transport = absent("Transport", "rogue.protocols.rssi")
Application = absent("Application", "rogue.protocols.rssi")
Client = absent("Client", "rogue.protocols.rssi")
Server = absent("Server", "rogue.protocols.rssi")

__all__ = ["Transport", "Application", "Client", "Server"]
