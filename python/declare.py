#!/usr/bin/env python3
"""Writes rogue/_impl/declarations.py, the declarations that cffi needs, from the C headers.

    python3 declare.py           write it
    python3 declare.py --check   only check that it matches the headers

The result is committed: neither the installation nor the import of the package parses C.
"""

import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
HEADERS = [HERE.parent / "include" / name for name in ("rogue_mem.h", "rogue_mem_binding.h")]
TARGET = HERE / "rogue" / "_impl" / "declarations.py"
MODULE = "rogue._impl.declarations"


def declarations(header):
    """The part of a header that cffi understands: no comments, no directives but constants."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    text = re.sub(r"^#ifdef __cplusplus\n.*?^#endif", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = []
    for line in text.replace("\\\n", " ").splitlines():
        constant = re.match(r"#define (ROGUE_MEM_\w+) (\d+|UINT32_MAX)$", line)
        if constant:
            value = constant.group(2).replace("UINT32_MAX", "0xFFFFFFFF")
            lines.append("#define %s %s" % (constant.group(1), value))
        elif line.strip() and not line.startswith("#"):
            lines.append(line)
    return "\n".join(lines) + "\n"


def generate():
    """The text of the module."""
    import cffi

    builder = cffi.FFI()
    builder.cdef("".join(declarations(path.read_text(encoding="utf-8")) for path in HEADERS))
    builder.set_source(MODULE, None)
    with tempfile.TemporaryDirectory() as folder:
        return pathlib.Path(builder.compile(tmpdir=folder)).read_text(encoding="utf-8")


def main():
    text = generate()
    if sys.argv[1:] == ["--check"]:
        if TARGET.read_text(encoding="utf-8") != text:
            sys.exit("%s does not match the headers: run python3 declare.py" % TARGET.name)
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
