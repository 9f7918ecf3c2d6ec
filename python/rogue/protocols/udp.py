"""Streams over UDP: each buffer of a frame travels as one datagram."""

from .._impl.udp import Client, Core, Server

__all__ = ["Client", "Core", "Server"]
