"""Protocols that carry registers and streams. There is no ``rocev2`` in this build."""

from . import batcher, packetizer, rssi, srp, udp, xilinx

__all__ = ["batcher", "packetizer", "rssi", "srp", "udp", "xilinx"]
