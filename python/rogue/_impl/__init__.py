"""How the package reaches the library. Nothing in here is part of the interface."""
