"""Protocols that carry registers and streams. There is no ``rocev2`` in this build."""

from .._impl.board import UdpRssiPack
from .._impl.link import EventLoop
from . import batcher, packetizer, rssi, srp, udp, xilinx

__all__ = ["EventLoop", "UdpRssiPack", "batcher", "packetizer", "rssi", "srp", "udp", "xilinx"]
