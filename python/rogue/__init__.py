"""Register transactions over TCP and SRPv3, wire compatible with SLAC Rogue, and with its names.

``import rogue`` makes every part reachable: ``rogue.interfaces.memory`` (the register bus and its
TCP bridge), ``rogue.interfaces.stream``, ``rogue.protocols.srp`` and the others.
"""

import os as _os
import sys as _sys

_HERE = _os.path.dirname(_os.path.abspath(__file__))


def _refuse_foreign() -> None:
    """Refuses a second package of this name in the process: its modules would mix with ours."""
    for name, module in list(_sys.modules.items()):
        if name != "rogue" and not name.startswith("rogue."):
            continue
        if module is _sys.modules.get(__name__) and name == __name__:
            continue
        place = getattr(module, "__file__", None)
        if place is None or not _os.path.abspath(place).startswith(_HERE + _os.sep):
            raise ImportError(
                "another package called rogue is loaded already (%s from %s), and this one, from "
                "%s, has the same name: only one of the two can be used in one process. Uninstall "
                "one, or put it into another virtual environment" % (name, place, _HERE),
                name=__name__,
            )
    if __name__ != "rogue":
        raise ImportError("this package must be imported as rogue, not as %s" % __name__)


_refuse_foreign()

from . import hardware, interfaces, peakrdl, protocols, security, utilities  # noqa: E402
from ._impl.budget import memoryBudget, memoryHeld, setMemoryBudget  # noqa: E402
from ._impl.logging import Logging  # noqa: E402
from ._impl.native import GeneralError  # noqa: E402
from ._impl.version import Version, rogue_mem_version  # noqa: E402

#: The version of this library; `Version` is that of Rogue's interface.
__version__ = rogue_mem_version()

__all__ = [
    "GeneralError",
    "Logging",
    "Version",
    "hardware",
    "interfaces",
    "memoryBudget",
    "memoryHeld",
    "peakrdl",
    "protocols",
    "rogue_mem_version",
    "security",
    "setMemoryBudget",
    "utilities",
]
