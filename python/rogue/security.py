"""Keys by which the two ends of a bridge know each other, which clients a server accepts, and what
each of them may do and did."""

from ._impl.access import AccessList
from ._impl.audit import Audit, AuditRecord
from ._impl.curve import CurveClient, CurveKeys, CurveServer

__all__ = ["AccessList", "Audit", "AuditRecord", "CurveClient", "CurveKeys", "CurveServer"]
