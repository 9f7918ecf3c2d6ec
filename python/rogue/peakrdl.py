"""Registers by the names of a SystemRDL file: the callbacks through which packages that
peakrdl-python has generated read and write. It imports neither such a package nor peakrdl.
"""

from ._impl.peakrdl import Callbacks, callbacks

__all__ = ["Callbacks", "callbacks"]
