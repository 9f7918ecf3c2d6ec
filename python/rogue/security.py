"""Keys by which the two ends of a bridge know each other, and which clients a server accepts."""

from ._impl.curve import CurveClient, CurveKeys, CurveServer

__all__ = ["CurveClient", "CurveKeys", "CurveServer"]
