"""Keys by which the two ends of a bridge know each other, which clients a server accepts, and what
each of them may do."""

from ._impl.access import AccessList
from ._impl.curve import CurveClient, CurveKeys, CurveServer

__all__ = ["AccessList", "CurveClient", "CurveKeys", "CurveServer"]
