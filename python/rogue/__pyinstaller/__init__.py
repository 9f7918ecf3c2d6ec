"""The hook of this package for PyInstaller; the entry point `pyinstaller40`."""

import os


def get_hook_dirs() -> "list[str]":
    """The folder of the hook."""
    return [os.path.dirname(os.path.abspath(__file__))]
