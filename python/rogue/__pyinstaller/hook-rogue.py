"""Lists what no import statement names for PyInstaller: the library, and cffi's part in C."""

from PyInstaller.utils.hooks import collect_dynamic_libs

binaries = collect_dynamic_libs("rogue")
hiddenimports = ["_cffi_backend"]
