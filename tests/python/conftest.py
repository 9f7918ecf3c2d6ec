"""Options of the Python tests."""

import faulthandler

faulthandler.enable()
