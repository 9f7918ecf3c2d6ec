"""Reliable streams over datagrams."""

from .._impl.rssi import Application, Client, Server, Transport

__all__ = ["Transport", "Application", "Client", "Server"]
