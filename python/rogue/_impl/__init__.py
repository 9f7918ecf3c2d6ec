"""The implementation over the shared library. Nothing in here is part of the interface."""
