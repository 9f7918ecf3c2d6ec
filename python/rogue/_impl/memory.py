"""The classes that other parts of the package derive from."""

from .hub import Hub
from .master import Master
from .slave import Slave

__all__ = ["Hub", "Master", "Slave"]
