"""The base classes for other parts of the package."""

from .hub import Hub
from .master import Master
from .slave import Slave

__all__ = ["Hub", "Master", "Slave"]
